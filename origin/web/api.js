// Calls to the origin, by relative URLs: the page works on the origin itself and through an edge in front of it.

const KEY = "weir-admin-key";

// The key lives as long as the tab.
export const adminKey = () => sessionStorage.getItem(KEY) ?? "";
export const rememberAdminKey = (key) => (key ? sessionStorage.setItem(KEY, key) : sessionStorage.removeItem(KEY));

/** What the origin says is wrong (RFC 9457). */
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail || body?.title || `The origin answered ${status}.`);
    this.status = status;
    this.body = body ?? {};
  }
}

export async function problemOf(response) {
  return new Problem(response.status, await response.json().catch(() => null));
}

async function call(path, options = {}) {
  const response = await fetch(path, options).catch(() => {
    throw new Error("The origin cannot be reached.");
  });
  if (!response.ok) throw await problemOf(response);
  return response;
}

const authorized = (key = adminKey()) => ({ Authorization: `Bearer ${key}` });

/** Published assets: those of the demonstration, or with a key all. */
export async function listAssets() {
  try {
    return await (await call("/demo/assets")).json();
  } catch (problem) {
    if (problem.status !== 404 || !adminKey()) throw problem;
  }
  const page = await (await call("/v1/assets?limit=100", { headers: authorized() })).json();
  return page.assets.filter((asset) => asset.live_version).map(summaryOf);
}

function summaryOf(asset) {
  const version = asset.versions.find((one) => one.number === asset.live_version);
  const largest = [...version.report.variants].sort((a, b) => b.bandwidth - a.bandwidth)[0];
  return {
    id: asset.id, title: asset.title ?? "", duration: version.duration, resolution: largest?.resolution ?? null,
    codecs: largest?.codecs ?? null, variants: version.report.variants.length, bytes: version.bytes, published_at: version.published_at,
  };
}

/** URLs to play an asset with. */
export async function playbackOf(id) {
  try {
    return await (await call(`/demo/assets/${id}/playback`, { method: "POST" })).json();
  } catch (problem) {
    if (problem.status !== 404 || !adminKey()) throw problem;
  }
  const headers = { ...authorized(), "Content-Type": "application/json" };
  return (await call(`/v1/assets/${id}/playback`, { method: "POST", headers, body: "{}" })).json();
}

export async function createAsset(title, key) {
  const headers = { ...authorized(key), "Content-Type": "application/json" };
  return (await call("/v1/assets", { method: "POST", headers, body: JSON.stringify({ title }) })).json();
}

/** Sends a file. Only XMLHttpRequest tells how far an upload is. */
export function uploadSource(id, file, key, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", `/v1/assets/${id}/source`);
    request.setRequestHeader("Authorization", `Bearer ${key}`);
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => reject(new Error("The upload broke off."));
    request.onload = () => {
      let body = null;
      try { body = JSON.parse(request.responseText); } catch { /* the status says enough */ }
      if (request.status < 300) resolve(body); else reject(new Problem(request.status, body));
    };
    request.send(file);
  });
}

/** Server-sent events of an asset; EventSource cannot send the key. */
export async function* assetEvents(id, key) {
  const response = await call(`/v1/assets/${id}/events`, { headers: authorized(key) });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim()).join("\n");
      if (data) yield JSON.parse(data);
    }
  }
}
