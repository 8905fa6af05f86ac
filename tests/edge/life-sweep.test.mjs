// The daily sweep: what lies in the bucket and nobody opened, what was missed, and what belongs to nobody.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { DAY, figures, startLife } from "./lib/life.mjs";
import { newKeyring, seal, uuid7 } from "./lib/seal.mjs";
import { SILENT } from "./lib/silent.mjs";
import { until } from "./lib/site.mjs";

const REPORT = randomBytes(500);
const now = () => Math.floor(Date.now() / 1000);
const run = promisify(execFile);

const waxseal = (site, ...args) =>
  run(process.env.WAXSEAL_BIN ?? `${ROOT}/target/debug/waxseal`, [...args, "--url", site.url], {
    env: { PATH: process.env.PATH, WAXSEAL_KEYS: JSON.stringify(site.keyring) },
  }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );

let site;
before(async () => (site = await startLife("life-sweep")));
after(() => site?.stop());
beforeEach(async () => {
  await site.breaks({});
  await site.later(0);
  for (const key of await site.bucket.names()) await site.bucket.delete(key);
  // What the index knew of them is overdue some day, so that every test begins with an empty one.
  await site.later(800 * DAY);
  await site.sweep();
  await site.later(0);
});

describe("letters that nobody opened", () => {
  test("are taken on, expire at their second, are ignored, and are deleted with a record at the end of their retention", async () => {
    const letters = await Promise.all([1, 2, 3].map(() => site.drop(REPORT, { lives: 3_600, about: { retention_days: 10 } })));
    assert.ok(letters.every((letter) => site.onDisk(letter) === undefined));
    const first = await site.sweep();
    assert.deepEqual([first.listed, figures(first)], [3, { taken_on: 3 }]);
    assert.ok(letters.every((letter) => site.onDisk(letter).join() === "sealed"));
    const second = await site.sweep();
    assert.deepEqual([second.listed, figures(second)], [3, {}], "known, and nothing to do");

    await site.later(3_601_000);
    await Promise.all(letters.map((letter) => site.recorded(letter, "ignored")));
    await site.later(3_601_000 + 10 * DAY);
    await Promise.all(letters.map((letter) => site.recorded(letter, "erased")));
    assert.deepEqual(await site.bucket.names(), []);
    for (const letter of letters) assert.deepEqual(site.onDisk(letter), ["sealed", "expired", "ignored", "erased"]);
    await Promise.all(letters.map((letter) => site.reported(letter)));
    await site.later(3_601_000 + 11 * DAY);
    const last = await site.sweep();
    assert.deepEqual([last.listed, figures(last), last.register], [0, {}, 0], "nothing is due any more");
  });

  test("that are over before a sweep first sees them have it all behind them at once", async () => {
    const [over, gone] = [await site.drop(REPORT, { lives: -100, about: { issued_at: now() - 3_600 } }), await site.drop(REPORT, { lives: -2 * 86_400, about: { issued_at: now() - 3 * 86_400, retention_days: 1 } })];
    const swept = await site.sweep();
    assert.deepEqual(figures(swept), { taken_on: 1, deleted: 1 });
    assert.deepEqual(site.onDisk(over), ["sealed", "expired", "ignored"]);
    assert.deepEqual(site.onDisk(gone), ["sealed", "expired", "ignored", "erased"]);
    assert.deepEqual(await site.bucket.of(gone), []);
    assert.deepEqual((await site.bucket.of(over)).sort(), ["body", "manifest"]);
  });
});

