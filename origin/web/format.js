// How figures are written.

export function clock(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const whole = Math.round(seconds);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let step = 0;
  while (count >= 1000 && step < units.length - 1) { count /= 1000; step += 1; }
  return `${count >= 100 || step === 0 ? Math.round(count) : count.toFixed(1)} ${units[step]}`;
}

export const bitrate = (rate) => (rate >= 1e6 ? `${(rate / 1e6).toFixed(1)} Mb/s` : `${Math.round(rate / 1e3)} kb/s`);

const CODECS = { avc1: "H.264", avc3: "H.264", hvc1: "HEVC", hev1: "HEVC", dvh1: "Dolby Vision", av01: "AV1", vp09: "VP9", mp4a: "AAC", "ac-3": "AC-3", "ec-3": "E-AC-3", opus: "Opus", Opus: "Opus", fLaC: "FLAC", alac: "ALAC" };
export const codecNames = (codecs) => [...new Set((codecs ?? "").split(",").filter(Boolean).map((codec) => CODECS[codec.trim().split(".")[0]] ?? codec.trim()))];

/** An element with text, never markup. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
