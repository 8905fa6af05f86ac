// What the platform stores of a request: its URL, beside every line and every exception of the invocation. A URL may be a
// link, so a fetch handler leaves neither, whatever comes and whatever breaks; what there is to say travels through an object
// whose URL says nothing. A consumer takes every trace of the module and of its objects, as the platform's does.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { CLASSES } from "./lib/classes.mjs";
import { forged } from "./lib/guard.mjs";
import { mintToken, newKeyring } from "./lib/seal.mjs";
import { startSite, until } from "./lib/site.mjs";
import { startWorkerd } from "./lib/workerd.mjs";

const NOW = Math.floor(Date.now() / 1000);

/**
 * Breaks what the header x-fault names, for that request: a binding, `ledger`, `relay`, or the module itself: `throw` and
 * `trap` at its first look at the clock, `late` at its first one after the answer. /__talk... is a handler that talks.
 */
const BROKEN = `
import Edge, * as ours from "edge";
import { DurableObject } from "cloudflare:workers";
export * from "edge";
const TrueDate = Date;
let clock;
globalThis.Date = new Proxy(TrueDate, {
  get(date, name) {
    if (name === "now" && clock) return clock();
    return Reflect.get(date, name);
  },
});
let ledger = "";
let relay = "";
const fail = () => { throw new Error("broken on purpose"); };
const behind = (name, mode) =>
  class extends DurableObject {
    #real;
    constructor(ctx, env) { super(ctx, env); this.#real = new ours[name](ctx, env); }
    fetch(request) {
      if (mode() === "throw") fail();
      if (mode() === "garbage") return new Response("{}");
      if (mode() === "error") return new Response("no", { status: 500 });
      return this.#real.fetch(request);
    }
    alarm() { return this.#real.alarm(); }
  };
export const LetterLedger = behind("LetterLedger", () => ledger);
export const LogRelay = behind("LogRelay", () => relay);
const around = (real, broken) => new Proxy(real, {
  get(of, name) {
    if (broken.includes(name)) return async () => fail();
    if (broken.includes("body") && name === "get") return async (...args) => {
      const object = await of.get(...args);
      if (!object?.body) return object;
      const reader = object.body.getReader({ mode: "byob" });
      let left = 100_000;
      const body = new ReadableStream({
        type: "bytes",
        async pull(controller) {
          const { value } = await reader.read(new Uint8Array(16_384));
          left -= value.length;
          if (left < 0) return controller.error(new Error("broken on purpose"));
          controller.enqueue(value);
        },
      });
      return new Proxy(object, { get: (it, key) => key === "body" ? body : typeof it[key] === "function" ? it[key].bind(it) : it[key] });
    };
    const value = Reflect.get(of, name);
    return typeof value === "function" && name !== "constructor" ? value.bind(of) : value;
  },
});
function world(env, fault) {
  const own = {};
  const [binding, ...methods] = fault.split(".");
  if (binding in env) own[binding] = methods.length > 0 ? around(env[binding], methods) : undefined;
  return new Proxy(env, { get: (of, name) => (Object.hasOwn(own, name) ? own[name] : Reflect.get(of, name)) });
}
export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/__talk")) { console.log("said"); throw new Error("thrown"); }
    const fault = request.headers.get("x-fault") ?? "";
    ledger = fault.startsWith("ledger.") ? fault.slice(7) : "";
    relay = fault.startsWith("relay.") ? fault.slice(6) : "";
    const crash = { throw: () => fail(), trap: () => { throw new WebAssembly.RuntimeError("unreachable"); } }[fault];
    if (crash) clock = () => { clock = undefined; return crash(); };
    const answer = await new Edge(ctx, world(env, fault)).fetch(request);
    if (fault === "late") clock = () => { clock = undefined; return fail(); };
    return answer;
  },
};
`;

let site;
const traces = () => site.edge.traces;
before(async () => {
  const keyring = newKeyring({ active: 7, retired: [{ id: 3, not_after: NOW - 60 }] });
  site = await startSite("tail", { keyring, wrap: BROKEN, run: (options) => startWorkerd({ ...options, tailed: true }) });
});
after(() => site?.stop());

/** Traces of requests from outside; those of objects and alarms are others'. */
const requests = (all = traces()) => all.filter((trace) => !trace.entrypoint);
const url = (trace) => trace.event?.request?.url ?? "";
/** What the platform would store beside this URL. */
const beside = ({ logs, exceptions }) => [...logs.map(({ message }) => message), ...exceptions.map(({ message }) => message)];
/** Traces that show what nobody may see: something was written where the URL is that of a request. */
const leaks = () => requests().filter((trace) => !url(trace).includes("/__talk") && beside(trace).length > 0);

const leaked = () => leaks().map((trace) => ({ url: url(trace), method: trace.event.request.method, fault: trace.event.request.headers["x-fault"], beside: beside(trace) }));

