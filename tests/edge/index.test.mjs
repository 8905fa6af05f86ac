// The index: what it hears from the ledgers, in which order, and how many rows a letter costs.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { created } from "./lib/create.mjs";
import { indexOnDisk, ledgerOnDisk, objectOnDisk } from "./lib/chain.mjs";
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

const waxseal = async (...args) => {
  const env = { PATH: process.env.PATH, WAXSEAL_URL: site.url, WAXSEAL_KEYS: JSON.stringify(site.keyring) };
  return (await promisify(execFile)(process.env.WAXSEAL_BIN ?? `${ROOT}/target/debug/waxseal`, args, { env })).stdout;
};

const ask = async (method, path, body) => {
  const text = body && JSON.stringify(body);
  const answer = await site.send(method, `/api/v1/${path}`, { body: text, headers: { authorization: `Bearer ${site.apiKey}`, ...(text && { "content-length": Buffer.byteLength(text) }) } });
  return { status: answer.status, ...JSON.parse(answer.body) };
};

test("a letter that the API created is on the list before anybody opened it", async () => {
  const reference = `R-${randomBytes(6).toString("hex")}`;
  const answer = await created(site, { key: site.apiKey, letter: { reference } });
  const { letter, link } = JSON.parse(answer.body);
  site.remember(link.split("/").at(-1));
  await site.reported({ letter });
  const { letters } = await ask("POST", "letters/search", { reference });
  assert.deepEqual(letters.map((row) => [row.letter, row.state, row.events]), [[letter, "sealed", 1]]);
});

test("a letter is found by the sender's reference for it, whichever key sealed it, until it is erased; a customer's is another", async () => {
  const reference = `INV ${randomBytes(6).toString("hex")} \u00e9`;
  const [mine, other, customers] = await Promise.all([{ reference }, { reference: `${reference}.` }, { customer: reference }].map((about) => site.put(REPORT, { about })));
  for (const letter of [mine, other, customers]) {
    await site.browser().get(letter.path);
    await site.reported(letter);
  }
  const found = async (fields) => (await ask("POST", "letters/search", fields)).letters?.map(({ letter }) => letter);
  assert.deepEqual(await found({ reference }), [mine.letter]);
  assert.deepEqual(await found({ reference: ` ${reference.normalize("NFD")}\n` }), [mine.letter]);
  assert.deepEqual(await found({ customer: reference }), [customers.letter]);
  assert.deepEqual(await found({ customer: reference, reference }), []);
  assert.deepEqual(await found({ reference, since: Math.floor(Date.now() / 1000) + 60 }), []);
  for (const wrong of [{}, { state: "sealed" }, { reference, page: 2 }, { reference: 7 }, [reference], { reference, limit: 0 }, { reference, state: "gone" }]) {
    assert.equal((await ask("POST", "letters/search", wrong)).status, 400, JSON.stringify(wrong));
  }
  const list = await waxseal("letters", "list", "--reference", reference, "--json");
  assert.deepEqual(JSON.parse(list).letters.map(({ letter }) => letter), [mine.letter]);

  await site.api("POST", `${mine.letter}/erase`, { headers: { "content-length": 0 } });
  await site.reported(mine);
  assert.deepEqual(await found({ reference }), []);
});

test("the API lists letters by state, customer and time, page by page, and records nothing by it", async () => {
  const customer = `C-${randomBytes(6).toString("hex")}`;
  const letters = await Promise.all([1, 2, 3].map(() => site.put(REPORT, { about: { customer } })));
  const ids = letters.map(({ letter }) => letter).sort().reverse();
  for (const letter of letters) await site.browser().get(letter.path);
  await site.api("POST", `${ids[2]}/cancel`, { headers: { "content-length": 0 } });
  for (const letter of letters) await site.reported(letter);

  const mine = await ask("POST", "letters/search", { customer });
  assert.deepEqual(mine.letters.map(({ letter, state }) => [letter, state]), [[ids[0], "opened"], [ids[1], "opened"], [ids[2], "cancelled"]]);
  assert.deepEqual((await ask("POST", "letters/search", { customer: `${customer}x` })).letters, []);
  assert.deepEqual((await ask("POST", "letters/search", { customer: "null" })).letters, []);
  const cancelled = await ask("GET", "letters?state=cancelled");
  assert.ok(cancelled.letters.some(({ letter }) => letter === ids[2]) && cancelled.letters.every(({ state }) => state === "cancelled"));

  assert.deepEqual((await ask("POST", "letters/search", { customer, state: "cancelled" })).letters.map(({ letter }) => letter), [ids[2]]);

  const whole = (await ask("GET", "letters?limit=1000")).letters.map(({ letter }) => letter);
  assert.deepEqual(whole, whole.toSorted().reverse());
  const paged = [];
  for (let after = ""; after !== undefined; ) {
    const page = await ask("GET", `letters?limit=2${after && `&after=${after}`}`);
    paged.push(...page.letters.map(({ letter }) => letter));
    after = page.next ?? undefined;
  }
  assert.deepEqual(paged, whole);
  const issued = letters[0].manifest.issued_at;
  const during = (query) => ask("GET", `letters?limit=1000&${query}`).then((page) => page.letters.some(({ letter }) => letter === ids[0]));
  assert.deepEqual([await during(`since=${issued - 60}`), await during(`until=${issued - 60}`), await during(`since=${issued + 9_999}`)], [true, false, false]);
  assert.equal((await site.kinds(letters[0])).length, ledgerOnDisk(site.state, letters[0].letter).events.length);
  for (const [query, code] of [["state=lost", "letter_state"], ["limit=0", "limit"], ["limit=1001", "limit"], ["after=7", "cursor"], ["since=x", "seconds"]]) {
    assert.deepEqual(await ask("GET", `letters?${query}`).then(({ status, code }) => [status, code]), [400, code], query);
  }
});

