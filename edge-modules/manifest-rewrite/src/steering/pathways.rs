//! Pathways in a multivariant playlist: the steering tag, `PATHWAY-ID`, and for each further pathway a copy of every stream with
//! its own groups, so that sound and pictures come from the same place (RFC 8216bis section 4.4.6.6).

use crate::multivariant::list::{Entry, Kind, Multivariant};
use crate::multivariant::stream::GROUP_TYPES;
use crate::playlist::attributes::AttributeList;
use crate::playlist::lines::{content, lines};
use crate::steering::config::{Mode, PathwayConfig, Steering};
use crate::uri::reference::{UriReference, resolve_path};

/// Writes the pathways into a playlist that lies at `base_path`. One that names pathways itself keeps them.
pub fn apply(steering: &Steering, first: &str, base_path: &str, list: &mut Multivariant) {
    let config = steering.config();
    let streams = list.entries.iter().filter_map(|entry| match &entry.kind {
        Kind::Variant(stream) => Some(stream.pathway.as_str()),
        _ => None,
    });
    let own = streams.into_iter().any(|pathway| pathway != ".");
    if !own && config.mode != Mode::Origin {
        let (here, others) = match config.pathways.split_first() {
            Some(split) => split,
            None => return,
        };
        let originals: Vec<usize> = (0..list.entries.len())
            .filter(|index| is_copied(&list.entries[*index]))
            .collect();
        if config.mode == Mode::Listed {
            for pathway in others {
                for &index in &originals {
                    let at = list.copy_to_end(index);
                    rename_groups(list, at, &pathway.id);
                    set_pathway(list, at, pathway, base_path);
                }
            }
        }
        for index in originals {
            set_pathway(list, index, here, base_path);
        }
    }
    if !list
        .entries
        .iter()
        .any(|entry| !entry.dropped && matches!(entry.kind, Kind::Steering { .. }))
    {
        let there: Vec<String> = list
            .entries
            .iter()
            .filter_map(|entry| match &entry.kind {
                Kind::Variant(_) if !entry.dropped => {
                    let text = list.attributes_of(entry);
                    AttributeList::find(text, "PATHWAY-ID")
                        .map(|id| String::from_utf8_lossy(id).into_owned())
                }
                _ => None,
            })
            .collect();
        // The pathway to begin with must have variants; without any pathway, players begin with the one called `.`.
        let pathway = there
            .iter()
            .find(|id| *id == first)
            .or(there.first())
            .cloned();
        let attribute = pathway
            .as_ref()
            .map(|id| format!(",PATHWAY-ID=\"{id}\""))
            .unwrap_or_default();
        let tag = format!(
            "#EXT-X-CONTENT-STEERING:SERVER-URI=\"{}\"{attribute}",
            steering.server_uri()
        );
        let kind = Kind::Steering { pathway };
        let at = list.head_end();
        list.insert(at, &tag, kind);
    }
}

fn is_copied(entry: &Entry) -> bool {
    !entry.dropped
        && matches!(
            entry.kind,
            Kind::Variant(_) | Kind::IFrame(_) | Kind::Image(_) | Kind::Rendition(_)
        )
}