/** Waits until the traces of `count` more requests than `before` are in: they come when the background work has ended. */
const settled = (before, count) => until(() => requests().length >= before + count, { every: 50, within: 40_000 }).catch(() => assert.fail(`${requests().length - before} traces of ${count} requests`));

/** Our lines, in the order in which they were written. */
const lines = () => site.edge.output().split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
const written = (matches) => until(() => lines().find(matches), { every: 50 });

/** A request, then its shape. */
const ask = async (method, path, headers = {}, options = {}) => site.send(method, path, { headers: { ...(method === "POST" && { "content-length": 0 }), ...headers }, ...options });

/** Every way in which a link of this letter may come, genuine or not. */
function spellings({ token, fragment = "0123456789abcdefghjkmnpqrs" }) {
  const changed = token.slice(0, 20) + (token[20] === "z" ? "y" : "z") + token.slice(21);
  return [
    ...[`/${token}`, `/${token}?utm_source=mail&lang=nl`, `/${token.toUpperCase()}`, `/${token}.`, `/${token}%20`, `/${token}%3E`, `/${token}%23${fragment}`, `/${token}%23${fragment}/report`],
    ...[`/x/${token}`, `//${token}`, `/${token}/`, `/${token}/nothing-here`, `/${token.slice(0, 33)}%0D%0A${token.slice(33)}`, `/${token}#${fragment}`],
    ...[`/${changed}`, `/${changed}%23${fragment}`, `/${token.slice(0, 65)}`, `/${token.slice(1)}`, `/x${token}x`, `/${token}${token}`, `/?u=https://letters.example/${token}`, `/robots.txt?u=${token}`],
    ...[`/${token}/report`, `/${token}/history`, `/${token}/receipt`, `/${token}/receipt.json`, `/${token}/consent`],
    ...[`/assets/${token}`, `/log/${token}`, `/api/v1/letters/${token}`, `/api/v1/${token}%23${fragment}`, `/wp-login.php?${token}`],
  ];
}

test("a consumer gets the traces: a handler that talks is seen, with its URL", async () => {
  await ask("GET", "/__talk/here").catch(() => {});
  const trace = await until(() => traces().find((trace) => url(trace).endsWith("/__talk/here")));
  assert.deepEqual([trace.logs.length, trace.exceptions.length], [1, 1]);
});

test("no spelling of any link leaves a line or an exception beside its URL", async () => {
  const before = requests().length;
  let asked = 0;
  const open = await site.put(randomBytes(300_000));
  const sealed = await site.put(randomBytes(2_000), { endToEnd: true });
  const cancelled = await site.put(randomBytes(100));
  await site.api("POST", `${cancelled.letter}/cancel`, { headers: { "content-length": 0 } });
  const over = { ...open, token: mintToken(site.keyring, open.letter, NOW - 10) };
  const retired = { ...open, token: mintToken(site.keyring, open.letter, NOW + 900, 3) };
  const strange = { token: forged().slice(1) };
  site.remember(over.token, retired.token);
  asked += 7;
  for (const letter of [open, sealed, cancelled, over, retired, strange]) {
    for (const path of spellings(letter)) {
      for (const method of ["GET", "HEAD", "POST"]) {
        const answer = await ask(method, path);
        assert.ok(answer.status < 500, `${method} ${path}: ${answer.status}`);
        asked += 1;
      }
    }
  }
  const person = site.browser();
  await person.consent(open.path);
  assert.equal((await person.get(`${open.path}/report`)).body.length, 300_000);
  assert.equal((await person.get(`${open.path}/report`, { range: "bytes=5-9" })).status, 206);
  assert.equal((await person.submit(open.path, "withdraw")).status, 303);
  asked += 6;
  await settled(before, asked);
  assert.deepEqual(leaked(), []);
});

