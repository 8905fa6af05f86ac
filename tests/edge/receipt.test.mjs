// What the customer keeps: the receipt as a page and as a file.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { FRONT } from "./lib/front.mjs";
import { LANGUAGES } from "./lib/languages.mjs";
import { logKey } from "./lib/log.mjs";
import { startSite } from "./lib/site.mjs";

const run = promisify(execFile);
const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");
const REPORT = Buffer.from("Brakes worn. ".repeat(500));

let site;
let folder;
before(async () => {
  site = await startSite("receipt", { wrap: FRONT });
  folder = mkdtempSync(join(tmpdir(), "waxseal-receipt-"));
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await site?.stop();
});

/** A text of the pages, as the translators have it, with what is filled in. */
function text(lang, section, key, values = {}) {
  const file = readFileSync(join(ROOT, `locales/${lang}.toml`), "utf8");
  const found = new RegExp(`^${key} = "(.*)"$`, "m").exec(file.slice(file.indexOf(`[${section}]`)))[1];
  return found.replaceAll(/\{(\w+)\}/g, (_, name) => values[name]);
}

const front = (said) => site.send("POST", "/__front", { body: JSON.stringify(said) });

async function verified(bytes) {
  const file = join(folder, "receipt.json");
  writeFileSync(file, bytes);
  const { stdout } = await run(BIN, ["evidence", "verify", file, "--key", logKey(site.keyring, "localhost/log").vkey, "--json"]);
  return JSON.parse(stdout);
}

test("the browser that agreed gets its receipt, nobody else does", async () => {
  const letter = await site.put(REPORT);
  const reader = site.browser();
  await reader.consent(letter.path);
  assert.ok((await reader.get(letter.path)).body.toString().includes(`${letter.path}/receipt`), "the letter links to it");
  for (const lang of LANGUAGES) {
    const page = await reader.get(`${letter.path}/receipt?lang=${lang}`);
    assert.equal(page.status, 200);
    const html = page.body.toString();
    assert.ok(html.includes(text(lang, "receipt", "given_heading")), lang);
    assert.match(html, new RegExp(`<html lang="${lang}">`));
    assert.ok(!html.includes("<script"));
    assert.equal(page.headers["cache-control"], "no-store");
  }
  for (const path of ["receipt", "receipt.json"]) {
    const other = await site.browser().get(`${letter.path}/${path}`);
    assert.equal(other.status, 303);
    assert.equal(other.headers.location, letter.path);
  }
});

test("the page says which terms, when and where in the log; the file proves it", async () => {
  const letter = await site.put(REPORT);
  const reader = site.browser({ "accept-language": "nl" });
  const { terms } = await reader.json(letter.path);
  await reader.consent(letter.path);
  const html = (await reader.get(`${letter.path}/receipt`)).body.toString();
  const file = await reader.get(`${letter.path}/receipt.json`);
  assert.equal(file.status, 200);
  assert.match(file.headers["content-disposition"], /^attachment; filename="bewijs-van-toestemming-[0-9a-f-]{13}\.json"$/);
  const receipt = JSON.parse(file.body);
  assert.equal(receipt["@type"], "dpv:ConsentReceipt");
  const [record] = receipt["dpv:hasRecordOfActivity"];
  assert.equal(record["dpv:hasNotice"][0]["@id"], `urn:sha256:${terms.sha256}`);
  assert.equal(record["dpv:hasNotice"][0]["dct:language"], "nl");
  assert.equal(record["dpv:hasDataController"][0]["schema:name"], "Garage Vermeer");
  assert.ok(!record["dpv:hasConsentControl"][0]["dpv:isExercisedAt"].includes(letter.token));
  for (const shown of [terms.sha256, receipt["waxseal:event"][1].hash, record["dct:identifier"], "localhost/log"]) assert.ok(html.includes(shown), shown);
  // None of what was recorded about the reader, and not the link.
  for (const hidden of [letter.token, "Test browser", reader.from.address]) {
    assert.ok(!file.body.toString().includes(hidden), hidden);
  }
  const said = await verified(file.body);
  assert.equal(said.holds, true);
  assert.deepEqual(said.events.map(({ kind, actor }) => [kind, actor]), [["sealed", "sender"], ["consent_given", "recipient"]]);
  // Which letter it is, on the page and in the file.
  const { subject, file_name, reference, sha256 } = letter.manifest;
  const about = receipt["schema:about"];
  assert.deepEqual([about["dct:title"], about["schema:name"], about["schema:sha256"], about["dct:identifier"]], [subject, file_name, sha256, reference]);
  for (const shown of [subject, file_name, sha256]) assert.ok(html.includes(shown), shown);
  assert.ok(html.includes(`<dd>${said.events[1].entry}</dd>`), "the number of the entry");
  // A program that asks for JSON gets the same.
  const asked = await reader.json(`${letter.path}/receipt`);
  assert.equal(asked["dct:identifier"], receipt["dct:identifier"]);
});

