// Tampering with what the log protects, by an operator who has every key: a letter's history written anew, the log put back,
// forked or written anew. What the edge says to it, and what somebody notices who kept a bundle or a checkpoint.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { ledgerOnDisk, objectOnDisk } from "./lib/chain.mjs";
import { startCrashing } from "./lib/crash.mjs";
import { opened, rewrite } from "./lib/forge.mjs";
import { checkpointOf, entryOf, filesOf, logKey } from "./lib/log.mjs";
import { Life, verifyExport } from "./lib/oracle.mjs";
import { until } from "./lib/site.mjs";
import { leafHash, treeHash } from "./lib/tlog.mjs";

const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");
const REPORT = Buffer.from("an inspection of a car");

let site, folder, keys, key;
const lives = [];
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "waxseal-tamper-log-"));
  site = await startCrashing("tamper-log");
  keys = join(folder, "keyring.json");
  writeFileSync(keys, JSON.stringify(site.keyring), { mode: 0o600 });
  for (let number = 0; number < 12; number += 1) await live();
  await site.settled();
  key = logKey(site.keyring, (await site.log()).origin);
  await keep("older");
  await site.restart();
  for (let number = 0; number < 4; number += 1) await live();
  await site.settled();
  writeFileSync(join(folder, "checkpoint"), await site.logFile("checkpoint"));
  const bundle = await cli("evidence", "export", lives[0].id, "-o", join(folder, "kept.zip"), "--url", site.url, "--keys", keys);
  assert.equal(bundle.code, 0, bundle.stderr + bundle.stdout);
  await site.settled();
  await keep("newer");
  await site.restart();
});
after(async () => {
  await site?.stop();
  rmSync(folder, { recursive: true, force: true });
  console.log("What was done to the log, and what was said:");
  for (const [done, said] of matrix) console.log(`  ${done.padEnd(76)}${said}`);
});

const matrix = [];
const note = (done, said) => matrix.push([done, said]);

async function live() {
  const life = new Life(site, REPORT);
  lives.push(life);
  await life.body();
  await life.manifest();
  await life.consent(await life.meet());
  await life.report(life.people[0]);
  await life.sayNo("withdraw");
  return life;
}

/** Stops the edge and keeps its stores under a name. */
async function keep(name) {
  await site.crash();
  cpSync(site.state, join(folder, name), { recursive: true });
}
/** Stops the edge and puts stores back: all, or one folder of them. */
async function putBack(name, part = "") {
  await site.crash();
  site.checkpoints.length = 0;
  rmSync(join(site.state, part), { recursive: true, force: true });
  cpSync(join(folder, name, part), join(site.state, part), { recursive: true });
}
/** As it was before this test; `change` does its work while nothing runs. */
async function anew(change = () => {}) {
  await putBack("newer");
  await change();
  await site.restart();
}
const SEQUENCER = "v3/do/waxseal-Sequencer";

/** The files of the log in the bucket, behind the edge's back. */
async function files() {
  const found = new Map();
  for (const path of await site.keys("log/")) found.set(path.slice("log/".length), (await site.send("GET", `/__front/r2/${path}`)).body);
  return found;
}
async function replace(all) {
  for (const path of await site.keys("log/")) await site.send("DELETE", `/__front/r2/${path}`, { headers: { "content-length": 0 } });
  for (const [path, body] of all) await site.send("PUT", `/__front/r2/log/${path}`, { body, headers: { "content-length": Buffer.byteLength(body) } });
}

