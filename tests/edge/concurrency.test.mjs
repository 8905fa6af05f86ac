// Two hundred at once on one letter: one order of events, and no consent after the end.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { ledgerOnDisk, verifyChain } from "./lib/chain.mjs";
import { readFor } from "./lib/forms.mjs";
import { urlencoded } from "./lib/http.mjs";
import { seal } from "./lib/seal.mjs";
import { AGENT, startSite } from "./lib/site.mjs";

let site;
before(async () => (site = await startSite("concurrency")));
after(() => site?.stop());

/** `count` forms of the envelope, each of its own. */
async function forms(letter, count) {
  const all = [];
  while (all.length < count) {
    const form = async () => {
      const person = site.browser();
      return { ...(await person.json(letter.path)), cookie: person.cookie() };
    };
    all.push(...(await Promise.all(Array.from({ length: Math.min(20, count - all.length) }, form))));
  }
  all.forEach(({ nonce }) => site.remember(nonce));
  return all;
}

function consent(letter, { nonce, terms, cookie }) {
  const read = readFor(site.keyring, letter.path, nonce);
  const { body, headers } = urlencoded({ nonce: read, terms: terms.sha256, agree: "yes" });
  headers["user-agent"] = AGENT;
  headers.accept = "text/html";
  headers.cookie = cookie;
  return site.send("POST", `${letter.path}/consent`, { fresh: true, body, headers: { ...headers, "content-length": body.length } });
}

const cookieOf = (answer) => answer.headers["set-cookie"]?.[0].split(";")[0];
/** The id of the consent event inside a cookie: key id, id, tag. */
const consentId = (cookie) => Buffer.from(cookie.split("=")[1], "base64url").subarray(1, 17).toString("hex");

for (const round of [1, 2]) {
  test(`two hundred consents and cancels, round ${round}`, async () => {
    const letter = await site.put(randomBytes(1_000));
    const given = await forms(letter, 160);
    const calls = given.map((form) => () => consent(letter, form).then((answer) => ({ answer, consent: true })));
    for (let count = 0; count < 40; count += 1) {
      const cancel = () =>
        site.send("POST", `/api/v1/letters/${letter.letter}/cancel`, { fresh: true, headers: { authorization: `Bearer ${site.apiKey}`, "content-length": 0 } });
      // The cancels come in the middle, among the consents.
      calls.splice(30 * round + count * 2, 0, () => cancel().then((answer) => ({ answer })));
    }
    assert.equal(calls.length, 200);
    const results = await Promise.all(calls.map((call) => call()));

    const consents = results.filter((result) => result.consent).map(({ answer }) => answer);
    const cancels = results.filter((result) => !result.consent).map(({ answer }) => answer);
    assert.ok(consents.every(({ status }) => [303, 410, 429].includes(status)), String(new Set(consents.map(({ status }) => status))));
    assert.ok(cancels.every(({ status }) => status === 200));
    assert.equal(cancels.filter(({ body }) => JSON.parse(body).changed).length, 1, "one of them was the first");

    const found = ledgerOnDisk(site.state, letter.letter);
    const kinds = verifyChain(letter.letter, found);
    assert.equal(kinds.filter((kind) => kind === "cancelled").length, 1);
    assert.ok(!kinds.slice(kinds.indexOf("cancelled")).includes("consent_given"), "no consent after the cancel");
    const onRecord = new Set(found.events.filter(({ kind }) => kind === "consent_given").map(({ id }) => Buffer.from(id).toString("hex")));
    const answered = consents.filter(({ status }) => status === 303).map((answer) => consentId(cookieOf(answer)));
    assert.equal(new Set(answered).size, answered.length, "each its own");
    assert.deepEqual(new Set(answered), onRecord, "what was answered is on record, and nothing else is");
    assert.deepEqual((await site.record(letter)).events.map(({ kind }) => kind), kinds, "the API reads the same order");
    const shut = await Promise.all(consents.filter(({ status }) => status === 303).map((answer) => site.get(`${letter.path}/report`, { cookie: cookieOf(answer) })));
    assert.ok(shut.every(({ status }) => status === 410));
    console.log(`round ${round}: ${answered.length} consents on record before the cancel, ${kinds.length} events`);
  });
}

test("a hundred consents are taken, the next is told so, and none is lost", async () => {
  const letter = await site.put(randomBytes(1_000));
  const given = await forms(letter, 120);
  const answers = await Promise.all(given.map((form) => consent(letter, form)));
  const count = (status) => answers.filter((answer) => answer.status === status).length;
  assert.deepEqual([count(303), count(403)], [100, 20]);
  assert.equal((await site.kinds(letter)).filter((kind) => kind === "consent_given").length, 100);
  const first = answers.find(({ status }) => status === 303);
  assert.equal((await site.get(`${letter.path}/report`, { cookie: cookieOf(first) })).status, 200);
});

test("first visits at once open one ledger", async () => {
  const letter = await site.put(randomBytes(1_000));
  const answers = await Promise.all(Array.from({ length: 40 }, () => site.get(letter.path, {}, { fresh: true })));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.deepEqual(await site.kinds(letter), ["sealed", "opened", "notice_shown"]);
});

test("refusal, withdrawal and consent at once: the record has one end, and what came after it was told so", async () => {
  const letter = await site.put(randomBytes(1_000));
  const given = await forms(letter, 40);
  const calls = given.map((form, index) => {
    if (index % 4 !== 3) return consent(letter, form);
    const { body, headers } = urlencoded({ "List-Unsubscribe": "One-Click" });
    return site.send("POST", `${letter.path}/withdraw`, { fresh: true, body, headers: { ...headers, "content-length": body.length } });
  });
  await Promise.all(calls);
  const kinds = verifyChain(letter.letter, ledgerOnDisk(site.state, letter.letter));
  const ends = kinds.filter((kind) => kind === "consent_refused" || kind === "consent_withdrawn");
  assert.equal(ends.length, 1);
  assert.equal(kinds.at(-1), ends[0]);
});

test("two manifests at once: one letter, the other is refused", async () => {
  const letter = seal(site.keyring, randomBytes(1_000));
  site.remember(letter.token);
  const rivals = Array.from({ length: 8 }, (_, index) => seal(site.keyring, letter.plaintext, { about: { letter: letter.letter, subject: `Rival ${index}` } }));
  await site.api("PUT", `${letter.letter}/body`, { body: letter.objects.body });
  const answers = await Promise.all(rivals.map((rival) => site.api("PUT", `${letter.letter}/manifest`, { body: rival.objects.manifest })));
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [201, ...Array(7).fill(409)]);
  const winner = rivals[answers.findIndex(({ status }) => status === 201)];
  assert.equal((await site.browser().json(letter.path)).subject, winner.manifest.subject);
  // The same bytes once more are no conflict: a retry after a lost answer.
  const again = await site.api("PUT", `${letter.letter}/manifest`, { body: winner.objects.manifest });
  assert.equal(again.status, 200);
});
