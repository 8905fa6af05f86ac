// `Idempotency-Key`: whatever happens to a request on its way, sending it again makes one letter.

import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { SHELVES } from "./lib/backdoor.mjs";
import { created, PDF } from "./lib/create.mjs";
import { startSite } from "./lib/site.mjs";

let site;
before(async () => (site = await startSite("create-repeat", { wrap: SHELVES })));
after(() => site?.stop());

const create = (options) => created(site, options);
const json = (answer) => JSON.parse(answer.body);
// The log goes on by itself, behind what was answered.
const shelves = async (prefix) => json(await site.send("GET", `/__bucket?prefix=${prefix}`)).map(({ key }) => key).filter((name) => !name.startsWith("log/"));
const broken = (what) => site.send("POST", "/__broken", { body: JSON.stringify(what) });
const without = ({ new: _, ...rest }) => rest;

/** What the report of a link is. */
async function reportOf(link) {
  const person = site.browser();
  const { pathname } = new URL(link);
  await person.consent(pathname);
  return (await person.get(`${pathname}/report`)).body;
}

test("the same request again is the same letter, also days of its end later", async () => {
  const again = randomUUID();
  const request = { again, letter: { days: 3, language: "nl" }, report: randomBytes(100_000) };
  const first = await create(request);
  assert.deepEqual([first.status, json(first).new], [201, true]);
  for (let times = 0; times < 3; times += 1) {
    const other = await create({ ...request, boundary: `b${times}` });
    assert.deepEqual([other.status, json(other).new], [200, false]);
    assert.deepEqual(without(json(other)), without(json(first)));
  }
  assert.deepEqual((await shelves(`letters/${json(first).letter}`)).length, 2);
  assert.equal((await shelves("letters/")).length, 2, "and nothing else");
  // Nobody asked a ledger: there is none.
  assert.deepEqual((await site.kinds(json(first).letter)).length, 1);
});

test("another body under the same key is refused, and makes nothing", async () => {
  const again = "key-1";
  const first = json(await create({ again }));
  const objects = await shelves("");
  for (const other of [{ report: Buffer.concat([PDF, PDF]) }, { letter: { subject: "Another" } }, { letter: { days: 31 } }, { head: 'filename="other.pdf"' }, { letter: { customer: "C" } }]) {
    const answer = await create({ again, ...other });
    assert.deepEqual([answer.status, json(answer).code], [422, "idempotency_key"], JSON.stringify(other));
  }
  assert.deepEqual(await shelves(""), objects);
  assert.equal(json(await create({ again })).letter, first.letter);
});

test("a key is its caller's own, and visible ASCII", async () => {
  const answer = await site.send("POST", "/api/v1/keys", { headers: { authorization: `Bearer ${site.apiKey}` }, body: JSON.stringify({ name: "other", scopes: ["create"] }) });
  const { key } = json(answer);
  site.remember(key);
  const [mine, other] = [await create({ again: "key-2" }), await create({ again: "key-2", key })];
  assert.deepEqual([mine.status, other.status], [201, 201]);
  assert.notEqual(json(mine).letter, json(other).letter);
  assert.equal((await create({ again: "x".repeat(255) })).status, 201);
  for (const again of ["x".repeat(256), "a b", "é"]) {
    const answer = await create({ headers: { "idempotency-key": again } });
    assert.deepEqual([answer.status, json(answer).code], [400, "idempotency_key_form"], again);
  }
  for (const name of await shelves("creations/")) assert.ok(!name.includes("key-2"), "and nobody reads it in the bucket");
});

test("eight at once make one letter, however large", async () => {
  for (const size of [1_000, 6_000_000]) {
    const before = await shelves("letters/");
    const request = { again: randomUUID(), report: randomBytes(size) };
    const answers = await Promise.all(Array.from({ length: 8 }, () => create(request)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 200, 200, 201]);
    assert.equal(new Set(answers.map((answer) => json(answer).link)).size, 1);
    assert.equal((await shelves("letters/")).length, before.length + 2, "and no body of the others");
    assert.ok((await reportOf(json(answers[0]).link)).equals(request.report));
  }
});

test("eight at once with other reports make one letter, which is whole", async () => {
  const again = randomUUID();
  const reports = Array.from({ length: 8 }, () => randomBytes(50_000));
  const answers = await Promise.all(reports.map((report) => create({ again, report })));
  const made = answers.filter(({ status }) => status === 201);
  assert.equal(made.length, 1, answers.map(({ status }) => status).join());
  assert.ok(answers.every((answer) => answer === made[0] || json(answer).code === "idempotency_key"));
  assert.ok((await reportOf(json(made[0]).link)).equals(reports[answers.indexOf(made[0])]));
});

test("an attempt that dies half-way is done again", async () => {
  for (const keys of ["letters/", "creations/"]) {
    const request = { again: randomUUID() };
    await broken({ bucket: "put", keys });
    assert.equal((await create(request)).status, 503);
    await broken({});
    const answer = await create(request);
    assert.ok([200, 201].includes(answer.status), answer.body.toString());
    assert.ok((await reportOf(json(answer).link)).equals(PDF));
    assert.deepEqual(without(json(await create(request))), without(json(answer)));
  }
});

test("a letter whose manifest was never written is finished, and one that was erased is not", async () => {
  const request = { again: randomUUID() };
  const first = json(await create(request));
  await site.send("DELETE", `/__bucket/letters/${first.letter}/manifest`);
  const again = await create(request);
  assert.deepEqual([again.status, without(json(again))], [200, without(first)]);
  assert.ok((await reportOf(first.link)).equals(PDF));
  assert.equal((await site.api("POST", `${first.letter}/erase`, { headers: { "content-length": 0 } })).status, 200);
  const gone = await create(request);
  assert.deepEqual([gone.status, json(gone).code], [410, "erased"]);
  assert.deepEqual(await shelves(`letters/${first.letter}`), []);
});

test("the runtime is killed in the middle: the same request again makes the letter", async () => {
  const request = { again: randomUUID(), report: randomBytes(30_000_000) };
  const lost = create(request).then(
    () => assert.fail("it was killed"),
    () => undefined,
  );
  await site.crash();
  await lost;
  await site.restart();
  const answer = await create(request);
  assert.equal(answer.status, 201, answer.body.toString());
  assert.ok((await reportOf(json(answer).link)).equals(request.report));
});
