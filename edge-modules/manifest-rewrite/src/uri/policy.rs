//! What happens to one URI: token, host and carried parameters.

use crate::playlist::places::{Place, Places};
use crate::uri::carrier::Carrier;
use crate::uri::reference::{HostPattern, UriReference};

/// Where chosen places are fetched from instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSwitch {
    /// Scheme, host, port and path prefix without a final slash: `https://cdn-b.example/vod`.
    pub base: Vec<u8>,
    /// The places that move.
    pub places: Places,
    /// Absolute URIs move too when they name one of these hosts, or the host of the request.
    pub from: Vec<HostPattern>,
}

/// Everything that is to be done to the URIs of one playlist, worked out once.
#[derive(Debug, Clone, Default)]
pub struct UriPolicy {
    pub(super) base_path: Vec<u8>,
    pub(super) own_hosts: Vec<Vec<u8>>,
    pub(super) exclude: Vec<HostPattern>,
    /// Query text to add, by place.
    pub(super) suffix: [Vec<u8>; Place::ALL.len()],
    /// Parameters that the suffixes set: those in a URI are replaced.
    pub(super) names: Vec<Vec<u8>>,
    pub(super) prefix: Option<(Vec<u8>, Places)>,
    pub(super) switch: Option<HostSwitch>,
}

impl UriPolicy {
    /// A policy that changes nothing, for the playlist at `base_path` (begins with a slash, no query) of `own_host`.
    pub fn new(base_path: &str, own_host: &str) -> Self {
        Self {
            base_path: if base_path.starts_with('/') {
                base_path.into()
            } else {
                b"/".to_vec()
            },
            own_hosts: vec![crate::uri::reference::host_of(own_host.as_bytes()).to_vec()],
            ..Self::default()
        }
    }

    /// Counts the host of `base` (`https://host/…`) as the playlist's own: it knows a path token.
    pub fn own(&mut self, base: &str) {
        self.own_hosts.extend(
            UriReference::split(base.as_bytes())
                .host()
                .map(<[u8]>::to_vec),
        );
    }

    /// Leaves every URI alone that names one of these hosts.
    pub fn exclude(&mut self, hosts: &[HostPattern]) {
        self.exclude.extend_from_slice(hosts);
    }

    /// Carries the viewer's token into these places.
    pub fn carry_token(&mut self, carrier: &Carrier, places: Places) {
        match carrier {
            Carrier::Query(pairs) => pairs
                .iter()
                .for_each(|(name, value)| self.append(name, value, places)),
            Carrier::Path(path) => self.prefix = Some((path.clone(), places)),
        }
    }

    /// Adds a query parameter in these places. Name and value are written as they are.
    pub fn append(&mut self, name: &[u8], value: &[u8], places: Places) {
        for place in Place::ALL
            .into_iter()
            .filter(|place| places.contains(*place))
        {
            let suffix = &mut self.suffix[place as usize];
            if !suffix.is_empty() {
                suffix.push(b'&');
            }
            suffix.extend_from_slice(name);
            suffix.push(b'=');
            suffix.extend_from_slice(value);
        }
        self.names.push(name.to_vec());
    }

    /// Moves places to another host.
    pub fn switch_host(&mut self, switch: HostSwitch) {
        self.switch = Some(switch);
    }

    /// True when no URI would change.
    pub fn is_empty(&self) -> bool {
        self.prefix.is_none() && self.switch.is_none() && self.suffix.iter().all(Vec::is_empty)
    }

    /// True when more than a query suffix may change in this place.
    pub fn moves(&self, place: Place) -> bool {
        self.prefix
            .as_ref()
            .is_some_and(|(_, places)| places.contains(place))
            || self
                .switch
                .as_ref()
                .is_some_and(|switch| switch.places.contains(place))
    }

    /// True when some hosts are left out.
    pub fn has_exclusions(&self) -> bool {
        !self.exclude.is_empty()
    }
}
