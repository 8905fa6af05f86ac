// From a letter's ledger to the log: every event once, in the order of its chain, through crashes; and the log as other
// people's code reads it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { ledgerOnDisk, objectOnDisk, verifyChain } from "./lib/chain.mjs";
import { opened } from "./lib/forge.mjs";
import { entryOf } from "./lib/log.mjs";
import { startLogged } from "./lib/log-front.mjs";
import { newKeyring } from "./lib/seal.mjs";
import { until } from "./lib/site.mjs";
import { tilesOf } from "./lib/tlog.mjs";

const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");

const REPORT = randomBytes(500);
let site;
before(async () => (site = await startLogged("log-letters", { keyring: newKeyring(), evidence: { origin: "letters.example/log" } })));
after(() => site?.stop());

/** All events of these letters are in the log, each once and in the order of its chain, and nothing else is. */
async function inTheLog(letters) {
  const ledgers = letters.map(({ letter }) => [letter, ledgerOnDisk(site.state, letter)]).filter(([, ledger]) => ledger);
  const expected = ledgers.flatMap(([letter, { events }]) => events.map((event) => entryOf(letter, event).toString("hex")));
  await site.logShows(({ size, pending }) => size >= expected.length && pending === 0);
  await site.published(expected.length);
  const { entries } = await site.verified();
  const found = entries.map((entry) => entry.toString("hex"));
  assert.deepEqual([...found].sort(), [...expected].sort());
  for (const [letter, ledger] of ledgers) {
    verifyChain(letter, ledger);
    const places = ledger.events.map((event) => found.indexOf(entryOf(letter, event).toString("hex")));
    assert.deepEqual(places, [...places].sort((a, b) => a - b), "in the order of the chain");
  }
  return expected.length;
}

const letters = [];
test("what happens to letters is in the log within seconds", async () => {
  for (let n = 0; n < 5; n += 1) letters.push(await site.put(REPORT));
  const person = site.browser();
  await person.consent(letters[0].path);
  assert.equal((await person.get(`${letters[0].path}/report`)).status, 200);
  await site.browser().submit(letters[1].path, "refuse");
  await site.get(letters[2].path);
  await site.api("POST", `${letters[3].letter}/cancel`, { headers: { "content-length": 0 } });
  await until(() => letters.slice(0, 4).every(({ letter }) => ledgerOnDisk(site.state, letter)));
  const count = await until(async () => inTheLog(letters).catch((error) => (error.code === "ERR_ASSERTION" ? undefined : assert.fail(error))), { every: 500 });
  assert.ok(count >= 10, `${count} events`);
});

test("SIGKILLs while letters are opened, agreed to and refused: the log gets every event once", { timeout: 240_000 }, async () => {
  for (let round = 0; round < 4; round += 1) {
    const fresh = await Promise.all(Array.from({ length: 6 }, () => site.put(REPORT)));
    letters.push(...fresh);
    const busy = fresh.map(async (letter, at) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 1_000));
      if (at % 3 === 0) await site.browser().consent(letter.path);
      else if (at % 3 === 1) await site.browser().submit(letter.path, "refuse");
      else await site.get(letter.path);
    });
    const settled = Promise.allSettled(busy);
    await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 1_500));
    await site.crash();
    await settled;
    await site.restart();
    await site.checkpoint();
  }
  // Outboxes drain by their own alarms; nobody asks for anything.
  await until(async () => inTheLog(letters).catch((error) => (error.code === "ERR_ASSERTION" ? undefined : assert.fail(error))), { every: 1_000, within: 60_000 });
});

test("other people's code reads the log that is served, and finds it consistent with every checkpoint before", { timeout: 600_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "waxseal-log-"));
  try {
    const { checkpoint } = await site.verified();
    const write = (path, bytes) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), bytes);
    };
    write("checkpoint", checkpoint.bytes);
    const rows = ["entries", 0, 1, 2];
    for (const { path } of rows.flatMap((row) => tilesOf(row, checkpoint.size))) write(path, (await site.get(`/log/${path}`)).body);
    [...site.shown.values()].forEach(({ bytes }, at) => write(`older/${at}`, bytes));
    const { vkey } = await site.log();
    const reads = () => promisify(execFile)(join(dirname(BIN), "examples/log_third_party"), [folder, vkey[0]]);
    const { stdout } = await reads();
    assert.equal(stdout, `${checkpoint.size} entries and ${site.shown.size} older checkpoints hold\n`);
    // It would notice: one bit of one entry.
    const [{ path }] = tilesOf("entries", checkpoint.size);
    const bytes = (await site.get(`/log/${path}`)).body;
    bytes[60] ^= 1;
    write(path, bytes);
    await assert.rejects(reads());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a row that was altered before it got into the log keeps itself out, and none that follow", async () => {
  const letter = await site.put(REPORT);
  await site.breaks({ down: true });
  assert.equal((await site.get(letter.path)).status, 200);
  const before = await until(() => ledgerOnDisk(site.state, letter.letter));
  assert.deepEqual(before.events.map(({ kind, entry }) => [kind, entry]), [["sealed", null], ["opened", null], ["notice_shown", null]]);
  await site.crash();
  // A process that was killed may hold its lock for a moment yet.
  const file = objectOnDisk(site.state, "LetterLedger", letter.letter);
  await until(() => {
    try {
      opened(file, (db) => db.exec("UPDATE event SET at = at - 1 WHERE seq = 2"));
      return true;
    } catch (error) {
      if (error.errcode !== 5) throw error;
      return false;
    }
  });
  await site.restart();
  await site.browser().submit(letter.path, "refuse");
  const after = await until(() => {
    const { events } = ledgerOnDisk(site.state, letter.letter);
    return events.at(-1).kind === "consent_refused" && events.at(-1).entry !== null && events;
  });
  assert.deepEqual(after.filter(({ entry }) => entry === null).map(({ seq }) => seq), [2]);
  await site.published(after.at(-1).entry + 1);
  const { entries } = await site.verified();
  for (const event of after.filter(({ seq }) => seq !== 2)) assert.ok(entries[event.entry].equals(entryOf(letter.letter, event)), event.kind);
  await site.logged(/"code":"event_altered"/);
  // Nor is it given out as evidence.
  const answer = await site.api("POST", `${letter.letter}/evidence`, { headers: { "content-length": 0 } });
  const { code, detail } = JSON.parse(answer.body);
  assert.deepEqual([answer.status, code], [422, "record_broken"]);
  assert.match(detail, /event 2: what is stored is not what was recorded/);
});
