// Reads the playlist of `token_insertion.rs` with m3u8-parser, which players use; it only reads, and writes nothing.
//
// node benches/m3u8-parser.mjs FOLDER     FOLDER has m3u8-parser in its node_modules, as tests/players does

import { createRequire } from "node:module";
import { resolve } from "node:path";

const { Parser } = createRequire(resolve(process.argv[2] ?? ".", "x.js"))("m3u8-parser");

let text = '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP:URI="init.mp4"\n';
for (let number = 0; number < 10_800; number += 1) text += `#EXTINF:2.00000,\nvideo_1080p_${String(number).padStart(6, "0")}.m4s\n`;
text += "#EXT-X-ENDLIST\n";

const times = [];
for (let run = 0; run < 22; run += 1) {
  const start = process.hrtime.bigint();
  const parser = new Parser();
  parser.push(text);
  parser.end();
  if (parser.manifest.segments.length !== 10_800) throw new Error("segments are missing");
  times.push(Number(process.hrtime.bigint() - start) / 1000);
}
const sorted = times.slice(1).sort((a, b) => a - b);
const median = sorted[sorted.length >> 1];
console.log(`m3u8-parser: read ${text.length} bytes in ${median.toFixed(1)} us, ${(text.length / median).toFixed(0)} MB/s`);
