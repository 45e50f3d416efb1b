//! What kind of thing a request asks for, and where: request classes and routes.

use serde::Deserialize;

/// The class of everything that no other class takes.
pub(crate) const API: &str = "api";
/// The class of playlists.
pub(crate) const MANIFEST: &str = "manifest";
/// The class of media.
pub(crate) const SEGMENT: &str = "segment";
/// The class of pictures.
pub(crate) const THUMBNAIL: &str = "thumbnail";

/// The built-in classes.
pub(crate) const BUILT_IN: [&str; 4] = [MANIFEST, SEGMENT, THUMBNAIL, API];

/// A request class of the operator's own, looked at before the built-in ones.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ClassConfig {
    /// The name.
    pub name: String,
    /// Path patterns; `*` stands for any run of characters.
    #[serde(default)]
    pub paths: Vec<String>,
    /// File name extensions without the dot, in lower case.
    #[serde(default)]
    pub extensions: Vec<String>,
    /// Units that one request of this class costs.
    #[serde(default = "one")]
    pub cost: u64,
}

/// A named part of the path space, for keys and filters.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RouteConfig {
    /// The name.
    pub name: String,
    /// Path patterns; `*` stands for any run of characters.
    pub paths: Vec<String>,
}

/// Units that one request of a built-in class costs. 0: free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Costs {
    /// Playlists.
    pub manifest: u64,
    /// Media segments.
    pub segment: u64,
    /// Pictures.
    pub thumbnail: u64,
    /// All else.
    pub api: u64,
}

impl Default for Costs {
    fn default() -> Self {
        Self {
            manifest: 1,
            segment: 1,
            thumbnail: 1,
            api: 1,
        }
    }
}

fn one() -> u64 {
    1
}

/// Sorts requests into classes and routes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Classifier {
    /// The operator's classes, first match wins.
    pub classes: Vec<ClassConfig>,
    /// Routes, first match wins.
    pub routes: Vec<RouteConfig>,
    /// Costs of the built-in classes.
    pub costs: Costs,
}

impl Classifier {
    /// The class of a path and what it costs.
    pub(crate) fn class(&self, path: &str) -> (&str, u64) {
        let extension = extension(path.as_bytes()).unwrap_or(b"");
        for class in &self.classes {
            let by_extension = class
                .extensions
                .iter()
                .any(|known| extension.eq_ignore_ascii_case(known.as_bytes()));
            if by_extension || class.paths.iter().any(|pattern| matches(pattern, path)) {
                return (&class.name, class.cost);
            }
        }
        match built_in(extension) {
            MANIFEST => (MANIFEST, self.costs.manifest),
            SEGMENT => (SEGMENT, self.costs.segment),
            THUMBNAIL => (THUMBNAIL, self.costs.thumbnail),
            _ => (API, self.costs.api),
        }
    }

    /// The name of the first route that takes the path.
    pub(crate) fn route(&self, path: &str) -> Option<&str> {
        let route = self
            .routes
            .iter()
            .find(|route| route.paths.iter().any(|pattern| matches(pattern, path)))?;
        Some(&route.name)
    }

    /// The largest cost that a request of these classes can have; of any class when none is named.
    pub(crate) fn largest_cost(&self, only: &[String]) -> u64 {
        let Costs {
            manifest,
            segment,
            thumbnail,
            api,
        } = self.costs;
        let built_in = [
            (MANIFEST, manifest),
            (SEGMENT, segment),
            (THUMBNAIL, thumbnail),
            (API, api),
        ];
        let own = self
            .classes
            .iter()
            .map(|class| (class.name.as_str(), class.cost));
        let counted = own
            .chain(built_in)
            .filter(|(name, _)| only.is_empty() || only.iter().any(|known| known == name));
        counted.map(|(_, cost)| cost).max().unwrap_or(1)
    }
}

