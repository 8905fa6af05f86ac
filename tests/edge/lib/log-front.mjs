// The site's log as tests meet it: a front that reaches the sequencer and breaks the bucket below it, and a reader who
// trusts nothing of what it is shown.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { decode, encode } from "./messages.mjs";
import { startSite, until } from "./site.mjs";
import { openCheckpoint, readLog, readVkey, treeHash } from "./tlog.mjs";

/**
 * Stands before our module. POST /__log/ask/NAME is a request of that name to the sequencer; /__log/bucket/KEY is the bucket (GET, PUT, DELETE; GET
 * without a key lists). POST /__log/modes: `puts` lets so many writes of the log through and then fails, `of` only
 * counts keys that begin so; `hang` instead of failing; `slow` waits so many milliseconds before each; `keys` lists what was
 * written; `hold` makes writes of that key wait until `release`, which answers as `landed` which of them changed something;
 * `down`: nobody reaches the sequencer. Answers the counts.
 */
export const LOG_FRONT = `
import Edge, { Sequencer as Real } from "edge";
import { DurableObject } from "cloudflare:workers";
export * from "edge";
let modes = {};
let counts = { put: {}, get: {} };
let held = [];
const kind = (key) => key.startsWith("log/tile/entries") ? "entries" : key.startsWith("log/tile") ? "hashes" : key;

function broken(bucket) {
  const put = async (key, value, options) => {
    if (modes.slow) await new Promise((resolve) => setTimeout(resolve, modes.slow));
    if (modes.hold === key) {
      const bytes = value.slice();
      held.push(() => bucket.put(key, bytes, options ?? undefined));
      await new Promise(() => setInterval(() => {}, 1000));
    }
    if (modes.puts !== undefined && key.startsWith(modes.of ?? "log/")) {
      if (modes.puts <= 0) {
        if (modes.hang) await new Promise(() => setInterval(() => {}, 1000));
        throw new Error("put: broken on purpose (10001)");
      }
      modes.puts -= 1;
    }
    counts.put[kind(key)] = (counts.put[kind(key)] ?? 0) + 1;
    if (modes.keys) (counts.keys ??= []).push(key);
    return bucket.put(key, value, options ?? undefined);
  };
  const get = async (key, options) => {
    if (modes.gets !== undefined) throw new Error("get: broken on purpose (10001)");
    counts.get[kind(key)] = (counts.get[kind(key)] ?? 0) + 1;
    return bucket.get(key, options ?? undefined);
  };
  const own = { put, get };
  return new Proxy(bucket, {
    get(of, name) {
      if (Object.hasOwn(own, name)) return own[name];
      const value = Reflect.get(of, name);
      return typeof value === "function" && name !== "constructor" ? value.bind(of) : value;
    },
  });
}
const world = (env) => {
  const LETTERS = broken(env.LETTERS);
  return new Proxy(env, { get: (of, name) => (name === "LETTERS" ? LETTERS : Reflect.get(of, name)) });
};
export class Sequencer extends DurableObject {
  #real;
  constructor(ctx, env) { super(ctx, env); this.#real = new Real(ctx, world(env)); }
  async fetch(request) {
    if (modes.down) throw new Error("down on purpose");
    return this.#real.fetch(request);
  }
  alarm() { counts.alarm = (counts.alarm ?? 0) + 1; return this.#real.alarm(); }
}
export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/__log/")) return new Edge(ctx, env).fetch(request);
    const [, , what, ...rest] = pathname.split("/");
    if (what === "ask") return env.SEQUENCER.getByName("log").fetch("https://object/" + rest[0], { method: "POST", body: await request.arrayBuffer() });
    if (what === "modes") {
      const said = await request.json();
      const landed = said.release ? (await Promise.all(held.splice(0).map((put) => put()))).map((object) => object !== null) : [];
      const answer = Response.json({ ...counts, landed });
      modes = said;
      if (said.reset) counts = { put: {}, get: {} };
      return answer;
    }
    const key = rest.join("/");
    if (key === "") return Response.json((await env.LETTERS.list({ prefix: "log/" })).objects.map(({ key }) => key));
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

/** An entry that nobody can tell from one of an event. */
export function someLeaf({ slot = randomBytes(32), event = randomBytes(32) } = {}) {
  return Buffer.concat([Buffer.of(1), slot, event]);
}

/** A site with the front before it, and what reads its log. */
export async function startLogged(name, options = {}) {
  const site = await startSite(name, { wrap: LOG_FRONT, ...options });
  const post = (path, body) => site.send("POST", path, { body, headers: { "content-length": Buffer.byteLength(body) } });
  const asked = async (name, ask) => {
    const answer = await post(`/__log/ask/${name}`, Buffer.isBuffer(ask) ? ask : encode(ask));
    return answer.status === 200 ? decode(answer.body) : { failed: answer.body.toString() };
  };
  /** Every checkpoint that anybody was shown: text by text. */
  const shown = new Map();

  return Object.assign(site, {
    shown,
    ask: asked,
    /** Adds entries as a ledger does; answers their numbers. */
    async add(leaves) {
      const numbers = await asked("AddEntries", { leaves });
      assert.ok(Array.isArray(numbers), JSON.stringify(numbers));
      return numbers;
    },
    prove: (entries) => asked("ProveEntries", { entries }),
    /** Breaks the bucket below the sequencer, and mends it with {}. Answers the counts until then. */
    breaks: async (modes) => JSON.parse((await post("/__log/modes", JSON.stringify(modes))).body),
    bucket: {
      get: async (key) => {
        const answer = await site.get(`/__log/bucket/${key}`);
        return answer.status === 200 ? answer.body : undefined;
      },
      put: (key, body) => site.send("PUT", `/__log/bucket/${key}`, { body }),
      delete: (key) => site.send("DELETE", `/__log/bucket/${key}`, { headers: { "content-length": 0 } }),
      names: async () => JSON.parse((await site.get("/__log/bucket/")).body),
    },
    /** What ops see. */
    async log() {
      const answer = await site.get("/api/v1/log", { authorization: `Bearer ${site.apiKey}` });
      assert.equal(answer.status, 200, answer.body.toString());
      return JSON.parse(answer.body);
    },
    /** Waits until ops see this. */
    logShows: (holds) => until(async () => {
      const status = await site.log();
      return holds(status) && status;
    }),

    /** The checkpoint as everybody reads it; `undefined` when there is none. */
    async checkpoint(vkey) {
      const answer = await site.get("/log/checkpoint");
      if (answer.status === 404) return undefined;
      assert.equal(answer.status, 200);
      const key = readVkey(vkey ?? (await site.log()).vkey[0]);
      const checkpoint = openCheckpoint(answer.body, key);
      shown.set(checkpoint.text, checkpoint);
      return checkpoint;
    },
    /** Waits for a published checkpoint of at least so many entries. */
    published: (size) => until(async () => {
      const checkpoint = await site.checkpoint();
      return checkpoint && checkpoint.size >= size && checkpoint;
    }),
    /**
     * Reads the whole log as everybody can, and verifies it: tiles, root, and that each checkpoint that was ever shown is
     * its beginning.
     */
    async verified() {
      const checkpoint = await site.checkpoint();
      const log = await readLog(checkpoint.size, async (path) => {
        const answer = await site.get(`/log/${path}`);
        assert.equal(answer.status, 200, path);
        return answer.body;
      });
      assert.ok(log.root.equals(checkpoint.root), "the root is that of the entries");
      for (const older of shown.values()) {
        assert.ok(older.size <= log.leaves.length, "the log never shrinks");
        assert.ok(treeHash(log.leaves.slice(0, older.size)).equals(older.root), `the checkpoint of ${older.size} entries is its beginning`);
      }
      return { ...log, checkpoint };
    },
  });
}
