// A small stand-in for the edge on loopback: letter pages, assets, reports with Range, and the mishaps that tests order.
// Mishaps are ordered and awaited as events; nothing here depends on time.

import { EventEmitter, once } from "node:events";
import { randomBytes } from "node:crypto";
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeKey } from "./crockford.mjs";
import { letterPage, POLICY } from "./page.mjs";
import { inMemory, RECORD_SIZE, sealLazily, sealWithHttpEce, sha256Of } from "./seal.mjs";

const ASSETS = join(dirname(fileURLToPath(import.meta.url)), "../../../assets");
const TYPES = { ".js": "text/javascript; charset=utf-8", ".pfb": "application/octet-stream", ".ttf": "font/ttf", ".svg": "image/svg+xml" };
const PIECE = 64 * 1024;

export async function startSite() {
  const letters = new Map();
  const server = createServer((request, response) => {
    answer(letters, request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
    add(options) {
      const letter = new TestLetter(origin, options);
      letters.set(letter.path, letter);
      return letter;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/**
 * `plain`: Buffer or `{ length, read }`. `change`: alters the sealed body. Mishaps, for whole answers only unless `partsToo`:
 * `gate` (bytes sent before it waits for `open()`), `dropAfter` (bytes sent before the connection breaks, once).
 */
class TestLetter extends EventEmitter {
  constructor(origin, { plain, mode = "end-to-end", mediaType, fileName, change, lazy = false, recordSize = RECORD_SIZE, data = {}, padding = 0, gate, dropAfter }) {
    super();
    const text = Buffer.isBuffer(plain) ? inMemory(plain) : plain;
    const key = randomBytes(16);
    const sealed = lazy ? sealLazily(text, key, recordSize) : inMemory(sealWithHttpEce(text.read(0, text.length), key, recordSize, padding));
    Object.assign(this, { mode, mediaType, fileName, recordSize, data, gate, dropAfter });
    this.length = text.length;
    this.bodyLength = sealed.length;
    this.sha256 = sha256Of(text);
    this.body = mode === "end-to-end" ? sealed : text;
    if (change) this.body = inMemory(change(Buffer.from(this.body.read(0, this.body.length))));
    this.key = encodeKey(key);
    this.path = `/${randomBytes(33).toString("hex")}`;
    this.url = `${origin}${this.path}`;
    this.link = mode === "end-to-end" ? `${this.url}#${this.key}` : this.url;
    this.etag = `"${randomBytes(8).toString("hex")}"`;
    this.status = 200;
    this.requests = [];
    this.sockets = new Set();
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }

  /** Ends every answer under way in the middle. */
  breakConnections() {
    for (const socket of this.sockets) socket.destroy();
  }

  /** From now on the letter is over: answers under way end, new ones say so. */
  cancel() {
    this.status = 410;
    this.breakConnections();
  }
}

async function answer(letters, request, response) {
  const url = new URL(request.url, "http://x");
  if (url.pathname.startsWith("/assets/")) return asset(url.pathname.slice(8), response);
  const [, first, second] = url.pathname.split("/");
  const letter = letters.get(`/${first}`);
  if (!letter) return html(response, 404, "nothing here");
  if (second === "report") return report(letter, request, response, url.searchParams.has("download"));
  return html(response, 200, letterPage(letter));
}

function html(response, status, body) {
  response.writeHead(status, {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  });
  response.end(body);
}

function asset(name, response) {
  const path = normalize(join(ASSETS, name));
  if (!path.startsWith(ASSETS) || !existsSync(path) || !statSync(path).isFile()) return html(response, 404, "no such asset");
  response.writeHead(200, {
    "Content-Type": TYPES[extname(path)] ?? "application/octet-stream",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'",
    "X-Content-Type-Options": "nosniff",
    ...(/-[0-9a-f]{10}\.js$/.test(name) && { "Cache-Control": "public, max-age=31536000, immutable" }),
  });
  createReadStream(path).pipe(response);
}

async function report(letter, request, response, download) {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const entry = { method: request.method, range: request.headers.range ?? null, ifRange: request.headers["if-range"] ?? null, url: request.url, sent: 0 };
  letter.requests.push(entry);
  letter.emit("request", entry);
  if (letter.status !== 200) return html(response, letter.status, "over");
  const { body } = letter;
  const headers = {
    "Content-Type": letter.mode === "end-to-end" ? "application/octet-stream" : letter.mediaType,
    "Accept-Ranges": "bytes",
    "Cache-Control": "no-store",
    ETag: letter.etag,
    "Content-Disposition": `${download ? "attachment" : "inline"}; filename="${letter.fileName}"`,
  };
  const part = range !== null && (entry.ifRange === null || entry.ifRange === letter.etag);
  let start = 0;
  let end = body.length;
  if (part) {
    start = Number(range[1]);
    end = range[2] === "" ? body.length : Math.min(body.length, Number(range[2]) + 1);
    if (start >= body.length) {
      response.writeHead(416, { "Content-Range": `bytes */${body.length}` });
      return response.end();
    }
    headers["Content-Range"] = `bytes ${start}-${end - 1}/${body.length}`;
  }
  headers["Content-Length"] = end - start;
  response.writeHead(part ? 206 : 200, headers);
  if (request.method === "HEAD") return response.end();
  letter.sockets.add(response.socket);
  const mishaps = !part || letter.partsToo;
  const gone = new Promise((resolve) => response.once("close", resolve));
  for (let at = start; at < end; ) {
    if (response.destroyed) return;
    if (mishaps && letter.gate !== undefined && at >= letter.gate) {
      letter.emit("gated");
      await Promise.race([letter.opened, gone]);
      letter.gate = undefined;
      continue;
    }
    if (mishaps && letter.dropAfter !== undefined && at >= letter.dropAfter) {
      letter.dropAfter = undefined;
      letter.emit("dropped");
      return response.destroy();
    }
    const next = Math.min(end, at + PIECE);
    const bytes = body.read(at, next);
    entry.sent += bytes.length;
    at = next;
    if (!response.write(bytes)) await Promise.race([new Promise((resolve) => response.once("drain", resolve)), gone]);
  }
  response.end();
  letter.sockets.delete(response.socket);
}
