//! Takes streams and renditions out of a multivariant playlist so that what is left is whole (RFC 8216bis section 4.4.6): at
//! least one variant, no reference to a group that is gone, no group that nothing refers to, the same members in every group
//! that had the same, a default where there was one, trick play only for what can be played.

use std::collections::{BTreeMap, BTreeSet};

use crate::multivariant::list::{Kind, Multivariant};
use crate::multivariant::stream::{GROUP_TYPES, Rendition, Stream};
use crate::playlist::codec::Medium;

const AUDIO: usize = 0;
const VIDEO: usize = 1;
const SUBTITLES: usize = 2;
const CAPTIONS: usize = 3;

/// What a policy answers about each entry. `false` takes it away.
pub trait Wanted {
    /// About a variant.
    fn variant(&self, stream: &Stream) -> bool;
    /// About an audio rendition; `codecs` are the audio families of the variants that use its group.
    fn audio(&self, rendition: &Rendition, codecs: &[String]) -> bool;
    /// About subtitles.
    fn subtitles(&self, rendition: &Rendition) -> bool;
    /// About closed captions.
    fn captions(&self, rendition: &Rendition) -> bool;
    /// About an I-frame stream.
    fn i_frames(&self, stream: &Stream) -> bool;
    /// About an image stream.
    fn images(&self, stream: &Stream) -> bool;
}

/// No variant is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NothingLeft;

/// Applies a selection.
///
/// # Errors
/// When the policy wants no variant at all; the playlist is left as it was.
pub fn select(list: &mut Multivariant, wanted: &dyn Wanted) -> Result<(), NothingLeft> {
    let variants = indices(list, |kind| matches!(kind, Kind::Variant(_)));
    let mut kept: Vec<usize> = variants
        .iter()
        .copied()
        .filter(|index| variant(list, *index).is_some_and(|stream| wanted.variant(stream)))
        .collect();
    if kept.is_empty() && !variants.is_empty() {
        return Err(NothingLeft);
    }
    let audio = Groups::of(list, AUDIO, |rendition, codecs| {
        wanted.audio(rendition, codecs)
    });
    kept = prefer_live(list, kept, &audio);
    for index in variants.iter().filter(|index| !kept.contains(index)) {
        list.entries[*index].dropped = true;
    }
    let original = variants;
    let audio = audio.settle(&used(list, &kept, AUDIO), Emptied::Revive);
    let subtitles = Groups::of(list, SUBTITLES, |rendition, _| wanted.subtitles(rendition))
        .settle(&used(list, &kept, SUBTITLES), Emptied::Remove);
    let captions = Groups::of(list, CAPTIONS, |rendition, _| wanted.captions(rendition))
        .settle(&used(list, &kept, CAPTIONS), Emptied::Remove);
    for (group_type, groups) in [
        (AUDIO, &audio),
        (SUBTITLES, &subtitles),
        (CAPTIONS, &captions),
    ] {
        let (before, after) = (
            used(list, &original, group_type),
            used(list, &kept, group_type),
        );
        apply_groups(list, group_type, groups, &before, &after, &kept);
    }
    let before = used_by_all(list, &original);
    align_trick_play(list, &original, &kept, wanted);
    let after = used_by_all(list, &kept);
    let video = Groups::of(list, VIDEO, |_, _| true).settle(&after, Emptied::Revive);
    apply_groups(list, VIDEO, &video, &before, &after, &kept);
    keep_steering(list, &original, &kept);
    Ok(())
}

fn indices(list: &Multivariant, of: impl Fn(&Kind) -> bool) -> Vec<usize> {
    (0..list.entries.len())
        .filter(|index| !list.entries[*index].dropped && of(&list.entries[*index].kind))
        .collect()
}

fn variant(list: &Multivariant, index: usize) -> Option<&Stream> {
    match &list.entries[index].kind {
        Kind::Variant(stream) => Some(stream),
        _ => None,
    }
}

fn used(list: &Multivariant, variants: &[usize], group_type: usize) -> BTreeSet<String> {
    variants
        .iter()
        .filter_map(|index| variant(list, *index)?.groups[group_type].clone())
        .collect()
}

