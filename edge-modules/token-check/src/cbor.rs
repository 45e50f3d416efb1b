//! CBOR (RFC 8949) as tokens need it: one spelling for each value, nothing read twice, everything bounded.
//!
//! Two decoders that take the last or the first of a repeated key, or that read `0x1804` as the key 4, see two different tokens. So
//! only preferred serialisation with definite lengths is read (section 4.1), map keys are unique, and nothing may follow.

/// A data item.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An integer from -2^64 to 2^64 - 1.
    Integer(i128),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text string.
    Text(String),
    /// An array.
    Array(Vec<Value>),
    /// A map with unique keys, in the order written.
    Map(Vec<(Value, Value)>),
    /// A tagged item.
    Tag(u64, Box<Value>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// A finite floating-point number.
    Float(f64),
}

/// Why bytes are no data item here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// The bytes end within an item.
    #[error("the bytes end within an item")]
    Short,
    /// Bytes follow the item.
    #[error("bytes follow the item")]
    Trailing,
    /// A longer spelling than needed, or an indefinite length.
    #[error("not in preferred serialisation")]
    NotPreferred,
    /// A map key twice.
    #[error("a map key is repeated")]
    RepeatedKey,
    /// Nested deeper than 16 levels.
    #[error("nested too deeply")]
    TooDeep,
    /// Text that is not UTF-8, a number that is not finite, or a simple value without meaning here.
    #[error("an item that has no meaning here")]
    Meaningless,
}

const MAX_DEPTH: u8 = 16;

/// Reads exactly one item.
///
/// # Errors
/// [`CborError`].
pub fn decode(bytes: &[u8]) -> Result<Value, CborError> {
    let mut reader = Reader { rest: bytes };
    let value = reader.item(0)?;
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(CborError::Trailing)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], CborError> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or(CborError::Short)?;
        self.rest = rest;
        Ok(head)
    }

    fn number(&mut self, count: usize) -> Result<u64, CborError> {
        Ok(self
            .take(count)?
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// The argument of an item's head (section 3), in its shortest form.
    fn argument(&mut self, info: u8) -> Result<u64, CborError> {
        let (value, least) = match info {
            0..=23 => return Ok(u64::from(info)),
            24 => (self.number(1)?, 24),
            25 => (self.number(2)?, 1 << 8),
            26 => (self.number(4)?, 1 << 16),
            27 => (self.number(8)?, 1 << 32),
            _ => return Err(CborError::NotPreferred),
        };
        if value < least {
            Err(CborError::NotPreferred)
        } else {
            Ok(value)
        }
    }

    /// A count of things that each take at least one byte: bounded by what is there, so no length can make us reserve more.
    fn count(&mut self, info: u8) -> Result<usize, CborError> {
        let count = usize::try_from(self.argument(info)?).map_err(|_| CborError::Short)?;
        if count > self.rest.len() {
            Err(CborError::Short)
        } else {
            Ok(count)
        }
    }

    fn item(&mut self, depth: u8) -> Result<Value, CborError> {
        if depth > MAX_DEPTH {
            return Err(CborError::TooDeep);
        }
        let head = self.take(1)?[0];
        let info = head & 0x1f;
        Ok(match head >> 5 {
            0 => Value::Integer(i128::from(self.argument(info)?)),
            1 => Value::Integer(-1 - i128::from(self.argument(info)?)),
            2 => {
                let count = self.count(info)?;
                Value::Bytes(self.take(count)?.to_vec())
            }
            3 => {
                let count = self.count(info)?;
                let text =
                    std::str::from_utf8(self.take(count)?).map_err(|_| CborError::Meaningless)?;
                Value::Text(text.to_owned())
            }
            4 => {
                let count = self.count(info)?;
                let mut list = Vec::new();
                for _ in 0..count {
                    list.push(self.item(depth + 1)?);
                }
                Value::Array(list)
            }
            5 => {
                let count = self.count(info)?;
                let mut map: Vec<(Value, Value)> = Vec::new();
                for _ in 0..count {
                    let key = self.item(depth + 1)?;
                    if map.iter().any(|(known, _)| *known == key) {
                        return Err(CborError::RepeatedKey);
                    }
                    map.push((key, self.item(depth + 1)?));
                }
                Value::Map(map)
            }
            6 => Value::Tag(self.argument(info)?, Box::new(self.item(depth + 1)?)),
            _ => self.simple(info)?,
        })
    }

    fn simple(&mut self, info: u8) -> Result<Value, CborError> {
        let float = match info {
            20 => return Ok(Value::Bool(false)),
            21 => return Ok(Value::Bool(true)),
            22 => return Ok(Value::Null),
            25 => half(self.number(2)?),
            26 => f64::from(f32::from_bits(
                u32::try_from(self.number(4)?).map_err(|_| CborError::Short)?,
            )),
            27 => f64::from_bits(self.number(8)?),
            31 => return Err(CborError::NotPreferred),
            _ => return Err(CborError::Meaningless),
        };
        if float.is_finite() {
            Ok(Value::Float(float))
        } else {
            Err(CborError::Meaningless)
        }
    }
}

/// Half precision (RFC 8949 appendix D).
fn half(bits: u64) -> f64 {
    let exponent = i32::try_from(bits >> 10 & 0x1f).unwrap_or(0);
    let mantissa = f64::from(u16::try_from(bits & 0x3ff).unwrap_or(0));
    let value = match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 => f64::INFINITY,
        _ => (mantissa + 1024.0) * 2_f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { value } else { -value }
}

/// Writes an item in preferred serialisation.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put(value, &mut out);
    out
}

