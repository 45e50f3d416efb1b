//! Whether a response may be stored by a shared cache (RFC 9111 section 3).

use http::header::{self, HeaderMap};
use http::{Method, StatusCode};

use super::directives::Directives;
use super::freshness::is_heuristically_cacheable;

/// Why a response is not stored: the `detail` of `cache-status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Method,
    Status,
    NoStore,
    Private,
    Authorization,
    SetCookie,
    VaryAll,
    NothingSaid,
    TooLarge,
}

impl Refusal {
    /// A short word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Status => "status",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::Authorization => "authorization",
            Self::SetCookie => "set-cookie",
            Self::VaryAll => "vary",
            Self::NothingSaid => "no-lifetime",
            Self::TooLarge => "too-large",
        }
    }
}

/// A request as far as storing cares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
}

/// May the response be stored? `has_lifetime`: explicit freshness, a heuristic, or the route's own default gives it one.
///
/// # Errors
/// The reason why not.
pub(crate) fn check(
    asked: Asked<'_>,
    status: StatusCode,
    headers: &HeaderMap,
    directives: &Directives,
    has_lifetime: bool,
) -> Result<(), Refusal> {
    if asked.method != Method::GET {
        return Err(Refusal::Method);
    }
    // 206 and 304 are no whole responses. A status that this cache does not know may mean anything; only those it knows are
    // stored, so `must-understand` (section 5.2.2.3) is always met.
    let known = status.is_success()
        || status.is_redirection()
        || status.is_client_error()
        || status.is_server_error();
    if !known || matches!(status.as_u16(), 206 | 304) || status.is_informational() {
        return Err(Refusal::Status);
    }
    let understood = is_understood(status);
    if directives.no_store && !(directives.must_understand && understood) {
        return Err(Refusal::NoStore);
    }
    if directives.must_understand && !understood {
        return Err(Refusal::Status);
    }
    if directives.private {
        return Err(Refusal::Private);
    }
    let shared = directives.public || directives.s_maxage.is_some() || directives.targeted;
    if asked.headers.contains_key(header::AUTHORIZATION) && !shared && !directives.must_revalidate {
        return Err(Refusal::Authorization);
    }
    // A cookie is meant for one viewer unless the origin says that the response is for all.
    if headers.contains_key(header::SET_COOKIE) && !shared {
        return Err(Refusal::SetCookie);
    }
    if varies_on_everything(headers) {
        return Err(Refusal::VaryAll);
    }
    let explicit = directives.max_age.is_some()
        || directives.s_maxage.is_some()
        || (!directives.targeted && headers.contains_key(header::EXPIRES));
    let allowed = explicit || directives.public || is_heuristically_cacheable(status);
    let validators =
        headers.contains_key(header::ETAG) || headers.contains_key(header::LAST_MODIFIED);
    // Without a lifetime a copy is of use only when it can be validated.
    if allowed && (has_lifetime || validators) {
        Ok(())
    } else {
        Err(Refusal::NothingSaid)
    }
}

fn varies_on_everything(headers: &HeaderMap) -> bool {
    headers.get_all(header::VARY).iter().any(|value| {
        value
            .to_str()
            .map_or(true, |text| text.split(',').any(|name| name.trim() == "*"))
    })
}

/// Final statuses of RFC 9110 whose caching this cache implements.
fn is_understood(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200 | 203 | 204 | 300 | 301 | 302 | 303 | 307 | 308 | 400..=410 | 414 | 500..=504
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn checked(
        request: &[(HeaderName, &'static str)],
        status: u16,
        response: &[(HeaderName, &'static str)],
    ) -> Result<(), Refusal> {
        let map = |fields: &[(HeaderName, &'static str)]| -> HeaderMap {
            fields
                .iter()
                .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
                .collect()
        };
        let (request, response) = (map(request), map(response));
        let asked = Asked {
            method: &Method::GET,
            headers: &request,
        };
        let directives = Directives::of_response(&response);
        let lifetime = directives.max_age.or(directives.s_maxage).unwrap_or(0) > 0;
        let status = StatusCode::from_u16(status).unwrap();
        check(asked, status, &response, &directives, lifetime)
    }

    #[test]
    fn only_what_is_for_everyone_is_stored() {
        use header::{AUTHORIZATION as AUTH, CACHE_CONTROL as CC, ETAG, SET_COOKIE, VARY};
        for (request, status, response, want) in [
            (vec![], 200, vec![(CC, "max-age=1")], Ok(())),
            (vec![], 200, vec![(ETAG, "\"a\"")], Ok(())),
            (vec![], 200, vec![], Err(Refusal::NothingSaid)),
            (vec![], 500, vec![(CC, "max-age=1")], Ok(())),
            (
                vec![],
                302,
                vec![(ETAG, "\"a\"")],
                Err(Refusal::NothingSaid),
            ),
            (
                vec![],
                200,
                vec![(CC, "max-age=1, no-store")],
                Err(Refusal::NoStore),
            ),
            (
                vec![],
                200,
                vec![(CC, "max-age=1, private=\"x\"")],
                Err(Refusal::Private),
            ),
            (vec![], 206, vec![(CC, "max-age=1")], Err(Refusal::Status)),
            (
                vec![],
                200,
                vec![(CC, "max-age=1"), (VARY, "a, *")],
                Err(Refusal::VaryAll),
            ),
            (
                vec![(AUTH, "x")],
                200,
                vec![(CC, "max-age=1")],
                Err(Refusal::Authorization),
            ),
            (
                vec![(AUTH, "x")],
                200,
                vec![(CC, "max-age=1, public")],
                Ok(()),
            ),
            (vec![(AUTH, "x")], 200, vec![(CC, "s-maxage=1")], Ok(())),
            (
                vec![],
                200,
                vec![(CC, "max-age=1"), (SET_COOKIE, "a=b")],
                Err(Refusal::SetCookie),
            ),
            (
                vec![],
                200,
                vec![(CC, "public, max-age=1"), (SET_COOKIE, "a=b")],
                Ok(()),
            ),
            (
                vec![],
                299,
                vec![(CC, "max-age=1, no-store, must-understand")],
                Err(Refusal::NoStore),
            ),
            (
                vec![],
                200,
                vec![(CC, "max-age=1, no-store, must-understand")],
                Ok(()),
            ),
        ] {
            assert_eq!(
                checked(&request, status, &response),
                want,
                "{status} {response:?}"
            );
        }
    }
}
