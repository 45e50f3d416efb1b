//! Bunny: BunnyWay/BunnyCDN.TokenAuthentication, e2e/vectors.json and inputs.json (MIT), re-typed.

use super::*;

const BUNNY: &str =
    "[[keys]]\nsecret = \"SecurityKey\"\nallow-short = true\n[formats.bunny]\ntype = \"bunny\"\n";
const BUNNY_EXPIRES: i64 = 1_598_024_587;
const V6: &str = "2001:db8:85a3::8a2e:370:7334";

/// Target, client address, country, minted from.
fn bunny_vectors() -> Vec<(&'static str, &'static str, &'static str, BunnyClaims)> {
    let base = || BunnyClaims {
        path: "/300kb.jpg".to_owned(),
        expires: BUNNY_EXPIRES,
        ..BunnyClaims::default()
    };
    let some = |text: &str| Some(text.to_owned());
    let v4 = || Some("1.2.3.4".parse().unwrap());
    let v6 = || Some(V6.parse().unwrap());
    let abc = || BunnyClaims {
        path: "/abc/".to_owned(),
        in_path: true,
        ..base()
    };
    let file = || BunnyClaims {
        path: "/abc/300kb.jpg".to_owned(),
        token_path: some("/abc"),
        ..base()
    };
    vec![
        (
            "/300kb.jpg?token=HS256-o10JRWlsAItyAsdKS6jJKjabHN4FrFsplDHPV1idcX4&expires=1598024587",
            "1.2.3.4",
            "US",
            base(),
        ),
        (
            "/300kb.jpg?token=HS256-i5s3Uv7mnrFfN5nznwU2BxhILpnipYeE18TapV0WNFM&token_countries=CA%2CUS&expires=1598024587",
            "1.2.3.4",
            "CA",
            BunnyClaims {
                countries: some("CA,US"),
                ..base()
            },
        ),
        (
            "/300kb.jpg?token=HS256-JS8dSuBSjSH-W2-xhdkCPC36-2rlxfDCQJjlNMPqKZQ&token_countries_blocked=RU%2CCN&expires=1598024587",
            "1.2.3.4",
            "US",
            BunnyClaims {
                countries_blocked: some("RU,CN"),
                ..base()
            },
        ),
        (
            "/abc/300kb.jpg?token=HS256-uVZvT3SbEoVKYJyDJgbcsDmSFf73cv-uNUVaJiKWpbQ&token_path=%2Fabc&expires=1598024587",
            "1.2.3.4",
            "US",
            file(),
        ),
        (
            "/300kb.jpg?token=HS256-1lwWBD_c1IAGSj1UKPoxreu8ePDQ-Z9FoWLcRn_RRH0&token_ignore_params=true&expires=1598024587",
            "1.2.3.4",
            "US",
            BunnyClaims {
                ignore_parameters: true,
                ..base()
            },
        ),
        (
            "/300kb.jpg?token=HS256-DAVapqNNED3Z7JkjRTYX0UOIHNtbHEuuhRNEc4A7mMQ&limit=1000&expires=1598024587",
            "1.2.3.4",
            "US",
            BunnyClaims {
                limit: Some(1000),
                ..base()
            },
        ),
        (
            "/300kb.jpg?token=HS256-1-L2rISTLcujMY9UFf2tbZ41d5i-Bme1g1oTK_Z2QMLJk&expires=1598024587",
            "1.2.3.4",
            "US",
            BunnyClaims {
                address: v4(),
                ..base()
            },
        ),
        (
            "/300kb.jpg?token=HS256-1-Z1BaGdhTZdU4iANcyKpurFR2VgCNdqC6hlBv5x_TyaI&expires=1598024587",
            V6,
            "US",
            BunnyClaims {
                address: v6(),
                ..base()
            },
        ),
        (
            "/bcdn_token=HS256-1-4lIDGI2_t3wiTmopXzB7z71wtZKTe1Ic0lDlL72iAJw&token_countries=CA%2CUS&expires=1598024587/abc/",
            "1.2.3.4",
            "CA",
            BunnyClaims {
                address: v4(),
                countries: some("CA,US"),
                ..abc()
            },
        ),
        (
            "/bcdn_token=HS256-1-LGpoP8i1bV4P1kN4NrO_iYxLJuLAD2R3Clstsy9kWAc&token_countries=CA%2CUS&expires=1598024587/abc/",
            V6,
            "US",
            BunnyClaims {
                address: v6(),
                countries: some("CA,US"),
                ..abc()
            },
        ),
        (
            "/bcdn_token=HS256-1-X01Z6A9xAo1_ds1XFf9y8gAIzk_JpmoevOx7EtgMQhY&limit=5000&expires=1598024587/abc/",
            "1.2.3.4",
            "US",
            BunnyClaims {
                address: v4(),
                limit: Some(5000),
                ..abc()
            },
        ),
        (
            "/abc/300kb.jpg?token=HS256-1-wag9tC0r1QWfg-2eMj5QcdzgPLCIdQb-D0WVU1Mhg2w&token_path=%2Fabc&expires=1598024587",
            "1.2.3.4",
            "US",
            BunnyClaims {
                address: v4(),
                ..file()
            },
        ),
        (
            "/300kb.jpg?token=HS256-1-rWalmQRJ-A_qrb08-JoeU3b-gOS5mJiJjPOfDWa0gsQ&token_ignore_params=true&expires=1598024587",
            "1.2.3.4",
            "US",
            BunnyClaims {
                address: v4(),
                ignore_parameters: true,
                ..base()
            },
        ),
        (
            "/300kb.jpg?token=HS256-1-myF6Rnz7Z9VAfAjjkyUHJQ_6gr-AJ7VyPsG5rQdQKm8&token_countries_blocked=RU%2CCN&expires=1598024587",
            "1.2.3.4",
            "US",
            BunnyClaims {
                address: v4(),
                countries_blocked: some("RU,CN"),
                ..base()
            },
        ),
        (
            "/300kb.jpg?token=HS256-1-XGkCf_JKNfOrpWAM_CIYjZBbVHbB4U1mxHg8pXJtBNc&token_countries_blocked=RU%2CCN&expires=1598024587",
            V6,
            "US",
            BunnyClaims {
                address: v6(),
                countries_blocked: some("RU,CN"),
                ..base()
            },
        ),
    ]
}

