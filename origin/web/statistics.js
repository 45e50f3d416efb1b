// What the player does, in figures, a curve and a list.

import { bitrate, bytes, element } from "./format.js";

const HISTORY = 120;
const byId = (id) => document.getElementById(id);
const set = (id, text) => { byId(id).textContent = text; };

export class Statistics {
  constructor(video) {
    this.video = video;
    this.begun = performance.now();
    this.segments = 0;
    this.loaded = 0;
    this.stalls = 0;
    this.buffers = [];
    video.addEventListener("loadeddata", () => set("s-first", `${Math.round(performance.now() - this.begun)} ms`), { once: true });
    for (const name of ["playing", "pause", "seeking", "seeked", "ended"]) video.addEventListener(name, () => this.note(name));
    video.addEventListener("waiting", () => { if (video.currentTime > 0 && !video.seeking) { this.stalls += 1; set("s-stalls", this.stalls); this.note("stalled", true); } });
    setInterval(() => this.tick(), 500);
  }

  follow(hls) {
    this.hls = hls;
    const { Events } = Hls;
    hls.on(Events.MANIFEST_PARSED, (_, data) => this.note(`${data.levels.length} ${data.levels.length === 1 ? "variant" : "variants"}`));
    hls.on(Events.LEVEL_SWITCHED, (_, { level }) => {
      const now = hls.levels[level];
      set("s-variant", now.height ? `${now.height}p, ${bitrate(now.bitrate)}` : bitrate(now.bitrate));
      set("s-codecs", [now.videoCodec, now.audioCodec].filter(Boolean).join(", "));
      this.note(`variant ${now.height ? `${now.height}p` : bitrate(now.bitrate)}`);
    });
    hls.on(Events.FRAG_LOADED, (_, { frag }) => {
      this.segments += 1;
      this.loaded += frag.stats.total || frag.stats.loaded;
      const { start, end, first } = frag.stats.loading;
      set("s-segments", `${this.segments}, ${bytes(this.loaded)}`);
      set("s-last", `${bytes(frag.stats.total || frag.stats.loaded)} in ${Math.round(end - start)} ms`);
      set("s-wait", `${Math.round(first - start)} ms`);
    });
    hls.on(Events.ERROR, (_, error) => this.note(`${error.details}${error.response?.code ? ` ${error.response.code}` : ""}`, error.fatal));
  }

  note(text, bad = false) {
    const seconds = ((performance.now() - this.begun) / 1000).toFixed(1);
    byId("log").prepend(element("li", {}, element("time", {}, `${seconds} s`), element("span", { className: bad ? "bad" : "" }, text)));
    while (byId("log").children.length > 100) byId("log").lastChild.remove();
  }

  tick() {
    const { video, hls } = this;
    const quality = video.getVideoPlaybackQuality?.();
    if (video.videoWidth) set("s-picture", `${video.videoWidth}×${video.videoHeight}`);
    if (quality) set("s-dropped", `${quality.droppedVideoFrames} of ${quality.totalVideoFrames}`);
    if (hls?.bandwidthEstimate > 0 && this.segments) set("s-bandwidth", bitrate(hls.bandwidthEstimate));
    let ahead = 0;
    for (let index = 0; index < video.buffered.length; index += 1) {
      if (video.buffered.start(index) <= video.currentTime + 0.1 && video.currentTime <= video.buffered.end(index)) ahead = video.buffered.end(index) - video.currentTime;
    }
    set("s-buffer", `${ahead.toFixed(1)} s`);
    this.buffers.push(ahead);
    if (this.buffers.length > HISTORY) this.buffers.shift();
    this.draw();
  }

  // Seconds of buffer over the last minute.
  draw() {
    const canvas = byId("graph");
    const context = canvas.getContext("2d");
    const accent = getComputedStyle(canvas).color;
    const top = Math.max(10, ...this.buffers);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.beginPath();
    this.buffers.forEach((ahead, index) => {
      const [x, y] = [(index / (HISTORY - 1)) * canvas.width, canvas.height - 4 - (ahead / top) * (canvas.height - 12)];
      if (index) context.lineTo(x, y); else context.moveTo(x, y);
    });
    context.strokeStyle = accent;
    context.lineWidth = 3;
    context.stroke();
    context.lineTo(((this.buffers.length - 1) / (HISTORY - 1)) * canvas.width, canvas.height);
    context.lineTo(0, canvas.height);
    context.globalAlpha = 0.15;
    context.fillStyle = accent;
    context.fill();
    context.globalAlpha = 1;
  }
}
