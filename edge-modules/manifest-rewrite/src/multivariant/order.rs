//! `[order]` and `[start]`: which variant comes first, and where playback begins.
//!
//! Players begin with the first variant that they can play (RFC 8216bis section 6.3.1 leaves the choice to them; Apple's
//! authoring specification, 9.10 and its notes, relies on it).

use serde::Deserialize;
use weir_module::ConfigError;

use crate::NAME;
use crate::multivariant::list::{Kind, Multivariant};
use crate::multivariant::stream::Stream;
use crate::select::expression::Expression;
use crate::select::scopes::{StreamScope, is_stream_name, is_viewer_name};
use crate::viewer::Viewer;

/// `[order]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct OrderConfig {
    /// Order by bandwidth. Default `keep`.
    pub sort: Sort,
    /// The first variant of which this is true comes first.
    pub first: Option<String>,
    /// With a throughput that the player measured (CMCD `mtp`), the best variant whose bandwidth is below this share of it comes
    /// first. Default 0: off.
    pub throughput: f64,
}

/// How variants are sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// As they come.
    #[default]
    Keep,
    /// Lowest bandwidth first.
    Ascending,
    /// Highest bandwidth first.
    Descending,
}

/// `[start]`: `EXT-X-START` in multivariant playlists.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StartConfig {
    /// Seconds from the beginning, or from the end when negative.
    pub time_offset: f64,
    /// Renders nothing before the offset. Default false.
    #[serde(default)]
    pub precise: bool,
    /// Replaces a tag that is there. Default false.
    #[serde(default)]
    pub replace: bool,
}

/// The compiled order.
#[derive(Debug, Clone)]
pub struct Order {
    sort: Sort,
    first: Option<Expression>,
    throughput: f64,
}

impl Order {
    /// Checks a configuration. None when nothing moves.
    ///
    /// # Errors
    /// The key that is wrong.
    pub fn compile(config: &OrderConfig) -> Result<Option<Self>, ConfigError> {
        let first = config
            .first
            .as_deref()
            .map(|text| Expression::parse(text, &is_stream_name))
            .transpose();
        let first =
            first.map_err(|error| ConfigError::new(NAME, "order.first", error.to_string()))?;
        if !(0.0..=1.0).contains(&config.throughput) {
            return Err(ConfigError::new(
                NAME,
                "order.throughput",
                "a share is a number from 0 to 1",
            ));
        }
        let order = Self {
            sort: config.sort,
            first,
            throughput: config.throughput,
        };
        Ok(
            (order.sort != Sort::Keep || order.first.is_some() || order.throughput > 0.0)
                .then_some(order),
        )
    }

    /// Every name that the order uses.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.first.iter().flat_map(Expression::names)
    }

    /// True when the order is the same for every viewer of the URL. Reads nothing of the viewer.
    pub fn is_shared(&self) -> bool {
        self.throughput == 0.0
            && !self
                .names()
                .any(|name| is_viewer_name(name) && !name.starts_with("query."))
    }

    /// Moves variants. Those of one pathway change places among themselves, so that the pathways keep theirs.
    pub fn apply(&self, list: &mut Multivariant, viewer: &Viewer) {
        let places: Vec<(usize, Stream)> = list
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| !entry.dropped)
            .filter_map(|(index, entry)| match &entry.kind {
                Kind::Variant(stream) => Some((index, stream.clone())),
                _ => None,
            })
            .collect();
        let mut pathways: Vec<&str> = places
            .iter()
            .map(|(_, stream)| stream.pathway.as_str())
            .collect();
        pathways.sort_unstable();
        pathways.dedup();
        let before = list.entries.clone();
        for pathway in pathways {
            let mut moved: Vec<&(usize, Stream)> = places
                .iter()
                .filter(|(_, stream)| stream.pathway == pathway)
                .collect();
            let slots: Vec<usize> = moved.iter().map(|(index, _)| *index).collect();
            self.arrange(&mut moved, viewer);
            for (slot, (from, _)) in slots.into_iter().zip(moved) {
                list.entries[slot] = before[*from].clone();
            }
        }
    }

    fn arrange(&self, variants: &mut [&(usize, Stream)], viewer: &Viewer) {
        let bandwidth = |variant: &&(usize, Stream)| variant.1.bandwidth.unwrap_or(0.0);
        match self.sort {
            Sort::Keep => {}
            Sort::Ascending => variants.sort_by(|a, b| bandwidth(a).total_cmp(&bandwidth(b))),
            Sort::Descending => variants.sort_by(|a, b| bandwidth(b).total_cmp(&bandwidth(a))),
        }
        let measured = (self.throughput > 0.0)
            .then(|| viewer.measured_throughput())
            .flatten();
        let first = match (measured, &self.first) {
            (Some(measured), _) => {
                let ceiling = measured * self.throughput;
                let below = variants
                    .iter()
                    .enumerate()
                    .filter(|(_, variant)| bandwidth(variant) <= ceiling);
                let best = below.max_by(|a, b| {
                    bandwidth(a.1)
                        .total_cmp(&bandwidth(b.1))
                        .then(b.0.cmp(&a.0))
                });
                best.or_else(|| {
                    variants
                        .iter()
                        .enumerate()
                        .min_by(|a, b| bandwidth(a.1).total_cmp(&bandwidth(b.1)))
                })
                .map(|(index, _)| index)
            }
            (None, Some(first)) => variants.iter().position(|(_, stream)| {
                first.evaluate(&StreamScope { stream, viewer }) == Some(true)
            }),
            (None, None) => None,
        };
        if let Some(first) = first {
            variants[..=first].rotate_right(1);
        }
    }
}

