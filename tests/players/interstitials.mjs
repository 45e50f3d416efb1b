// Plays a playlist with interstitials in hls.js until the last of them has ended.
//
// node interstitials.mjs CHROMIUM PLAYLIST-URL LAST-ID     prints one JSON object: the events in their order, and what went wrong

import { launch } from "./browser.mjs";
import { hlsPage } from "./page.mjs";

const [chromium, playlist, last] = process.argv.slice(2);
const seen = { errors: [] };
const server = await hlsPage();
const browser = await launch(chromium);
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  // `WEIR_PLAYER_DEBUG=1` shows what the player says.
  if (process.env.WEIR_PLAYER_DEBUG) page.on("console", (message) => console.error(message.text()));
  await page.goto(server.url);
  await page.evaluate(async ({ playlist, debug }) => {
    const { Events } = Hls;
    const hls = new Hls({ debug });
    window.seen = { events: [], fatal: [], primary: 0 };
    const note = (name, of) => (_, data) => window.seen.events.push(`${name} ${of(data)}`);
    const event = (data) => data.event.identifier;
    hls.on(Events.INTERSTITIAL_STARTED, note("start", event));
    hls.on(Events.INTERSTITIAL_ASSET_STARTED, note("asset", event));
    hls.on(Events.INTERSTITIAL_ASSET_ERROR, note("error", event));
    hls.on(Events.INTERSTITIAL_ENDED, note("end", event));
    hls.on(Events.INTERSTITIALS_PRIMARY_RESUMED, note("primary", () => ""));
    // hls.js 1.7.4 thinks that it is loading already when a break ends where the programme begins, and waits for ever.
    hls.on(Events.INTERSTITIALS_PRIMARY_RESUMED, () => hls.startLoad(hls.interstitialsManager.primary.currentTime));
    hls.on(Events.ERROR, (_, data) => data.fatal && window.seen.fatal.push(data.details));
    hls.loadSource(playlist);
    hls.attachMedia(document.getElementById("video"));
    await new Promise((resolve) => hls.once(Events.MANIFEST_PARSED, resolve));
    window.manager = () => hls.interstitialsManager;
  }, { playlist, debug: Boolean(process.env.WEIR_PLAYER_DEBUG) });
  const limit = Date.now() + 120_000;
  const ended = () => page.evaluate((last) => {
    const { primary, playingItem } = window.manager();
    window.seen.primary = Math.max(window.seen.primary, primary.currentTime);
    // What the element plays is replaced at both ends of a break, which can leave it paused; at the very end it would begin again.
    const video = document.getElementById("video");
    if (video.paused && (playingItem?.event || primary.currentTime < primary.duration - 1)) video.play().catch(() => {});
    return window.seen.events.includes(last);
  }, `end ${last}`);
  while (!(seen.ended = await ended())) {
    if (Date.now() > limit) {
      seen.errors.push(`${last} did not end`);
      break;
    }
    await page.waitForTimeout(200);
  }
  Object.assign(seen, await page.evaluate(() => window.seen));
  seen.errors.push(...seen.fatal);
} catch (error) {
  seen.errors.push(String(error));
} finally {
  await browser.close();
  server.close();
}
console.log(JSON.stringify(seen));
