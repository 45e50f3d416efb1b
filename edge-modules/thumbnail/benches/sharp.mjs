// The work of `pictures.rs` by sharp (libvips, libjpeg-turbo, libwebp), on one thread, for the ratio.
//
// node benches/sharp.mjs FOLDER     FOLDER as written by `pictures make`; `npm install sharp` in a folder above, or NODE_PATH

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const sharp = createRequire(join(process.env.SHARP ?? process.cwd(), "x.js"))("sharp");
sharp.concurrency(1);
sharp.cache(false);

const rows = [
  ["720p.jpg", 320, "jpeg"], ["720p.jpg", 320, "webp"], ["720p.jpg", 640, "jpeg"], ["720p.jpg", 640, "webp"],
  ["720p-progressive.jpg", 320, "jpeg"], ["720p.png", 320, "jpeg"], ["720p.webp", 320, "jpeg"],
  ["12mp.jpg", 320, "jpeg"], ["12mp.jpg", 320, "webp"], ["12mp-progressive.jpg", 320, "jpeg"],
  ["24mp.jpg", 320, "jpeg"], ["24mp.jpg", 1280, "jpeg"],
];
// The settings that the module's own defaults stand for.
const encode = {
  jpeg: (image) => image.jpeg({ quality: 80, optimiseCoding: true }),
  webp: (image) => image.webp({ quality: 75 }),
};

const folder = process.argv[2];
for (const [name, width, format] of rows) {
  const source = await readFile(join(folder, name));
  const once = () => encode[format](sharp(source).rotate().resize(width)).toBuffer();
  let bytes = await once();
  const times = [];
  for (let run = 0; run < 15; run += 1) {
    const start = process.cpuUsage();
    bytes = await once();
    const { user, system } = process.cpuUsage(start);
    times.push((user + system) / 1000);
  }
  times.sort((a, b) => a - b);
  console.log(`${name.padEnd(22)}${`w=${width}&format=${format}`.padEnd(32)}${times[0].toFixed(2).padStart(10)}${String(bytes.length).padStart(10)}`);
}
