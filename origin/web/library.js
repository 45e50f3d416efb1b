// The library: what can be played, and uploads.

import { adminKey, assetEvents, createAsset, listAssets, rememberAdminKey, uploadSource } from "./api.js";
import { bytes, clock, codecNames, element } from "./format.js";

const byId = (id) => document.getElementById(id);
const [grid, empty, notice, summary, search, keyField, transfers] = ["grid", "empty", "notice", "summary", "search", "key", "transfers"].map(byId);
let assets = [];

async function refresh() {
  try {
    assets = await listAssets();
    notice.hidden = true;
  } catch (problem) {
    assets = [];
    const off = problem.status === 404;
    notice.textContent = off ? "The public library is off. Enter an administrator's key under “Upload” to see your films." : problem.message;
    notice.hidden = false;
  }
  show();
}

function show() {
  const text = search.value.trim().toLowerCase();
  const shown = assets.filter((asset) => `${asset.title} ${asset.id}`.toLowerCase().includes(text));
  grid.replaceChildren(...shown.map(card));
  empty.hidden = assets.length > 0 || !notice.hidden;
  const seconds = assets.reduce((sum, asset) => sum + asset.duration, 0);
  summary.textContent = assets.length ? `${assets.length} ${assets.length === 1 ? "film" : "films"}, ${clock(seconds)}` : "\u00a0";
}

function card(asset) {
  const title = asset.title || asset.id;
  const badges = element("div", { className: "badges" });
  if (asset.resolution) badges.append(element("span", { className: "badge strong" }, `${asset.resolution[1]}p`));
  for (const name of codecNames(asset.codecs)) badges.append(element("span", { className: "badge" }, name));
  if (asset.variants > 1) badges.append(element("span", { className: "badge" }, `${asset.variants} variants`));
  badges.append(element("span", { className: "badge" }, bytes(asset.bytes)));
  const link = element("a", { className: "card", href: `/play/${asset.id}` });
  link.append(art(asset, title), element("div", { className: "words" }, element("h3", { title }, title), badges));
  return link;
}

// Each film has a picture of its own, drawn from its id, under its poster if there is one.
function art(asset, title) {
  let seed = 0;
  for (const letter of asset.id) seed = (seed * 31 + letter.charCodeAt(0)) >>> 0;
  const hue = 165 + (seed % 75);
  const picture = element("div", { className: "art" });
  picture.style.background = `linear-gradient(150deg, hsl(${hue} 70% 32%), hsl(${hue + 28} 75% 16%))`;
  const waves = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  waves.setAttribute("class", "waves");
  waves.setAttribute("viewBox", "0 0 320 180");
  waves.setAttribute("preserveAspectRatio", "none");
  for (let line = 0; line < 5; line += 1) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    const height = 70 + line * 24;
    const swing = 10 + ((seed >> (line * 3)) % 18);
    path.setAttribute("d", `M-10 ${height} C 70 ${height - swing}, 110 ${height + swing}, 165 ${height} S 260 ${height - swing}, 330 ${height}`);
    path.setAttribute("stroke", `hsl(${hue + 10} 80% 75% / ${0.10 + line * 0.05})`);
    path.setAttribute("stroke-width", "7");
    path.setAttribute("fill", "none");
    waves.append(path);
  }
  const go = element("span", { className: "go" });
  go.innerHTML = '<svg width="22" height="22" viewBox="0 0 24 24" fill="currentColor"><path d="M8 5v14l11-7z"/></svg>';
  picture.append(waves);
  if (asset.poster) picture.append(element("img", { src: asset.poster, alt: "", loading: "lazy", onerror() { this.remove(); } }));
  picture.append(go, element("span", { className: "time" }, clock(asset.duration)));
  picture.setAttribute("aria-label", title);
  return picture;
}

function transferRow(name) {
  const state = element("span", {}, "waiting");
  const bar = element("progress", { max: 1, value: 0 });
  const detail = element("div", { className: "detail", hidden: true });
  const row = element("div", { className: "transfer" }, element("div", { className: "row" }, element("span", {}, name), state), bar, detail);
  transfers.prepend(row);
  return {
    step(text, part) { state.textContent = text; if (part === undefined) bar.removeAttribute("value"); else bar.value = part; },
    done(id) {
      row.classList.add("good");
      state.textContent = "ready";
      bar.hidden = true;
      detail.hidden = false;
      detail.replaceChildren(element("a", { href: `/play/${id}` }, "Play it"));
    },
    failed(problem) {
      row.classList.add("bad");
      state.textContent = "failed";
      bar.hidden = true;
      detail.hidden = false;
      const codec = problem.body?.codec ? ` (track ${problem.body.track}, ${problem.body.codec})` : "";
      detail.textContent = problem.status === 401 ? "The key is not known here." : problem.message + codec;
    },
  };
}

async function send(file) {
  const row = transferRow(file.name);
  const key = adminKey();
  try {
    if (!key) throw new Error("Enter an administrator's key first.");
    const asset = await createAsset(file.name.replace(/\.[^.]+$/, ""), key);
    row.step("0 %", 0);
    await uploadSource(asset.id, file, key, (part) => (part < 1 ? row.step(`${Math.floor(part * 100)} % of ${bytes(file.size)}`, part) : row.step("looking at it")));
    for await (const event of assetEvents(asset.id, key)) {
      if (event.state === "ready") { row.done(asset.id); break; }
      if (event.state === "failed") throw Object.assign(new Error(event.failure?.detail ?? "Packaging failed."), { body: event.failure });
      row.step(event.state === "packaging" ? `packaging ${Math.floor((event.progress ?? 0) * 100)} %` : "waiting", event.progress);
    }
    await refresh();
  } catch (problem) {
    row.failed(problem);
  }
}

// One after the other: two films at once are not faster.
let queue = Promise.resolve();
const sendAll = (files) => { for (const file of files) queue = queue.then(() => send(file)); };

const drop = byId("drop");
byId("open-upload").addEventListener("click", () => {
  const panel = byId("upload");
  panel.hidden = !panel.hidden;
  if (!panel.hidden && !keyField.value) keyField.focus();
});
byId("file").addEventListener("change", (event) => { sendAll([...event.target.files]); event.target.value = ""; });
for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => { event.preventDefault(); sendAll([...event.dataTransfer.files]); });
keyField.value = adminKey();
keyField.addEventListener("change", () => { rememberAdminKey(keyField.value.trim()); refresh(); });
search.addEventListener("input", show);
refresh();