test("the API's feed goes on from its cursor, and waits for what happens", async () => {
  let { next } = await ask("GET", "events?limit=1000");
  const letter = await site.put(REPORT);
  const waiting = ask("GET", `events?after=${next}&wait=15`);
  await site.browser().get(letter.path);
  const page = await waiting;
  assert.deepEqual(page.entries.map((entry) => entry.letter), [letter.letter]);
  assert.deepEqual(page.entries[0].events.map(({ seq, kind }) => [seq, kind]).slice(0, 2), [[1, "sealed"], [2, "opened"]]);
  assert.equal(page.next, page.entries[0].number);
  await site.reported(letter);
  ({ next } = await ask("GET", `events?after=${page.next}`));
  assert.deepEqual(await ask("GET", `events?after=${next}`), { status: 200, entries: [], next });
  for (const [query, code] of [["after=x", "cursor"], ["wait=16", "wait"], ["limit=0", "limit"]]) {
    assert.deepEqual(await ask("GET", `events?${query}`).then(({ status, code }) => [status, code]), [400, code], query);
  }
});

test("rebuilt from the ledgers it is what it was, whatever was lost of it", async () => {
  const letters = await Promise.all([1, 2, 3, 4].map(() => site.put(REPORT, { about: { customer: "C-9" } })));
  for (const letter of letters) await site.browser().get(letter.path);
  await site.api("POST", `${letters[3].letter}/erase`, { headers: { "content-length": 0 } });
  for (const letter of letters) await site.reported(letter);
  const before = indexOnDisk(site.state);

  await site.crash();
  const db = new DatabaseSync(objectOnDisk(site.state, "Index", "index"));
  const id = ({ letter }) => Buffer.from(letter.replaceAll("-", ""), "hex");
  db.prepare("DELETE FROM letter WHERE id = ?").run(id(letters[0]));
  db.prepare("UPDATE letter SET state = 'sealed', due = 1, customer = 'nobody' WHERE id = ?").run(id(letters[1]));
  db.prepare("UPDATE letter SET seq = 1 WHERE id = ?").run(id(letters[2]));
  db.prepare("DELETE FROM feed WHERE letter = ?").run(id(letters[2]));
  db.prepare("UPDATE letter SET over = NULL, due = 9000000000000 WHERE id = ?").run(id(letters[3]));
  db.close();
  await site.restart();

  const { run } = await ask("POST", "sweep?rebuild=true");
  const swept = await site.sweepEnded(run);
  assert.deepEqual([swept.rebuild, swept.failed], [true, 0]);
  const after = indexOnDisk(site.state);
  const shown = ({ letters }) => [...letters.values()].map(({ heard_at, ...row }) => row);
  assert.deepEqual(shown(after), shown(before));
  const events = ({ feed }) => Object.fromEntries(letters.map(({ letter }) => [letter, feed.filter((it) => it.letter === letter).flatMap((it) => it.events).map(({ seq }) => seq)]));
  const { [letters[2].letter]: lost, ...others } = events(before);
  const { [letters[2].letter]: found, ...rest } = events(after);
  assert.deepEqual([rest, found], [others, lost.slice(1)], "no event twice, and of what was lost all that the index had not heard");
  assert.equal((await ask("POST", "sweep?rebuild=maybe")).code, "rebuild");
});

test("the command line lists letters, shows one, and follows the feed", async () => {
  const letter = await site.put(REPORT, { about: { customer: "C-77" } });
  await site.browser().submit(letter.path, "refuse");
  await site.reported(letter);
  const list = async (...args) => JSON.parse(await waxseal("letters", "list", "--json", ...args)).letters.map((row) => row.letter);
  assert.ok((await list("--state", "refused")).includes(letter.letter));
  assert.deepEqual([await list("--customer", "C-77"), await list("--customer", "C-78")], [[letter.letter], []]);
  assert.match(await waxseal("letters", "list", "--all"), new RegExp(`^${letter.letter}  refused    issued `, "m"));
  assert.match(await waxseal("letters", "show", letter.letter), /: refused\n[\s\S]* {2}sealed {16}sender\n[\s\S]* {2}consent_refused {7}recipient\n$/);
  const told = (await waxseal("events", "tail", "--once", "--json")).trim().split("\n").map((text) => JSON.parse(text));
  assert.deepEqual(told.map(({ number }) => number), feed(...told).map(({ seq }) => seq));
  assert.equal(told.at(-1).letter, letter.letter);
  assert.match(await waxseal("events", "tail", "--once", "--after", String(told.at(-2).number)), new RegExp(`^ *${told.at(-1).number}  .*  ${letter.letter}  .*consent_refused\n$`));
  const rebuilt = JSON.parse(await waxseal("sweep", "--rebuild", "--wait", "--json"));
  assert.deepEqual([rebuilt.rebuild, rebuilt.state], [true, "done"]);
});
