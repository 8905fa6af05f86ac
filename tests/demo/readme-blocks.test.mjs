// Every `sh` block of README.md, docs/DEPLOY.md and docs/OPERATE.md is run, in their order and in one shell, from an empty folder,
// against a demo of its own. What needs an account, a network or an hour is named below with how it is checked instead; a block
// that is neither fails.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT, freePort } from "../../scripts/lib/edge.mjs";
import { remember, rememberLink } from "../../scripts/lib/remember.mjs";

const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");
const HERE = "http://127.0.0.1:8787";

/** Lines that are not run, by what they begin with. Everything else is. */
const ELSEWHERE = [
  [/^waxseal doctor\b/, "an edge on this machine is no deployment as it should be; tests/edge/doctor.test.mjs runs it"],
  [/^\.\/scripts\/demo\b/, "this test starts the demo itself; demo.test.mjs runs the script"],
  [/^\.\/scripts\/test\b/, "this test is run by it"],
  [/^cargo install --path crates\/cli --locked\b/, "takes minutes and the network; that Cargo.lock is whole is checked below"],
];
/** Programs that need an account, and a build of an hour: a stand-in notes how it is called. readme.test.mjs checks the options. */
const STUBS = ["scripts/wrangler", "scripts/build"];
/** What the reader brings along, as the README says. */
const BRINGS = {
  "access.log": '192.0.2.7 - - [22/Nov/2026:08:00:00 +0000] "GET /robots.txt HTTP/1.1" 200 26 "-" "Mozilla/5.0"\n',
};

const readme = ["README.md", "docs/DEPLOY.md", "docs/OPERATE.md"].map((name) => readFileSync(join(ROOT, name), "utf8")).join("\n");
const blocks = [...readme.matchAll(/^( *)```sh\n([^]*?)^ *```/gm)].map(([, indent, block], at) => ({
  at: at + 1,
  lines: block.replaceAll(new RegExp(`^${indent}`, "gm"), "").replaceAll("\\\n", " ").trim().split("\n"),
}));

let place;
let demo;
let url;
before(async () => {
  place = mkdtempSync(join(tmpdir(), "waxseal-readme-"));
  const port = await freePort();
  const args = [join(ROOT, "scripts/lib/demo.mjs"), "--folder", join(place, ".waxseal/demo"), "--port", String(port)];
  demo = spawn(process.execPath, args, { env: { ...process.env, WAXSEAL_BIN: BIN }, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  await new Promise((resolve, reject) => {
    const hear = (data) => /Stop: {5}/.test((text += data)) && resolve();
    demo.stdout.on("data", hear);
    demo.stderr.on("data", hear);
    demo.once("close", () => reject(new Error(text)));
  });
  url = `http://127.0.0.1:${port}`;
  for (const [link] of text.matchAll(/http:\/\/127\.0\.0\.1:\d+\/[0-9a-z]{66}/g)) rememberLink(link);
  // A minter is copied into the backend: "Copy one file".
  mkdirSync(join(place, "examples"));
  for (const name of ["mint.py", "mint.mjs", "mint.php"]) cpSync(join(ROOT, "examples", name), join(place, "examples", name));
  mkdirSync(join(place, "bin"));
  symlinkSync(BIN, join(place, "bin/waxseal"));
  for (const [name, content] of Object.entries(BRINGS)) writeFileSync(join(place, name), content);
  for (const name of STUBS) {
    mkdirSync(dirname(join(place, name)), { recursive: true });
    writeFileSync(join(place, name), `#!/bin/sh\necho "${name} $*" >>calls\ncase "$*" in secret*) cat >secret ;; esac\n`);
    chmodSync(join(place, name), 0o700);
  }
});
after(async () => {
  if (demo && demo.exitCode === null) {
    const closed = new Promise((resolve) => demo.once("close", resolve));
    demo.kill("SIGTERM");
    await closed;
  }
  if (place) rmSync(place, { recursive: true, force: true });
});

test("every block runs as it is written", { timeout: 300_000 }, async () => {
  assert.ok(blocks.length >= 10, `${blocks.length} blocks`);
  const skipped = new Set();
  const script = ["set -euo pipefail"];
  for (const { at, lines } of blocks) {
    script.push(`echo "== block ${at}"`);
    for (const line of lines) {
      const found = ELSEWHERE.find(([pattern]) => pattern.test(line));
      if (found) skipped.add(found);
      // Only the host is another one.
      else script.push(line.replaceAll(HERE, url).replaceAll("https://letters.example", url));
    }
  }
  assert.deepEqual(ELSEWHERE.filter((one) => !skipped.has(one)).map(String), [], "no block has these any more");
  const env = { PATH: `${join(place, "bin")}:${process.env.PATH}`, HOME: process.env.HOME, PYTHONDONTWRITEBYTECODE: "1", NO_COLOR: "1" };
  const child = spawn("bash", ["-c", script.join("\n")], { cwd: place, env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said += data));
  const code = await new Promise((resolve) => child.once("close", resolve));
  for (const [link] of said.matchAll(/http:\/\/127\.0\.0\.1:\d+\/[0-9a-z]{66}/g)) rememberLink(link);
  for (const [, secret] of said.matchAll(/"secret":"([^"]+)"/g)) remember(secret);
  assert.equal(code, 0, said);

  // What the blocks promise.
  assert.match(said, /Inspection|passed/);
  assert.equal(readFileSync(join(place, "copy.txt"), "utf8"), "Your car passed its inspection.\n");
  const secret = JSON.parse(readFileSync(join(place, "secret"), "utf8"));
  assert.deepEqual(secret, JSON.parse(readFileSync(join(place, ".waxseal/keyring.json"), "utf8")), "what the edge would get");
  remember(...secret.keys.map((key) => key.secret));
  const calls = readFileSync(join(place, "calls"), "utf8").trim().split("\n");
  for (const call of ["r2 bucket create waxseal-letters", "kv namespace create GUARD", "scripts/build", "deploy --dry-run", "secret put WAXSEAL_KEYS"]) {
    assert.ok(calls.some((line) => line.includes(call)), `${call}: ${calls.join("; ")}`);
  }
});

test("Cargo.lock is whole, so that `--locked` works, and the README says so", async () => {
  assert.match(readme, /cargo install --path crates\/cli --locked .*minutes/);
  const child = spawn("cargo", ["metadata", "--locked", "--offline", "--format-version", "1"], { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (data) => (said += data));
  assert.equal(await new Promise((resolve) => child.once("close", resolve)), 0, said);
});
