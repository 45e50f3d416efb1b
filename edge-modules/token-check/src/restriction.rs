//! One limit of a token, and whether a request keeps it.

use std::net::IpAddr;

use weir_module::RequestHead;

use crate::client::{self, ClientSource};
use crate::earth::Point;
use crate::matching::Match;
use crate::network::Network;
use crate::path::NormalPath;
use crate::pattern::PathPattern;
use crate::reason::{Reason, Refused};
use crate::surroundings::Surroundings;
use crate::uri_part::UriPart;
use crate::url::{self, comparable, host_fits, referrer_host};

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
    /// Which headers tell more about the client.
    pub surroundings: &'a Surroundings,
}

impl Request<'_> {
    fn address(&self) -> Option<IpAddr> {
        self.client.address(self.head)
    }

    fn subdivision(&self, country: Option<&str>) -> Option<String> {
        self.surroundings.subdivision(self.head, country?)
    }
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
    /// The client's country (ISO 3166-1 alpha-2, upper case) or subdivision (`US-CA`) must be one of these.
    Countries(Vec<String>),
    /// The client must be in one of these circles: the middle and the radius in metres.
    Circles(Vec<(Point, f64)>),
    /// The client must be in one of these cells.
    Geohashes(Vec<String>),
    /// The client's altitude in metres, and how far off it may be.
    Altitude {
        /// The altitude.
        metres: f64,
        /// How far off it.
        deviation: f64,
    },
    /// The connection's protocol (RFC 7301) must be one of these.
    Alpn(Vec<String>),
    /// SHA-256 of the public key of the client's TLS certificate, in hexadecimal, must be one of these.
    TlsKeys(Vec<String>),
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
    /// The first rule whose condition holds decides; when none does, the request may pass. A rule about what is not known decides against.
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
            Self::Countries(codes) => {
                let country = client::country(*request.client, request.head);
                let subdivision = request.subdivision(country.as_deref());
                let listed = |code: Option<&String>| code.is_some_and(|code| codes.contains(code));
                (
                    listed(country.as_ref()) || listed(subdivision.as_ref()),
                    Reason::CountryNotAllowed,
                )
            }
            Self::Circles(circles) => {
                let inside = |point: Point| {
                    let mut all = circles.iter();
                    all.any(|(middle, radius)| middle.is_within(*radius, point))
                };
                (
                    request.surroundings.point(request.head).is_some_and(inside),
                    Reason::CountryNotAllowed,
                )
            }
            Self::Geohashes(cells) => {
                let inside = |point: Point| cells.iter().any(|cell| point.is_in(cell));
                (
                    request.surroundings.point(request.head).is_some_and(inside),
                    Reason::CountryNotAllowed,
                )
            }
            Self::Altitude { metres, deviation } => {
                let altitude = request.surroundings.altitude(request.head);
                (
                    altitude.is_some_and(|altitude| (altitude - metres).abs() <= *deviation),
                    Reason::CountryNotAllowed,
                )
            }
            Self::Alpn(protocols) => {
                let protocol = request.surroundings.alpn(request.head);
                (
                    protocol.is_some_and(|known| protocols.iter().any(|one| one == known)),
                    Reason::ConnectionNotAllowed,
                )
            }
            Self::TlsKeys(keys) => {
                let key = request.surroundings.tls_public_key(request.head);
                (
                    key.is_some_and(|key| keys.contains(&key)),
                    Reason::ConnectionNotAllowed,
                )
            }
            Self::Asns(asns) => (
                client::asn(*request.client, request.head).is_some_and(|asn| asns.contains(&asn)),
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
            Self::UrlPrefix(prefix) => (
                url::fits(request, "", &|url| url.starts_with(prefix.as_str())) == Some(true),
                Reason::PathNotAllowed,
            ),
            Self::Url(pattern) => (
                url::fits(request, request.query, &|url| pattern.covers_text(url)) == Some(true),
                Reason::PathNotAllowed,
            ),
            Self::WholeUrl(rule) => (
                url::fits(request, request.query, &|url| rule.fits(&comparable(url))) == Some(true),
                Reason::PathNotAllowed,
            ),
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
                        .is_none_or(|rule| known(&rule) && rule.allow),
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
            Self::Countries(codes) => {
                let country = client::country(*request.client, request.head);
                let by_subdivision = codes.iter().any(|code| code.contains('-'));
                country.is_some()
                    && (!by_subdivision || request.subdivision(country.as_deref()).is_some())
            }
            Self::Circles(_) | Self::Geohashes(_) => {
                request.surroundings.point(request.head).is_some()
            }
            Self::Altitude { .. } => request.surroundings.altitude(request.head).is_some(),
            Self::Alpn(_) => request.surroundings.alpn(request.head).is_some(),
            Self::TlsKeys(_) => request.surroundings.tls_public_key(request.head).is_some(),
            Self::Asns(_) => client::asn(*request.client, request.head).is_some(),
            Self::Uri(rules) => rules.iter().all(|(part, _)| part.of(request).is_some()),
            Self::UrlPrefix(_) | Self::Url(_) | Self::WholeUrl(_) => {
                url::url(request.head, "/", "").is_some()
            }
            Self::Any(sets, _) | Self::NoneOf(sets, _) => sets
                .iter()
                .flatten()
                .all(|limit| limit.can_be_known(request)),
            _ => true,
        }
    }
}
