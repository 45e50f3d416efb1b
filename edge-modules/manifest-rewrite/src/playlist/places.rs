//! Where a URI can stand in a playlist.
//!
//! The tags are those of RFC 8216bis (protocol 13), Apple's DATERANGE classes, the image playlist tags and the prefetch tags of
//! low-latency communities. A tag that is not listed has no URI that a player would fetch.

/// A place where a URI stands. The names in configuration are these in kebab case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Place {
    /// The line after `EXT-X-STREAM-INF`.
    Variant,
    /// `EXT-X-MEDIA:URI`.
    Rendition,
    /// `EXT-X-I-FRAME-STREAM-INF:URI`.
    IFramePlaylist,
    /// `EXT-X-IMAGE-STREAM-INF:URI`.
    ImagePlaylist,
    /// `EXT-X-RENDITION-REPORT:URI`.
    RenditionReport,
    /// The line of a media segment.
    Segment,
    /// `EXT-X-MAP:URI`.
    Map,
    /// `EXT-X-PART:URI`.
    Part,
    /// `EXT-X-PRELOAD-HINT:URI`.
    PreloadHint,
    /// `EXT-X-PREFETCH:<uri>` and its vendor twins.
    Prefetch,
    /// `EXT-X-TILES:URI`.
    Tiles,
    /// `EXT-X-KEY:URI`.
    Key,
    /// `EXT-X-SESSION-KEY:URI`.
    SessionKey,
    /// `EXT-X-SESSION-DATA:URI`.
    SessionData,
    /// `EXT-X-DATERANGE:X-ASSET-URI`, and `X-URI` of Apple's classes.
    Asset,
    /// `EXT-X-DATERANGE:X-ASSET-LIST`.
    AssetList,
    /// `EXT-X-CONTENT-STEERING:SERVER-URI`.
    Steering,
}

impl Place {
    /// Every place, in order of its number.
    pub const ALL: [Self; 17] = [
        Self::Variant,
        Self::Rendition,
        Self::IFramePlaylist,
        Self::ImagePlaylist,
        Self::RenditionReport,
        Self::Segment,
        Self::Map,
        Self::Part,
        Self::PreloadHint,
        Self::Prefetch,
        Self::Tiles,
        Self::Key,
        Self::SessionKey,
        Self::SessionData,
        Self::Asset,
        Self::AssetList,
        Self::Steering,
    ];

    /// The name in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Variant => "variant",
            Self::Rendition => "rendition",
            Self::IFramePlaylist => "i-frame-playlist",
            Self::ImagePlaylist => "image-playlist",
            Self::RenditionReport => "rendition-report",
            Self::Segment => "segment",
            Self::Map => "map",
            Self::Part => "part",
            Self::PreloadHint => "preload-hint",
            Self::Prefetch => "prefetch",
            Self::Tiles => "tiles",
            Self::Key => "key",
            Self::SessionKey => "session-key",
            Self::SessionData => "session-data",
            Self::Asset => "asset",
            Self::AssetList => "asset-list",
            Self::Steering => "steering",
        }
    }

    /// Finds a place by its name in configuration.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.name() == name)
    }

    /// True when a media playlist of the same presentation is fetched from here.
    pub fn is_playlist(self) -> bool {
        matches!(
            self,
            Self::Variant
                | Self::Rendition
                | Self::IFramePlaylist
                | Self::ImagePlaylist
                | Self::RenditionReport
        )
    }

    /// True when media bytes are fetched from here.
    pub fn is_media(self) -> bool {
        matches!(
            self,
            Self::Segment
                | Self::Map
                | Self::Part
                | Self::PreloadHint
                | Self::Prefetch
                | Self::Tiles
        )
    }
}

/// A set of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Places(u32);

impl Places {
    /// Every place.
    pub const ALL: Self = Self((1 << Place::ALL.len()) - 1);

    /// The places that `wanted` accepts.
    pub fn of(wanted: impl Fn(Place) -> bool) -> Self {
        Self(
            Place::ALL
                .into_iter()
                .filter(|place| wanted(*place))
                .fold(0, |set, place| set | 1 << (place as u8)),
        )
    }

    /// True when the place is in the set.
    pub fn contains(self, place: Place) -> bool {
        self.0 & 1 << (place as u8) != 0
    }

    /// This set with the place.
    #[must_use]
    pub fn with(self, place: Place) -> Self {
        Self(self.0 | 1 << (place as u8))
    }

    /// This set without the place.
    #[must_use]
    pub fn without(self, place: Place) -> Self {
        Self(self.0 & !(1 << (place as u8)))
    }
}

/// How a tag holds its URIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// In attributes: name and place.
    Attributes(&'static [(&'static [u8], Place)]),
    /// The whole value is the URI.
    Value(Place),
}

/// The URIs of a tag, by the tag's name without `#EXT-X-`.
pub fn holder(name: &[u8]) -> Option<Holder> {
    const URI: &[u8] = b"URI";
    Some(match name {
        b"PART" => Holder::Attributes(&[(URI, Place::Part)]),
        b"KEY" => Holder::Attributes(&[(URI, Place::Key)]),
        b"MAP" => Holder::Attributes(&[(URI, Place::Map)]),
        b"MEDIA" => Holder::Attributes(&[(URI, Place::Rendition)]),
        b"I-FRAME-STREAM-INF" => Holder::Attributes(&[(URI, Place::IFramePlaylist)]),
        b"IMAGE-STREAM-INF" => Holder::Attributes(&[(URI, Place::ImagePlaylist)]),
        b"PRELOAD-HINT" => Holder::Attributes(&[(URI, Place::PreloadHint)]),
        b"RENDITION-REPORT" => Holder::Attributes(&[(URI, Place::RenditionReport)]),
        b"SESSION-KEY" => Holder::Attributes(&[(URI, Place::SessionKey)]),
        b"SESSION-DATA" => Holder::Attributes(&[(URI, Place::SessionData)]),
        b"CONTENT-STEERING" => Holder::Attributes(&[(b"SERVER-URI", Place::Steering)]),
        b"DATERANGE" => Holder::Attributes(&[
            (b"X-ASSET-URI", Place::Asset),
            (b"X-ASSET-LIST", Place::AssetList),
            (b"X-URI", Place::Asset),
        ]),
        b"TILES" => Holder::Attributes(&[(URI, Place::Tiles)]),
        b"PREFETCH" | b"TWITCH-PREFETCH" => Holder::Value(Place::Prefetch),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_sets_hold_them() {
        for (number, place) in Place::ALL.into_iter().enumerate() {
            assert_eq!(place as usize, number);
            assert_eq!(Place::from_name(place.name()), Some(place));
            assert!(Places::ALL.contains(place));
            assert!(!Places::ALL.without(place).contains(place));
            assert!(Places::default().with(place).contains(place));
        }
        assert_eq!(Place::from_name("nothing"), None);
    }
}
