//! Client hints that shape a picture, where the operator turns them on: `Sec-CH-DPR`, `Sec-CH-Width` (and their older names) and
//! `Save-Data`. Their values are rounded to few, and what was looked at goes into `Vary`: a cache in front keys by it.

use weir_module::RequestHead;

use crate::options::values::fixed;
use crate::options::{Draft, Quality};

/// Every header that may be looked at.
pub const HEADERS: [&str; 5] = ["sec-ch-dpr", "dpr", "sec-ch-width", "width", "save-data"];

/// Widths are rounded up to a multiple of this.
const STEP: u32 = 160;

/// The quality for viewers that save data, where none is asked for.
const SAVING: u8 = 50;

/// What a client says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// Pixels of the device for one of the page, in hundredths.
    pub dpr: Option<u16>,
    /// Pixels of the device that the picture will take across.
    pub width: Option<u32>,
    /// The viewer wants little data.
    pub save_data: bool,
}

impl Hints {
    /// Reads the headers; a value that cannot be read says nothing.
    pub fn read(head: &RequestHead<'_>) -> Self {
        let first = |names: [&str; 2]| {
            let value = names.iter().find_map(|name| head.header_str(name));
            value.and_then(|text| fixed(text.trim(), 2))
        };
        Self {
            dpr: first(["sec-ch-dpr", "dpr"])
                .and_then(|value| u16::try_from(value).ok())
                .filter(|value| (10..=1000).contains(value)),
            width: first(["sec-ch-width", "width"])
                .and_then(|hundredths| u32::try_from(hundredths.div_ceil(100)).ok())
                .filter(|width| (1..=16_383).contains(width)),
            save_data: head
                .header_str("save-data")
                .is_some_and(|value| value.trim().eq_ignore_ascii_case("on")),
        }
    }

    /// Fills in what the request leaves open. The names are those of the headers that the result depends on, whatever they say.
    pub fn apply(&self, mut draft: Draft, sizes: &[u32]) -> (Draft, Vec<&'static str>) {
        let mut vary = Vec::new();
        if draft.width.is_none() && draft.height.is_none() {
            vary.extend(["Sec-CH-Width", "Width"]);
            if let Some(width) = self.width {
                draft.width = Some(rounded(width, sizes));
                // The hint counts pixels of the device already.
                draft.dpr = Some(100);
            }
        } else if draft.dpr.is_none() {
            vary.extend(["Sec-CH-DPR", "DPR", "Save-Data"]);
            let saving = self.save_data.then_some(100);
            draft.dpr = saving.or(self.dpr.map(next_density));
        }
        if draft.quality.is_none() {
            if !vary.contains(&"Save-Data") {
                vary.push("Save-Data");
            }
            draft.quality = self.save_data.then_some(Quality::Fixed(SAVING));
        }
        (draft, vary)
    }
}

/// The next of the sizes that may be asked for, or of the steps.
fn rounded(width: u32, sizes: &[u32]) -> u32 {
    let next = sizes.iter().copied().filter(|size| *size >= width).min();
    match next.or(sizes.iter().copied().max()) {
        Some(size) => size,
        None => width.div_ceil(STEP) * STEP,
    }
}

/// The next of the usual densities, in hundredths.
fn next_density(dpr: u16) -> u16 {
    let usual = [100, 150, 200, 300];
    usual.into_iter().find(|usual| *usual >= dpr).unwrap_or(300)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::query;

    fn applied(text: &str, hints: &Hints, sizes: &[u32]) -> (String, Vec<&'static str>) {
        let (draft, vary) = hints.apply(query::read(text).unwrap(), sizes);
        (draft.finish(8192).unwrap().canonical(), vary)
    }

    const PHONE: Hints = Hints {
        dpr: Some(263),
        width: Some(411),
        save_data: false,
    };

    #[test]
    fn they_fill_in_what_is_open() {
        for (text, expected) in [
            ("w=100", "w=300"),
            ("w=100&dpr=1", "w=100"),
            ("format=webp", "w=480&format=webp"),
            ("format=webp&dpr=2", "w=480&format=webp"),
        ] {
            assert_eq!(applied(text, &PHONE, &[]).0, expected, "{text}");
        }
        assert_eq!(applied("q=80", &PHONE, &[320, 640, 1280]).0, "w=640&q=80");
        assert_eq!(applied("q=80", &PHONE, &[320]).0, "w=320&q=80");
        let saving = Hints {
            save_data: true,
            ..PHONE
        };
        assert_eq!(applied("w=100", &saving, &[]).0, "w=100&q=50");
        assert_eq!(applied("w=100&q=80&dpr=3", &saving, &[]).0, "w=300&q=80");
    }

    #[test]
    fn the_key_names_what_counts_whatever_it_says() {
        for (text, expected) in [
            ("w=1", vec!["Sec-CH-DPR", "DPR", "Save-Data"]),
            ("w=1&dpr=1", vec!["Save-Data"]),
            ("w=1&dpr=1&q=5", vec![]),
            ("q=5", vec!["Sec-CH-Width", "Width"]),
        ] {
            for hints in [&PHONE, &Hints::default()] {
                assert_eq!(applied(text, hints, &[]).1, expected, "{text}");
            }
        }
    }
}
