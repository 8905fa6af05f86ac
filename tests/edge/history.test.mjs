// The customer's list of letters, what others see of it (nothing), and erasing everything of one customer.

import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { SHELVES } from "./lib/backdoor.mjs";
import { ledgerOnDisk } from "./lib/chain.mjs";
import { hkdf, newKeyring, seal, secretOf, uuid7 } from "./lib/seal.mjs";
import { startSite, until } from "./lib/site.mjs";

const REPORT = randomBytes(1_000);
const DAY = 86_400;
const now = () => Math.floor(Date.now() / 1000);

let site;
before(async () => (site = await startSite("history", { wrap: SHELVES, keyring: newKeyring({ active: 7, retired: [{ id: 3, not_after: now() + 99 * DAY }] }) })));
after(() => site?.stop());

const break_ = (what) => site.send("POST", "/__broken", { body: JSON.stringify(what), headers: { "content-length": JSON.stringify(what).length } });
const reference = () => `Kunde Nr. ${randomBytes(6).toString("hex")} é客`;

/** A letter of this customer that its ledger has taken on, and that is on the customer's list. */
async function put(customer, about = {}, options = {}) {
  const letter = await site.put(REPORT, { ...options, about: { ...(customer !== undefined && { customer }), ...about } });
  await site.record(letter);
  return letter;
}

/** The rows of the page: `{ standing, subject, link, here, hint }`. */
function rowsOf(html) {
  return [...html.matchAll(/<li class="(\w+)( here)?">([\s\S]*?)<\/li>/g)].map(([, standing, here, row]) => {
    const [, heading] = /<h2 dir="auto">([\s\S]*?)<\/h2>/.exec(row);
    const link = /href="([^"]*)"/.exec(heading)?.[1];
    site.remember(/\/([0-9a-z]{66})/.exec(link ?? "")?.[1]);
    return { standing, here: Boolean(here), link, subject: heading.replace(/<[^>]*>/g, ""), hint: /class="hint">([\s\S]*?)<\/p>/.exec(row)?.[1] };
  });
}

/** The list as this browser sees it from this letter; waits until it has so many rows. */
async function list(person, letter, length, lang = "en") {
  return until(async () => {
    const page = await person.get(`${letter.path}/history?lang=${lang}`);
    assert.equal(page.status, 200);
    const rows = rowsOf(page.body.toString());
    return rows.length === length && rows;
  });
}

const erase = async (customer, more = {}) => {
  const body = JSON.stringify({ customer, ...more });
  const answer = await site.send("POST", "/api/v1/customers/erase", { body, headers: { authorization: `Bearer ${site.apiKey}`, "content-length": Buffer.byteLength(body) } });
  return { status: answer.status, ...JSON.parse(answer.body) };
};

