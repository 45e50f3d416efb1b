//! Everything that is decided over a whole multivariant playlist, in order: selection, the viewer's filters, order, added tags.

use std::rc::Rc;

use crate::config::Settings;
use crate::dash::selection::Selection;
use crate::error::RewriteError;
use crate::multivariant::list::{Kind, Multivariant};
use crate::multivariant::session;
use crate::select::filter::ManifestFilter;
use crate::select::rule::{OnEmpty, apply_filter};
use crate::steering::config::Mode;
use crate::steering::pathways;
use crate::viewer::Viewer;

/// What one request needs of it.
#[derive(Debug, Clone)]
pub struct MultivariantPolicy {
    settings: Rc<Settings>,
    viewer: Viewer,
    /// Rules that hold, by index.
    rules: Vec<usize>,
    filters: Vec<ManifestFilter>,
    /// The pathway to begin with.
    pathway: Option<String>,
}

impl MultivariantPolicy {
    /// Works out what holds for the viewer. None when a multivariant playlist stays as it is.
    pub fn new(
        settings: &Rc<Settings>,
        viewer: &Viewer,
        filters: Vec<ManifestFilter>,
        unhealthy: &[String],
    ) -> Option<Self> {
        let rules: Vec<usize> = (0..settings.rules.len())
            .filter(|index| settings.rules[*index].holds(viewer))
            .collect();
        if settings
            .order
            .as_ref()
            .is_some_and(|order| !order.is_shared())
        {
            viewer.make_personal();
        }
        let pathway = settings.steering.as_ref().map(|steering| {
            let config = steering.config();
            // With one entrance for all, the playlist is the same for all.
            if config.mode == Mode::Clones || config.pathways.len() == 1 {
                return config.pathways[0].id.clone();
            }
            steering
                .priority(viewer, unhealthy)
                .first()
                .map_or_else(String::new, |first| (*first).to_owned())
        });
        let adds = pathway.is_some()
            || settings.watermark.is_some()
            || settings.start.is_some()
            || !settings.session_data.is_empty()
            || !settings.session_keys.is_empty();
        let any = !rules.is_empty() || !filters.is_empty() || settings.order.is_some() || adds;
        any.then(|| Self {
            settings: Rc::clone(settings),
            viewer: viewer.clone(),
            rules,
            filters,
            pathway,
        })
    }

    /// True when the answer may be a refusal, so that nothing can be sent before the playlist is decided.
    pub fn may_refuse(&self) -> bool {
        !self.filters.is_empty()
            || self
                .rules
                .iter()
                .any(|index| self.settings.rules[*index].on_empty() == OnEmpty::Refuse)
    }

    /// The rules that hold, for the entity tag.
    pub fn rules(&self) -> &[usize] {
        &self.rules
    }

    /// The part of it that MPDs have too.
    pub fn into_selection(self) -> Selection {
        let rules = self
            .rules
            .iter()
            .map(|index| self.settings.rules[*index].clone())
            .collect();
        Selection {
            rules,
            filters: self.filters,
            viewer: self.viewer,
        }
    }

    /// Edits the playlist.
    ///
    /// # Errors
    /// [`RewriteError::FilterEmpty`], [`RewriteError::Refused`].
    pub fn apply(&self, list: &mut Multivariant) -> Result<(), RewriteError> {
        if !list
            .entries
            .iter()
            .any(|entry| matches!(entry.kind, Kind::Variant(_)))
        {
            // No presentation to decide about: an empty list, or a media playlist without any tag of its own.
            return Ok(());
        }
        let settings = &self.settings;
        for index in &self.rules {
            settings.rules[*index].apply(list, &self.viewer)?;
        }
        for filter in &self.filters {
            apply_filter(filter, list)?;
        }
        if settings.watermark.is_some() {
            // Trick play would show the variant that is not the viewer's.
            list.entries
                .iter_mut()
                .filter(|entry| matches!(entry.kind, Kind::IFrame(_)))
                .for_each(|entry| entry.dropped = true);
        }
        if let Some(order) = &settings.order {
            order.apply(list, &self.viewer);
        }
        if let (Some(steering), Some(first)) = (&settings.steering, &self.pathway) {
            pathways::apply(steering, first, &self.viewer.path, list);
        }
        session::insert_keys(list, &settings.session_keys);
        session::insert_data(list, &settings.session_data);
        if let Some(start) = &settings.start {
            start.apply(list);
        }
        Ok(())
    }
}
