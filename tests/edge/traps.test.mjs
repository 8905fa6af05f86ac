// Regression tests for the traps of the runtime (docs/RUNTIME.md): what our module must survive.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { LEDGER } from "./lib/backdoor.mjs";
import { ledgerOnDisk, verifyChain } from "./lib/chain.mjs";
import { startSite } from "./lib/site.mjs";

let site, letter, person;
before(async () => {
  site = await startSite("traps", { wrap: LEDGER });
  letter = await site.put(randomBytes(9_000));
  person = site.browser();
  await person.consent(letter.path);
});
after(() => site?.stop());

for (const mode of ["throw", "error", "garbage", "hang"]) {
  test(`a ledger that fails (${mode}): 503 in words with Retry-After, never the letter`, async () => {
    const headers = { "x-ledger": mode };
    const began = await site.record(letter);
    const calls = [
      person.get(letter.path, headers),
      person.get(`${letter.path}/report`, headers),
      person.post(`${letter.path}/withdraw`, { "List-Unsubscribe": "One-Click" }, { headers }),
      person.get(letter.path, { ...headers, accept: "application/json" }),
      site.api("GET", letter.letter, { headers }),
    ];
    const answers = await Promise.all(calls);
    for (const answer of answers) {
      assert.equal(answer.status, 503);
      assert.ok(Number(answer.headers["retry-after"]) > 0);
      assert.ok(!answer.body.includes("broken on purpose") && !answer.body.includes("panicked"));
    }
    assert.match(answers[0].body.toString(), /service@garage-vermeer\.example/);
    assert.equal(JSON.parse(answers[3].body).closed, "unavailable");
    assert.match(answers[4].headers["content-type"], /problem\+json/);
    await site.logged(/"event":"fault","level":"error"/);
    // Nothing of it is on record, but for how an earlier answer ended: that is told after it.
    const { events } = await site.record(letter);
    assert.deepEqual(events.slice(0, began.events.length).map((event) => event.hash), began.events.map((event) => event.hash));
    assert.ok(events.slice(began.events.length).every((event) => event.kind === "report_streamed"));
    // It comes back by itself.
    assert.equal((await person.get(`${letter.path}/report`)).status, 200);
  });
}

test("every line of the log is one JSON object with an event and a level, and names no address", async () => {
  await person.get(letter.path, { "cf-connecting-ip": "203.0.113.77" });
  await site.get("/nobody", { "cf-connecting-ip": "203.0.113.77" });
  await site.logged(/"class":"damaged"/);
  const text = readFileSync(site.log, "utf8");
  const lines = text.split("\n").filter((line) => line.startsWith("{"));
  assert.ok(lines.length > 10);
  for (const line of lines) {
    const found = JSON.parse(line);
    assert.match(found.event, /^[a-z_]+$/);
    assert.ok(["info", "error"].includes(found.level), line);
  }
  assert.ok(!text.includes("203.0.113.77") && !text.includes(letter.manifest.subject) && !text.includes("Test browser"));
  assert.ok(lines.some((line) => JSON.parse(line).level === "error"), "errors are there too");
});

test("integers, blobs and empty results come back from SQLite as they went in", async () => {
  // A chain that verifies after it was read back holds every byte and every millisecond as written.
  const one = await site.put(randomBytes(10), { about: { not_after: 4_294_967_295, retention_days: 3_653 } });
  await site.browser().consent(one.path);
  await site.record(one);
  const found = ledgerOnDisk(site.state, one.letter);
  verifyChain(one.letter, found);
  for (const event of found.events) {
    assert.equal(typeof event.at, "number");
    assert.ok(Number.isInteger(event.at) && Math.abs(event.at - Date.now()) < 3_600_000, "an integer, not a rounded double");
    assert.ok(event.id instanceof Uint8Array && event.id.length === 16);
    assert.ok(event.sealed instanceof Uint8Array);
  }
  assert.equal(found.snapshot.not_after, 4_294_967_295);
});

test("a crash between requests of a ledger that was told half a thing leaves no half of it", async () => {
  // Every event row has its snapshot: the head on disk is always the last row, whatever the interleaving.
  const many = await Promise.all(Array.from({ length: 6 }, () => site.put(randomBytes(10))));
  const work = many.flatMap((one) => [site.browser().consent(one.path), site.get(one.path), site.api("POST", `${one.letter}/cancel`)]);
  await Promise.race(work.map((call) => call.catch(() => undefined)));
  await site.crash();
  await Promise.allSettled(work);
  for (const one of many) {
    const found = ledgerOnDisk(site.state, one.letter);
    if (found) verifyChain(one.letter, found);
  }
  await site.restart();
  for (const one of many) await site.record(one);
});

test("huge and odd headers from a known person neither panic nor hang", async () => {
  const odd = [
    { range: `bytes=${"9".repeat(4_000)}-` }, { range: "bytes=18446744073709551615-18446744073709551615" }, { cookie: `${"a=b; ".repeat(2_500)}${person.cookie()}` }, { cookie: "=".repeat(12_000) },
    { "accept-language": ",".repeat(6_000) }, { accept: "application/json,".repeat(500) }, { "user-agent": "\u00fe\u00ff" }, { "user-agent": "u".repeat(12_000) }, { referer: "x".repeat(12_000) },
    { "cf-connecting-ip": "x".repeat(500) }, { "content-length": "0" }, { "if-range": "\u00ff" }, { "sec-fetch-site": "s".repeat(9_000) }, { origin: "null" }, { te: "trailers" },
  ];
  for (const headers of odd) {
    for (const path of ["", "/report", "?lang=de", `?${"a=b&".repeat(1_500)}lang=fr`]) {
      const answer = await person.get(`${letter.path}${path}`, headers);
      assert.ok([200, 206, 303, 403, 416].includes(answer.status), `${answer.status} ${JSON.stringify(headers).slice(0, 60)} ${path.slice(0, 20)}`);
    }
  }
  assert.equal((await person.get(`${letter.path}/report`)).status, 200);
});
