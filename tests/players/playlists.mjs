// Reads playlists with m3u8-parser, and segments with mp4box.js: neither knows anything of Weir.
//
// node playlists.mjs FILE …     playlists (.m3u8) and films (init and segments joined, .mp4); prints one JSON object for each

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Parser } from "m3u8-parser";

const require = createRequire(import.meta.url);
const MP4Box = require("mp4box");

for (const file of process.argv.slice(2)) {
  const bytes = await readFile(file);
  console.log(JSON.stringify(file.endsWith(".m3u8") ? readPlaylist(bytes.toString()) : await readFilm(bytes)));
}

function readPlaylist(text) {
  const parser = new Parser();
  const complaints = [];
  parser.on("warn", (event) => complaints.push(event.message));
  parser.push(text);
  parser.end();
  const { segments, playlists, mediaGroups, targetDuration, endList, iFramePlaylists } = parser.manifest;
  return {
    complaints, targetDuration, endList,
    segments: segments.length,
    longest: Math.max(0, ...segments.map((segment) => segment.duration)),
    duration: segments.reduce((sum, segment) => sum + segment.duration, 0),
    variants: (playlists ?? []).map((playlist) => playlist.attributes),
    audio: Object.keys(mediaGroups?.AUDIO ?? {}).length,
    iFrames: (iFramePlaylists ?? []).length,
  };
}

function readFilm(bytes) {
  return new Promise((resolve, reject) => {
    const film = MP4Box.createFile();
    film.onError = (...error) => reject(new Error(error.join(" ")));
    film.onReady = (info) => {
      resolve({
        fragmented: info.isFragmented,
        brands: info.brands,
        tracks: info.tracks.map((track) => ({ codec: track.codec, timescale: track.timescale, samples: film.getTrackSamplesInfo(track.id).length })),
      });
    };
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    buffer.fileStart = 0;
    film.appendBuffer(buffer);
    film.flush();
  });
}
