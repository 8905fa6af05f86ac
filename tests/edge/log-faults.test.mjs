// The log when things fail: the bucket, the process, files that somebody changed, settings that no longer fit.

import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { someLeaf, startLogged } from "./lib/log-front.mjs";
import { newKeyring } from "./lib/seal.mjs";
import { until } from "./lib/site.mjs";
import { readVkey, signedBy, tilePath, tilesOf } from "./lib/tlog.mjs";

const evidence = { origin: "letters.example/log" };
const leaves = (count) => Array.from({ length: count }, someLeaf);
let site;
before(async () => (site = await startLogged("log-faults", { evidence, keyring: newKeyring() })));
after(() => site?.stop());

test("a first attempt that failed half way is no log that was forgotten", async () => {
  await site.breaks({ puts: 0, of: "log/tile/entries/000" });
  await site.add(leaves(300));
  await site.logShows(({ fault }) => fault);
  const names = await site.bucket.names();
  assert.deepEqual(names.filter((name) => name.startsWith("log/tile/entries/")), ["log/tile/entries/001.p/44"]);
  await site.crash();
  await site.restart();
  await site.published(300);
  await site.verified();
});

test("the bucket fails in the middle: no entry is lost, nothing is signed, and then it goes on by itself", async () => {
  const first = (await site.add(leaves(3))).at(-1);
  const before = await site.published(first + 1);
  for (const modes of [{ puts: 0 }, { puts: 1 }, { puts: 3 }, { puts: 0, of: "log/tile/entries" }]) {
    const { size, signed } = await site.log();
    await site.breaks(modes);
    const numbers = await site.add(leaves(300));
    const broken = await site.logShows(({ fault }) => fault);
    assert.deepEqual([broken.fault.code, broken.size, broken.signed, broken.pending], ["log_put", size, signed, 300], JSON.stringify(modes));
    assert.match((await site.prove([numbers[0]])).failed, /log_put/, "no proof either");
    assert.equal((await site.checkpoint()).size, size, "what is public stays");
    assert.deepEqual(await site.add(leaves(1)), [numbers.at(-1) + 1], "entries are taken all the same");
    await site.breaks({});
    await site.published(numbers.at(-1) + 2);
    assert.equal((await site.logShows(({ pending }) => pending === 0)).fault, null);
    await site.verified();
  }
  // Only the checkpoint fails: it is signed, and published later.
  await site.breaks({ puts: 0, of: "log/checkpoint" });
  const [number] = await site.add(leaves(1));
  const unpublished = await site.logShows(({ fault }) => fault);
  assert.equal(unpublished.size, number + 1);
  assert.equal((await site.checkpoint()).size, number);
  await site.breaks({});
  await site.published(number + 1);
  await site.verified();
  assert.ok((await site.checkpoint()).size > before.size);
});

test("a bucket that never answers holds up neither entries nor the next attempt", { timeout: 60_000 }, async () => {
  await site.breaks({ puts: 0, hang: true });
  const [number] = await site.add(leaves(1));
  const status = await site.logShows(({ fault }) => fault);
  assert.equal(status.fault.code, "log_bucket_silent");
  await site.add(leaves(1));
  await site.breaks({});
  await site.published(number + 2);
  await site.verified();
});

test("a checkpoint that the bucket writes late, after a newer one, takes nothing's place", { timeout: 60_000 }, async () => {
  await site.breaks({ hold: "log/checkpoint" });
  const [number] = await site.add(leaves(1));
  const { fault } = await site.logShows(({ fault }) => fault && fault);
  assert.equal(fault.code, "log_bucket_silent", "it was given up");
  await site.breaks({});
  await site.add(leaves(1));
  const { size } = await site.published(number + 2);
  const { landed } = await site.breaks({ release: true });
  assert.ok(landed.length > 0 && landed.every((changed) => !changed), JSON.stringify(landed));
  assert.equal((await site.checkpoint()).size, size);
  await site.verified();
});

