// Modules that stand in front of ours, for tests that break what we stand on. `site.mjs` puts the path of our module in
// place of "edge". Each exports every class of ours, its own in place of the one that it breaks.

/** Gives the test the bucket: PUT and DELETE /__bucket/KEY. Everything else goes to our module. */
export const BUCKET = `
import Edge from "edge";
export * from "edge";
export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/__bucket/")) return new Edge(ctx, env).fetch(request);
    const key = pathname.slice("/__bucket/".length);
    if (request.method === "DELETE") await env.LETTERS.delete(key);
    else await env.LETTERS.put(key, await request.arrayBuffer());
    return new Response("done");
  },
};
`;

/** A ledger that behaves as the header x-ledger of the request says: "hang", "throw", "garbage", else as it should. */
export const LEDGER = `
import Edge, { LetterLedger as Real } from "edge";
export * from "edge";
import { DurableObject } from "cloudflare:workers";
let mode = "";
export class LetterLedger extends DurableObject {
  #real;
  constructor(ctx, env) { super(ctx, env); this.#real = new Real(ctx, env); }
  fetch(request) {
    if (mode === "hang") return new Promise(() => setInterval(() => {}, 1000));
    if (mode === "throw") throw new Error("broken on purpose");
    if (mode === "garbage") return new Response("{}");
    if (mode === "error") return new Response("no", { status: 500 });
    return this.#real.fetch(request);
  }
  alarm() { return this.#real.alarm(); }
}
export default {
  fetch(request, env, ctx) {
    mode = request.headers.get("x-ledger") ?? "";
    return new Edge(ctx, env).fetch(request);
  },
};
`;

/** A bucket of which the operation that the header x-bucket names fails; as many times as it takes. */
export const BROKEN_BUCKET = `
import Edge from "edge";
export * from "edge";
export default {
  fetch(request, env, ctx) {
    const fails = request.headers.get("x-bucket");
    const LETTERS = new Proxy(env.LETTERS, {
      get(bucket, name) {
        if (name === fails) return async () => { throw new Error("broken on purpose"); };
        const value = Reflect.get(bucket, name);
        return typeof value === "function" && name !== "constructor" ? value.bind(bucket) : value;
      },
    });
    const wrapped = new Proxy(env, { get: (of, name) => (name === "LETTERS" ? LETTERS : Reflect.get(of, name)) });
    return new Edge(ctx, wrapped).fetch(request);
  },
};
`;

/**
 * A bucket with bodies that are made while they are read, record by record: the local R2 keeps a whole object in memory
 * while it is read (a plain `new Response(object.body)` shows that), which would hide what our module keeps.
 * PUT /__body with { key, header, cek, base, length, recordSize } (bytes in hex) adds one.
 */
