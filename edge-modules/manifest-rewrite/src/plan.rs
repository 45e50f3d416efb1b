//! What is to be done for one request: the settings, seen through one viewer.

use std::rc::Rc;

use weir_module::{Problem, RequestHead};

use crate::body::Rewriter;
use crate::config::Settings;
use crate::dash::rewriter::DashRewriter;
use crate::fingerprint::Fingerprint;
use crate::media::blackout::{Blackout, BlackoutStage};
use crate::media::clip::Clip;
use crate::media::clip_stage::ClipStage;
use crate::media::delta_stage::DeltaStage;
use crate::media::interstitial::{Interstitial, Placed};
use crate::media::interstitial_stage::InterstitialStage;
use crate::media::watermark::{Mark, WatermarkStage};
use crate::multivariant::policy::MultivariantPolicy;
use crate::multivariant::stage::MultivariantStage;
use crate::playlist::places::Place;
use crate::playlist::rewriter::PlaylistRewriter;
use crate::uri::define_stage::DefineStage;
use crate::uri::policy::UriPolicy;
use crate::viewer::{Viewer, without_parameters};

/// The kinds of manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// HTTP Live Streaming.
    Hls,
    /// MPEG-DASH.
    Dash,
}

impl Format {
    /// The format by media type. A type that says nothing (plain text, octets, none) is decided by the path; what is no manifest by its own text passes.
    pub fn of(content_type: Option<&str>, path: &str) -> Option<Self> {
        let essence = content_type
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match essence.as_str() {
            "application/vnd.apple.mpegurl"
            | "application/x-mpegurl"
            | "application/mpegurl"
            | "audio/mpegurl"
            | "audio/x-mpegurl" => Some(Self::Hls),
            "application/dash+xml" | "video/vnd.mpeg.dash.mpd" | "text/xml" | "application/xml" => {
                Some(Self::Dash)
            }
            "text/plain" | "application/octet-stream" | "binary/octet-stream" | "" => {
                let is_mpd = path.to_ascii_lowercase().ends_with(".mpd");
                Some(if is_mpd { Self::Dash } else { Self::Hls })
            }
            _ => None,
        }
    }
}

/// What documents by URL have told this instance.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    /// Pathways to avoid.
    pub unhealthy: Vec<String>,
    /// Interstitials besides those of the configuration.
    pub schedule: Vec<Interstitial>,
    /// Stands for the schedule in entity tags.
    pub schedule_fingerprint: u64,
}

/// Everything that this request needs.
#[derive(Debug)]
pub struct Plan {
    settings: Rc<Settings>,
    schedule: u64,
    query: String,
    personal: bool,
    uris: UriPolicy,
    variables: Vec<Vec<u8>>,
    multivariant: Option<MultivariantPolicy>,
    clip: Option<Clip>,
    interstitials: Vec<Placed>,
    /// Blackouts that hold, by index.
    blackouts: Vec<usize>,
    mark: Option<Mark>,
    /// Deltas are offered; `true` when this request asks for one.
    delta: Option<bool>,
}