#[test]
fn bunny_vectors_hold_and_are_minted_alike() {
    let minter = Minter::with_short_secret(b"SecurityKey").unwrap();
    for (target, address, country, claims) in bunny_vectors() {
        assert_eq!(minter.bunny(&claims).unwrap(), target);
        let edge = || {
            Edge::new(BUNNY, BUNNY_EXPIRES - 1)
                .with("weir-client-ip", address)
                .with("weir-country", country)
        };
        assert_eq!(edge().get(target), Ok(claims.path.clone()), "{target}");
        let mut late = edge();
        late.now = BUNNY_EXPIRES;
        assert_eq!(late.get(target), no("token-expired"));
        let longer = target.replace("expires=1598024587", "expires=1598024588");
        assert_eq!(edge().get(&longer), no("signature-invalid"), "{longer}");
        if claims.address.is_some() {
            assert_eq!(
                edge().with("weir-client-ip", "5.6.7.8").get(target),
                no("signature-invalid")
            );
            let neighbour = edge()
                .with("weir-client-ip", "2001:db8:85a3::1")
                .get(target);
            assert_eq!(neighbour.is_ok(), address == V6, "one household is one /64");
        }
        if claims.countries.is_some() {
            assert_eq!(
                edge().with("weir-country", "FR").get(target),
                no("country-not-allowed")
            );
            let without = target.replace("&token_countries=CA%2CUS", "");
            assert_eq!(edge().get(&without), no("signature-invalid"));
        }
        if claims.countries_blocked.is_some() {
            assert_eq!(
                edge().with("weir-country", "RU").get(target),
                no("country-not-allowed")
            );
            let mut unknown = edge();
            unknown.headers.retain(|(name, _)| name != "weir-country");
            assert_eq!(unknown.get(target), no("country-not-allowed"));
        }
    }
    // rust/src/lib.rs of the same repository, with_ip_address: an older generator's text form.
    let text =
        "/300kb.jpg?token=HS256-0A9FRzMI9ACT-5VKMPbJf7g8f7UHavqjBH1Z8HljoEk&expires=1598024587";
    let at = |address| Edge::new(BUNNY, BUNNY_EXPIRES - 1).with("weir-client-ip", address);
    assert_eq!(at("1.2.3.4").get(text), Ok("/300kb.jpg".to_owned()));
    assert_eq!(at("1.2.3.5").get(text), no("signature-invalid"));
    let (target, ..) = bunny_vectors().swap_remove(3);
    let mut edge = Edge::new(BUNNY, BUNNY_EXPIRES - 1);
    edge.get(target).unwrap();
    assert_eq!(
        edge.get(&target.replace("/abc/300kb.jpg", "/abc/x/y.ts")),
        Ok("/abc/x/y.ts".to_owned())
    );
    assert_eq!(
        edge.get(&target.replace("/abc/300kb.jpg", "/abcd/x")),
        no("path-not-allowed")
    );
    assert_eq!(
        edge.get(&target.replace("/abc/300kb.jpg", "/abc/../x")),
        no("path-not-allowed")
    );
    // A parameter that was not signed breaks the signature, unless the token says to ignore them.
    assert_eq!(
        edge.get(&format!("{}&v=1", bunny_vectors()[0].0)),
        no("signature-invalid")
    );
    assert_eq!(
        edge.get(&format!("{}&v=1", bunny_vectors()[4].0)),
        Ok("/300kb.jpg?v=1".to_owned())
    );
    assert_eq!(
        edge.get(&format!("{}&expires=1598024588", bunny_vectors()[0].0)),
        no("token-malformed")
    );
    assert_eq!(
        edge.get(&format!("{}&token_countries=DE", bunny_vectors()[4].0)),
        Ok("/300kb.jpg".to_owned())
    );
}
