// What stands around the module at the edge, with the platform and the module played: what is kept of others' words, for how
// long an answer is waited for, and what counts as a crash.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { registerHooks } from "node:module";
import { beforeEach, mock, test } from "node:test";
import { CLASSES } from "../edge/lib/classes.mjs";
import { SILENT } from "../edge/lib/silent.mjs";

const PLATFORM = "export class DurableObject {} export class WorkerEntrypoint { constructor(ctx, env) { Object.assign(this, { ctx, env }); } } export const exports = {};";
const NAMES = CLASSES.map(({ name }) => name);
/** A module that does what `globalThis.played` says. */
const MODULE = `
  const state = (globalThis.__worker_init_state = { criticalError: false, instanceId: 1 });
  export const __wbg_reset_state = () => (state.instanceId += 1);
  export const fetch = (request) => globalThis.played(request);
  class Counter { made = state.instanceId; fetch(request) { return globalThis.played(request, this.made); } }
  export { ${NAMES.map((name) => `Counter as ${name}`)} };`;
const source = (text) => ({ url: `data:text/javascript,${encodeURIComponent(text)}`, shortCircuit: true });
registerHooks({
  resolve(specifier, context, next) {
    if (specifier === "cloudflare:workers") return source(PLATFORM);
    if (specifier === "waxseal-edge") return source(MODULE);
    return next(specifier, context);
  },
});

mock.timers.enable({ apis: ["setTimeout"] });
const heard = {};
globalThis.addEventListener = (name, listener) => (heard[name] = listener);
globalThis.waxseal = { silent: { status: 404, headers: [], body: SILENT } };
const { said, write } = await import("../../crates/edge/src/entry/lines.js");
const { default: Edge, Sentinel } = await import("../../crates/edge/src/entry/main.js");

/** The lines that are held. */
function drained() {
  const log = mock.method(console, "log", () => {});
  write();
  const lines = log.mock.calls.map(({ arguments: [text] }) => JSON.parse(text));
  log.mock.restore();
  return lines;
}

function detail(...words) {
  said(...words);
  return drained()[0].detail;
}

beforeEach(() => void drained());

const SECRETS = {
  "a token": "0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjkmnpqrstvwxyz01",
  "a token cut by dots": "0123456789abcdefg.hjkmnpqrs.tvwxyz",
  "a token cut by slashes": "no/0123456789ab/cdefghjkmnpqrs/tvw",
  "a short piece of a token": "7z0k4m2p9q",
  "a secret in base64": "q7+/aZ9+kQ==/Vb+8/Tt0w6Yc1/uJ+e=",
  "a piece of a token without digits": "abcdefghjkmnpqrstvwx",
  "an API key": "wsk_07_0123456789abcdef",
  "an address": "192.0.2.17",
  "an address with its port": "192.0.2.17:8443",
  "a longer address": "2001:db8::1",
  "the shortest address": "::1",
  "a mail address": "jan@de.nl",
  "a mail address in brackets": "<jan@de.nl>",
  "a URL": "https://x.nl/a",
  "a host": "www.garage.nl",
  "a telephone number": "+31 30 555 01 42",
  "the same in groups": "030 555 01 42",
  "a postal code": "1017AB",
  "a subject in double quotes": '"Offer for Jan"',
  "a subject in single quotes": "'Offer for Jan'",
  "a subject with an apostrophe in single quotes": "'Jan's offer'",
  "a subject in backquotes": "`Offer for Jan`",
  "a subject in curly quotes": "\u201cOffer for Jan\u201d",
  "a subject that is cut off": '"Offer for Jan',
  "a subject with quotes in it": '"Offer "for" Jan"',
  "what is escaped": "jan%40x",
};

