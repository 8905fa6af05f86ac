// Rate limits: who asks too often gets silence as a stranger, and a polite page with a genuine link.
//
// The local limits count by the minute of the wall clock, so a test floods until it is over, and then says so at once.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { freshAddress } from "./lib/addresses.mjs";
import { forged, shape, startGuarded } from "./lib/guard.mjs";
import { SILENT } from "./lib/silent.mjs";

const LIMIT = 8;
const STRICTER = 4;
const VISIT = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64)", "sec-fetch-mode": "navigate", "sec-fetch-site": "none" };
let site, letter;
before(async () => {
  // The API's limit leaves room for what the tests themselves ask of it from one address each.
  site = await startGuarded("guard-limits", { limits: { LIMIT_PAGES: LIMIT, LIMIT_FORMS: LIMIT, LIMIT_REPORTS: LIMIT, LIMIT_API: LIMIT, LIMIT_BANNED: STRICTER } });
  letter = await site.put(randomBytes(2_000));
});
after(() => site?.stop());

/** Asks until it is too often, which it must be within two minutes' worth. Answers what came before and then. */
async function flood(ask, limit = LIMIT) {
  const served = [];
  for (let count = 0; count <= 2 * limit; count += 1) {
    const answer = await ask();
    if (answer.status === 429) return { served, over: answer };
    served.push(answer);
  }
  return assert.fail(`never too often: ${served.map(({ status }) => status)}`);
}

test("a page too often: a polite one with Retry-After, in the reader's language, and JSON for programs", async () => {
  const address = freshAddress();
  const { served, over } = await flood(() => site.get(letter.path, VISIT, { address }));
  assert.ok(served.length >= LIMIT && served.every(({ status }) => status === 200), `${served.length} served`);
  assert.ok(Number(over.headers["retry-after"]) > 0 && Number(over.headers["retry-after"]) <= 60);
  const html = over.body.toString();
  assert.match(html, /Garage Vermeer/);
  assert.match(html, /service@garage-vermeer\.example/);
  assert.ok(!html.includes(letter.manifest.subject));
  assert.match(over.headers["content-security-policy"], /default-src 'none'/);
  const again = await flood(() => site.get(letter.path, { ...VISIT, accept: "application/json" }, { address }));
  assert.equal(JSON.parse(again.over.body).closed, "busy");
  const dutch = await flood(() => site.get(`${letter.path}?lang=nl`, VISIT, { address }));
  assert.match(dutch.over.body.toString(), /<html lang="nl"/);
  assert.equal((await site.get(letter.path, VISIT)).status, 200, "another address has its own count");
  assert.deepEqual((await site.explain(address)).sentinel.strikes, 0, "asking too often is no offence");
});

test("a stranger's answer does not change when it is too often", async () => {
  const reference = shape(await site.get("/no-such-page", VISIT));
  const address = freshAddress();
  for (let count = 0; count < 3 * LIMIT; count += 1) assert.equal(shape(await site.get(count % 2 ? `/no-such-page-${count % 3}` : "/favicon.ico", VISIT, { address })), reference);
  const forger = freshAddress();
  for (let count = 0; count < 3 * LIMIT; count += 1) assert.equal(shape(await site.get(forged(), VISIT, { address: forger })), reference);
});

test("an IPv6 /64 has one count, the next /64 its own", async () => {
  let host = 0;
  await flood(() => site.get(letter.path, VISIT, { address: `2001:db8:5:5::${(host += 1).toString(16)}` }));
  assert.equal((await site.get(letter.path, VISIT, { address: "2001:db8:5:6::1" })).status, 200);
});

test("pages, forms, reports and the API are counted apart", async () => {
  const address = freshAddress();
  const person = site.browser({}, { address });
  await person.consent(letter.path);
  const { over } = await flood(() => person.get(`${letter.path}/report`));
  assert.ok(!over.body.equals(letter.plaintext) && over.headers["retry-after"]);
  assert.equal((await person.get(letter.path)).status, 200, "the page still opens");
  const forms = await flood(() => person.post(`${letter.path}/consent`, { nonce: "x" }));
  assert.ok(forms.served.every(({ status }) => status === 400));
  assert.equal((await site.get(letter.path, VISIT, { address })).status, 200);
});