/// Video groups, which I-frame and image streams name too.
fn used_by_all(list: &Multivariant, variants: &[usize]) -> BTreeSet<String> {
    let trick_play = list
        .entries
        .iter()
        .filter(|entry| !entry.dropped)
        .filter_map(|entry| match &entry.kind {
            Kind::IFrame(stream) | Kind::Image(stream) => stream.groups[VIDEO].clone(),
            _ => None,
        });
    used(list, variants, VIDEO)
        .into_iter()
        .chain(trick_play)
        .collect()
}

/// A variant whose audio is all unwanted goes when another one stays that has some.
fn prefer_live(list: &Multivariant, kept: Vec<usize>, audio: &Groups) -> Vec<usize> {
    let lives = |index: &usize| {
        let group = variant(list, *index).and_then(|stream| stream.groups[AUDIO].as_ref());
        group.is_none_or(|group| audio.is_live(group))
    };
    let live: Vec<usize> = kept.iter().copied().filter(lives).collect();
    if live.is_empty() { kept } else { live }
}

/// What to do with a group that the policy empties while a variant still needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Emptied {
    /// Keep it whole: sound that somebody did not ask for beats silence.
    Revive,
    /// Take the reference away: a programme plays without.
    Remove,
}

/// The groups of one type: for each its members, by entry, with their name and whether they are wanted.
#[derive(Debug)]
struct Groups(BTreeMap<String, Vec<Member>>);

#[derive(Debug)]
struct Member {
    entry: usize,
    name: String,
    wanted: bool,
}

impl Groups {
    fn of(
        list: &Multivariant,
        group_type: usize,
        wanted: impl Fn(&Rendition, &[String]) -> bool,
    ) -> Self {
        let mut codecs: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for entry in &list.entries {
            if let Kind::Variant(stream) = &entry.kind
                && let Some(group) = &stream.groups[group_type]
            {
                codecs
                    .entry(group)
                    .or_default()
                    .extend(stream.families(Medium::Audio));
            }
        }
        let mut groups: BTreeMap<String, Vec<Member>> = BTreeMap::new();
        for (entry, item) in list
            .entries
            .iter()
            .enumerate()
            .filter(|(_, item)| !item.dropped)
        {
            let Kind::Rendition(rendition) = &item.kind else {
                continue;
            };
            if rendition.group_type == Some(group_type) {
                let codecs = codecs
                    .get(rendition.group.as_str())
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                groups
                    .entry(rendition.group.clone())
                    .or_default()
                    .push(Member {
                        entry,
                        name: rendition.name.clone(),
                        wanted: wanted(rendition, codecs),
                    });
            }
        }
        Self(groups)
    }

    /// False when the group exists and nothing in it is wanted.
    fn is_live(&self, group: &str) -> bool {
        self.0
            .get(group)
            .is_none_or(|members| members.iter().any(|member| member.wanted))
    }

    /// Decides the groups that stay: those that are `used` are revived when empty, if they must be, and equal where they were equal
    /// (every group of a type has the same members, section 4.4.6.2.1). Groups that nobody refers to follow them.
    fn settle(mut self, used: &BTreeSet<String>, emptied: Emptied) -> Self {
        for (name, members) in &mut self.0 {
            if used.contains(name)
                && emptied == Emptied::Revive
                && !members.iter().any(|member| member.wanted)
            {
                members.iter_mut().for_each(|member| member.wanted = true);
            }
        }
        let live: Vec<&String> = self.0.keys().filter(|name| self.is_live(name)).collect();
        let (leading, following): (Vec<&String>, Vec<&String>) =
            live.iter().partition(|name| used.contains(**name));
        let leading = if leading.is_empty() {
            following
        } else {
            leading
        };
        let names = |group: &str| -> BTreeSet<&str> {
            let members = self.0[group].iter();
            members.map(|member| member.name.as_str()).collect()
        };
        let Some(all) = leading.first().map(|name| names(name)) else {
            return self;
        };
        if leading.iter().any(|name| names(name) != all) {
            return self;
        }
        let staying: BTreeSet<String> = leading
            .iter()
            .flat_map(|name| &self.0[*name])
            .filter(|member| member.wanted)
            .map(|member| member.name.clone())
            .collect();
        let equal: BTreeSet<String> = live
            .iter()
            .filter(|name| names(name) == all)
            .map(|name| (*name).clone())
            .collect();
        for (_, members) in self.0.iter_mut().filter(|(name, _)| equal.contains(*name)) {
            for member in members {
                member.wanted = staying.contains(&member.name);
            }
        }
        self
    }
}

