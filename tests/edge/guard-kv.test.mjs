// The namespace between ops, publisher and isolates: rules that come and are refused, snapshots that are no snapshots,
// and what holds when KV or the sentinels fail.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { freshAddress } from "./lib/addresses.mjs";
import { damaged, forged, shape, startGuarded } from "./lib/guard.mjs";
import { until } from "./lib/site.mjs";

const VISIT = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64)", "sec-fetch-mode": "navigate", "sec-fetch-site": "none" };
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const denying = (address, more = "") => `[[deny]]\naddress = "${address}"\n${more}`;
let site, letter, nothing;
before(async () => {
  site = await startGuarded("guard-kv");
  letter = await site.put(randomBytes(2_000));
  nothing = shape(await site.get("/no-such-page", VISIT));
});
after(() => site?.stop());
const get = (path, address) => site.get(path, VISIT, { address });

describe("rules past the API", () => {
  test("a plain put is picked up, judged and goes into the history", async () => {
    const text = denying("203.0.113.1", 'note = "the first"\n');
    const status = await site.rulesInKv(text);
    assert.deepEqual([status.version, status.rules.sha256, status.rules.entries, status.refused], [1, sha256(text), 1, null]);
    assert.ok(Math.abs(status.rules.accepted_at - Date.now() / 1000) < 60);
    await site.refused(letter, { address: "203.0.113.1" });
    const guard = await site.guard();
    assert.deepEqual([guard.rules, guard.refused, guard.generation], [status.rules, null, status.generation]);
    const { history } = await site.call("GET", "/api/v1/guard/rules/history");
    assert.deepEqual(history, [status.rules]);
    assert.equal((await site.call("GET", "/api/v1/guard/rules")).text, text);
  });

  test("what cannot be used is refused with line and column; the last good stays, until somebody puts others", async () => {
    const good = denying("203.0.113.1");
    await site.accepted(good);
    const bad = "\n\n[[deny]]\naddress = \"203.0.113.300\"\n";
    const { rules, refused } = await site.rulesInKv(bad);
    assert.deepEqual([refused.sha256, refused.diagnostics.map(({ line, column }) => [line, column])], [sha256(bad), [[4, 11]]]);
    assert.equal(rules.sha256, sha256(good), "the last good one holds");
    assert.deepEqual((await site.guard()).refused, refused);
    assert.equal((await get(letter.path, "203.0.113.1")).status, 404);
    await site.logged(/guard_rules_refused/);
    // The good text again is no new version, and takes the place of the bad one.
    const again = await site.accepted(good);
    assert.deepEqual([again.rules, again.refused], [rules, null]);
    assert.equal((await site.kv.get("guard/rules")).toString(), good);
    assert.equal((await site.kv.json("guard/status")).refused, null);
  });

  test("metadata beside the rules, of others or left from the last ones, changes nothing", async () => {
    for (const metadata of [{ by: "ann" }, "ann", [1], { version: 1 }, { version: 1, sha256: sha256("") }]) {
      const text = denying("203.0.113.1", `# ${JSON.stringify(metadata)}\n`);
      await site.kv.put("guard/rules", text, metadata);
      await until(async () => (await site.guard()).rules?.sha256 === sha256(text));
    }
  });

  test("bytes that are no text, and rules of 5 MB, are refused as well", async () => {
    const good = await site.accepted(denying("203.0.113.1"));
    for (const bytes of [Buffer.from([0xff, 0xfe, 0x00, 0x80]), Buffer.alloc(5_000_000, "# a long comment\n")]) {
      await site.kv.put("guard/rules", bytes);
      const { rules, refused } = await until(async () => {
        const status = await site.guard();
        return status.refused && status;
      });
      assert.ok(refused.diagnostics[0].message.length > 10);
      assert.deepEqual(rules, good.rules);
      assert.equal((await site.accepted(denying("203.0.113.1"))).refused, null);
    }
  });

  test("what stood there before, read late, brings no old rules back; what stays there is meant", async () => {
    const old = denying("203.0.113.1", "# old\n");
    await site.rulesInKv(old);
    const { rules: first } = await site.accepted("# first\n");
    const { rules } = await site.accepted("# second\n");
    const put = (text, mark) => site.kv.put("guard/rules", text, mark && { version: mark.version, sha256: mark.sha256 });
    const PLACES = { old: () => put(old), none: () => site.kv.delete("guard/rules"), first: () => put("# first\n", first) };
    let ahead = 0;
    const later = (seconds) => site.front({ clock: Date.now() + (ahead += seconds * 1_000) });
    /** It saw what stands there now. */
    const seen = async () => {
      await site.front({ reset: true });
      await until(async () => (await site.front()).counts["Publisher.GUARD.getWithMetadata"] >= 2);
    };
    // Places that are behind, and one that is not, in turns.
    for (const place of ["old", "none", "first", "old"]) {
      await PLACES[place]();
      await seen();
      await later(100);
      await seen();
      assert.deepEqual((await site.guard()).rules, rules, place);
      await put("# second\n", rules);
      await seen();
    }
    // Nothing else is read any more.
    await PLACES.first();
    await seen();
    await later(125);
    await until(async () => (await site.kv.get("guard/rules")).toString() === "# second\n");
    assert.deepEqual((await site.guard()).rules, rules, "an earlier version comes back by the API alone");
    await PLACES.old();
    await seen();
    await later(125);
    await until(async () => (await site.guard()).rules.sha256 === sha256(old));
    assert.equal((await site.guard()).rules.version, rules.version + 1);
    await site.refused(letter, { address: "203.0.113.1" });
    await PLACES.none();
    await seen();
    await later(125);
    await until(async () => (await site.kv.json("guard/status")).rules === null);
    await site.served(letter, { address: "203.0.113.1" });
    assert.deepEqual(await site.call("GET", "/api/v1/guard/rules"), { status: 200, version: 0, text: "" });
    await site.front({ clock: null });
  });

  test("what is put past the API while a push waits to be written is taken in, and not written over", async () => {
    await site.accepted(denying("203.0.113.1"));
    await site.breaks({ kv: "throw" });
    assert.equal((await site.rules(denying("203.0.113.2"))).status, 503);
    const text = denying("203.0.113.3", "# in haste\n");
    await site.kv.put("guard/rules", text);
    await site.breaks({});
    await until(async () => (await site.guard()).rules?.sha256 === sha256(text));
    await site.refused(letter, { address: "203.0.113.3" });
    await site.served(letter, { address: "203.0.113.2" });
    await site.accepted("");
  });

  test("wrangler's own kv key put is enough", async () => {
    const text = denying("203.0.113.4");
    const file = join(dirname(site.state), "rules.toml");
    writeFileSync(file, text);
    const config = join(dirname(site.state), "wrangler.toml");
    const args = [join(ROOT, "node_modules/wrangler/bin/wrangler.js"), "kv", "key", "put", "guard/rules", "--path", file, "--binding", "GUARD", "--local", "--persist-to", site.state, "--config", config];
    await promisify(execFile)(process.execPath, args, { env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", WRANGLER_WRITE_LOGS: "false", WRANGLER_HIDE_BANNER: "true" } });
    await until(async () => (await site.guard()).rules?.sha256 === sha256(text));
    await site.refused(letter, { address: "203.0.113.4" });
    await site.accepted("");
  });
});

describe("snapshots", () => {
  let banned, free, head, base;
  /** How far the clock is ahead: an isolate looks every three seconds. */
  let ahead = 125_000;
  before(async () => {
    [banned, free] = [freshAddress(), freshAddress()];
    await site.accepted("");
    await get("/.env", banned);
    await site.published(banned);
    await site.accepted("# a new base\n");
    // An isolate remembers for two minutes what it saw itself. Then only the snapshot can say so.
    await site.front({ clock: Date.now() + ahead });
    head = await site.kv.json("guard/head");
    base = await site.kv.get(`guard/base/${head.base}`);
  });
  const holds = async () => {
    assert.equal((await site.explain(banned)).standing, "address_banned", "the ban holds");
    assert.equal((await get(letter.path, free)).status, 200, "others are served");
  };
  /** Puts a head (and a base), and goes on once the isolate has looked at it. */
  async function looked(said, bytes) {
    const { snapshot } = await site.explain(free);
    if (bytes) await site.kv.put(`guard/base/${head.base + 1_000}`, bytes);
    await site.kv.put("guard/head", typeof said === "string" ? said : JSON.stringify(said));
    await site.front({ reset: true });
    await until(async () => {
      ahead += 3_500;
      await site.front({ clock: Date.now() + ahead });
      await holds();
      return (await site.front()).counts["visitor.GUARD.get"] >= 3;
    }, { every: 20 });
    // Or the publisher's next: it mends a head that nobody can read.
    const { generation } = (await site.explain(free)).snapshot;
    const { generation: made } = await site.guard();
    assert.ok(generation === snapshot.generation || generation === made, `${generation} is neither ${snapshot.generation} nor ${made}`);
  }
  const other = () => ({ ...head, base: head.base + 1_000, delta: null });
  const altered = (at, change) => {
    const bytes = Buffer.from(base);
    bytes[at] = change(bytes[at]);
    return bytes;
  };

  const SPOILT = {
    "cut in half": () => base.subarray(0, base.length >> 1),
    "cut by a byte": () => base.subarray(0, -1),
    "longer than it says": () => Buffer.concat([base, Buffer.alloc(8)]),
    empty: () => Buffer.alloc(0),
    "something else": () => Buffer.from("<html>not a snapshot</html>"),
    "with one bit flipped": () => altered(base.length - 5, (byte) => byte ^ 16),
    "with a wrong checksum": () => altered(17, (byte) => byte ^ 1),
    "of a newer version": () => altered(8, () => 3),
    "of another generation than the head says": () => base,
  };
  for (const [what, bytes] of Object.entries(SPOILT)) test(`a base ${what} is refused, the last good one stays`, () => looked(other(), bytes()));

  const HEADS = {
    "that is no JSON": () => "{",
    "without a base": () => ({ ...head, base: undefined }),
    "of a newer version": () => ({ ...head, version: 3, base: head.base + 1_000 }),
    "that names a base which is gone": () => ({ ...head, base: head.base + 9_999, delta: null }),
    "that names a delta which is gone": () => ({ ...head, delta: head.base + 9_999 }),
  };
  for (const [what, said] of Object.entries(HEADS)) test(`a head ${what} is refused, the last good one stays`, () => looked(said()));

  test("a head of an older version is replaced by a new base", async () => {
    const { generation } = await site.guard();
    await site.kv.put("guard/head", JSON.stringify({ ...head, version: 1 }));
    const made = await until(async () => {
      const now = await site.kv.json("guard/head");
      return now.version === 2 && now;
    });
    assert.ok(made.base > generation && made.delta === null, JSON.stringify(made));
    await until(async () => (await site.explain(free)).snapshot.generation >= made.base);
    await holds();
  });

  test("rules that an earlier version accepted and that are none any more: the shipped ones hold, and the status says why", async () => {
    await site.accepted("# good\n");
    const old = "[trust]\ndays = 1\n";
    assert.equal((await site.rules(old)).status, 422);
    await site.front({ sql: { Publisher: `UPDATE rules_part SET text = '${old}'` } });
    const late = freshAddress();
    await get("/.env", late);
    await site.published(late);
    const status = await until(async () => {
      const found = await site.kv.json("guard/status");
      return found.rules === null && found;
    });
    assert.equal(status.refused.diagnostics[0].line, 1);
    await site.accepted("# good again\n");
  });

  test("then the publisher's next one holds again", async () => {
    await site.kv.put("guard/head", JSON.stringify(head));
    const late = freshAddress();
    await get("/.env", late);
    await site.published(late);
    const { generation } = await site.guard();
    await until(async () => (await site.explain(late)).snapshot.generation >= generation);
    await site.barred(letter, { address: late });
    await holds();
  });

  test("old bases and deltas are tidied away", async () => {
    for (let count = 0; count < 4; count += 1) {
      const { generation } = await site.accepted(`# base ${count}\n`);
      assert.ok((await site.kv.names("guard/base/")).includes(`guard/base/${generation}`));
    }
    await site.front({ clock: Date.now() + 1_500_000 });
    await site.accepted("# and one more\n");
    const now = await site.kv.json("guard/head");
    const ours = async () => (await site.kv.names("guard/base/")).filter((name) => name !== `guard/base/${head.base + 1_000}`);
    await until(async () => (await ours()).length <= 2);
    assert.ok((await ours()).includes(`guard/base/${now.base}`));
    await site.front({ clock: null });
  });
});

describe("what lies in KV", () => {
  /** Every spelling in which an address could stand there: text, the bytes of its number either way round, hexadecimal. */
  const spellings = (address) => {
    const v6 = address.includes(":");
    // All of an IPv4 address, the /64 of an IPv6 address.
    const bytes = v6 ? Buffer.from(address.split("::")[0].split(":").map((group) => group.padStart(4, "0")).join("").padEnd(16, "0"), "hex") : Buffer.from(address.split(".").map(Number));
    const turned = Buffer.from(bytes).reverse();
    const texts = [v6 ? address.split("::")[0] : address, bytes.toString("hex"), turned.toString("hex"), bytes.toString("base64url").slice(0, v6 ? 10 : 5)];
    return [bytes, turned, ...texts.map((text) => Buffer.from(text))];
  };
  const everything = async () => {
    const names = await site.kv.names("");
    return { names, values: await Promise.all(names.map(async (name) => Buffer.concat([Buffer.from(name), await site.kv.get(name)]))) };
  };

  test("after fifty consents and one foreign ban: rules and the banned address, no byte of anybody else's", async (t) => {
    const readers = Array.from({ length: 50 }, (_, number) => (number % 2 ? `203.${37 + number}.${211 - number}.${77 + number}` : `2a0${number % 10}:${(0x5c3d + number).toString(16)}:${(0xe917 - 7 * number).toString(16)}:${(0xb36a + 3 * number).toString(16)}::${number + 1}`));
    const foreign = "198.51.171.213";
    const letters = await Promise.all(readers.map(() => site.put(randomBytes(100))));
    for (const [number, address] of readers.entries()) {
      const person = site.browser({}, { address });
      await person.consent(letters[number].path);
      assert.equal((await person.get(`${letters[number].path}/report`)).status, 200);
      // Its share of what people do wrong: points, and no ban.
      await get(damaged(letters[number], number), address);
    }
    await get("/.env", foreign);
    await site.published(foreign);
    // And once more as a whole: what is learnt is in the base.
    await site.accepted("# a base of all that is known\n");
    const { names, values } = await everything();
    assert.deepEqual([...new Set(names.map((name) => name.replace(/\d+$/, "N")))].sort(), ["guard/base/N", "guard/delta/N", "guard/head", "guard/rules", "guard/status"].filter((name) => name !== "guard/delta/N" || names.some((it) => it.startsWith("guard/delta/"))));
    const found = (address) => spellings(address).some((spelling) => values.some((value) => value.includes(spelling)));
    assert.ok(found(foreign), "the search finds what is there");
    assert.deepEqual(readers.filter(found), []);
    t.diagnostic(`${names.length} keys, ${values.reduce((sum, value) => sum + value.length, 0)} bytes: ${names.join(", ")}`);
  });
});

describe("when something fails", () => {
  const address = freshAddress();
  before(async () => {
    await get("/.env", address);
    await site.banned(address);
    await site.accepted("# everything is well\n");
  });
  after(() => site.breaks({}));

  for (const mode of ["throw", "hang"]) {
    test(`KV fails (${mode}): the last good snapshot holds, who is caught here is blocked here, and it comes back`, async () => {
      await site.breaks({ kv: mode });
      const caught = freshAddress();
      await get("/.env", caught);
      await site.barred(letter, { address: caught });
      for (let count = 0; count < 30; count += 1) {
        assert.equal((await get(letter.path, address)).status, 200, "a genuine link at a banned address");
        assert.equal((await get(letter.path)).status, 200);
        assert.equal(shape(await get(damaged(letter, count))), nothing);
      }
      await site.breaks({});
      await site.accepted(`# after ${mode}\n`);
      await site.published(caught);
    });
  }

  for (const mode of ["throw", "error", "garbage", "hang"]) {
    test(`sentinels fail (${mode}): answers are as ever, the sender is told, and it comes back`, async () => {
      await site.breaks({ sentinel: mode });
      const striker = freshAddress();
      for (const path of [forged(), "/.env", damaged(letter, 7)]) assert.equal(shape(await get(path, striker)), nothing);
      assert.equal((await get(letter.path, address)).status, 200, "a genuine link at a banned address");
      const person = site.browser();
      await person.consent(letter.path);
      assert.equal((await person.get(`${letter.path}/report`)).status, 200);
      if (mode !== "hang") {
        const told = await site.call("GET", "/api/v1/guard/bans");
        assert.ok(told.status === 503 || told.status === 502 || told.status === 500, `${told.status}`);
        await site.logged(/"code":"object_(down|failed|message)"/);
      }
      await site.breaks({});
      const late = freshAddress();
      await get("/.env", late);
      await site.banned(late);
    });
  }

  test("the publisher fails: strikes and answers are as ever, and it catches up", async () => {
    await site.breaks({ publisher: "throw" });
    const caught = freshAddress();
    await get("/.env", caught);
    await site.barred(letter, { address: caught });
    await site.breaks({});
    await site.published(caught);
  });
});

test("a message that cannot be read is set aside, and those behind it are delivered", async () => {
  const [known, late] = ["198.51.105.7", "198.51.105.8"];
  await get("/.env", known);
  await site.published(known);
  await site.front({ sql: { Sentinel: "INSERT INTO outbox (topic, message) VALUES ('sentinel_publisher', x'00'), ('sentinel_publisher', x'017b')" } });
  await get("/.env", late);
  await site.published(late);
  for (const code of ["object_version", "object_message"]) await site.logged(new RegExp(`"code":"${code}","event":"outbox_message_broken"`));
});

describe("an isolate without a snapshot", () => {
  let cold, its;
  before(async () => {
    cold = await startGuarded("guard-cold", { guard: { refresh_seconds: 300 } });
    await cold.breaks({ kv: "throw" });
    its = await cold.put(randomBytes(2_000));
  });
  after(() => cold?.stop());

  test("genuine links pass, strangers get silence, nobody is struck by settings that are not known, and the log says so", async () => {
    assert.equal((await cold.get(its.path, VISIT)).status, 200);
    const address = freshAddress();
    for (const path of ["/.env", forged(), forged(), damaged(its, 1)]) assert.equal(shape(await cold.get(path, VISIT, { address })), nothing);
    assert.equal((await cold.get(its.path, VISIT, { address })).status, 200);
    const { strikes, bans } = (await cold.explain(address)).sentinel;
    assert.deepEqual([strikes, bans], [0, []]);
    await cold.logged(/guard_without_snapshot/);
    assert.match(readFileSync(cold.log, "utf8"), /"event":"guard_without_snapshot"[^\n]*"level":"error"|"level":"error"[^\n]*"event":"guard_without_snapshot"/);
    await cold.breaks({});
  });

  test("a warm isolate reads nothing from KV: 1,000 requests of every kind", async (t) => {
    // An isolate looks again every five minutes, and the publisher may need longer than its first look.
    let ahead = 99_000;
    await until(async () => {
      ahead += 301_000;
      await cold.front({ clock: Date.now() + ahead });
      await cold.get(its.path, VISIT);
      return (await cold.explain("192.0.2.1")).snapshot.generation > 0;
    });
    await cold.front({ reset: true });
    const one = (number) => [its.path, forged(), damaged(its, number), "/.env", "/no-such-page", `${its.path}/report`, `/api/v1/letters/${its.letter}`][number % 7];
    for (let number = 0; number < 1_000; number += 20) await Promise.all(Array.from({ length: 20 }, (_, index) => cold.get(one(number + index), VISIT)));
    const { counts } = await cold.front();
    t.diagnostic(JSON.stringify(counts));
    assert.deepEqual(Object.keys(counts).filter((name) => name.startsWith("visitor.GUARD.")), []);
    assert.ok(counts["visitor.LIMIT_PAGES.limit"] >= 500, "the front does count");
  });
});
