// Rules of ops at the edge: who is denied and allowed by what, what dry run leaves as it is and counts, what expires.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { damaged, endOfDay, forged, shape, startGuarded } from "./lib/guard.mjs";
import { until } from "./lib/site.mjs";

const PHONE = "Mozilla/5.0 (Linux; Android 16) Mobile";
let site, letter, nothing;
before(async () => {
  site = await startGuarded("guard-rules");
  letter = await site.put(randomBytes(2_000), { lives: 40 * 86_400 });
  nothing = shape(await site.get("/no-such-page"));
});
after(() => site?.stop());

/** What each kind of rule is about, a client that it means, and one that it does not. */
const KINDS = {
  address: ["address", "203.0.113.7", { address: "203.0.113.7" }, { address: "203.0.113.8" }],
  "IPv6 address": ["address", "2001:db8:7:1::1", { address: "2001:db8:7:1:ffff::9" }, { address: "2001:db8:7:2::1" }],
  "IPv4 inside IPv6": ["address", "203.0.113.70", { address: "::ffff:203.0.113.70" }, { address: "::ffff:203.0.113.71" }],
  network: ["network", "192.0.2.0/25", { address: "192.0.2.127" }, { address: "192.0.2.128" }],
  "IPv6 network": ["network", "2001:db8:8::/48", { address: "2001:db8:8:ffff::1" }, { address: "2001:db8:9::1" }],
  asn: ["asn", 64_511, { asn: 64_511 }, { asn: 64_512 }],
  country: ["country", "AQ", { country: "AQ" }, { country: "NL" }],
  Tor: ["country", "T1", { country: "T1" }, {}],
  agent: ["agent", "*EvilBot*", { agent: "something evilbot/1.0" }, { agent: PHONE }],
};
const REASONS = { address: "network_rule", network: "network_rule", asn: "asn_rule", country: "country_rule", agent: "agent_rule" };

const get = (path, { agent = PHONE, ...from } = {}) => site.get(path, { "user-agent": agent }, from);
const rule = (action, [key, value], more = "") => `[[${action}]]\n${key} = ${JSON.stringify(value)}\n${more}`;
const counted = async (line) => (await site.guard()).dry_run.filter((count) => count.line === line);

describe("deny", () => {
  for (const [name, kind] of Object.entries(KINDS)) {
    test(`by ${name}: refused with a genuine link, in silence; others are served`, async () => {
      const [, , meant, other] = kind;
      await site.accepted(rule("deny", kind));
      for (const path of [letter.path, letter.path.toUpperCase(), `${letter.path}/report`, forged()]) {
        assert.equal(shape(await get(path, meant)), nothing, path);
      }
      const posted = await site.send("POST", `${letter.path}/withdraw`, { ...meant, body: "x", headers: { "user-agent": meant.agent ?? PHONE, "content-length": 1 } });
      assert.equal(shape(posted), nothing);
      assert.equal((await get(letter.path, other)).status, 200);
      // The same for everybody: a difference would tell that somebody is refused.
      for (const path of ["/robots.txt", "/.well-known/security.txt", "/assets/viewer.js"]) {
        const [refused, served] = [await get(path, meant), await get(path, other)];
        const text = ({ body }) => body.toString().replace(/^Expires: .*$/m, "");
        assert.deepEqual([refused.status, text(refused)], [200, text(served)], path);
      }
      if (meant.agent) return;
      const { address = "198.51.100.1", ...more } = meant;
      const told = await site.explain(address, { ...more, agent: PHONE });
      assert.deepEqual([told.standing, told.cause.reason, told.cause.line, told.answers], ["denied", REASONS[kind[0]], 1, { genuine: "silent", other: "silent" }]);
    });

    test(`by ${name} in dry run: changes nothing and is counted`, async () => {
      const [, , meant] = kind;
      await site.accepted(rule("deny", kind, "dry_run = true\n"));
      assert.deepEqual((await site.guard()).dry_run, [], "counts begin with the rules");
      for (let count = 0; count < 3; count += 1) assert.equal((await get(letter.path, meant)).status, 200);
      const [count] = await until(async () => {
        const found = await counted(1);
        return found.length > 0 && found[0].requests >= 3 && found;
      });
      assert.deepEqual([count.reason, count.requests], [REASONS[kind[0]], 3]);
      assert.match(count.now, /^serve/);
      assert.match(count.would, /^silent/);
    });
  }
});

