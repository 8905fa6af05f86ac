// What the sender's side meets: an edge that says who it is to a right key and to nobody else, references in one form, dates
// that end where the site is, subjects that people can read. The keyring of this edge has a byte order mark.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { seal } from "./lib/seal.mjs";
import { SILENT } from "./lib/silent.mjs";
import { startSite, until } from "./lib/site.mjs";
import { startWorkerd } from "./lib/workerd.mjs";

const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");
const REPORT = randomBytes(1_000);

let site;
let folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "waxseal-sender-"));
  const run = (options) => startWorkerd({ ...options, keyring: `\ufeff${options.keyring}` });
  site = await startSite("sender", { run, site: { privacy_url: "https://example.com/privacy" } });
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await site?.stop();
});

/** Runs the command line against this edge: `{ code, out, err }`. */
function waxseal(...args) {
  const env = { PATH: process.env.PATH, WAXSEAL_URL: site.url, WAXSEAL_KEYS: JSON.stringify(site.keyring) };
  return new Promise((resolve) => {
    execFile(BIN, args, { cwd: folder, env }, (error, out, err) => {
      for (const [, token] of out.matchAll(/\b([0-9a-z]{66})\b/g)) site.remember(token);
      resolve({ code: error?.code ?? 0, out, err });
    });
  });
}

const bearer = (key) => (key === undefined ? {} : { authorization: `Bearer ${key}` });
const api = async (method, path, body) => {
  const text = body && JSON.stringify(body);
  const answer = await site.send(method, path, { body: text, headers: { ...bearer(site.apiKey), ...(text && { "content-length": Buffer.byteLength(text) }) } });
  return { status: answer.status, version: answer.headers["waxseal-version"], ...JSON.parse(answer.body) };
};

test("a right key hears whom it reached on every path, and everybody else gets the silent answer", async () => {
  const version = JSON.parse((await waxseal("keys", "show", "--json")).out) && (await waxseal("--version")).out.trim().split(" ")[1];
  const wrong = [
    ["GET", "/api/v1/nothing"],
    ["POST", "/api/v1/letter"],
    ["GET", "/api/v2/letters"],
    ["GET", "/api"],
    ["POST", "/letters"],
    ["GET", "/"],
    ["GET", "/desk/api/v1/site"],
  ];
  for (const [method, path] of wrong) {
    const said = await api(method, path);
    assert.deepEqual([said.status, said.code, said.version], [404, "no_such_route", version], `${method} ${path}`);
    assert.match(said.detail, /this is a Waxseal edge/);
    const stranger = await site.send(method, path);
    assert.deepEqual([stranger.status, stranger.body.toString(), stranger.headers["waxseal-version"]], [404, SILENT, undefined]);
    const other = await site.send(method, path, { headers: bearer(`wsk_${"a".repeat(55)}`) });
    assert.deepEqual([other.status, other.body.toString(), other.headers["waxseal-version"]], [404, SILENT, undefined]);
    assert.deepEqual(Object.keys(other.headers).sort(), Object.keys(stranger.headers).sort());
  }
  const about = await api("GET", "/api/v1/site");
  assert.deepEqual([about.status, about.time_zone, about.version], [200, "Europe/Amsterdam", version]);
  for (const path of ["/robots.txt", "/.well-known/security.txt"]) assert.equal((await site.get(path)).headers["waxseal-version"], undefined);
});

test("a date in --expires ends in the site's time zone, and the envelope names that day", async () => {
  writeFileSync(join(folder, "report.txt"), "Your car passed its inspection.\n");
  const sealed = await waxseal("seal", "report.txt", "--subject", "Inspection", "--expires", "2099-12-31", "--json");
  assert.equal(sealed.code, 0, sealed.err);
  const { link, not_after, time_zone } = JSON.parse(sealed.out);
  assert.deepEqual([not_after, time_zone], [Date.parse("2099-12-31T23:59:59+01:00") / 1000, "Europe/Amsterdam"]);
  const page = await site.browser().get(`${new URL(link).pathname}?lang=en`);
  assert.match(page.body.toString(), /31\u00a0December\u00a02099 at\u00a023:59/);
  const minted = await waxseal("mint", JSON.parse(sealed.out).letter, "--expires", "2099-07-01", "--json");
  assert.equal(JSON.parse(minted.out).not_after, Date.parse("2099-07-01T23:59:59+02:00") / 1000, minted.err);
});

test("two ways to write one character are one customer, for the list and for an erasure", async () => {
  const code = randomBytes(4).toString("hex");
  const forms = [`Mu\u0308ller-${code}`, `M\u00fcller-${code}`, ` M\u00fcller-${code}\n`];
  const letters = [];
  for (const [at, customer] of forms.slice(0, 2).entries()) {
    const letter = await site.put(REPORT, { about: { customer, subject: `Number ${at}` } });
    await site.record(letter);
    letters.push(letter);
  }
  const person = site.browser();
  await person.consent(letters[0].path);
  const list = await until(async () => {
    const page = (await person.get(`${letters[0].path}/history?lang=en`)).body.toString();
    return page.includes("Number 0") && page.includes("Number 1") && page;
  });
  for (const [, token] of list.matchAll(/\/([0-9a-z]{66})/g)) site.remember(token);

  // Nearly the same: named, and nothing is erased.
  const near = await waxseal("erase", "--customer", `MULLER ${code.toUpperCase()}`, "--yes", "--json");
  assert.equal(near.code, 1, near.out);
  const slip = await waxseal("erase", "--customer", `m\u00fcller ${code}`, "--yes", "--json");
  assert.equal(slip.code, 1, slip.out);
  assert.deepEqual(JSON.parse(slip.out).near, [{ customer: forms[1], letters: 2 }]);
  assert.match(slip.err, /customer_unknown/);
  assert.equal((await site.kinds(letters[1])).includes("erased"), false);

  const counted = await api("POST", "/api/v1/customers/count", { customers: [forms[0], forms[2], "nobody at all", "null"] });
  assert.deepEqual([counted.status, counted.letters], [200, [2, 2, 0, 0]]);
  for (const customers of [[], Array(25).fill("a"), "a", [7], undefined]) {
    assert.equal((await api("POST", "/api/v1/customers/count", { customers })).status, 400);
  }

  const erased = await waxseal("erase", "--customer", forms[0], "--yes", "--json");
  assert.equal(erased.code, 0, erased.err);
  assert.deepEqual([JSON.parse(erased.out).letters, JSON.parse(erased.out).left], [2, 0]);
  for (const letter of letters) assert.equal((await site.kinds(letter)).at(-1), "erased");
  // Once more is done already, in whatever form: an answer that was lost is no failure.
  const again = await waxseal("erase", "--customer", forms[1], "--yes", "--json");
  assert.equal(again.code, 0, again.err);
  assert.deepEqual([JSON.parse(again.out).letters, JSON.parse(again.out).earlier], [0, 2]);
});

test("a letter whose subject nobody sees, or that turns the direction of writing, is not taken", async () => {
  for (const subject of ["\u200b\u2060", "\u3164", "Report \u202efdp.exe", "\u2067Report\u2069"]) {
    const letter = seal(site.keyring, REPORT, { about: { subject } });
    site.remember(letter.token);
    assert.equal((await site.api("PUT", `${letter.letter}/body`, { body: letter.objects.body })).status, 201);
    const answer = await site.api("PUT", `${letter.letter}/manifest`, { body: letter.objects.manifest });
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [422, "manifest_characters"], JSON.stringify(subject));
  }
  await site.put(REPORT, { about: { subject: "\u{1f468}\u200d\u{1f469}\u200d\u{1f467} \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645" } });
});