fn put(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Integer(number) if *number >= 0 => {
            head(0, u64::try_from(*number).unwrap_or(u64::MAX), out)
        }
        Value::Integer(number) => head(1, u64::try_from(-1 - *number).unwrap_or(u64::MAX), out),
        Value::Bytes(bytes) => {
            head(2, bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
        Value::Text(text) => {
            head(3, text.len() as u64, out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(list) => {
            head(4, list.len() as u64, out);
            list.iter().for_each(|item| put(item, out));
        }
        Value::Map(map) => {
            head(5, map.len() as u64, out);
            for (key, item) in map {
                put(key, out);
                put(item, out);
            }
        }
        Value::Tag(tag, item) => {
            head(6, *tag, out);
            put(item, out);
        }
        Value::Bool(value) => out.push(0xf4 | u8::from(*value)),
        Value::Null => out.push(0xf6),
        Value::Float(float) => {
            out.push(0xfb);
            out.extend_from_slice(&float.to_bits().to_be_bytes());
        }
    }
}

fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let bytes = argument.to_be_bytes();
    let (info, tail) = match argument {
        0..24 => return out.push(major << 5 | bytes[7]),
        24..0x100 => (24, &bytes[7..]),
        0x100..0x1_0000 => (25, &bytes[6..]),
        0x1_0000..0x1_0000_0000 => (26, &bytes[4..]),
        _ => (27, &bytes[..]),
    };
    out.push(major << 5 | info);
    out.extend_from_slice(tail);
}

impl Value {
    /// The bytes of a byte string.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The text of a text string.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An integer that fits 64 bits.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => i64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The items of an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(list) => Some(list),
            _ => None,
        }
    }

    /// The entries of a map.
    pub fn as_map(&self) -> Option<&[(Value, Value)]> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The value under an integer key.
    pub fn get(&self, label: i64) -> Option<&Value> {
        let wanted = Value::Integer(i128::from(label));
        self.as_map()?
            .iter()
            .find(|(key, _)| *key == wanted)
            .map(|(_, value)| value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(i128::from(number))
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn published_examples() {
        // RFC 8949 appendix A.
        for (hex, value) in [
            ("00", Value::Integer(0)),
            ("1818", Value::Integer(24)),
            (
                "1bffffffffffffffff",
                Value::Integer(18_446_744_073_709_551_615),
            ),
            (
                "3bffffffffffffffff",
                Value::Integer(-18_446_744_073_709_551_616),
            ),
            ("f93c00", Value::Float(1.0)),
            ("f97bff", Value::Float(65_504.0)),
            ("fb3ff199999999999a", Value::Float(1.1)),
            ("f5", Value::Bool(true)),
            ("4401020304", Value::Bytes(vec![1, 2, 3, 4])),
            ("62c3bc", Value::Text("ü".to_owned())),
            (
                "c11a514b67b0",
                Value::Tag(1, Box::new(Value::Integer(1_363_896_240))),
            ),
            (
                "a201020304",
                Value::Map(vec![(1.into(), 2.into()), (3.into(), 4.into())]),
            ),
        ] {
            assert_eq!(decode(&hex::decode(hex).unwrap()), Ok(value), "{hex}");
        }
    }

    #[test]
    fn second_spellings_and_loose_ends_are_refused() {
        for (hex, error) in [
            ("", CborError::Short),
            ("1800", CborError::NotPreferred),
            ("190018", CborError::NotPreferred),
            ("5800", CborError::NotPreferred),
            ("5f42010243030405ff", CborError::NotPreferred),
            ("9fff", CborError::NotPreferred),
            ("bfff", CborError::NotPreferred),
            ("ff", CborError::NotPreferred),
            ("a201020103", CborError::RepeatedKey),
            ("0000", CborError::Trailing),
            ("4401", CborError::Short),
            ("9bffffffffffffffff", CborError::Short),
            ("5bffffffffffffffff", CborError::Short),
            ("61ff", CborError::Meaningless),
            ("f97e00", CborError::Meaningless),
            ("f97c00", CborError::Meaningless),
            ("fb7ff0000000000000", CborError::Meaningless),
            ("f7", CborError::Meaningless),
            ("1c", CborError::NotPreferred),
        ] {
            assert_eq!(decode(&hex::decode(hex).unwrap()), Err(error), "{hex}");
        }
        assert_eq!(decode(&[0x81; 100]), Err(CborError::TooDeep));
        assert_eq!(decode(&[0xc1; 100]), Err(CborError::TooDeep));
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_alike(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(value) = decode(&bytes) {
                let written = encode(&value);
                prop_assert_eq!(decode(&written), Ok(value));
            }
        }
    }
}