test("every letter of the customer with its state, newest first, each with its own consent", async () => {
  const customer = reference();
  const at = (days) => ({ issued_at: now() - days * DAY });
  const fresh = await put(customer, { subject: "Six: <b>new</b>", ...at(1) });
  const opened = await put(customer, { subject: "Five: opened", ...at(2) });
  const read = await put(customer, { subject: "Four: read", ...at(3) });
  const refused = await put(customer, { subject: "Three: refused", ...at(4) });
  const withdrawn = await put(customer, { subject: "Two: withdrawn", ...at(5) });
  const cancelled = await put(customer, { subject: "One: cancelled", ...at(6) });
  const expired = await put(customer, { subject: "Zero: expired", ...at(7), not_after: now() + 1 });
  await put(customer, { subject: "Long ago", ...at(367) });

  await site.browser().get(opened.path);
  const person = site.browser();
  await person.consent(read.path);
  await site.browser().submit(refused.path, "refuse");
  const gone = site.browser();
  await gone.consent(withdrawn.path);
  await gone.submit(withdrawn.path, "withdraw");
  await site.api("POST", `${cancelled.letter}/cancel`, { headers: { "content-length": 0 } });
  await until(() => now() > expired.manifest.not_after);

  const letterPage = (await person.get(read.path)).body.toString();
  assert.match(letterPage, new RegExp(`href="${read.path}/history\\?lang=en"`));
  const rows = await list(person, read, 7);
  assert.deepEqual(
    rows.map(({ subject, standing }) => [subject, standing]),
    [
      ["Six: &#60;b&#62;new&#60;/b&#62;", "new"],
      ["Five: opened", "opened"],
      ["Four: read", "read"],
      ["Three: refused", "refused"],
      ["Two: withdrawn", "withdrawn"],
      ["One: cancelled", "cancelled"],
      ["Zero: expired", "expired"],
    ],
  );
  assert.deepEqual(rows.map(({ here }) => here), [false, false, true, false, false, false, false]);
  assert.deepEqual(rows.map(({ link }) => Boolean(link)), [true, true, true, false, false, false, false]);
  assert.equal(rows[2].link, `${read.path}?lang=en`);

  // The link of another letter shows its envelope, and opens nothing by itself.
  const other = await person.json(rows[0].link);
  assert.deepEqual([other.state, other.subject, other.expires_at], ["envelope", fresh.manifest.subject, Math.min(fresh.manifest.not_after, read.manifest.not_after)]);
  const path = rows[0].link.replace(/\?.*/, "");
  assert.equal((await person.get(`${path}/history`)).status, 303, "and no list without its own consent");
  await person.consent(path);
  assert.equal((await person.json(path)).state, "letter");
  assert.equal((await list(person, { path }, 7))[0].standing, "read");

  for (const [lang, title] of [["en", "Your letters from Garage Vermeer"], ["nl", "Uw brieven van"], ["fr", "Vos lettres de"], ["de", "Ihre Briefe von"]]) {
    const page = await person.get(`${read.path}/history?lang=${lang}`);
    assert.match(page.body.toString(), new RegExp(`<html lang="${lang}">[\\s\\S]*${title}`));
    assert.equal(page.headers["cache-control"], "no-store");
  }
});

test("no link leads to one that outlives it", async () => {
  const customer = reference();
  const long = await put(customer, { subject: "Long" }, { lives: 30 * DAY });
  const end = now() + 3_600;
  const short = await put(customer, { subject: "Short" }, { lives: 30 * DAY, tokenEnd: end });
  const sealed = await put(customer, { subject: "Sealed" }, { lives: 30 * DAY, endToEnd: true });
  const person = site.browser();
  await person.consent(short.path);
  const rows = await list(person, short, 3);
  const other = await person.json(rows.find(({ subject }) => subject === "Long").link);
  assert.equal(other.expires_at, end);
  assert.equal(rows.find(({ subject }) => subject === "Sealed").link, undefined);
  // From a link that lives longer it is the letter's own end.
  const patient = site.browser();
  await patient.consent(sealed.path);
  const found = (await list(patient, sealed, 3)).find(({ subject }) => subject === "Long");
  assert.equal((await patient.json(found.link)).expires_at, long.manifest.not_after);
});

test("without a living consent of this very letter there is no list", async () => {
  const customer = reference();
  const letter = await put(customer, { subject: "Mine" });
  const other = await put(customer, { subject: "The other" });
  const front = async (person, at = letter) => {
    const answer = await person.get(`${at.path}/history?lang=nl`);
    assert.deepEqual([answer.status, answer.headers.location], [303, `${at.path}?lang=nl`]);
  };
  await front(site.browser());
  const person = site.browser();
  await person.consent(other.path);
  await front(person);
  await list(person, other, 2);
  assert.equal((await site.kinds(letter)).length, 1, "a look at the list is no visit to a letter on it");

  // A consent that was taken back, and a cookie that was made up.
  await person.submit(other.path, "withdraw");
  await front(person, other);
  const cookie = `__Host-waxseal-${"0".repeat(8)}=${"A".repeat(44)}`;
  const forged = await site.get(`${letter.path}/history`, { cookie });
  assert.equal(forged.status, 303);
  const posted = await site.browser().post(`${letter.path}/history`, {});
  assert.equal(posted.status, 405);
});