test("SIGKILL at any moment: what got a number keeps it, each entry is in the log once, and no checkpoint contradicts another", { timeout: 240_000 }, async () => {
  const acknowledged = new Map();
  const offered = [];
  const give = async (batch) => {
    const numbers = await site.ask("AddEntries", { leaves: batch }).catch(() => undefined);
    if (!Array.isArray(numbers)) return;
    batch.forEach((leaf, at) => {
      const hex = leaf.toString("hex");
      assert.ok(!acknowledged.has(hex) || acknowledged.get(hex) === numbers[at], "the number that it had");
      acknowledged.set(hex, numbers[at]);
    });
  };
  for (let round = 0; round < 6; round += 1) {
    await site.breaks({ slow: 20 });
    let running = true;
    const busy = (async () => {
      while (running) {
        const batch = leaves(1 + Math.floor(Math.random() * 40));
        offered.push(...batch);
        await give(batch);
        await site.ask("ProveEntries", { entries: [0] }).catch(() => {});
        await site.checkpoint().catch(() => {});
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 2_000));
    const crashed = site.crash();
    running = false;
    await Promise.all([crashed, busy]);
    await site.restart();
    // As the ledgers' outboxes do: everything that has no answer is offered again, and some that has.
    const again = offered.filter((leaf) => !acknowledged.has(leaf.toString("hex")) || Math.random() < 0.1);
    for (let at = 0; at < again.length; at += 100) await give(again.slice(at, at + 100));
    await site.checkpoint();
  }
  const status = await site.logShows(({ pending, fault }) => pending === 0 && fault === null);
  await site.published(status.size);
  const { entries } = await site.verified();
  const hexes = entries.map((entry) => entry.toString("hex"));
  assert.equal(new Set(hexes).size, hexes.length, "none twice");
  for (const leaf of offered) assert.equal(hexes[acknowledged.get(leaf.toString("hex"))], leaf.toString("hex"));
  console.log(`6 crashes, ${offered.length} entries, ${site.shown.size} checkpoints, all consistent`);
});

test("a file that was changed in the bucket is noticed: nothing is signed until it is what it was", { timeout: 180_000 }, async () => {
  const flipped = (bytes, at) => Buffer.from(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)));
  // Wherever the kills have left the log: there is something in the last bundle to be changed, and it does not become full on the way.
  const { size: before } = await site.log();
  const wanted = 256 + 16 - (before % 256);
  for (let left = wanted; left > 0; left -= 100) await site.add(leaves(Math.min(left, 100)));
  for (const [row, change, code] of [
    [0, (bytes) => flipped(bytes, 5), "log_entries_differ"],
    ["entries", (bytes) => flipped(bytes, 40), "log_entries_differ"],
    [1, (bytes) => flipped(bytes, 5), "log_wrong_root"],
    [0, (bytes) => bytes.subarray(32), "tile_length"],
    [0, (bytes) => Buffer.concat([bytes, randomBytes(100_000)]), "log_file_too_large"],
    ["entries", () => undefined, "tile_missing"],
  ]) {
    const [last] = (await site.add(leaves(2))).slice(-1);
    const { size } = await site.published(last + 1);
    const { signed } = await site.log();
    assert.ok(size > 256 && size % 256 > 0, "there are partial tiles");
    const path = `log/${tilesOf(row, size).at(-1).path}`;
    const genuine = await site.bucket.get(path);
    const changed = change(genuine);
    if (changed) await site.bucket.put(path, changed);
    else await site.bucket.delete(path);
    // A sequencer that keeps the tree's edge in memory looks at it when it starts.
    await site.crash();
    await site.restart();
    const [number] = await site.add(leaves(1));
    assert.equal(number, size, "entries are taken all the same");
    const status = await site.logShows(({ fault }) => fault);
    assert.deepEqual([status.fault.code, status.size, status.signed], [code, size, signed], path);
    await site.logged(new RegExp(`"code":"${code}".*"level":"error"`));
    assert.equal((await site.prove([0])).failed, code);
    assert.equal((await site.checkpoint()).size, size);
    // As before, and it goes on by itself with what had been waiting.
    await site.bucket.put(path, genuine);
    await site.published(size + 1);
    assert.equal((await site.log()).fault, null);
  }
  await site.verified();
});

test("a full tile that was changed gives no proof", async () => {
  const path = `log/${tilePath(0, 0)}`;
  const genuine = await site.bucket.get(path);
  await site.bucket.put(path, Buffer.concat([randomBytes(32), genuine.subarray(32)]));
  assert.match((await site.prove([1])).failed, /proof_wrong_root/);
  assert.equal((await site.log()).fault.code, "proof_wrong_root");
  await site.bucket.put(path, genuine);
  assert.equal((await site.prove([1])).proofs.length, 1);
  assert.equal((await site.log()).fault, null);
});

test("a checkpoint that was put back in the bucket is put right, and said", async () => {
  const older = [...site.shown.values()].sort((a, b) => a.size - b.size)[0];
  const newest = await site.checkpoint();
  assert.ok(older.size < newest.size);
  for (const bytes of [older.bytes, Buffer.from("no checkpoint\n"), undefined]) {
    if (bytes) await site.bucket.put("log/checkpoint", bytes);
    else await site.bucket.delete("log/checkpoint");
    await site.crash();
    await site.restart();
    const [number] = await site.add(leaves(1));
    await until(async () => (await site.get("/log/checkpoint")).body.toString().startsWith(`letters.example/log\n${number + 1}\n`));
    await site.logged(/"event":"log_checkpoint_replaced","level":"error"/);
  }
  await site.verified();
});

