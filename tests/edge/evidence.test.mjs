// What happened to a letter, handed out and verified: by our command line, and by a program that shares no code with it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { verifyFolder } from "../../examples/verify.mjs";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { LANGUAGES } from "./lib/languages.mjs";
import { logKey } from "./lib/log.mjs";
import { startSite } from "./lib/site.mjs";

const run = promisify(execFile);
const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");
const ORIGIN = "localhost/log";
const REPORT = Buffer.from("The clutch slips. ".repeat(9_000));

let site;
let folder;
let vkey;
before(async () => {
  site = await startSite("evidence");
  folder = mkdtempSync(join(tmpdir(), "waxseal-evidence-"));
  vkey = logKey(site.keyring, ORIGIN).vkey;
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await site?.stop();
});

/** The command line, with this site's keys. `{ code, out, err }`. */
async function waxseal(...args) {
  const env = { PATH: process.env.PATH, HOME: folder, WAXSEAL_KEYS: JSON.stringify(site.keyring) };
  try {
    const { stdout, stderr } = await run(BIN, args, { env, cwd: folder, maxBuffer: 64 << 20 });
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    return { code: error.code, out: error.stdout, err: error.stderr };
  }
}

const path = (name) => join(folder, name);
const verify = (name, ...more) => waxseal("evidence", "verify", path(name), "--key", vkey, ...more);

/** Exports, and unpacks beside it with another program. */
async function exported(letter, name, ...more) {
  const done = await waxseal("evidence", "export", letter.letter, "-o", path(`${name}.zip`), "--url", site.url, ...more);
  assert.equal(done.code, 0, done.err);
  mkdirSync(path(name));
  await run("python3", ["-c", "import sys,zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])", path(`${name}.zip`), path(name)]);
  return done;
}

const files = (name) => readdirSync(path(name), { recursive: true }).filter((file) => statSync(join(path(name), file)).isFile()).sort();