test("nor does anything that breaks on the way", async () => {
  const before = requests().length;
  let asked = 0;
  const letter = await site.put(randomBytes(1_000_000));
  const person = site.browser();
  await person.consent(letter.path);
  asked += 4;
  const damaged = `/${letter.token.slice(0, 64)}`;
  const faults = [
    ...["LETTERS.get", "LETTERS.body", "LETTERS.head", "LETTERS.put", "GUARD.get", "GUARD", "LETTERS", "LOG_RELAY", ...CLASSES.map(({ binding }) => binding)],
    ...["LIMIT_PAGES.limit", "LIMIT_REPORTS.limit", "LIMIT_API.limit", "ASSETS.fetch", "SITE", "WAXSEAL_KEYS"],
    ...["ledger.throw", "ledger.garbage", "ledger.error", "relay.throw", "relay.error"],
  ];
  for (const fault of faults) {
    const headers = { "x-fault": fault };
    for (const path of [letter.path, `${letter.path}/report`, `${letter.path}/receipt`, `${letter.path}%23KEY`, damaged, "/assets/viewer.js", `/api/v1/letters/${letter.token}`]) {
      // A report that breaks off breaks the connection.
      await person.get(path, headers).catch(() => {});
      asked += 1;
    }
    await site.api("GET", letter.letter, { headers });
    asked += 1;
  }
  // Readers who leave, and those who leave before the answer.
  for (const leaves of ["at once", "at the first byte"]) {
    const socket = connect(site.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(`GET ${letter.path}/report HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${person.cookie()}\r\n\r\n`);
    if (leaves !== "at once") await new Promise((resolve) => socket.once("data", resolve));
    socket.destroy();
    asked += leaves === "at once" ? 0 : 1;
  }
  await settled(before, asked);
  assert.deepEqual(leaked(), []);
  await written((line) => line.event === "report_aborted" && line.code === "client_gone");
  await written((line) => line.event === "fault" && line.place === "visit" && line.code.startsWith("object_"));
});

test("a module that crashes answers silently, says so without the link, and serves the next request", async () => {
  const letter = await site.put(randomBytes(100));
  const silent = await ask("GET", "/nothing");
  const shape = ({ status, raw, body }) => [status, raw.filter(([name]) => name.toLowerCase() !== "date"), body.toString()];
  for (const fault of ["throw", "trap"]) {
    for (const method of ["GET", "HEAD"]) {
      const before = requests().length;
      const answer = await ask(method, `${letter.path}%23KEY0123456789`, { "x-fault": fault });
      assert.equal(answer.status, 404);
      if (method === "GET") assert.deepEqual(shape(answer), shape(silent));
      else assert.equal(answer.headers["content-length"], String(silent.body.length));
      assert.equal((await ask("GET", letter.path)).status, 200, `after ${fault}`);
      await settled(before, 2);
    }
  }
  assert.deepEqual(leaked(), []);
  // While a report is on its way: it breaks off.
  const before_ = requests().length;
  const long = await site.put(randomBytes(4_000_000));
  const person = site.browser();
  await person.consent(long.path);
  const report = await person.get(`${long.path}/report`, { "x-fault": "late" }).catch(() => ({ whole: false }));
  assert.equal(report.whole, false);
  assert.equal((await person.get(long.path)).status, 200);
  await settled(before_, 6);
  assert.deepEqual(leaked(), []);
  const line = await written((line) => line.event === "fault" && line.place === "module" && /Critical|unreachable/.test(line.detail));
  assert.equal(line.level, "error");
});

test("the lines come through the relay: route, method, status, reason, duration, one for each call of the API", async () => {
  const letter = await site.put(randomBytes(100));
  const address = "203.0.113.9";
  const calls = [
    ["GET", `/api/v1/letters/${letter.letter}`, { route: "letters/*", method: "GET", status: 200, reason: undefined }],
    ["GET", `/api/v1/letters/${letter.token}`, { route: "letters/*", method: "GET", status: 400, reason: "not_a_uuid" }],
    ["GET", "/api/v1/guard/bans", { route: "guard/bans", method: "GET", status: 200, reason: undefined }],
    ["POST", `/api/v1/letters/${letter.letter}/cancel`, { route: "letters/*/cancel", method: "POST", status: 200, reason: undefined }],
    ["GET", `/api/v1/none/${letter.token}`, { route: "none", method: "GET", status: 404, reason: "no_such_route" }],
  ];
  const known = lines().length;
  for (const [method, path] of calls) await ask(method, path, { authorization: `Bearer ${site.apiKey}` });
  const closed = await ask("GET", letter.path, {}, { address });
  assert.equal(closed.status, 410);
  const visit = await written((line) => line.event === "visit" && line.letter === letter.letter && line.reason === "cancelled");
  const api = lines().slice(known).filter((line) => line.event === "api");
  const shape = ({ route, method, status, reason }) => ({ route, method, status, reason });
  // What `put` called before is in there, too.
  assert.deepEqual(api.map(shape).slice(-calls.length), calls.map(([, , line]) => line));
  for (const line of [...api, visit]) assert.ok(Number.isInteger(line.duration_ms) && line.duration_ms < 60_000, JSON.stringify(line));
  assert.deepEqual(shape(visit), { route: "front", method: "GET", status: 410, reason: "cancelled" });
  assert.ok(!site.edge.output().includes(address));
  // In an isolate of their own, which no object happens to share, they take the way of this one.
  await until(async () => {
    await ask("GET", letter.path);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    return traces().some((trace) => trace.entrypoint === "LogRelay" && trace.logs.length > 0);
  });
});

test("strangers are counted, with no word about who they were", async () => {
  const known = lines().length;
  const strangers = 60;
  await Promise.all(Array.from({ length: strangers }, (_, n) => ask("GET", `/nobody-${n}`)));
  const counted = () => lines().slice(known).filter((line) => line.event === "stranger");
  await until(() => counted().reduce((sum, line) => sum + (line.count ?? 1), 0) >= strangers);
  assert.ok(counted().length < strangers / 2, `${counted().length} lines`);
  for (const line of counted()) assert.deepEqual([line.client, line.letter, line.class, line.answer, typeof line.reason], [undefined, undefined, "damaged", "silent", "string"]);
});
