// A ban that was answered holds, whenever the runtime dies.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { freshAddress } from "./lib/addresses.mjs";
import { damaged, forged, startGuarded } from "./lib/guard.mjs";
import { until } from "./lib/site.mjs";

const VISIT = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64)", "sec-fetch-mode": "navigate", "sec-fetch-site": "none" };
let site, letter;
before(async () => {
  site = await startGuarded("guard-durability");
  letter = await site.put(randomBytes(2_000));
});
after(() => site?.stop());

test("SIGKILL right after a ban, before anything was published: it is on disk, and holds after the restart", async () => {
  await site.get(letter.path, VISIT);
  for (let round = 0; round < 3; round += 1) {
    const address = freshAddress();
    await site.get("/.env", VISIT, { address });
    await site.barred(letter, { address }); // the sentinel answered
    await site.crash();
    assert.ok(rows() >= 1, "on disk before anything runs again");
    await site.restart();
    // Nobody strikes again: what the sentinel knew goes into a snapshot by itself.
    await site.barred(letter, { address });
    const ban = (await site.bans()).find(({ target }) => target === address);
    assert.equal(ban.reason, "honeypot");
    assert.equal((await site.get(letter.path, VISIT)).status, 200);
  }
});

test("points, bans by hand and what was lifted survive as well", async () => {
  const [watched, lifted, striker] = Array.from({ length: 3 }, freshAddress);
  for (let number = 0; number < 5; number += 1) await site.get(damaged(letter, number), VISIT, { address: watched });
  await site.get("/.env", VISIT, { address: lifted });
  await site.banned(lifted);
  await site.ban("203.0.113.0/25");
  await site.lift(lifted);
  await site.get(forged(), VISIT, { address: striker });
  const known = async (address) => (await site.explain(address)).sentinel;
  await until(async () => (await known(watched)).strikes === 5 && (await known(striker)).strikes === 1);
  const before = { watched: await known(watched), lifted: await known(lifted), striker: await known(striker) };
  await site.crash();
  await site.restart();
  await site.get(letter.path, VISIT);
  const again = { watched: await known(watched), lifted: await known(lifted), striker: await known(striker) };
  for (const [who, was] of Object.entries(before)) {
    const { points, ...more } = again[who];
    assert.ok(Math.abs(points - was.points) < 0.1, who);
    assert.deepEqual({ ...more, points: was.points }, was, who);
  }
  assert.equal((await site.get(letter.path, VISIT, { address: lifted })).status, 200);
  await until(async () => (await site.explain("203.0.113.9")).standing === "network_banned");
  assert.ok((await site.events()).some(({ kind, target }) => kind === "lifted" && target === lifted));
});

test("SIGKILL while strikes are on their way: whole rows or none, and the guard goes on", async () => {
  const addresses = Array.from({ length: 60 }, freshAddress);
  const calls = addresses.flatMap((address, index) => [index % 2 ? "/.env" : forged(), forged()].map((path) => site.get(path, VISIT, { address }).catch(() => undefined)));
  await Promise.race(calls);
  await site.crash();
  await Promise.allSettled(calls);
  await site.restart();
  await site.get(letter.path, VISIT);
  for (const { target, until: end, reason } of await site.bans()) assert.ok(target && end > Date.now() / 1000 && reason);
  const late = freshAddress();
  await site.get("/.env", VISIT, { address: late });
  await site.barred(letter, { address: late });
  await site.published(late);
});

test("rules survive, and so does their history", async () => {
  const accepted = await site.accepted('[[deny]]\naddress = "203.0.113.200"\n');
  await site.crash();
  await site.restart();
  await site.refused(letter, { address: "203.0.113.200" });
  assert.deepEqual((await site.guard()).rules, accepted.rules);
  assert.equal((await site.call("GET", "/api/v1/guard/rules/history")).history[0].sha256, accepted.rules.sha256);
});

test("SIGKILL while rules are put: the old ones or the new ones hold, everywhere the same, and the push can be repeated", async () => {
  await site.accepted("# before\n");
  for (const wait of [0, 5, 20, 60]) {
    const { rules } = await site.guard();
    const text = `[[deny]]\naddress = "203.0.113.201"\n# ${wait}\n`;
    const put = site.rules(text, { "if-match": `"${rules.version}"` }).catch(() => undefined);
    await setTimeout(wait);
    await site.crash();
    const answered = await put;
    await site.restart();
    const { rules: found } = await site.guard();
    assert.ok(found.version === rules.version + 1 || (found.version === rules.version && !answered), `${wait}: ${found.version} after ${rules.version}`);
    // The alarm finishes what was decided.
    if (found.version > rules.version) await until(async () => (await site.kv.get("guard/rules"))?.toString() === text && (await site.kv.json("guard/status")).rules.version === found.version);
    const again = await site.rules(text, { "if-match": `"${rules.version}"` });
    assert.deepEqual([again.status, again.version], [200, rules.version + 1]);
    assert.equal((await site.get(letter.path, VISIT, { address: "203.0.113.201" })).status, 404);
    await site.accepted(`# after ${wait}\n`);
  }
});

/** Rows of our own tables in all sentinels' files. */
function rows() {
  const folder = join(site.state, "v3/do");
  let sum = 0;
  for (const file of readdirSync(folder, { recursive: true }).filter((name) => /Sentinel/.test(name) && name.endsWith(".sqlite") && !/metadata/.test(name))) {
    const db = new DatabaseSync(join(folder, file), { readOnly: true });
    for (const { name } of db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'").all()) {
      sum += db.prepare(`SELECT count(*) AS rows FROM "${name}"`).get().rows;
    }
    db.close();
  }
  return sum;
}
