//! What a policy makes of one URI.

use crate::playlist::places::Place;
use crate::uri::policy::{HostSwitch, UriPolicy};
use crate::uri::reference::{UriReference, climbs_out, resolve_path};

impl UriPolicy {
    /// Writes the URI of a place as it must stand in the result. Writes nothing and returns false when it stays as it is.
    pub fn rewrite(&self, uri: &[u8], place: Place, out: &mut Vec<u8>) -> bool {
        let parts = UriReference::split(uri);
        if uri.is_empty() || !self.touches(&parts) {
            return false;
        }
        let suffix = &self.suffix[place as usize];
        let moved = self
            .switch
            .as_ref()
            .filter(|switch| switch.places.contains(place) && self.moves_from(&parts, switch));
        let prefix = self.prefix_for(&parts, place, moved.is_some());
        if suffix.is_empty() && moved.is_none() && prefix.is_none() {
            return false;
        }
        if let Some(switch) = moved {
            out.extend_from_slice(&switch.base);
        } else {
            if let Some(scheme) = parts.scheme {
                out.extend_from_slice(scheme);
                out.push(b':');
            }
            if let Some(authority) = parts.authority {
                out.extend_from_slice(b"//");
                out.extend_from_slice(authority);
            }
        }
        match (prefix, moved.is_some()) {
            (None, false) => out.extend_from_slice(parts.path),
            (prefix, _) => {
                out.extend_from_slice(prefix.unwrap_or_default());
                if parts.authority.is_some() && parts.path.is_empty() {
                    out.push(b'/');
                } else {
                    out.extend_from_slice(&resolve_path(&self.base_path, parts.path));
                }
            }
        }
        self.write_query(&parts, parts.query.is_some(), suffix, out);
        true
    }

    /// Moves a URI as [`Self::rewrite`] does, its query left as it is.
    pub fn rewrite_place(&self, uri: &[u8], place: Place, out: &mut Vec<u8>) -> bool {
        let bare = Self {
            suffix: Default::default(),
            ..self.clone()
        };
        bare.rewrite(uri, place, out)
    }

    /// The directory of the manifest at the host that media moves to, for one base URL instead of many. None when media stays.
    pub fn moved_directory(&self) -> Option<String> {
        let mut out = Vec::new();
        let moved = self.moves(Place::Segment)
            && self.switch.is_some()
            && self.rewrite_place(b"./", Place::Segment, &mut out);
        moved.then(|| String::from_utf8_lossy(&out).into_owned())
    }

    /// Adds only the query of a place to `uri`, whose meaning after variable substitution is `meaning`.
    pub fn rewrite_query(
        &self,
        uri: &[u8],
        meaning: &[u8],
        place: Place,
        out: &mut Vec<u8>,
    ) -> bool {
        let suffix = &self.suffix[place as usize];
        let meant = UriReference::split(meaning);
        if suffix.is_empty() || meaning.is_empty() || !self.touches(&meant) {
            return false;
        }
        let parts = UriReference::split(uri);
        let before = uri.len()
            - parts.query.map_or(0, |query| query.len() + 1)
            - parts.fragment.map_or(0, |fragment| fragment.len() + 1);
        out.extend_from_slice(&uri[..before]);
        self.write_query(&parts, meant.query.is_some(), suffix, out);
        true
    }

    fn touches(&self, parts: &UriReference<'_>) -> bool {
        parts.is_http()
            && !parts
                .host()
                .is_some_and(|host| self.exclude.iter().any(|pattern| pattern.matches(host)))
    }

    fn is_own(&self, parts: &UriReference<'_>) -> bool {
        parts.host().is_some_and(|host| {
            self.own_hosts
                .iter()
                .any(|own| host.eq_ignore_ascii_case(own))
        })
    }

    fn moves_from(&self, parts: &UriReference<'_>, switch: &HostSwitch) -> bool {
        match parts.host() {
            // `http:path` without slashes has no host to replace.
            None => parts.scheme.is_none(),
            Some(host) => {
                self.is_own(parts) || switch.from.iter().any(|pattern| pattern.matches(host))
            }
        }
    }