/// The built-in class of a file name extension, in any case.
fn built_in(extension: &[u8]) -> &'static str {
    let mut small = [0; 4];
    let Some(small) = small.get_mut(..extension.len()) else {
        return API;
    };
    small.copy_from_slice(extension);
    small.make_ascii_lowercase();
    match &*small {
        b"m3u8" | b"mpd" => MANIFEST,
        // Media segments, initialization segments, keys and subtitles.
        b"m4s" | b"ts" | b"mp4" | b"cmfv" | b"cmfa" | b"cmft" | b"cmfi" | b"m4v" | b"m4a"
        | b"m4i" | b"aac" | b"ac3" | b"ec3" | b"vtt" | b"key" => SEGMENT,
        b"jpg" | b"jpeg" | b"png" | b"webp" | b"gif" | b"avif" => THUMBNAIL,
        _ => API,
    }
}

/// The extension of the path's last segment, path parameters (`;…`) aside.
fn extension(path: &[u8]) -> Option<&[u8]> {
    let mut end = path.len();
    let mut start = None;
    for (at, byte) in path.iter().enumerate().rev() {
        match byte {
            b'/' => break,
            b';' => (end, start) = (at, None),
            b'.' if start.is_none() => start = Some(at + 1),
            _ => {}
        }
    }
    path.get(start?..end)
}

/// True when the whole path fits the pattern; `*` stands for any run of characters.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (pattern.as_bytes(), path.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while t < path.len() {
        if pattern.get(p) == Some(&b'*') {
            last_star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&path[t]) {
            p += 1;
            t += 1;
        } else if let Some((star, taken)) = last_star {
            last_star = Some((star, taken + 1));
            p = star + 1;
            t = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_fall_into_classes() {
        let classifier = Classifier {
            classes: vec![ClassConfig {
                name: "live".into(),
                paths: vec!["/live/*".into()],
                extensions: vec!["llhls".into()],
                cost: 3,
            }],
            ..Classifier::default()
        };
        for (path, class) in [
            ("/vod/a/main.m3u8", ("manifest", 1)),
            ("/vod/a/MAIN.M3U8", ("manifest", 1)),
            ("/vod/a/main.m3u8;v=1", ("manifest", 1)),
            ("/vod/a/1080p/seg-1.m4s", ("segment", 1)),
            ("/vod/a/init.mp4", ("segment", 1)),
            ("/vod/a/poster.jpg", ("thumbnail", 1)),
            ("/v1/assets", ("api", 1)),
            ("/v1.2/assets", ("api", 1)),
            ("/", ("api", 1)),
            ("/live/a/main.m3u8", ("live", 3)),
            ("/x.llhls", ("live", 3)),
        ] {
            assert_eq!(classifier.class(path), class, "{path}");
        }
        assert_eq!(classifier.largest_cost(&[]), 3);
        assert_eq!(classifier.largest_cost(&["segment".into()]), 1);
    }

    #[test]
    fn patterns_match_whole_paths() {
        for (pattern, path, fits) in [
            ("/vod/*", "/vod/a/b.m3u8", true),
            ("/vod/*", "/vod", false),
            ("/vod", "/vod/a", false),
            ("*", "", true),
            ("*.m3u8", "/a.m3u8.m3u8", true),
            ("/a*b*c", "/aXbXbXc", true),
            ("/a*b*c", "/aXbXbX", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, path), fits, "{pattern} {path}");
        }
    }

    /// The plain definition.
    fn slow_extension(path: &str) -> Option<&str> {
        let name = path.rsplit('/').next()?;
        let name = name.split_once(';').map_or(name, |(name, _)| name);
        Some(name.rsplit_once('.')?.1)
    }

    proptest! {
        #[test]
        fn extensions_agree_with_the_definition(path in "[ab./;]{0,12}") {
            prop_assert_eq!(extension(path.as_bytes()), slow_extension(&path).map(str::as_bytes), "{}", path);
        }

        #[test]
        fn a_pattern_made_from_a_path_fits_it(path in "[a-c/]{0,30}", cuts in prop::collection::vec(0usize..30, 0..4)) {
            let mut pattern = path.clone();
            for cut in cuts {
                let at = cut.min(pattern.len());
                let end = (at + 2).min(pattern.len());
                pattern.replace_range(at..end, "*");
            }
            prop_assert!(matches(&pattern, &path));
        }
    }
}