/** Runs the command line; its status and what it said. */
function cli(...args) {
  return new Promise((resolve) => {
    execFile(BIN, args, { cwd: ROOT, env: { ...process.env, NO_COLOR: "1" } }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}
const exported = (life, more = []) => cli("evidence", "export", life.id, "-o", join(folder, "new.zip"), "--force", "--json", "--url", site.url, "--keys", keys, ...more);
/** What somebody finds out who kept a bundle and a checkpoint. */
const holder = async () => {
  const { code, stdout } = await cli("evidence", "verify", join(folder, "kept.zip"), "--json", "--key", key.vkey, "--older", join(folder, "checkpoint"), "--url", site.url);
  const report = JSON.parse(stdout);
  assert.equal(code, report.holds ? 0 : 1);
  return report.holds ? "holds" : report.broken.code;
};
const api = async (method, path) => {
  const answer = await site.send(method, `/api/v1/letters/${path}`, { headers: { authorization: `Bearer ${site.apiKey}`, "content-length": 0 } });
  return { status: answer.status, ...JSON.parse(answer.body) };
};
/** Something happens that has to go into the log; what the log says of itself when it has tried. */
async function goesOn(life = lives.at(-1)) {
  const before = await site.log();
  const answer = await api("POST", `${life.id}/evidence`);
  const log = await until(async () => {
    const now = await site.log();
    return (now.fault !== null || now.pending === 0) && now;
  });
  return { answer, signed: log.size > before.size, fault: log.fault?.code, log };
}

test("before anything is done to it, all holds", async () => {
  assert.equal(await holder(), "holds");
  const { answer, signed, fault } = await goesOn();
  assert.deepEqual([answer.status, signed, fault], [200, true, undefined]);
});

describe("a letter's history written anew, with every later hash and the head", () => {
  const CHANGES = {
    id: (event) => ({ id: Buffer.from(event.id.map((byte, at) => (at === 15 ? byte ^ 1 : byte))) }),
    kind: () => ({ kind: "message" }),
    at: (event) => ({ at: event.at + 1 }),
    actor: (event) => ({ actor: event.actor === "sender" ? "system" : "sender" }),
    terms: (event) => ({ terms: event.terms === null ? Buffer.alloc(32, 7) : null }),
    sealed: (event) => ({ sealed: Buffer.concat([event.sealed, Buffer.of(0)]) }),
  };

  for (const [column, change] of Object.entries(CHANGES)) {
    test(`${column}: the chain holds, and the log names the first line that was changed`, async () => {
      const count = ledgerOnDisk(join(folder, "newer"), lives[1].id).events.length;
      await anew(() => {
        for (let at = 0; at < count; at += 1) rewrite(site.state, lives[1 + at].id, at, change);
      });
      for (let at = 0; at < count; at += 1) {
        const { id } = lives[1 + at];
        assert.equal((await api("GET", id)).chain.verified, true, "a chain alone does not tell");
        const answer = await api("POST", `${id}/evidence`);
        // Terms that nobody has a text of are refused before anything is proved.
        if (answer.code === "evidence_terms_missing") continue;
        assert.equal(answer.status, 200, JSON.stringify(answer));
        assert.throws(() => verifyExport(site.keyring, answer), new RegExp(`event ${at + 1} of letter`));
      }
      // And as whoever asks for evidence sees it.
      const { code, stdout, stderr } = await exported(lives[2]);
      assert.equal(code, 1);
      const { message } = JSON.parse(stdout || stderr).error;
      note(`${column} of an event, chain and head anew`, message.replace(/^.*?(?=proofs|the details|the text of)/, "").slice(0, 70));
      assert.match(stdout + stderr, /proofs\/000002\.tlog-proof|event 2\b|the text of the terms 0707/);
    });
  }

  test("the last event taken out: nothing in the bundle tells, and the served log does", async () => {
    await anew(() => rewrite(site.state, lives[1].id, undefined, undefined, (events) => events.slice(0, -1)));
    const { code, stdout, stderr } = await exported(lives[1]);
    assert.equal(code, 0, stdout + stderr);
    await until(async () => (await site.log()).pending === 0);
    const verified = await cli("evidence", "verify", join(folder, "new.zip"), "--json", "--key", key.vkey, "--url", site.url);
    note("the last event of a letter taken out, chain and head anew", JSON.parse(verified.stdout).broken?.code);
    assert.equal(verified.code, 1);
  });

  test("brought into the log once more, as if it were new: the edge says so, and the served log shows both", async () => {
    await anew(() => rewrite(site.state, lives[0].id, 2, CHANGES.at, undefined, "entry = NULL"));
    const { code, stdout, stderr } = await exported(lives[0]);
    await site.logged(/history_forked/);
    note("a letter's second history brought into the log: the edge", "history_forked");
    assert.equal(code, 0, stdout + stderr);
    assert.equal(await until(async () => (await site.log()).pending === 0), true);
    const verdict = await until(async () => {
      const said = await holder();
      return said !== "holds" && said;
    });
    note("a letter's second history brought into the log: who kept a bundle", verdict);
    const verified = await cli("evidence", "verify", join(folder, "new.zip"), "--json", "--key", key.vkey, "--url", site.url);
    note("a letter's second history brought into the log: its own bundle", JSON.parse(verified.stdout).broken?.code ?? "holds");
  });
});

describe("the log put back, forked, written anew", () => {
  const older = async (path) => {
    await putBack("older");
    await site.restart();
    const all = await files();
    return path ? all.get(path) : all;
  };

  test("the bucket's checkpoint put back: it is put there again", async () => {
    const before = await older("checkpoint");
    await anew();
    await replace(new Map([...(await files()), ["checkpoint", before]]));
    const seen = await holder();
    note("the checkpoint in the bucket an older one: who kept a newer", seen);
    const { signed, fault } = await goesOn();
    assert.deepEqual([signed, fault], [true, undefined]);
    await site.logged(/log_checkpoint_replaced/);
    note("the checkpoint in the bucket an older one: the edge", "log_checkpoint_replaced, and puts the newest there");
    await until(async () => (await holder()) === "holds");
    assert.equal(seen, "log_shrunk");
  });

  test("the bucket's checkpoint ahead of the sequencer, signed with the log's key: it signs no more", async () => {
    await anew();
    const all = await files();
    const { entries } = await site.settled();
    const more = [...entries, Buffer.alloc(65, 9)];
    await site.crash();
    await site.restart();
    await replace(new Map([...all, ["checkpoint", checkpointOf(key, more.map(leafHash))]]));
    const { answer, signed, fault } = await goesOn();
    note("a larger log in the bucket, signed with the log's key", `${fault}, signs no more`);
    assert.deepEqual([answer.status, signed, fault], [503, false, "log_rolled_back"]);
  });

  test("another log of the same size in the bucket, signed with the log's key: it signs no more", async () => {
    await anew();
    const { entries } = await site.settled();
    const other = [...entries.slice(0, -1), Buffer.alloc(65, 9)];
    await site.crash();
    await site.restart();
    await replace(new Map([...filesOf(other), ["checkpoint", checkpointOf(key, other.map(leafHash))]]));
    note("another log of the same size in the bucket: who kept a checkpoint", await holder());
    const { answer, signed, fault } = await goesOn();
    note("another log of the same size in the bucket: the edge", `${fault}, signs no more`);
    assert.deepEqual([answer.status, signed, fault], [503, false, "log_forked"]);
  });

  test("tiles changed, the checkpoint left: what needs them is refused", async () => {
    for (const level of ["0", "entries"]) {
      await anew();
      const all = await files();
      for (const [path, bytes] of all) if (path.startsWith(`tile/${level}/`)) all.set(path, Buffer.from(bytes.map((byte, at) => (at === 40 ? byte ^ 1 : byte))));
      await site.crash();
      await site.restart();
      await replace(all);
      const { answer, signed, fault } = await goesOn();
      note(`a byte of tile/${level} changed: the edge`, `${fault ?? answer.code ?? answer.status}${signed ? "" : ", signs no more"}`);
      note(`a byte of tile/${level} changed: who kept a bundle`, await holder());
      assert.equal(answer.status === 200 && signed, false, JSON.stringify([answer.status, signed, fault]));
    }
  });

  test("the sequencer's storage put back, the bucket left: it signs no more", async () => {
    await anew(() => {
      rmSync(join(site.state, SEQUENCER), { recursive: true });
      cpSync(join(folder, "older", SEQUENCER), join(site.state, SEQUENCER), { recursive: true });
    });
    const { answer, signed, fault } = await goesOn();
    note("the sequencer's storage put back", `${fault}, signs no more`);
    assert.deepEqual([answer.status, signed, fault], [503, false, "log_rolled_back"]);
    assert.equal(await holder(), "holds", "what is served is still the log");
  });

  test("the sequencer's storage gone, the bucket left: it signs no more", async () => {
    await anew(() => rmSync(join(site.state, SEQUENCER), { recursive: true }));
    const { answer, signed, fault } = await goesOn();
    note("the sequencer's storage gone", `${fault}, signs no more`);
    assert.deepEqual([answer.status, signed, fault], [503, false, "log_rolled_back"]);
  });

  test("sequencer and bucket put back together: the ledgers know of entries that are not there, and so do checkpoints", async () => {
    const before = await older();
    await anew(() => {
      rmSync(join(site.state, SEQUENCER), { recursive: true });
      cpSync(join(folder, "older", SEQUENCER), join(site.state, SEQUENCER), { recursive: true });
    });
    await replace(before);
    note("sequencer and bucket put back: who kept a checkpoint, at once", await holder());
    const { answer, fault } = await goesOn(lives.at(-1));
    note("sequencer and bucket put back: the edge, asked for evidence", `${answer.status} ${answer.code ?? ""} ${fault ?? ""}`);
    assert.notEqual(answer.status, 200);
    // It grows again, by other events, past what it was.
    const kept = Number(readFileSync(join(folder, "checkpoint"), "utf8").split("\n")[1]);
    while ((await site.log()).size <= kept) {
      await live();
      await until(async () => (await site.log()).pending === 0);
    }
    const verdict = await until(async () => {
      const said = await holder();
      return said !== "log_shrunk" && said;
    });
    note("sequencer and bucket put back: who kept a checkpoint, later", verdict);
    assert.match(verdict, /forked/);
  });

  test("everything written anew with every key: the edge holds it for good, and whoever kept a checkpoint does not", async () => {
    // One event never happened: its letter's rows, the sequencer's entries, every tile, every signature.
    const life = lives[0];
    await anew();
    const { entries } = await site.settled();
    await site.crash();
    const was = ledgerOnDisk(site.state, life.id).events;
    rewrite(site.state, life.id, 2, (event) => ({ at: event.at + 1, kind: event.kind }));
    const is = ledgerOnDisk(site.state, life.id).events;
    const forged = entries.map((entry) => {
      const at = was.findIndex((event) => entryOf(life.id, event).equals(entry));
      return at < 0 ? entry : entryOf(life.id, is[at]);
    });
    const leaves = forged.map(leafHash);
    const checkpoint = checkpointOf(key, leaves);
    opened(objectOnDisk(site.state, "Sequencer", "log"), (db) => {
      const put = db.prepare("UPDATE entry SET slot = ?, event = ? WHERE number = ?");
      forged.forEach((entry, number) => put.run(entry.subarray(1, 33), entry.subarray(33), number));
      const standing = JSON.parse(db.prepare("SELECT standing FROM log").get().standing);
      db.prepare("UPDATE log SET standing = ?").run(JSON.stringify({ ...standing, root: treeHash(leaves).toString("base64"), note: checkpoint }));
    });
    await site.restart();
    await replace(new Map([...filesOf(forged), ["checkpoint", checkpoint]]));

    // By itself all of it holds.
    assert.equal((await api("GET", life.id)).chain.verified, true);
    const bundle = await exported(life);
    assert.equal(bundle.code, 0, bundle.stdout + bundle.stderr);
    const alone = await cli("evidence", "verify", join(folder, "new.zip"), "--json", "--key", key.vkey, "--url", site.url);
    note("everything written anew: a new bundle, by itself", JSON.parse(alone.stdout).broken?.code ?? "holds");
    const kept = await cli("evidence", "verify", join(folder, "new.zip"), "--json", "--key", key.vkey, "--older", join(folder, "checkpoint"), "--url", site.url);
    note("everything written anew: a new bundle, with a checkpoint from before", JSON.parse(kept.stdout).broken?.code);
    note("everything written anew: who kept a bundle", await holder());
    assert.equal(alone.code, 0, alone.stdout);
    assert.equal(kept.code, 1);
    assert.match(JSON.parse(kept.stdout).broken.code, /forked/);
  });
});
