// What was answered is on disk, whenever the runtime dies.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { ledgerOnDisk, verifyChain } from "./lib/chain.mjs";
import { seal } from "./lib/seal.mjs";
import { startSite } from "./lib/site.mjs";

const REPORT = randomBytes(200_000);
let site;
before(async () => (site = await startSite("durability")));
after(() => site?.stop());

test("SIGKILL right after the consent answer: the consent is on record and the chain verifies", async () => {
  const letter = await site.put(REPORT);
  const [person, another] = [site.browser(), site.browser()];
  const { nonce, terms } = await another.json(letter.path);
  await person.consent(letter.path);
  await site.crash();
  // Before anything runs again: on disk.
  const found = ledgerOnDisk(site.state, letter.letter);
  assert.deepEqual(verifyChain(letter.letter, found), ["sealed", "opened", "notice_shown", "consent_given"]);
  await site.restart();
  const record = await site.record(letter);
  assert.equal(record.events.at(-1).kind, "consent_given");
  assert.equal(record.chain.head, Buffer.from(found.events.at(-1).hash).toString("hex"));
  // The cookie holds, the report comes, and a form from before the crash still does what it says.
  const report = await person.get(`${letter.path}/report`);
  assert.ok(report.body.equals(REPORT));
  assert.equal((await another.post(`${letter.path}/consent`, { nonce, terms: terms.sha256, agree: "yes" })).status, 303);
});

test("SIGKILL right after withdrawal and cancellation: closed they stay", async () => {
  const [withdrawn, cancelled] = [await site.put(REPORT), await site.put(REPORT)];
  const person = site.browser();
  await person.consent(withdrawn.path);
  await person.consent(cancelled.path);
  const kept = person.cookie();
  await Promise.all([
    person.post(`${withdrawn.path}/withdraw`, { "List-Unsubscribe": "One-Click" }),
    site.api("POST", `${cancelled.letter}/cancel`),
  ]);
  await site.crash();
  await site.restart();
  for (const [letter, reason] of [[withdrawn, "withdrawn"], [cancelled, "cancelled"]]) {
    const answer = await site.get(letter.path, { cookie: kept, accept: "application/json" });
    assert.equal(JSON.parse(answer.body).closed, reason);
    assert.equal((await site.get(`${letter.path}/report`, { cookie: kept })).status, 410);
    verifyChain(letter.letter, ledgerOnDisk(site.state, letter.letter));
  }
});

test("SIGKILL while consents are on their way: every answered one is on record, none twice", async () => {
  const letter = await site.put(REPORT);
  const read = async (browser) => ({ browser, ...(await browser.json(letter.path)) });
  const forms = await Promise.all(Array.from({ length: 30 }, () => read(site.browser())));
  let answered = 0;
  let first;
  const oneAnswered = new Promise((resolve) => (first = resolve));
  const posts = forms.map(({ browser, nonce, terms }) =>
    browser.post(`${letter.path}/consent`, { nonce, terms: terms.sha256, agree: "yes" }).then(
      (answer) => {
        if (answer.status === 303) answered += 1;
        if (answered === 3) first();
        return answer.status === 303 ? answer.headers["set-cookie"][0].split(";")[0] : undefined;
      },
      () => undefined, // died on the way
    ),
  );
  await oneAnswered;
  await site.crash();
  const cookies = (await Promise.all(posts)).filter(Boolean);
  const kinds = verifyChain(letter.letter, ledgerOnDisk(site.state, letter.letter));
  const given = kinds.filter((kind) => kind === "consent_given").length;
  assert.ok(cookies.length >= 3 && given >= cookies.length && given <= 30, `${cookies.length} answered, ${given} on record`);
  await site.restart();
  for (const cookie of cookies) assert.equal((await site.get(`${letter.path}/report`, { cookie })).status, 200);
  await site.record(letter);
});

test("SIGKILL while a body is uploaded: a letter without manifest does not exist, and can be sealed anew", async () => {
  const letter = seal(site.keyring, REPORT);
  site.remember(letter.token);
  // Half the body is on the wire when the runtime dies.
  await new Promise((resolve) => {
    const call = request({ port: site.port, host: "127.0.0.1", method: "PUT", path: `/api/v1/letters/${letter.letter}/body`, headers: { authorization: `Bearer ${site.apiKey}`, "content-length": letter.objects.body.length } });
    call.on("error", resolve);
    call.on("close", resolve);
    call.write(letter.objects.body.subarray(0, 100_000), () => void site.crash());
  });
  await site.restart();
  assert.equal((await site.get(letter.path)).status, 404);
  assert.equal((await site.api("GET", letter.letter)).status, 404);
  const early = await site.api("PUT", `${letter.letter}/manifest`, { body: letter.objects.manifest });
  assert.deepEqual([early.status, JSON.parse(early.body).code], [422, "body_missing"]);
  // The body is whole, the manifest is not there: still nothing.
  assert.equal((await site.api("PUT", `${letter.letter}/body`, { body: letter.objects.body })).status, 201);
  await site.crash();
  await site.restart();
  assert.equal((await site.get(letter.path)).status, 404);
  assert.equal(ledgerOnDisk(site.state, letter.letter), undefined);
  assert.equal((await site.api("PUT", `${letter.letter}/manifest`, { body: letter.objects.manifest })).status, 201);
  assert.equal((await site.get(letter.path)).status, 200);
});
