// `waxseal guard` against a real edge: rules, and what the API says of clients and bans.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { forged } from "./lib/guard.mjs";
import { startSite, until } from "./lib/site.mjs";

const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");

let site, letter, folder, keys;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "waxseal-guard-cli-"));
  site = await startSite("guard-cli", { guard: { refresh_seconds: 1 } });
  letter = await site.put(Buffer.from("a report"));
  keys = join(folder, "keyring.json");
  writeFileSync(keys, JSON.stringify(site.keyring), { mode: 0o600 });
});
after(async () => {
  await site?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs `waxseal guard` and answers its exit status and what it said. */
function guard(...args) {
  const env = { ...process.env, NO_COLOR: "1" };
  return new Promise((resolve) => {
    execFile(BIN, ["guard", ...args], { cwd: ROOT, env }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stdout, stderr });
    });
  });
}
const onEdge = (...args) => guard(...args, "--url", site.url, "--keys", keys);

async function json(said) {
  const { code, stdout, stderr } = await said;
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test("rules: pushed, in force, refused, rolled back", { timeout: 240_000 }, async () => {
  const from = { address: "203.0.113.9" };
  const file = join(folder, "rules.toml");
  writeFileSync(file, '[[deny]]\naddress = "203.0.113.9"\nnote = "Case 12"\n');
  const open = async () => (await site.get(letter.path, {}, from)).status;
  const differs = await onEdge("diff", file);
  assert.match(differs.stdout, /against the defaults:\n\+ deny network 203\.0\.113\.9 \(line 1\), "Case 12"/);
  assert.equal(await open(), 200);
  const pushed = await onEdge("push", file);
  assert.equal(pushed.code, 0, pushed.stderr);
  assert.match(pushed.stdout, /in force/);
  assert.equal(await open(), 404);
  assert.equal((await onEdge("pull")).stdout, readFileSync(file, "utf8"));

  // The edge explains, with the line and the note of the rule.
  const explained = await onEdge("explain", "203.0.113.9");
  assert.equal(explained.code, 0, explained.stderr);
  assert.match(explained.stdout, /line 1\b/);
  assert.match(explained.stdout, /Case 12/);

  // What wrangler puts unseen is refused by the publisher, and the rules before it stay.
  writeFileSync(file, 'profil = "strict"\n');
  const refused = await guard("check", file);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr + refused.stdout, /1:1.*profil/);
  const wrangler = [join(ROOT, "node_modules/wrangler/bin/wrangler.js"), "kv", "key", "put", "guard/rules", "--path", file, "--binding", "GUARD", "--local", "--persist-to", site.state];
  const env = { ...process.env, WRANGLER_WRITE_LOGS: "false", WRANGLER_HIDE_BANNER: "true", CI: "1" };
  await until(
    () => new Promise((resolve) => execFile(process.execPath, wrangler, { cwd: ROOT, env }, (error) => resolve(!error))),
  );
  const status = await until(async () => {
    const said = await onEdge("status");
    return said.code === 1 && said;
  }, { within: 60_000 });
  assert.match(status.stdout, /Refused: .*\n +line 1, column 1: .*profil/);
  assert.equal(await open(), 404, "the last good rules stay");

  writeFileSync(file, "# nobody is denied\n");
  assert.equal((await onEdge("push", file)).code, 0);
  assert.equal(await open(), 200);
  const back = await onEdge("rollback");
  assert.equal(back.code, 0, back.stderr);
  assert.equal(await open(), 404);
  assert.match((await onEdge("history")).stdout, /^ +3 .* in force\n +2 .*\n +1 /);
  const late = await onEdge("push", file, "--if-version", "2", "--json");
  assert.deepEqual([late.code, JSON.parse(late.stderr).error.code], [1, "rules_changed"]);
});

test("bans: watched, listed, explained, lifted, made by hand", { timeout: 120_000 }, async () => {
  const watch = spawn(BIN, ["guard", "watch", "--json", "--url", site.url, "--keys", keys], { env: { ...process.env, NO_COLOR: "1" } });
  const seen = [];
  createInterface({ input: watch.stdout }).on("line", (line) => seen.push(JSON.parse(line)));
  const ended = new Promise((resolve) => watch.once("exit", resolve));
  try {
    const from = { address: "192.0.2.77" };
    await site.get(forged(), {}, from);
    await site.get(forged(), {}, from);
    await until(() => seen.some((event) => event.target === "192.0.2.77" && event.kind === "banned"));
    const list = await json(onEdge("bans", "list", "--json"));
    assert.ok(JSON.stringify(list).includes("192.0.2.77"));
    const explained = await onEdge("explain", "192.0.2.77");
    assert.match(explained.stdout, /forged/);

    assert.equal((await onEdge("unban", "192.0.2.77")).code, 0);
    await until(async () => (await site.get(letter.path, {}, from)).status === 200);
    assert.equal((await onEdge("ban", "192.0.2.0/24")).code, 0);
    await until(() => seen.some((event) => event.target === "192.0.2.0/24" && event.kind === "banned_by_ops"));
    assert.equal((await onEdge("ban", "192.0.2.300")).code, 2, "no address");
  } finally {
    watch.kill("SIGINT");
  }
  assert.equal(await ended, 130);
});

test("counts: what is held, and what dry run would have changed", async () => {
  const said = await onEdge("counts");
  assert.equal(said.code, 0, said.stderr);
  assert.match(said.stdout, /banned until/);
  assert.match(said.stdout, /dry run/);
});

test("a wrong key is told as such, and says nothing of the guard", async () => {
  const other = join(folder, "other.json");
  const secret = Buffer.alloc(32, 9).toString("base64");
  writeFileSync(other, JSON.stringify({ active: 1, keys: [{ id: 1, secret }] }), { mode: 0o600 });
  const said = await guard("explain", "192.0.2.1", "--url", site.url, "--keys", other);
  assert.equal(said.code, 1);
  assert.match(said.stderr, /does not hold the active key/);
});
