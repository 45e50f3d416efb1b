//! What a request looks like on its way to an origin.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};

use crate::config::{HostHeader, OriginConfig};
use crate::message::fields;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Where a server is.
#[derive(Debug, Clone)]
pub(super) struct Base {
    scheme: Scheme,
    authority: Authority,
    /// Without a `/` at the end.
    path: String,
}

impl Base {
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let parts = url
            .parse::<Uri>()
            .map_err(|error| format!("`{url}`: {error}"))?
            .into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(format!("`{url}` is no absolute URL"));
        };
        let path = parts
            .path_and_query
            .map_or(String::new(), |target| target.path().to_owned());
        Ok(Self {
            scheme,
            authority,
            path: path.trim_end_matches('/').to_owned(),
        })
    }

    pub(super) fn authority(&self) -> &str {
        self.authority.as_str()
    }
}

/// What is set on every request.
#[derive(Debug)]
pub(super) struct Outgoing {
    host: HostHeader,
    headers: HeaderMap,
}

impl Outgoing {
    pub(super) fn new(config: &OriginConfig) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in &config.headers {
            let name: HeaderName = name
                .parse()
                .map_err(|_| format!("header `{name}` has no name that can be sent"))?;
            let mut value = HeaderValue::from_str(value.expose())
                .map_err(|_| format!("header `{name}` has a value that cannot be sent"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(Self {
            host: config.host.clone(),
            headers,
        })
    }

    /// Makes the node's request into the origin's: once for all attempts.
    pub(super) fn prepare(&self, parts: &mut Parts, node: &str) {
        let headers = &mut parts.headers;
        fields::drop_hop_by_hop(headers);
        if let Some(client) = headers.get(fields::CLIENT_IP).cloned() {
            headers.insert(X_FORWARDED_FOR, client);
        }
        // The same in another field, from whoever sent it: the origin must not find two stories.
        headers.remove(header::FORWARDED);
        fields::drop_internal(headers);
        for (name, value) in [
            (X_FORWARDED_PROTO, parts.uri.scheme_str()),
            (
                X_FORWARDED_HOST,
                parts.uri.authority().map(Authority::as_str),
            ),
        ] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        }
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        fields::add_via(headers, parts.version, node);
        parts.version = http::Version::HTTP_11;
    }

    /// The request for one server.
    pub(super) fn address(&self, parts: &Parts, base: &Base) -> Result<http::Request<()>, String> {
        let target = parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let target = match base.path.as_str() {
            "" => PathAndQuery::try_from(target),
            path => PathAndQuery::try_from(format!("{path}{target}")),
        }
        .map_err(|error| error.to_string())?;
        let host = match self.host {
            HostHeader::Origin => base.authority.as_str(),
            HostHeader::Viewer => parts
                .uri
                .authority()
                .map_or(base.authority.as_str(), Authority::as_str),
        };
        let host = HeaderValue::from_str(host).map_err(|error| error.to_string())?;
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(base.scheme.clone());
        uri.authority = Some(base.authority.clone());
        uri.path_and_query = Some(target);
        let mut request = http::Request::new(());
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = Uri::from_parts(uri).map_err(|error| error.to_string())?;
        *request.headers_mut() = parts.headers.clone();
        request.headers_mut().insert(header::HOST, host);
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_readdressed_and_cleaned() {
        let config: OriginConfig =
            toml::from_str("urls = [\"http://origin:9000/base/\"]\n[headers]\nx-secret = \"s\"")
                .unwrap();
        let outgoing = Outgoing::new(&config).unwrap();
        let (mut parts, ()) = http::Request::get("https://media.example/a?b")
            .header("weir-subject", "ada")
            .header("weir-client-ip", "1.2.3.4")
            .header("x-forwarded-for", "6.6.6.6")
            .header("forwarded", "for=6.6.6.6")
            .header("connection", "close")
            .body(())
            .unwrap()
            .into_parts();
        outgoing.prepare(&mut parts, "weir");
        let base = Base::parse(&config.urls[0]).unwrap();
        let request = outgoing.address(&parts, &base).unwrap();
        assert_eq!(request.uri(), "http://origin:9000/base/a?b");
        let headers = request.headers();
        assert_eq!(headers["host"], "origin:9000");
        assert_eq!(headers["x-forwarded-for"], "1.2.3.4");
        assert_eq!(headers["x-forwarded-host"], "media.example");
        assert_eq!(headers["x-secret"], "s");
        assert_eq!(headers["via"], "1.1 weir");
        assert!(!headers.contains_key("forwarded"));
        assert!(!headers.contains_key("weir-subject") && !headers.contains_key("connection"));
    }
}
