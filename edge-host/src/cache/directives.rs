//! `cache-control` (RFC 9111 section 5.2) and `cdn-cache-control` (RFC 9213).

use http::HeaderMap;
use http::header::{CACHE_CONTROL, HeaderName};

/// The targeted field for caches of this kind (RFC 9213 section 3.1).
pub(crate) const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// Times are seconds; a time that cannot be read counts as 0 (RFC 9111 section 4.2.1 asks to treat such a response as stale).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Directives {
    pub(crate) no_store: bool,
    /// With a list of field names it counts as without one, which is the careful reading.
    pub(crate) no_cache: bool,
    /// As `no_cache`.
    pub(crate) private: bool,
    pub(crate) public: bool,
    pub(crate) must_revalidate: bool,
    pub(crate) proxy_revalidate: bool,
    pub(crate) must_understand: bool,
    pub(crate) only_if_cached: bool,
    pub(crate) max_age: Option<u64>,
    pub(crate) s_maxage: Option<u64>,
    pub(crate) min_fresh: Option<u64>,
    /// `max-stale` without a value is the largest.
    pub(crate) max_stale: Option<u64>,
    /// RFC 5861.
    pub(crate) stale_while_revalidate: Option<u64>,
    /// RFC 5861.
    pub(crate) stale_if_error: Option<u64>,
    /// They came in `cdn-cache-control`, so `expires` does not count.
    pub(crate) targeted: bool,
}

/// No lifetime is longer: 2^31 seconds (RFC 9111 section 1.2.2).
const LONGEST: u64 = 1 << 31;

impl Directives {
    /// The directives of a request.
    pub(crate) fn of_request(headers: &HeaderMap) -> Self {
        let mut directives = Self::plain(headers);
        // RFC 9111 section 5.4: what `pragma: no-cache` means where nothing newer speaks.
        if !headers.contains_key(CACHE_CONTROL)
            && headers.get_all(http::header::PRAGMA).iter().any(|value| {
                value.to_str().is_ok_and(|text| {
                    text.split(',')
                        .any(|word| word.trim().eq_ignore_ascii_case("no-cache"))
                })
            })
        {
            directives.no_cache = true;
        }
        directives
    }

    /// The directives of a response: the targeted field when it is there and can be read, else `cache-control`.
    pub(crate) fn of_response(headers: &HeaderMap) -> Self {
        Self::targeted(headers).unwrap_or_else(|| Self::plain(headers))
    }

    fn plain(headers: &HeaderMap) -> Self {
        let mut directives = Self::default();
        for value in headers.get_all(CACHE_CONTROL) {
            // A value that is not text still may hold a `no-store` that must be seen.
            let text = String::from_utf8_lossy(value.as_bytes());
            for (name, argument) in split(&text) {
                directives.set(&name, argument.as_deref());
            }
        }
        directives
    }

    /// RFC 9213 section 2.2: a structured dictionary; one that cannot be read, or is empty, is ignored.
    fn targeted(headers: &HeaderMap) -> Option<Self> {
        let values: Option<Vec<&str>> = headers
            .get_all(CDN_CACHE_CONTROL)
            .iter()
            .map(|value| value.to_str().ok())
            .collect();
        let text = values.filter(|values| !values.is_empty())?.join(", ");
        let members: sfv::Dictionary = sfv::Parser::new(&text).parse().ok()?;
        if members.is_empty() {
            return None;
        }
        let mut directives = Self {
            targeted: true,
            ..Self::default()
        };
        for (name, member) in &members {
            match member {
                sfv::ListEntry::Item(item) => match &item.bare_item {
                    sfv::BareItem::Boolean(true) => directives.set(name.as_str(), None),
                    sfv::BareItem::Boolean(false) => {}
                    sfv::BareItem::Integer(seconds) => {
                        directives.set(name.as_str(), Some(&i64::from(*seconds).to_string()));
                    }
                    _ => directives.set(name.as_str(), Some("")),
                },
                sfv::ListEntry::InnerList(_) => directives.set(name.as_str(), Some("")),
            }
        }
        Some(directives)
    }

