// The API: how an object gets into the bucket, and how it does not.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { BROKEN_BUCKET } from "./lib/backdoor.mjs";
import { openBody, seal, sealManifest, sha256, uuid7 } from "./lib/seal.mjs";
import { startSite } from "./lib/site.mjs";

const MIB = 1024 * 1024;
let site;
before(async () => (site = await startSite("upload", { wrap: BROKEN_BUCKET })));
after(() => site?.stop());

const problem = (answer) => [answer.status, JSON.parse(answer.body).code];
const json = (answer) => JSON.parse(answer.body);

async function begin(letter) {
  const answer = await site.api("POST", `${letter}/uploads`, { headers: { "content-length": 0 } });
  assert.equal(answer.status, 201, answer.body.toString());
  return json(answer).upload;
}
const part = (letter, upload, number, body) => site.api("PUT", `${letter}/uploads/${upload}/${number}`, { body });
const complete = (letter, upload, parts) => site.api("POST", `${letter}/uploads/${upload}/complete`, { body: JSON.stringify({ parts }) });

/** Uploads a body in parts of `size`. */
async function inParts(letter, body, size) {
  const upload = await begin(letter);
  const parts = [];
  for (let at = 0, number = 1; at < body.length; at += size, number += 1) {
    const answer = await part(letter, upload, number, body.subarray(at, at + size));
    assert.equal(answer.status, 200, answer.body.toString());
    parts.push({ part: number, etag: json(answer).etag });
  }
  return { upload, parts };
}

for (const endToEnd of [false, true]) {
  test(`20 MB in three parts, ${endToEnd ? "end to end" : "edge-opened"}: what comes down is what went up`, async () => {
    const plaintext = randomBytes(20_000_000);
    const letter = seal(site.keyring, plaintext, { endToEnd });
    site.remember(letter.token, letter.fragment);
    const { upload, parts } = await inParts(letter.letter, letter.objects.body, 8 * MIB);
    assert.equal(parts.length, 3);
    const done = await complete(letter.letter, upload, parts);
    assert.deepEqual([done.status, json(done).size], [201, letter.objects.body.length]);
    assert.equal((await site.api("PUT", `${letter.letter}/manifest`, { body: letter.objects.manifest })).status, 201);
    const person = site.browser();
    await person.consent(letter.path);
    const report = await person.get(`${letter.path}/report`);
    assert.ok(report.whole);
    assert.equal(Number(report.headers["content-length"]), endToEnd ? letter.objects.body.length : plaintext.length);
    assert.equal(sha256(endToEnd ? openBody(letter.ikm, report.body) : report.body), letter.manifest.sha256);
    const tail = await person.get(`${letter.path}/report`, { range: "bytes=-100001" });
    assert.ok(tail.body.equals((endToEnd ? letter.objects.body : plaintext).subarray(-100_001)));
  });
}

test("an upload in parts that goes wrong says why, and leaves no letter", async () => {
  const letter = seal(site.keyring, randomBytes(13 * MIB));
  const body = letter.objects.body;
  const { upload, parts } = await inParts(letter.letter, body, 6 * MIB);
  // A part that was never sent, a wrong tag, none at all, twice the same.
  assert.deepEqual(problem(await complete(letter.letter, upload, [...parts, { part: 9, etag: parts[0].etag }])), [422, "parts"]);
  assert.deepEqual(problem(await complete(letter.letter, upload, [{ ...parts[0], etag: "wrong" }, ...parts.slice(1)])), [422, "parts"]);
  for (const bad of ["", "{}", "[]", '{"parts":[{"part":"1"}]}', '{"parts":[{"part":70000,"etag":"x"}]}', "\u0000", "[".repeat(10_000)]) {
    const answer = await site.api("POST", `${letter.letter}/uploads/${upload}/complete`, { body: Buffer.from(bad), headers: { "content-length": Buffer.byteLength(bad) } });
    assert.deepEqual(problem(answer), [400, "part_list"], bad.slice(0, 20));
  }
  // Without the middle part it makes an object, but not this letter's.
  assert.equal((await complete(letter.letter, upload, [parts[0], parts[2]])).status, 201);
  const manifest = await site.api("PUT", `${letter.letter}/manifest`, { body: letter.objects.manifest });
  assert.deepEqual(problem(manifest), [422, "body_length"]);
  assert.match(json(manifest).detail, new RegExp(String(body.length)), "says how long it should be");
  assert.equal((await site.get(letter.path)).status, 404);
  // It is over: nothing more can be done with it.
  assert.deepEqual(problem(await part(letter.letter, upload, 1, randomBytes(10))), [404, "no_such_upload"]);
  assert.deepEqual(problem(await complete(letter.letter, upload, parts)), [404, "no_such_upload"]);
});