impl StartConfig {
    /// Puts the tag in.
    pub fn apply(&self, list: &mut Multivariant) {
        let there = |list: &Multivariant| {
            list.entries
                .iter()
                .position(|entry| !entry.dropped && matches!(entry.kind, Kind::Start))
        };
        if there(list).is_some() {
            if !self.replace {
                return;
            }
            while let Some(index) = there(list) {
                list.entries[index].dropped = true;
            }
        }
        let precise = if self.precise { ",PRECISE=YES" } else { "" };
        let at = list.head_end();
        list.insert(
            at,
            &format!("#EXT-X-START:TIME-OFFSET={}{precise}", self.time_offset),
            Kind::Start,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2000000,RESOLUTION=2x720\nb\n#EXT-X-STREAM-INF:BANDWIDTH=1000000,RESOLUTION=2x360\na\n# note\n\
        #EXT-X-STREAM-INF:BANDWIDTH=3000000,RESOLUTION=2x1080\nc";

    fn order(config: &str, query: &str) -> String {
        let order = Order::compile(&toml::from_str(config).unwrap())
            .unwrap()
            .unwrap();
        let mut list = Multivariant::parse(TEXT.as_bytes().to_vec());
        order.apply(&mut list, &Viewer::from_query(query));
        let mut out = Vec::new();
        list.write(&mut out);
        let text = String::from_utf8(out).unwrap();
        text.lines()
            .filter(|line| !line.starts_with("#EXT"))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn sorts_and_brings_forward() {
        assert_eq!(order("sort='ascending'", ""), "a b # note c");
        assert_eq!(order("sort='descending'", ""), "c b # note a");
        assert_eq!(order("first='height == 1080'", ""), "c b # note a");
        assert_eq!(
            order("sort='ascending'\nfirst='height <= query.h'", "h=720"),
            "a b # note c"
        );
        assert_eq!(order("throughput=0.8", "CMCD=mtp%3D2600"), "b a # note c");
        assert_eq!(order("throughput=0.8", "CMCD=mtp%3D100"), "a b # note c");
        assert_eq!(order("throughput=0.8", ""), "b a # note c");
    }

    #[test]
    fn start_is_put_in_once() {
        let mut list = Multivariant::parse(TEXT.as_bytes().to_vec());
        let start = |replace| StartConfig {
            time_offset: -12.5,
            precise: true,
            replace,
        };
        start(false).apply(&mut list);
        StartConfig {
            time_offset: 3.0,
            precise: false,
            replace: false,
        }
        .apply(&mut list);
        let mut out = Vec::new();
        list.write(&mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("#EXTM3U\n#EXT-X-START:TIME-OFFSET=-12.5,PRECISE=YES\n"));
        assert_eq!(text.matches("EXT-X-START").count(), 1);
        StartConfig {
            time_offset: 3.0,
            precise: false,
            replace: true,
        }
        .apply(&mut list);
        let mut out = Vec::new();
        list.write(&mut out);
        assert!(
            String::from_utf8(out)
                .unwrap()
                .starts_with("#EXTM3U\n#EXT-X-START:TIME-OFFSET=3\n")
        );
    }
}