impl Plan {
    /// Works a plan out.
    ///
    /// # Errors
    /// A request that asks for the impossible, as the problem to answer.
    pub fn new(
        settings: &Rc<Settings>,
        head: &RequestHead<'_>,
        viewer: &Viewer,
        now_ns: u64,
        learned: &Learned,
    ) -> Result<Self, Box<Problem>> {
        let filters = settings.filters.read(viewer)?;
        let multivariant = MultivariantPolicy::new(settings, viewer, filters, &learned.unhealthy);
        let mut uris = UriPolicy::new(&viewer.path, &viewer.authority);
        uris.exclude(&settings.token.exclude);
        let mut variables = Vec::new();
        if let Some(carrier) = settings.token.find(head) {
            variables = settings.token.apply(&carrier, viewer, &mut uris);
        }
        if let Some(switch) = settings
            .hosts
            .as_ref()
            .and_then(|hosts| hosts.choose(viewer))
        {
            uris.switch_host(switch);
        }
        if let Some(steering) = &settings.steering {
            steering
                .config()
                .pathways
                .iter()
                .filter_map(|pathway| pathway.base.as_deref())
                .for_each(|base| uris.own(base));
        }
        let clip = settings.clip.read(viewer, now_ns, &mut uris)?;
        let scheduled = settings.interstitials.iter().chain(&learned.schedule);
        let mut interstitials: Vec<Placed> = scheduled
            .filter_map(|item| item.for_viewer(viewer))
            .collect();
        let all = &settings.blackouts;
        let blackouts: Vec<usize> = (0..all.len())
            .filter(|index| all[*index].holds(viewer))
            .collect();
        interstitials.extend(
            blackouts
                .iter()
                .filter_map(|index| all[*index].slate(viewer)),
        );
        let mark = settings
            .watermark
            .as_ref()
            .map(|watermark| watermark.mark(viewer));
        let delta = settings.delta.then(|| {
            viewer
                .parameter(SKIP)
                .is_some_and(|asked| asked == "YES" || asked == "v2")
        });
        Ok(Self {
            clip,
            interstitials,
            blackouts,
            mark,
            delta,
            settings: Rc::clone(settings),
            schedule: learned.schedule_fingerprint,
            query: viewer.query.clone(),
            personal: viewer.is_personal(),
            uris,
            variables,
            multivariant,
        })
    }

    /// True when the manifest stays as it is.
    pub fn is_empty(&self) -> bool {
        self.uris.is_empty()
            && self.interstitials.is_empty()
            && self.blackouts.is_empty()
            && self.mark.is_none()
            && self.multivariant.is_none()
            && self.clip.is_none()
            && self.delta.is_none()
    }

    /// True when no other viewer may get the result.
    pub fn is_personal(&self) -> bool {
        self.personal
    }

    /// True when nothing may be sent before the whole manifest is decided.
    pub fn may_refuse(&self) -> bool {
        self.clip.is_some()
            || self.mark.is_some()
            || self
                .multivariant
                .as_ref()
                .is_some_and(MultivariantPolicy::may_refuse)
    }

    /// The `location` of a redirect when it differs from the origin's.
    pub fn redirect(&self, location: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        self.uris
            .rewrite(location, Place::Variant, &mut out)
            .then_some(out)
    }

    /// The entity tag of a result that may be shared: the parent's with what was done to it. Such a result depends on the URL and
    /// the settings alone. A personal result has no tag, it is never stored.
    pub fn etag(&self, parent: Option<&str>, gzip: bool) -> Option<String> {
        let opaque = parent?.trim().trim_start_matches("W/").trim_matches('"');
        let sound = opaque
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"');
        // A delayed view changes with the clock, not with the origin's playlist alone.
        let timed = self
            .clip
            .as_ref()
            .is_some_and(|clip| clip.not_after.is_some());
        if self.personal || timed || opaque.is_empty() || opaque.len() > 256 || !sound {
            return None;
        }
        let mut hash = Fingerprint::new()
            .field(&self.settings.fingerprint.to_le_bytes())
            .field(self.query.as_bytes())
            .field(&self.schedule.to_le_bytes());
        for blackout in &self.blackouts {
            hash = hash.field(&blackout.to_le_bytes());
        }
        for name in &self.variables {
            hash = hash.field(name);
        }
        for rule in self.multivariant.iter().flat_map(MultivariantPolicy::rules) {
            hash = hash.field(&rule.to_le_bytes());
        }
        Some(format!(
            "\"{opaque}-{:016x}\"",
            hash.field(&[u8::from(gzip)]).value()
        ))
    }

