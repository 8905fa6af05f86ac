// Erasure: on request and at the end of retention, whatever fails meanwhile; and what is left of it all on disk.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, beforeEach, describe, test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { ledgerOnDisk, objectOnDisk } from "./lib/chain.mjs";
import { filesBelow, letterKeysIn, manifestsIn, piecesOf, plaintextIn } from "./lib/forensics.mjs";
import { forged } from "./lib/guard.mjs";
import { DAY, startLife } from "./lib/life.mjs";
import { SILENT } from "./lib/silent.mjs";
import { until } from "./lib/site.mjs";

const REPORT = randomBytes(200_000);
const run = promisify(execFile);
const waxseal = (site, ...args) =>
  run(process.env.WAXSEAL_BIN ?? `${ROOT}/target/debug/waxseal`, [...args, "--url", site.url], {
    env: { PATH: process.env.PATH, WAXSEAL_KEYS: JSON.stringify(site.keyring) },
  }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );

let site;
before(async () => (site = await startLife("life-erase")));
after(() => site?.stop());
beforeEach(async () => {
  await site.breaks({});
  await site.later(0);
});

const erase = async (letter) => {
  const answer = await site.api("POST", `${letter.letter}/erase`);
  return { status: answer.status, ...JSON.parse(answer.body) };
};
const closed = async (letter) => JSON.parse((await site.get(letter.path, { accept: "application/json" })).body).closed;

describe("on request", () => {
  test("everything that is there goes, the record stays and verifies, the page says so", async () => {
    const letter = await site.put(REPORT);
    const person = site.browser();
    await person.consent(letter.path);
    assert.equal((await person.get(`${letter.path}/report`)).status, 200);
    const before = await site.record(letter);
    assert.ok(before.events.some((event) => event.details));
    assert.deepEqual(await erase(letter), { status: 200, letter: letter.letter, state: "erased", changed: true });
    assert.deepEqual(await site.bucket.of(letter), []);
    const after = await site.record(letter);
    assert.deepEqual([after.over, after.events.at(-1).kind, after.events.at(-1).actor], ["erased", "erased", "sender"]);
    assert.deepEqual(after.events.map((event) => event.details).filter(Boolean), [], "no details any more");
    assert.deepEqual(after.events.slice(0, -1).map((event) => event.hash), before.events.map((event) => event.hash), "no event changed");
    const stored = ledgerOnDisk(site.state, letter.letter);
    assert.equal(stored.events.length, after.events.length);
    for (const path of ["", "/report", "?lang=nl"]) {
      const page = await person.get(letter.path + path);
      assert.ok(!page.body.includes(letter.manifest.subject) && !page.body.includes(REPORT.subarray(0, 16)));
      assert.equal(page.status, 410);
    }
    assert.equal(await closed(letter), "erased");
    assert.deepEqual(await erase(letter), { status: 200, letter: letter.letter, state: "erased", changed: false });
    assert.equal((await site.record(letter)).events.length, after.events.length, "and nothing more is recorded of whoever comes");
  });

  test("a letter that nobody opened is erased with a record; one that does not exist is not there", async () => {
    const letter = await site.drop(REPORT);
    assert.equal((await erase(letter)).changed, true);
    assert.deepEqual(site.onDisk(letter), ["sealed", "erased"]);
    assert.deepEqual(await site.bucket.of(letter), []);
    const none = await erase({ letter: "0190a5d4-7a2b-4c3d-8e4f-5a6b7c8d9e0f" });
    assert.deepEqual([none.status, none.code], [404, "no_such_letter"]);
  });

  test("a letter that is over, in every way, is erased too", async () => {
    for (const end of ["cancel", "refuse", "withdraw", "expire"]) {
      const letter = await site.put(REPORT, { lives: end === "expire" ? 1 : 3_600 });
      const person = site.browser();
      if (end === "cancel") await site.api("POST", `${letter.letter}/cancel`);
      if (end === "refuse") await person.submit(letter.path, "refuse");
      if (end === "withdraw") {
        await person.consent(letter.path);
        await person.submit(letter.path, "withdraw");
      }
      if (end === "expire") await until(async () => (await closed(letter)) === "expired");
      assert.equal((await erase(letter)).changed, true, end);
      assert.equal(site.onDisk(letter).at(-1), "erased", end);
      assert.equal(await closed(letter), "erased", end);
    }
  });

  test("a damaged letter is deleted all the same", async () => {
    const letter = await site.drop(REPORT, { only: ["manifest"] });
    assert.deepEqual(await erase(letter), { status: 200, letter: letter.letter, state: "erased", changed: true });
    assert.deepEqual(await site.bucket.of(letter), []);
    assert.equal((await erase(letter)).status, 404);
  });

  test("without the key there is no such thing", async () => {
    const letter = await site.put(REPORT);
    const answer = await site.api("POST", `${letter.letter}/erase`, { key: null });
    assert.deepEqual([answer.status, answer.body.toString()], [404, SILENT]);
    assert.equal((await site.get(letter.path)).status, 200);
  });

  test("the command line asks first, and says what became of it", async () => {
    const letter = await site.put(REPORT);
    const unasked = await waxseal(site, "erase", letter.letter);
    assert.deepEqual([unasked.code, unasked.stdout], [2, ""]);
    assert.match(unasked.stderr, /cannot be undone.*--yes/);
    assert.equal((await site.get(letter.path)).status, 200);
    const done = await waxseal(site, "erase", `${site.url}${letter.path}`, "--yes");
    assert.deepEqual([done.code, done.stderr], [0, ""]);
    assert.match(done.stdout, /is erased, and that is on record/);
    const again = await waxseal(site, "erase", letter.letter, "--yes", "--json");
    assert.deepEqual([again.code, JSON.parse(again.stdout)], [0, { letter: letter.letter, state: "erased", changed: false }]);
    const none = await waxseal(site, "erase", "0190a5d4-7a2b-4c3d-8e4f-5a6b7c8d9e0f", "--yes", "--json");
    assert.deepEqual([none.code, JSON.parse(none.stderr).error.code], [1, "letter_unknown"]);
  });
});

