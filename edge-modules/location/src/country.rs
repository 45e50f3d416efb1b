//! Countries: ISO 3166-1 alpha-2 codes that are assigned, and `XK`, which the makers of databases use for Kosovo.
//!
//! A code that does not exist would never match: `UK` on a list of what is denied would deny nobody.

/// The codes in order, each three bytes apart.
const CODES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ \
    BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR \
    CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR \
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU \
    ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ \
    LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ \
    MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF \
    PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI \
    SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR \
    TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// A country.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country(&'static str);

impl Country {
    /// Reads a code in either case; none for what is not a country.
    #[must_use]
    pub fn read(code: &str) -> Option<Self> {
        if code.eq_ignore_ascii_case("XK") {
            return Some(Self("XK"));
        }
        let mut known = CODES.split(' ');
        known
            .find(|known| known.eq_ignore_ascii_case(code))
            .map(Self)
    }

    /// The code in capitals.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_in_either_case() {
        assert_eq!(CODES.split(' ').count(), 249);
        assert!(CODES.split(' ').all(|code| code.len() == 2));
        for (code, country) in [
            ("de", Some("DE")),
            ("GB", Some("GB")),
            ("xk", Some("XK")),
            ("UK", None),
            ("EU", None),
            ("XX", None),
            ("T1", None),
            ("", None),
            ("D", None),
            ("DE ", None),
        ] {
            assert_eq!(Country::read(code).map(Country::as_str), country, "{code}");
        }
    }
}
