// The terms: pushed texts, the text that was shown and agreed to, and a store that always leads from hash to text.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { SHELVES } from "./lib/backdoor.mjs";
import { LANGUAGES } from "./lib/languages.mjs";
import { sha256 } from "./lib/seal.mjs";
import { SILENT } from "./lib/silent.mjs";
import { fieldsOf, startSite } from "./lib/site.mjs";

const REPORT = randomBytes(2_000);
const text = (words) => `Garage Vermeer asks you: ${words}\n\nSay yes or no.\n`;

let site;
let own; // the hash of the site's own English text
before(async () => (site = await startSite("terms", { wrap: SHELVES })));
after(() => site?.stop());

const json = (answer) => JSON.parse(answer.body);
const asked = (method, path, body, headers = {}) =>
  site.send(method, `/api/v1/terms${path}`, {
    body,
    headers: { authorization: `Bearer ${site.apiKey}`, ...(body !== undefined && { "content-length": Buffer.byteLength(body) }), ...headers },
  });
const break_ = (what) => site.send("POST", "/__broken", { body: JSON.stringify(what), headers: { "content-length": JSON.stringify(what).length } });
const stored = async (key) => site.get(`/__bucket/${key}`);

async function put(lang, words, expected = 201) {
  const hash = sha256(Buffer.from(words));
  const answer = await asked("PUT", `/${hash}?language=${lang}`, words);
  assert.equal(answer.status, expected, answer.body.toString());
  return hash;
}

async function push(texts) {
  const choice = {};
  for (const [lang, words] of Object.entries(texts)) choice[lang] = await put(lang, words);
  const answer = await asked("PUT", "/current", JSON.stringify(choice));
  assert.equal(answer.status, 200, answer.body.toString());
  return choice;
}

const noticed = (record) => record.events.filter((event) => event.kind === "notice_shown").map((event) => event.terms);
const agreed = (record) => record.events.filter((event) => event.kind === "consent_given").map((event) => event.terms);

test("the site's own text lies in the store before anybody is shown it", async () => {
  const letter = await site.put(REPORT);
  const envelope = await site.browser().json(letter.path);
  own = envelope.terms.sha256;
  const object = await stored(`terms/${own}`);
  assert.deepEqual([object.status, object.body.toString()], [200, envelope.terms.text]);
  const listed = json(await site.get("/__bucket?prefix=terms/"));
  assert.deepEqual(listed.map(({ customMetadata }) => customMetadata.language).sort(), LANGUAGES.toSorted());
  const list = json(await asked("GET", ""));
  assert.deepEqual([list.current.en.sha256, list.current.en.source, list.history], [envelope.terms.sha256, "site", []]);
});

test("a version that is pushed while an envelope lies open: consent counts for the text that was shown", async () => {
  const letter = await site.put(REPORT);
  const early = site.browser();
  const page = (await early.get(`${letter.path}?lang=nl`)).body.toString();
  const { action, fields } = fieldsOf(page, "consent");
  const old = fields.terms;

  const { nl } = await push({ nl: text("mag het?") });
  assert.notEqual(nl, old);
  const late = await site.browser().json(`${letter.path}?lang=nl`);
  assert.deepEqual([late.terms.sha256, late.terms.text], [nl, text("mag het?")]);
  assert.notEqual((await site.browser().json(`${letter.path}?lang=de`)).terms.sha256, nl, "other languages keep theirs");

  assert.equal((await early.post(action, { ...fields, agree: "yes" })).status, 303);
  const later = site.browser();
  await later.consent(`${letter.path}?lang=nl`);
  const record = await site.record(letter);
  assert.deepEqual(agreed(record), [old, nl]);
  assert.ok(noticed(record).includes(old) && noticed(record).includes(nl));
  for (const hash of [old, nl]) assert.equal(sha256((await stored(`terms/${hash}`)).body), hash, "evidence finds both");
  assert.equal(json(await asked("GET", `/${old}`)).language, "nl");
});

