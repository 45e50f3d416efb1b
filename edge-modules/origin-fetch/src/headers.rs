//! Which headers go to the origin and which come back (RFC 9110 section 7.6).

use weir_module::HOP_BY_HOP;

use crate::config::{Config, Origin};

/// A header list as it crosses `wasi:http`.
type List = Vec<(String, Vec<u8>)>;

/// What only the edge may know: the viewer's token, and what a host told the chain.
const EDGE_ONLY: [&str; 3] = ["weir-token", "spin-client-addr", "spin-full-url"];

/// The client's address as the host tells it: the **last** `spin-client-addr`, since a client may send its own before it.
fn client_address(headers: &List) -> Option<String> {
    let last = |name: &str| {
        headers
            .iter()
            .rev()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    let (_, value) = last("weir-client-ip").or_else(|| last("spin-client-addr"))?;
    let text = std::str::from_utf8(value).ok()?.trim();
    let address = text
        .parse::<std::net::SocketAddr>()
        .map(|address| address.ip())
        .or_else(|_| text.parse::<std::net::IpAddr>())
        .ok()?;
    (!address.is_unspecified()).then(|| address.to_string())
}

/// The names that `connection` lists: they belong to this connection too.
fn listed(headers: &List) -> Vec<String> {
    headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("connection"))
        .filter_map(|(_, value)| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect()
}

fn end_to_end(headers: &List) -> impl Iterator<Item = &(String, Vec<u8>)> {
    let listed = listed(headers);
    headers.iter().filter(move |(name, _)| {
        let name = name.to_ascii_lowercase();
        !HOP_BY_HOP.contains(&name.as_str()) && !listed.contains(&name)
    })
}

/// The headers that go to `origin`.
pub fn request_headers(received: &List, config: &Config, origin: &Origin) -> List {
    let secret = origin.secret.as_ref();
    let mut sent: List = end_to_end(received)
        .filter(|(name, _)| {
            !EDGE_ONLY
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
        })
        .filter(|(name, _)| !name.eq_ignore_ascii_case("host"))
        .filter(|(name, _)| secret.is_none_or(|(own, _)| !name.eq_ignore_ascii_case(own)))
        .filter(|(name, _)| !config.forward_client || !name.eq_ignore_ascii_case("x-forwarded-for"))
        .cloned()
        .collect();
    if config.forward_client
        && let Some(address) = client_address(received)
    {
        sent.push(("x-forwarded-for".to_owned(), address.into_bytes()));
    }
    if let Some((name, value)) = secret {
        sent.push((name.clone(), value.clone().into_bytes()));
    }
    sent.push(("via".to_owned(), format!("1.1 {}", config.via).into_bytes()));
    sent
}

/// True when a response carries headers that must not go on. Most do not, and then the response's handle is passed on untouched.
pub fn response_needs_cleaning(received: &List) -> bool {
    end_to_end(received).count() != received.len()
}

/// The headers that go on to the client.
pub fn response_headers(received: &List) -> List {
    end_to_end(received).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(pairs: &[(&str, &str)]) -> List {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
            .collect()
    }

    fn config(extra: &str) -> Config {
        Config::parse(&format!(
            "origins = [{{ url = \"http://o\", secret-header = \"X-Edge\", secret = \"s\" }}]\n{extra}"
        ))
        .unwrap()
    }

    #[test]
    fn connection_headers_stay_here_and_the_origin_is_told_who_sent_it() {
        let config = config("");
        let received = list(&[
            ("accept", "*/*"),
            ("Connection", "close, X-Own"),
            ("x-own", "1"),
            ("te", "trailers"),
            ("weir-token", "query:token=abc"),
            ("weir-variant", "b"),
            ("x-edge", "forged"),
            ("spin-full-url", "http://x"),
        ]);
        assert_eq!(
            request_headers(&received, &config, &config.origins[0]),
            list(&[
                ("accept", "*/*"),
                ("weir-variant", "b"),
                ("x-edge", "s"),
                ("via", "1.1 weir")
            ])
        );
    }

    #[test]
    fn the_last_client_address_counts_and_a_sent_one_is_dropped() {
        let config = config("forward-client = true");
        let received = list(&[
            ("spin-client-addr", "6.6.6.6:1"),
            ("x-forwarded-for", "6.6.6.6"),
            ("spin-client-addr", "[2001:db8::1]:443"),
        ]);
        let sent = request_headers(&received, &config, &config.origins[0]);
        assert_eq!(
            sent[0],
            ("x-forwarded-for".to_owned(), b"2001:db8::1".to_vec())
        );
        assert!(!sent.iter().any(|(_, value)| value.starts_with(b"6.6")));
        // Spin's own service chaining tells 0.0.0.0:0, which is nobody.
        let chained = list(&[("spin-client-addr", "0.0.0.0:0")]);
        assert!(
            !request_headers(&chained, &config, &config.origins[0])
                .iter()
                .any(|(name, _)| name == "x-forwarded-for")
        );
    }

    #[test]
    fn a_clean_response_is_left_alone() {
        assert!(!response_needs_cleaning(&list(&[
            ("etag", "\"1\""),
            ("content-length", "3")
        ])));
        let dirty = list(&[("keep-alive", "timeout=5"), ("etag", "\"1\"")]);
        assert!(response_needs_cleaning(&dirty));
        assert_eq!(response_headers(&dirty), list(&[("etag", "\"1\"")]));
    }
}