for (const [what, secret] of Object.entries(SECRETS)) {
  test(`of what others say is left out: ${what}`, () => {
    for (const text of [secret, `invalid type: string ${secret}`, `invalid type: string ${secret}, expected text`, `(${secret})`, `\n${secret}\n`]) {
      for (const kept of [detail(text), detail(new TypeError(text)), detail("said", text, "then")]) {
        for (const word of secret.split(/[\s"'`\u201c\u201d<>./:@]+/).filter((word) => word.length > 1 && word !== "no")) assert.ok(!kept.includes(word), `${text}: ${kept}`);
      }
    }
  });
}

test("the name of an error is kept, its plain words, and where a panic was", () => {
  class QuotaExceededError extends Error {
    name = "QuotaExceededError";
  }
  assert.equal(detail(new QuotaExceededError("the disk is full")), "QuotaExceededError: the disk is full");
  assert.equal(detail(new TypeError("Can't read from the body after it doesn't flow")), "TypeError: Can't read from the body after it doesn't flow");
  assert.equal(detail("panicked at crates/edge/src/recipient/forms.rs:211:13:\nindex out of bounds"), "panicked at crates/edge/src/recipient/forms.rs:211:13: index out of bounds");
  assert.equal(detail("status 503 at line 1, column 17."), "status 503 at line 1, column 17.");
  assert.equal(detail(Object.assign(new Error("x"), { name: "jan@de.nl" })), "Error: x");
});

/** An answer that is still to come, and what has become of it. */
function asked(method) {
  const seen = {};
  const ctx = { waitUntil() {} };
  seen.done = new Edge(ctx, {}).fetch({ method }).then((answer) => (seen.status = answer.status));
  return seen;
}

/** So much time passes for whoever waits. */
async function pass(seconds) {
  for (let second = 0; second < seconds; second += 1) {
    mock.timers.tick(1_000);
    await new Promise(setImmediate);
  }
}

test("an upload takes as long as it takes; another answer that does not come ends silently", async () => {
  globalThis.played = () => new Promise(() => {});
  const [page, upload] = [asked("GET"), asked("PUT")];
  await pass(125);
  assert.equal(page.status, 404);
  await pass(3_600);
  assert.equal(upload.status, undefined);
  heard.error({ preventDefault() {}, error: new WebAssembly.RuntimeError("unreachable") });
  await pass(2);
  assert.equal(upload.status, 404, "the module is gone");
});

test("what a crash leaves is the silent answer, byte for byte, and its length for HEAD", async () => {
  globalThis.played = async () => {
    throw new WebAssembly.RuntimeError("unreachable");
  };
  const [get, head] = await Promise.all(["GET", "HEAD"].map((method) => new Edge({ waitUntil() {} }, {}).fetch({ method })));
  assert.deepEqual([get.status, await get.text()], [404, SILENT]);
  assert.deepEqual([head.status, await head.text(), head.headers.get("content-length")], [404, "", String(Buffer.byteLength(SILENT))]);
  drained();
});

test("a stray exception is no crash: whoever waits still gets an answer", async () => {
  let answer;
  globalThis.played = () => new Promise((resolve) => (answer = resolve));
  const page = asked("GET");
  heard.error({ preventDefault() {}, error: new Error("stray") });
  heard.error({ preventDefault() {}, message: "stray" });
  heard.unhandledrejection({ preventDefault() {}, reason: new Error("stray") });
  await pass(3);
  answer({ status: 200 });
  await page.done;
  assert.equal(page.status, 200);
  assert.deepEqual(drained().map(({ event, detail }) => [event, detail]), [["fault", "Error: stray"], ["fault", "stray"]]);
});

test("what a callback of the module throws is a crash, trap or not, and goes no further", async () => {
  globalThis.played = () => new Promise(() => {});
  const page = asked("GET");
  setTimeout(() => {
    throw new Error("late");
  }, 10);
  await pass(2);
  assert.equal(page.status, 404);
});

test("after a crash a new instance answers, and an object is made again in it", async () => {
  const sentinel = new Sentinel();
  globalThis.played = async (_, made) => made;
  const first = await sentinel.fetch({});
  assert.equal(await sentinel.fetch({}), first, "as long as it lives");
  globalThis.played = async () => {
    throw new WebAssembly.RuntimeError("unreachable");
  };
  await assert.rejects(sentinel.fetch({}));
  globalThis.played = async (_, made) => made ?? "answered";
  assert.equal(await sentinel.fetch({}), first + 1);
  assert.equal(await new Edge({ waitUntil() {} }, {}).fetch({ method: "GET" }), "answered");
  assert.equal(await sentinel.fetch({}), first + 1, "once");
});
