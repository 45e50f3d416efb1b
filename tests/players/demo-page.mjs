// Plays a film on the demonstration page in headless Chromium, as a viewer would: starts, seeks, ends.
//
// node demo-page.mjs CHROMIUM PAGE-URL [SCREENSHOT.png]     prints one JSON object: what was seen

import { launch, secondsOf } from "./browser.mjs";

const [chromium, url, screenshot] = process.argv.slice(2);
const seen = { errors: [], refused: [], media: 0 };
const browser = await launch(chromium);
try {
  const page = await browser.newPage({ viewport: { width: 1360, height: 860 }, colorScheme: "dark" });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
  page.on("response", (response) => {
    const path = new URL(response.url()).pathname;
    if (response.status() >= 400) seen.refused.push(`${response.status()} ${path}`);
    if (path.startsWith("/vod/") || path.startsWith("/t/")) seen.media += 1;
  });

  await page.goto(url, { waitUntil: "domcontentloaded" });
  const video = page.locator("video");
  await video.waitFor({ state: "attached", timeout: 15_000 });
  // Headless Chromium starts nothing with sound unless somebody asked for it.
  await video.evaluate((video) => { video.muted = true; return video.play(); });
  seen.playing = await secondsOf(video, (video) => video.currentTime > 1.5, 30_000);
  seen.duration = await video.evaluate((video) => video.duration);
  seen.size = await video.evaluate((video) => [video.videoWidth, video.videoHeight]);

  await video.evaluate((video) => { video.currentTime = 18; });
  seen.sought = await secondsOf(video, (video) => !video.seeking && video.currentTime > 19, 30_000);
  if (screenshot) {
    await page.mouse.move(640, 400);
    await page.waitForTimeout(400);
    await page.screenshot({ path: screenshot });
  }

  await video.evaluate((video) => { video.currentTime = video.duration - 1.5; });
  seen.ended = await secondsOf(video, (video) => video.ended, 30_000);
  seen.dropped = await video.evaluate((video) => video.getVideoPlaybackQuality().droppedVideoFrames);
  seen.frames = await video.evaluate((video) => video.getVideoPlaybackQuality().totalVideoFrames);
  seen.title = await page.locator("#title").innerText();
} catch (error) {
  seen.errors.push(String(error));
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