describe("whatever happens meanwhile", () => {
  test("a report is on its way: what was handed out cannot be taken back, but not a byte more", async () => {
    const long = randomBytes(8_000_000);
    const letter = await site.put(long);
    const person = site.browser();
    await person.consent(letter.path);
    let seen = 0;
    let erased;
    const answer = await person.send("GET", `${letter.path}/report`, {
      onData: (chunk) => {
        if (seen === 0) erased = erase(letter);
        assert.ok(chunk.equals(long.subarray(seen, seen + chunk.length)), "never a wrong byte");
        seen += chunk.length;
      },
    });
    assert.equal((await erased).changed, true);
    assert.ok(answer.whole ? seen === long.length : seen < long.length, "whole, or broken off");
    assert.equal((await person.get(`${letter.path}/report`)).status, 410);
    await until(async () => !(await site.bucket.of(letter)).length);
    const record = await site.record(letter);
    const kinds = record.events.map((event) => event.kind);
    assert.equal(kinds.filter((kind) => kind === "erased").length, 1);
    assert.ok(record.events.every((event) => !event.details), "whatever was recorded later has no details");
  });

  for (const broken of ["manifest", "body"]) {
    test(`the bucket fails at the ${broken}: nothing is on record as erased; the same request again does it`, async () => {
      const letter = await site.put(REPORT);
      assert.equal((await site.get(letter.path)).status, 200);
      await site.breaks({ bucket: "delete", bucketOf: broken });
      assert.equal((await erase(letter)).status, 503);
      assert.ok(!site.onDisk(letter).includes("erased"));
      assert.ok((await site.bucket.of(letter)).includes(broken));
      await site.breaks({});
      assert.equal((await erase(letter)).changed, true);
      assert.deepEqual(await site.bucket.of(letter), []);
      assert.equal(site.onDisk(letter).filter((kind) => kind === "erased").length, 1);
    });

    test(`the bucket fails at the ${broken} at the end of retention: the alarm tries until it is done`, async () => {
      const letter = await site.put(REPORT, { lives: 3_600, about: { retention_days: 3 } });
      assert.equal((await site.get(letter.path)).status, 200);
      await site.later(3_700_000);
      await site.recorded(letter, "expired");
      await site.breaks({ bucket: "delete", bucketOf: broken });
      const { counts } = await site.front();
      const tries = (counts["LetterLedger.LETTERS.delete"] ?? 0) + 1;
      await site.later(3_700_000 + 3 * DAY);
      await until(async () => ((await site.front()).counts["LetterLedger.LETTERS.delete"] ?? 0) >= tries);
      assert.ok(!site.onDisk(letter).includes("erased"));
      await site.breaks({});
      await site.later(3_700_000 + 3 * DAY + 16 * 60_000);
      await site.recorded(letter, "erased");
      assert.deepEqual(await site.bucket.of(letter), []);
    });
  }

  test("the runtime dies: erased or not, never half", async () => {
    for (let round = 0; round < 3; round += 1) {
      const letters = await Promise.all(Array.from({ length: 8 }, () => site.put(REPORT.subarray(0, 500))));
      const asked = letters.map((letter) => erase(letter).catch(() => undefined));
      await asked[round];
      await site.crash();
      const answers = await Promise.all(asked);
      await site.restart();
      for (const [at, letter] of letters.entries()) {
        const kinds = site.onDisk(letter) ?? [];
        if (answers[at]?.changed) assert.equal(kinds.at(-1), "erased", "what was answered is on disk");
        if (kinds.includes("erased")) assert.deepEqual(await site.bucket.of(letter), [], "what is on record is gone");
        assert.ok([200, 404].includes((await erase(letter)).status));
        assert.deepEqual(await site.bucket.of(letter), []);
      }
    }
  });
});

