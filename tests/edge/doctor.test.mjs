// `waxseal doctor` against a real edge, as it should be and with each thing broken in turn: each has its line and its cure, and no other line
// changes.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { FRONT } from "./lib/front.mjs";
import { certificateOf, startPublic } from "./lib/public.mjs";
import { newKeyring } from "./lib/seal.mjs";
import { startSite, until } from "./lib/site.mjs";

const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");
const HOST = "letters.garage-de-smet.be";

// The platform's front says what URL was asked.
const WRAP = FRONT.replace("return new Request(request, { headers, cf });", `const url = headers.get("x-url") ?? request.url; return new Request(url, new Request(request, { headers, cf }));`);
assert.notEqual(WRAP, FRONT);

/** A sender who exists, as far as the edge can know. */
const SET = { email: "service@garage-de-smet.be", phone: "+32 2 555 12 12", security_contact: "mailto:security@garage-de-smet.be" };

let site, way, folder, certificate;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "waxseal-doctor-"));
  site = await startSite("doctor", { wrap: WRAP, set: SET, site: { location: "weur" }, evidence: { origin: `${HOST}/log` } });
  certificate = certificateOf(HOST);
  writeFileSync(join(folder, "ca.pem"), certificate.cert);
  writeFileSync(join(folder, "keyring.json"), JSON.stringify(site.keyring), { mode: 0o600 });
  way = await startPublic({ port: () => site.port, certificate });
  // A letter, and what it leaves: the log has an entry, the guard a snapshot, the sweep a run.
  const letter = await site.put(Buffer.from("a report"));
  await site.get(letter.path);
  await api("POST", "sweep");
  await until(async () => (await api("GET", "sweep")).state === "done");
  await api("PUT", "guard/rules", "");
  await until(async () => (await api("GET", "log")).size > 0);
});
after(async () => {
  way?.stop();
  await site?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function api(method, path, body) {
  const headers = { authorization: `Bearer ${site.apiKey}`, "content-length": Buffer.byteLength(body ?? "") };
  const answer = await site.send(method, `/api/v1/${path}`, { headers, body });
  assert.ok(answer.status < 300, answer.body.toString());
  return JSON.parse(answer.body);
}

/** What is broken before our module: see `front.mjs`. */
const front = (said) => site.send("POST", "/__front", { body: JSON.stringify(said) });

/** Runs it at the public address: `{ code, err, checks }`, a check by its name; those that come more than once in a list. */
function doctor(args = ["--keys", "keyring.json"], { key, url = `https://${HOST}` } = {}) {
  const env = { PATH: process.env.PATH, HTTPS_PROXY: way.url, HTTP_PROXY: way.url, SSL_CERT_FILE: join(folder, "ca.pem"), ...(key && { WAXSEAL_API_KEY: key }) };
  return new Promise((resolve) => {
    execFile(BIN, ["doctor", "--url", url, "--retries", "0", "--json", ...args], { cwd: folder, env }, (error, out, err) => {
      assert.ok(out, err);
      const { checks, failures } = JSON.parse(out);
      assert.equal(error?.code ?? 0, failures > 0 ? 1 : 0, err);
      for (const { state, seen, cure } of checks) {
        assert.ok(seen.length > 10 && !/\n/.test(seen), seen);
        assert.equal(cure === null, state === "ok", `each has its cure: ${seen}`);
      }
      resolve({ err, checks });
    });
  });
}

const states = (checks) => Object.fromEntries(checks.map(({ name, state }) => [name, state]));
const HEALTHY = {
  address: "ok", tls: "ok", silent_answer: "ok", security_headers: "ok", hsts: "ok", plain_http: "ok", clock: "ok", security_txt: "ok", log_name: "ok",
  mail: "unknown", key: "ok", settings: "ok", bindings: "ok", jurisdiction: "ok", keyring: "ok", version: "ok", guard_rules: "ok", sweep: "ok", api_keys: "ok", log: "ok",
  bucket: "unknown",
};

/** As the zone's switch *Always Use HTTPS* does. */
const redirected = (url, answer) => (url.startsWith("http:") ? { status: 301, headers: { location: url.replace("http:", "https:") }, body: "" } : answer);

test("a deployment that is as it should be has no failure, and what cannot be known is called so", async () => {
  way.change = redirected;
  const { checks, err } = await doctor();
  assert.deepEqual(states(checks), HEALTHY, JSON.stringify(checks, null, 1));
  assert.equal(err, "");
  const { bindings } = await api("GET", "health");
  const wrangler = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
  const bound = [...wrangler.matchAll(/^(?:binding|name) = "([A-Z_]+)"$/gm)].map(([, name]) => name);
  assert.deepEqual(bindings.map(({ name }) => name).sort(), bound.sort(), "every binding is asked");
  // Nobody was told anything: without a key there is less to see.
  const { checks: outside } = await doctor([]);
  const { key: _, settings: _1, bindings: _2, jurisdiction: _3, keyring: _4, version: _5, guard_rules: _6, sweep: _7, api_keys: _8, log: _9, ...seen } = HEALTHY;
  assert.deepEqual(states(outside), { ...seen, key: "unknown", silent_answer: "unknown" });
  const { checks: strangers } = await doctor(["--strangers"]);
  assert.deepEqual(states(strangers), { ...seen, key: "unknown" });
});

test("in the profile strict nothing is asked for that bans whoever looks", async () => {
  const asked = [];
  way.change = (url, answer) => {
    asked.push(new URL(url).pathname);
    return redirected(url, answer);
  };
  await api("PUT", "guard/rules", 'profile = "strict"');
  const { checks } = await doctor();
  await api("PUT", "guard/rules", "");
  const line = checks.find(({ name }) => name === "silent_answer");
  assert.deepEqual([line.state, /profile strict/.test(line.seen), /--strangers/.test(line.cure)], ["unknown", true, true], JSON.stringify(checks));
  assert.ok(!asked.some((path) => path.startsWith("/api/") && !path.startsWith("/api/v1/")), String(asked));
});

const changed = (what, change) => (url, answer) => (what.test(url) ? { ...redirected(url, answer), ...change(redirected(url, answer)) } : redirected(url, answer));
// Of a clock when it is looked at, not when the table was made.
const header = (what, name, value) => changed(what, (answer) => ({ headers: { ...answer.headers, [name]: typeof value === "function" ? value() : value } }));
const clockOff = (seconds) => header(/^https:/, "date", () => new Date(Date.now() + seconds * 1000).toUTCString());
const text = (what, edit) => changed(what, ({ headers: { "content-length": _, ...headers }, body }) => ({ headers, body: edit(body.toString()) }));
const without = (name) => changed(/^https:/, ({ headers: { [name]: _, ...headers } }) => ({ headers }));
const NOTHING = { host: "nothing", address: "failure" };

/** What stands before the edge, and what is said of it: `[change of the answers, { check: state }, what is seen, the cure]`. */
const OUTSIDE = {
  "a clock an hour off": [clockOff(3_600), { clock: "failure" }, /clock is 3\d{3} seconds behind the edge's/, /timedatectl/],
  "a clock twenty seconds off": [clockOff(-20), { clock: "warning" }, /seconds ahead of/, /timedatectl/],
  "no date": [header(/^https:/, "date", "soon"), { clock: "unknown" }, /no date/, /compare/],
  "an expired security.txt": [text(/security\.txt$/, (said) => said.replace(/^Expires: .*$/m, "Expires: 2026-01-01T00:00:00Z")), { security_txt: "failure" }, /expired \d+ days ago/, /SITE\.security_contact/],
  "a security.txt of somebody else": [text(/security\.txt$/, () => "hello"), { security_txt: "failure" }, /no Contact/, /takes? out|take out/],
  "no security.txt": [changed(/security\.txt$/, () => ({ status: 404 })), { security_txt: "failure" }, /not there \(404/, /take out/],
  "plain HTTP that the edge answers": [(_, answer) => answer, { plain_http: "warning" }, /same page and 403/, /Always Use HTTPS/],
  "plain HTTP with an answer of its own": [(url, answer) => (url.startsWith("http:") ? { ...answer, status: 200 } : answer), { plain_http: "failure" }, /200, 200/, /Always Use HTTPS/],
  "plain HTTP that leads elsewhere": [(url, answer) => (url.startsWith("http:") ? { status: 301, headers: { location: "https://www.example/" } } : answer), { plain_http: "failure" }, /301, 301/, /Always Use HTTPS/],
  "nobody at the plain port": [(url, answer) => (url.startsWith("http:") ? undefined : answer), {}, /nobody answers over plain HTTP/],
  "a page of its own for some paths": [header(new RegExp(`^https://${HOST}/[0-9a-f]{12}/`), "x-error", "1"), { silent_answer: "failure" }, /differ: x-error/, /in front of the edge/],
  "an error page of the zone": [text(new RegExp(`^https://${HOST}/(api/)?[0-9a-f]{12}`), () => "<h1>404</h1>"), { silent_answer: "failure" }, /another answer \(404/, /error pages/],
  "no policy": [without("content-security-policy"), { security_headers: "failure" }, /missing or changed: content-security-policy/, /in front/],
  "no HSTS": [without("strict-transport-security"), { hsts: "failure" }, /there is none/, /63072000/],
  "HSTS for a day": [header(/^https:/, "strict-transport-security", "max-age=86400"), { hsts: "failure" }, /max-age=86400/, /63072000/],
  "a log of another name": [text(/checkpoint$/, (said) => said.replace(/^.*/, "other.example/log")), { log_name: "failure" }, /called other\.example\/log, and is at letters\.garage-de-smet\.be\/log/, /SITE\.log\.origin/],
  "something else": [text(/robots\.txt$/, () => "User-agent: *\nAllow: /\n"), NOTHING, /no edge of Waxseal \(200/, /--url/],
};

for (const [what, [change, expected, seen, cure]] of Object.entries(OUTSIDE)) {
  test(`outside: ${what}`, async () => {
    way.change = change;
    const { checks } = await doctor();
    const odd = Object.keys(expected).filter((name) => name in HEALTHY);
    if (expected === NOTHING) assert.ok(!checks.some(({ name }) => name === "key"), "a key is not shown to strangers");
    else assert.deepEqual(states(checks), { ...HEALTHY, ...expected }, JSON.stringify(checks, null, 1));
    const line = checks.find((check) => check.name === (odd[0] ?? "plain_http"));
    assert.match(line.seen, seen);
    if (cure) assert.match(line.cure, cure);
  });
}

test("a certificate of another name, and nobody at all", async () => {
  const other = await startPublic({ port: () => site.port, certificate: certificateOf("other.example") });
  const before = way;
  way = other;
  const [wrong] = (await doctor()).checks;
  assert.deepEqual([wrong.name, wrong.state], ["address", "failure"]);
  assert.match(wrong.seen, /certificate/i);
  assert.match(wrong.cure, /certificate/);
  other.stop();
  const gone = (await doctor([], { url: "http://127.0.0.1:1" })).checks;
  assert.deepEqual([gone[0].name, gone[0].state], ["address", "failure"]);
  assert.match(gone[0].cure, /DNS/);
  way = before;
});

/** What fails behind the edge: the modes of `front.mjs`, and which binding is named. */
const BROKEN = {
  GUARD: { kv: "throw" },
  LETTERS: { bucket: "head" },
  LIMIT_REPORTS: { limits: "throw" },
  SENTINEL: { sentinel: "error" },
  PUBLISHER: { publisher: "throw" },
  INDEX: { index: "garbage" },
  SEQUENCER: { sequencer: "error" },
  LEDGER: { letterledger: "throw" },
};

for (const [name, modes] of Object.entries(BROKEN)) {
  test(`inside: ${name} does not answer`, async () => {
    way.change = redirected;
    await front({ modes });
    const { checks } = await doctor();
    await front({ modes: {} });
    const lines = checks.filter((check) => check.name === "bindings");
    assert.ok(lines.every(({ state }) => state === "failure"), JSON.stringify(checks));
    const line = lines.find(({ seen }) => seen.startsWith(`${name} does not answer (`));
    assert.match(line?.cure ?? JSON.stringify(lines), new RegExp(`wrangler\\.toml binds ${name} `));
    const others = lines.filter((it) => it !== line);
    assert.ok(others.every(({ seen }) => name.startsWith("LIMIT_") && seen.startsWith("LIMIT_")), JSON.stringify(others));
  });
}

test("inside: ledgers that are somewhere else", async () => {
  way.change = redirected;
  const put = (body) => site.send("PUT", "/__front/bucket/site%2Fjurisdiction", { body });
  await put("eu");
  const { checks } = await doctor();
  await put("none");
  const line = checks.find(({ name }) => name === "jurisdiction");
  assert.deepEqual([line.state, /ledgers are in jurisdiction eu, and the settings say none/.test(line.seen), /set SITE\.jurisdiction back/.test(line.cure)], ["failure", true, true]);
});

test("inside: what a key may not see, a key that nobody knows, keyrings that differ, an old one", async () => {
  way.change = redirected;
  const issue = async (scopes) => {
    const { key } = await api("POST", "keys", JSON.stringify({ name: scopes.join(), scopes }));
    site.remember(key);
    return key;
  };
  const watching = (await doctor([], { key: await issue(["watch"]) })).checks;
  assert.deepEqual(states(watching), { ...HEALTHY, silent_answer: "unknown", keyring: "unknown", guard_rules: "unknown", api_keys: "unknown" });
  assert.match(watching.find(({ name }) => name === "guard_rules").cure, /scope guard/);
  const creating = (await doctor([], { key: await issue(["create"]) })).checks.find(({ name }) => name === "key");
  assert.deepEqual([creating.state, /scope watch/.test(creating.cure)], ["warning", true]);

  const file = join(folder, "other.json");
  writeFileSync(file, JSON.stringify(newKeyring()), { mode: 0o600 });
  const stranger = (await doctor(["--keys", file])).checks.find(({ name }) => name === "key");
  assert.deepEqual([stranger.state, /secret put WAXSEAL_KEYS/.test(stranger.cure)], ["failure", true]);
  const more = structuredClone(site.keyring);
  more.keys.push({ id: 99, secret: newKeyring().keys[0].secret, not_after: 4_000_000_000 });
  writeFileSync(file, JSON.stringify(more), { mode: 0o600 });
  const differs = (await doctor(["--keys", file])).checks.find(({ name }) => name === "keyring");
  assert.deepEqual([differs.state, /this keyring has 2 keys, of which number \d+ is active/.test(differs.seen)], ["warning", true]);

  writeFileSync(file, JSON.stringify(site.keyring), { mode: 0o600 });
  utimesSync(file, new Date("2024-01-01"), new Date("2024-01-01"));
  const old = (await doctor(["--keys", file])).checks.find(({ name }) => name === "keyring");
  assert.deepEqual([old.state, /keys rotate/.test(old.cure)], ["warning", true]);
});

test("a bucket that is public, one that is not, one of which nothing can be said", async () => {
  way.change = redirected;
  for (const [status, state] of [[200, "failure"], [401, "ok"], [404, "ok"]]) {
    const bucket = createServer((_, reply) => reply.writeHead(status).end("x"));
    await new Promise((resolve) => bucket.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${bucket.address().port}`;
    const known = (await doctor(["--keys", "keyring.json", "--bucket-url", url])).checks.find(({ name }) => name === "bucket");
    const stranger = (await doctor(["--bucket-url", url])).checks.find(({ name }) => name === "bucket");
    bucket.close();
    assert.deepEqual([known.state, stranger.state], [state, status === 404 ? "unknown" : state], status);
    if (status === 200) assert.match(known.cure, /Public Development URL/);
  }
});

test("placeholders that are left, and a binding that is missing: the edge serves nobody, and is told from a wrong address", async () => {
  way.change = redirected;
  const config = readFileSync(site.config, "utf8");
  const broken = {
    placeholder: config.replace(SET.email, "service@garage-vermeer.example"),
    "missing binding": config.replace(/^binding = "GUARD"$/m, 'binding = "GUARDS"'),
    "settings that are wrong": config.replace(/^time_zone = .*$/m, 'time_zone = "Mars/Olympus"'),
  };
  for (const [what, text] of Object.entries(broken)) {
    assert.notEqual(text, config, what);
    writeFileSync(site.config, text);
    await site.crash();
    await site.restart();
    const { checks } = await doctor();
    const said = states(checks);
    assert.deepEqual([said.address, said.key, said.silent_answer, said.bindings], ["failure", "unknown", "unknown", undefined], what);
    const [address] = checks;
    assert.match(address.seen, /an edge of Waxseal is here and serves nobody/);
    assert.match(address.cure, /placeholders are left.*wrangler tail/);
    if (what !== "placeholder") continue;
    // On its own machine it serves, and says which.
    const here = (await doctor(["--keys", "keyring.json"], { url: site.url })).checks;
    const settings = here.find(({ name }) => name === "settings");
    assert.equal(settings.state, "failure");
    assert.match(settings.seen, /SITE\.contact\.email/);
    assert.match(settings.cure, /docs\/DEPLOY\.md, step 3/);
    for (const name of ["tls", "plain_http", "log_name"]) assert.equal(states(here)[name], "unknown", name);
  }
  writeFileSync(site.config, config);
  await site.crash();
  await site.restart();
  assert.deepEqual(states((await doctor()).checks), HEALTHY);
});

test("for people: a line for each, its cure below, and the count", async () => {
  way.change = header(/^https:/, "strict-transport-security", "max-age=1");
  const env = { PATH: process.env.PATH, HTTPS_PROXY: way.url, HTTP_PROXY: way.url, SSL_CERT_FILE: join(folder, "ca.pem") };
  const said = await new Promise((resolve) => {
    execFile(BIN, ["doctor", "--url", `https://${HOST}`, "--keys", "keyring.json"], { cwd: folder, env }, (error, out, err) => resolve({ code: error?.code, out, err }));
  });
  assert.equal(said.code, 1);
  assert.match(said.out, /^failure {2}hsts {14}max-age=1\n {26} -> the edge says max-age=63072000/m);
  assert.match(said.out, /\n1 failure, 0 warnings, 2 unknown\n$/);
  assert.match(said.err, /^error: https:\/\/letters\.garage-de-smet\.be is not as it should be: 1 failure;/);
});
