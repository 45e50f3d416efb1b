//! From a request for playback to a URL that the edge lets through.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use token_check::mint::{JwtClaims, MintError};
use utoipa::ToSchema;

use super::SigningKeys;
use crate::catalogue::{AssetId, Version};
use crate::config::{Carrier, PlaybackSettings};
use crate::random;

/// The packager's name for the multivariant playlist.
const MULTIVARIANT: &str = "multivariant.m3u8";

/// Who wants to watch, and what they may.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlaybackRequest {
    /// The viewer; the edge counts streams and requests by it. Made up when absent.
    pub subject: Option<String>,
    /// The viewer's tier, by which the edge chooses its limits.
    pub tier: Option<String>,
    /// What the viewer has paid for, each `name` or `name=value`.
    pub entitlements: Vec<String>,
    /// Playback session, for concurrent-stream limits. Made up when absent.
    pub session: Option<String>,
    /// Streams that the subject may watch at once.
    pub max_streams: Option<u32>,
    /// Addresses or CIDR blocks that may use the URL.
    pub networks: Vec<String>,
    /// Countries (ISO 3166-1 alpha-2) from which the URL may be used.
    pub countries: Vec<String>,
    /// Seconds until the URL expires.
    pub lifetime_seconds: Option<u64>,
    /// Where the token stands in the URL.
    pub carrier: Option<Carrier>,
    /// Play the uploaded file itself, packaged on request: it need not be published.
    pub just_in_time: bool,
    /// Which version to play; the live one when absent.
    pub version: Option<u32>,
}

/// A signed URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlaybackUrl {
    /// `hls` or `dash`.
    #[schema(example = "hls")]
    pub protocol: &'static str,
    /// The whole URL.
    #[schema(example = "https://cdn.example/vod/01kab…/v1/main.m3u8?token=eyJ…")]
    pub url: String,
    /// The same without scheme and host, for pages served from the same host.
    pub path: String,
}

/// The answer to a [`PlaybackRequest`].
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PlaybackGrant {
    /// One URL for each protocol of the version.
    pub urls: Vec<PlaybackUrl>,
    /// Path of a picture of the film, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poster: Option<String>,
    /// Path of the storyboard's WebVTT index, when there is one. The sheets that it names need the token too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storyboard: Option<String>,
    /// Path of a few seconds of the film as animated WebP, when there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<String>,
    /// The token alone, for players that send it in a header or cookie.
    pub token: String,
    /// When the token expires.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: jiff::Timestamp,
    /// What the token covers.
    #[schema(example = "/vod/01kab…/")]
    pub scope: String,
    /// The playback session named in the token.
    pub session: String,
}

/// Makes grants.
#[derive(Debug, Clone)]
pub struct Signer {
    keys: Arc<SigningKeys>,
    settings: PlaybackSettings,
}

impl Signer {
    /// A signer over the keys in force.
    #[must_use]
    pub fn new(keys: Arc<SigningKeys>, settings: PlaybackSettings) -> Self {
        Self { keys, settings }
    }

    /// Longest lifetime in seconds that may be asked for.
    #[must_use]
    pub fn max_lifetime_seconds(&self) -> u64 {
        self.settings.max_lifetime_seconds
    }

    /// A grant for one version of an asset; `base_url` has no slash at its end.
    ///
    /// # Errors
    /// [`MintError`] when a value of the request has no place in a token.
    pub fn grant(
        &self,
        id: &AssetId,
        version: &Version,
        request: &PlaybackRequest,
        base_url: &str,
    ) -> Result<PlaybackGrant, MintError> {
        let Signed {
            token,
            expires,
            scope,
            session,
        } = self.sign(format!("/vod/{id}/"), request)?;
        let carrier = request.carrier.unwrap_or(self.settings.carrier);
        let playlists = [
            ("hls", Some(&version.multivariant)),
            ("dash", version.dash.as_ref()),
        ];
        let urls = playlists.into_iter().filter_map(|(protocol, playlist)| {
            let path = self.with_token(carrier, &media_path(id, version, playlist?), &token);
            Some(PlaybackUrl {
                protocol,
                url: format!("{base_url}{path}"),
                path,
            })
        });
        let urls = urls.collect();
        let expires_at = jiff::Timestamp::from_second(expires).unwrap_or(jiff::Timestamp::MAX);
        let with_token = |file: &Option<String>| {
            file.as_ref()
                .map(|file| self.with_token(carrier, &media_path(id, version, file), &token))
        };
        let (poster, storyboard) = (with_token(&version.poster), with_token(&version.storyboard));
        let preview = with_token(&version.preview);
        Ok(PlaybackGrant {
            urls,
            poster,
            storyboard,
            preview,
            token,
            expires_at,
            scope,
            session,
        })
    }

