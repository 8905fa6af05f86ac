// Many letters in one site, from the day they are put into the bucket until nothing of them is left but their record. Used by
// a test with a few and by the bench with ten thousand.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ledgerOnDisk, verifyChain } from "./chain.mjs";
import { DAY, figures, startLife } from "./life.mjs";
import { entryOf, logKey, readWhole } from "./log.mjs";
import { seal } from "./seal.mjs";
import { until } from "./site.mjs";

const RETENTION_DAYS = 10;
const ORIGIN = "localhost/log";

/** Does `work` for each of `all`, `lanes` at a time. */
async function each(all, lanes, work) {
  const queue = all.values();
  const lane = async () => {
    for (const one of queue) await work(one);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/**
 * Bytes on disk by store: `{ "LetterLedger": bytes, ..., "bucket": bytes }`, without what SQLite keeps beside an open database
 * for its readers. Of the bucket only what is stored in it: the simulator's own list grows and shrinks in its own time.
 */
function storage(state) {
  const size = (folder) =>
    !existsSync(folder) ? 0 : readdirSync(folder, { recursive: true }).reduce((sum, name) => {
      try {
        const found = statSync(join(folder, name));
        return sum + (found.isFile() && !name.endsWith("-shm") ? found.size : 0);
      } catch {
        return sum; // gone meanwhile
      }
    }, 0);
  const objects = join(state, "v3/do");
  const stores = Object.fromEntries(readdirSync(objects).map((name) => [name.split("-").at(-1), size(join(objects, name))]));
  return { ...stores, bucket: size(join(state, "v3/r2/waxseal-letters/blobs")) };
}

/** What a letter's record ends up as, by what its reader did. */
const LIVES = {
  nobody: ["sealed", "expired", "ignored", "erased"],
  opened: ["sealed", "opened", "notice_shown", "expired", "ignored", "erased"],
  consented: ["sealed", "opened", "notice_shown", "consent_given", "expired", "erased"],
};
const readerOf = (number) => (number % 20 === 0 ? "consented" : number % 10 === 0 ? "opened" : "nobody");

/** Lives through it, asserts that nothing is lost, and answers the figures. `say` hears how far it is. */
export async function manyLetters(name, letters, { say = () => {}, patience = 60_000, ...options } = {}) {
  // A moment between two times, whichever alarm comes first, is another test.
  const site = await startLife(name, { ...options, site: { ends_soon_days: 0 } });
  const told = { letters, seconds: {} };
  const timed = async (what, work) => {
    const began = performance.now();
    const result = await work();
    told.seconds[what] = Math.round(performance.now() - began) / 1000;
    say(`${what}: ${told.seconds[what]} s`);
    return result;
  };
  const wait = (done) => until(done, { every: 250, within: patience });
  const status = async () => JSON.parse((await site.send("GET", "/api/v1/log", { headers: { authorization: `Bearer ${site.apiKey}` } })).body);
  const inLog = (count) => wait(async () => {
    const { size, pending } = await status();
    return size >= count && pending === 0;
  });
  try {
    const end = Math.floor(Date.now() / 1000) + 30 * 86_400;
    const about = { not_after: end, retention_days: RETENTION_DAYS };
    const all = Array.from({ length: letters }, (_, number) => ({ number, reader: readerOf(number) }));
    const counts = Object.fromEntries(Object.keys(LIVES).map((reader) => [reader, all.filter((one) => one.reader === reader).length]));
    const events = (upTo) => all.reduce((sum, { reader }) => sum + LIVES[reader].filter((kind) => upTo.includes(kind)).length, 0);

    await timed("put", () => each(all, 12, async (one) => {
      const { letter, path, token, objects } = seal(site.keyring, randomBytes(400), { about });
      site.remember(token);
      Object.assign(one, { letter, path });
      await site.bucket.put(`letters/${letter}/body`, objects.body);
      await site.bucket.put(`letters/${letter}/manifest`, objects.manifest);
    }));
    await timed("read", () => each(all.filter(({ reader }) => reader !== "nobody"), 8, async ({ reader, path }) => {
      const person = site.browser();
      if (reader === "consented") await person.consent(path);
      else assert.equal((await person.get(path)).status, 200);
    }));

    // The index has heard of those that were read, and has yet to find the others.
    await wait(() => all.every(({ letter, reader }) => reader === "nobody" || ledgerOnDisk(site.state, letter)?.waiting.length === 0));
    const first = await timed("first sweep", () => site.sweep(patience));
    assert.deepEqual([first.listed, figures(first), first.register], [letters, { taken_on: counts.nobody }, letters]);
    const again = await timed("sweep of known letters", () => site.sweep(patience));
    assert.deepEqual([again.listed, figures(again)], [letters, {}]);
    const before = ["sealed", "opened", "notice_shown", "consent_given"];
    await inLog(events(before));
    told.full = storage(site.state);

    // Every alarm at the same second.
    await timed("clock to the end", () => site.front({ clock: end * 1000 - 3_000 }));
    await timed("expire", () => inLog(events([...before, "expired", "ignored"])));
    await site.front({ clock: end * 1000 + 2 * 3_600_000 });
    const expired = await timed("sweep after the end", () => site.sweep(patience));
    assert.deepEqual([expired.listed, figures(expired)], [letters, {}]);

    await timed("clock to the end of retention", () => site.front({ clock: end * 1000 + RETENTION_DAYS * DAY - 3_000 }));
    const total = events([...before, "expired", "ignored", "erased"]);
    await timed("erase", () => inLog(total));
    assert.deepEqual(await site.bucket.names("letters/"), []);
    await site.front({ clock: end * 1000 + RETENTION_DAYS * DAY + 2 * 3_600_000 });
    const last = await timed("last sweep", () => site.sweep(patience));
    assert.deepEqual([last.listed, figures(last), last.register], [0, {}, 0]);

    // Nothing is lost: every record is whole, and the log has each event once.
    const entries = new Map();
    const row = { ledgers: 0, events: 0 };
    await timed("verify", async () => {
      for (const { letter, reader } of all) {
        const found = ledgerOnDisk(site.state, letter);
        assert.deepEqual(verifyChain(letter, found), LIVES[reader], `${letter}, ${reader}`);
        row.ledgers += 1;
        row.events += found.events.length;
        for (const event of found.events) {
          assert.ok(Number.isInteger(event.entry), "every event is in the log");
          assert.ok(!entries.has(event.entry), "at a place of its own");
          entries.set(event.entry, entryOf(letter, event));
        }
      }
      const log = await readWhole(async (path) => {
        const answer = await site.get(`/log/${path}`);
        return answer.status === 200 ? answer.body : undefined;
      }, logKey(site.keyring, ORIGIN));
      assert.deepEqual([log.size, entries.size], [total, total], "no more and no less");
      log.entries.forEach((entry, at) => assert.ok(entry.equals(entries.get(at)), `entry ${at} is the event that says so`));
    });
    const names = await site.bucket.names("");
    told.left = {
      ...row, objects: names.length,
      by: Object.fromEntries([...Map.groupBy(names, (key) => key.split("/").slice(0, 2).join("/"))].map(([key, some]) => [key, some.length])),
    };
    Object.assign(told, { readers: counts, events: total });
    // A ledger that nobody asks closes its database, and then nothing is in its write-ahead log.
    const ledgers = join(site.state, "v3/do");
    const logs = () => readdirSync(ledgers, { recursive: true }).filter((name) => /LetterLedger.[0-9a-f]+\.sqlite-wal$/.test(name));
    await wait(() => logs().every((name) => (statSync(join(ledgers, name), { throwIfNoEntry: false })?.size ?? 0) === 0));
    told.empty = storage(site.state);
    return told;
  } finally {
    await site.stop();
  }
}