describe("allow", () => {
  for (const [name, kind] of Object.entries(KINDS).filter(([, [key]]) => key !== "agent")) {
    test(`by ${name}: neither denied nor banned, whatever it does`, async () => {
      const [, , meant] = kind;
      const address = meant.address ?? "198.51.100.77";
      const denied = `[[deny]]\nnetwork = ["203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24", "2001:db8::/32"]\n${rule("allow", kind)}`;
      await site.accepted(denied);
      assert.equal((await get(letter.path, { ...meant, address })).status, 200);
      assert.equal(shape(await get(letter.path, { address: "198.51.100.78" })), nothing, "the others are denied");
      for (const path of ["/wp-login.php", forged(), forged(), forged(), damaged(letter, 1)]) assert.equal(shape(await get(path, { ...meant, address })), nothing);
      assert.equal((await get(letter.path, { ...meant, address })).status, 200);
      const { sentinel } = await site.explain(address);
      assert.deepEqual([sentinel.points, sentinel.bans], [0, []], "nothing was noted");
    });

    test(`by ${name} in dry run: changes nothing and is counted`, async () => {
      const [, , meant] = kind;
      await site.accepted(`${rule("allow", kind, "dry_run = true\n")}${rule("deny", kind)}`);
      assert.equal(shape(await get(letter.path, meant)), nothing);
      const [count] = await until(async () => {
        const found = await counted(1);
        return found.length > 0 && found;
      });
      assert.match(count.now, /^silent/);
      assert.match(count.would, /^serve/);
      assert.equal(count.requests, 1);
    });
  }

  test("an agent: lifts rules about agents, and no ban and no rule about an address", async () => {
    const bot = "EvilBot/1.0 (+https://evil.example)";
    await site.accepted(`[[allow]]\nagent = "EvilBot"\n[[deny]]\nagent = "EvilBot"\n[[deny]]\naddress = "203.0.113.40"\n`);
    assert.equal((await get(letter.path, { agent: bot })).status, 200);
    assert.equal(shape(await get(letter.path, { agent: bot, address: "203.0.113.40" })), nothing);
    await site.ban("203.0.113.41");
    await until(async () => (await site.explain("203.0.113.41", { agent: bot })).standing === "address_banned");
    await site.lift("203.0.113.41");
  });
});

test("thresholds in dry run: bans are computed and shown, refuse nobody, and are counted", async () => {
  await site.accepted("[thresholds]\ndry_run = true\n");
  const address = "203.0.113.90";
  await get("/.env", { address });
  const ban = await site.banned(address);
  assert.deepEqual([ban.reason, ban.dry_run], ["honeypot", true]);
  const count = await until(async () => {
    assert.equal((await get(letter.path, { address })).status, 200);
    // A stranger who is banned is not told on again.
    assert.equal(shape(await get("/no-such-page", { address })), nothing);
    return (await site.guard()).dry_run.find(({ reason }) => reason === "honeypot");
  });
  assert.equal(count.line, null);
  await site.lift(address);
});

test("honeypots in dry run: a touch changes nothing and is counted", async () => {
  await site.accepted('[honeypots]\nshipped = false\n\n[[honeypot]]\npath = "/bait/*"\ndry_run = true\n');
  const address = "203.0.113.91";
  assert.equal(shape(await get("/bait/x", { address })), nothing);
  assert.equal(shape(await get("/.env", { address })), nothing, "no honeypot any more");
  const [count] = await until(async () => {
    const found = await counted(4);
    return found.length > 0 && found;
  });
  assert.deepEqual([count.reason, count.requests], ["path_rule", 1]);
  assert.equal((await get(letter.path, { address })).status, 200);
  assert.deepEqual((await site.explain(address)).sentinel.bans, []);
});

