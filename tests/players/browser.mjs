// Chromium for the tests.

import { chromium } from "playwright-core";

/** Starts the installed Chromium without anything that would reach for the network by itself. */
export function launch(executablePath) {
  return chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--autoplay-policy=no-user-gesture-required",
      // Names for the hosts of one node, wherever the machine looks names up.
      "--host-resolver-rules=MAP *.localhost 127.0.0.1"],
  });
}

/** Waits until a condition on an element holds; answers the seconds that it took, or throws with the media's state. */
export async function secondsOf(locator, condition, limit) {
  const start = Date.now();
  while (Date.now() - start < limit) {
    if (await locator.evaluate(condition)) return (Date.now() - start) / 1000;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const state = await locator.evaluate((video) => ({
    currentTime: video.currentTime, duration: video.duration, readyState: video.readyState, paused: video.paused,
    seeking: video.seeking, ended: video.ended, error: video.error && video.error.message,
  }));
  throw new Error(`still waiting after ${limit / 1000} s for ${condition}: ${JSON.stringify(state)}`);
}
