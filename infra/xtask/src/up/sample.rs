//! Publishes the sample film through the origin's own API, as an operator would.

use std::fs::File;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::settings::{Place, Ports};
use crate::workspace;

/// The film, CC-BY 3.0 Blender Foundation.
const FILM: &str = "tests/fixtures/media/bbb-480p-30s.mp4";
const TITLE: &str = "Big Buck Bunny, 30 seconds";
/// Marks the asset, so that the second start finds it.
const TAG: &str = "weir-sample";
/// Packaging it takes about a second.
const PATIENCE: Duration = Duration::from_secs(120);

/// The published film.
#[derive(Debug)]
pub(super) struct Film {
    /// The page that plays it.
    pub(super) player: String,
    /// The signed multivariant playlist.
    pub(super) playlist: String,
}

/// Finds the film, or uploads and packages it; then signs a playback URL.
///
/// # Errors
/// What the origin said.
pub(super) fn publish(ports: &Ports, place: &Place) -> anyhow::Result<Film> {
    let api = Api {
        base: format!("http://{}", ports.origin()),
        key: &place.admin_key,
    };
    let id = match find(&api)? {
        Some(id) => id,
        None => upload(&api)?,
    };
    wait_until_published(&api, &id)?;
    let signed = api.post(
        &format!("/v1/assets/{id}/playback"),
        &json!({ "subject": "demo", "tier": "premium" }),
    )?;
    let playlist = signed["urls"][0]["url"]
        .as_str()
        .with_context(|| format!("the origin signed no URL: {signed}"))?
        .to_owned();
    Ok(Film {
        player: format!("http://{}/play/{id}", ports.edge()),
        playlist,
    })
}

fn find(api: &Api<'_>) -> anyhow::Result<Option<String>> {
    let list = api.get(&format!("/v1/assets?tag={TAG}"))?;
    let assets = list["assets"]
        .as_array()
        .with_context(|| format!("the origin's list of assets has none: {list}"))?;
    // A film of an earlier start that was broken off is left alone: it has no version.
    let whole = assets
        .iter()
        .find(|asset| asset["state"] != "created" && asset["state"] != "failed");
    Ok(whole
        .and_then(|asset| asset["id"].as_str())
        .map(str::to_owned))
}

fn upload(api: &Api<'_>) -> anyhow::Result<String> {
    let path = workspace::path(FILM);
    let film =
        File::open(&path).with_context(|| format!("the sample film {FILM} cannot be read"))?;
    let asset = api.post("/v1/assets", &json!({ "title": TITLE, "tags": [TAG] }))?;
    let id = asset["id"]
        .as_str()
        .with_context(|| format!("the origin gave the asset no id: {asset}"))?
        .to_owned();
    let mut response = agent()
        .put(format!("{}/v1/assets/{id}/source", api.base))
        .header("authorization", format!("Bearer {}", api.key))
        .header("content-type", "video/mp4")
        .send(film)
        .context("the upload of the sample film broke off")?;
    let status = response.status();
    if !status.is_success() {
        bail!(
            "the origin refused the sample film ({status}): {}",
            response.body_mut().read_to_string().unwrap_or_default()
        );
    }
    Ok(id)
}

fn wait_until_published(api: &Api<'_>, id: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let asset = api.get(&format!("/v1/assets/{id}"))?;
        match asset["state"].as_str() {
            Some("ready") => return Ok(()),
            Some("failed") => bail!("the sample film was not packaged: {asset}"),
            _ if Instant::now() > deadline => bail!(
                "the sample film is not packaged after {} s: {asset}",
                PATIENCE.as_secs()
            ),
            _ => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// The origin's API as an administrator.
struct Api<'a> {
    base: String,
    key: &'a str,
}

impl Api<'_> {
    fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = agent()
            .get(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {}", self.key));
        answer(path, request.call())
    }

    fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = agent()
            .post(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json");
        answer(path, request.send(body.to_string()))
    }
}

fn answer(
    path: &str,
    response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> anyhow::Result<Value> {
    let mut response = response.with_context(|| format!("{path}: the origin does not answer"))?;
    let status = response.status();
    let body = response
        .body_mut()
        .read_to_string()
        .with_context(|| format!("{path}: the origin's answer broke off"))?;
    if !status.is_success() {
        bail!("{path}: {status}: {body}");
    }
    serde_json::from_str(&body).with_context(|| format!("{path}: the answer is no JSON: {body}"))
}

/// A plain GET that succeeds with 2xx.
pub(super) fn get(url: &str) -> anyhow::Result<()> {
    let status = agent().get(url).call()?.status();
    if status.is_success() {
        Ok(())
    } else {
        bail!("{url}: {status}")
    }
}

/// A client that hands over every status and gives up after a while.
fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .into()
}