    /// The path of one file of a version, with a token.
    ///
    /// # Errors
    /// As [`Signer::grant`].
    pub fn file_path(
        &self,
        id: &AssetId,
        version: &Version,
        file: &str,
        request: &PlaybackRequest,
    ) -> Result<String, MintError> {
        let signed = self.sign(format!("/vod/{id}/"), request)?;
        Ok(self.with_token(
            request.carrier.unwrap_or(self.settings.carrier),
            &media_path(id, version, file),
            &signed.token,
        ))
    }

    /// A grant for an asset that is packaged on request.
    ///
    /// # Errors
    /// As [`Signer::grant`].
    pub fn grant_just_in_time(
        &self,
        id: &AssetId,
        request: &PlaybackRequest,
        base_url: &str,
    ) -> Result<PlaybackGrant, MintError> {
        let Signed {
            token,
            expires,
            scope,
            session,
        } = self.sign(format!("/jit/{id}/"), request)?;
        let carrier = request.carrier.unwrap_or(self.settings.carrier);
        let path = self.with_token(carrier, &format!("{scope}{MULTIVARIANT}"), &token);
        let urls = vec![PlaybackUrl {
            protocol: "hls",
            url: format!("{base_url}{path}"),
            path,
        }];
        let expires_at = jiff::Timestamp::from_second(expires).unwrap_or(jiff::Timestamp::MAX);
        Ok(PlaybackGrant {
            urls,
            poster: None,
            storyboard: None,
            preview: None,
            token,
            expires_at,
            scope,
            session,
        })
    }

    fn with_token(&self, carrier: Carrier, media: &str, token: &str) -> String {
        // A compact JWS has only characters that need no escaping in a path or a query (RFC 7515, 3.1).
        match carrier {
            Carrier::Query => format!("{media}?{}={token}", self.settings.parameter),
            Carrier::Path => format!("/{}/{token}{media}", self.settings.path_marker),
        }
    }

    fn sign(&self, scope: String, request: &PlaybackRequest) -> Result<Signed, MintError> {
        let now = jiff::Timestamp::now().as_second();
        let lifetime = request
            .lifetime_seconds
            .unwrap_or(self.settings.lifetime_seconds);
        let expires = now.saturating_add(i64::try_from(lifetime).unwrap_or(i64::MAX));
        let session = request
            .session
            .clone()
            .unwrap_or_else(|| random::hex_string(8));
        let claims = JwtClaims {
            issuer: Some(self.settings.issuer.clone()),
            subject: Some(
                request
                    .subject
                    .clone()
                    .unwrap_or_else(|| format!("anonymous-{session}")),
            ),
            audiences: Some(self.settings.audience.clone())
                .filter(|audience| !audience.is_empty())
                .into_iter()
                .collect(),
            expires: Some(expires),
            issued_at: Some(now),
            token_id: Some(random::hex_string(8)),
            session: Some(session.clone()),
            tier: request.tier.clone(),
            entitlements: request.entitlements.clone(),
            max_streams: request.max_streams,
            networks: request.networks.clone(),
            countries: request.countries.clone(),
            ..JwtClaims::default()
        };
        // What players do with media they do with its keys.
        let claims = match scope.strip_prefix("/vod/") {
            Some(asset) => claims.cover(format!("/keys/{asset}")),
            None => claims,
        };
        let token = self.keys.current().jwt(&claims.cover(scope.as_str()))?;
        Ok(Signed {
            token,
            expires,
            scope,
            session,
        })
    }
}

/// A token and what it says.
struct Signed {
    token: String,
    expires: i64,
    scope: String,
    session: String,
}

fn media_path(id: &AssetId, version: &Version, file: &str) -> String {
    format!("/vod/{id}/v{}/{file}", version.number)
}
