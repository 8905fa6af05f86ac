// The evidence log on workerd: entries in order, tiles, checkpoints, and how everybody reads them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { encode } from "./lib/messages.mjs";
import { someLeaf, startLogged } from "./lib/log-front.mjs";
import { until } from "./lib/site.mjs";
import { leafHash, openCheckpoint, readLog, readVkey, rootFromInclusion, tilePath } from "./lib/tlog.mjs";

let site;
before(async () => (site = await startLogged("log")));
after(() => site?.stop());

test("before the first entry there is a name and a key, and no checkpoint", async () => {
  const status = await site.log();
  assert.deepEqual({ ...status, vkey: status.vkey.length }, {
    origin: "localhost/log", vkey: 1, size: 0, signed: null, checkpoint: null, pending: 0, witnesses: [], fault: null,
  });
  assert.equal(readVkey(status.vkey[0]).name, "localhost/log");
  assert.equal(await site.checkpoint(), undefined);
});

test("entries get numbers in order, the same one the same number, and are in a signed tree within seconds", async () => {
  const [first, second] = [Array.from({ length: 5 }, someLeaf), Array.from({ length: 3 }, someLeaf)];
  assert.deepEqual(await site.add(first), [0, 1, 2, 3, 4]);
  assert.deepEqual(await site.add([]), []);
  assert.deepEqual(await site.add([first[3], ...second, first[0], second[0]]), [3, 5, 6, 7, 0, 5]);
  const { size } = await site.published(8);
  assert.equal(size, 8);
  const { entries } = await site.verified();
  assert.deepEqual(entries, [...first, ...second]);
  const status = await site.log();
  assert.deepEqual([status.size, status.pending, status.fault], [8, 0, null]);
  assert.ok(Date.now() - status.signed < 10_000);
  assert.equal(status.checkpoint, (await site.checkpoint()).bytes.toString());
});

test("a proof is there at once, with a checkpoint that covers the entry", async () => {
  const leaves = Array.from({ length: 300 }, someLeaf);
  const numbers = await site.add(leaves);
  const [{ checkpoint, proofs }, again] = await Promise.all([site.prove([numbers[299], 2, numbers[0]]), site.prove([0])]);
  const { vkey } = await site.log();
  const opened = openCheckpoint(Buffer.from(checkpoint), readVkey(vkey[0]));
  assert.ok(opened.size >= 308);
  site.shown.set(opened.text, opened);
  const hashes = (proof) => Array.from({ length: proof.length / 32 }, (_, at) => Buffer.from(proof.slice(32 * at, 32 * at + 32)));
  assert.ok(rootFromInclusion(leafHash(leaves[299]), numbers[299], opened.size, hashes(proofs[0])).equals(opened.root));
  assert.ok(rootFromInclusion(leafHash(leaves[0]), numbers[0], opened.size, hashes(proofs[2])).equals(opened.root));
  assert.equal(proofs.length, 3);
  assert.equal(again.proofs.length, 1);
  await site.published(308);
  await site.verified();
  assert.match((await site.prove([999_999])).failed, /no_such_entry/);
  assert.equal((await site.prove([])).proofs.length, 0);
});

test("everybody reads the log, banned or not; what is no file of it is silent", async () => {
  const address = "203.0.113.77";
  const status = await site.log();
  const files = ["checkpoint", tilePath(0, 0), tilePath("entries", 0), tilePath(0, 1, status.size - 256), tilePath(1, 0, 1)];
  const caches = ["public, no-cache", /immutable/, /immutable/, "public, max-age=300", "public, max-age=300"];
  const free = [];
  for (const [at, file] of files.entries()) {
    const answer = await site.get(`/log/${file}`, {}, { address });
    assert.equal(answer.status, 200, file);
    assert.match(answer.headers["cache-control"], new RegExp(caches[at]));
    assert.equal(answer.headers["x-content-type-options"], "nosniff");
    const head = await site.send("HEAD", `/log/${file}`, { address });
    assert.deepEqual([head.status, head.body.length, head.headers["content-length"]], [200, 0, answer.headers["content-length"]]);
    free.push(answer.body);
  }
  // Guessing links gets the address banned.
  const standing = async () => JSON.parse((await site.get(`/api/v1/guard/explain?address=${address}`, { authorization: `Bearer ${site.apiKey}` })).body).standing;
  for (let guess = 0; guess < 40 && (await standing()) !== "address_banned"; guess += 1) await site.get(`/.env${guess}`, {}, { address });
  await until(async () => (await standing()) === "address_banned");
  const silence = await site.get("/nothing", {}, { address });
  assert.equal(silence.status, 404);
  for (const [at, file] of files.entries()) {
    const answer = await site.get(`/log/${file}`, {}, { address });
    assert.ok(answer.status === 200 && answer.body.equals(free[at]), `${file} is the same for a banned client`);
  }
  // A tile that there could be and is not, and what no log has.
  const shape = ({ status, headers, body }) => JSON.stringify([status, { ...headers, date: "" }, body.toString()]);
  for (const path of ["tile/0/999", "tile/7/000.p/9", "tile/entries/x001/000", "tile/0/1", "tile/0/000.p/256", "tile/64/000", "", "../letters", "tile/0/000/", "%63heckpoint"]) {
    const answer = await site.get(`/log/${path}`);
    assert.equal(shape(answer), shape(silence), path);
  }
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const answer = await site.send(method, "/log/checkpoint", { headers: { "content-length": 0 } });
    assert.equal(answer.status, 404, method);
  }
  assert.equal((await site.get("/api/v1/log")).status, 404, "the status needs the key");
});