test("after a withdrawal whoever has the link sees both, and nothing personal", async () => {
  const letter = await site.put(REPORT, { about: { subject: "Your offer", file_name: "secret-name.pdf", reference: "R-secret" } });
  const reader = site.browser();
  await reader.consent(letter.path);
  await reader.submit(letter.path, "withdraw");
  const closed = (await site.browser().get(letter.path)).body.toString();
  assert.ok(closed.includes(`${letter.path}/receipt`), "the closed page links to it");
  const other = site.browser();
  const page = await other.get(`${letter.path}/receipt?lang=en`);
  assert.equal(page.status, 200);
  assert.ok(page.body.toString().includes(text("en", "receipt", "withdrawn_heading")));
  // The envelope showed its subject to whoever had the link; the rest is the reader's.
  for (const html of [closed, page.body.toString()]) {
    assert.ok(html.includes("Your offer"));
    for (const secret of ["secret-name", "R-secret", letter.manifest.sha256]) assert.ok(!html.includes(secret), secret);
  }
  const said = await verified((await other.get(`${letter.path}/receipt.json`)).body);
  assert.deepEqual(said.events.map(({ kind }) => kind), ["consent_given", "consent_withdrawn"]);
});

test("a refusal has a receipt too", async () => {
  const letter = await site.put(REPORT);
  const reader = site.browser();
  await reader.submit(letter.path, "refuse");
  for (const browser of [reader, site.browser()]) {
    const page = await browser.get(`${letter.path}/receipt?lang=en`);
    assert.ok(page.body.toString().includes(text("en", "receipt", "refused_heading")));
  }
  const said = await verified((await reader.get(`${letter.path}/receipt.json`)).body);
  assert.deepEqual(said.events.map(({ kind }) => kind), ["consent_refused"]);
});

test("a no by a link whose time is over has its receipt by that link", async () => {
  for (const way of ["withdraw", "refuse"]) {
    const letter = await site.put(REPORT, { tokenEnd: Math.floor(Date.now() / 1000) + 3_600, endToEnd: true });
    const reader = site.browser();
    const { nonce } = await reader.json(letter.path);
    if (way === "withdraw") await reader.consent(letter.path);
    await front({ clock: Date.now() + 2 * 3_600_000 });
    try {
      assert.equal((await site.get(letter.path)).status, 410);
      // Before that there is none, whoever agreed.
      assert.equal((await site.browser().get(`${letter.path}/receipt`)).headers.location, letter.path);
      // The link as some programs damage it, with the letter's key in the path: it goes into no page.
      const closed = await reader.post(`${letter.path}%23${letter.fragment}/${way}`, { nonce });
      assert.equal(closed.status, 200);
      const html = closed.body.toString();
      assert.ok(html.includes(`href="${letter.path}/receipt`), "the page links to it");
      assert.ok(!html.includes(letter.fragment));
      const said = await verified((await reader.get(`${letter.path}/receipt.json`)).body);
      assert.equal(said.events.at(-1).kind, way === "withdraw" ? "consent_withdrawn" : "consent_refused");
      assert.equal((await reader.get(`${letter.path}/receipt`)).status, 200);
      assert.equal((await reader.get(`${letter.path}/report`)).status, 410);
    } finally {
      await front({ clock: null });
    }
  }
});

test("a letter that nobody answered has none, and looking for one records nothing", async () => {
  const letter = await site.put(REPORT);
  await site.browser().get(letter.path);
  const before = await site.kinds(letter);
  assert.equal((await site.browser().get(`${letter.path}/receipt`)).status, 303);
  assert.deepEqual(await site.kinds(letter), before);
});

test("as long as the log cannot prove it there is no receipt, but a page that says when", async () => {
  const broken = (sequencer) => front({ modes: { sequencer } });
  const letter = await site.put(REPORT);
  const reader = site.browser();
  await broken("throw");
  // Consent does not wait for the log.
  await reader.consent(letter.path);
  for (const path of ["receipt", "receipt.json"]) {
    const later = await reader.get(`${letter.path}/${path}?lang=en`);
    assert.equal(later.status, 503);
    assert.equal(later.headers["retry-after"], "60");
    assert.ok(later.body.toString().includes(text("en", "closed", "receipt_later_title")));
    assert.equal(later.headers["content-disposition"], undefined);
  }
  await broken("");
  assert.equal((await verified((await reader.get(`${letter.path}/receipt.json`)).body)).holds, true);
});

test("an end-to-end letter's receipt keeps the key on the way", async () => {
  const letter = await site.put(REPORT, { endToEnd: true });
  const reader = site.browser();
  await reader.consent(letter.path);
  const html = (await reader.get(`${letter.path}/receipt`)).body.toString();
  assert.ok(html.includes("/assets/envelope.js"));
  assert.match(html, /href="[^"]*\?lang=en" data-keep/);
});