test("aborting, and uploads that never were", async () => {
  const letter = uuid7();
  const upload = await begin(letter);
  await part(letter, upload, 1, randomBytes(6 * MIB));
  const aborted = await site.api("DELETE", `${letter}/uploads/${upload}`);
  assert.deepEqual([aborted.status, aborted.body.length], [204, 0]);
  assert.deepEqual(problem(await part(letter, upload, 2, randomBytes(10))), [404, "no_such_upload"]);
  for (const made of ["x", "%00", "a".repeat(300), "..%2f..%2fother"]) {
    const answer = await part(letter, made, 1, randomBytes(10));
    assert.deepEqual(problem(answer), [404, "no_such_upload"], made.slice(0, 20));
    assert.deepEqual(problem(await site.api("DELETE", `${letter}/uploads/${made}`)), [404, "no_such_upload"], made.slice(0, 20));
    assert.deepEqual(problem(await complete(letter, made, [{ part: 1, etag: "x" }])), [404, "no_such_upload"], made.slice(0, 20));
  }
  for (const number of ["0", "10001", "-1", "1.5", "x", "", "65536"]) {
    assert.deepEqual(problem(await part(letter, upload, number, randomBytes(10))), [400, "part_number"], number);
  }
});

test("lengths must be told, and have limits", async () => {
  const letter = uuid7();
  const upload = await begin(letter);
  const chunked = { headers: { "transfer-encoding": "chunked" }, body: randomBytes(100) };
  for (const path of [`${letter}/body`, `${letter}/manifest`, `${letter}/uploads/${upload}/1`]) {
    assert.deepEqual(problem(await site.api("PUT", path, chunked)), [411, "length_required"], path);
  }
  assert.deepEqual(problem(await site.api("POST", `${letter}/uploads/${upload}/complete`, chunked)), [411, "length_required"]);
  assert.deepEqual(problem(await site.api("PUT", `${letter}/manifest`, { body: Buffer.alloc(65_537) })), [413, "manifest_too_large"]);
  assert.deepEqual(problem(await site.api("PUT", `${letter}/body`, { headers: { "content-length": 0 } })), [400, "empty"]);
});

test("a body that is sealed stays as it is", async () => {
  const letter = await site.put(randomBytes(5_000));
  const upload = `${letter.letter}/uploads`;
  const refused = [
    await site.api("PUT", `${letter.letter}/body`, { body: randomBytes(10) }),
    await site.api("DELETE", `${letter.letter}/body`),
    await site.api("POST", upload, { headers: { "content-length": 0 } }),
    await site.api("PUT", `${letter.letter}/manifest`, { body: sealManifest(site.keyring, { ...letter.manifest, subject: "Another" }) }),
  ];
  for (const answer of refused) assert.deepEqual(problem(answer), [409, "sealed_already"]);
  const person = site.browser();
  await person.consent(letter.path);
  assert.ok((await person.get(`${letter.path}/report`)).body.equals(letter.plaintext));
  // Before the manifest a body can be replaced and taken back.
  const other = seal(site.keyring, randomBytes(100));
  await site.api("PUT", `${other.letter}/body`, { body: randomBytes(999) });
  await site.api("PUT", `${other.letter}/body`, { body: other.objects.body });
  assert.equal((await site.api("DELETE", `${other.letter}/body`)).status, 204);
  assert.deepEqual(problem(await site.api("PUT", `${other.letter}/manifest`, { body: other.objects.manifest })), [422, "body_missing"]);
});

