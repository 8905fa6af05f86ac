// A table of two hundred letters against a real edge, killed in the middle and run again: each line is one letter, with the link that it
// had. `./scripts/test soak` does it with ten thousand, and prints rate and memory.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { startLife } from "./lib/life.mjs";
import { SEED, SOAK } from "./lib/soak.mjs";

const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");
const LETTERS = Number(process.env.WAXSEAL_LETTERS ?? (SOAK ? 10_000 : 200));

/** Numbers that the seed draws. */
let state = SEED;
function drawn(below) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

let site, folder;
before(async () => {
  site = await startLife("bulk", { sockets: 16 });
  folder = mkdtempSync(join(tmpdir(), "waxseal-bulk-"));
  mkdirSync(join(folder, "reports"));
  const lines = Array.from({ length: LETTERS }, (_, number) => {
    writeFileSync(join(folder, `reports/${number}.txt`), `Report number ${number}\n`.repeat(1 + (number % 50)));
    return `reports/${number}.txt,"Inspection, car ${number}",C-${number % 40},R-${number},${["en", "nl", "fr", "de"][number % 4]}`;
  });
  writeFileSync(join(folder, "letters.csv"), ["file,subject,customer,reference,language", ...lines].join("\n"));
});
after(async () => {
  await site?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs it; killed when it has answered `until` lines. `{ code, signal, answers, err, seconds, peak }`: `peak` of its memory, in kB. */
async function bulk(args = [], { until = Infinity } = {}) {
  const env = { PATH: process.env.PATH, WAXSEAL_URL: site.url, WAXSEAL_KEYS: JSON.stringify(site.keyring) };
  const began = performance.now();
  const child = spawn(BIN, ["seal", "--from", "letters.csv", ...args], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const answers = [];
  let [err, peak] = ["", 0];
  child.stderr.on("data", (text) => (err += text));
  const ended = new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal })));
  for await (const line of createInterface({ input: child.stdout })) {
    if (answers.length % 100 === 0) peak = Math.max(peak, memory(child.pid));
    // What a killed process was writing may be cut.
    if (!line.endsWith("}")) break;
    answers.push(JSON.parse(line));
    if (answers.length === until) child.kill("SIGKILL");
  }
  const end = await ended;
  for (const { link } of answers) site.remember(new URL(link).pathname.slice(1));
  return { ...end, answers, err, peak, seconds: (performance.now() - began) / 1_000 };
}

function memory(pid) {
  const file = `/proc/${pid}/status`;
  return existsSync(file) ? Number(/VmHWM:\s+(\d+)/.exec(readFileSync(file, "utf8"))?.[1] ?? 0) : 0;
}

const byLine = (answers) => new Map(answers.map((answer) => [answer.line, answer]));

test(`${LETTERS} letters, killed in the middle and run again: each line is one letter with one link`, { timeout: 3_600_000 }, async () => {
  const known = new Map();
  const kills = SOAK ? 10 : 3;
  for (let kill = 0; kill < kills; kill += 1) {
    const until = 1 + drawn(LETTERS - 1);
    const { signal, answers } = await bulk([], { until });
    // It may have come to its end before the signal did.
    assert.ok(signal === "SIGKILL" || answers.length === LETTERS, String(signal));
    for (const { line, link, letter } of answers) {
      assert.deepEqual(known.get(line) ?? { link, letter }, { link, letter }, `line ${line} keeps its link`);
      known.set(line, { link, letter });
    }
    console.log(`killed after ${answers.length} of ${LETTERS} answers`);
  }
  const { code, answers, err } = await bulk();
  assert.equal(code, 0, err);
  const last = byLine(answers);
  assert.deepEqual([answers.length, last.size, new Set(answers.map(({ letter }) => letter)).size], [LETTERS, LETTERS, LETTERS]);
  for (const [line, { link }] of known) assert.equal(last.get(line).link, link, `line ${line} keeps its link`);

  // No letter besides, and each opens with what its line says.
  const names = await site.bucket.names("letters/");
  assert.deepEqual(names.sort(), answers.flatMap(({ letter }) => ["body", "manifest"].map((part) => `letters/${letter}/${part}`)).sort());
  const looked = SOAK ? Array.from({ length: 200 }, () => 2 + drawn(LETTERS)) : [...last.keys()];
  for (const line of looked) {
    const page = await site.get(new URL(last.get(line).link).pathname, { accept: "application/json", "sec-fetch-dest": "document" });
    const { subject, nonce } = JSON.parse(page.body);
    site.remember(nonce);
    assert.equal(subject, `Inspection, car ${line - 2}`);
  }
});

test("killed again and again while it writes a file, that has each letter once", { timeout: 3_600_000 }, async () => {
  const args = ["--journal", "of-the-file", "--output", "links.jsonl"];
  const lines = () => (existsSync(join(folder, "links.jsonl")) ? readFileSync(join(folder, "links.jsonl"), "utf8").split("\n") : []);
  for (let kill = 0; kill < 3; kill += 1) {
    const env = { PATH: process.env.PATH, WAXSEAL_URL: site.url, WAXSEAL_KEYS: JSON.stringify(site.keyring) };
    const child = spawn(BIN, ["seal", "--from", "letters.csv", "--quiet", ...args], { cwd: folder, env, stdio: "ignore" });
    const ended = new Promise((resolve) => child.on("close", resolve));
    const until = Math.min(LETTERS, lines().length + 1 + drawn(LETTERS / 4));
    while (child.exitCode === null && lines().length < until) await new Promise((resolve) => setTimeout(resolve, 2));
    child.kill("SIGKILL");
    await ended;
  }
  const { code, err, seconds, answers } = await bulk(args);
  assert.equal(code, 0, err);
  assert.deepEqual(answers, []);
  const written = lines().slice(0, -1).map((line) => JSON.parse(line));
  for (const { link } of written) site.remember(new URL(link).pathname.slice(1));
  assert.deepEqual([written.length, byLine(written).size, new Set(written.map(({ letter }) => letter)).size], [LETTERS, LETTERS, LETTERS]);
  console.log(`the last run took ${seconds.toFixed(1)} s`);
});

test("rate and memory of a run that nothing disturbs", { timeout: 3_600_000 }, async () => {
  const { code, err, seconds, peak, answers } = await bulk(["--journal", "undisturbed"]);
  assert.equal(code, 0, err);
  assert.ok(answers.every((answer) => answer.new));
  console.log(`${LETTERS} letters in ${seconds.toFixed(1)} s: ${Math.round(LETTERS / seconds)} a second, ${Math.round(peak / 1_024)} MB at its most`);
  assert.ok(peak < 200_000, `${peak} kB`);
});
