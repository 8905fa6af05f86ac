// The command line on wrangler's local store while an edge runs on it. A small worker stands in for the publisher: it looks
// at guard/rules when it is told to, and writes status and history as the publisher does.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ROOT, startEdge } from "../../scripts/lib/edge.mjs";

const run = promisify(execFile);
const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");
const WRANGLER = join(ROOT, "node_modules/.bin/wrangler");

const PUBLISHER = `
const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
let clock = 1700000000;
export default {
  async fetch(request, { GUARD }) {
    if (new URL(request.url).pathname !== "/look") return new Response(await GUARD.get("guard/rules") ?? "none");
    const text = await GUARD.get("guard/rules");
    if (text === null) return new Response("nothing");
    const sha256 = hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
    const at = clock += 60;
    const before = JSON.parse(await GUARD.get("guard/status") ?? "{}");
    let rules = before.rules ?? null, refused = null;
    if (text.includes("wrong")) {
      refused = { sha256, at, faults: [{ line: 1, column: 3, message: "this is wrong" }] };
    } else if (rules?.sha256 !== sha256) {
      const history = (rules?.history ?? 0) + 1;
      rules = { sha256, accepted_at: at, entries: text.split("[[").length - 1, history };
      await GUARD.put("guard/history/" + String(history).padStart(8, "0"), text, { metadata: { sha256, accepted_at: at } });
    }
    const status = { version: 1, at, generation: 2, base: 1, profile: "balanced", rules, refused };
    await GUARD.put("guard/status", JSON.stringify(status));
    return new Response("looked");
  },
};
`;
const CONFIG = `
name = "publisher"
main = "publisher.mjs"
compatibility_date = "2026-11-01"
send_metrics = false
[[kv_namespaces]]
binding = "GUARD"
id = "0123456789abcdef0123456789abcdef"
`;

let home, edge, looking;
before(async () => {
  home = mkdtempSync(join(tmpdir(), "waxseal-guard-"));
  mkdirSync(join(home, "tmp"));
  mkdirSync(join(home, "home"));
  writeFileSync(join(home, "publisher.mjs"), PUBLISHER);
  writeFileSync(join(home, "wrangler.toml"), CONFIG);
  edge = await startEdge({ state: join(home, "state"), keyring: "{}", config: join(home, "wrangler.toml") });
});
after(async () => {
  clearInterval(looking);
  await edge?.stop();
  rmSync(home, { recursive: true, force: true });
});

/** Lets the publisher look now and then, or not. */
function publisher(looks) {
  clearInterval(looking);
  if (looks) looking = setInterval(() => void fetch(`${edge.url}/look`).catch(() => {}), 500);
}

/** Runs the command line in the site's folder, with nothing of the environment but where programs are. */
async function guard(...args) {
  const env = { PATH: process.env.PATH, HOME: join(home, "home"), TMPDIR: join(home, "tmp"), WAXSEAL_WRANGLER: WRANGLER };
  const { code = 0, stdout, stderr } = await run(BIN, ["guard", ...args, "--local", "state"], { cwd: home, env }).catch((error) => error);
  return { code, stdout, stderr };
}
const ok = async (...args) => {
  const ran = await guard(...args);
  assert.equal(ran.code, 0, ran.stderr + ran.stdout);
  return ran;
};

// Both ends of lines, a last line without one, quotes, and letters beyond ASCII.
const FIRST = '# Größe "1"\r\n[[allow]]\r\naddress = "198.51.100.20"\nnote = "d\'été \\" 漢"';
const SECOND = '[[deny]]\nasn = 64500\n';

test("rules go from a file into force and back while the edge runs", { timeout: 300_000 }, async () => {
  writeFileSync(join(home, "first.toml"), FIRST);
  writeFileSync(join(home, "second.toml"), SECOND);

  const silent = await guard("status", "--json");
  assert.equal(silent.code, 1);
  assert.equal(JSON.parse(silent.stderr).error.code, "guard_silent");
  assert.match((await ok("diff", "second.toml")).stdout, /against the defaults.*\n\+ deny asn 64500/);

  publisher(true);
  assert.match((await ok("push", "first.toml")).stdout, /^first\.toml is in force\.\nIn force: 1 entry/);
  assert.equal(await (await fetch(edge.url)).text(), FIRST, "what the edge reads is what the file says");
  await ok("push", "second.toml");

  assert.equal((await ok("pull")).stdout, SECOND);
  await ok("rollback", "--to", "1");
  assert.equal((await ok("pull")).stdout, FIRST);
  const { history } = JSON.parse((await ok("history", "--json")).stdout);
  assert.deepEqual(history.map(({ number, in_force }) => [number, in_force]), [[3, true], [2, false], [1, false]]);
  assert.equal(history[0].sha256, history[2].sha256);
});

test("what was put by another way and is refused is seen, and undone", { timeout: 300_000 }, async () => {
  publisher(true);
  writeFileSync(join(home, "wrong.toml"), "# wrong in the eyes of the publisher\n");
  const refused = await guard("push", "wrong.toml");
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /line 1, column 3: this is wrong\nIn force: 1 entry/);
  const status = await guard("status");
  assert.equal(status.code, 1);
  assert.match(status.stdout, /Refused: the rules in the store[^]*line 1, column 3: this is wrong/);
  assert.equal((await ok("pull", "--in-force")).stdout, FIRST);
  await ok("rollback");
  assert.match((await ok("status")).stdout, /^In force: 1 entry/);
});

test("a store that the edge is writing to is read and written all the same", { timeout: 300_000 }, async () => {
  publisher(false);
  let busy = true;
  const load = (async () => {
    while (busy) await (await fetch(`${edge.url}/look`)).arrayBuffer();
  })();
  try {
    await ok("push", "second.toml");
  } finally {
    busy = false;
    await load;
  }
});

test("nothing is left behind", () => {
  assert.deepEqual(readdirSync(join(home, "tmp")), []);
  const logs = readdirSync(join(home, "home"), { recursive: true }).filter((name) => /\.log$/.test(name));
  assert.deepEqual(logs, [], "wrangler kept no log");
  assert.equal(readFileSync(join(home, "first.toml"), "utf8"), FIRST);
});
