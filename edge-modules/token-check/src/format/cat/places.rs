//! Claims about where a viewer is: `catnip`, `catgeoiso3166`, `catgeocoord`, `geohash` and `catgeoalt`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::cbor::Value;
use crate::earth::{self, Point};
use crate::network::Network;
use crate::reason::Reason;
use crate::restriction::Restriction;

/// `catnip`: addresses and prefixes (RFC 9164 tags 52 and 54) and AS numbers; one of them must fit.
pub(super) fn networks(value: &Value) -> Option<Restriction> {
    let single = std::slice::from_ref(value);
    let list = value.as_array().unwrap_or(single);
    let (mut networks, mut asns) = (Vec::new(), Vec::new());
    for item in list {
        match item {
            Value::Integer(asn) => asns.push(u32::try_from(*asn).ok()?),
            Value::Text(text) => networks.push(text.parse().ok()?),
            Value::Tag(tag @ (52 | 54), inner) => networks.push(network(*tag == 52, inner)?),
            _ => return None,
        }
    }
    let mut sets = Vec::new();
    if !networks.is_empty() {
        sets.push(vec![Restriction::Networks(networks)]);
    }
    if !asns.is_empty() {
        sets.push(vec![Restriction::Asns(asns)]);
    }
    Some(Restriction::Any(sets, Reason::AddressNotAllowed))
}

/// RFC 9164 section 3: an address as bytes, or a prefix as length and bytes with trailing zeros left off.
fn network(v4: bool, value: &Value) -> Option<Network> {
    let width = if v4 { 4 } else { 16 };
    let (length, bytes) = match value {
        Value::Bytes(bytes) if bytes.len() == width => (None, bytes.as_slice()),
        Value::Array(parts) => match parts.as_slice() {
            [length, Value::Bytes(bytes)] if bytes.len() <= width => (
                Some(u8::try_from(length.as_integer()?).ok()?),
                bytes.as_slice(),
            ),
            _ => return None,
        },
        _ => return None,
    };
    let mut full = [0_u8; 16];
    full[..bytes.len()].copy_from_slice(bytes);
    let base = if v4 {
        IpAddr::V4(Ipv4Addr::new(full[0], full[1], full[2], full[3]))
    } else {
        IpAddr::V6(Ipv6Addr::from(full))
    };
    Network::new(base, length.unwrap_or(if v4 { 32 } else { 128 })).ok()
}

/// `catgeoiso3166`: countries, and subdivisions such as `US-CA`; one of them must fit.
pub(super) fn countries(value: &Value) -> Option<Restriction> {
    let read = |code: &Value| Some(code.as_text()?.to_ascii_uppercase());
    let codes = value.as_array()?.iter().map(read);
    Some(Restriction::Countries(codes.collect::<Option<_>>()?))
}

/// `catgeocoord`: circles of latitude, longitude and radius in metres; one of them must hold the viewer. One circle may stand alone.
pub(super) fn circles(value: &Value) -> Option<Restriction> {
    let circle = |value: &Value| match value.as_array()? {
        [latitude, longitude, radius] => {
            let point = Point::new(number(latitude)?, number(longitude)?)?;
            let radius = number(radius).filter(|radius| *radius >= 0.0)?;
            Some((point, radius))
        }
        _ => None,
    };
    let list = value.as_array().filter(|list| !list.is_empty())?;
    let circles = match list.first() {
        Some(Value::Array(_)) => list.iter().map(circle).collect::<Option<_>>()?,
        _ => vec![circle(value)?],
    };
    Some(Restriction::Circles(circles))
}

/// `geohash`: one or several; the viewer must be in one of the cells.
pub(super) fn geohashes(value: &Value) -> Option<Restriction> {
    let single = std::slice::from_ref(value);
    let list = value.as_array().unwrap_or(single);
    let read = |value: &Value| earth::read_geohash(value.as_text()?);
    let cells: Vec<String> = list.iter().map(read).collect::<Option<_>>()?;
    (!cells.is_empty()).then_some(Restriction::Geohashes(cells))
}

/// `catgeoalt`: an altitude in metres and how far off it the viewer may be; without the second, not at all.
pub(super) fn altitude(value: &Value) -> Option<Restriction> {
    let single = std::slice::from_ref(value);
    let (metres, deviation) = match value.as_array().unwrap_or(single) {
        [metres] => (number(metres)?, 0.0),
        [metres, deviation] => (number(metres)?, number(deviation)?),
        _ => return None,
    };
    (deviation >= 0.0).then_some(Restriction::Altitude { metres, deviation })
}

/// A finite number.
#[allow(clippy::cast_precision_loss)] // Bounded by 2^53 before the cast.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(whole) => {
            let whole = i64::try_from(*whole).ok()?;
            (whole.unsigned_abs() <= 1 << 53).then_some(whole as f64)
        }
        Value::Float(float) => float.is_finite().then_some(*float),
        _ => None,
    }
}