test("what comes back is what went in, to the byte, and hostile text is only text", async () => {
  const hostile = 'Garage Vermeer </div><script>alert(1)</script> "quoted" & <b>\n\n\n{"a":1} \u00a0é\n \n';
  const { en } = await push({ en: hostile });
  const letter = await site.put(REPORT);
  const html = (await site.browser().get(`${letter.path}?lang=en`)).body.toString();
  assert.ok(!html.includes("<script>alert") && html.includes("&#60;script&#62;alert(1)&#60;/script&#62;"));
  assert.equal(json(await asked("GET", `/${en}`)).text, hostile);
  assert.equal((await stored(`terms/${en}`)).body.toString(), hostile);
  assert.equal((await site.browser().json(`${letter.path}?lang=en`)).terms.sha256, sha256(Buffer.from(hostile)));
});

test("texts that cannot be terms are refused with the reason", async () => {
  const refused = async (words, lang = "en", hash = sha256(Buffer.from(words))) => {
    const answer = await asked("PUT", `/${hash}?language=${lang}`, words);
    return [answer.status, json(answer).code];
  };
  assert.deepEqual(await refused(text("a"), "en", sha256(Buffer.from("b"))), [422, "terms_hash"]);
  assert.deepEqual(await refused(Buffer.from([0x47, 0xff])), [422, "terms_not_utf8"]);
  assert.deepEqual(await refused(" \n"), [422, "terms_empty"]);
  assert.deepEqual(await refused("Somebody asks."), [422, "terms_sender"]);
  assert.deepEqual(await refused(text("a").replaceAll("\n", "\r\n")), [422, "terms_carriage_return"]);
  assert.deepEqual(await refused(text("\u202eno")), [422, "terms_hidden"]);
  assert.deepEqual(await refused(text("{sender}")), [422, "terms_placeholder"]);
  assert.deepEqual(await refused(text("x".repeat(8_000))), [413, "terms_too_long"]);
  assert.deepEqual(await refused(text("x".repeat(33_000))), [413, "terms_too_long"]);
  assert.deepEqual(await refused(text("a"), "xx"), [400, "terms_language"]);
  assert.deepEqual(await refused(text("a"), "en", "ABC"), [400, "not_a_hash"]);

  const choose = async (body) => {
    const answer = await asked("PUT", "/current", body);
    return [answer.status, json(answer).code];
  };
  assert.deepEqual(await choose(JSON.stringify({ en: sha256("nowhere") })), [404, "no_such_terms"]);
  for (const odd of ["", "{}", "[]", '{"xx":"a"}', '{"en":1}', '{"en":"abc"}', '{"EN":"' + sha256("a") + '"}']) {
    assert.deepEqual(await choose(odd), [400, "terms_choice"], odd);
  }
  const stranger = await site.send("GET", "/api/v1/terms");
  assert.equal(stranger.body.toString(), SILENT);
});

test("pushes at the same time do not lose one another", async () => {
  const texts = Object.fromEntries(LANGUAGES.map((lang) => [lang, text(`${lang}?`)]));
  const hashes = Object.fromEntries(await Promise.all(Object.entries(texts).map(async ([lang, words]) => [lang, await put(lang, words)])));
  const answers = await Promise.all(Object.entries(hashes).map(([lang, hash]) => asked("PUT", "/current", JSON.stringify({ [lang]: hash }))));
  for (const answer of answers) assert.equal(answer.status, 200, answer.body.toString());
  const list = json(await asked("GET", ""));
  for (const [lang, hash] of Object.entries(hashes)) assert.equal(list.current[lang].sha256, hash, lang);
  const again = json(await asked("PUT", "/current", JSON.stringify(hashes)));
  assert.deepEqual(again.changed, [], "what is current already makes no line");
  assert.equal(json(await asked("GET", "")).history.length, list.history.length);
});

test("a letter that names its terms shows exactly these, pushed or the site's own; unknown ones are refused", async () => {
  const pinned = await put("de", text("nur dies"));
  const letter = await site.put(REPORT, { about: { terms: pinned } });
  await push({ de: text("etwas anderes") });
  for (const lang of ["de", "nl"]) {
    const { terms } = await site.browser().json(`${letter.path}?lang=${lang}`);
    assert.deepEqual([terms.sha256, terms.text], [pinned, text("nur dies")]);
  }
  await site.browser().consent(letter.path);
  assert.deepEqual(agreed(await site.record(letter)), [pinned]);
  await assert.rejects(site.put(REPORT, { about: { terms: sha256("nowhere") } }), /unknown_terms/);
});

