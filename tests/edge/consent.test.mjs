// Consent that nobody can plant, a no that is always heard, and letters that ask for what this site cannot do.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { BUCKET } from "./lib/backdoor.mjs";
import { makeNonce, readFor } from "./lib/forms.mjs";
import { seal, uuidBytes } from "./lib/seal.mjs";
import { consentIn, fieldsOf, startSite } from "./lib/site.mjs";

const REPORT = randomBytes(20_000);

let site;
before(async () => (site = await startSite("consent", { wrap: BUCKET })));
after(() => site?.stop());

/** A genuine nonce of a page that was shown so many seconds ago. */
function nonceOf(letter, terms, secondsAgo) {
  const nonce = makeNonce(site.keyring, { letter: uuidBytes(letter.letter).toString("hex"), terms, secondsAgo });
  site.remember(nonce);
  return nonce;
}

test("a no is heard however long the page lay open", async () => {
  const letter = await site.put(REPORT);
  const person = site.browser();
  const { terms } = await person.json(letter.path);
  await person.consent(letter.path);
  const late = nonceOf(letter, terms.sha256, 2 * 86_400);
  assert.equal((await person.post(`${letter.path}/withdraw`, { nonce: late })).status, 303);
  assert.equal((await person.json(letter.path)).closed, "withdrawn");
  assert.equal((await site.kinds(letter)).at(-1), "consent_withdrawn");

  const other = await site.put(REPORT);
  const refused = await site.browser().post(`${other.path}/refuse`, { nonce: nonceOf(other, terms.sha256, 86_400) });
  assert.equal(refused.status, 303);
  assert.equal((await site.browser().json(other.path)).closed, "refused");
});

test("a yes is not: the page is shown again", async () => {
  const letter = await site.put(REPORT);
  const { terms } = await site.browser().json(letter.path);
  const fields = { nonce: nonceOf(letter, terms.sha256, 3_601), terms: terms.sha256, agree: "yes" };
  const answer = await site.browser().post(`${letter.path}/consent`, fields);
  assert.equal(answer.status, 422);
  assert.ok(!(await site.kinds(letter)).includes("consent_given"));
});

test("a form that another site sends is no consent, by whatever the browser says of it", async () => {
  const letter = await site.put(REPORT);
  const planter = await site.browser().json(letter.path);
  const fields = { nonce: planter.nonce, terms: planter.terms.sha256, agree: "yes" };
  for (const from of [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "none" },
    { "sec-fetch-site": "cross-site", origin: site.url },
    // Browsers from before Fetch Metadata.
    { origin: "https://evil.example" },
    { origin: "https://127.0.0.1.evil.example" },
    { origin: `${site.url}.evil.example` },
  ]) {
    const person = site.browser();
    await person.get(letter.path);
    const answer = await person.post(`${letter.path}/consent`, fields, { headers: from });
    assert.equal(answer.status, 422, JSON.stringify(from));
    assert.match(answer.body.toString(), /id="agree-error" role="alert"/, JSON.stringify(from));
    assert.equal(consentIn(answer), undefined, JSON.stringify(from));
  }
  assert.deepEqual((await site.kinds(letter)).filter((kind) => /consent|robot/.test(kind)), []);
  const own = await site.browser().post(`${letter.path}/consent`, fields, { headers: { "sec-fetch-site": "same-origin" } });
  assert.ok(consentIn(own));
});

test("where the browser says nothing, the cookie of the page has to: without it the form is asked once more", async () => {
  const letter = await site.put(REPORT);
  const planter = await site.browser().json(letter.path);
  const fields = { nonce: planter.nonce, terms: planter.terms.sha256, agree: "yes" };
  // The person has the page open too; their cookie does not fit the planter's form.
  const old = { "accept-language": "nl" };
  for (const headers of [{ ...old, origin: "null" }, old]) {
    for (const opens of [true, false]) {
      const person = site.browser();
      if (opens) await person.get(letter.path);
      const answer = await person.post(`${letter.path}/consent`, fields, { headers });
      assert.equal(answer.status, 422);
      assert.match(answer.body.toString(), /<fieldset class="words"/);
      assert.equal(consentIn(answer), undefined);
    }
  }
  const { events } = await site.record(letter);
  assert.ok(!events.some(({ kind }) => kind === "consent_given"));
  assert.deepEqual(events.filter(({ kind }) => kind === "robot_suspected").map(({ details }) => details.robot), Array(4).fill("unbound_form"));
  // The same headers with the cookie that came with the page are a person's: an old browser sends no more than that.
  for (const headers of [{ origin: "null" }, {}, { origin: site.url }]) {
    const answer = await site.browser().submit((await site.put(REPORT)).path, "consent", { change: { agree: "yes" }, headers });
    assert.equal(answer.status, 303);
  }
});

