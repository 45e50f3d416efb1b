//! What a verified token grants, in one shape for every format: who, until when, and within which limits.

use std::net::IpAddr;

use weir_module::RequestHead;

use crate::client::ClientSource;
use crate::format::media_cdn::url;
use crate::matching::Match;
use crate::network::Network;
use crate::path::NormalPath;
use crate::pattern::PathPattern;
use crate::reason::{Reason, Refused};

/// A request as restrictions see it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The head as it came.
    pub head: &'a RequestHead<'a>,
    /// The normal path, a path token taken off.
    pub path: &'a NormalPath<'a>,
    /// The query without the token.
    pub query: &'a str,
    /// Unix time in seconds.
    pub now: i64,
    /// Where the client's address and place are read from.
    pub client: &'a ClientSource,
}

impl Request<'_> {
    fn address(&self) -> Option<IpAddr> {
        self.client.address(self.head)
    }
}

/// What a verified token says. Everything that limits it is in `restrictions`, so that a new format adds no new check.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grant {
    /// Who issued it.
    pub issuer: Option<String>,
    /// Whom it speaks of: goes on as `weir-subject`.
    pub subject: Option<String>,
    /// The token's own id.
    pub token_id: Option<String>,
    /// The playback session: goes on as `weir-session`.
    pub session: Option<String>,
    /// The subscription tier: goes on as `weir-tier`.
    pub tier: Option<String>,
    /// What the subject may have, each `name` or `name=value`: goes on as `weir-entitlements`.
    pub entitlements: Vec<String>,
    /// From this second on (Unix time).
    pub not_before: Option<i64>,
    /// Until before this second (Unix time).
    pub expires: Option<i64>,
    /// When it was made (Unix time).
    pub issued_at: Option<i64>,
    /// What is put in front of the path that goes on: the token's own place in it.
    pub path_prefix: Option<String>,
    /// All of these must hold.
    pub restrictions: Vec<Restriction>,
    /// What the issuer wants answered when a limit does not hold.
    pub on_failure: Vec<(Reason, FailureAnswer)>,
    /// How often the token may be used.
    pub replay: Replay,
    /// How the token renews itself.
    pub renewal: Option<Box<Renewal>>,
}

/// How often a token may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Replay {
    /// As often as one likes.
    #[default]
    Permitted,
    /// Once, anywhere; needs the shared state.
    Once,
}

/// An answer that the token itself prescribes for a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureAnswer {
    /// The status, 300 to 599.
    pub status: u16,
    /// Headers to add.
    pub headers: Vec<(String, String)>,
}

/// How a token is replaced by one that lasts longer. The new expiry counts from the moment of renewal, never from the old expiry, so that
/// renewing often gains nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Renewal {
    /// How the new token travels.
    pub by: RenewalCarrier,
    /// Seconds that the new token lasts.
    pub lasts: i64,
    /// Seconds before the expiry from which on the token is renewed.
    pub deadline: i64,
    /// The claims of the token, a CBOR map.
    pub claims: crate::cbor::Value,
    /// What it was signed with.
    pub algorithm: crate::signature::Algorithm,
    /// The key's id.
    pub key_id: Option<Vec<u8>>,
    /// The tags that stood in front.
    pub tags: crate::cose::Tags,
}

/// How a renewed token travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenewalCarrier {
    /// In a cookie of this name, with these attributes.
    Cookie(String, Vec<String>),
    /// In a response header of this name, with these parameters.
    Header(String, Vec<String>),
    /// In a redirect to the same URL, with this status.
    Redirect(u16),
}

/// One limit of a token.
#[derive(Debug, Clone, PartialEq)]
pub enum Restriction {
    /// The path must be covered by one of these.
    Paths(Vec<PathPattern>),
    /// The path must be covered by none of these.
    NotPaths(Vec<PathPattern>),
    /// The method must be one of these, in the same letters.
    Methods(Vec<String>),
    /// The client's address must lie in one of these.
    Networks(Vec<Network>),
    /// The client's country (ISO 3166-1 alpha-2, upper case) must be one of these.
    Countries(Vec<String>),
    /// The client's autonomous system must be one of these.
    Asns(Vec<u32>),
    /// The host of `Referer` must be one of these, or below one that begins with `*.`.
    Referrers(Vec<String>),
    /// Every rule about a part of the URI must hold.
    Uri(Vec<(UriPart, Vec<Match>)>),
    /// Some value of the header must fit every rule.
    Header(String, Vec<Match>),
    /// The URL, scheme and host and path, must begin so. A prefix that ends within a segment covers the rest of that segment.
    UrlPrefix(String),
    /// The URL with its query must be covered.
    Url(PathPattern),
    /// The URL with its query must fit.
    WholeUrl(Match),
    /// The token must not run longer than this from now on.
    EndsWithin {
        /// Its expiry (Unix time).
        expires: i64,
        /// How far ahead that may be.
        seconds: i64,
    },
    /// The first rule whose condition holds decides; none decides against.
    FirstRule(Vec<AccessRule>),
    /// Times inside a composition: from, until before.
    Times(Option<i64>, Option<i64>),
    /// Never holds, for this reason.
    Never(Reason),
    /// One of these sets must hold whole.
    Any(Vec<Vec<Restriction>>, Reason),
    /// None of these sets may hold. What cannot be known refuses.
    NoneOf(Vec<Vec<Restriction>>, Reason),
    /// The token must be younger than this.
    MaxAge {
        /// When it was issued (Unix time).
        issued_at: i64,
        /// How old it may be.
        seconds: i64,
        /// Clock difference forgiven.
        skew: i64,
    },
}