test("robots in dry run: crawlers are served like everybody, and counted", async () => {
  await site.accepted("[robots]\ndry_run = true\n");
  const agent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
  assert.equal((await get(letter.path, { agent })).status, 200);
  const count = await until(async () => (await site.guard()).dry_run[0]);
  assert.deepEqual([count.line, count.requests], [null, 1]);
  assert.match(count.would, /^silent/);
});

test("an entry that expires counts until then, and uncovers what it hid", async () => {
  const real = Date.now();
  const soon = new Date(real + 3_600_000).toISOString().replace(/\.\d+Z$/, "Z");
  await site.accepted(`[[deny]]\naddress = "203.0.113.50"\nexpires = ${soon}\n[[allow]]\naddress = "203.0.113.51"\nexpires = ${soon}\n[[deny]]\naddress = "203.0.113.51"\n`);
  assert.equal(shape(await get(letter.path, { address: "203.0.113.50" })), nothing);
  assert.equal((await get(letter.path, { address: "203.0.113.51" })).status, 200);
  const told = await site.explain("203.0.113.50");
  assert.equal(told.cause.until, Math.floor((real + 3_600_000) / 1000));
  await site.front({ clock: real + 3_600_000 + 2_000 });
  assert.equal((await get(letter.path, { address: "203.0.113.50" })).status, 200);
  assert.equal(shape(await get(letter.path, { address: "203.0.113.51" })), nothing);
  await site.front({ clock: null });
});

test("bans by hand: of an address for the day, of a network, until any time; lifted at once", async () => {
  await site.accepted("");
  const day = endOfDay(Date.now());
  assert.deepEqual(await site.ban("203.0.113.60"), { status: 201, target: "203.0.113.60", until: day });
  await site.barred(letter, { address: "203.0.113.60" });
  const later = Math.floor(Date.now() / 1000) + 3 * 86_400;
  assert.deepEqual(await site.ban("203.0.113.0/26", later), { status: 201, target: "203.0.113.0/26", until: later });
  await until(async () => (await site.explain("203.0.113.61")).standing === "network_banned");
  assert.equal((await get(letter.path, { address: "203.0.113.61" })).status, 200);
  const bans = (await site.bans()).map(({ target, reason, until: end }) => [target, reason, end]);
  assert.deepEqual(bans.sort(), [["203.0.113.0/26", "ops", later], ["203.0.113.60", "ops", day]]);
  assert.deepEqual((await site.bans(1)).length, 2, "page by page");
  assert.equal((await site.lift("203.0.113.60")).lifted, 1);
  await until(async () => (await site.explain("203.0.113.60")).standing === "network_banned");
  assert.equal((await site.lift("203.0.113.0/26")).lifted, 1);
  await until(async () => (await site.explain("203.0.113.61")).standing !== "network_banned");
  const kinds = (await site.events()).filter(({ target }) => target.startsWith("203.0.113.")).map(({ kind, target }) => `${kind} ${target}`);
  for (const kind of ["banned_by_ops 203.0.113.60", "banned_by_ops 203.0.113.0/26", "lifted 203.0.113.60"]) assert.ok(kinds.includes(kind), `${kind}: ${kinds}`);
});

test("a ban of an IPv6 network wider than a /48 reaches every shard, and is lifted from all", async () => {
  await site.ban("2001:db8:4000::/36");
  for (let far = 0; far < 12; far += 1) {
    const address = `2001:db8:4${far.toString(16)}00::1`;
    await until(async () => (await site.explain(address)).standing === "network_banned");
  }
  assert.equal((await site.bans()).filter(({ target }) => target === "2001:db8:4000::/36").length, 1, "listed once");
  await site.ban("2001:db8:4100::");
  assert.equal((await site.lift("2001:db8:4000::/36")).lifted, 2, "and what lay inside");
  assert.deepEqual((await site.bans()).filter(({ target }) => target.startsWith("2001:db8:4")), []);
});