describe("a letter that was read and taken back", () => {
  let letter;
  let reader;
  before(async () => {
    letter = await site.put(REPORT);
    reader = site.browser({ "accept-language": "nl" });
    await reader.consent(letter.path);
    assert.equal((await reader.get(`${letter.path}/report`)).body.length, REPORT.length);
    await reader.submit(letter.path, "withdraw");
  });

  test("its bundle verifies with our program and with another", async () => {
    const done = await exported(letter, "whole");
    assert.match(done.err, /proved to be in the log localhost\/log/);
    assert.match(done.err, /hand it on with care/);
    assert.equal(statSync(path("whole.zip")).mode & 0o777, 0o600);
    for (const input of ["whole.zip", "whole"]) {
      const { code, out, err } = await verify(input);
      assert.equal(code, 0, err);
      assert.match(out, /^The evidence holds\./);
      assert.match(out, new RegExp(`Letter  ${letter.letter}`));
      assert.match(out, /The details open, each for its own event\./);
      assert.match(out, /1 receipt says the same as the events\./);
      assert.match(out, /4 certificates say the same as the events\./);
    }
    const said = JSON.parse((await verify("whole.zip", "--json")).out);
    const kinds = said.events.map(({ kind }) => kind);
    for (const kind of ["sealed", "opened", "notice_shown", "consent_given", "report_streamed", "consent_withdrawn"]) assert.ok(kinds.includes(kind), kind);
    assert.equal(kinds.at(-1), "evidence_exported");
    assert.equal(verifyFolder(path("whole"), vkey), kinds.length);
    assert.deepEqual((await site.kinds(letter)).filter((kind) => kind === "evidence_exported"), ["evidence_exported"]);
  });

  test("an existing file is not overwritten, and then nothing is recorded", async () => {
    const before = await site.kinds(letter);
    const done = await waxseal("evidence", "export", letter.letter, "-o", path("whole.zip"), "--url", site.url);
    assert.equal(done.code, 2);
    assert.deepEqual(await site.kinds(letter), before);
  });

  test("whatever is touched is named", async () => {
    const names = files("whole");
    for (const name of names) {
      const bytes = readFileSync(join(path("whole"), name));
      for (const at of [0, Math.floor(bytes.length / 3), Math.floor((bytes.length * 2) / 3), bytes.length - 1]) {
        const touched = Buffer.from(bytes);
        touched[at] ^= 1;
        writeFileSync(join(path("whole"), name), touched);
        const { code, out } = await verify("whole", "--json");
        assert.equal(code, 1, `${name}, byte ${at}`);
        const { file, words } = JSON.parse(out).broken;
        // A line that claims to be another event's may be found where it is missed.
        const about = file === name || (name === "bundle.json" && ["events.jsonl", "readable.txt"].includes(file)) || (name === "letter.key" && file === "events.jsonl") || (name === "checkpoint" && file.startsWith("proofs/"));
        assert.ok(about, `${name}, byte ${at}: ${file}: ${words}`);
      }
      writeFileSync(join(path("whole"), name), bytes);
      assert.equal((await verify("whole")).code, 0, name);
    }
    assert.ok(names.length > 12);
  });

  test("another key is not the log's", async () => {
    const other = logKey({ ...site.keyring, keys: [{ ...site.keyring.keys[0], secret: Buffer.alloc(32, 9).toString("base64") }] }, ORIGIN, site.keyring.keys[0].id).vkey;
    const { code, err } = await waxseal("evidence", "verify", path("whole.zip"), "--key", other);
    assert.equal(code, 1);
    assert.match(err, /checkpoint/);
    assert.equal((await waxseal("evidence", "verify", path("whole.zip"), "--key", `${vkey}x`)).code, 2);
  });

  test("a network that is down is not false evidence: what holds without it is said, and what could not be asked", async () => {
    const { code, out, err } = await verify("whole.zip", "--url", "http://127.0.0.1:1");
    assert.equal(code, 2);
    assert.match(out, /^The evidence holds\./);
    assert.match(out, /Not checked:[^]*The log as it is served now: http:\/\/127\.0\.0\.1:1 could not be reached/);
    assert.match(err, /could not be reached/);
    // Nor is a site that is another one.
    const other = createServer((_, answer) => answer.writeHead(404).end());
    await new Promise((listens) => other.listen(0, "127.0.0.1", listens));
    const elsewhere = await verify("whole.zip", "--url", `http://127.0.0.1:${other.address().port}`, "--json");
    other.close();
    const said = JSON.parse(elsewhere.out);
    assert.deepEqual([elsewhere.code, said.holds, said.served], [2, true, null]);
    assert.equal(JSON.parse(elsewhere.err).error.code, "log_file_missing");
    // But a log that shows what it signed and not what that is of is not believed.
    const hiding = async (path) => {
      const mirror = createServer(async ({ url }, answer) => {
        const found = path(url) ? undefined : await fetch(site.url + url);
        answer.writeHead(found?.status ?? 404).end(found && Buffer.from(await found.arrayBuffer()));
      });
      await new Promise((listens) => mirror.listen(0, "127.0.0.1", listens));
      const done = await verify("whole.zip", "--url", `http://127.0.0.1:${mirror.address().port}`, "--json");
      mirror.close();
      return { code: done.code, ...JSON.parse(done.out) };
    };
    const hidden = await hiding((url) => url.includes("/tile/entries/"));
    assert.deepEqual([hidden.code, hidden.holds, hidden.broken.code], [1, false, "log_file_missing"]);
    assert.equal((await hiding(() => false)).code, 0);
  });

  test("the command line names the key that the site signs with", async () => {
    const { out } = await waxseal("evidence", "key", "--origin", ORIGIN);
    assert.equal(out.split("\n")[0], vkey);
    const status = await waxseal("evidence", "status", "--url", site.url);
    assert.equal(status.code, 0, status.err);
    assert.ok(status.out.includes(vkey));
  });

  test("certificates are there in four languages, run nothing and hold nothing personal", async () => {
    for (const lang of LANGUAGES) {
      const page = readFileSync(join(path("whole"), `certificate-${lang}.html`), "utf8");
      assert.match(page, new RegExp(`<html lang="${lang}">`));
      for (const named of [letter.letter, "Garage Vermeer", vkey]) assert.ok(page.includes(named), named);
      assert.ok(!/<script|<link|src=|https?:\/\/(?!www\.w3\.org)/.test(page.replaceAll(/<blockquote>[^]*?<\/blockquote>/g, "")), lang);
      for (const personal of ["Test browser", reader.from.address, letter.token]) assert.ok(!page.includes(personal), personal);
      const made = await waxseal("evidence", "certificate", path("whole.zip"), "--key", vkey, "--lang", lang, "-o", path(`made-${lang}.html`));
      assert.equal(made.code, 0, made.err);
      assert.equal(readFileSync(path(`made-${lang}.html`), "utf8"), page);
    }
  });

  test("without details it verifies, and shows none", async () => {
    await exported(letter, "bare", "--without-details");
    assert.ok(!files("bare").includes("letter.key"));
    const { code, out } = await verify("bare.zip");
    assert.equal(code, 0);
    assert.match(out, /the key was withheld/);
    assert.ok(!readFileSync(join(path("bare"), "readable.txt"), "utf8").includes("Test browser"));
  });

  test("an older checkpoint and the whole log say the same", async () => {
    writeFileSync(path("older"), readFileSync(join(path("whole"), "checkpoint")));
    const other = await site.put(REPORT);
    await site.browser().get(other.path);
    await exported(letter, "newer");
    const { code, out, err } = await verify("newer.zip", "--older", path("older"), "--url", site.url);
    assert.equal(code, 0, err);
    assert.match(out, /nothing in that was changed/);
    assert.match(out, /none is a second history of this letter/);
    assert.match(out, /at this moment it has no later events/);
    // The first bundle is older than events that followed.
    const old = await verify("whole.zip", "--url", site.url);
    assert.equal(old.code, 0, old.err);
    assert.match(old.out, /it has later events, from entry \d+ on/);
    // A checkpoint of another log under the same key: another size, another root.
    const key = logKey(site.keyring, ORIGIN);
    writeFileSync(path("forked"), key.sign(`${ORIGIN}\n3\n${Buffer.alloc(32, 7).toString("base64")}\n`));
    const forked = await verify("newer.zip", "--older", path("forked"), "--url", site.url);
    assert.equal(forked.code, 1);
    assert.match(forked.err, /does not begin with the log of the checkpoint that you kept/);
  });

  test("who holds no key of the API gets silence", async () => {
    const answer = await site.api("POST", `${letter.letter}/evidence`, { key: null, body: "{}" });
    assert.equal(answer.status, 404);
    assert.equal(answer.headers["content-type"], "text/html; charset=utf-8");
  });
});

