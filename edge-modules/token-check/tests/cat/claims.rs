//! Claims that refuse the token itself.

use super::*;

#[test]
fn claims_that_cannot_be_enforced_refuse_by_name() {
    for (number, name, enforced) in label::ALL {
        // Without `client-headers` nothing tells what some claims are about.
        if enforced != Enforced::Yes {
            let refused = verify(CatRules::default(), &with(vec![(number, 1.into())])).unwrap_err();
            assert_eq!(refused, (Reason::ClaimUnsupported, name.to_owned()));
            // Nor hidden in a composition.
            for composition in [label::OR, label::NOR, label::AND] {
                let sets = Value::Array(vec![
                    map(vec![(number, 1.into())]),
                    map(vec![(label::CATM, texts(&["GET"]))]),
                ]);
                let refused =
                    verify(CatRules::default(), &with(vec![(composition, sets)])).unwrap_err();
                assert_eq!(refused, (Reason::ClaimUnsupported, name.to_owned()));
            }
        }
    }
    assert_eq!(
        verify(CatRules::default(), &with(vec![(999, 1.into())]))
            .unwrap_err()
            .0,
        Reason::ClaimUnsupported
    );
    let lax = CatRules {
        refuse_unknown: false,
        ..CatRules::default()
    };
    assert!(verify(lax.clone(), &with(vec![(999, 1.into())])).is_ok());
    assert!(verify(CatRules::default(), &with(vec![(-70_000, 1.into())])).is_ok());
    for (crit, good) in [
        (vec![label::CATM], true),
        (vec![label::CATM, 999], false),
        (vec![label::CATU], false), // not there
        (vec![label::CATTPK], false),
    ] {
        let list = Value::Array(crit.iter().map(|number| (*number).into()).collect());
        let token = with(vec![
            (label::CRIT, list),
            (label::CATM, texts(&["GET"])),
            (999, 1.into()),
        ]);
        assert_eq!(verify(lax.clone(), &token).is_ok(), good, "{crit:?}");
    }
}

#[test]
fn claims_of_the_wrong_shape_refuse() {
    let tag = |tag, value| Value::Tag(tag, Box::new(value));
    for (number, value, reason) in [
        (label::EXP, "x".into(), Reason::ClaimMalformed),
        (label::EXP, tag(1, NOW.into()), Reason::ClaimMalformed), // RFC 8392 section 2: the tag is left out
        (label::EXP, Value::Float(1e300), Reason::ClaimMalformed),
        (label::EXP, Value::Integer(1 << 70), Reason::ClaimMalformed),
        (label::ISS, 1.into(), Reason::ClaimMalformed),
        (label::CTI, "x".into(), Reason::ClaimMalformed),
        (label::AUD, map(vec![]), Reason::ClaimMalformed),
        (label::CATV, 2.into(), Reason::ClaimUnsupported),
        (label::CATV, "1".into(), Reason::ClaimUnsupported),
        (label::CATM, "GET".into(), Reason::ClaimMalformed),
        (
            label::CATM,
            Value::Array(vec![1.into()]),
            Reason::ClaimMalformed,
        ),
        (label::CATU, Value::Array(vec![]), Reason::ClaimMalformed),
        (
            label::CATU,
            map(vec![(9, map(vec![(0, "x".into())]))]),
            Reason::ClaimMalformed,
        ),
        (
            label::CATU,
            map(vec![(3, map(vec![(5, "x".into())]))]),
            Reason::ClaimMalformed,
        ),
        (
            label::CATU,
            map(vec![(3, map(vec![]))]),
            Reason::ClaimMalformed,
        ),
        (
            label::CATU,
            map(vec![(3, map(vec![(1, 7.into())]))]),
            Reason::ClaimMalformed,
        ),
        (
            label::CATU,
            map(vec![(3, map(vec![(4, "(".into())]))]),
            Reason::ClaimMalformed,
        ),
        (
            label::CATU,
            map(vec![(3, map(vec![(-1, Value::Bytes(vec![1]))]))]),
            Reason::ClaimMalformed,
        ),
        (
            label::CATNIP,
            "not an address".into(),
            Reason::ClaimMalformed,
        ),
        (
            label::CATNIP,
            Value::Array(vec![tag(52, Value::Bytes(vec![1; 5]))]),
            Reason::ClaimMalformed,
        ),
        (
            label::CATNIP,
            Value::Array(vec![tag(
                52,
                Value::Array(vec![33.into(), Value::Bytes(vec![])]),
            )]),
            Reason::ClaimMalformed,
        ),
        (label::CATREPLAY, 3.into(), Reason::ClaimMalformed),
        (
            label::CATH,
            Value::Map(vec![("x-secret".into(), map(vec![(0, "v".into())]))]),
            Reason::ClaimUnsupported,
        ),
        (
            label::CATR,
            map(vec![(0, 9.into()), (1, 60.into())]),
            Reason::ClaimUnsupported,
        ),
        (
            label::CATR,
            map(vec![(0, 1.into())]),
            Reason::ClaimMalformed,
        ),
        (
            label::CATR,
            map(vec![(0, 1.into()), (1, 60.into()), (3, "a b".into())]),
            Reason::ClaimMalformed,
        ),
        (label::OR, Value::Array(vec![]), Reason::ClaimMalformed),
        (
            label::NOR,
            Value::Array(vec![map(vec![(label::CATR, 1.into())])]),
            Reason::ClaimUnsupported,
        ),
    ] {
        let refused =
            verify(CatRules::default(), &with(vec![(number, value.clone())])).unwrap_err();
        assert_eq!(refused.0, reason, "{number} {value:?}");
    }
    // Compositions nest four deep and no deeper.
    let mut nested = map(vec![(label::CATM, texts(&["GET"]))]);
    for depth in 1..8 {
        nested = map(vec![(label::AND, Value::Array(vec![nested]))]);
        let Value::Map(entries) = nested.clone() else {
            unreachable!()
        };
        assert_eq!(
            verify(
                CatRules::default(),
                &with(vec![(label::AND, entries[0].1.clone())])
            )
            .is_ok(),
            depth <= 4,
            "{depth}"
        );
    }
}
