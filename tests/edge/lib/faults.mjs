// The front that names every place at which our module waits for somebody else, and stands still at one of them.
//
// A *point* is a call of a binding, of a Durable Object, of its storage, of a body, a stream, WebCrypto or a timer; a
// statement of SQL that writes; an answer that is about to be given. Each is passed twice, `before` the call and `after` it:
// made, and its outcome never seen. Standing still is a loop without an end in sight, so that nothing of the isolate goes on, and
// workerd has one thread for all of them. The harness reads where on standard output, and kills.
//
// POST /__front, JSON, any of it: `arm` ({ at, phase }: the number of the point from now on; or { name, nth, phase }: among
// those of its name), `ring` ({ binding, name }: its alarm rings now). Both begin the count anew. GET /__front: the points passed since. GET, PUT, DELETE /__front/r2/KEY.
// POST /__front/scheduled: the daily schedule.

import { EXPORTS } from "./classes.mjs";
import { FAULT } from "./workerd.mjs";

/** The source of the front, for `wrap` of `startSite`, for every class that wrangler.toml names. */
export function faults() {
  return `${FRONT}${EXPORTS}\nexport const LogRelay = behind("LogRelay");\n`;
}

const FRONT = `
import Edge, * as ours from "edge";
import { DurableObject } from "cloudflare:workers";
export * from "edge";

let armed;
let passed = [];
let counts = new Map();
function stand(what) {
  console.log(${JSON.stringify(FAULT)} + JSON.stringify(what));
  // Not for ever: a harness that was ended itself must not leave it behind.
  for (let turns = 0; turns < 1e11; turns += 1);
}
function meant(at, name, nth, phase) {
  if (armed?.phase !== phase) return;
  if (armed.at === at || (armed.name === name && armed.nth === nth)) stand({ at, name, nth, phase });
}
function enter(name) {
  const at = passed.push(name) - 1;
  const nth = counts.get(name) ?? 0;
  counts.set(name, nth + 1);
  meant(at, name, nth, "before");
  return [at, nth];
}
function leave(name, [at, nth]) {
  meant(at, name, nth, "after");
}
/** Does it, as a point of this name. */
function pass(name, does) {
  const at = enter(name);
  const done = does();
  if (typeof done?.then !== "function") {
    leave(name, at);
    return done;
  }
  return done.then(
    (value) => (leave(name, at), value),
    (error) => { leave(name, at); throw error; },
  );
}

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
/** The object, each call of whose methods is a point. Objects that come of \`makes\` are taken over in turn. */
function watched(real, name, methods, makes = {}) {
  const own = {};
  for (const method of methods) {
    own[method] = (...args) => {
      const made = pass(name + "." + method, () => real[method](...args));
      const next = makes[method];
      return next ? (typeof made?.then === "function" ? made.then((value) => value && next(value)) : next(made)) : made;
    };
  }
  for (const method of Object.keys(makes)) own[method] ??= (...args) => makes[method](real[method](...args));
  return takenOver(real, own);
}
const upload = (name) => (real) => watched(real, name + ".upload", ["uploadPart", "complete", "abort"]);
const stub = (name) => (real) => watched(real, name, ["fetch"]);
const SORTS = {
  R2Bucket: (real, name) => watched(real, name, ["get", "head", "put", "delete", "list", "createMultipartUpload"], {
    createMultipartUpload: upload(name),
    resumeMultipartUpload: upload(name),
  }),
  KvNamespace: (real, name) => watched(real, name, ["get", "getWithMetadata", "put", "delete", "list"]),
  DurableObjectNamespace: (real, name) => watched(real, name, [], { get: stub(name), getByName: stub(name) }),
  Fetcher: (real, name) => watched(real, name, ["fetch"]),
  Ratelimit: (real, name) => watched(real, name, ["limit"]),
};
function world(env, who) {
  const known = new Map();
  return new Proxy(env, {
    get(of, name) {
      const real = Reflect.get(of, name);
      if (typeof real !== "object" || real === null) return real;
      const sort = SORTS[real.constructor.name] ?? (typeof real.limit === "function" ? SORTS.Ratelimit : undefined);
      if (!sort) return real;
      if (!known.has(name)) known.set(name, sort(real, who + "." + String(name)));
      return known.get(name);
    },
  });
}

// What belongs to no binding.
function watch(prototype, name, methods) {
  for (const method of methods) {
    const real = prototype?.[method];
    if (typeof real === "function") prototype[method] = function (...args) { return pass(name + "." + method, () => real.apply(this, args)); };
  }
}
const BODY = ["text", "json", "arrayBuffer", "bytes", "formData"];
watch(Request.prototype, "request", BODY);
watch(Response.prototype, "response", BODY);
watch(SubtleCrypto.prototype, "crypto", ["importKey", "decrypt", "encrypt", "sign", "digest"]);
watch(ReadableStreamBYOBReader.prototype, "stream", ["read", "readAtLeast"]);
watch(ReadableStreamDefaultReader.prototype, "stream", ["read"]);
watch(WritableStreamDefaultWriter.prototype, "stream", ["write", "close"]);
const fetchTruly = globalThis.fetch;
globalThis.fetch = (...args) => pass("fetch", () => fetchTruly(...args));
// A timer is a number, as in the module that is deployed: one that was built in haste insists on it.
const [begin, end] = [globalThis.setTimeout, globalThis.clearTimeout];
const timers = new Map();
let last = 0;
globalThis.setTimeout = (does, ...args) => {
  last += 1;
  const id = last;
  timers.set(id, begin((...given) => { timers.delete(id); pass("timer", () => { does(...given); }); }, ...args));
  return id;
};
globalThis.clearTimeout = (id) => { end(timers.get(id)); timers.delete(id); };

function behind(name) {
  const storage = (real) => takenOver(
    watched(real, name, ["transactionSync", "setAlarm", "getAlarm", "deleteAlarm", "deleteAll", "sync", "get", "put", "delete", "list"]),
    {
      sql: takenOver(real.sql, {
        exec(statement, ...values) {
          const does = () => real.sql.exec(statement, ...values);
          return /^\\s*SELECT/i.test(statement) ? does() : pass(name + ".sql", does);
        },
      }),
    },
  );
  return class extends DurableObject {
    #real;
    #ctx;
    constructor(ctx, env) {
      super(ctx, env);
      this.#ctx = ctx;
      this.#real = new ours[name](takenOver(ctx, { storage: storage(ctx.storage) }), world(env, name));
    }
    async fetch(request) {
      if (new URL(request.url).pathname === "/__ring") {
        await this.#ctx.storage.setAlarm(Date.now());
        return new Response("rings");
      }
      return pass(name + ".answer", () => this.#real.fetch(request));
    }
    alarm(info) {
      return pass(name + ".alarm", () => this.#real.alarm(info));
    }
  };
}

async function told(request, env) {
  if (request.method === "GET") return Response.json(passed);
  const { arm, ring } = await request.json();
  if (ring) await env[ring.binding].get(env[ring.binding].idFromName(ring.name)).fetch("http://front/__ring");
  armed = arm;
  passed = [];
  counts = new Map();
  return Response.json([]);
}

async function bucket(request, env, key) {
  if (request.method === "PUT") await env.LETTERS.put(key, await request.arrayBuffer());
  else if (request.method === "DELETE") await env.LETTERS.delete(key);
  else if (key.endsWith("/") || key === "") {
    const keys = [];
    for (let cursor; ; ) {
      const page = await env.LETTERS.list({ prefix: key, cursor });
      keys.push(...page.objects.map((object) => object.key));
      if (!page.truncated) return Response.json(keys);
      cursor = page.cursor;
    }
  } else {
    const object = await env.LETTERS.get(key);
    return new Response(object?.body ?? null, { status: object ? 200 : 404 });
  }
  return new Response("done");
}

export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname === "/__front") return told(request, env);
    if (pathname.startsWith("/__front/r2/")) return bucket(request, env, decodeURIComponent(pathname.slice("/__front/r2/".length)));
    if (pathname === "/__front/scheduled") {
      await new Edge(ctx, world(env, "daily")).scheduled({ cron: "0 3 * * *", scheduledTime: Date.now() });
      return new Response("done");
    }
    return pass("answer", () => new Edge(ctx, world(env, "worker")).fetch(request));
  },
};
`;