describe("what was missed", () => {
  test("alarms that never rang: overdue letters are asked to do what is due", async () => {
    const letters = await Promise.all([1, 2].map(() => site.drop(REPORT, { lives: 3_600 })));
    await site.sweep();
    // The time comes, and no alarm rings: the front keeps them, and the objects are asked nothing.
    await site.breaks({ alarms: "LetterLedger" });
    await site.later(3_600_000 + 3_500_000);
    assert.deepEqual(figures(await site.sweep()), {}, "within the hour it is the alarm's");
    await site.later(3_600_000 + 3_700_000);
    assert.ok(letters.every((letter) => site.onDisk(letter).join() === "sealed"));
    assert.deepEqual(figures(await site.sweep()), { rung: 2 });
    for (const letter of letters) assert.deepEqual(site.onDisk(letter), ["sealed", "expired", "ignored"]);
    assert.deepEqual(figures(await site.sweep()), {}, "and the index knows when they are due next");
  });

  test("letters whose objects are gone from the bucket: told, and still ended in time", async () => {
    const [lost, half] = [await site.drop(REPORT, { lives: 3_600 }), await site.drop(REPORT, { lives: 3_600 })];
    await site.sweep();
    for (const part of ["body", "manifest"]) await site.bucket.delete(`letters/${lost.letter}/${part}`);
    await site.bucket.delete(`letters/${half.letter}/body`);
    assert.deepEqual(figures(await site.sweep()), { vanished: 2 });
    assert.ok(await site.logged(new RegExp(`"letter_vanished".*${lost.letter}|${lost.letter}.*"letter_vanished"`)));
    await site.breaks({ alarms: "LetterLedger" });
    await site.later(400 * DAY);
    assert.deepEqual(figures(await site.sweep()), { rung: 2, deleted: 1 });
    for (const letter of [lost, half]) assert.deepEqual(site.onDisk(letter).slice(-3), ["expired", "ignored", "erased"]);
    assert.deepEqual(await site.bucket.names(), []);
    assert.equal((await site.swept()).register, 0);
  });
});

describe("what belongs to nobody", () => {
  test("what remembers a request that created a letter goes after two days, and not before", async () => {
    const key = "creations/020000/00";
    await site.bucket.put(key, Buffer.alloc(64));
    await site.later(1.9 * DAY);
    assert.deepEqual(figures(await site.sweep()), {});
    assert.deepEqual(await site.bucket.names("creations/"), [key]);
    await site.later(2.1 * DAY);
    assert.deepEqual(figures(await site.sweep()), {});
    assert.deepEqual(await site.bucket.names("creations/"), []);
  });

  test("a body without a manifest is deleted after seven days, and not before", async () => {
    const young = await site.drop(REPORT, { only: ["body"] });
    await site.later(6.9 * DAY);
    assert.deepEqual(figures(await site.sweep()), {});
    assert.deepEqual(await site.bucket.of(young), ["body"]);
    await site.later(7.1 * DAY);
    assert.deepEqual(figures(await site.sweep()), { orphans: 1 });
    assert.deepEqual(await site.bucket.of(young), []);
    assert.ok(await site.logged(/orphan_deleted/));
    assert.equal(site.onDisk(young), undefined, "and nothing is kept of it");
  });

  test("a body whose manifest is gone is no orphan while a ledger knows the letter", async () => {
    const letter = await site.put(REPORT, { lives: 30 * 86_400 });
    assert.equal((await site.get(letter.path)).status, 200);
    await site.bucket.delete(`letters/${letter.letter}/manifest`);
    await site.reported(letter);
    await site.later(8 * DAY);
    assert.deepEqual(figures(await site.sweep()), { vanished: 1 });
    assert.deepEqual(await site.bucket.of(letter), ["body"]);
    const person = site.browser();
    await person.consent(letter.path);
    assert.equal((await person.get(`${letter.path}/report`)).status, 200);
  });

  test("a damaged letter is told every time, and deleted when its own retention is over", async () => {
    await site.drop(REPORT, { lives: 86_400, about: { retention_days: 5 }, only: ["manifest"] });
    const stranger = seal(newKeyring({ active: 9 }), REPORT);
    await site.bucket.put(`letters/${stranger.letter}/body`, stranger.objects.body);
    await site.bucket.put(`letters/${stranger.letter}/manifest`, stranger.objects.manifest);
    const cut = await site.drop(REPORT, { lives: 86_400, about: { retention_days: 5 } });
    await site.bucket.put(`letters/${cut.letter}/body`, cut.objects.body.subarray(1));
    assert.deepEqual(figures(await site.sweep()), { damaged: 3 });
    assert.ok(await site.logged(/letter_damaged/));
    await site.later(5.9 * DAY);
    assert.deepEqual(figures(await site.sweep()), { damaged: 3 });
    await site.later(6.1 * DAY);
    assert.deepEqual(figures(await site.sweep()), { damaged: 3, deleted: 2 });
    await site.later(395.9 * DAY);
    assert.deepEqual(figures(await site.sweep()), { damaged: 1 }, "one that cannot be opened does not say how long");
    await site.later(396.1 * DAY);
    assert.deepEqual(figures(await site.sweep()), { damaged: 1, deleted: 1 });
    assert.deepEqual(await site.bucket.names(), []);
  });

  test("a damaged letter that is mended is taken on", async () => {
    const letter = await site.drop(REPORT, { only: ["manifest"] });
    assert.deepEqual(figures(await site.sweep()), { damaged: 1 });
    await site.bucket.put(`letters/${letter.letter}/body`, letter.objects.body);
    assert.deepEqual(figures(await site.sweep()), { taken_on: 1 });
  });

  test("an erased letter whose objects somebody put back is deleted again", async () => {
    const letter = await site.put(REPORT);
    assert.equal((await site.api("POST", `${letter.letter}/erase`)).status, 200);
    for (const part of ["body", "manifest"]) await site.bucket.put(`letters/${letter.letter}/${part}`, letter.objects[part]);
    assert.deepEqual(figures(await site.sweep()), { deleted: 1 });
    assert.deepEqual(await site.bucket.of(letter), []);
    assert.deepEqual(site.onDisk(letter), ["sealed", "erased"]);
  });

  test("keys that are not ours are counted and left alone", async () => {
    const odd = ["letters/readme.txt", `letters/${uuid7().toUpperCase()}/body`, `letters/${uuid7()}/body.bak`, "letters/zzz"];
    for (const key of odd) await site.bucket.put(key, "x");
    const letter = await site.drop(REPORT);
    const swept = await site.sweep();
    assert.deepEqual([swept.listed, figures(swept)], [1, { taken_on: 1, foreign: 4 }]);
    await site.later(500 * DAY);
    assert.equal((await site.sweep()).foreign, 4);
    assert.deepEqual(await site.bucket.names(), odd.sort());
    assert.ok(letter);
  });
});

