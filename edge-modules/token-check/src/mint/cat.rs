//! Minting Common Access Tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::MintError;
use crate::cbor::{self, Value};
use crate::cose::{Tags, seal};
use crate::format::cat::label;
use crate::network::Network;
use crate::signature::{Algorithm, SigningKey};

/// The claims of a CAT. Times are Unix seconds; lists that are empty leave their claim out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CatClaims {
    /// `iss`.
    pub issuer: Option<String>,
    /// `sub`.
    pub subject: Option<String>,
    /// `aud`.
    pub audiences: Vec<String>,
    /// `exp`.
    pub expires: Option<i64>,
    /// `nbf`.
    pub not_before: Option<i64>,
    /// `iat`.
    pub issued_at: Option<i64>,
    /// `cti`.
    pub token_id: Option<Vec<u8>>,
    /// `catm`.
    pub methods: Vec<String>,
    /// `catu`: the path begins with this.
    pub path_prefix: Option<String>,
    /// `catnip`: addresses or CIDR blocks.
    pub networks: Vec<Network>,
    /// `catnip`: autonomous systems.
    pub asns: Vec<u32>,
    /// `catgeoiso3166`.
    pub countries: Vec<String>,
    /// Whether the token may be used once only (`catreplay` 1).
    pub once: bool,
    /// Further claims by number; they replace those above.
    pub more: Vec<(i64, Value)>,
}

impl CatClaims {
    fn to_map(&self) -> Value {
        let mut map: Vec<(Value, Value)> = Vec::new();
        let mut put = |number: i64, value: Option<Value>| {
            if let Some(value) = value
                && !self.more.iter().any(|(other, _)| *other == number)
            {
                map.push((number.into(), value));
            }
        };
        let texts = |list: &[String]| {
            (!list.is_empty())
                .then(|| Value::Array(list.iter().map(|text| text.as_str().into()).collect()))
        };
        put(label::ISS, self.issuer.as_deref().map(Value::from));
        put(label::SUB, self.subject.as_deref().map(Value::from));
        let audience = match self.audiences.as_slice() {
            [one] => Some(one.as_str().into()),
            all => texts(all),
        };
        put(label::AUD, audience);
        put(label::EXP, self.expires.map(Value::from));
        put(label::NBF, self.not_before.map(Value::from));
        put(label::IAT, self.issued_at.map(Value::from));
        put(label::CTI, self.token_id.clone().map(Value::Bytes));
        put(label::CATREPLAY, self.once.then(|| 1.into()));
        put(label::CATV, Some(1.into()));
        let networks = self.networks.iter().map(network);
        let asns = self.asns.iter().map(|asn| Value::Integer(i128::from(*asn)));
        let catnip: Vec<Value> = networks.chain(asns).collect();
        put(
            label::CATNIP,
            (!catnip.is_empty()).then_some(Value::Array(catnip)),
        );
        let path = |prefix: &String| {
            let rule = Value::Map(vec![(1.into(), prefix.as_str().into())]);
            Value::Map(vec![(3.into(), rule)])
        };
        put(label::CATU, self.path_prefix.as_ref().map(path));
        put(label::CATM, texts(&self.methods));
        put(label::CATGEOISO3166, texts(&self.countries));
        map.extend(
            self.more
                .iter()
                .map(|(number, value)| (Value::from(*number), value.clone())),
        );
        Value::Map(map)
    }
}

/// RFC 9164: a whole address, or a prefix with its trailing zero bytes left off.
fn network(network: &Network) -> Value {
    let (tag, bytes, width) = match network.base() {
        std::net::IpAddr::V4(base) => (52, base.octets().to_vec(), 32),
        std::net::IpAddr::V6(base) => (54, base.octets().to_vec(), 128),
    };
    if network.length() == width {
        return Value::Tag(tag, Box::new(Value::Bytes(bytes)));
    }
    let mut kept = bytes[..usize::from(network.length()).div_ceil(8)].to_vec();
    let spare = u32::from(network.length()) % 8;
    if let Some(last) = kept.last_mut().filter(|_| spare != 0) {
        *last &= !(0xff_u8 >> spare);
    }
    while kept.last() == Some(&0) {
        kept.pop();
    }
    Value::Tag(
        tag,
        Box::new(Value::Array(vec![
            i64::from(network.length()).into(),
            Value::Bytes(kept),
        ])),
    )
}

pub(super) fn mint(
    key: &SigningKey,
    algorithm: Algorithm,
    id: Option<&str>,
    claims: &CatClaims,
    tags: Tags,
) -> Result<String, MintError> {
    let payload = cbor::encode(&claims.to_map());
    let sealed = seal(
        algorithm,
        id.map(str::as_bytes),
        &payload,
        tags,
        |message| key.sign(algorithm, message),
    )?;
    let bytes = sealed.ok_or(MintError::Field {
        field: "alg",
        reason: "COSE has no number for it",
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
