// Where Durable Objects are. Of a site that is bound to a jurisdiction every one is asked for there, and nothing is served where
// that cannot be; a location is a hint, for every one, where there is no jurisdiction. The object that writes log lines keeps nothing
// and is left out.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { EXPORTS } from "./lib/classes.mjs";
import { SILENT } from "./lib/silent.mjs";
import { startSite } from "./lib/site.mjs";

const REPORT = randomBytes(1_000);

/**
 * Plays a runtime that has jurisdictions: the objects of each are others, and every name that is asked for outside of one is
 * counted. GET /__asked tells.
 */
const PLACES = `
import Edge, * as ours from "edge";
import { DurableObject } from "cloudflare:workers";
export * from "edge";
const asked = {};
const note = (what) => { asked[what] = (asked[what] ?? 0) + 1; };
class DurableObjectNamespace {
  #real;
  #place;
  constructor(real, place) { this.#real = real; this.#place = place; }
  jurisdiction(code) {
    if (!["eu", "us", "fedramp"].includes(code)) throw new TypeError("no such jurisdiction");
    return new DurableObjectNamespace(this.#real, code);
  }
  getByName(name, options) {
    note([this.#place ?? "anywhere", options?.locationHint].filter(Boolean).join("/"));
    return this.#real.getByName((this.#place ?? "anywhere") + "/" + name);
  }
}
const world = (env) => {
  const own = Object.fromEntries(Object.entries(env).filter(([name, value]) => value?.constructor?.name === "DurableObjectNamespace" && name !== "LOG_RELAY").map(([name, value]) => [name, new DurableObjectNamespace(value)]));
  return new Proxy(env, { get: (of, name) => own[name] ?? Reflect.get(of, name) });
};
const behind = (name) =>
  class extends DurableObject {
    #real;
    constructor(ctx, env) { super(ctx, env); this.#real = new ours[name](ctx, world(env)); }
    fetch(request) { return this.#real.fetch(request); }
    alarm() { return this.#real.alarm(); }
  };
${EXPORTS}
export default {
  fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname === "/__asked") return Response.json(asked);
    return new Edge(ctx, world(env)).fetch(request);
  },
};
`;

test("a runtime without jurisdictions: nothing is served, and the log says why in one sentence", async () => {
  const site = await startSite("jurisdiction-none", { site: { jurisdiction: "eu" } });
  try {
    const letter = await site.send("GET", "/robots.txt");
    assert.deepEqual([letter.status, letter.body.toString()], [404, SILENT]);
    await site.logged(/"code":"settings"/);
    const text = readFileSync(site.log, "utf8");
    const line = text.split("\n").find((line) => line.includes('"code":"settings"'));
    const { detail } = JSON.parse(line.slice(line.indexOf("{")));
    assert.match(detail, /^SITE\.jurisdiction is "eu", but this runtime cannot keep Durable Objects there \(.*\)\. Take the setting out/);
    assert.equal(detail.match(/SITE\.jurisdiction/g).length, 1, detail);
  } finally {
    await site.stop();
  }
});

for (const [settings, where] of [[{ location: "weur" }, "anywhere/weur"], [{ location: "weur", jurisdiction: "eu" }, "eu"], [{}, "anywhere"]]) {
  test(`every object is asked for in one place: ${JSON.stringify(settings)}`, async () => {
    const site = await startSite("location", { wrap: PLACES, site: settings });
    try {
      const letter = await site.put(REPORT, { about: { customer: "C-1042" } });
      const person = site.browser();
      await person.consent(letter.path);
      assert.equal((await person.get(`${letter.path}/report`)).status, 200);
      assert.equal((await person.get(`${letter.path}/history`)).status, 200);
      await site.get("/not-a-link");
      const counts = JSON.parse((await site.send("GET", "/__asked")).body);
      assert.deepEqual(Object.keys(counts), [where]);
      assert.ok(counts[where] > 5);
    } finally {
      await site.stop();
    }
  });
}

test("a location that nobody has is refused with the others' names", async () => {
  const site = await startSite("location-wrong", { site: { location: "brussels" } });
  try {
    assert.equal((await site.send("GET", "/robots.txt")).status, 404);
    await site.logged(/location` must be wnam, enam, sam, weur, eeur, apac, oc, afr or me/);
  } finally {
    await site.stop();
  }
});

test("a jurisdiction that nobody has is refused with the others' names", async () => {
  const site = await startSite("jurisdiction-wrong", { site: { jurisdiction: "mars" } });
  try {
    assert.equal((await site.send("GET", "/robots.txt")).status, 404);
    await site.logged(/jurisdiction` must be eu, us or fedramp/);
  } finally {
    await site.stop();
  }
});

test("with jurisdictions every object is in the one of the settings, and a site that was moved opens nothing", async () => {
  const site = await startSite("jurisdiction-eu", { wrap: PLACES, site: { jurisdiction: "eu", governing_law: "BE" } });
  const asked = async () => JSON.parse((await site.send("GET", "/__asked")).body);
  try {
    const letter = await site.put(REPORT, { about: { customer: "C-1042" } });
    const person = site.browser();
    await person.consent(letter.path);
    assert.equal((await person.get(`${letter.path}/report`)).status, 200);
    assert.equal((await person.get(`${letter.path}/history`)).status, 200);
    await site.get("/not-a-link");
    const counts = await asked();
    assert.deepEqual(Object.keys(counts), ["eu"]);
    assert.ok(counts.eu > 5);
    await site.api("POST", `${letter.letter}/cancel`, { headers: { "content-length": 0 } });

    // The same bucket with another setting: its ledgers would be new ones, which know of no cancellation.
    const place = (code) => writeFileSync(site.config, readFileSync(site.config, "utf8").replace(/^jurisdiction = ".*"$/m, `jurisdiction = "${code}"`));
    place("us");
    await site.crash();
    await site.restart();
    assert.equal((await site.browser().get(letter.path)).status, 503);
    await site.logged(/jurisdiction_changed/);
    // Nor is a customer's erasure said to be done where nothing of theirs is.
    const body = JSON.stringify({ customer: "C-1042" });
    const erased = await site.send("POST", "/api/v1/customers/erase", { body, headers: { authorization: `Bearer ${site.apiKey}`, "content-length": body.length } });
    assert.equal(erased.status, 503, erased.body.toString());
    place("eu");
    await site.crash();
    await site.restart();
    assert.equal((await site.browser().json(letter.path)).closed, "cancelled");
  } finally {
    await site.stop();
  }
});
