//! How a version is packaged: the configuration, the profile and the asset, laid over each other.

use std::time::Duration;

use weir_packager::{Format, Options};

use crate::catalogue::Asset;
use crate::config::PackagingSettings;
use crate::protection::{Protection, Scheme};
use crate::transcode::Profile;

/// How a version is packaged.
pub(super) struct PackagingPlan {
    /// What the packager is told; keys come later.
    pub(super) options: Options,
    /// How it is protected.
    pub(super) protection: Option<Protection>,
}

impl PackagingPlan {
    /// What the profile says over what is configured, and what the asset says over both.
    pub(super) fn new(
        settings: &PackagingSettings,
        profile: Option<&Profile>,
        asset: &Asset,
    ) -> Self {
        let mut options = packager_options(settings);
        options.gzip = settings.gzip;
        if let Some(profile) = profile {
            options.format = profile.container.into();
            // The configured manifest is for CMAF; transport streams simply have none.
            options.dash = profile
                .dash
                .unwrap_or(options.dash && options.format == Format::Cmaf);
        }
        let protection = asset.protection_under(profile).cloned();
        if protection
            .as_ref()
            .is_some_and(|one| one.scheme == Scheme::Aes128)
        {
            options.dash = false;
        }
        Self {
            options,
            protection,
        }
    }

    /// Rules of Apple's specification that the chosen settings cannot keep. The choice was made by somebody who has other players in mind.
    pub(super) fn waived(&self) -> Vec<&'static str> {
        let scheme = self.protection.as_ref().map(|one| one.scheme);
        let mut waived = Vec::new();
        if !self.options.i_frame_playlists {
            waived.push("apple-6.1");
        }
        // `cenc` is for devices of other makers.
        if scheme == Some(Scheme::Cenc) {
            waived.push("apple-13.11");
        }
        waived
    }
}

/// Options of the packager as configured.
#[must_use]
pub(crate) fn packager_options(settings: &PackagingSettings) -> Options {
    Options {
        segment_duration: Duration::from_secs_f64(settings.segment_seconds),
        i_frame_playlists: settings.i_frame_playlists,
        dash: settings.dash,
        ..Options::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rules_that_exist_are_waived() {
        let plan = |scheme, i_frame_playlists| PackagingPlan {
            options: Options {
                i_frame_playlists,
                ..Options::default()
            },
            protection: Some(Protection {
                scheme,
                ..Protection::default()
            }),
        };
        assert!(plan(Scheme::Cbcs, true).waived().is_empty());
        assert!(plan(Scheme::Aes128, true).waived().is_empty());
        for waived in [
            plan(Scheme::Cenc, true).waived(),
            plan(Scheme::Cbcs, false).waived(),
        ] {
            assert!(!waived.is_empty());
            for name in waived {
                assert!(weir_packager::lint::rule(name).is_some(), "{name}");
            }
        }
    }
}
