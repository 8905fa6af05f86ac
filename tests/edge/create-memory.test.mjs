// Flat memory: the edge's memory does not grow with the size of a report that it seals. The local bucket is in the same process, and
// is counted along.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { created } from "./lib/create.mjs";
import { startSite } from "./lib/site.mjs";

const MIB = 1024 * 1024;
const LIMIT_MIB = 48;

let site;
before(async () => (site = await startSite("create-memory")));
after(() => site?.stop());

/** Resident memory of the edge, in MiB. */
const resident = () => (Number(readFileSync(`/proc/${site.pid}/statm`, "utf8").split(" ")[1]) * 4_096) / MIB;

/** Creates a letter of so many bytes; answers the highest memory seen meanwhile, and the seconds it took. */
async function peakOf(bytes) {
  const report = randomBytes(bytes);
  const began = performance.now();
  let peak = resident();
  const watch = setInterval(() => (peak = Math.max(peak, resident())), 5);
  const answer = await created(site, { report });
  clearInterval(watch);
  assert.equal(answer.status, 201, answer.body.toString());
  return [Math.max(peak, resident()), (performance.now() - began) / 1_000];
}

test("60 MB: the edge's memory stays flat", { skip: process.platform !== "linux" }, async () => {
  // Enough to fill every buffer that there is.
  let baseline = 0;
  for (let round = 0; round < 4; round += 1) baseline = Math.max(baseline, (await peakOf(16 * MIB))[0]);
  const [peak, seconds] = await peakOf(60_000_000);
  console.log(`baseline ${baseline.toFixed(0)} MiB, peak ${peak.toFixed(0)} MiB, ${(60 / seconds).toFixed(0)} MB/s`);
  assert.ok(peak - baseline < LIMIT_MIB, `grew by ${(peak - baseline).toFixed(1)} MiB`);
});
