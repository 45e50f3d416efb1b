// Plays rewritten streams whole, one after the other, in hls.js or shaka-player.
//
// node policies.mjs CHROMIUM '{"player":"hls"|"shaka","plays":[{"name":…,"url":…}]}'     prints one JSON object: for each name what was
// seen: every request and its status, what the player chose from, what was played.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { launch, secondsOf } from "./browser.mjs";

// Playing whole is the point, not the time that it takes.
const RATE = 6;

const [chromium, settings] = process.argv.slice(2);
const { player, plays } = JSON.parse(settings);
const library = { hls: "hls.js/dist/hls.min.js", shaka: "shaka-player/dist/shaka-player.compiled.js" }[player];
const files = {
  "/": ["text/html", '<!doctype html><video id="video" muted playsinline></video><script src="/player.js"></script>'],
  "/player.js": ["text/javascript", await readFile(new URL(`node_modules/${library}`, import.meta.url))],
};
// A page of another origin: so CORS of rewritten manifests is tested as well.
const server = createServer((request, response) => {
  const [type, body] = files[request.url] ?? ["text/plain", ""];
  response.writeHead(files[request.url] ? 200 : 404, { "content-type": type }).end(body);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const home = `http://127.0.0.1:${server.address().port}/`;

const all = {};
const browser = await launch(chromium);
try {
  for (const play of plays) all[play.name] = await watch(play);
} finally {
  await browser.close();
  server.close();
}
console.log(JSON.stringify(all));

/** Plays one stream in a page of its own. */
async function watch({ url, rate }) {
  const seen = { errors: [], requests: [] };
  const page = await browser.newPage();
  try {
    page.on("pageerror", (error) => seen.errors.push(String(error)));
    page.on("response", (response) => {
      // Neither the page itself nor what the player makes of what it fetched.
      if (!response.url().startsWith(home) && !response.url().startsWith("blob:")) seen.requests.push([response.status(), response.url()]);
    });
    // `WEIR_PLAYER_DEBUG=1` shows what the player says.
    if (process.env.WEIR_PLAYER_DEBUG) page.on("console", (message) => console.error(message.text()));
    await page.goto(home);
    await page.evaluate(player === "hls" ? startHls : startShaka, { url, rate: rate ?? RATE });
    const video = page.locator("video");
    seen.ended = await secondsOf(video, (video) => video.ended, 120_000);
    Object.assign(seen, await video.evaluate((video) => ({
      duration: video.duration,
      size: [video.videoWidth, video.videoHeight],
      played: Array.from({ length: video.played.length }, (_, at) => [video.played.start(at), video.played.end(at)]),
    })));
  } catch (error) {
    seen.errors.push(String(error));
  }
  const { errors, ...more } = await page.evaluate(() => window.seen).catch(() => ({ errors: ["the page is gone"] }));
  seen.errors.push(...errors);
  Object.assign(seen, more);
  await page.close();
  return seen;
}

/** Runs in the page. */
async function startHls({ url, rate }) {
  const { Events } = Hls;
  const video = document.getElementById("video");
  video.defaultPlaybackRate = rate;
  window.seen = { errors: [], fragments: [], skipped: 0 };
  const hls = new Hls();
  hls.on(Events.ERROR, (_, data) => data.fatal && window.seen.errors.push(`${data.type} ${data.details} ${data.error}`));
  hls.on(Events.FRAG_LOADED, (_, { frag }) => Number.isInteger(frag.sn) && window.seen.fragments.push([frag.type, frag.sn, frag.url]));
  hls.on(Events.LEVEL_LOADED, (_, { details }) => { window.seen.skipped += details.skippedSegments; });
  hls.on(Events.MANIFEST_PARSED, (_, data) => {
    window.seen.first = data.levels[data.firstLevel].height;
    window.seen.choices = data.levels.map(({ height, videoCodec }) => ({ height, codec: videoCodec }));
    window.seen.languages = data.audioTracks.map(({ lang }) => lang);
    window.seen.sessionData = data.sessionData;
  });
  hls.loadSource(url);
  hls.attachMedia(video);
  await new Promise((resolve, reject) => {
    hls.once(Events.MANIFEST_PARSED, resolve);
    hls.on(Events.ERROR, (_, data) => data.fatal && reject(new Error(data.details)));
  });
  await video.play();
}

/** Runs in the page. */
async function startShaka({ url, rate }) {
  const video = document.getElementById("video");
  video.defaultPlaybackRate = rate;
  window.seen = { errors: [], sessionData: {} };
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  await player.attach(video);
  player.addEventListener("error", ({ detail }) => window.seen.errors.push(`${detail.code} ${detail.data}`));
  player.addEventListener("sessiondata", (event) => { window.seen.sessionData[event.id] = event.value; });
  try {
    await player.load(url);
  } catch (error) {
    throw new Error(`${error.code ?? ""} ${error.message ?? error} ${JSON.stringify(error.data ?? "")}`);
  }
  const tracks = player.getVariantTracks();
  window.seen.choices = tracks.map(({ height, videoCodec }) => ({ height, codec: videoCodec }));
  window.seen.languages = [...new Set(tracks.map(({ language }) => language))];
  await video.play();
}