/// Gives an entry to a pathway: its id (renditions have none) and its host.
fn set_pathway(list: &mut Multivariant, index: usize, pathway: &PathwayConfig, base_path: &str) {
    if !matches!(list.entries[index].kind, Kind::Rendition(_)) {
        list.set_attribute(index, "PATHWAY-ID", Some(&format!("\"{}\"", pathway.id)));
    }
    let Some(base) = &pathway.base else { return };
    let moved = |uri: &[u8]| {
        let parts = UriReference::split(uri);
        if parts.scheme.is_some() || parts.authority.is_some() || uri.is_empty() {
            return None;
        }
        let mut moved = base.trim_end_matches('/').as_bytes().to_vec();
        moved.extend_from_slice(&resolve_path(base_path.as_bytes(), parts.path));
        for (mark, part) in [(b'?', parts.query), (b'#', parts.fragment)] {
            if let Some(part) = part {
                moved.push(mark);
                moved.extend_from_slice(part);
            }
        }
        Some(String::from_utf8_lossy(&moved).into_owned())
    };
    if matches!(list.entries[index].kind, Kind::Variant(_)) {
        let text = list.text(index).to_vec();
        let mut at = 0;
        for line in lines(&text) {
            let uri = content(line);
            if !uri.is_empty() && uri[0] != b'#' {
                if let Some(uri_moved) = moved(uri) {
                    let from = at + (line.len() - line.trim_ascii_start().len());
                    list.replace_text(index, from..from + uri.len(), &uri_moved);
                }
                return;
            }
            at += line.len();
        }
    } else {
        let text = list.text(index).to_vec();
        let value =
            memchr::memchr(b':', &text).map_or(&b""[..], |colon| content(&text[colon + 1..]));
        if let Some(uri) = AttributeList::find(value, "URI").and_then(moved) {
            list.set_attribute(index, "URI", Some(&format!("\"{uri}\"")));
        }
    }
}

/// The groups of a copy carry the pathway in their names.
fn rename_groups(list: &mut Multivariant, index: usize, pathway: &str) {
    let renamed = |group: &str| format!("\"{group}_{pathway}\"");
    let groups: Vec<(&str, String)> = match &list.entries[index].kind {
        Kind::Rendition(rendition) => vec![("GROUP-ID", renamed(&rendition.group))],
        Kind::Variant(stream) | Kind::IFrame(stream) | Kind::Image(stream) => {
            let named = GROUP_TYPES.into_iter().zip(&stream.groups);
            named
                .filter_map(|(name, group)| Some((name, renamed(group.as_ref()?))))
                .collect()
        }
        _ => return,
    };
    for (name, group) in groups {
        list.set_attribute(index, name, Some(&group));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",URI=\"a.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nv.m3u8?x=1\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"/i.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=2\nhttps://other.example/w.m3u8";

    fn run(mode: &str) -> String {
        let text = format!(
            "path='/s'\nmode='{mode}'\n[[pathways]]\nid='A'\n[[pathways]]\nid='B'\nbase='https://b.example'\n"
        );
        let steering = Steering::compile(toml::from_str(&text).unwrap()).unwrap();
        let mut list = Multivariant::parse(TEXT.into());
        apply(&steering, "B", "/v/index.m3u8", &mut list);
        let mut out = Vec::new();
        list.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lists_every_stream_for_every_pathway() {
        assert_eq!(
            run("listed"),
            "#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"/s\",PATHWAY-ID=\"B\"\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",URI=\"a.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\",PATHWAY-ID=\"A\"\nv.m3u8?x=1\n\
             #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"/i.m3u8\",PATHWAY-ID=\"A\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=2,PATHWAY-ID=\"A\"\nhttps://other.example/w.m3u8\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a_B\",NAME=\"x\",URI=\"https://b.example/v/a.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a_B\",PATHWAY-ID=\"B\"\nhttps://b.example/v/v.m3u8?x=1\n\
             #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"https://b.example/i.m3u8\",PATHWAY-ID=\"B\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=2,PATHWAY-ID=\"B\"\nhttps://other.example/w.m3u8"
        );
    }

    #[test]
    fn clones_are_left_to_the_manifest() {
        let text = run("clones");
        assert!(text.contains("SERVER-URI=\"/s\",PATHWAY-ID=\"A\"") && !text.contains("b.example"));
        assert_eq!(text.matches("PATHWAY-ID=\"A\"").count(), 4);
        // The origin names none: nothing to begin with.
        let text = run("origin");
        assert!(
            text.contains("#EXT-X-CONTENT-STEERING:SERVER-URI=\"/s\"\n")
                && !text.contains("PATHWAY-ID")
        );
    }
}
