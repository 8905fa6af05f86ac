// Consent that nobody can plant, a no that is always heard, and letters that ask for what this site cannot do.

import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { BUCKET } from "./lib/backdoor.mjs";
import { hkdf, seal, secretOf, uuidBytes } from "./lib/seal.mjs";
import { startSite } from "./lib/site.mjs";

const REPORT = randomBytes(20_000);

let site;
before(async () => (site = await startSite("consent", { wrap: BUCKET })));
after(() => site?.stop());

/** A genuine nonce of a page that was shown so many seconds ago (docs/LEDGER.md). */
function nonceOf(letter, terms, secondsAgo) {
  const issued = Buffer.alloc(8);
  issued.writeBigUInt64BE(BigInt(Date.now() - 1000 * secondsAgo));
  const body = Buffer.concat([Buffer.of(site.keyring.active), issued.subarray(2), randomBytes(8), Buffer.from(terms, "hex")]);
  const id = uuidBytes(letter.letter);
  const key = hkdf(secretOf(site.keyring), id, "waxseal/v1/nonce", 32);
  const tag = createHmac("sha256", key).update("waxseal/v1/form\0").update(id).update(body).digest().subarray(0, 16);
  const nonce = Buffer.concat([body, tag]).toString("base64url");
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
  assert.equal(answer.headers["set-cookie"], undefined);
  assert.ok(!(await site.kinds(letter)).includes("consent_given"));
});

test("a form that another site sends is no consent", async () => {
  const letter = await site.put(REPORT);
  const planter = await site.browser().json(letter.path);
  const fields = { nonce: planter.nonce, terms: planter.terms.sha256, agree: "yes" };
  for (const from of ["cross-site", "same-site", "none"]) {
    const answer = await site.browser().post(`${letter.path}/consent`, fields, { headers: { "sec-fetch-site": from } });
    assert.equal(answer.status, 422, from);
    assert.equal(answer.headers["set-cookie"], undefined, from);
  }
  assert.ok(!(await site.kinds(letter)).includes("consent_given"));
  const own = await site.browser().post(`${letter.path}/consent`, fields, { headers: { "sec-fetch-site": "same-origin" } });
  assert.equal(own.status, 303);
});

test("a browser that keeps no cookie is told so", async () => {
  const letter = await site.put(REPORT);
  const person = site.browser();
  const answer = await person.consent(letter.path);
  const back = answer.headers.location;
  assert.match(back, /[?&]opened$/);
  assert.equal((await person.get(back)).status, 200, "with its cookie the letter opens");
  const forgetful = await site.browser().get(back);
  assert.equal(forgetful.status, 422);
  assert.match(forgetful.body.toString(), /id="agree-error" role="alert"/);
});

test("terms that the site does not have, and a PIN, are refused at sealing and keep a letter shut", async () => {
  const about = { terms: "ab".repeat(32) };
  const pin = { pin: { salt: randomBytes(16).toString("hex"), hash: randomBytes(32).toString("hex"), iterations: 50_000 } };
  for (const [what, code] of [[about, "unknown_terms"], [pin, "pin_not_supported"]]) {
    const sealed = seal(site.keyring, REPORT, { about: what });
    const headers = { authorization: `Bearer ${site.api}` };
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