test("manifests that are refused, each with its reason", async () => {
  const letter = seal(site.keyring, randomBytes(5_000));
  await site.api("PUT", `${letter.letter}/body`, { body: letter.objects.body });
  const put = (body) => site.api("PUT", `${letter.letter}/manifest`, { body });
  const sealed = (change) => put(sealManifest(site.keyring, { ...letter.manifest, ...change }));
  const flipped = Buffer.from(letter.objects.manifest);
  flipped[40] ^= 1;
  const other = seal(site.keyring, randomBytes(10));
  const answers = {
    "a length too many": await sealed({ length: 5_001 }),
    "a length of nothing": await sealed({ length: 0 }),
    "a length beyond count": await sealed({ length: 2 ** 53 }),
    "a record size that no reader takes": await sealed({ record_size: 100 }),
    "an unknown version": await sealed({ v: 2 }),
    "an unknown format": await sealed({ format: "rot13" }),
    "an unknown mode": await sealed({ mode: "open" }),
    "another letter inside": await sealed({ letter: uuid7() }),
    "no subject": await sealed({ subject: "" }),
    "a subject of two lines": await sealed({ subject: "a\nb" }),
    "a media type that breaks headers": await sealed({ media_type: "text/plain\r\nx: y" }),
    "an end before its beginning": await sealed({ not_after: letter.manifest.issued_at }),
    "a flipped bit": await put(flipped),
    "another letter's": await put(other.objects.manifest),
    "cut short": await put(letter.objects.manifest.subarray(0, 20)),
    "an unknown key": await put(Buffer.concat([Buffer.from([1, 99]), letter.objects.manifest.subarray(2)])),
    "an unknown object version": await put(Buffer.concat([Buffer.from([9]), letter.objects.manifest.subarray(1)])),
  };
  for (const [what, answer] of Object.entries(answers)) {
    assert.equal(answer.status, 422, what);
    const { code, detail } = json(answer);
    assert.match(code, /^[a-z0-9_]+$/, what);
    assert.ok(detail.length > 10, what);
    assert.equal(answer.headers["content-type"], "application/problem+json");
  }
  assert.ok(new Set(Object.values(answers).map((answer) => json(answer).code)).size >= 8, "reasons differ");
  assert.equal((await site.get(letter.path)).status, 404);
  assert.equal((await put(letter.objects.manifest)).status, 201);
});

test("a bucket that fails: try again later, never half a letter", async () => {
  const letter = seal(site.keyring, randomBytes(5_000));
  for (const [method, path, body, fails] of [["PUT", "body", letter.objects.body, "put"], ["PUT", "body", letter.objects.body, "head"], ["POST", "uploads", "", "createMultipartUpload"]]) {
    const answer = await site.api(method, `${letter.letter}/${path}`, { body, headers: { "x-bucket": fails, "content-length": body.length } });
    assert.equal(answer.status, 503, `${path}: ${fails}`);
    assert.ok(Number(answer.headers["retry-after"]) > 0);
    assert.ok(!answer.body.includes("broken on purpose"), "the reason is for the log");
  }
  assert.equal((await site.api("PUT", `${letter.letter}/body`, { body: letter.objects.body })).status, 201);
  for (const fails of ["put", "head"]) {
    assert.equal((await site.api("PUT", `${letter.letter}/manifest`, { body: letter.objects.manifest, headers: { "x-bucket": fails } })).status, 503);
    assert.equal((await site.get(letter.path)).status, 404);
  }
  assert.equal((await site.api("PUT", `${letter.letter}/manifest`, { body: letter.objects.manifest })).status, 201);
  const person = site.browser();
  await person.consent(letter.path);
  for (const [method, fails] of [["HEAD", "head"], ["GET", "get"]]) {
    const answer = await person.send(method, `${letter.path}/report`, { headers: { "x-bucket": fails } });
    assert.equal(answer.status, 503, fails);
    assert.ok(Number(answer.headers["retry-after"]) > 0);
    if (method === "GET") assert.match(answer.body.toString(), /service@garage-vermeer\.example/);
  }
  await site.logged(/"code":"bucket_get".*"level":"error"/); // it says which operation it was
  assert.equal((await person.get(`${letter.path}/report`)).status, 200);
});