test("bad targets and times are told so; without the key all of it is silent", async () => {
  const post = (said) => site.call("POST", "/api/v1/guard/bans", said);
  for (const target of ["", "nobody", "203.0.113.1/24", "203.0.113.0/33", "2001:db8::/80", "2002::/16"]) {
    const answer = await post({ target });
    assert.equal(answer.status, 422, JSON.stringify(target));
    assert.match(answer.code, /^[a-z0-9_]+$/);
  }
  assert.equal((await post({ target: 7 })).status, 400);
  assert.equal((await post({ target: "203.0.113.1", until: Math.floor(Date.now() / 1000) - 60 })).status, 422);
  assert.equal((await site.call("GET", "/api/v1/guard/explain?address=nobody")).status, 400);
  assert.equal((await site.call("DELETE", "/api/v1/guard/bans/nobody")).status, 422);
  for (const [method, path] of [["GET", ""], ["GET", "/bans"], ["POST", "/bans"], ["DELETE", "/bans/203.0.113.1"], ["GET", "/explain?address=203.0.113.1"], ["GET", "/events"], ["GET", "/rules"], ["PUT", "/rules"], ["GET", "/rules/history"], ["POST", "/rules/rollback"]]) {
    const reference = shape(await site.send(method, "/no-such-page", { headers: { "content-length": 0 } }));
    assert.equal(shape(await site.send(method, `/api/v1/guard${path}`, { headers: { "content-length": 0 } })), reference, `${method} ${path}`);
  }
  assert.deepEqual((await site.bans()).filter(({ target }) => target === "203.0.113.1"), []);
});

