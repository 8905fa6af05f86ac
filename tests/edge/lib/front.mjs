// The front that stands before our module in the guard's tests: it plays the platform (who connects, from where, what
// time it is) and breaks what the guard stands on. One source, in the same isolate as our module.
//
// Headers of a request, taken off before we see it: x-test-asn, x-test-country.
// POST /__front, JSON, any of it: `clock` (milliseconds; null: the real time again), `modes` (see `Modes`), `reset` (the
// counts begin anew), `sql` (a statement by class, done in every object of it that has an alarm). Answers
// `{ now, counts, alarms, late }`: `counts["visitor.GUARD.get"]` and the like, `counts["Index.rows"]` the rows that objects of a class wrote, `alarms` by object, and how many of them have yet
// to be told of the new clock: ask again until there are none.
// GET, PUT, DELETE /__front/kv/KEY: the namespace behind our back; PUT with ?metadata=JSON. GET /__front/kv?prefix= lists it.
// GET, PUT, DELETE /__front/bucket/KEY: the same for the bucket. GET /__front/bucket/?prefix= lists its keys.

import { CLASSES, EXPORTS } from "./classes.mjs";

/**
 * What can be broken, each "" (as it should be) or
 * - `kv`: "throw", "hang"; `kvOf`: only where this key begins so
 * - `sentinel`, `publisher`: "throw", "hang", "garbage", "error"
 * - `letterledger`, `sequencer`, `index`: the same
 * - `limits`: "throw", "hang"
 * - `letterledgerOf`: only where what is asked has this in it, such as a letter's id; the same for the others
 * - `alarms`: a class whose alarms get lost
 * - `bucket`: the operation that fails, such as "delete"; `bucketOf`: only where a key has this in it
 *
 * @typedef {{ kv?: string, kvOf?: string, sentinel?: string, publisher?: string, limits?: string, letterledger?: string,
 *   sequencer?: string, index?: string, letterledgerOf?: string, alarms?: string, bucket?: string, bucketOf?: string }} Modes
 */

