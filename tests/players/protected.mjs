// Plays a protected film whole, in hls.js or shaka-player, with keys from Weir's own endpoints.
//
// node protected.mjs CHROMIUM '{"player":"hls"|"shaka","url":…,"license":…,"token":…,"rate":…}'     prints one JSON object: what was seen

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { launch, secondsOf } from "./browser.mjs";

const [chromium, settings] = process.argv.slice(2);
const wanted = JSON.parse(settings);
const library = { hls: "hls.js/dist/hls.min.js", shaka: "shaka-player/dist/shaka-player.compiled.js" }[wanted.player];
const files = {
  "/": ["text/html", '<!doctype html><video id="video" muted playsinline></video><script src="/player.js"></script>'],
  "/player.js": ["text/javascript", await readFile(new URL(`node_modules/${library}`, import.meta.url))],
};
// A page of another origin: so CORS of keys and licences is tested as well.
const server = createServer((request, response) => {
  const [type, body] = files[request.url] ?? ["text/plain", ""];
  response.writeHead(files[request.url] ? 200 : 404, { "content-type": type }).end(body);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const seen = { errors: [], keys: [] };
const browser = await launch(chromium);
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.includes("/keys/")) seen.keys.push(`${response.request().method()} ${response.status()}`);
  });
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const loaded = await page.evaluate(start, wanted);
  Object.assign(seen, loaded);
  if (loaded.failure) throw new Error(loaded.failure);
  const video = page.locator("video");
  seen.playing = await secondsOf(video, (video) => video.currentTime > 0.5, 90_000);
  seen.encrypted = await page.evaluate(() => window.encrypted);
  seen.size = await video.evaluate((video) => [video.videoWidth, video.videoHeight]);
  seen.ended = await secondsOf(video, (video) => video.ended, 120_000);
  seen.frames = await video.evaluate((video) => video.getVideoPlaybackQuality().totalVideoFrames);
  seen.errors.push(...(await page.evaluate(() => window.troubles)));
} catch (error) {
  const troubles = await browser.contexts()[0]?.pages()[0]?.evaluate(() => window.troubles).catch(() => []);
  seen.errors.push(String(error), ...(troubles ?? []));
} finally {
  await browser.close();
  server.close();
}
console.log(JSON.stringify(seen));

/** Runs in the page: starts the player, with the token in every request for a key. */
async function start({ player, url, license, token, rate }) {
  const video = document.getElementById("video");
  video.defaultPlaybackRate = rate ?? 1;
  window.troubles = [];
  window.encrypted = 0;
  video.addEventListener("encrypted", () => { window.encrypted += 1; });
  const withToken = (uri) => {
    if (!uri.includes("/keys/")) return uri;
    // Players take the path that a manifest names for one of the page's host; it is one of the manifest's.
    const { pathname } = new URL(uri, url);
    return new URL(`${pathname}?token=${token}`, url).href;
  };
  if (player === "hls") {
    const hls = new Hls({
      emeEnabled: Boolean(license),
      drmSystems: license ? { "org.w3.clearkey": { licenseUrl: withToken(license) } } : {},
      xhrSetup: (request, url) => request.open("GET", withToken(url), true),
    });
    hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) window.troubles.push(`${data.type} ${data.details} ${data.error}`); });
    hls.loadSource(url);
    hls.attachMedia(video);
    await new Promise((resolve) => hls.once(Hls.Events.MANIFEST_PARSED, resolve));
    await video.play();
    return {};
  }
  shaka.polyfill.installAll();
  const instance = new shaka.Player();
  await instance.attach(video);
  if (license) instance.configure({ drm: { servers: { "org.w3.clearkey": license } } });
  instance.getNetworkingEngine().registerRequestFilter((_, request) => { request.uris = request.uris.map(withToken); });
  instance.addEventListener("error", (event) => window.troubles.push(`${event.detail.code} ${event.detail.data}`));
  try {
    await instance.load(url);
    await video.play();
  } catch (error) {
    return { failure: `${error.code ?? ""} ${error.message ?? error} ${JSON.stringify(error.data ?? "")}` };
  }
  return {};
}
