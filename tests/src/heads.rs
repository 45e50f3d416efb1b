//! Request heads as viewers, players, crawlers and attackers send them.

use bytes::Bytes;

use crate::tokens;

/// One request head.
#[derive(Debug, Clone)]
pub struct Head {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// The host of every head.
const AUTHORITY: &str = "cdn.example";

impl Head {
    fn new(method: &str, target: impl Into<String>, headers: &[(&str, &[u8])]) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.to_vec()))
            .collect();
        Self {
            method: method.to_owned(),
            target: target.into(),
            headers,
        }
    }

    /// The headers with `:authority` and `:scheme`, as the fast door gets them.
    pub fn with_pseudo_headers(&self) -> Vec<(String, Vec<u8>)> {
        let mut headers = self.headers.clone();
        headers.push((":authority".to_owned(), AUTHORITY.as_bytes().to_vec()));
        headers.push((":scheme".to_owned(), b"http".to_vec()));
        headers
    }

    /// The head as a request without a body.
    ///
    /// # Panics
    /// A head that no HTTP message can carry; the corpus has none.
    pub fn request(&self) -> http::Request<Bytes> {
        let mut builder = http::Request::builder()
            .method(self.method.as_str())
            .uri(format!("http://{AUTHORITY}{}", self.target));
        for (name, value) in &self.headers {
            builder = builder.header(name, value.as_slice());
        }
        builder
            .body(Bytes::new())
            .unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }
}

/// The corpus: what is asked for, by each kind of viewer.
pub fn corpus() -> Vec<Head> {
    let mut heads = Vec::new();
    let tokens = tokens();
    for target in TARGETS {
        for method in ["GET", "HEAD", "OPTIONS"] {
            heads.push(Head::new(method, *target, &[]));
        }
        let join = if target.contains('?') { '&' } else { '?' };
        for token in &tokens {
            heads.push(Head::new(
                "GET",
                format!("{target}{join}token={token}"),
                &[("origin", b"https://player.example")],
            ));
        }
    }
    let (good, other) = (&tokens[0], &tokens[1]);
    let playlist = "/vod/film/v1/master.m3u8";
    let bearer = |token: &str| format!("Bearer {token}").into_bytes();
    let cookie = |token: &str| format!("a=b; weir-token={token}").into_bytes();
    for token in &tokens {
        heads.push(Head::new(
            "GET",
            playlist,
            &[("authorization", &bearer(token))],
        ));
        heads.push(Head::new("GET", playlist, &[("cookie", &cookie(token))]));
        heads.push(Head::new("GET", format!("/t/{token}{playlist}"), &[]));
    }
    // Twice the same, and two that differ.
    heads.push(Head::new(
        "GET",
        format!("{playlist}?token={good}"),
        &[("authorization", &bearer(good))],
    ));
    heads.push(Head::new(
        "GET",
        format!("{playlist}?token={good}"),
        &[("authorization", &bearer(other))],
    ));
    heads.push(Head::new(
        "GET",
        format!("{playlist}?token={good}&token={good}"),
        &[],
    ));
    // What only a trusted neighbour may say, from a stranger.
    let spoofed: &[(&str, &[u8])] = &[
        ("weir-subject", b"root"),
        ("weir-tier", b"premium"),
        ("weir-entitlements", b"4k"),
        ("weir-token", b"x"),
        ("weir-session", b"s"),
    ];
    heads.push(Head::new(
        "GET",
        format!("{playlist}?token={good}"),
        spoofed,
    ));
    heads.push(Head::new("GET", playlist, spoofed));
    for address in [
        "203.0.113.9",
        "198.51.100.7",
        "2001:db8::1",
        "not-an-address",
    ] {
        heads.push(Head::new(
            "GET",
            playlist,
            &[("weir-client-ip", address.as_bytes())],
        ));
        heads.push(Head::new(
            "GET",
            playlist,
            &[
                ("x-forwarded-for", address.as_bytes()),
                ("forwarded", b"for=192.0.2.1"),
            ],
        ));
    }
    // One viewer, many times: a quota must end at the same request at both doors.
    for _ in 0..8 {
        heads.push(Head::new(
            "GET",
            "/vod/film/v1/video/1.m4s",
            &[("weir-subject", b"ada"), ("weir-tier", b"free")],
        ));
        heads.push(Head::new(
            "GET",
            "/vod/film/v1/video/2.m4s",
            &[("weir-subject", b"bob"), ("weir-tier", b"premium")],
        ));
    }
    for country in ["DE", "FR", "XX", "de", ""] {
        heads.push(Head::new(
            "GET",
            playlist,
            &[
                ("weir-country", country.as_bytes()),
                ("weir-subject", b"ada"),
            ],
        ));
    }
    heads.push(Head::new(
        "GET",
        playlist,
        &[("weir-subject", b"bob"), ("weir-variant", b"ladder:forged")],
    ));
    for accept in [
        "image/avif,image/webp,*/*;q=0.8",
        "image/jpeg",
        "*/*",
        "text/html",
        "image/webp;q=0",
        ";;;",
    ] {
        heads.push(Head::new(
            "GET",
            "/vod/film/v1/poster.jpg?w=320&format=auto",
            &[("accept", accept.as_bytes())],
        ));
    }
    for encoding in ["gzip, br", "identity", "gzip;q=0", ""] {
        heads.push(Head::new(
            "GET",
            playlist,
            &[("accept-encoding", encoding.as_bytes())],
        ));
    }
    // Bytes that are no text, an empty value, a long value, one header many times.
    heads.push(Head::new(
        "GET",
        playlist,
        &[
            ("cookie", b"weir-token=\xff\xfe"),
            ("authorization", b"Bearer \x80"),
        ],
    ));
    heads.push(Head::new(
        "GET",
        playlist,
        &[("cookie", b""), ("authorization", b"")],
    ));
    heads.push(Head::new(
        "GET",
        playlist,
        &[
            ("cookie", &b"a=b; ".repeat(2000)),
            ("authorization", &b"x".repeat(8000)),
        ],
    ));
    heads.push(Head::new(
        "GET",
        playlist,
        &[
            ("cookie", b"a=1"),
            ("cookie", &cookie(good)),
            ("cookie", b"b=2"),
        ],
    ));
    heads.push(Head::new(
        "GET",
        playlist,
        &[
            ("x-request-id", b"0123456789abcdef"),
            (
                "traceparent",
                b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ),
        ],
    ));
    heads.push(Head::new(
        "POST",
        playlist,
        &[("content-type", b"text/plain")],
    ));
    heads.push(Head::new("BREW", playlist, &[]));
    heads
}