describe("when something fails", () => {
  test("one letter's ledger: the others are seen to, the next sweep tries again", async () => {
    const letters = await Promise.all([1, 2, 3].map(() => site.drop(REPORT)));
    await site.breaks({ letterledger: "throw", letterledgerOf: letters[1].letter });
    const swept = await site.sweep();
    assert.deepEqual(figures(swept), { taken_on: 2, failed: 1 });
    assert.ok(await site.logged(/sweep_failed/));
    await site.breaks({});
    assert.deepEqual(figures(await site.sweep()), { taken_on: 1 });
  });

  test("the bucket: the run waits and goes on where it was", async () => {
    const letter = await site.drop(REPORT);
    await site.breaks({ bucket: "list" });
    const begun = await site.send("POST", "/api/v1/sweep", { headers: { authorization: `Bearer ${site.apiKey}`, "content-length": 0 } });
    assert.equal(begun.status, 202);
    const held = await until(async () => (await site.swept()).fault && site.swept());
    assert.deepEqual([held.state, held.fault.code], ["running", "bucket_list"]);
    await site.breaks({});
    // Whoever asks again pushes it on.
    assert.deepEqual(figures(await site.sweep()), { taken_on: 1 });
    assert.deepEqual(site.onDisk(letter), ["sealed"]);
  });

  test("a clock that was ahead: a run that waits for its wrong time is pushed on", async () => {
    const { register } = await site.sweep();
    await site.drop(REPORT);
    await site.later(30 * DAY);
    await site.breaks({ bucket: "list" });
    await site.send("POST", "/api/v1/sweep", { headers: { authorization: `Bearer ${site.apiKey}`, "content-length": 0 } });
    await until(async () => (await site.swept()).fault);
    await site.breaks({ alarms: "Index" });
    await site.later(0);
    await site.breaks({});
    const swept = await site.sweep();
    assert.ok(swept.seconds >= 0, `${swept.seconds} s`);
    // By this run, or by the one that waited, as soon as the clock was right.
    assert.equal(swept.register, register + 1);
  });
});

