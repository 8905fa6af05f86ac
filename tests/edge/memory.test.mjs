// Flat memory: the edge's memory does not grow with the size of a letter, in either mode.
//
// 300 MB each way; WAXSEAL_BIG=1 makes it 1 GB. The body is made while it is read (see `MADE_BODIES`).

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { MADE_BODIES } from "./lib/backdoor.mjs";
import { bodyParts, edgeKey, hkdf, mintToken, sealManifest, uuid7 } from "./lib/seal.mjs";
import { startSite } from "./lib/site.mjs";

const MIB = 1024 * 1024;
const SIZE = process.env.WAXSEAL_BIG ? 1_000_000_000 : 300_000_000;
const WARM_UP = 24_000_000;
// Garbage is collected when the machine gets round to it; a report that was held would be three times this.
const LIMIT_MIB = 96;
const RECORD = 65_536;
const STEP = RECORD - 17;

let site;
before(async () => (site = await startSite("memory", { wrap: MADE_BODIES })));
after(() => site?.stop());

/** Zeros; every record begins with its number, as the bucket makes it. */
function plaintext(from, to) {
  const out = Buffer.alloc(to - from);
  out.writeUInt32BE(from / STEP);
  return out;
}

/** A letter of `size` bytes, and the digest of what its report must be. */
async function letterOf(size, endToEnd) {
  const letter = uuid7();
  const ikm = endToEnd ? randomBytes(16) : edgeKey(site.keyring, letter);
  const sums = { plain: createHash("sha256"), body: createHash("sha256") };
  const parts = bodyParts(ikm, size, RECORD, (from, to) => {
    const bytes = plaintext(from, to);
    sums.plain.update(bytes);
    return bytes;
  });
  const header = parts.next().value;
  sums.body.update(header);
  for (const record of parts) sums.body.update(record);
  const salt = header.subarray(0, 16);
  const hex = (info, length) => hkdf(ikm, salt, `Content-Encoding: ${info}\0`, length).toString("hex");
  const about = { key: `letters/${letter}/body`, header: header.toString("hex"), cek: hex("aes128gcm", 16), base: hex("nonce", 12), length: size, recordSize: RECORD };
  assert.equal((await site.send("PUT", "/__body", { body: JSON.stringify(about) })).status, 200);

  const now = Math.floor(Date.now() / 1000);
  const sha256 = sums.plain.digest("hex");
  const manifest = {
    v: 1, letter, format: "aes128gcm", mode: endToEnd ? "end-to-end" : "edge-opened", record_size: RECORD, length: size, sha256,
    media_type: "application/octet-stream", file_name: "big.bin", subject: "A large report", issued_at: now - 1, not_after: now + 3_600,
  };
  const whole = await site.api("PUT", `${letter}/manifest`, { body: sealManifest(site.keyring, manifest) });
  assert.equal(whole.status, 201, whole.body.toString());
  const token = mintToken(site.keyring, letter, manifest.not_after);
  site.remember(token);
  return { path: `/${token}`, expected: endToEnd ? sums.body.digest("hex") : sha256 };
}

/** Downloads, and answers the digest of what came and the highest memory seen on the way, in MiB. */
async function download(letter) {
  const person = site.browser();
  await person.consent(letter.path);
  const hash = createHash("sha256");
  let peak = resident();
  let since = 0;
  const answer = await person.send("GET", `${letter.path}/report`, {
    onData: (chunk) => {
      hash.update(chunk);
      since += chunk.length;
      if (since < 4 * MIB) return;
      since = 0;
      peak = Math.max(peak, resident());
    },
  });
  assert.ok(answer.whole && answer.status === 200);
  return { digest: hash.digest("hex"), peak: Math.max(peak, resident()) };
}

/** Resident memory of the edge, in MiB. */
const resident = () => (Number(readFileSync(`/proc/${site.pid}/statm`, "utf8").split(" ")[1]) * 4_096) / MIB;

for (const endToEnd of [true, false]) {
  const mode = endToEnd ? "end to end" : "edge-opened";
  test(`${SIZE / 1e6} MB ${mode}: the edge's memory stays flat`, { skip: process.platform !== "linux" }, async () => {
    // The warm-up: enough to fill every buffer there is, four times over.
    const small = await letterOf(WARM_UP, endToEnd);
    let baseline = 0;
    for (let round = 0; round < 4; round += 1) {
      const { digest, peak } = await download(small);
      assert.equal(digest, small.expected);
      baseline = Math.max(baseline, peak);
    }
    assert.ok(baseline > 10, "workerd was found");
    const big = await letterOf(SIZE, endToEnd);
    const began = performance.now();
    const { digest, peak } = await download(big);
    const seconds = (performance.now() - began) / 1000;
    assert.equal(digest, big.expected);
    const grown = peak - baseline;
    console.log(`${mode}: ${SIZE / 1e6} MB, baseline ${baseline.toFixed(0)} MiB, peak ${peak.toFixed(0)} MiB, grown ${grown.toFixed(1)} MiB, ${(SIZE / 1e6 / seconds).toFixed(0)} MB/s`);
    assert.ok(grown < LIMIT_MIB, `grew by ${grown.toFixed(1)} MiB`);
  });
}