test("nothing of others shows: other references, none, blank ones and what programs write for nothing", async () => {
  const mine = reference();
  const person = site.browser();
  const letter = await put(mine, { subject: "Mine" });
  const near = [`${mine}x`, mine.toUpperCase(), mine.normalize("NFD").replace("\u0301", ""), mine.replace(" ", "\u00a0"), `x${mine}`];
  for (const customer of near) await put(customer, { subject: `Not mine: ${customer.length}` });
  await put(` \u2003${mine} `, { subject: "Mine too" });
  await put(mine.normalize("NFD"), { subject: "Mine, written otherwise" });
  await person.consent(letter.path);
  assert.deepEqual((await list(person, letter, 3)).map(({ subject }) => subject).sort(), ["Mine", "Mine too", "Mine, written otherwise"]);

  for (const customer of [undefined, "-", "0", "000", "null", "N/A", "undefined"]) {
    const [one] = [await put(customer, { subject: "One" }), await put(customer, { subject: "Another person's" })];
    const reader = site.browser();
    await reader.consent(one.path);
    assert.ok(!(await reader.get(one.path)).body.toString().includes("/history"), `no link for ${customer}`);
    assert.equal((await reader.get(`${one.path}/history`)).status, 303, String(customer));
  }
});

test("an end-to-end letter is listed without a dead link, and keeps its key on the way back", async () => {
  const customer = reference();
  const edge = await put(customer, { subject: "Opened at the edge" });
  const sealed = await put(customer, { subject: "End to end" }, { endToEnd: true });
  const person = site.browser();
  await person.consent(edge.path);
  const row = (await list(person, edge, 2)).find(({ subject }) => subject === "End to end");
  assert.equal(row.link, undefined);
  assert.match(row.hint, /with the link you were sent/);
  await person.consent(sealed.path);
  const page = (await person.get(`${sealed.path}/history`)).body.toString();
  assert.match(page, /<script src="\/assets\/envelope.js"/);
  assert.match(page, new RegExp(`href="${sealed.path}\\?lang=en" data-keep`));
});

test("letters that were sealed with an older key are on the same list", async () => {
  const customer = reference();
  const old = seal({ ...site.keyring, active: 3 }, REPORT, { about: { customer, subject: "Older key", issued_at: now() - DAY } });
  site.remember(old.token);
  for (const name of ["body", "manifest"]) await site.api("PUT", `${old.letter}/${name}`, { body: old.objects[name] });
  await site.record(old.letter);
  const letter = await put(customer, { subject: "Newer key" });
  const person = site.browser();
  await person.consent(letter.path);
  const rows = await list(person, letter, 2);
  assert.equal(rows[1].subject, "Older key");
  assert.notEqual(rows[1].link.slice(1, 67), old.token, "its new link is of the active key");
  assert.equal((await person.json(rows[1].link)).state, "envelope");
});

test("one ledger that fails shows as such, and so does a list that does", async () => {
  const customer = reference();
  const letter = await put(customer, { subject: "Mine" });
  const broken = await put(customer, { subject: "Secret of a broken ledger", issued_at: now() - DAY });
  const person = site.browser();
  await person.consent(letter.path);
  await list(person, letter, 2);
  await break_({ ledgers: [broken.letter] });
  const rows = await list(person, letter, 2);
  assert.deepEqual(rows.map(({ standing, subject, link }) => [standing, subject, Boolean(link)]), [["read", "Mine", true], ["unavailable", "A letter", false]]);
  await break_({ index: true });
  const page = (await person.get(`${letter.path}/history`)).body.toString();
  assert.match(page, /class="notice"/);
  assert.deepEqual(rowsOf(page).map(({ subject }) => subject), ["Mine"]);
  await break_({});
});

test("a long list is cut, and says so", async () => {
  const customer = reference();
  const letters = [];
  for (let round = 0; round < 21; round += 1) letters.push(...(await Promise.all(Array.from({ length: 5 }, () => put(customer)))));
  const person = site.browser();
  await person.consent(letters[0].path);
  await list(person, letters[0], 100);
  // The hundred and first comes to the list after the answer, as each does.
  await until(async () => /This list ends here/.test((await person.get(`${letters[0].path}/history`)).body.toString()));
});

