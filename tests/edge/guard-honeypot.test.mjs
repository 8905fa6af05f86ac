// Honeypots: one touch and the day is over. And two sites, two ports, one guard: caught on one, blocked on the other.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startEdge } from "../../scripts/lib/edge.mjs";
import { freshAddress } from "./lib/addresses.mjs";
import { damaged, forged, shape, startGuarded } from "./lib/guard.mjs";
import { until } from "./lib/site.mjs";

const VISIT = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64)", "sec-fetch-mode": "navigate", "sec-fetch-site": "none" };
// Two workers that share objects find each other through wrangler and a folder; not those of another run.
const registry = mkdtempSync(join(tmpdir(), "waxseal-registry-"));
process.env.WRANGLER_REGISTRY_PATH = registry;
process.on("exit", () => rmSync(registry, { recursive: true, force: true }));

let site, bait, letter, decoy, nothing;
before(async () => {
  site = await startGuarded("guard-honeypot", { run: startEdge });
  // Another worker and process, with its own keys, ledgers and port; the first one's namespace and sentinels.
  bait = await startGuarded("guard-bait", { run: startEdge, shares: site, guard: { profile: "honeypot" } });
  letter = await site.put(randomBytes(2_000));
  decoy = await bait.put(randomBytes(2_000));
  nothing = shape(await site.get("/no-such-page", VISIT));
});
after(async () => {
  await bait?.stop();
  await site?.stop();
});

const touch = async (where, path, address, headers = {}) => assert.equal(shape(await where.get(path, { ...VISIT, ...headers }, { address })), nothing, path);

test("every kind of shipped honeypot bans on first touch, however it is spelt", async () => {
  const paths = [
    "/wp-login.php", "/.env", "/.env.production", "/.git/HEAD", "/a/b/.env", "/blog/wp-login.php", "/PHPMYADMIN/index.php", "//wp-admin//setup-config.php", "/%2eenv", "/.%65nv", "/wp-login%2ephp",
    "/wp-login.php?log=admin", "/actuator/health", "/cgi-bin/x", "/id_rsa", "/HNAP1/", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
  ];
  for (const path of paths) {
    const address = freshAddress();
    await touch(site, path, address);
    assert.equal((await site.banned(address)).reason, "honeypot", path);
    await site.barred(letter, { address });
  }
  for (const method of ["HEAD", "POST", "PUT", "OPTIONS"]) {
    const address = freshAddress();
    await site.send(method, "/.env", { address, headers: { ...VISIT, "content-length": 0 } });
    assert.equal((await site.banned(address)).reason, "honeypot", method);
  }
});

test("own honeypots are added to the shipped ones, or stand alone", async () => {
  await site.accepted('[[honeypot]]\npath = ["/old-admin/*", "/backup.tar"]\n');
  for (const path of ["/old-admin/login", "/Backup.tar", "/.env"]) {
    const address = freshAddress();
    await touch(site, path, address);
    await site.banned(address);
  }
  await site.accepted('[honeypots]\nshipped = false\n[[honeypot]]\npath = "/backup.tar"\n');
  const [own, shipped] = [freshAddress(), freshAddress()];
  await touch(site, "/.env", shipped);
  await touch(site, "/backup.tar", own);
  await site.banned(own);
  assert.equal((await site.get(letter.path, VISIT, { address: shipped })).status, 200);
  assert.deepEqual((await site.explain(shipped)).sentinel.bans, []);
  await site.accepted("");
});

test("explain names the honeypot of a path", async () => {
  await site.accepted('# first line\n\n[[honeypot]]\npath = "/bait"\nnote = "In the footer of the old site"\n');
  const own = await site.explain("192.0.2.1", { path: "/bait" });
  assert.deepEqual([own.honeypot.reason, own.honeypot.line, own.honeypot.note], ["path_rule", 3, "In the footer of the old site"]);
  const shipped = await site.explain("192.0.2.1", { path: "/wp-login.php" });
  assert.deepEqual([shipped.honeypot.reason, shipped.honeypot.line], ["path_rule", null]);
  assert.equal((await site.explain("192.0.2.1", { path: "/" })).honeypot, null);
  await site.accepted("");
});

test("a whole site as honeypot: whatever is no genuine link bans at once, and what phones ask for does not", async () => {
  for (const path of ["/x", forged(), damaged(decoy, 1), "/index.html", "/api/v1/letters/x"]) {
    const address = freshAddress();
    await touch(bait, path, address);
    assert.equal((await bait.banned(address)).reason, "honeypot", path);
  }
  const address = freshAddress();
  for (const path of ["/", "/favicon.ico", "/.well-known/assetlinks.json"]) await touch(bait, path, address);
  assert.equal((await bait.get(decoy.path, VISIT, { address })).status, 200);
  assert.deepEqual((await bait.explain(address)).sentinel.bans, []);
  // The site next door keeps its own profile.
  const next = freshAddress();
  await touch(site, "/x", next);
  await until(async () => (await site.explain(next)).sentinel.strikes === 1);
  assert.deepEqual((await site.explain(next)).sentinel.bans, []);
});

test("caught on one site, blocked on the other; genuine links of both open there", async () => {
  assert.notEqual(site.port, bait.port);
  const [here, there] = [freshAddress(), freshAddress()];
  assert.equal((await bait.get(decoy.path, VISIT, { address: here })).status, 200);
  await touch(site, "/.env", here);
  await bait.barred(decoy, { address: here });
  await touch(bait, "/x", there);
  await site.barred(letter, { address: there });
  // One list, whoever is asked; and lifted on one is lifted on both.
  const targets = async (where) => (await where.bans()).map(({ target }) => target).sort();
  assert.deepEqual(await targets(site), await targets(bait));
  await bait.lift(here);
  await bait.freed({ address: here });
  // An isolate that saw the strike itself remembers it for two minutes more.
  await site.front({ clock: Date.now() + 125_000 });
  await site.freed({ address: here });
  await site.front({ clock: null });
});

test("rules are shared, ledgers and keys are not", async () => {
  await site.accepted('[[deny]]\naddress = "203.0.113.5"\n');
  await bait.refused(decoy, { address: "203.0.113.5" });
  assert.equal((await site.guard()).rules.sha256, (await bait.guard()).rules.sha256);
  assert.equal((await bait.guard()).generation, (await site.guard()).generation);
  const foreign = freshAddress();
  await touch(bait, letter.path, foreign);
  assert.equal((await bait.banned(foreign)).reason, "honeypot", "a genuine link of the one is forged for the other");
});
