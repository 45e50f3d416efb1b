// Plays a playlist with content steering in hls.js to its end.
//
// node steering.mjs CHROMIUM PLAYLIST-URL [PATHWAY]     prints one JSON object: which pathway every fragment came from, and what went
// wrong. With a pathway, playback waits at two seconds until the steering server has put that one first.

import { launch, secondsOf } from "./browser.mjs";
import { hlsPage } from "./page.mjs";

const [chromium, playlist, pathway] = process.argv.slice(2);
const seen = { errors: [], requests: [] };
const server = await hlsPage();
const browser = await launch(chromium);
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("request", (request) => {
    // Neither the page itself nor what the player makes of what it fetched.
    const own = request.url().startsWith(server.url) || request.url().startsWith("blob:");
    if (!own) seen.requests.push(request.url());
  });
  // `WEIR_PLAYER_DEBUG=1` shows what the player says.
  if (process.env.WEIR_PLAYER_DEBUG) page.on("console", (message) => console.error(message.text()));
  await page.goto(server.url);
  await page.evaluate(async ({ playlist, debug }) => {
    const { Events } = Hls;
    const quick = { maxTimeToFirstByteMs: 5000, maxLoadTimeMs: 10000, timeoutRetry: null, errorRetry: { maxNumRetry: 1, retryDelayMs: 50, maxRetryDelayMs: 50 } };
    const hls = new Hls({
      debug,
      maxBufferLength: 3, maxMaxBufferLength: 3, backBufferLength: 0,
      fragLoadPolicy: { default: quick },
    });
    window.seen = { fragments: [], priorities: [], fatal: [] };
    hls.on(Events.FRAG_LOADED, (_, { frag }) => window.seen.fragments.push([hls.levels[hls.loadLevel]?.pathwayId ?? "", new URL(frag.url).host]));
    hls.on(Events.STEERING_MANIFEST_LOADED, (_, data) => window.seen.priorities.push(data.steeringManifest["PATHWAY-PRIORITY"]));
    hls.on(Events.ERROR, (_, data) => data.fatal && window.seen.fatal.push(data.details));
    hls.loadSource(playlist);
    hls.attachMedia(document.getElementById("video"));
    await new Promise((resolve) => hls.once(Events.MANIFEST_PARSED, resolve));
    await document.getElementById("video").play();
  }, { playlist, debug: Boolean(process.env.WEIR_PLAYER_DEBUG) });
  const video = page.locator("video");
  try {
    seen.playing = await secondsOf(video, (video) => video.currentTime > 0.5, 60_000);
    if (pathway) {
      await secondsOf(video, (video) => video.currentTime > 2 && (video.pause(), true), 60_000);
      await page.waitForFunction((first) => window.seen.priorities.at(-1)?.[0] === first, pathway, { timeout: 120_000 });
      await video.evaluate((video) => video.play());
    }
    seen.ended = await secondsOf(video, (video) => video.ended, 120_000);
  } finally {
    Object.assign(seen, await page.evaluate(() => window.seen));
  }
  seen.errors.push(...seen.fatal);
} catch (error) {
  seen.errors.push(String(error));
} finally {
  await browser.close();
  server.close();
}
console.log(JSON.stringify(seen));
