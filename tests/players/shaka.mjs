// Plays a signed playlist whole in shaka-player: a second player, written apart from hls.js, with a demuxer of its own.
//
// node shaka.mjs CHROMIUM PLAYLIST-URL     prints one JSON object: what was seen

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { launch, secondsOf } from "./browser.mjs";

const [chromium, playlist] = process.argv.slice(2);
const files = {
  "/": ["text/html", await readFile(new URL("shaka.html", import.meta.url))],
  "/shaka-player.compiled.js": ["text/javascript", await readFile(new URL("node_modules/shaka-player/dist/shaka-player.compiled.js", import.meta.url))],
};
// A page of another origin: so CORS is tested as well.
const server = createServer((request, response) => {
  const [type, body] = files[request.url] ?? ["text/plain", ""];
  response.writeHead(files[request.url] ? 200 : 404, { "content-type": type }).end(body);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const seen = { errors: [] };
const browser = await launch(chromium);
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const loaded = await page.evaluate(async (playlist) => {
    shaka.polyfill.installAll();
    const video = document.getElementById("video");
    const player = new shaka.Player();
    await player.attach(video);
    window.troubles = [];
    player.addEventListener("error", (event) => window.troubles.push(`${event.detail.code} ${event.detail.data}`));
    try {
      await player.load(playlist);
      await video.play();
    } catch (error) {
      return { failure: `${error.code ?? ""} ${error.message ?? error} ${JSON.stringify(error.data ?? "")}` };
    }
    return {
      duration: video.duration,
      variants: player.getVariantTracks().map((track) => ({ width: track.width, height: track.height, codecs: track.codecs })),
      images: player.getImageTracks().length,
    };
  }, playlist);
  Object.assign(seen, loaded);
  if (loaded.failure) throw new Error(loaded.failure);
  const video = page.locator("video");
  seen.playing = await secondsOf(video, (video) => video.currentTime > 1, 30_000);
  await video.evaluate((video) => { video.currentTime = video.duration - 2; });
  seen.ended = await secondsOf(video, (video) => video.ended, 30_000);
  seen.errors.push(...(await page.evaluate(() => window.troubles)));
} catch (error) {
  seen.errors.push(String(error));
} finally {
  await browser.close();
  server.close();
}
console.log(JSON.stringify(seen));
