//! Playback tokens that this origin checks itself, with the code of the edge: where keys are asked for.

use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode};
use token_check::format::Verifier;
use token_check::format::jwt::{Jwt, JwtRules};
use token_check::grant::Grant;
use token_check::keys::KeySet;
use token_check::path::NormalPath;
use token_check::restriction::Restriction;

use super::App;
use super::authorize::bearer;
use super::problem::Problem;

/// A request as tokens see it.
pub(super) struct Viewer<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) headers: &'a HeaderMap,
    pub(super) address: IpAddr,
}

/// Lets a request with a good token of this origin pass; the token stands in the query or in `Authorization`.
pub(super) fn admit(app: &App, viewer: &Viewer<'_>) -> Result<(), Problem> {
    let in_query = parameter(viewer.query, &app.config.playback.parameter);
    let Some(token) = in_query.or_else(|| bearer(viewer.headers)) else {
        app.metrics.refused("token-missing");
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "token-missing",
            "This needs a playback token",
        )
        .with_detail(
            "add the token of the playback URL to the query, or send it as `Authorization: Bearer`",
        ));
    };
    let allowed = grant_of(app, token).and_then(|grant| check(&grant, viewer));
    allowed.map_err(|reason| {
        app.metrics.refused("token-refused");
        Problem::new(
            StatusCode::FORBIDDEN,
            "token-refused",
            "The playback token does not allow this",
        )
        .with_detail(reason)
    })
}

fn grant_of(app: &App, token: &str) -> Result<Grant, String> {
    let settings = &app.config.playback;
    let verifier = Jwt::new(JwtRules {
        issuers: vec![settings.issuer.clone()],
        audiences: Some(settings.audience.clone())
            .filter(|audience| !audience.is_empty())
            .into_iter()
            .collect(),
        ..JwtRules::default()
    });
    let keys = KeySet::new(app.signing_keys.verifying(), false);
    let grant = verifier
        .verify(token, &keys)
        .map_err(|refused| refused.reason.to_string())?;
    grant
        .check_times(jiff::Timestamp::now().as_second(), 0)
        .map_err(|refused| refused.reason.to_string())?;
    Ok(grant)
}

/// Holds the token's limits against the request. A limit that only the edge can check refuses.
fn check(grant: &Grant, viewer: &Viewer<'_>) -> Result<(), String> {
    let path = NormalPath::new(viewer.path).map_err(|_| "path-not-allowed".to_owned())?;
    for restriction in &grant.restrictions {
        let (holds, reason) = match restriction {
            Restriction::Paths(patterns) => (
                patterns.iter().any(|pattern| pattern.covers(&path)),
                "path-not-allowed",
            ),
            Restriction::NotPaths(patterns) => (
                !patterns.iter().any(|pattern| pattern.covers(&path)),
                "path-not-allowed",
            ),
            Restriction::Methods(methods) => (
                methods.iter().any(|method| method == viewer.method),
                "method-not-allowed",
            ),
            Restriction::Networks(networks) => (
                networks
                    .iter()
                    .any(|network| network.contains(viewer.address)),
                "network-not-allowed",
            ),
            _ => (
                false,
                "a limit of the token can be checked at the edge only",
            ),
        };
        if !holds {
            return Err(reason.to_owned());
        }
    }
    Ok(())
}

/// A parameter of a query. Tokens have only characters that stand for themselves (RFC 7515, 3.1).
fn parameter<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    query?.split('&').find_map(|pair| {
        let (own, value) = pair.split_once('=')?;
        (own == name && !value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use token_check::network::Network;
    use token_check::pattern::{Dialect, PathPattern};

    #[test]
    fn limits_hold_or_refuse() {
        let headers = HeaderMap::new();
        let viewer = |path: &'static str, method: &'static str| Viewer {
            method,
            path,
            query: None,
            headers: &headers,
            address: IpAddr::from([192, 0, 2, 7]),
        };
        let grant = |restriction| Grant {
            restrictions: vec![restriction],
            ..Grant::default()
        };
        let pattern = PathPattern::new("/vod/a/", Dialect::Segments).expect("a pattern");
        let paths = grant(Restriction::Paths(vec![pattern]));
        assert!(check(&paths, &viewer("/vod/a/keys/b", "GET")).is_ok());
        assert!(check(&paths, &viewer("/vod/b/keys/b", "GET")).is_err());
        assert!(check(&paths, &viewer("/vod/a/../b/keys/b", "GET")).is_err());
        let methods = grant(Restriction::Methods(vec!["GET".to_owned()]));
        assert!(check(&methods, &viewer("/a", "GET")).is_ok());
        assert!(check(&methods, &viewer("/a", "POST")).is_err());
        let network = Network::new(IpAddr::from([192, 0, 2, 0]), 24).expect("a network");
        assert!(
            check(
                &grant(Restriction::Networks(vec![network])),
                &viewer("/a", "GET")
            )
            .is_ok()
        );
        let countries = grant(Restriction::Countries(vec!["DE".to_owned()]));
        assert!(
            check(&countries, &viewer("/a", "GET")).is_err(),
            "nobody here knows the country"
        );
        assert_eq!(parameter(Some("a=1&token=x"), "token"), Some("x"));
        assert_eq!(parameter(Some("token="), "token"), None);
    }
}