    /// The path to put in front. A relative path inherits the token from the playlist's own URI, unless it climbs above it; a
    /// foreign host would not know what the segment means.
    fn prefix_for(&self, parts: &UriReference<'_>, place: Place, moved: bool) -> Option<&[u8]> {
        let (prefix, _) = self
            .prefix
            .as_ref()
            .filter(|(_, places)| places.contains(place))?;
        let path = parts.path;
        let needed = moved
            || match parts.authority {
                Some(_) => self.is_own(parts),
                None => {
                    parts.scheme.is_none()
                        && (path.starts_with(b"/") || climbs_out(&self.base_path, path))
                }
            };
        let there = path
            .strip_prefix(prefix.as_slice())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"));
        (needed && !there).then_some(prefix)
    }

    fn write_query(
        &self,
        parts: &UriReference<'_>,
        has_query: bool,
        suffix: &[u8],
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        if let Some(query) = parts.query {
            out.push(b'?');
            if suffix.is_empty() || !self.sets_any(query) {
                out.extend_from_slice(query);
            } else {
                let kept = query
                    .split(|byte| *byte == b'&')
                    .filter(|pair| !self.sets(pair));
                for (index, pair) in kept.enumerate() {
                    if index > 0 {
                        out.push(b'&');
                    }
                    out.extend_from_slice(pair);
                }
            }
        }
        if !suffix.is_empty() {
            match out[start..].last() {
                None => out.push(if has_query { b'&' } else { b'?' }),
                Some(b'?' | b'&') => {}
                Some(_) => out.push(b'&'),
            }
            out.extend_from_slice(suffix);
        }
        if let Some(fragment) = parts.fragment {
            out.push(b'#');
            out.extend_from_slice(fragment);
        }
    }

    fn sets_any(&self, query: &[u8]) -> bool {
        query
            .split(|byte| *byte == b'&')
            .any(|pair| self.sets(pair))
    }

