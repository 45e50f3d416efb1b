//! URLs: the request's own in every spelling that a token may be about, and the host of a referrer.

use std::borrow::Cow;

use weir_module::RequestHead;

use crate::format::origin;
use crate::path::{as_asked, normal_encodings};
use crate::restriction::Request;

/// The URL of a request as `URLPrefix` and CloudFront's `Resource` see it.
pub(crate) fn url(head: &RequestHead<'_>, path: &str, query: &str) -> Option<String> {
    let origin = Some(origin(head)).filter(|origin| !origin.is_empty())?;
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{query}")
    };
    Some(format!("{origin}{path}{query}"))
}

/// True when the URL of a request with this query fits, in the normal form or as it was asked for, where that is another spelling of it.
/// None when the host does not tell the URL.
pub(crate) fn fits(
    request: &Request<'_>,
    query: &str,
    fits: &dyn Fn(&str) -> bool,
) -> Option<bool> {
    let normal = url(request.head, request.path.encoded(), query)?;
    let asked = || url(request.head, as_asked(request.head, request.path)?, query);
    Some(fits(&normal) || asked().is_some_and(|asked| fits(&asked)))
}

/// A URL as RFC 3986 section 6.2 compares it. The path was made normal before.
pub(crate) fn comparable(url: &str) -> String {
    without_default_port(&normal_encodings(url)).into_owned()
}

/// RFC 3986 section 6.2.3: a port that the scheme stands for is not written.
fn without_default_port(url: &str) -> Cow<'_, str> {
    for (scheme, port) in [("https://", ":443"), ("http://", ":80")] {
        if let Some(rest) = url.strip_prefix(scheme) {
            let end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            if let Some(host) = authority.strip_suffix(port) {
                return Cow::Owned([scheme, host, path].concat());
            }
        }
    }
    Cow::Borrowed(url)
}

/// The host of an absolute `http` or `https` URL, in lower case, without port and user information.
pub(crate) fn referrer_host(url: &str) -> Option<String> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    // A browser takes `\` for `/` here (WHATWG URL), so it ends the authority too.
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(literal) => literal.split_once(']')?.0,
        None => host.split_once(':').map_or(host, |(host, _)| host),
    };
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

/// True when a host is the one of a rule, or below one that begins with `*.`.
pub(crate) fn host_fits(rule: &str, host: &str) -> bool {
    match rule.strip_prefix("*.") {
        Some(parent) => host
            .strip_suffix(parent)
            .is_some_and(|rest| rest.ends_with('.') && rest.len() > 1),
        None => rule == host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_the_scheme_stands_for_is_left_out() {
        for (url, normal) in [
            ("https://a.example:443/x:443", "https://a.example/x:443"),
            ("http://a.example:80/", "http://a.example/"),
            ("https://a.example:80/", "https://a.example:80/"),
            ("https://[2001:db8::443]/", "https://[2001:db8::443]/"),
        ] {
            assert_eq!(without_default_port(url), normal, "{url}");
        }
    }

    #[test]
    fn referrer_hosts() {
        for (url, host) in [
            ("https://A.example/x", Some("a.example")),
            ("http://a.example:8080?x", Some("a.example")),
            ("https://evil.example\\@a.example/", Some("evil.example")),
            ("https://a.example@evil.example/", Some("evil.example")),
            ("https://[2001:db8::1]:443/", Some("2001:db8::1")),
            ("ftp://a.example", None),
            ("a.example", None),
            ("https:///x", None),
        ] {
            assert_eq!(referrer_host(url).as_deref(), host, "{url}");
        }
        assert!(host_fits("*.example.com", "a.example.com"));
        assert!(!host_fits("*.example.com", "example.com"));
        assert!(!host_fits("*.example.com", "evilexample.com"));
        assert!(!host_fits("*.example.com", ".example.com"));
    }
}