test("two tabs of one letter both consent, and the form's cookie says nothing else", async () => {
  const letter = await site.put(REPORT);
  const person = site.browser();
  const [first, second] = [await person.get(letter.path), await person.get(letter.path)];
  const set = first.headers["set-cookie"];
  assert.equal(set.length, 1);
  assert.match(set[0], /^__Host-waxseal-form-[0-9a-f]{8}=[\w-]{22}; Path=\/; Secure; HttpOnly; SameSite=Lax$/);
  assert.equal(second.headers["set-cookie"], undefined, "the form in the first tab stays good");
  for (const tab of [first, second]) {
    const { action, fields } = fieldsOf(tab.body.toString(), "consent");
    site.remember(fields.nonce);
    const answer = await person.post(action, { ...fields, agree: "yes" }, { headers: { origin: "null" } });
    assert.equal(answer.status, 303);
  }
  const other = await site.put(REPORT);
  assert.notEqual((await person.get(other.path)).headers["set-cookie"][0].split("=")[0], set[0].split("=")[0]);
});

test("a browser that keeps no cookies gets the letter at once, and the report by its link", async () => {
  for (const endToEnd of [false, true]) {
    const letter = await site.put(REPORT, { endToEnd });
    const page = await site.browser().get(letter.path);
    const { action, fields } = fieldsOf(page.body.toString(), "consent");
    const aged = readFor(site.keyring, letter.path, fields.nonce);
    site.remember(fields.nonce, aged);
    const bare = site.browser({ "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" });
    const answer = await bare.post(action, { ...fields, nonce: aged, agree: "yes" }, { after: 0 });
    assert.equal(answer.status, 200);
    assert.ok(consentIn(answer), "should it keep cookies after all, it has its consent");
    const report = /data-report="([^"]+)"/.exec(answer.body.toString())[1];
    site.remember(new URL(report, site.url).searchParams.get("grant"));
    const sent = await site.browser().get(report);
    assert.deepEqual([sent.status, sent.body.length], [200, endToEnd ? sent.body.length : REPORT.length]);
    assert.deepEqual((await site.kinds(letter)).slice(-3), ["consent_given", "report_streamed", "report_streamed"]);
  }
});

test("the address that the browser shows after consent says nothing of a choice", async () => {
  const letter = await site.put(REPORT);
  for (const lang of ["", "?lang=fr"]) {
    const person = site.browser({ "accept-language": "nl" });
    const answer = await person.consent(`${letter.path}${lang}`);
    const back = answer.headers.location;
    assert.equal(back, `${letter.path}${lang || "?lang=nl"}`);
    assert.match((await person.get(back)).body.toString(), /id="letter"/, "with its cookie the letter opens");
    const [copied, plain] = [await site.browser().get(back), await site.browser().get(`${letter.path}${lang || "?lang=nl"}`)];
    assert.equal(copied.status, 200);
    const bare = (page) => page.body.toString().replaceAll(/value="[\w-]{95}"/g, "");
    assert.equal(bare(copied), bare(plain), "the envelope, and no word more");
    assert.doesNotMatch(copied.body.toString(), /role="alert"/);
    // Nor does the address of earlier versions.
    assert.equal(bare(await site.browser().get(`${letter.path}?opened${lang.replace("?", "&") || "&lang=nl"}`)), bare(plain));
  }
});