/// One rule of a list in which the first that fits decides.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessRule {
    /// When it fits; always when absent.
    pub condition: Option<Restriction>,
    /// What it decides.
    pub allow: bool,
}

/// A part of the request's URI, as CTA-5007 cuts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum UriPart {
    Scheme,
    Host,
    Port,
    Path,
    Query,
    /// The path up to the last slash.
    ParentPath,
    /// What follows the last slash, when it has a dot.
    Filename,
    /// The file name up to its last dot.
    Stem,
    /// The file name from its last dot on.
    Extension,
}

impl UriPart {
    /// The part of this request; none when the host does not tell.
    fn of(self, request: &Request<'_>) -> Option<String> {
        let authority = || {
            request
                .head
                .header_str(":authority")
                .or_else(|| request.head.header_str("host"))
        };
        let path = request.path.encoded();
        let (parent, last) = path.rsplit_once('/').unwrap_or(("", path));
        let filename = if last.contains('.') { last } else { "" };
        let dot = filename.rfind('.').unwrap_or(0);
        Some(match self {
            Self::Scheme => request.head.header_str(":scheme")?.to_ascii_lowercase(),
            Self::Host => split_port(authority()?).0.to_ascii_lowercase(),
            Self::Port => match split_port(authority()?).1 {
                Some(port) => port.to_owned(),
                None if request.head.header_str(":scheme")? == "https" => "443".to_owned(),
                None => "80".to_owned(),
            },
            Self::Path => path.to_owned(),
            Self::Query => request.query.to_owned(),
            Self::ParentPath => parent.to_owned(),
            Self::Filename => filename.to_owned(),
            Self::Stem => filename[..dot].to_owned(),
            Self::Extension => filename[dot..].to_owned(),
        })
    }
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port))
            if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            (host, Some(port))
        }
        _ => (authority, None),
    }
}

impl Grant {
    /// Checks the token's times against the clock, `skew` seconds of difference forgiven.
    ///
    /// # Errors
    /// [`Reason::TokenExpired`], [`Reason::TokenNotYetValid`] (RFC 7519 sections 4.1.4 and 4.1.5).
    pub fn check_times(&self, now: i64, skew: i64) -> Result<(), Refused> {
        if self
            .expires
            .is_some_and(|expires| now >= expires.saturating_add(skew))
        {
            return Err(Reason::TokenExpired.into());
        }
        if self
            .not_before
            .is_some_and(|from| now < from.saturating_sub(skew))
        {
            return Err(Reason::TokenNotYetValid.into());
        }
        Ok(())
    }

    /// Checks everything that depends on the request.
    ///
    /// # Errors
    /// The first limit that does not hold.
    pub fn check(&self, request: &Request<'_>) -> Result<(), Refused> {
        self.restrictions
            .iter()
            .try_for_each(|restriction| restriction.check(request))
    }
}