const TARGETS: &[&str] = &[
    "/",
    "/vod/film/v1/master.m3u8",
    "/vod/film/v1/video/480p.m3u8?_HLS_skip=YES",
    "/vod/film/v1/video/1.m4s",
    "/vod/film/v1/poster.jpg",
    "/vod/film/v1/poster.jpg?w=320&h=180&fit=cover",
    "/vod/film/v1/poster.jpg?w=-1",
    "/vod/film/v1/poster.jpg?w=99999999999999999999",
    "/vod/film/v1/poster.jpg?colour=red",
    "/vod/film/v1/../../other/secret.m3u8",
    "/vod/film/v1/%2e%2e/%2e%2e/other/secret.m3u8",
    "/vod/film/v1/%252e%252e/x.m3u8",
    "/vod//film/v1/master.m3u8",
    "/vod/film\\v1/master.m3u8",
    "/vod/film;x=1/master.m3u8",
    "/vod/film/%00.m3u8",
    "/vod/film/%c0%ae%c0%ae/x",
    "/vod/film/%zz",
    "/VOD/FILM/MASTER.M3U8",
    "/other/film/master.m3u8",
    "/vod/film/v1/master.m3u8?",
    "/vod/film/v1/master.m3u8?&&=&a",
    "/t//vod/film/v1/master.m3u8",
];

/// A good one first, then another viewer's, then every way of being bad.
fn tokens() -> Vec<String> {
    let good = tokens::claims("ada", "/vod/film/");
    let sign = tokens::signed;
    let mut made = vec![sign(&good), sign(&tokens::claims("bob", "/vod/film/"))];
    made.push(sign(&tokens::claims("ada", "/vod/other/")));
    made.push(sign(&token_check::mint::JwtClaims {
        expires: Some(tokens::now() - 10),
        ..good.clone()
    }));
    made.push(sign(&token_check::mint::JwtClaims {
        expires: None,
        ..good.clone()
    }));
    made.push(sign(&token_check::mint::JwtClaims {
        not_before: Some(tokens::now() + 600),
        ..good.clone()
    }));
    made.push(sign(&token_check::mint::JwtClaims {
        methods: vec!["PUT".into()],
        ..good.clone()
    }));
    made.push(sign(&token_check::mint::JwtClaims {
        tier: Some("premium".into()),
        session: Some("s-1".into()),
        entitlements: vec!["hd".into(), "max-height=1080".into()],
        ..good
    }));
    let first = made[0].clone();
    made.push(tokens::tampered(&first));
    made.push(first[..first.len() - 1].to_owned());
    // `none`, no signature, not a token, nothing.
    made.push(format!(
        "eyJhbGciOiJub25lIn0.{}.",
        first.split('.').nth(1).unwrap_or_default()
    ));
    made.extend(["x".to_owned(), "...".to_owned(), String::new()]);
    made
}