test("erasing a customer: every letter goes, those that are found later too, later ones stay", async () => {
  const customer = reference();
  const name = createHmac("sha256", hkdf(secretOf(site.keyring), "", "waxseal/v1/customer", 32)).update(customer).digest("hex");
  const letters = await Promise.all(Array.from({ length: 70 }, (_, at) => put(customer, { subject: `Number ${at}`, issued_at: now() - 10 - at })));
  const unknown = await site.put(REPORT, { about: { customer, subject: "Never opened", issued_at: now() - 5 } });
  const other = await put(reference(), { subject: "Somebody else's" });
  const person = site.browser();
  await person.consent(letters[0].path);
  await list(person, letters[0], 70);
  // Whatever the index has yet to hear of a letter would have it erased at once.
  await until(() => ledgerOnDisk(site.state, letters[0].letter).waiting.length === 0);

  const first = await erase(customer);
  assert.equal(first.status, 200);
  assert.deepEqual([first.letters, first.erased, first.left], [70, 60, 10]);
  const second = await erase(customer, { before: first.before });
  assert.deepEqual([second.letters, second.erased, second.left], [10, 10, 0]);
  const last = await erase(customer);
  assert.deepEqual([last.letters, last.erased], [0, 0]);
  for (const letter of letters.slice(0, 5)) {
    assert.equal((await site.kinds(letter)).at(-1), "erased");
    assert.equal((await site.browser().json(letter.path)).closed, "erased");
    assert.equal((await site.get(`/__bucket/letters/${letter.letter}/body`)).status, 404);
  }
  assert.equal((await person.get(`${letters[0].path}/history`)).status, 303);

  // Its ledger takes it on now, and hears that the customer is erased.
  await site.browser().get(unknown.path);
  await until(async () => (await site.kinds(unknown)).at(-1) === "erased");
  await until(() => now() > last.before / 1000);
  const later = await put(customer, { subject: "Sealed after the request", issued_at: now() });
  const reader = site.browser();
  await reader.consent(later.path);
  await list(reader, later, 1);
  const again = await erase(customer, { before: first.before });
  assert.deepEqual([again.letters, again.left], [0, 0], "asking again how far it is means no letter that came after");
  assert.deepEqual((await list(reader, later, 1)).map(({ subject }) => subject), ["Sealed after the request"]);
  // A sender's clock that is ahead keeps nothing from being erased.
  const ahead = await put(reference(), { issued_at: now() + 3_600 });
  const visitor = site.browser();
  await visitor.consent(ahead.path);
  await list(visitor, ahead, 1);
  await until(async () => (await erase(ahead.manifest.customer)).erased === 1 || (await site.kinds(ahead)).at(-1) === "erased");
  assert.equal((await site.browser().json(other.path)).state, "envelope");

  for (const nobody of ["", "  ", "null", "-"]) assert.deepEqual(await erase(nobody).then(({ status, code }) => [status, code]), [422, "customer_nobody"]);
  assert.equal((await erase(7)).status, 400);
  const text = readFileSync(site.log, "utf8");
  assert.ok(!text.includes(customer) && !text.includes(name), "neither reference nor name in the log");
});

test("an erasure that was cut short goes on by itself after a crash", async () => {
  const customer = reference();
  const letters = await Promise.all(Array.from({ length: 4 }, () => put(customer, { issued_at: now() - 10 })));
  const person = site.browser();
  await person.consent(letters[0].path);
  await list(person, letters[0], 4);
  await break_({ ledgers: letters.map(({ letter }) => letter) });
  assert.deepEqual(await erase(customer).then(({ letters, erased, left }) => [letters, erased, left]), [4, 0, 4]);
  await site.crash();
  await site.restart();
  for (const letter of letters) await until(async () => (await site.kinds(letter)).at(-1) === "erased", { within: 60_000, every: 500 });
});

test("no reference and no subject of a customer is in any store as it is written", async () => {
  await site.crash();
  const files = readdirSync(site.state, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  for (const file of files) {
    const bytes = readFileSync(join(file.parentPath, file.name));
    for (const word of ["Kunde Nr.", "Sealed after the request", "Never opened"]) assert.ok(!bytes.includes(word), `${word} in ${file.name}`);
  }
  await site.restart();
});

test("a site that wants no lists has none", async () => {
  const quiet = await startSite("history-off", { site: { history: false } });
  try {
    const letter = await quiet.put(REPORT, { about: { customer: uuid7() } });
    const person = quiet.browser();
    await person.consent(letter.path);
    assert.ok(!(await person.get(letter.path)).body.toString().includes("/history"));
    assert.equal((await person.get(`${letter.path}/history`)).status, 303);
  } finally {
    await quiet.stop();
  }
});
