//! Common Media Client Data, CTA-5004: what a player says about itself, in headers or in the query.

use crate::viewer::Viewer;

/// The header of each group of keys.
const HEADERS: [&str; 4] = ["cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status"];

impl Viewer {
    /// The value of a key, its quotes removed; `true` for a key without value. Headers win over the query, never both
    /// (CTA-5004-B section 6).
    pub fn cmcd(&self, key: &str) -> Option<String> {
        if HEADERS
            .iter()
            .any(|name| self.shared_header(name).is_some())
        {
            return HEADERS
                .iter()
                .find_map(|name| find(self.header(name)?, key));
        }
        find(&self.parameter("CMCD")?, key)
    }

    /// The throughput that the player measured, in bits a second: `mtp`, in kbit/s.
    pub fn measured_throughput(&self) -> Option<f64> {
        let value = self.cmcd("mtp")?;
        // Version 2 writes it as an inner list with one item for each medium.
        let first = value
            .trim_start_matches('(')
            .split([' ', ')', ';'])
            .next()?;
        first
            .parse()
            .ok()
            .filter(|kilobits: &f64| kilobits.is_finite() && *kilobits > 0.0)
            .map(|kilobits| kilobits * 1000.0)
    }
}

/// Splits at commas outside quotes.
fn find(text: &str, key: &str) -> Option<String> {
    let mut quoted = false;
    text.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
    .map(|item| item.trim().split_once('=').unwrap_or((item.trim(), "true")))
    .find(|(name, _)| *name == key)
    .map(|(_, value)| value.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_keys_from_the_query() {
        let viewer = Viewer::from_query("CMCD=br%3D3200%2Cbs%2Cmtp%3D25400%2Csid%3D%22a%2Cb%22");
        assert_eq!(viewer.cmcd("br").as_deref(), Some("3200"));
        assert_eq!(viewer.cmcd("bs").as_deref(), Some("true"));
        assert_eq!(viewer.cmcd("sid").as_deref(), Some("a,b"));
        assert_eq!(viewer.cmcd("x"), None);
        assert_eq!(viewer.measured_throughput(), Some(25_400_000.0));
        assert_eq!(find("mtp=(500 600)", "mtp").as_deref(), Some("(500 600)"));
    }
}
