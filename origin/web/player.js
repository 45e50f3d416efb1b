// The player page: hls.js under media-chrome's controls, with menus and statistics of our own.

import { listAssets, playbackOf } from "./api.js";
import { bitrate, bytes, clock, codecNames, element } from "./format.js";
import { choiceMenu } from "./menu.js";
import { Statistics } from "./statistics.js";

const byId = (id) => document.getElementById(id);
const video = byId("video");
const id = location.pathname.split("/").pop();
const statistics = new Statistics(video);

function fail(message) {
  byId("notice").textContent = message;
  byId("notice").hidden = false;
  statistics.note(message, true);
}

async function start() {
  let grant;
  try {
    grant = await playbackOf(id);
  } catch (problem) {
    fail(problem.status === 404 ? "There is no such film, or it is not published." : problem.message);
    return;
  }
  const hlsUrl = grant.urls.find((one) => one.protocol === "hls");
  byId("copy").addEventListener("click", async () => {
    await navigator.clipboard?.writeText(hlsUrl.url);
    byId("copy").textContent = "Copied";
    setTimeout(() => (byId("copy").textContent = "Copy URL"), 1500);
  });
  if (grant.poster) byId("poster").src = grant.poster;
  if (grant.storyboard) showStoryboard(grant);
  describe();
  if (Hls.isSupported()) playWithHls(hlsUrl.path);
  else if (video.canPlayType("application/vnd.apple.mpegurl")) video.src = hlsUrl.path;
  else fail("This browser plays no HLS.");
}

// The index names its sheets without the token that they need: it is added here, and the track made from the result.
async function showStoryboard(grant) {
  const response = await fetch(grant.storyboard).catch(() => null);
  if (!response?.ok) return;
  const query = new URL(grant.storyboard, location.href).search;
  const text = (await response.text()).replace(/^(\S+\.jpg)(#xywh=.*)$/gm, (_, sheet, place) => {
    const url = new URL(sheet, new URL(grant.storyboard, location.href));
    url.search = query;
    return url.href + place;
  });
  const track = element("track", { kind: "metadata", label: "thumbnails", default: true, src: URL.createObjectURL(new Blob([text], { type: "text/vtt" })) });
  video.append(track);
}

async function describe() {
  const asset = (await listAssets().catch(() => [])).find((one) => one.id === id);
  const title = asset?.title || id;
  byId("title").textContent = title;
  document.title = `${title} – Weir`;
  if (!asset) return;
  const words = [asset.resolution && `${asset.resolution[0]}×${asset.resolution[1]}`, ...codecNames(asset.codecs), clock(asset.duration), bytes(asset.bytes)];
  byId("badges").replaceChildren(...words.filter(Boolean).map((word) => element("span", { className: "badge" }, word)));
}

function playWithHls(url) {
  const hls = new Hls({ capLevelToPlayerSize: true, backBufferLength: 60 });
  window.weirPlayer = hls;
  statistics.follow(hls);
  hls.on(Hls.Events.ERROR, (_, error) => {
    if (!error.fatal) return;
    const status = error.response?.code;
    if (status === 401 || status === 403) fail("The playback token was refused; reload the page for a new one.");
    else if (error.type === Hls.ErrorTypes.MEDIA_ERROR && !recovered(hls)) fail(`The film cannot be decoded (${error.details}).`);
    else if (error.type !== Hls.ErrorTypes.MEDIA_ERROR) fail(`Loading failed (${error.details}${status ? `, ${status}` : ""}).`);
  });
  menus(hls);
  hls.loadSource(url);
  hls.attachMedia(video);
}

// One try to mend a broken decoder each ten seconds, as hls.js advises.
let lastRecovery = -Infinity;
function recovered(hls) {
  if (performance.now() - lastRecovery < 10_000) return false;
  lastRecovery = performance.now();
  hls.recoverMediaError();
  return true;
}

function menus(hls) {
  const quality = choiceMenu(byId("quality-menu"), (level) => { hls.nextLevel = level; });
  const audio = choiceMenu(byId("audio-menu"), (track) => { hls.audioTrack = track; });
  const captions = choiceMenu(byId("caption-menu"), (track) => { hls.subtitleTrack = track; hls.subtitleDisplay = track >= 0; });
  const rate = choiceMenu(byId("rate-menu"), (speed) => { video.playbackRate = speed; });
  rate.show([0.5, 0.75, 1, 1.25, 1.5, 2].map((speed) => ({ value: speed, label: `${speed}×` })), 1);
  video.addEventListener("ratechange", () => rate.choose(video.playbackRate));

  const nameOf = (level) => (level?.height ? `${Math.min(level.height, level.width)}p` : "Audio");
  hls.on(Hls.Events.MANIFEST_PARSED, () => {
    const levels = hls.levels.map((level, index) => ({ value: index, label: nameOf(level), hint: bitrate(level.bitrate) })).reverse();
    quality.show([{ value: -1, label: "Auto" }, ...levels], -1);
  });
  hls.on(Hls.Events.LEVEL_SWITCHED, (_, { level }) => {
    if (hls.autoLevelEnabled) quality.caption(hls.levels.length > 1 ? `Auto ${nameOf(hls.levels[level])}` : nameOf(hls.levels[level]));
  });
  hls.on(Hls.Events.AUDIO_TRACKS_UPDATED, (_, { audioTracks }) => {
    audio.show(audioTracks.map((track, index) => ({ value: index, label: track.name || track.lang || `Track ${index + 1}` })), hls.audioTrack, "Audio");
    byId("audio-menu").hidden = audioTracks.length < 2;
  });
  hls.on(Hls.Events.SUBTITLE_TRACKS_UPDATED, (_, { subtitleTracks }) => {
    captions.show([{ value: -1, label: "Off" }, ...subtitleTracks.map((track, index) => ({ value: index, label: track.name || track.lang }))], -1, "CC");
    byId("caption-menu").hidden = subtitleTracks.length === 0;
  });
}

byId("toggle-stats").addEventListener("click", (event) => {
  const shown = byId("stats").toggleAttribute("hidden");
  byId("watch").classList.toggle("plain", shown);
  event.target.setAttribute("aria-pressed", String(!shown));
});
start();
