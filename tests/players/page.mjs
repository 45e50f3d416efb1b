// A page with one of the players, served from an origin of its own, so that CORS is tested as well.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

/** Serves a page whose only content is a video and hls.js; answers its address and a way to stop. */
export async function hlsPage() {
  const files = {
    "/": ["text/html", '<!doctype html><video id="video" muted playsinline></video><script src="/hls.js"></script>'],
    "/hls.js": ["text/javascript", await readFile(new URL("node_modules/hls.js/dist/hls.min.js", import.meta.url))],
  };
  const server = createServer((request, response) => {
    const [type, body] = files[request.url] ?? ["text/plain", ""];
    response.writeHead(files[request.url] ? 200 : 404, { "content-type": type }).end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