    /// The rewriter for the manifest's body.
    pub fn into_rewriter(self, format: Format) -> Box<dyn Rewriter> {
        match format {
            Format::Dash => {
                let selection = self
                    .multivariant
                    .map(MultivariantPolicy::into_selection)
                    .unwrap_or_default();
                Box::new(DashRewriter::new(self.uris, selection))
            }
            Format::Hls => {
                let mut rewriter = PlaylistRewriter::new(self.uris, &self.query);
                if let Some(policy) = self.multivariant {
                    rewriter = rewriter.then(MultivariantStage::new(Box::new(move |list| {
                        policy.apply(list)
                    })));
                }
                if let Some(clip) = self.clip {
                    rewriter = rewriter.then(ClipStage::new(clip));
                }
                if let Some(mark) = self.mark {
                    rewriter = rewriter.then(WatermarkStage::new(mark));
                }
                if !self.blackouts.is_empty() {
                    let held: Vec<&Blackout> = self
                        .blackouts
                        .iter()
                        .map(|index| &self.settings.blackouts[*index])
                        .collect();
                    rewriter = rewriter.then(BlackoutStage::new(&held));
                }
                if !self.interstitials.is_empty() {
                    rewriter = rewriter.then(InterstitialStage::new(self.interstitials));
                }
                if let Some(skip) = self.delta {
                    rewriter = rewriter.then(DeltaStage::new(skip));
                }
                if !self.variables.is_empty() {
                    rewriter = rewriter.then(DefineStage::new(self.variables));
                }
                Box::new(rewriter)
            }
        }
    }
}

/// The directive that asks for a delta update (RFC 8216bis section 6.2.5.3).
pub const SKIP: &str = "_HLS_skip";

/// The target for the origin, without the parameters that are meant for this module. None when it stays as it is.
pub fn origin_target(settings: &Settings, head: &RequestHead<'_>) -> Option<String> {
    let query = head.query()?;
    let own_delta = needs_whole(settings);
    let kept = without_parameters(query, |name| {
        settings.is_own_parameter(name) || (own_delta && name == SKIP)
    });
    if kept.len() == query.len() {
        return None;
    }
    let path = head.path();
    Some(if kept.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{kept}")
    })
}

/// True when the origin's own delta updates would hide what the policy must see: dates, maps, keys, and where the playlist begins.
fn needs_whole(settings: &Settings) -> bool {
    settings.delta
        || !settings.clip.is_empty()
        || !settings.blackouts.is_empty()
        || !settings.interstitials.is_empty()
        || settings.schedule.is_some()
}

#[cfg(test)]
mod tests {
    use weir_module::testing::{TestHost, decide};
    use weir_module::{Edit, Module as _, NoCounters, Verdict};

    use crate::ManifestRewrite;

    #[test]
    fn the_origin_skips_nothing_that_a_policy_must_see() {
        let blackout =
            "[[blackouts]]\nid='x'\nstart='2026-01-01T00:00:06Z'\nend='2026-01-01T00:00:14Z'\n";
        for (config, passes) in [
            ("", true),
            ("[start]\ntime-offset = 1\n", true),
            ("delta-updates = true\n", false),
            ("[clip]\nstart-parameter = 'start'\n", false),
            ("[clip]\ndelay = 2\n", false),
            (blackout, false),
            (
                "[[interstitials]]\nid='x'\nat='pre'\nasset-uri='a.m3u8'\n",
                false,
            ),
            ("schedule-url = 'https://ops.test/s.json'\n", false),
        ] {
            let mut module = ManifestRewrite::configure(config).unwrap();
            let mut host = TestHost::<NoCounters>::default();
            let target = "/a.m3u8?_HLS_msn=3&_HLS_skip=YES";
            let (Verdict::Exchange(edits, _) | Verdict::Pass(edits)) =
                decide(&mut module, &mut host, "GET", target, &[])
            else {
                panic!("{config}")
            };
            let whole = edits.any(|edit| edit == Edit::SetTarget("/a.m3u8?_HLS_msn=3"));
            assert_eq!(whole, !passes, "{config}");
        }
    }
}
