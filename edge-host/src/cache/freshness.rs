//! How long a response is fresh and how old it is (RFC 9111 section 4.2), and how long it may be served stale (RFC 5861).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::directives::Directives;
use crate::config::RouteCache;

/// A share of the time since the last change (section 4.2.2 names 10 % as typical).
const HEURISTIC_SHARE: u32 = 10;
/// The longest heuristic lifetime.
const HEURISTIC_MAX: Duration = Duration::from_secs(86_400);

/// When a response stops being fresh, and what may happen then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Freshness {
    /// How old it was when it arrived.
    pub(crate) initial_age: Duration,
    /// When it arrived.
    pub(crate) arrived: SystemTime,
    /// How long it is fresh, from its making.
    pub(crate) lifetime: Duration,
    /// How long after that it may be served while a new copy is fetched.
    pub(crate) stale_while_revalidate: Duration,
    /// How long after that it may be served when the origin fails.
    pub(crate) stale_if_error: Duration,
    /// It must be asked for every time.
    pub(crate) always_ask: bool,
    /// The origin forbids that it is served stale, whatever the client accepts.
    pub(crate) never_stale: bool,
}

impl Freshness {
    /// Works out a response's freshness. `asked` and `arrived` are the times of request and response.
    pub(crate) fn of(
        status: StatusCode,
        headers: &HeaderMap,
        directives: &Directives,
        policy: &RouteCache,
        asked: SystemTime,
        arrived: SystemTime,
    ) -> Self {
        let date = date(headers, &header::DATE).unwrap_or(arrived);
        let lifetime = explicit_lifetime(headers, directives, date)
            .unwrap_or_else(|| implicit_lifetime(status, headers, policy, date));
        let forbidden = directives.must_revalidate
            || directives.proxy_revalidate
            // Section 5.2.2.10: `s-maxage` includes `proxy-revalidate`.
            || (directives.s_maxage.is_some() && !directives.targeted)
            || directives.no_cache;
        let stale = |own: Option<u64>, default: Duration| match own {
            _ if forbidden => Duration::ZERO,
            Some(seconds) => Duration::from_secs(seconds),
            None => default,
        };
        Self {
            initial_age: initial_age(headers, date, asked, arrived),
            arrived,
            lifetime,
            stale_while_revalidate: stale(
                directives.stale_while_revalidate,
                policy.stale_while_revalidate.get(),
            ),
            stale_if_error: stale(directives.stale_if_error, policy.stale_if_error.get()),
            always_ask: directives.no_cache,
            never_stale: forbidden,
        }
    }

    /// `current_age` (section 4.2.3).
    pub(crate) fn age(&self, now: SystemTime) -> Duration {
        let resident = now.duration_since(self.arrived).unwrap_or_default();
        self.initial_age + resident
    }

    /// How long it is still fresh; none when it is stale.
    pub(crate) fn left(&self, now: SystemTime) -> Option<Duration> {
        self.lifetime
            .checked_sub(self.age(now))
            .filter(|left| !left.is_zero())
    }

    /// How long it has been stale.
    pub(crate) fn staleness(&self, now: SystemTime) -> Duration {
        self.age(now).saturating_sub(self.lifetime)
    }
}

fn explicit_lifetime(
    headers: &HeaderMap,
    directives: &Directives,
    date: SystemTime,
) -> Option<Duration> {
    if let Some(seconds) = directives.s_maxage.or(directives.max_age) {
        return Some(Duration::from_secs(seconds));
    }
    if directives.targeted || !headers.contains_key(header::EXPIRES) {
        return None;
    }
    // An invalid date, `0` above all, is in the past (section 5.3).
    let expires = self::date(headers, &header::EXPIRES);
    Some(
        expires
            .and_then(|expires| expires.duration_since(date).ok())
            .unwrap_or_default(),
    )
}

fn implicit_lifetime(
    status: StatusCode,
    headers: &HeaderMap,
    policy: &RouteCache,
    made: SystemTime,
) -> Duration {
    match (status.as_u16(), policy.default_ttl) {
        (404 | 410, _) => policy.negative_ttl.get(),
        (200, Some(ttl)) => ttl.get(),
        _ if is_heuristically_cacheable(status) => date(headers, &header::LAST_MODIFIED)
            .and_then(|changed| made.duration_since(changed).ok())
            .map(|since| (since / HEURISTIC_SHARE).min(HEURISTIC_MAX))
            .unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

/// RFC 9110 section 15.1, less 206, which this cache does not store.
pub(crate) fn is_heuristically_cacheable(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501
    )
}

/// `corrected_initial_age` (section 4.2.3).
fn initial_age(
    headers: &HeaderMap,
    date: SystemTime,
    asked: SystemTime,
    arrived: SystemTime,
) -> Duration {
    // Dates are whole seconds: what is less is the clock's grain, not age.
    let apparent = arrived.duration_since(date).unwrap_or_default();
    let apparent = Duration::from_secs(apparent.as_secs());
    let said = said_age(headers);
    let delay = arrived.duration_since(asked).unwrap_or_default();
    let corrected = if said.is_zero() { said } else { said + delay };
    apparent.max(corrected)
}

/// `age`. Of a list the first member counts (section 5.1). A field that stands twice or is no number hides an age, so the
/// response counts as old: never wrong, if sometimes slow.
fn said_age(headers: &HeaderMap) -> Duration {
    const OLD: Duration = Duration::from_secs(1 << 31);
    let mut values = headers.get_all(header::AGE).iter();
    let Some(value) = values.next() else {
        return Duration::ZERO;
    };
    if values.next().is_some() {
        return OLD;
    }
    value
        .to_str()
        .ok()
        .and_then(|text| text.split(',').next())
        .map(str::trim)
        .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(OLD, |digits| {
            digits
                .parse()
                .map_or(OLD, |seconds: u64| Duration::from_secs(seconds).min(OLD))
        })
}

/// A field that is one HTTP date.
pub(crate) fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?.trim()).ok()
}

