//! Who stands at the other end: the client's country and network, read from headers that somebody trusted has set.

pub use weir_module::ClientSource;
use weir_module::RequestHead;
pub use weir_module::client_address::UnknownSource;

/// The country, ISO 3166-1 alpha-2 in capitals; only Weir's node tells it.
pub(crate) fn country(source: ClientSource, head: &RequestHead<'_>) -> Option<String> {
    let country = (source == ClientSource::Node)
        .then(|| head.header_str("weir-country"))
        .flatten()?;
    Some(country.trim().to_ascii_uppercase()).filter(|country| country.len() == 2)
}

/// The autonomous system number, with or without `AS`; only Weir's node tells it.
pub(crate) fn asn(source: ClientSource, head: &RequestHead<'_>) -> Option<u32> {
    let asn = (source == ClientSource::Node)
        .then(|| head.header_str("weir-asn"))
        .flatten()?
        .trim();
    asn.strip_prefix("AS").unwrap_or(asn).parse().ok()
}