    fn set(&mut self, name: &str, argument: Option<&str>) {
        let first = |slot: &mut Option<u64>| {
            // Of two that contradict each other the first counts (section 4.2.1).
            slot.get_or_insert_with(|| argument.map_or(0, seconds));
        };
        match name {
            "no-store" => self.no_store = true,
            "no-cache" => self.no_cache = true,
            "private" => self.private = true,
            "public" => self.public = true,
            "must-revalidate" => self.must_revalidate = true,
            "proxy-revalidate" => self.proxy_revalidate = true,
            "must-understand" => self.must_understand = true,
            "only-if-cached" => self.only_if_cached = true,
            "max-age" => first(&mut self.max_age),
            "s-maxage" => first(&mut self.s_maxage),
            "min-fresh" => first(&mut self.min_fresh),
            "stale-while-revalidate" => first(&mut self.stale_while_revalidate),
            "stale-if-error" => first(&mut self.stale_if_error),
            "max-stale" => {
                self.max_stale
                    .get_or_insert_with(|| argument.map_or(LONGEST, seconds));
            }
            _ => {}
        }
    }
}

/// `delta-seconds`: digits alone.
fn seconds(argument: &str) -> u64 {
    if argument.is_empty() || !argument.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    argument.parse::<u64>().unwrap_or(LONGEST).min(LONGEST)
}

/// Splits at the commas outside quotes. Names come in lower case; a quoted argument comes without quotes.
fn split(text: &str) -> Vec<(String, Option<String>)> {
    let mut directives = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (mut quoted, mut escaped, mut end) = (false, false, rest.len());
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b',' if !quoted => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        let (directive, after) = rest.split_at(end);
        rest = after.strip_prefix(',').unwrap_or("");
        let (name, argument) = match directive.split_once('=') {
            // White space around `=` is not allowed; such a directive is unknown, not one with an argument.
            Some((name, argument)) => (name.trim_start(), Some(argument.trim_end())),
            None => (directive.trim(), None),
        };
        if name.is_empty() {
            continue;
        }
        let argument = argument.map(|argument| {
            match argument
                .strip_prefix('"')
                .and_then(|inner| inner.strip_suffix('"'))
            {
                Some(inner) => inner.replace('\\', ""),
                None => argument.to_owned(),
            }
        });
        directives.push((name.to_ascii_lowercase(), argument));
    }
    directives
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn response(pairs: &[(&'static str, &'static str)]) -> Directives {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        Directives::of_response(&headers)
    }

    #[test]
    fn reads_the_usual_forms() {
        let read = response(&[("cache-control", "Max-Age=60, PUBLIC ,, s-maxage=\"120\"")]);
        assert_eq!(
            (read.max_age, read.s_maxage, read.public),
            (Some(60), Some(120), true)
        );
        let read = response(&[("cache-control", "no-cache=\"a, no-store\"")]);
        assert!(
            read.no_cache && !read.no_store,
            "a comma in quotes separates nothing"
        );
        let two = response(&[
            ("cache-control", "max-age=1"),
            ("cache-control", "max-age=3600, private"),
        ]);
        assert_eq!((two.max_age, two.private), (Some(1), true));
    }

    #[test]
    fn what_cannot_be_read_is_stale() {
        for bad in [
            "max-age=",
            "max-age=-1",
            "max-age=1.5",
            "max-age=x",
            "max-age=0x10",
            "max-age= 60",
            "max-age",
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(bad));
            assert_eq!(Directives::of_response(&headers).max_age, Some(0), "{bad}");
        }
        assert_eq!(response(&[("cache-control", "max-age =60")]).max_age, None);
        assert_eq!(
            response(&[("cache-control", "max-age=99999999999999999999")]).max_age,
            Some(LONGEST)
        );
    }

    #[test]
    fn the_targeted_field_stands_alone_when_it_can_be_read() {
        let both = [
            ("cdn-cache-control", "max-age=10, stale-if-error=5"),
            ("cache-control", "no-store"),
        ];
        let read = response(&both);
        assert_eq!(
            (read.max_age, read.no_store, read.targeted),
            (Some(10), false, true)
        );
        for broken in ["", "max-age=10,,", "MAX-AGE=10", "&"] {
            let read = response(&[
                ("cdn-cache-control", broken),
                ("cache-control", "max-age=3"),
            ]);
            assert_eq!((read.max_age, read.targeted), (Some(3), false), "{broken}");
        }
        assert_eq!(
            response(&[("cdn-cache-control", "max-age=\"10\"")]).max_age,
            Some(0)
        );
        assert!(!response(&[("cdn-cache-control", "no-store=?0, max-age=1")]).no_store);
    }

    #[test]
    fn pragma_speaks_only_where_cache_control_is_silent() {
        let mut headers = HeaderMap::new();
        headers.insert(
            http::header::PRAGMA,
            HeaderValue::from_static("x, No-Cache"),
        );
        assert!(Directives::of_request(&headers).no_cache);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=1"));
        assert!(!Directives::of_request(&headers).no_cache);
    }
}