test("a store that is down: what is known is shown, never another text, and a no is heard", async () => {
  const letter = await site.put(REPORT, { about: { terms: await put("fr", text("jamais montré")) } });
  const known = await site.put(REPORT);
  await site.crash();
  await site.restart();
  // A new isolate, which knows nothing.
  await break_({ bucket: "get", keys: "terms/" });
  const blind = await site.browser().get(known.path);
  assert.equal(blind.status, 503);
  assert.match(blind.body.toString(), /<html lang="en">[\s\S]*Garage Vermeer/);
  await break_({});
  const reader = site.browser();
  const { terms, nonce } = await reader.json(known.path);
  await break_({ bucket: "get", keys: "terms/" });
  assert.equal((await site.browser().json(known.path)).terms.sha256, terms.sha256, "known since a moment ago");
  assert.equal((await site.browser().get(letter.path)).status, 503, "its own text is not known here");
  assert.equal((await reader.post(`${known.path}/refuse`, { nonce })).status, 303);
  await break_({});
  assert.equal((await site.kinds(known)).at(-1), "consent_refused");
});

test("a text that was altered in the store is never shown; the site's own is put right", async () => {
  const hash = await put("en", text("the true one"));
  const letter = await site.put(REPORT, { about: { terms: hash } });
  const ours = await site.put(REPORT, { about: { terms: own } });
  await site.send("PUT", `/__bucket/terms/${hash}`, { body: text("another one") });
  await site.send("PUT", `/__bucket/terms/${own}`, { body: "altered" });
  await site.crash();
  await site.restart();
  // Its ledger had not taken it on: what cannot be honoured stays shut.
  const shown = await site.browser().get(letter.path);
  assert.equal(shown.status, 410);
  assert.ok(!shown.body.toString().includes("another one"));
  await site.logged(/terms_altered/);
  const { terms } = await site.browser().json(ours.path);
  assert.deepEqual([terms.sha256, sha256(Buffer.from(terms.text))], [own, own]);
  assert.equal(sha256((await stored(`terms/${own}`)).body), own, "written anew");
  assert.equal((await asked("PUT", `/${hash}?language=en`, text("the true one"))).status, 201, "pushing it again heals it");
  assert.equal((await stored(`terms/${hash}`)).body.toString(), text("the true one"));
  assert.equal((await site.browser().json(letter.path)).terms.text, text("the true one"));
});

test("the command line pushes, lists and shows", async () => {
  const folder = mkdtempSync(join(tmpdir(), "waxseal-terms-cli-"));
  const waxseal = (...args) =>
    new Promise((resolve) => {
      const env = { ...process.env, WAXSEAL_KEYS: JSON.stringify(site.keyring), WAXSEAL_URL: site.url };
      execFile(process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal"), ["terms", ...args], { cwd: folder, env }, (error, out, err) =>
        resolve({ code: error?.code ?? 0, out, err }),
      );
    });
  try {
    writeFileSync(join(folder, "nl.txt"), text("van de opdrachtregel"));
    writeFileSync(join(folder, "de.txt"), "Ohne Namen.");
    const hash = sha256(Buffer.from(text("van de opdrachtregel")));
    const pushed = await waxseal("push", "nl=nl.txt");
    assert.deepEqual(pushed, { code: 0, out: `nl  ${hash}  current from now on\n`, err: "" });
    assert.match((await waxseal("push", "--language", "nl", "nl.txt")).out, /current already/);
    assert.match((await waxseal("push", "de=de.txt")).err, /must name the sender/);
    assert.match((await waxseal("list")).out, new RegExp(`Shown now:[\\s\\S]*nl  ${hash}  pushed [\\s\\S]*Pushed, newest first:\\n  nl  ${hash}`));
    assert.equal((await waxseal("show", hash)).out, text("van de opdrachtregel"));
    assert.match((await waxseal("show", sha256("nowhere"))).err, /no terms of this site have the SHA-256/);
    const letter = await site.put(REPORT);
    assert.equal((await site.browser().json(`${letter.path}?lang=nl`)).terms.sha256, hash);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