/// A value that is an HTTP date, as Unix seconds.
pub(crate) fn date_of(value: &HeaderValue) -> Option<u64> {
    let date = httpdate::parse_http_date(value.to_str().ok()?.trim()).ok()?;
    Some(date.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARRIVED: Duration = Duration::from_secs(1_700_000_000);

    fn freshness(status: u16, fields: &[(HeaderName, &str)]) -> Freshness {
        let arrived = UNIX_EPOCH + ARRIVED;
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let value = match value.strip_prefix("now") {
                Some(offset) => {
                    let offset: i64 = offset.parse().unwrap_or(0);
                    let at = ARRIVED.as_secs().checked_add_signed(offset).unwrap();
                    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(at))
                }
                None => (*value).to_owned(),
            };
            headers.append(name, HeaderValue::try_from(value).unwrap());
        }
        let directives = Directives::of_response(&headers);
        let status = StatusCode::from_u16(status).unwrap();
        let policy = RouteCache::default();
        Freshness::of(status, &headers, &directives, &policy, arrived, arrived)
    }

    #[test]
    fn the_most_specific_lifetime_counts() {
        use header::{CACHE_CONTROL, DATE, EXPIRES, LAST_MODIFIED};
        for (fields, want) in [
            (
                vec![
                    (CACHE_CONTROL, "s-maxage=3, max-age=2"),
                    (DATE, "now"),
                    (EXPIRES, "now+9"),
                ],
                3,
            ),
            (vec![(CACHE_CONTROL, "max-age=2"), (EXPIRES, "now+9")], 2),
            (vec![(DATE, "now"), (EXPIRES, "now+9")], 9),
            (vec![(DATE, "now-10"), (EXPIRES, "now")], 10),
            (vec![(EXPIRES, "0"), (LAST_MODIFIED, "now-1000")], 0),
            (vec![(DATE, "now"), (LAST_MODIFIED, "now-1000")], 100),
            (
                vec![(DATE, "now"), (LAST_MODIFIED, "now-100000000")],
                86_400,
            ),
            (vec![], 0),
        ] {
            assert_eq!(
                freshness(200, &fields).lifetime.as_secs(),
                want,
                "{fields:?}"
            );
        }
        let found = freshness(302, &[(LAST_MODIFIED, "now-1000")]);
        assert_eq!(found.lifetime, Duration::ZERO);
        assert_eq!(freshness(404, &[]).lifetime, Duration::from_secs(1));
    }

    #[test]
    fn age_counts_from_the_making() {
        use header::{AGE, CACHE_CONTROL, DATE};
        let max_age = (CACHE_CONTROL, "max-age=60");
        let found = freshness(200, &[max_age.clone(), (AGE, "50"), (DATE, "now-20")]);
        let arrived = UNIX_EPOCH + ARRIVED;
        assert_eq!(found.age(arrived + Duration::from_secs(5)).as_secs(), 55);
        assert!(found.left(arrived + Duration::from_secs(9)).is_some());
        assert!(found.left(arrived + Duration::from_secs(10)).is_none());
        let drifted = freshness(200, &[max_age, (DATE, "now-70")]);
        assert!(drifted.left(arrived).is_none());
    }

    #[test]
    fn stale_only_where_it_is_allowed() {
        use header::CACHE_CONTROL;
        let own = "max-age=1, stale-while-revalidate=5, stale-if-error=7";
        let own = freshness(200, &[(CACHE_CONTROL, own)]);
        assert_eq!(own.stale_while_revalidate.as_secs(), 5);
        assert_eq!(own.stale_if_error.as_secs(), 7);
        for strict in [
            "max-age=1, must-revalidate",
            "s-maxage=1",
            "max-age=1, proxy-revalidate",
        ] {
            let found = freshness(200, &[(CACHE_CONTROL, strict)]);
            assert_eq!(found.stale_if_error, Duration::ZERO, "{strict}");
        }
    }
}
