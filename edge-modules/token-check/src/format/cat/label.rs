//! Claim numbers: RFC 8392 section 3.1 and the IANA registry of CWT claims; compositions as the open implementations number them.
#![allow(missing_docs)] // The numbers are named after their claims.

pub const ISS: i64 = 1;
pub const SUB: i64 = 2;
pub const AUD: i64 = 3;
pub const EXP: i64 = 4;
pub const NBF: i64 = 5;
pub const IAT: i64 = 6;
pub const CTI: i64 = 7;
pub const CNF: i64 = 8;
pub const OR: i64 = 41;
pub const NOR: i64 = 42;
pub const AND: i64 = 43;
pub const ENC: i64 = 44;
pub const CRIT: i64 = 45;
pub const CATDPOPW: i64 = 275;
pub const GEOHASH: i64 = 282;
pub const CATREPLAY: i64 = 308;
pub const CATPOR: i64 = 309;
pub const CATV: i64 = 310;
pub const CATNIP: i64 = 311;
pub const CATU: i64 = 312;
pub const CATM: i64 = 313;
pub const CATALPN: i64 = 314;
pub const CATH: i64 = 315;
pub const CATGEOISO3166: i64 = 316;
pub const CATGEOCOORD: i64 = 317;
pub const CATGEOALT: i64 = 318;
pub const CATTPK: i64 = 319;
pub const CATIFDATA: i64 = 320;
pub const CATDPOP: i64 = 321;
pub const CATIF: i64 = 322;
pub const CATR: i64 = 323;
pub const CATTPRINT: i64 = 324;

/// Whether a claim is enforced. One that is not refuses the token, naming itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enforced {
    /// Always.
    Yes,
    /// When `client-headers` says which header tells it.
    WhenTold,
    /// Never.
    No,
}

use Enforced::{No, WhenTold, Yes};

/// Every number with its name and whether the claim is enforced here.
pub const ALL: [(i64, &str, Enforced); 32] = [
    (ISS, "iss", Yes),
    (SUB, "sub", Yes),
    (AUD, "aud", Yes),
    (EXP, "exp", Yes),
    (NBF, "nbf", Yes),
    (IAT, "iat", Yes),
    (CTI, "cti", Yes),
    (CNF, "cnf", No),
    (OR, "or", Yes),
    (NOR, "nor", Yes),
    (AND, "and", Yes),
    (ENC, "enc", No),
    (CRIT, "crit", Yes),
    (CATDPOPW, "catdpopw", No),
    (GEOHASH, "geohash", WhenTold),
    (CATREPLAY, "catreplay", Yes),
    (CATPOR, "catpor", No),
    (CATV, "catv", Yes),
    (CATNIP, "catnip", Yes),
    (CATU, "catu", Yes),
    (CATM, "catm", Yes),
    (CATALPN, "catalpn", WhenTold),
    (CATH, "cath", Yes),
    (CATGEOISO3166, "catgeoiso3166", Yes),
    (CATGEOCOORD, "catgeocoord", WhenTold),
    (CATGEOALT, "catgeoalt", WhenTold),
    (CATTPK, "cattpk", WhenTold),
    (CATIFDATA, "catifdata", Yes),
    (CATDPOP, "catdpop", No),
    (CATIF, "catif", Yes),
    (CATR, "catr", Yes),
    (CATTPRINT, "cattprint", No),
];

/// The number of a claim by its name.
pub fn by_name(name: &str) -> Option<i64> {
    ALL.iter()
        .find(|(_, known, _)| *known == name)
        .map(|(number, ..)| *number)
}

/// The name of a claim by its number.
pub(super) fn name_of(number: i64) -> &'static str {
    ALL.iter()
        .find(|(known, ..)| *known == number)
        .map_or("claim", |(_, name, _)| name)
}