test("a consent is to the terms that the letter pins, whatever form it comes with", async () => {
  const { terms: pinned } = await site.browser().json(`${(await site.put(REPORT)).path}?lang=nl`);
  const letter = await site.put(REPORT, { about: { terms: pinned.sha256 } });
  const { terms: other } = await site.browser().json(`${(await site.put(REPORT)).path}?lang=en`);
  const person = site.browser({ "sec-fetch-site": "same-origin" });
  await person.get(letter.path);
  // A genuine nonce of ours for other terms than the letter's, as an error of ours could issue it.
  const forms = [[letter, other, 422], [letter, pinned, 200]];
  for (const [at, terms, status] of forms) {
    const answer = await site.browser({ "sec-fetch-site": "same-origin" }).post(`${at.path}/consent`, { nonce: nonceOf(at, terms.sha256, 60), terms: terms.sha256, agree: "yes" });
    assert.equal(answer.status, status);
    assert.equal(consentIn(answer) !== undefined, status === 200);
  }
  // Without pinned terms: those that were shown.
  const free = await site.put(REPORT);
  const hidden = await site.browser({ "sec-fetch-site": "same-origin" }).post(`${free.path}/consent`, { nonce: nonceOf(free, other.sha256, 60), terms: other.sha256, agree: "yes" });
  assert.deepEqual([hidden.status, consentIn(hidden)], [422, undefined]);
  assert.ok(!(await site.kinds(free)).includes("consent_given"));
});

test("the nonce of a letter page never buys a consent", async () => {
  const { terms: pinned } = await site.browser().json(`${(await site.put(REPORT)).path}?lang=nl`);
  const letter = await site.put(REPORT, { about: { terms: pinned.sha256 } });
  const reader = site.browser();
  await reader.consent(letter.path);
  const { fields } = fieldsOf((await reader.get(letter.path)).body.toString(), "withdraw");
  const { nonce } = await reader.json(letter.path);
  site.remember(fields.nonce);
  const terms = (lang) => site.browser().json(`${letter.path}?lang=${lang}`).then((page) => page.terms.sha256);
  for (const spent of [fields.nonce, nonce]) {
    for (const hash of [await terms("en"), pinned.sha256, "00".repeat(32)]) {
      for (const client of [reader, site.browser()]) {
        const before = (await site.kinds(letter)).filter((kind) => kind === "consent_given").length;
        const answer = await client.post(`${letter.path}/consent`, { nonce: spent, terms: hash, agree: "yes" }, { headers: { "sec-fetch-site": "same-origin" } });
        assert.equal(answer.status, 400);
        assert.equal(consentIn(answer), undefined);
        assert.equal((await site.kinds(letter)).filter((kind) => kind === "consent_given").length, before);
      }
    }
  }
});

/** The form that takes a no back, on the closed page as this browser gets it; nothing where there is none. */
async function undoForm(person, letter) {
  const page = (await person.get(letter.path)).body.toString();
  const form = page.includes("/undo?") && fieldsOf(page, "undo");
  if (form) site.remember(form.fields.nonce);
  return form;
}

test("a no is taken back in the browser that said it: both stay on record, and all is as it was", async () => {
  for (const consented of [false, true]) {
    const letter = await site.put(REPORT);
    const [person, other] = [site.browser(), site.browser()];
    if (consented) for (const reader of [person, other]) await reader.consent(letter.path);
    assert.equal((await person.submit(letter.path, consented ? "withdraw" : "refuse")).status, 303);
    assert.ok((await other.get(`${letter.path}/report`)).status >= 400);
    assert.equal(await undoForm(other, letter), false, "not in another browser");
    const { action, fields } = await undoForm(person, letter);
    // The form alone is worth nothing elsewhere, nor by another site.
    assert.equal((await other.post(action, fields)).status, 409);
    assert.equal((await person.post(action, fields, { headers: { "sec-fetch-site": "cross-site" } })).status, 409);
    assert.equal((await person.post(action, { ...fields, nonce: fields.nonce.replace(/.$/, (c) => (c === "A" ? "Q" : "A")) })).status, 400);
    const back = await person.post(action, fields);
    assert.deepEqual([back.status, back.headers.location], [303, `${letter.path}?lang=en`]);
    const record = await site.record(letter);
    const kinds = record.events.map(({ kind }) => kind);
    assert.deepEqual(kinds.slice(-2), consented ? ["consent_withdrawn", "withdrawal_revoked"] : ["consent_refused", "refusal_revoked"]);
    assert.equal(record.state, consented ? "consented" : "opened");
    for (const reader of [person, other]) {
      assert.equal((await reader.get(`${letter.path}/report`)).status, consented ? 200 : 403);
      assert.match((await reader.get(letter.path)).body.toString(), consented ? /id="letter"/ : /name="agree"/);
    }
    // Twice is once.
    assert.equal((await person.post(action, fields)).status, 303);
    assert.equal((await site.kinds(letter)).filter((kind) => kind.endsWith("_revoked")).length, 1);
  }
});

