//! A tiny writer of databases in the MaxMind format 2.0 (maxmind.github.io/MaxMind-DB), so that tests need no data of others.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    missing_docs
)]

use std::net::{IpAddr, Ipv6Addr};

/// A value of the data section.
#[derive(Debug, Clone)]
pub enum Value {
    Text(&'static str),
    Double(f64),
    Unsigned(u32),
    Long(u64),
    Short(u16),
    Flag(bool),
    List(Vec<Value>),
    Map(Vec<(&'static str, Value)>),
}

/// A map with one key.
pub fn one(key: &'static str, value: Value) -> Value {
    Value::Map(vec![(key, value)])
}

/// `{"country": {"iso_code": …}}`
pub fn country(code: &'static str) -> Value {
    one("country", one("iso_code", Value::Text(code)))
}

impl Value {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => {
                control(2, text.len(), out);
                out.extend_from_slice(text.as_bytes());
            }
            Self::Double(number) => {
                control(3, 8, out);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::Unsigned(number) => {
                // Leading zero bytes are left out.
                let bytes = number.to_be_bytes();
                let bytes = &bytes[usize::try_from(number.leading_zeros() / 8).unwrap()..];
                control(6, bytes.len(), out);
                out.extend_from_slice(bytes);
            }
            Self::Long(number) => {
                control(9, 8, out);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::Short(number) => {
                control(5, 2, out);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::Flag(flag) => control(14, usize::from(*flag), out),
            Self::List(items) => {
                control(11, items.len(), out);
                items.iter().for_each(|item| item.write(out));
            }
            Self::Map(pairs) => {
                control(7, pairs.len(), out);
                for (key, value) in pairs {
                    Self::Text(key).write(out);
                    value.write(out);
                }
            }
        }
    }
}

/// The control byte: type in the top three bits, size in the rest; types above 7 have an own byte.
fn control(kind: u8, size: usize, out: &mut Vec<u8>) {
    assert!(size < 285, "sizes above 284 need two more bytes");
    let small = u8::try_from(size.min(29)).unwrap();
    if kind <= 7 {
        out.push(kind << 5 | small);
    } else {
        out.push(small);
        out.push(kind - 7);
    }
    if small == 29 {
        out.push(u8::try_from(size - 29).unwrap());
    }
}

#[derive(Debug, Clone, Copy)]
enum Node {
    Nothing,
    Branch(usize),
    Data(usize),
}

/// A database of this type over these networks, later ones within earlier ones.
pub fn write(kind: &'static str, networks: &[(&str, Value)]) -> Vec<u8> {
    let mut nodes = vec![[Node::Nothing; 2]];
    let mut data = Vec::new();
    for (network, value) in networks {
        let (address, prefix) = network.split_once('/').unwrap();
        let prefix: u32 = prefix.parse().unwrap();
        // IPv4 stands at ::/96.
        let (bits, prefix) = match address.parse().unwrap() {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), prefix + 96),
            IpAddr::V6(v6) => (Ipv6Addr::to_bits(v6), prefix),
        };
        let at = data.len();
        value.write(&mut data);
        insert(&mut nodes, bits, prefix, at);
    }
    let count = nodes.len();
    let mut out = Vec::new();
    for record in nodes.iter().flatten() {
        let number = match *record {
            Node::Nothing => count,
            Node::Branch(node) => node,
            Node::Data(at) => count + 16 + at,
        };
        out.extend_from_slice(&u32::try_from(number).unwrap().to_be_bytes()[1..]);
    }
    out.extend_from_slice(&[0; 16]);
    out.extend_from_slice(&data);
    out.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    let number = |number: usize| Value::Unsigned(u32::try_from(number).unwrap());
    Value::Map(vec![
        ("node_count", number(count)),
        ("record_size", Value::Short(24)),
        ("ip_version", Value::Short(6)),
        ("database_type", Value::Text(kind)),
        ("languages", Value::List(vec![Value::Text("en")])),
        ("binary_format_major_version", Value::Short(2)),
        ("binary_format_minor_version", Value::Short(0)),
        ("build_epoch", Value::Long(1_700_000_000)),
        ("description", one("en", Value::Text("a test"))),
    ])
    .write(&mut out);
    out
}

fn insert(nodes: &mut Vec<[Node; 2]>, bits: u128, prefix: u32, at: usize) {
    let mut node = 0;
    for depth in 0..prefix {
        let side = usize::from(bits >> (127 - depth) & 1 == 1);
        if depth + 1 == prefix {
            nodes[node][side] = Node::Data(at);
            return;
        }
        node = match nodes[node][side] {
            Node::Branch(next) => next,
            // A network within a network: what was here goes on below.
            taken => {
                nodes.push([taken; 2]);
                nodes[node][side] = Node::Branch(nodes.len() - 1);
                nodes.len() - 1
            }
        };
    }
}
