//! The parts of a request's URI.

use crate::restriction::Request;

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
    pub(crate) fn of(self, request: &Request<'_>) -> Option<String> {
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