test("after erasure the bundle still verifies, and nobody reads the details", async () => {
  const letter = await site.put(REPORT);
  const reader = site.browser();
  await reader.consent(letter.path);
  await reader.get(`${letter.path}/report`);
  const erased = await site.api("POST", `${letter.letter}/erase`, { body: "{}" });
  assert.equal(erased.status, 200, erased.body.toString());
  const done = await exported(letter, "erased");
  assert.match(done.err, /The details of readers were erased/);
  assert.ok(!files("erased").includes("letter.key"));
  const { code, out, err } = await verify("erased.zip", "--json");
  assert.equal(code, 0, err);
  const said = JSON.parse(out);
  assert.ok(said.events.some(({ kind }) => kind === "erased") && said.events.at(-1).kind === "evidence_exported");
  assert.ok(said.not_checked.includes("The details: they were erased."));
  assert.equal(verifyFolder(path("erased"), vkey), said.events.length);
  for (const name of files("erased")) {
    const bytes = readFileSync(join(path("erased"), name));
    for (const personal of ["Test browser", reader.from.address]) assert.ok(!bytes.includes(personal), `${name}: ${personal}`);
  }
});

test("a letter that does not exist has no evidence", async () => {
  const done = await waxseal("evidence", "export", "0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f", "-o", path("none.zip"), "--url", site.url);
  assert.equal(done.code, 1);
  assert.match(done.err, /has no letter/);
});