describe("rules through the API", () => {
  const call = (method, more, ...said) => site.call(method, `/api/v1/guard/rules${more}`, ...said);
  const denying = (address) => `[[deny]]\naddress = "${address}"\n`;
  const from = { address: "203.0.113.7" };

  test("are in force when they are answered, and say what they change", async () => {
    await site.accepted("");
    const text = `${denying("203.0.113.7")}[[deny]]\naddress = "203.0.113.7"\n`;
    const before = await site.guard();
    const dry = await call("PUT", "?dry_run=true", text);
    assert.deepEqual([dry.status, dry.version, dry.unchanged, dry.rules], [200, before.rules.version, false, before.rules]);
    assert.deepEqual((await site.guard()).rules, before.rules, "nothing is changed");
    const put = await call("PUT", "", text);
    assert.deepEqual([put.version, put.unchanged, put.profile, put.rules.entries], [before.rules.version + 1, false, "balanced", 2]);
    assert.deepEqual([put.diff, put.warnings], [dry.diff, dry.warnings]);
    assert.deepEqual(put.diff.entries.map(({ action, subject, items, old }) => [action, subject, items, old]), [["deny", "network", ["203.0.113.7"], null], ["deny", "network", ["203.0.113.7"], null]]);
    assert.deepEqual(put.warnings.map(({ line, code }) => [line, code]), [[3, "never_takes_effect"]]);
    assert.equal(shape(await get(letter.path, from)), nothing, "at once");
    const guard = await site.guard();
    assert.ok(guard.generation > before.generation && guard.rules.version === put.version);
    assert.equal((await site.kv.get("guard/rules")).toString(), text);
    assert.deepEqual((await site.kv.json("guard/status")).rules, put.rules);
    const again = await call("PUT", "", text, { "if-match": '"0"' });
    assert.deepEqual([again.status, again.unchanged, again.version], [200, true, put.version], "whoever lost the answer asks again");
    const read = await site.send("GET", "/api/v1/guard/rules", { headers: { authorization: `Bearer ${site.apiKey}` } });
    assert.deepEqual([read.headers.etag, JSON.parse(read.body)], [`"${put.version}"`, { version: put.version, text }]);
  });

  test("with errors: each with line, column and what to write, and nothing changes", async () => {
    const { rules } = await site.guard();
    const bad = [
      ["profile = \n", 1], ["\n\n[[deny]]\naddress = \"203.0.113.300\"\n", 4], ["[thresholds]\nallowance = -1\n", 2], ["[[deny]]\nnetwork = \"203.0.113.1/24\"\n", 2], ["[[deny]]\nadress = \"203.0.113.2\"\n", 2],
      ["[[deny]]\ncountry = \"Netherlands\"\n", 2], ["[[allow]]\npath = \"/x\"\n", 2], ["profile = \"severe\"\n", 1], ["\u0000\u0001", 1], ["[[deny]]\naddress = \"203.0.113.3\"\nexpires = \"tomorrow\"\n", 3],
      [Buffer.from([0x23, 0x0a, 0x61, 0xff]), 2],
    ];
    for (const [text, line] of bad) {
      const { status, code, diagnostics } = await call("PUT", "", text);
      assert.deepEqual([status, code], [422, "rules_invalid"], JSON.stringify(text));
      const found = diagnostics.find((one) => one.line === line);
      assert.ok(found?.column >= 1 && found.message.length > 10, `${JSON.stringify(text)}: ${JSON.stringify(diagnostics)}`);
    }
    const two = (await call("PUT", "?dry_run=true", '[[deny]]\naddress = "x"\n[[deny]]\nasn = "y"\n')).diagnostics;
    assert.deepEqual(two.map(({ line, column, code }) => [line, column, code]), [[2, 11, "bad_address"], [4, 7, "bad_asn"]], "every one at once");
    assert.equal((await call("PUT", "", Buffer.alloc(4_194_306, "#"))).status, 422);
    assert.equal((await call("PUT", "", Buffer.alloc(5_000_000, "#"))).status, 413);
    assert.equal((await call("PUT", "?dry_run=yes", "")).code, "dry_run");
    assert.deepEqual((await site.guard()).rules, rules);
  });

  test("of two at once that mean to replace the same version, one is told", async () => {
    const { version } = (await site.accepted("# before\n")).rules;
    const tag = { "if-match": `"${version}"` };
    const both = await Promise.all([1, 2].map((number) => call("PUT", "", `# of ${number}\n`, tag)));
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 412]);
    assert.equal(both.find(({ status }) => status === 412).code, "rules_changed");
    const won = both.findIndex(({ status }) => status === 200) + 1;
    assert.deepEqual(await call("GET", ""), { status: 200, version: version + 1, text: `# of ${won}\n` });
    // One that was put past the API counts as well, seen or not.
    await site.kv.put("guard/rules", "# past the API\n");
    assert.equal((await call("PUT", "", "# late\n", { "if-match": `"${version + 1}"` })).status, 412);
    for (const tags of [`"7", "${version + 2}"`, "*"]) assert.equal((await call("PUT", "", `# for ${tags}\n`, { "if-match": tags })).status, 200, tags);
    // What compresses on the way makes our tag a weak one.
    for (const [tag, status] of [[version + 3, 412], [version + 4, 200]]) assert.equal((await call("PUT", "", "# weak\n", { "if-match": `W/"${tag}"` })).status, status);
  });

  test("the last twenty versions are kept, can be read and put back", async () => {
    for (let number = 0; number < 20; number += 1) await site.accepted(`${denying("203.0.113.7")}# ${number}\n`);
    const { version, history } = await call("GET", "/history");
    assert.deepEqual(history.map((it) => it.version), Array.from({ length: 20 }, (_, index) => version - index));
    await site.accepted("# nobody\n");
    assert.equal((await get(letter.path, from)).status, 200);
    assert.equal((await call("GET", `?version=${version}`)).text, `${denying("203.0.113.7")}# 19\n`);
    for (const old of [history.at(-1).version, 0, "x"]) assert.equal((await call("GET", `?version=${old}`)).code, "no_such_rules");
    assert.equal((await call("POST", "/rollback", { version: history.at(-1).version })).code, "no_such_rules");
    assert.equal((await call("POST", "/rollback", { version, more: 1 })).code, "rules_rollback");
    assert.equal((await call("POST", "/rollback", { version }, { "if-match": `"${version}"` })).status, 412);
    const back = await call("POST", "/rollback", { version }, { "if-match": `"${version + 1}"` });
    assert.deepEqual([back.status, back.version, back.rules.sha256], [200, version + 2, history[0].sha256]);
    assert.equal(shape(await get(letter.path, from)), nothing);
    await site.accepted("");
  });
});
