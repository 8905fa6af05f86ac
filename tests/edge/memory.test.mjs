// Flat memory: the edge's memory does not grow with the size of a letter, in either mode.
//
// 300 MB each way; WAXSEAL_BIG=1 makes it 1 GB.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { bodyParts, edgeKey, mintToken, sealManifest, uuid7 } from "./lib/seal.mjs";
import { startSite } from "./lib/site.mjs";

const MIB = 1024 * 1024;
const SIZE = process.env.WAXSEAL_BIG ? 1_000_000_000 : 300_000_000;
const LIMIT_MIB = 64;
const PART = 16 * MIB;
const BLOCK = randomBytes(MIB);

let site;
before(async () => (site = await startSite("memory")));
after(() => site?.stop());

/** The plaintext from `from` to `to`: one random block over and over, each time with its number in front. */
function plaintext(from, to) {
  const out = Buffer.alloc(to - from);
  for (let at = from; at < to; ) {
    const block = Math.floor(at / MIB);
    const start = at - block * MIB;
    const length = Math.min(MIB - start, to - at);
    BLOCK.copy(out, at - from, start, start + length);
    for (let byte = start; byte < Math.min(start + length, 4); byte += 1) out[at - from + byte - start] = (block >>> (8 * byte)) & 255;
    at += length;
  }
  return out;
}

/** Seals and uploads `size` bytes in parts, holding one part at a time. */
async function upload(size, endToEnd) {
  const letter = uuid7();
  const ikm = endToEnd ? randomBytes(16) : edgeKey(site.keyring, letter);
  const json = (answer) => JSON.parse(answer.body);
  const id = json(await site.desk("POST", `${letter}/uploads`, { headers: { "content-length": 0 } })).upload;
  const parts = [];
  const sums = { plain: createHash("sha256"), body: createHash("sha256") };
  let pending = [];
  let held = 0;
  const send = async (bytes) => {
    const answer = await site.desk("PUT", `${letter}/uploads/${id}/${parts.length + 1}`, { body: bytes });
    assert.equal(answer.status, 200, answer.body.toString());
    parts.push({ part: parts.length + 1, etag: json(answer).etag });
  };
  const read = (from, to) => {
    const bytes = plaintext(from, to);
    sums.plain.update(bytes);
    return bytes;
  };
  for (const record of bodyParts(ikm, size, 65_536, read)) {
    sums.body.update(record);
    pending.push(record);
    held += record.length;
    if (held < PART) continue;
    const all = Buffer.concat(pending);
    await send(all.subarray(0, PART));
    pending = [all.subarray(PART)];
    held -= PART;
  }
  if (held > 0) await send(Buffer.concat(pending));
  const done = await site.desk("POST", `${letter}/uploads/${id}/complete`, { body: JSON.stringify({ parts }) });
  assert.equal(done.status, 201, done.body.toString());
  const now = Math.floor(Date.now() / 1000);
  const sha256 = sums.plain.digest("hex");
  const manifest = {
    v: 1, letter, format: "aes128gcm", mode: endToEnd ? "end-to-end" : "edge-opened", record_size: 65_536, length: size, sha256,
    media_type: "application/octet-stream", file_name: "big.bin", subject: "A large report", issued_at: now - 1, not_after: now + 3_600,
  };
  const whole = await site.desk("PUT", `${letter}/manifest`, { body: sealManifest(site.keyring, manifest) });
  assert.equal(whole.status, 201, whole.body.toString());
  const token = mintToken(site.keyring, letter, manifest.not_after);
  site.remember(token);
  return { path: `/${token}`, size: json(done).size, expected: endToEnd ? sums.body.digest("hex") : sha256 };
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

/** Resident memory of the edge's workerd processes together, in MiB. */
function resident() {
  let pages = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(group) !== site.pid || !stat.includes("(workerd)")) continue;
      pages += Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    } catch {
      // The process ended meanwhile.
    }
  }
  return (pages * 4_096) / MIB;
}

for (const endToEnd of [false, true]) {
  const mode = endToEnd ? "end to end" : "edge-opened";
  test(`${SIZE / 1e6} MB ${mode}: the edge's memory stays flat`, { skip: process.platform !== "linux" }, async () => {
    const big = await upload(SIZE, endToEnd);
    // The warm-up: a letter large enough to fill every buffer there is.
    const small = await upload(24_000_000, endToEnd);
    let baseline = 0;
    for (let round = 0; round < 2; round += 1) {
      const { digest, peak } = await download(small);
      assert.equal(digest, small.expected);
      baseline = Math.max(baseline, peak);
    }
    assert.ok(baseline > 10, "workerd was found");
    const began = performance.now();
    const { digest, peak } = await download(big);
    const seconds = (performance.now() - began) / 1000;
    assert.equal(digest, big.expected);
    const grown = peak - baseline;
    console.log(`${mode}: ${SIZE / 1e6} MB, baseline ${baseline.toFixed(0)} MiB, peak ${peak.toFixed(0)} MiB, grown ${grown.toFixed(1)} MiB, ${(SIZE / 1e6 / seconds).toFixed(0)} MB/s`);
    assert.ok(grown < LIMIT_MIB, `grew by ${grown.toFixed(1)} MiB`);
  });
}