/// Drops renditions and references as decided.
fn apply_groups(
    list: &mut Multivariant,
    group_type: usize,
    groups: &Groups,
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
    kept: &[usize],
) {
    for (name, members) in &groups.0 {
        // Nobody referred to it before: its members alone are judged.
        let needed = after.contains(name) || !before.contains(name);
        let live = needed && members.iter().any(|member| member.wanted);
        for member in members.iter().filter(|member| !live || !member.wanted) {
            list.entries[member.entry].dropped = true;
        }
        if live {
            keep_default(list, members, group_type);
        } else if after.contains(name) {
            for index in kept {
                if variant(list, *index)
                    .is_some_and(|stream| stream.groups[group_type].as_ref() == Some(name))
                {
                    list.set_attribute(*index, GROUP_TYPES[group_type], None);
                }
            }
        }
    }
}

/// A group that had a default rendition has one still. `DEFAULT=YES` needs `AUTOSELECT=YES` where the attribute stands.
fn keep_default(list: &mut Multivariant, members: &[Member], group_type: usize) {
    let rendition = |list: &Multivariant, member: &Member| match &list.entries[member.entry].kind {
        Kind::Rendition(rendition) => Some(rendition.clone()),
        _ => None,
    };
    let is_default =
        |member: &&Member| rendition(list, member).is_some_and(|rendition| rendition.default);
    let lost = members
        .iter()
        .any(|member| is_default(&member) && !member.wanted);
    let has = members
        .iter()
        .any(|member| is_default(&member) && member.wanted);
    if !lost || has || !matches!(group_type, AUDIO | VIDEO) {
        return;
    }
    let left = || members.iter().filter(|member| member.wanted);
    let heir = left()
        .find(|member| rendition(list, member).is_some_and(|r| r.autoselect))
        .or_else(|| left().next());
    if let Some(heir) = heir {
        list.set_attribute(heir.entry, "DEFAULT", Some("YES"));
        list.set_attribute(heir.entry, "AUTOSELECT", Some("YES"));
    }
}

/// An I-frame stream stays when one of its siblings does: the variants of its height, codec and range; when there are none, of
/// its height; then of its codec and range; then any. Images belong to all variants.
fn align_trick_play(
    list: &mut Multivariant,
    original: &[usize],
    kept: &[usize],
    wanted: &dyn Wanted,
) {
    let key = |stream: &Stream| (stream.families(Medium::Video), stream.video_range.clone());
    for index in 0..list.entries.len() {
        let keep = match &list.entries[index].kind {
            Kind::IFrame(stream) => {
                let siblings = |same: &dyn Fn(&Stream) -> bool| -> Vec<usize> {
                    original
                        .iter()
                        .copied()
                        .filter(|index| variant(list, *index).is_some_and(same))
                        .collect()
                };
                let closest = [
                    siblings(&|other| other.height == stream.height && key(other) == key(stream)),
                    siblings(&|other| other.height == stream.height),
                    siblings(&|other| key(other) == key(stream)),
                ];
                let family = closest.iter().find(|family| !family.is_empty());
                family.is_none_or(|family| family.iter().any(|index| kept.contains(index)))
                    && wanted.i_frames(stream)
            }
            Kind::Image(stream) => wanted.images(stream),
            _ => continue,
        };
        list.entries[index].dropped |= !keep;
    }
}

/// The pathway to begin with exists still, if it did.
fn keep_steering(list: &mut Multivariant, original: &[usize], kept: &[usize]) {
    let pathways = |list: &Multivariant, variants: &[usize]| -> Vec<String> {
        variants
            .iter()
            .filter_map(|index| Some(variant(list, *index)?.pathway.clone()))
            .collect()
    };
    let (before, after) = (pathways(list, original), pathways(list, kept));
    for index in indices(list, |kind| matches!(kind, Kind::Steering { .. })) {
        let Kind::Steering {
            pathway: Some(first),
        } = &list.entries[index].kind
        else {
            continue;
        };
        if let Some(heir) = after.first()
            && before.contains(first)
            && !after.contains(first)
        {
            let pathway = format!("\"{heir}\"");
            list.set_attribute(index, "PATHWAY-ID", Some(&pathway));
        }
    }
}