    fn sets(&self, pair: &[u8]) -> bool {
        let name = memchr::memchr(b'=', pair).map_or(pair, |at| &pair[..at]);
        self.names.iter().any(|known| known == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playlist::places::Places;
    use crate::uri::carrier::Carrier;
    use crate::uri::reference::HostPattern;

    fn policy(carrier: &[u8]) -> UriPolicy {
        let mut policy = UriPolicy::new("/vod/a/index.m3u8", "edge.example:8443");
        policy.carry_token(&Carrier::parse(carrier, "/t/").unwrap(), Places::ALL);
        policy.exclude(&[
            HostPattern::parse("*.ads.example").unwrap(),
            HostPattern::parse("drm.example").unwrap(),
        ]);
        policy
    }

    fn rewrite(policy: &UriPolicy, uri: &str) -> String {
        let mut out = Vec::new();
        if policy.rewrite(uri.as_bytes(), Place::Segment, &mut out) {
            String::from_utf8(out).unwrap()
        } else {
            assert!(out.is_empty());
            uri.to_owned()
        }
    }

    #[test]
    fn a_query_token_goes_into_every_form() {
        let policy = policy(b"query:t=X");
        for (uri, expected) in [
            ("a.ts", "a.ts?t=X"),
            ("a.ts?b=1", "a.ts?b=1&t=X"),
            ("a.ts?", "a.ts?t=X"),
            ("a.ts?b=1&", "a.ts?b=1&t=X"),
            ("a.ts#f", "a.ts?t=X#f"),
            ("a.ts?b#f?g", "a.ts?b&t=X#f?g"),
            ("a.ts?t=old&b=1", "a.ts?b=1&t=X"),
            ("a.ts?t=old", "a.ts?t=X"),
            ("a.ts?tt=old", "a.ts?tt=old&t=X"),
            ("/a.ts", "/a.ts?t=X"),
            ("//h.example/a.ts", "//h.example/a.ts?t=X"),
            ("https://h.example", "https://h.example?t=X"),
            ("HTTP://h.example/a?b", "HTTP://h.example/a?b&t=X"),
            ("?b=1", "?b=1&t=X"),
            ("a:b/c", "a:b/c"),
            ("skd://key", "skd://key"),
            ("data:text/plain;base64,AA==", "data:text/plain;base64,AA=="),
            ("https://x.ads.example/a", "https://x.ads.example/a"),
            ("//DRM.example./a", "//DRM.example./a"),
            (r"/\drm.example/a", r"/\drm.example/a"),
            (
                "https://u:p@drm.example:444/a",
                "https://u:p@drm.example:444/a",
            ),
            ("", ""),
        ] {
            assert_eq!(rewrite(&policy, uri), expected, "{uri}");
        }
    }

    #[test]
    fn a_path_token_is_inherited_by_relative_paths_only() {
        let policy = policy(b"path:X");
        for (uri, expected) in [
            ("a.ts?b", "a.ts?b"),
            ("../a.ts", "../a.ts"),
            ("../../a.ts", "../../a.ts"),
            ("../../../a.ts", "/t/X/a.ts"),
            ("/v/a.ts?b#c", "/t/X/v/a.ts?b#c"),
            ("/t/X/v/a.ts", "/t/X/v/a.ts"),
            ("https://edge.example/v", "https://edge.example/t/X/v"),
            ("//EDGE.example:8443/v", "//EDGE.example:8443/t/X/v"),
            ("https://edge.example", "https://edge.example/t/X/"),
            ("https://other.example/v", "https://other.example/v"),
            ("skd://edge.example/v", "skd://edge.example/v"),
        ] {
            assert_eq!(rewrite(&policy, uri), expected, "{uri}");
        }
    }

    #[test]
    fn a_host_switch_makes_absolute() {
        let mut policy = policy(b"query:t=X");
        policy.switch_host(HostSwitch {
            base: b"https://b.cdn.example/p".to_vec(),
            places: Places::of(Place::is_media),
            from: vec![HostPattern::parse("origin.example").unwrap()],
        });
        for (uri, expected) in [
            ("a.ts", "https://b.cdn.example/p/vod/a/a.ts?t=X"),
            ("../../../a.ts#f", "https://b.cdn.example/p/a.ts?t=X#f"),
            ("/v/./a.ts?b", "https://b.cdn.example/p/v/a.ts?b&t=X"),
            (
                "http://origin.example:80/v/a.ts",
                "https://b.cdn.example/p/v/a.ts?t=X",
            ),
            ("//edge.example/v", "https://b.cdn.example/p/v?t=X"),
            ("https://other.example/v", "https://other.example/v?t=X"),
            ("https://drm.example/v", "https://drm.example/v"),
        ] {
            assert_eq!(rewrite(&policy, uri), expected, "{uri}");
        }
        let mut out = Vec::new();
        assert!(policy.rewrite(b"k.bin", Place::Key, &mut out));
        assert_eq!(out, b"k.bin?t=X");
    }

    #[test]
    fn a_host_switch_keeps_a_path_token() {
        let mut policy = policy(b"path:X");
        policy.switch_host(HostSwitch {
            base: b"https://b.example".to_vec(),
            places: Places::ALL,
            from: vec![],
        });
        assert_eq!(rewrite(&policy, "a.ts"), "https://b.example/t/X/vod/a/a.ts");
    }

    #[test]
    fn variables_decide_by_what_they_stand_for() {
        let policy = policy(b"query:t=X");
        let mut out = Vec::new();
        assert!(policy.rewrite_query(b"a.ts{$q}", b"a.ts?b=1", Place::Segment, &mut out));
        assert_eq!(out, b"a.ts{$q}&t=X");
        assert!(!policy.rewrite_query(
            b"{$base}/a.ts",
            b"https://drm.example/a.ts",
            Place::Segment,
            &mut out
        ));
    }
}