test("a key that was rotated: both sign, each reader finds the one he has, and the log goes on", async () => {
  const { vkey: [old], size } = await site.log();
  const [fresh] = newKeyring().keys;
  const end = Math.floor(Date.now() / 1000) + 3_600;
  await site.crash();
  const keys = [{ ...fresh, id: 8 }, ...site.keyring.keys.map((key) => ({ ...key, not_after: end }))];
  await site.restart({ keyring: { active: 8, keys } });
  // Without a new entry: looking is enough.
  const { vkey } = await site.logShows(({ checkpoint }) => checkpoint.trimEnd().split("\n\n")[1].split("\n").length === 2);
  assert.equal(vkey.length, 2);
  assert.equal(vkey[1], old);
  const again = await (async () => {
    for (;;) {
      const checkpoint = await site.checkpoint(vkey[0]).catch(() => undefined);
      if (checkpoint) return checkpoint;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  assert.equal(again.size, size);
  for (const key of vkey) assert.equal(signedBy(again.note, readVkey(key)).length, 1);
  const [number] = await site.add(leaves(1));
  const { note } = await site.published(number + 1);
  for (const key of vkey) assert.equal(signedBy(note, readVkey(key)).length, 1);
  assert.equal(note.signatures[0].id.toString("hex"), readVkey(vkey[0]).id.toString("hex"), "the active one first");
  await site.verified();
});

test("the log's name never changes: another in the settings is refused, clearly, and nothing is lost by setting it back", async () => {
  const { size } = await site.log();
  await site.crash();
  await site.restart({ evidence: { origin: "elsewhere.example/log" } });
  assert.match((await site.ask("AddEntries", { leaves: [leaves(1)[0]] })).failed, /log_origin_changed/);
  assert.match((await site.prove([0])).failed, /log_origin_changed/);
  const status = await site.log();
  assert.deepEqual([status.origin, status.size, status.fault.code], [evidence.origin, size, "log_origin_changed"]);
  await site.logged(/the log's name is letters\.example\/log, and SITE\.log\.origin says elsewhere\.example\/log/);
  await site.crash();
  await site.restart({ evidence });
  const [number] = await site.add(leaves(1));
  assert.equal(number, size);
  await site.published(size + 1);
  assert.equal((await site.log()).fault, null);
  await site.verified();
});

test("an object that lost its memory does not begin a second history over the first", async () => {
  const { size } = await site.checkpoint();
  const checkpoint = await site.bucket.get("log/checkpoint");
  await site.crash();
  const folder = join(site.state, "v3/do");
  const files = readdirSync(folder, { recursive: true }).filter((name) => /Sequencer/.test(name) && /\.sqlite/.test(name));
  assert.ok(files.length > 0);
  for (const file of files) rmSync(join(folder, file));
  await site.restart();
  assert.deepEqual(await site.add(leaves(1)), [0]);
  const status = await site.logShows(({ fault }) => fault);
  assert.deepEqual([status.fault.code, status.size], ["log_rolled_back", 0]);
  assert.equal((await site.checkpoint()).size, size, "what is public stays");
  assert.match((await site.prove([0])).failed, /log_rolled_back/);

  // Nor when the checkpoint is gone as well: there are its tiles. After a failure it waits before it tries again.
  const said = (line) => until(() => line.test(site.edge.output()), { within: 60_000 });
  for (const bytes of [undefined, Buffer.from("no checkpoint\n")]) {
    if (bytes) await site.bucket.put("log/checkpoint", bytes);
    else await site.bucket.delete("log/checkpoint");
    await site.crash();
    await site.restart();
    await site.add(leaves(1));
    await said(/"code":"log_rolled_back","detail":"the bucket has tiles/);
    assert.equal((await site.log()).size, 0);
  }
  // Its key may have been retired since.
  await site.bucket.put("log/checkpoint", checkpoint);
  for (const { path } of tilesOf("entries", size)) await site.bucket.delete(`log/${path}`);
  await site.crash();
  const [fresh] = newKeyring().keys;
  const over = Math.floor(Date.now() / 1000) - 3_600;
  const retired = site.keyring.keys.map((key) => ({ ...key, not_after: over }));
  await site.restart({ keyring: { active: 9, keys: [{ ...fresh, id: 9 }, ...retired] } });
  await site.add(leaves(1));
  await said(/"code":"log_rolled_back","detail":"the bucket's checkpoint has/);
});