export const MADE_BODIES = `
import Edge, { LetterLedger as Real } from "edge";
export * from "edge";
import { DurableObject } from "cloudflare:workers";
const bodies = new Map();
const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));

/** Record seq of the body: plaintext of zeros that begins with the number of the record. */
async function record({ key, base, length, step }, seq) {
  const plain = new Uint8Array(Math.min(step, length - seq * step) + 1);
  new DataView(plain.buffer).setUint32(0, seq);
  plain[plain.length - 1] = (seq + 1) * step >= length ? 2 : 1;
  const iv = base.slice();
  const view = new DataView(iv.buffer);
  view.setUint32(8, view.getUint32(8) ^ seq);
  return new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plain));
}

function stream(body, offset, length) {
  let seq = 0;
  let at = offset;
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      let chunk;
      if (at < 21) chunk = body.header.slice(at, Math.min(21, offset + length));
      else chunk = await record(body, seq++);
      at += chunk.length;
      controller.enqueue(chunk);
      if (at >= offset + length) controller.close();
    },
  });
}

function wrap(env) {
  const LETTERS = new Proxy(env.LETTERS, {
    get(bucket, name) {
      const real = Reflect.get(bucket, name);
      if (name === "constructor" || typeof real !== "function") return real;
      if (name !== "head" && name !== "get") return real.bind(bucket);
      return async (key, options) => {
        const body = bodies.get(key);
        if (!body) return bucket[name](key, options);
        const about = { key, size: body.size, etag: "made", httpEtag: '"made"' };
        if (name === "head") return about;
        const { offset = 0, length = body.size - offset } = options?.range ?? {};
        return { ...about, body: stream(body, offset, length), bodyUsed: false };
      };
    },
  });
  return new Proxy(env, { get: (of, name) => (name === "LETTERS" ? LETTERS : Reflect.get(of, name)) });
}

export class LetterLedger extends DurableObject {
  #real;
  constructor(ctx, env) { super(ctx, env); this.#real = new Real(ctx, wrap(env)); }
  fetch(request) { return this.#real.fetch(request); }
  alarm() { return this.#real.alarm(); }
}
export default {
  async fetch(request, env, ctx) {
    if (new URL(request.url).pathname !== "/__body") return new Edge(ctx, wrap(env)).fetch(request);
    const { key, header, cek, base, length, recordSize } = await request.json();
    const step = recordSize - 17;
    const size = 21 + length + Math.max(1, Math.ceil(length / step)) * 17;
    const imported = await crypto.subtle.importKey("raw", bytes(cek), "AES-GCM", false, ["encrypt"]);
    bodies.set(key, { header: bytes(header), key: imported, base: bytes(base), length, step, size });
    return new Response(String(size));
  },
};
`;

/**
 * The bucket, GET, PUT and DELETE /__bucket/KEY, and GET /__bucket?prefix= for a list; and what is broken until it is said
 * otherwise, POST /__broken with JSON: `{ bucket: "get", keys: "terms/" }` (an operation, for keys that begin so),
 * `{ ledgers: [LETTER] }`, `{ index: true }`.
 */
export const SHELVES = `
import Edge, * as ours from "edge";
import { DurableObject } from "cloudflare:workers";
export * from "edge";
let broken = {};
const fail = () => { throw new Error("broken on purpose"); };
const around = (real, own) => new Proxy(real, {
  get(of, name) {
    if (Object.hasOwn(own, name)) return own[name];
    const value = Reflect.get(of, name);
    return typeof value === "function" && name !== "constructor" ? value.bind(of) : value;
  },
});
function world(env) {
  const operation = (name) => async (key, ...more) => {
    if (broken.bucket === name && String(key).startsWith(broken.keys ?? "")) fail();
    return env.LETTERS[name](key, ...more);
  };
  const LETTERS = around(env.LETTERS, Object.fromEntries(["get", "put", "head", "delete"].map((name) => [name, operation(name)])));
  return new Proxy(env, { get: (of, name) => (name === "LETTERS" ? LETTERS : Reflect.get(of, name)) });
}
const behind = (name, isBroken) =>
  class extends DurableObject {
    #real;
    constructor(ctx, env) { super(ctx, env); this.#real = new ours[name](ctx, world(env)); }
    fetch(request) { return isBroken(this.ctx.id) ? fail() : this.#real.fetch(request); }
    alarm() { return this.#real.alarm(); }
  };
export const LetterLedger = behind("LetterLedger", (id) => broken.ledgers?.includes(id.name));
export const Index = behind("Index", () => broken.index);
export default {
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/__broken") { broken = await request.json(); return new Response("done"); }
    if (pathname === "/__bucket") {
      const { objects } = await env.LETTERS.list({ prefix: searchParams.get("prefix") ?? "", include: ["customMetadata"] });
      return Response.json(objects.map(({ key, size, customMetadata }) => ({ key, size, customMetadata })));
    }
    if (!pathname.startsWith("/__bucket/")) return new Edge(ctx, world(env)).fetch(request);
    const key = pathname.slice("/__bucket/".length);
    if (request.method === "DELETE") await env.LETTERS.delete(key);
    else if (request.method === "PUT") await env.LETTERS.put(key, await request.arrayBuffer());
    else {
      const object = await env.LETTERS.get(key);
      return new Response(object?.body ?? null, { status: object ? 200 : 404 });
    }
    return new Response("done");
  },
};
`;