test("a genuine link counts as what it asks for, below any path and in any spelling", async () => {
  const mine = await site.put(randomBytes(2_000));
  const address = freshAddress();
  const ask = (method, path) => site.send(method, path, { address, headers: { ...VISIT, ...(method === "POST" && { "content-length": 0 }) } });
  await flood(() => ask("POST", `/api/v1${mine.path}/consent`));
  assert.equal((await ask("POST", `${mine.path}/consent`)).status, 429, "a form is a form");
  assert.equal((await ask("GET", `/api/v1${mine.path}`)).status, 302, "pages have a count of their own");
  await flood(() => ask("GET", `/api/v1${mine.path}/report%3E`));
  assert.equal((await ask("GET", `${mine.path}/report`)).status, 429, "the report is the report");
  assert.equal((await ask("GET", mine.path)).status, 200, "and is not counted as a page");
  const { over } = await flood(() => ask("GET", `${mine.path.toUpperCase()}.`));
  assert.ok(over.headers.location === undefined && Number(over.headers["retry-after"]) > 0, "who asks too often is not led on");
});

test("an allowed address is limited too", async () => {
  await site.accepted('[[allow]]\naddress = "203.0.113.10"\n');
  await flood(() => site.get(letter.path, VISIT, { address: "203.0.113.10" }));
  await site.accepted("");
});

test("the API answers a problem with Retry-After to the right key, and silence to others", async () => {
  const address = freshAddress();
  const ask = (key) => site.get(`/api/v1/letters/${letter.letter}`, { authorization: `Bearer ${key}` }, { address });
  const { over } = await flood(() => ask(site.apiKey));
  assert.match(over.headers["content-type"], /application\/problem\+json/);
  assert.ok(Number(over.headers["retry-after"]) > 0);
  assert.match(JSON.parse(over.body).code, /^[a-z_]+$/);
  assert.equal((await ask(`wsk_07_${"0".repeat(52)}`)).body.toString(), SILENT);
});

test("a flood gets a stranger banned as fast as trickles do, and a ban holds over the limit too", async () => {
  const address = freshAddress();
  for (let count = 0; count < LIMIT + 22; count += 1) await site.get(`/guess-${count}`, VISIT, { address });
  assert.equal((await site.banned(address)).reason, "damaged");
  for (let count = 0; count < LIMIT; count += 1) assert.equal((await site.get("/no-such-page", VISIT, { address })).status, 404);
  await site.barred(letter, { address });
});

test("strangers at an address use up nothing of its genuine links, nor one link of another, nor any of them of the right key", async () => {
  const address = freshAddress();
  const other = await site.put(randomBytes(2_000));
  for (let count = 0; count < 3 * LIMIT; count += 1) await site.get("/favicon.ico", VISIT, { address });
  const api = (headers) => site.get(`/api/v1/letters/${letter.letter}`, headers, { address });
  for (let count = 0; count < 3 * LIMIT; count += 1) await api({});
  const { served } = await flood(() => site.get(letter.path, VISIT, { address }));
  assert.ok(served.length >= LIMIT, `${served.length} served`);
  assert.equal((await site.get(other.path, VISIT, { address })).status, 200);
  assert.equal((await api({ authorization: `Bearer ${site.apiKey}` })).status, 200);
});

test("a genuine link at a banned address has a stricter limit of its own: pages, forms and reports together, and not the no", async () => {
  const address = freshAddress();
  const [mine, other] = [await site.put(randomBytes(2_000)), await site.put(randomBytes(2_000))];
  await site.get("/.env", VISIT, { address });
  await site.barred(letter, { address });
  let count = 0;
  const paths = [mine.path, `${mine.path}/report`, `${mine.path}/receipt`];
  const { served, over } = await flood(() => site.get(paths[(count += 1) % paths.length], VISIT, { address }), STRICTER);
  assert.ok(served.length >= STRICTER, `${served.length} served`);
  assert.ok(Number(over.headers["retry-after"]) > 0 && /Garage Vermeer/.test(over.body.toString()), "in words");
  assert.equal((await site.get(other.path, VISIT, { address })).status, 200, "another link there has its own count");
  assert.equal((await site.get(mine.path, VISIT)).status, 200, "and the same one elsewhere");
  const body = "List-Unsubscribe=One-Click";
  const no = await site.send("POST", `${mine.path}/withdraw`, { address, body, headers: { ...VISIT, "content-type": "application/x-www-form-urlencoded", "content-length": body.length } });
  assert.equal(no.status, 200, "what takes consent back is heard");
});

test("a limiter that fails stops nobody", async () => {
  await site.breaks({ limits: "throw" });
  const address = freshAddress();
  for (let count = 0; count < 3 * LIMIT; count += 1) assert.equal((await site.get(letter.path, VISIT, { address })).status, 200);
  await site.logged(/limit_failed/);
  await site.breaks({});
});