export const FRONT = `
import Edge, * as ours from "edge";
import { DurableObject } from "cloudflare:workers";
export * from "edge";

// The clock of the whole isolate: ours, wasm's, the Durable Objects'.
const TrueDate = Date;
let ahead = 0;
const now = () => TrueDate.now() + ahead;
globalThis.Date = new Proxy(TrueDate, {
  construct: (date, args, self) => Reflect.construct(date, args.length > 0 ? args : [now()], self),
  apply: () => new TrueDate(now()).toString(),
  get: (date, name) => (name === "now" ? now : Reflect.get(date, name)),
});

let modes = {};
let counts = {};
const forever = () => new Promise(() => setInterval(() => {}, 1000));
const broken = () => { throw new Error("broken on purpose"); };

/** The object, with some of its members taken over; methods stay bound to the real one. */
function takenOver(real, own) {
  return new Proxy(real, {
    get(of, name) {
      if (Object.hasOwn(own, name)) return own[name];
      const value = Reflect.get(of, name);
      return typeof value === "function" && name !== "constructor" ? value.bind(of) : value;
    },
  });
}

function counted(who, binding, real, mode) {
  const call = (method) => async (...args) => {
    const name = who + "." + binding + "." + method;
    counts[name] = (counts[name] ?? 0) + 1;
    const key = String(args[0]?.key ?? args[0]?.prefix ?? args[0]);
    if (mode() === "throw" && key.startsWith(modes.kvOf ?? "")) broken();
    if (mode() === "hang" && key.startsWith(modes.kvOf ?? "")) return forever();
    return real[method](...args);
  };
  return takenOver(real, Object.fromEntries(["get", "getWithMetadata", "put", "delete", "list", "limit"].map((method) => [method, call(method)])));
}

/** The bucket, of which one operation may fail. */
function breakable(who, real) {
  const call = (method) => async (...args) => {
    const name = who + ".LETTERS." + method;
    counts[name] = (counts[name] ?? 0) + 1;
    if (modes.bucket === method && JSON.stringify(args[0] ?? "").includes(modes.bucketOf ?? "")) broken();
    return real[method](...args);
  };
  return takenOver(real, Object.fromEntries(["get", "head", "put", "delete", "list"].map((method) => [method, call(method)])));
}

function world(env, who) {
  const wrapped = new Map();
  return new Proxy(env, {
    get(of, name) {
      const real = Reflect.get(of, name);
      if (name === "LETTERS" && real) {
        if (!wrapped.has(name)) wrapped.set(name, breakable(who, real));
        return wrapped.get(name);
      }
      const mode = name === "GUARD" ? () => modes.kv : String(name).startsWith("LIMIT_") ? () => modes.limits : undefined;
      if (!mode || !real) return real;
      if (!wrapped.has(name)) wrapped.set(name, counted(who, name, real, mode));
      return wrapped.get(name);
    },
  });
}

// Alarms are due by the shifted clock. Ours by object; the platform's follow. When the clock goes back, every alarm rings at
// once, as the platform may ring one twice: otherwise it would wait for a time that was wrong.
const alarms = new Map();
let back = false;
// Those that have not been told of the clock yet.
let late = [];
const AT_ONCE = 500;
const BINDINGS = ${JSON.stringify(Object.fromEntries(CLASSES.map(({ binding, name }) => [name, binding])))};

function behind(name) {
  const key = (ctx) => name + "/" + ctx.id;
  const clockwork = (ctx) => {
    const wrote = (rows) => (counts[name + ".rows"] = (counts[name + ".rows"] ?? 0) + rows);
    const sql = takenOver(ctx.storage.sql, {
      exec(...args) {
        const cursor = ctx.storage.sql.exec(...args);
        wrote(cursor.rowsWritten);
        return cursor;
      },
    });
    const storage = takenOver(ctx.storage, {
      sql,
      setAlarm(due, options) {
        wrote(1);
        alarms.set(key(ctx), Number(due));
        return ctx.storage.setAlarm(Number(due) - ahead, options ?? undefined);
      },
      async getAlarm(options) {
        if (alarms.has(key(ctx))) return alarms.get(key(ctx));
        const real = await ctx.storage.getAlarm(options ?? undefined);
        return real === null ? null : real + ahead;
      },
      deleteAlarm(options) {
        alarms.delete(key(ctx));
        return ctx.storage.deleteAlarm(options ?? undefined);
      },
      deleteAll(options) {
        alarms.delete(key(ctx));
        return ctx.storage.deleteAll(options ?? undefined);
      },
    });
    return takenOver(ctx, { storage });
  };
  return class extends DurableObject {
    #real;
    #ctx;
    constructor(ctx, env) {
      super(ctx, env);
      this.#ctx = ctx;
      this.#real = new ours[name](clockwork(ctx), world(env, name));
    }
    async fetch(request) {
      if (new URL(request.url).pathname === "/__alarm") {
        const due = alarms.get(key(this.#ctx));
        if (due !== undefined) await this.#ctx.storage.setAlarm(back ? TrueDate.now() : due - ahead);
        return new Response("set");
      }
      if (new URL(request.url).pathname === "/__sql") {
        this.#ctx.storage.sql.exec(await request.text());
        return new Response("done");
      }
      counts[name + ".fetch"] = (counts[name + ".fetch"] ?? 0) + 1;
      const of = modes[name.toLowerCase() + "Of"];
      const mode = of === undefined || (await request.clone().text()).includes(of) ? modes[name.toLowerCase()] : "";
      if (mode === "throw") broken();
      if (mode === "hang") return forever();
      if (mode === "garbage") return new Response("{}");
      if (mode === "error") return new Response("no", { status: 500 });
      return this.#real.fetch(request);
    }
    alarm() {
      alarms.delete(key(this.#ctx));
      counts[name + ".alarm"] = (counts[name + ".alarm"] ?? 0) + 1;
      if (modes.alarms === name) return;
      return this.#real.alarm();
    }
  };
}
${EXPORTS}

async function told(request, env) {
  const said = await request.json();
  if (said.reset) counts = {};
  if (said.modes) modes = said.modes;
  for (const [of, statement] of Object.entries(said.sql ?? {})) {
    for (const known of alarms.keys()) {
      const [name, id] = known.split("/");
      if (name === of) await env[BINDINGS[name]].get(env[BINDINGS[name]].idFromString(id)).fetch("http://front/__sql", { method: "POST", body: statement });
    }
  }
  if ("clock" in said) {
    const before = ahead;
    ahead = said.clock === null ? 0 : said.clock - TrueDate.now();
    back = ahead < before;
    late = [...alarms.keys()];
  }
  // A part at a time: thousands of them take longer than a request may.
  const part = late.splice(-AT_ONCE);
  while (part.length > 0) {
    await Promise.all(part.splice(-50).map((known) => {
      const [name, id] = known.split("/");
      const binding = env[BINDINGS[name]];
      return binding?.get(binding.idFromString(id)).fetch("http://front/__alarm");
    }));
  }
  return Response.json({ now: now(), counts, late: late.length, alarms: Object.fromEntries(alarms) });
}

async function keys(request, env, url) {
  const key = decodeURIComponent(url.pathname.slice("/__front/kv/".length));
  if (key === "") return Response.json(await env.GUARD.list({ prefix: url.searchParams.get("prefix") ?? "" }));
  if (request.method === "PUT") await env.GUARD.put(key, await request.arrayBuffer(), { metadata: JSON.parse(url.searchParams.get("metadata") ?? "null") ?? undefined });
  else if (request.method === "DELETE") await env.GUARD.delete(key);
  else {
    const value = await env.GUARD.get(key, "arrayBuffer");
    return new Response(value, { status: value === null ? 404 : 200 });
  }
  return new Response("done");
}

async function objects(request, env, url) {
  const key = decodeURIComponent(url.pathname.slice("/__front/bucket/".length));
  if (key === "") {
    const names = [];
    for (let cursor; ; ) {
      const page = await env.LETTERS.list({ prefix: url.searchParams.get("prefix") ?? "", cursor });
      names.push(...page.objects.map((object) => object.key));
      if (!page.truncated) return Response.json(names);
      cursor = page.cursor;
    }
  }
  if (request.method === "PUT") await env.LETTERS.put(key, await request.arrayBuffer());
  else if (request.method === "DELETE") await env.LETTERS.delete(key);
  else {
    const object = await env.LETTERS.get(key);
    return object === null ? new Response(null, { status: 404 }) : new Response(await object.arrayBuffer());
  }
  return new Response("done");
}

/** The request as the platform would give it. */
function arrived(request) {
  const headers = new Headers(request.headers);
  const asn = headers.get("x-test-asn");
  const country = headers.get("x-test-country");
  headers.delete("x-test-asn");
  headers.delete("x-test-country");
  const cf = { ...(asn !== null && { asn: Number(asn), asOrganization: "AS of a test" }), ...(country !== null && { country }) };
  return new Request(request, { headers, cf });
}

export default {
  fetch(request, env, ctx) {
    const url = new URL(request.url);
    if (url.pathname === "/__front") return told(request, env);
    if (url.pathname.startsWith("/__front/kv")) return keys(request, env, url);
    if (url.pathname.startsWith("/__front/bucket/")) return objects(request, env, url);
    return new Edge(ctx, world(env, "visitor")).fetch(arrived(request));
  },
  scheduled(event, env, ctx) {
    return new Edge(ctx, world(env, "schedule")).scheduled(event);
  },
};
`;
