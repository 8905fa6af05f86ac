// Witnesses (C2SP tlog-witness): asked for every checkpoint, remembered, and never waited for.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { someLeaf, startLogged } from "./lib/log-front.mjs";
import { newKeyring } from "./lib/seal.mjs";
import { until } from "./lib/site.mjs";
import { openCheckpoint, readVkey, signedBy } from "./lib/tlog.mjs";
import { startWitness } from "./lib/witness.mjs";

const leaves = (count) => Array.from({ length: count }, someLeaf);
let site, good, other, log;
before(async () => {
  [good, other] = [await startWitness("good.example/witness"), await startWitness("other.example/witness")];
  const witnesses = [good, other].map(({ vkey, url }) => ({ key: vkey, url }));
  site = await startLogged("log-witness", { keyring: newKeyring(), evidence: { origin: "letters.example/log", witnesses } });
  const { vkey } = await site.log();
  log = readVkey(vkey[0]);
  for (const witness of [good, other]) witness.logs = [log];
});
after(async () => {
  await site?.stop();
  await good?.stop();
  await other?.stop();
});

const cosigned = (checkpoint, ...witnesses) => witnesses.every(({ vkey }) => signedBy(checkpoint.note, readVkey(vkey)).length === 1);
/** Waits for a public checkpoint of at least so many entries with the cosignatures of these. */
const publishedBy = (size, ...witnesses) => until(async () => {
  const checkpoint = await site.checkpoint();
  return checkpoint?.size >= size && cosigned(checkpoint, ...witnesses) && checkpoint;
});
const state = async ({ vkey }) => (await site.log()).witnesses.find(({ name }) => name === readVkey(vkey).name);

test("every checkpoint is cosigned within seconds, growing from the one before", async () => {
  for (const count of [1, 4, 300]) {
    const numbers = await site.add(leaves(count));
    const checkpoint = await publishedBy(numbers.at(-1) + 1, good, other);
    const [{ at }] = signedBy(checkpoint.note, readVkey(good.vkey));
    assert.ok(Math.abs(at - Date.now() / 1000) < 20);
  }
  assert.deepEqual(good.requests.map(({ status }) => status), good.requests.map(() => 200));
  assert.deepEqual(good.requests.slice(1).map(({ old }) => old), good.requests.slice(0, -1).map(({ size }) => size));
  const { size, fault } = await state(good);
  assert.deepEqual([size, fault], [305, null]);
  await site.verified();
});

test("whoever exports evidence gets the cosignatures with the proof", async () => {
  const [number] = await site.add(leaves(1));
  const { checkpoint } = await site.prove([number]);
  assert.ok(cosigned(openCheckpoint(Buffer.from(checkpoint), log), good, other));
});

test("a witness that was put back to an older state gets a proof from there", async () => {
  const old = { ...good.seen };
  const [number] = await site.add(leaves(2));
  await publishedBy(number + 2, good);
  good.seen = old;
  const [next] = await site.add(leaves(1));
  await publishedBy(next + 1, good, other);
  const [conflict, last] = good.requests.slice(-2);
  assert.deepEqual([conflict.status, last.status, last.old], [409, 200, old.size]);
});

test("a witness that fails in any way holds nothing up; the other one's cosignature goes out", { timeout: 240_000 }, async () => {
  for (const [behave, code] of [
    [422, "witness_inconsistent"],
    [403, "witness_unknown_key"],
    [404, "witness_unknown_log"],
    [500, "witness_status"],
    [302, "witness_status"],
    [async (answer) => ({ ...answer, body: "nonsense" }), "witness_malformed"],
    [async (answer) => ({ ...answer, body: answer.body?.replace("good", "evil") }), "witness_not_cosigned"],
    [async (answer) => ({ ...answer, status: 409, body: `${2 ** 40}\n` }), "witness_ahead"],
    [async (answer) => ({ ...answer, status: 409, body: "0\n" }), "witness_conflict"],
    [async () => new Promise(() => {}), "witness_silent"],
  ]) {
    // As new: the pause after a failure is for the tests of pauses.
    await until(async () => (await state(good)).fault === null);
    const seen = { ...good.seen };
    good.behave = behave;
    const began = Date.now();
    const [number] = await site.add(leaves(1));
    await publishedBy(number + 1, other);
    assert.ok(Date.now() - began < 4_500, `${code}: not after the witness's time was over`);
    await until(async () => (await state(good)).fault === code, { within: 15_000 });
    assert.equal((await site.log()).fault, null, "the log itself is well");
    await site.logged(new RegExp(`"code":"${code}".*"event":"witness_failed","level":"error"`));
    good.seen = seen;
    good.behave = undefined;
    // It is asked again by itself, and catches up.
    await publishedBy(number + 1, good, other);
  }
  await site.verified();
});

test("what a witness saw is remembered through a crash", async () => {
  const [number] = await site.add(leaves(1));
  await publishedBy(number + 1, good, other);
  await site.crash();
  await site.restart();
  assert.equal((await state(good)).size, number + 1);
  const before = good.requests.length;
  const [next] = await site.add(leaves(1));
  await publishedBy(next + 1, good, other);
  assert.deepEqual(good.requests.slice(before).map(({ old, status }) => [old, status]), [[number + 1, 200]]);
});

test("a log that was forked is not cosigned, and ops are told", { timeout: 60_000 }, async () => {
  // The witness saw another tree of the same size under the same name: as if the operator had shown it a second history.
  good.seen = { ...good.seen, root: Buffer.alloc(32, 1) };
  const [number] = await site.add(leaves(1));
  await publishedBy(number + 1, other);
  await until(async () => (await state(good)).fault === "witness_inconsistent");
  assert.equal(good.requests.at(-1).status, 422);
  assert.ok(!cosigned(await site.checkpoint(), good));
});

test("a witness that is gone altogether", { timeout: 60_000 }, async () => {
  await other.stop();
  const [number] = await site.add(leaves(1));
  await site.published(number + 1);
  await until(async () => (await state(other)).fault === "witness_down");
  const began = Date.now();
  await site.prove([number]);
  assert.ok(Date.now() - began < 3_000, "one that is known to fail is not waited for");
});