describe("what is left on disk", () => {
  test("no plaintext before, no key and no ciphertext of use after", async () => {
    const word = (what) => `${what}-${randomBytes(9).toString("hex")}`;
    const reader = "203.0.113.217";
    const texts = {
      subject: word("Zebrawood subject"), customer: word("CUST"), reference: word("REF"), "file name": `${word("Quagga file")}.pdf`,
      report: word("Xylophone report"), "user agent": word("Yttrium browser"), referrer: `https://${word("okapi")}.example/`, address: reader,
    };
    const about = { subject: texts.subject, customer: texts.customer, reference: texts.reference, file_name: texts["file name"] };
    const letter = await site.put(Buffer.from(`${texts.report} `.repeat(200)), { about, lives: 86_400 });
    const long = await site.put(Buffer.from(`${texts.report} `.repeat(200)), { about: { ...about, more: "x".repeat(9_000) }, lives: 86_400 });
    const from = { address: reader };
    const headers = { "user-agent": texts["user agent"], referer: texts.referrer };
    for (const each of [letter, long]) {
      for (let reader = 0; reader < 12; reader += 1) {
        const person = site.browser(headers, from);
        await person.consent(each.path);
        assert.equal((await person.get(`${each.path}/report`)).status, 200);
        if (reader === 11) await person.submit(each.path, "withdraw");
      }
    }
    // A stranger gets a ban meanwhile, and the log its lines.
    for (let knock = 0; knock < 30; knock += 1) await site.get(forged(), {}, { address: "198.51.100.23" });
    await site.sweep();

    const everything = () => [...filesBelow(site.state), { name: "the log", bytes: readFileSync(site.log) }];
    // The guard knows addresses, or it could ban none. It knows nothing else, and not whose they are. (On the platform the
    // rate limits count in memory.)
    const guards = (place) => place.startsWith("address") && /waxseal-(Sentinel|Publisher)|v3\/(kv|ratelimit)\//.test(place);
    const before = plaintextIn(everything(), texts).filter((place) => !guards(place));
    assert.deepEqual(before, [], "before erasure there is only ciphertext");
    const ledger = (each) => filesBelow(site.state).filter(({ path }) => path.startsWith(objectOnDisk(site.state, "LetterLedger", each.letter)));
    const wrapped = new Map();
    const customers = new Map();
    for (const each of [letter, long]) {
      const { key_wrapped, customer } = ledgerOnDisk(site.state, each.letter).letter;
      wrapped.set(each, Buffer.from(key_wrapped));
      customers.set(each, Buffer.from(customer));
      assert.equal(customer.length, 64);
      assert.equal(wrapped.get(each).length, 60);
      const around = ledger(each).flatMap(({ name, bytes }) => {
        const at = bytes.indexOf(wrapped.get(each));
        return at < 0 ? [] : [{ name, bytes: bytes.subarray(Math.max(0, at - 500), at + 500) }];
      });
      assert.ok(letterKeysIn(around, site.keyring, each.letter).length > 0, "the search finds a key that is there");
      assert.ok(manifestsIn(everything(), site.keyring, each.letter).length > 0, "and a manifest");
      assert.ok(piecesOf(each.objects.manifest, everything()).length > 0);
      assert.equal((await erase(each)).changed, true);
    }
    assert.deepEqual(plaintextIn(everything(), texts).filter((place) => !guards(place)), []);

    // The write-ahead log keeps old pages until the database is closed or written anew; then nothing is left.
    const left = () =>
      [letter, long].flatMap((each) => [
        ...piecesOf(wrapped.get(each), everything()).map((place) => `a piece of the key in ${place}`),
        ...piecesOf(customers.get(each), ledger(each)).map((place) => `a piece of the customer's name in ${place}`),
        ...manifestsIn(everything(), site.keyring, each.letter).map((place) => `manifest in ${place}`),
        ...piecesOf(each.objects.manifest, everything()).map((place) => `a piece of the manifest in ${place}`),
        ...piecesOf(each.objects.body, everything()).map((place) => `a piece of the report in ${place}`),
      ]);
    await until(() => left().length === 0, { every: 1_000, within: 60_000 }).catch(() => assert.deepEqual(left(), []));
    // Nor is there any other copy, wherever in the databases it might begin.
    for (const each of [letter, long]) assert.deepEqual(letterKeysIn(ledger(each), site.keyring, each.letter), []);
    // The search kept us from noticing which connections were closed meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const each of [letter, long]) assert.equal((await site.record(each)).over, "erased");

    // And of the reader's address the guard never knew.
    assert.deepEqual(plaintextIn(filesBelow(site.state), { address: reader }).filter((place) => place.includes("Sentinel")), []);
  });
});
