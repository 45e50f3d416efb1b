//! Which call a request is, and whether it may be made.

use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use weir_module::Problem;

use crate::revocation::{Kind, Revocation};

/// The calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `GET …/health`: open to load balancers.
    Health,
    /// `GET …/versions`.
    Versions,
    /// `GET …/revocations`.
    List,
    /// `PUT …/revocations/{kind}/{value}`.
    Revoke(Revocation),
    /// `DELETE …/revocations/{kind}/{value}`.
    Restore(Revocation),
}

impl Route {
    /// Whether the key is needed.
    pub fn needs_key(&self) -> bool {
        !matches!(self, Self::Health)
    }
}

/// Where the endpoint stands.
const BASE: &str = "/_weir/";

/// Reads method and path.
///
/// # Errors
/// 404 for an unknown path, 405 for a wrong method, 400 for a value that cannot be revoked.
pub fn route(method: &str, path: &str) -> Result<Route, Problem> {
    let unknown = || {
        Problem::new(404, "not-found", "There is no such call")
            .detail("see /_weir/health, versions, revocations")
    };
    let rest = path.strip_prefix(BASE).ok_or_else(unknown)?;
    let parts: Vec<&str> = rest.split('/').collect();
    let only = |allowed: &[&str]| -> Result<(), Problem> {
        if allowed.contains(&method) {
            return Ok(());
        }
        Err(
            Problem::new(405, "method-not-allowed", "The method is not allowed here")
                .detail(format!("use {}", allowed.join(" or "))),
        )
    };
    match parts.as_slice() {
        ["health"] => only(&["GET", "HEAD"]).map(|()| Route::Health),
        ["versions"] => only(&["GET", "HEAD"]).map(|()| Route::Versions),
        ["revocations"] => only(&["GET", "HEAD"]).map(|()| Route::List),
        ["revocations", kind, value] => {
            only(&["PUT", "DELETE"])?;
            let entry = entry(kind, value)?;
            Ok(if method == "PUT" {
                Route::Revoke(entry)
            } else {
                Route::Restore(entry)
            })
        }
        _ => Err(unknown()),
    }
}

fn entry(kind: &str, value: &str) -> Result<Revocation, Problem> {
    let bad = |detail: String| {
        Problem::new(400, "bad-revocation", "This cannot be revoked").detail(detail)
    };
    let kind =
        Kind::parse(kind).ok_or_else(|| bad("the kind is subject, session or token".to_owned()))?;
    let value = percent_decode_str(value)
        .decode_utf8()
        .map_err(|_| bad("the value is not UTF-8".to_owned()))?;
    Revocation::new(kind, &value).map_err(bad)
}

/// Whether `authorization` carries the operator's key (RFC 6750 section 2.1). Compared by digest, in constant time. An unset or
/// short key admits nobody.
pub fn authorised(authorization: Option<&str>, key: &str) -> bool {
    if key.len() < 16 {
        return false;
    }
    let Some((scheme, given)) = authorization.and_then(|value| value.split_once(' ')) else {
        return false;
    };
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    scheme.eq_ignore_ascii_case("bearer") && bool::from(digest(given.trim()).ct_eq(&digest(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_found_and_nothing_else() {
        let ada = || Revocation::new(Kind::Subject, "ada/1").unwrap();
        assert_eq!(route("GET", "/_weir/health").unwrap(), Route::Health);
        assert_eq!(route("HEAD", "/_weir/versions").unwrap(), Route::Versions);
        assert_eq!(route("GET", "/_weir/revocations").unwrap(), Route::List);
        assert_eq!(
            route("PUT", "/_weir/revocations/subject/ada%2F1").unwrap(),
            Route::Revoke(ada())
        );
        assert_eq!(
            route("DELETE", "/_weir/revocations/subject/ada%2F1").unwrap(),
            Route::Restore(ada())
        );
        for (method, path, status) in [
            ("GET", "/other", 404),
            ("GET", "/_weir/revocations/subject", 404),
            ("POST", "/_weir/health", 405),
            ("GET", "/_weir/revocations/subject/ada", 405),
            ("PUT", "/_weir/revocations/user/ada", 400),
            ("PUT", "/_weir/revocations/subject/%ff", 400),
            ("PUT", "/_weir/revocations/subject/", 400),
        ] {
            assert_eq!(
                route(method, path).unwrap_err().status(),
                status,
                "{method} {path}"
            );
        }
    }

    #[test]
    fn the_key_opens_and_nothing_else_does() {
        let key = "0123456789abcdef";
        assert!(authorised(Some("Bearer 0123456789abcdef"), key));
        assert!(authorised(Some("bearer  0123456789abcdef "), key));
        for wrong in [
            None,
            Some("Bearer"),
            Some("Bearer x"),
            Some("Basic 0123456789abcdef"),
            Some("0123456789abcdef"),
        ] {
            assert!(!authorised(wrong, key), "{wrong:?}");
        }
        assert!(
            !authorised(Some("Bearer "), ""),
            "an unset key admits nobody"
        );
        assert!(!authorised(Some("Bearer short"), "short"));
    }
}