test("by the mail program, by the sender and from a program a no is final", async () => {
  const oneClick = (letter) => site.browser().post(`${letter.path}/withdraw`, { "List-Unsubscribe": "One-Click" });
  const letter = await site.put(REPORT);
  const person = site.browser();
  await person.get(letter.path);
  await oneClick(letter);
  assert.equal(await undoForm(person, letter), false);
  // Also where the browser had said it before.
  const both = await site.put(REPORT);
  await person.submit(both.path, "refuse");
  const { action, fields } = await undoForm(person, both);
  await oneClick(both);
  assert.equal(await undoForm(person, both), false);
  const late = await person.post(action, fields);
  assert.equal(late.status, 409);
  assert.equal((await site.record(both)).state, "refused");
  const told = await site.put(REPORT);
  await person.consent(told.path);
  assert.equal((await site.api("POST", `${told.letter}/withdraw`)).status, 200);
  assert.equal(await undoForm(person, told), false);
});

test("terms that the site does not have, and a PIN, are refused at sealing and keep a letter shut", async () => {
  const about = { terms: "ab".repeat(32) };
  const pin = { pin: { salt: randomBytes(16).toString("hex"), hash: randomBytes(32).toString("hex"), iterations: 50_000 } };
  for (const [what, code] of [[about, "unknown_terms"], [pin, "pin_not_supported"]]) {
    const sealed = seal(site.keyring, REPORT, { about: what });
    const headers = { authorization: `Bearer ${site.apiKey}` };
    const put = (part, body) => site.send("PUT", `/api/v1/letters/${sealed.letter}/${part}`, { headers, body });
    assert.equal((await put("body", sealed.objects.body)).status, 201);
    const answer = await put("manifest", sealed.objects.manifest);
    assert.equal(answer.status, 422);
    assert.equal(JSON.parse(answer.body).code, code);
    // A backend that writes to the bucket itself does not ask first.
    await site.send("PUT", `/__bucket/letters/${sealed.letter}/manifest`, { body: sealed.objects.manifest });
    site.remember(sealed.path.slice(1));
    const page = await site.get(sealed.path);
    assert.equal(page.status, 410);
    assert.ok(!page.body.toString().includes(sealed.manifest.subject));
  }
});

test("terms that the site has are shown as they are, whatever the language of the page", async () => {
  const dutch = await site.browser().json(`${(await site.put(REPORT)).path}?lang=nl`);
  const letter = await site.put(REPORT, { about: { terms: dutch.terms.sha256 } });
  const envelope = await site.browser().json(`${letter.path}?lang=fr`);
  assert.deepEqual([envelope.language, envelope.terms], ["fr", dutch.terms]);
});

test("a body that was replaced after the ledger took it on is never sent", async () => {
  const letter = await site.put(REPORT);
  const person = site.browser();
  await person.consent(letter.path);
  assert.equal((await person.get(`${letter.path}/report`)).status, 200);
  // As long, as well sealed, by the same sender: only the ledger knows that it is another.
  const other = seal(site.keyring, randomBytes(REPORT.length), { about: { letter: letter.letter } });
  await site.send("PUT", `/__bucket/letters/${letter.letter}/body`, { body: other.objects.body });
  for (const headers of [{}, { range: "bytes=10-19" }]) {
    const answer = await person.get(`${letter.path}/report`, headers);
    assert.equal(answer.status, 410);
  }
  await site.logged(/"event":"letter_damaged"/);
});
