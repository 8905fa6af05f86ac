// The index: what it hears from the ledgers, in which order, and how many rows a letter costs.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { indexOnDisk, ledgerOnDisk } from "./lib/chain.mjs";
import { DAY, startLife } from "./lib/life.mjs";

const REPORT = randomBytes(500);

let site;
before(async () => (site = await startLife("index")));
after(() => site?.stop());

const row = (letter) => indexOnDisk(site.state).letters.get(letter.letter);
const feed = (...of) => {
  const letters = of.map(({ letter }) => letter);
  return indexOnDisk(site.state).feed.filter(({ letter }) => letters.includes(letter));
};

test("a letter costs a few rows", async () => {
  const letter = await site.put(REPORT, { lives: 3_600, about: { customer: "C-2", retention_days: 3 } });
  // The tables are made, whoever is first.
  const nobody = JSON.stringify({ customer: "C-0" });
  await site.send("POST", "/api/v1/customers/erase", { body: nobody, headers: { authorization: `Bearer ${site.apiKey}`, "content-length": nobody.length } });
  const reader = site.browser();
  const steps = {
    "first visit": () => reader.get(letter.path),
    consent: () => reader.consent(letter.path),
    report: () => reader.get(`${letter.path}/report`),
    withdrawal: () => reader.submit(letter.path, "withdraw"),
    "its end": async () => {
      await site.later(3_700_000);
      await site.recorded(letter, "expired");
    },
    erasure: async () => {
      await site.later(3_700_000 + 3 * DAY);
      await site.recorded(letter, "erased");
    },
  };
  const table = {};
  let sum = 0;
  for (const [name, step] of Object.entries(steps)) {
    await site.front({ reset: true });
    await step();
    await site.reported(letter);
    const { counts } = await site.front();
    table[name] = Object.fromEntries(["LetterLedger", "Index"].map((of) => [of, counts[`${of}.rows`] ?? 0]));
    sum += table[name].Index;
  }
  console.log(JSON.stringify(table));
  for (const [name, { Index }] of Object.entries(table)) assert.ok(Index <= 3, `${name}: ${Index} rows`);
  assert.ok(sum <= 14, `${sum} rows`);
  assert.equal(row(letter).customer, null);
  await site.later(0);
});

test("each event of two letters is in the feed once, in one order, and the rows say how they stand", async () => {
  const [one, other] = await Promise.all([site.put(REPORT, { about: { customer: "C-1" } }), site.put(REPORT)]);
  const reader = site.browser();
  await site.browser().get(other.path);
  await site.reported(other);
  await reader.consent(one.path);
  await site.reported(one);
  await site.browser().submit(other.path, "refuse");
  await site.reported(other);
  await reader.get(`${one.path}/report`);
  await site.reported(one);

  const told = feed(one, other);
  assert.ok(told.every(({ seq }, at) => at === 0 || seq > told[at - 1].seq));
  for (const letter of [one, other]) {
    const events = told.filter((it) => it.letter === letter.letter).flatMap((it) => it.events);
    const recorded = ledgerOnDisk(site.state, letter.letter).events;
    assert.deepEqual(
      events.map(({ seq, kind, at, actor }) => ({ seq, kind, at, actor })),
      recorded.map(({ seq, kind, at, actor }) => ({ seq, kind, at, actor })),
    );
  }
  const order = told.map((it) => [it.letter === one.letter ? "one" : "other", it.events.at(-1).kind]);
  assert.deepEqual(order.filter(([, kind]) => kind !== "notice_shown"), [["one", "consent_given"], ["other", "consent_refused"], ["one", "report_streamed"]]);
  assert.equal(order[0][0], "other");
  const { not_after } = one.manifest;
  assert.deepEqual([row(one).state, row(one).over, row(one).due], ["consented", null, not_after * 1000]);
  assert.deepEqual([row(other).state, row(other).customer], ["refused", null]);
  assert.match(row(one).customer, /^[0-9a-f]{64}$/);

  await site.api("POST", `${one.letter}/erase`);
  await site.reported(one);
  assert.deepEqual([row(one).over, row(one).customer, row(one).due], ["erased", null, null]);
});