impl Restriction {
    /// Checks one limit. What the limit needs and the request does not have counts against the request.
    ///
    /// # Errors
    /// The reason that belongs to the kind of limit.
    pub fn check(&self, request: &Request<'_>) -> Result<(), Refused> {
        let (holds, reason) = match self {
            Self::Paths(patterns) => (
                patterns.iter().any(|pattern| pattern.covers(request.path)),
                Reason::PathNotAllowed,
            ),
            Self::NotPaths(patterns) => (
                !patterns.iter().any(|pattern| pattern.covers(request.path)),
                Reason::PathNotAllowed,
            ),
            Self::Methods(methods) => (
                methods.iter().any(|method| method == request.head.method()),
                Reason::MethodNotAllowed,
            ),
            Self::Networks(networks) => {
                let inside = |address| networks.iter().any(|network| network.contains(address));
                (
                    request.address().is_some_and(inside),
                    Reason::AddressNotAllowed,
                )
            }
            Self::Countries(countries) => {
                let country = request.client.country(request.head);
                (
                    country.is_some_and(|country| countries.contains(&country)),
                    Reason::CountryNotAllowed,
                )
            }
            Self::Asns(asns) => (
                request
                    .client
                    .asn(request.head)
                    .is_some_and(|asn| asns.contains(&asn)),
                Reason::AsnNotAllowed,
            ),
            Self::Referrers(hosts) => {
                let host = request.head.header_str("referer").and_then(referrer_host);
                let fits = |host: &str| hosts.iter().any(|rule| host_fits(rule, host));
                (
                    host.is_some_and(|host| fits(&host)),
                    Reason::ReferrerNotAllowed,
                )
            }
            Self::Uri(rules) => {
                let fits = |(part, matches): &(UriPart, Vec<Match>)| {
                    part.of(request)
                        .is_some_and(|text| matches.iter().all(|rule| rule.fits(&text)))
                };
                (rules.iter().all(fits), Reason::PathNotAllowed)
            }
            Self::Header(name, rules) => {
                let fits = |value: &[u8]| {
                    std::str::from_utf8(value)
                        .is_ok_and(|text| rules.iter().all(|rule| rule.fits(text.trim())))
                };
                (
                    request.head.header_all(name).any(fits),
                    Reason::HeaderNotAllowed,
                )
            }
            Self::UrlPrefix(prefix) => {
                let url = url(request.head, request.path, "");
                (
                    url.is_some_and(|url| url.starts_with(prefix.as_str())),
                    Reason::PathNotAllowed,
                )
            }
            Self::Url(pattern) => {
                let url = url(request.head, request.path, request.query);
                (
                    url.is_some_and(|url| pattern.covers_text(&url)),
                    Reason::PathNotAllowed,
                )
            }
            Self::WholeUrl(rule) => {
                let url = url(request.head, request.path, request.query);
                (
                    url.is_some_and(|url| rule.fits(&url)),
                    Reason::PathNotAllowed,
                )
            }
            Self::EndsWithin { expires, seconds } => (
                expires.saturating_sub(request.now) <= *seconds,
                Reason::TokenAgeNotAllowed,
            ),
            Self::FirstRule(rules) => {
                // A rule about what is not known cannot be passed over: it might have blocked.
                let known = |rule: &&AccessRule| {
                    rule.condition
                        .as_ref()
                        .is_none_or(|limit| limit.can_be_known(request))
                };
                let fits = |rule: &&AccessRule| {
                    !known(rule)
                        || rule
                            .condition
                            .as_ref()
                            .is_none_or(|limit| limit.check(request).is_ok())
                };
                (
                    rules
                        .iter()
                        .find(fits)
                        .is_some_and(|rule| known(&rule) && rule.allow),
                    Reason::AddressNotAllowed,
                )
            }
            Self::Times(from, until) => {
                if until.is_some_and(|until| request.now >= until) {
                    (false, Reason::TokenExpired)
                } else {
                    (
                        from.is_none_or(|from| request.now >= from),
                        Reason::TokenNotYetValid,
                    )
                }
            }
            Self::Never(reason) => (false, *reason),
            Self::Any(sets, reason) => {
                let holds = |set: &Vec<Self>| set.iter().all(|limit| limit.check(request).is_ok());
                (sets.iter().any(holds), *reason)
            }
            Self::NoneOf(sets, reason) => {
                let fails = |set: &Vec<Self>| {
                    set.iter().all(|limit| limit.can_be_known(request))
                        && set.iter().any(|limit| limit.check(request).is_err())
                };
                (sets.iter().all(fails), *reason)
            }
            Self::MaxAge {
                issued_at,
                seconds,
                skew,
            } => {
                let age = request.now.saturating_sub(*issued_at);
                (
                    age <= seconds.saturating_add(*skew) && age >= skew.saturating_neg(),
                    Reason::TokenAgeNotAllowed,
                )
            }
        };
        if holds { Ok(()) } else { Err(reason.into()) }
    }
}

impl Restriction {
    /// False when the host does not tell what the limit asks about: a limit that is negated must not hold by ignorance.
    fn can_be_known(&self, request: &Request<'_>) -> bool {
        match self {
            Self::Networks(_) => request.address().is_some(),
            Self::Countries(_) => request.client.country(request.head).is_some(),
            Self::Asns(_) => request.client.asn(request.head).is_some(),
            Self::Uri(rules) => rules.iter().all(|(part, _)| part.of(request).is_some()),
            Self::UrlPrefix(_) | Self::Url(_) | Self::WholeUrl(_) => {
                url(request.head, request.path, "").is_some()
            }
            Self::Any(sets, _) | Self::NoneOf(sets, _) => sets
                .iter()
                .flatten()
                .all(|limit| limit.can_be_known(request)),
            _ => true,
        }
    }
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

fn host_fits(rule: &str, host: &str) -> bool {
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
    fn times_are_half_open() {
        let grant = Grant {
            not_before: Some(100),
            expires: Some(200),
            ..Grant::default()
        };
        let reason = |now, skew| {
            grant
                .check_times(now, skew)
                .err()
                .map(|refused| refused.reason)
        };
        assert_eq!(reason(99, 0), Some(Reason::TokenNotYetValid));
        assert_eq!(reason(100, 0), None);
        assert_eq!(reason(199, 0), None);
        assert_eq!(reason(200, 0), Some(Reason::TokenExpired));
        assert_eq!(reason(204, 5), None);
        assert_eq!(reason(95, 5), None);
        let extreme = Grant {
            not_before: Some(i64::MIN),
            expires: Some(i64::MAX),
            ..Grant::default()
        };
        assert!(extreme.check_times(0, 60).is_ok());
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