test("two events in one slot are both in the log, and ops are told", async () => {
  const slot = Buffer.alloc(32, 7);
  const [one, two] = [someLeaf({ slot }), someLeaf({ slot })];
  const [first] = await site.add([one]);
  const [second] = await site.add([two]);
  assert.equal(second, first + 1);
  assert.deepEqual(await site.add([two, one]), [second, first], "each still has its number");
  await site.logged(new RegExp(`"entry":${second},"event":"history_forked","level":"error"`));
  await site.published(second + 1);
  const { entries } = await site.verified();
  assert.ok(entries[first].equals(one) && entries[second].equals(two));
});

test("proofs that are asked for at once do not get in each other's way", async () => {
  const numbers = await site.add(Array.from({ length: 20 }, someLeaf));
  await site.breaks({ slow: 50, keys: true, reset: true });
  const proved = await Promise.all(numbers.map((number) => site.prove([number])));
  const { keys } = await site.breaks({});
  const { vkey: [vkey] } = await site.log();
  for (const { checkpoint } of proved) {
    const opened = openCheckpoint(Buffer.from(checkpoint), readVkey(vkey));
    assert.ok(opened.size > numbers.at(-1));
    site.shown.set(opened.text, opened);
  }
  const tiles = keys.filter((key) => key.startsWith("log/tile"));
  assert.equal(new Set(tiles).size, tiles.length, "each tile was written once");
  await site.published(numbers.at(-1) + 1);
  await site.verified();
});

test("what is no entry is refused, and takes no number", async () => {
  const { size, pending } = await site.log();
  const good = someLeaf();
  const [none, zero, two] = [[], [0], [2]].map((bytes) => Buffer.from(bytes));
  for (const bad of [none, zero, good.subarray(1), Buffer.concat([two, good.subarray(1)]), Buffer.concat([good, zero])]) {
    assert.match((await site.ask("AddEntries", { leaves: [good, bad] })).failed, /malformed_entry/, bad.toString("hex"));
  }
  // A message of another version, or none at all, is refused as what it is, and what it says is not repeated.
  const message = encode({ leaves: [good] });
  assert.match((await site.ask("AddEntries", Buffer.concat([two, message.subarray(1)]))).failed, /object_version/);
  for (const bad of [none, message.subarray(0, -1), encode({ leafs: [good] }), encode({ leaves: [{}] })]) {
    assert.match((await site.ask("AddEntries", bad)).failed, /^object_message$/, bad.toString("hex"));
  }
  assert.match((await site.ask("RemoveEntries", message)).failed, /object_request/);
  assert.match((await site.ask("AddEntries", { leaves: Array.from({ length: 4097 }, () => good) })).failed, /too_many_entries/);
  const after = await site.log();
  assert.equal(after.size + after.pending, size + pending);
});

test("thousands of entries: slices, full tiles, and how fast", async () => {
  // Whoever takes the log up does not know which partial tiles there are.
  await site.crash();
  await site.restart();
  const before = await site.log();
  const batches = Array.from({ length: 20 }, () => Array.from({ length: 500 }, someLeaf));
  await site.breaks({ reset: true });
  const began = performance.now();
  let numbers = [];
  for (const batch of batches) numbers = numbers.concat(await site.add(batch));
  const added = performance.now();
  assert.deepEqual(numbers, numbers.map((_, at) => before.size + before.pending + at));
  await site.prove([numbers.at(-1)]);
  const proved = performance.now();
  const counts = await site.breaks({});
  await site.published(numbers.at(-1) + 1);
  const { entries } = await site.verified();
  assert.deepEqual(numbers.map((number) => entries[number]), batches.flat());
  const puts = Object.values(counts.put).reduce((sum, n) => sum + n, 0);
  // Partial tiles go when full ones are there; who asks for one by an older checkpoint gets it all the same.
  const outgrown = (names) => names.filter((name) => /\.p\/\d+$/.test(name) && names.includes(name.replace(/\.p\/\d+$/, "")));
  await until(async () => outgrown(await site.bucket.names()).length === 0);
  const older = [...site.shown.values()].filter(({ size }) => size < 256);
  assert.ok(older.length > 0);
  for (const { size } of older) {
    const read = async (path) => {
      const answer = await site.get(`/log/${path}`);
      assert.deepEqual([answer.status, answer.headers["cache-control"]], [200, "public, max-age=300"], path);
      return answer.body;
    };
    const log = await readLog(size, read);
    assert.deepEqual(log.entries, entries.slice(0, size));
  }
  console.log(`10,000 entries: added in ${Math.round(added - began)} ms, in the tree ${Math.round(proved - added)} ms later; ${puts} writes to the bucket`);
});