test("killed in the middle, it goes on from where it was without being asked; figures count once", async () => {
  // More than one slice has room for. The last letter's ledger does not answer, so the second slice stands still.
  const letters = [];
  for (let at = 0; at < 260; at += 20) letters.push(...(await Promise.all(Array.from({ length: 20 }, () => site.drop(REPORT.subarray(0, 16))))));
  const last = letters.map(({ letter }) => letter).sort().at(-1);
  await site.breaks({ letterledger: "hang", letterledgerOf: last });
  const begun = await site.send("POST", "/api/v1/sweep", { headers: { authorization: `Bearer ${site.apiKey}`, "content-length": 0 } });
  const { run: number } = JSON.parse(begun.body);
  const first = await until(async () => {
    const status = await site.swept();
    return status.listed > 0 && status;
  }, { every: 5, within: 60_000 });
  assert.ok(first.state === "running" && first.listed < letters.length, `${first.listed} letters are done`);
  assert.deepEqual(figures(first), { taken_on: first.listed });
  await site.crash();
  await site.restart();
  const ended = await site.sweepEnded(number);
  assert.equal(ended.run, number, "the same run");
  assert.deepEqual([ended.listed, figures(ended), ended.register], [260, { taken_on: 260 }, 260]);
  const again = await site.sweep();
  assert.deepEqual([again.run, again.listed, figures(again)], [number + 1, 260, {}]);
});

describe("who begins it", () => {
  test("the daily schedule", async () => {
    const letter = await site.drop(REPORT);
    const { run: last } = await site.swept();
    const answer = await site.get("/cdn-cgi/local/scheduled?cron=17+3+*+*+*");
    assert.equal(answer.status, 200);
    const swept = await site.sweepEnded(last + 1);
    assert.deepEqual([swept.run, figures(swept)], [last + 1, { taken_on: 1 }]);
    assert.ok(letter);
  });

  test("asked while one is going on, it answers that one", async () => {
    const { run: last } = await site.swept();
    const runs = await Promise.all([1, 2, 3].map(() => site.sweep()));
    assert.ok(runs.every((swept) => swept.run > last && swept.run <= last + 3));
  });

  test("without a key there is no such thing", async () => {
    for (const method of ["GET", "POST"]) {
      const answer = await site.send(method, "/api/v1/sweep", { headers: { "content-length": 0 } });
      assert.equal(answer.status, 404);
      assert.equal(answer.body.toString(), SILENT);
    }
    const other = await site.send("PUT", "/api/v1/sweep", { headers: { authorization: `Bearer ${site.apiKey}`, "content-length": 0 } });
    assert.deepEqual([other.status, other.headers.allow, JSON.parse(other.body).code], [405, "GET, POST, HEAD", "method_not_allowed"]);
  });

  test("the command line", async () => {
    await site.drop(REPORT);
    const begun = await waxseal(site, "sweep");
    assert.deepEqual([begun.code, begun.stderr], [0, ""]);
    assert.match(begun.stdout, /^Sweep \d+ is going on\./);
    const waited = await waxseal(site, "sweep", "--wait", "--json");
    const swept = JSON.parse(waited.stdout);
    assert.deepEqual([waited.code, swept.state, swept.listed], [0, "done", 1]);
    const told = await waxseal(site, "sweep", "--status");
    assert.match(told.stdout, /^Sweep \d+ took \d+\.\d s: 1 letter in the bucket\.\n$/);
    const letter = await site.drop(REPORT);
    await site.breaks({ letterledger: "throw", letterledgerOf: letter.letter });
    const failed = await waxseal(site, "sweep", "--wait");
    assert.equal(failed.code, 1);
    assert.match(failed.stdout, / 1 {2}failed/);
    assert.match(failed.stderr, /1 letter could not be seen to/);
  });
});
