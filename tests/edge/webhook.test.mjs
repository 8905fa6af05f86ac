// Webhooks: what a receiver gets, in which order, and what becomes of it when the receiver is down, slow, wrong or gone.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { ledgerOnDisk, objectOnDisk } from "./lib/chain.mjs";
import { forged } from "./lib/guard.mjs";
import { DAY } from "./lib/life.mjs";
import { hookedSite, judgedInNode, judgedInPython, startReceiver, webhooks } from "./lib/receiver.mjs";
import { startSite, until } from "./lib/site.mjs";

const REPORT = randomBytes(500);
const HOUR = 3_600_000;

const { site, receiver, hooks } = await hookedSite("webhook");

const events = (letter) => ledgerOnDisk(site.state, letter.letter).events;
const uuid = (bytes) => Buffer.from(bytes).toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
/** Waits until every event of the letter has come. */
const all = (letter) => until(() => new Set(receiver.arrived(letter.letter)).size === events(letter).length, { every: 20 });
const settled = (id) => until(async () => (await hooks.show(id)).waiting === 0, { every: 50, within: 40_000 });
/** A refused letter: sealed, seen, refused. */
async function refused(options) {
  const letter = await site.put(REPORT, options);
  await site.browser().submit(letter.path, "refuse");
  return letter;
}

test("what happens to a letter comes once, in its order, and the official libraries verify it", async () => {
  const { webhook, secret } = await hooks.make(receiver, { description: "tests" });
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  const letter = await site.put(REPORT);
  const reader = site.browser();
  await reader.consent(letter.path);
  await reader.submit(letter.path, "withdraw");
  await all(letter);
  const recorded = events(letter);
  assert.deepEqual(receiver.ids(letter.letter), recorded.map(({ id }) => uuid(id)), "each under the id of its event");
  const words = { sealed: "letter.sealed", opened: "letter.opened_by_person", notice_shown: "letter.notice_shown", consent_given: "letter.consented", consent_withdrawn: "letter.withdrawn" };
  assert.deepEqual(receiver.of(letter.letter).map(({ type }) => type), recorded.map(({ kind }) => words[kind]));
  for (const [at, message] of receiver.of(letter.letter).entries()) {
    const { headers, body } = message;
    const { seq, actor } = recorded[at];
    assert.deepEqual(JSON.parse(body), { type: message.type, timestamp: new Date(recorded[at].at).toISOString(), data: { letter: letter.letter, event: message.id, seq, actor } });
    assert.deepEqual([message.method, message.path, headers["content-type"]], ["POST", "/hook", "application/json"]);
    assert.equal(judgedInNode(secret, message), "");
    assert.match(judgedInNode(secret, message, 301), /too old/);
    assert.match(judgedInNode(secret, { headers, body: body.replace("sender", "robot").replace("recipient", "robot").replace("seq\":", "seq\":1") }), /No matching signature/);
    assert.match(judgedInNode(`whsec_${randomBytes(32).toString("base64")}`, message), /No matching signature/);
  }
  const [message] = receiver.of(letter.letter);
  assert.equal(judgedInPython(secret, message), "");
  assert.match(judgedInPython(secret, message, 301), /too old/);
  assert.match(judgedInPython(secret, message, -400), /too new/);
  assert.match(judgedInPython(secret, { ...message, body: message.body.replace("sealed", "sealee") }), /No matching signature/);
  assert.match(judgedInPython(secret, { ...message, headers: { ...message.headers, "webhook-id": "other" } }), /No matching signature/);
  await settled(webhook);
  const page = await hooks.deliveries(webhook);
  assert.deepEqual(page.map(({ delivery }) => delivery), receiver.ids(letter.letter).reverse());
  assert.ok(page.every(({ state, attempts }) => state === "delivered" && attempts.length === 1 && attempts[0].status === 204));
  const first = await hooks.call("GET", `/${webhook}/deliveries?limit=2`);
  assert.deepEqual((await hooks.deliveries(webhook, `limit=2&after=${first.next}`)).map(({ number }) => number), page.slice(2, 4).map(({ number }) => number));
});

test("a robot's fetch is told from a person's visit, and only the kinds that were asked for come", async () => {
  await hooks.make(receiver, { kinds: ["letter.fetched_by_robot", "letter.opened_by_person", "letter.refused"] });
  const letter = await site.put(REPORT);
  assert.equal((await site.browser().get(letter.path, { purpose: "prefetch" })).status, 200);
  await receiver.got({ type: "letter.fetched_by_robot", letter: letter.letter });
  await site.browser().submit(letter.path, "refuse");
  await receiver.got({ type: "letter.refused", letter: letter.letter });
  const types = receiver.of(letter.letter).map(({ type, body }) => [type, JSON.parse(body).data.actor]);
  assert.deepEqual(types, [["letter.fetched_by_robot", "robot"], ["letter.opened_by_person", "recipient"], ["letter.refused", "recipient"]]);
});

test("an endpoint hears nothing of what happened before it was made, and nothing once it is deleted", async () => {
  const early = await refused();
  await site.reported(early);
  const one = await hooks.make(receiver);
  const letter = await refused();
  await all(letter);
  assert.deepEqual(receiver.of(early.letter), []);
  await hooks.delete(one.webhook);
  const late = await refused();
  await site.reported(late);
  const other = await hooks.make(receiver);
  const last = await refused();
  await all(last);
  assert.deepEqual(receiver.of(late.letter), []);
  for (const [method, path] of [["GET", ""], ["PUT", ""], ["DELETE", ""], ["POST", "/test"], ["POST", "/secret"], ["GET", "/deliveries"], ["POST", "/replay"]]) {
    const body = { PUT: { url: receiver.url }, POST: { since: 0 } }[method];
    const { status, code } = await hooks.call(method, `/${one.webhook}${path}`, body);
    assert.deepEqual([status, code], [404, "no_such_webhook"], `${method} ${path}`);
  }
  assert.notEqual(one.webhook, other.webhook);
});

/** What a receiver may do wrong: the first time only, and then it answers. `first`: what is noted of that. */
const WRONG = {
  "an error": { behave: (response) => response.writeHead(500).end("oh no"), first: [500, null] },
  "a refusal": { behave: (response) => response.writeHead(400).end(), first: [400, null] },
  "a redirect": { behave: (response) => response.writeHead(302, { location: "/elsewhere" }).end(), first: [302, null] },
  "a permanent redirect": { behave: (response) => response.writeHead(308, { location: "/elsewhere" }).end(), first: [308, null] },
  "it closes before it answers": { behave: (response) => response.socket.destroy(), first: [null, "unreachable"] },
  "it closes in the middle of a header": { behave: (response) => response.socket.end("HTTP/1.1 200 OK\r\nContent-Le"), first: [null, "unreachable"] },
  "it speaks no HTTP": { behave: (response) => response.socket.end("\0\u0001 nonsense\r\n\r\n"), first: [null, "unreachable"] },
  "it never answers": { behave: () => {}, first: [null, "timeout"] },
};
for (const [name, { behave, first }] of Object.entries(WRONG)) {
  test(`${name}: it is sent again under the same id, while other letters go on`, async () => {
    const { webhook } = await hooks.make(receiver);
    let bad;
    receiver.behave = (message, response) => {
      bad ??= message.letter;
      return message.letter === bad && receiver.of(bad).length === 1 ? behave(response) : false;
    };
    const letter = await refused();
    await receiver.got({ letter: letter.letter });
    const other = await refused();
    await all(other);
    assert.equal(receiver.of(letter.letter).length, 1, "the rest of that letter waits");
    const [id] = receiver.ids(letter.letter);
    const noted = async () => (await hooks.deliveries(webhook)).find(({ delivery }) => delivery === id);
    await until(async () => (await noted()).attempts.length === 1, { within: 30_000 });
    await site.later(7_000);
    await all(letter);
    await settled(webhook);
    const ids = receiver.ids(letter.letter);
    assert.deepEqual(ids, [ids[0], ...events(letter).map(({ id }) => uuid(id))], "in order, the first one twice");
    assert.ok(receiver.messages.every(({ path }) => path === "/hook"), "no redirect is followed");
    const { attempts } = await noted();
    assert.deepEqual(attempts.map(({ status, error }) => [status, error]), [first, [204, null]]);
    assert.deepEqual([(await hooks.show(webhook)).failures, (await hooks.show(webhook)).failing_since], [0, null]);
  });
}

/** What a receiver may say with its 200: it counts for nothing, and is not read to its end. */
const LIES = {
  garbage: (response) => response.writeHead(200, { "content-type": "application/json" }).end(randomBytes(1_000)),
  "a huge body": (response) => {
    response.writeHead(200);
    const more = () => response.write(Buffer.alloc(65_536)) && response.writable ? setImmediate(more) : response.once("drain", more);
    response.on("error", () => {});
    more();
  },
  "a body that never ends": (response) => response.writeHead(200).write("and"),
  "a length that is a lie": (response) => {
    response.writeHead(200, { "content-length": 100_000 }).write("x");
    setTimeout(() => response.socket?.destroy(), 50);
  },
};
test("what comes with a 2xx counts for nothing", async () => {
  const { webhook } = await hooks.make(receiver);
  for (const [name, lie] of Object.entries(LIES)) {
    receiver.behave = (_, response) => lie(response);
    const letter = await site.put(REPORT);
    await site.browser().get(letter.path);
    await all(letter);
    await settled(webhook);
    assert.equal(receiver.of(letter.letter).length, events(letter).length, name);
  }
  const page = await hooks.deliveries(webhook);
  assert.ok(page.every(({ state, attempts }) => state === "delivered" && attempts[0].took_ms < 10_000));
});

test("a receiver that was down for hours gets everything, in order, once it is back", async () => {
  const { webhook } = await hooks.make(receiver);
  await receiver.down();
  const letters = await Promise.all([1, 2, 3, 4, 5, 6, 7].map(() => refused()));
  await until(async () => (await hooks.show(webhook)).failures >= 5);
  for (let hour = 1; hour <= 5; hour += 1) {
    const { failures } = await hooks.show(webhook);
    await site.later(hour * HOUR);
    await until(async () => (await hooks.show(webhook)).failures > failures);
  }
  const { failing_since, waiting } = await hooks.show(webhook);
  assert.ok(Math.abs(failing_since - Date.now()) < 60_000);
  assert.equal(waiting, letters.reduce((sum, letter) => sum + events(letter).length, 0));
  await receiver.up();
  await site.later(7 * HOUR);
  for (const letter of letters) await all(letter);
  await settled(webhook);
  for (const letter of letters) assert.deepEqual(receiver.ids(letter.letter), events(letter).map(({ id }) => uuid(id)));
});

test("a receiver that wants time gets it, as seconds and as a date", async () => {
  for (const wants of [() => "3600", () => new Date(Date.now() + HOUR).toUTCString()]) {
    const { webhook } = await hooks.make(receiver);
    receiver.behave = (_, response, number) => number === 1 && response.writeHead(429, { "retry-after": wants() }).end();
    const letter = await site.put(REPORT);
    await site.browser().get(letter.path);
    await until(async () => (await hooks.show(webhook)).failures === 1);
    await site.later(HOUR - 120_000);
    // The alarm has rung: a message to itself is written, and not sent either.
    await hooks.call("POST", `/${webhook}/test`, undefined, 202);
    assert.equal(receiver.messages.length, 1);
    await site.later(HOUR + 60_000);
    await settled(webhook);
    await hooks.delete(webhook);
    receiver.messages = [];
    await site.later(0);
  }
});

test("410 ends an endpoint until it is enabled again", async () => {
  const { webhook } = await hooks.make(receiver);
  receiver.behave = (_, response) => response.writeHead(410).end();
  const letter = await refused();
  await until(async () => (await hooks.show(webhook)).disabled === "gone");
  await site.logged(/"event":"webhook_given_up".*"why":"gone"/);
  const calls = receiver.messages.length;
  const lost = await hooks.deliveries(webhook, "state=given_up&limit=1000");
  assert.ok(lost.length > 0 && (await hooks.show(webhook)).waiting === 0);
  const later = await refused();
  await site.reported(later);
  const again = await hooks.call("POST", `/${webhook}/test`);
  assert.deepEqual([again.status, again.code, receiver.messages.length], [409, "webhook_disabled", calls]);
  receiver.behave = undefined;
  const on = await hooks.call("PUT", `/${webhook}`, { url: receiver.url }, 200);
  assert.deepEqual([on.enabled, on.disabled], [true, null]);
  const next = await refused();
  await all(next);
  assert.deepEqual(receiver.of(later.letter), [], "what happened meanwhile is not sent");
  // What was given up can be had again, in its order.
  receiver.messages = [];
  const { deliveries, more } = await hooks.call("POST", `/${webhook}/replay`, { since: 0 }, 200);
  await settled(webhook);
  assert.deepEqual([deliveries, more], [receiver.messages.length, false]);
  const came = receiver.ids(letter.letter);
  assert.deepEqual(came, events(letter).map(({ id }) => uuid(id)).slice(0, came.length));
  assert.ok(came.length > 0 && receiver.ids(next.letter).length === events(next).length);
  const off = await hooks.call("PUT", `/${webhook}`, { url: receiver.url, enabled: false }, 200);
  assert.deepEqual([off.enabled, off.disabled], [false, "off"]);
});

test("while a secret is rotated either one verifies, and a day later only the new one", async () => {
  const { webhook, secret: old } = await hooks.make(receiver);
  const { secret, old_secret_until } = await hooks.call("POST", `/${webhook}/secret`, undefined, 200);
  assert.ok(Math.abs(old_secret_until - Date.now() - DAY) < 60_000);
  const { delivery } = await hooks.call("POST", `/${webhook}/test`, undefined, 202);
  const message = await receiver.got({ id: delivery, type: "webhook.test" });
  assert.equal(message.headers["webhook-signature"].split(" ").length, 2);
  assert.deepEqual([secret, old].map((one) => [judgedInNode(one, message), judgedInPython(one, message)]), [["", ""], ["", ""]]);
  assert.deepEqual(JSON.parse(message.body).data, { event: delivery, webhook });
  // Once more, as after an answer that was lost: what is deployed still signs.
  const { secret: newest } = await hooks.call("POST", `/${webhook}/secret`, undefined, 200);
  const third = await hooks.call("POST", `/${webhook}/test`, undefined, 202);
  const both = await receiver.got({ id: third.delivery });
  assert.deepEqual([newest, secret, old].map((one) => judgedInNode(one, both)), ["", "", ""]);
  await site.later(DAY + 60_000);
  const again = await hooks.call("POST", `/${webhook}/test`, undefined, 202);
  const later = await receiver.got({ id: again.delivery });
  assert.deepEqual([newest, secret, old].map((one) => judgedInNode(one, later, 86_460)), ["", "No matching signature found", "No matching signature found"]);
  assert.equal((await hooks.show(webhook)).old_secret_until, null);
});

test("a message, or those of a time, are sent once more under the ids that they had", async () => {
  const { webhook, secret } = await hooks.make(receiver);
  const letter = await refused();
  await all(letter);
  await settled(webhook);
  const ids = receiver.ids(letter.letter);
  assert.equal((await hooks.call("POST", `/${webhook}/replay`, { delivery: ids[1] }, 200)).deliveries, 1);
  await until(() => receiver.ids(letter.letter).length === ids.length + 1);
  assert.equal(receiver.ids(letter.letter).at(-1), ids[1]);
  const again = receiver.messages.at(-1);
  assert.equal(again.body, receiver.of(letter.letter)[1].body, "byte for byte");
  assert.equal(judgedInNode(secret, again), "", "signed anew");
  await settled(webhook);
  assert.equal((await hooks.call("POST", `/${webhook}/replay`, { since: Date.now() - HOUR, until: Date.now() }, 200)).deliveries, ids.length);
  await until(() => receiver.ids(letter.letter).length === 2 * ids.length + 1);
  await settled(webhook);
  assert.equal((await hooks.call("POST", `/${webhook}/replay`, { since: 0, until: Date.now() - HOUR }, 200)).deliveries, 0);
  for (const [body, status, code] of [[{}, 400, "replay_request"], [{ delivery: ids[0], since: 0 }, 400, "replay_request"], [{ delivery: "x" }, 400, "replay_request"], [{ delivery: letter.letter }, 404, "no_such_delivery"]]) {
    assert.deepEqual(await hooks.call("POST", `/${webhook}/replay`, body).then((said) => [said.status, said.code]), [status, code], JSON.stringify(body));
  }
});

test("an endpoint that fails for a day is an event of the site, which the others hear", async () => {
  const other = await startReceiver();
  try {
    const failing = await hooks.make(receiver, { kinds: ["webhook.failing"] });
    await hooks.make(other, { kinds: ["webhook.failing"] });
    receiver.behave = (_, response) => response.writeHead(500).end();
    await hooks.call("POST", `/${failing.webhook}/test`, undefined, 202);
    await until(async () => (await hooks.show(failing.webhook)).failures === 1);
    for (const hours of [4, 12, 25]) {
      const { failures } = await hooks.show(failing.webhook);
      await site.later(hours * HOUR);
      await until(async () => (await hooks.show(failing.webhook)).failures > failures);
    }
    const heard = await other.got({ type: "webhook.failing" });
    assert.deepEqual(JSON.parse(heard.body).data, { event: heard.id, webhook: failing.webhook });
    await site.logged(/"event":"webhook_failing"/);
    const feed = await site.send("GET", "/api/v1/events?limit=1000", { headers: { authorization: `Bearer ${site.apiKey}` } });
    const told = JSON.parse(feed.body).entries.filter((entry) => entry.site?.kind === "webhook.failing");
    assert.deepEqual(told.map(({ site }) => [site.id, site.webhook]), [[heard.id, failing.webhook]]);
    await site.later(40 * HOUR);
    await until(async () => (await hooks.show(failing.webhook)).failures >= 5);
    assert.equal(other.messages.length, 1, "once");
    assert.ok(receiver.messages.every(({ type }) => type === "webhook.test"), "and not the one that fails");
  } finally {
    await other.stop();
  }
});

test("a network that the guard bans is told once, and no client's address", async () => {
  await hooks.make(receiver);
  for (const last of [11, 12, 13, 14, 15, 16, 17, 18, 19, 20]) {
    for (let strike = 0; strike < 4; strike += 1) await site.get(forged(), {}, { address: `198.51.100.${last}` });
  }
  const message = await receiver.got({ type: "guard.network_banned" });
  const { data } = JSON.parse(message.body);
  assert.deepEqual(Object.keys(data).sort(), ["event", "network", "until"]);
  assert.equal(data.network, "198.51.100.0/24");
  const { network, until: end } = data;
  assert.ok(end > Date.now() / 1_000 && !message.body.includes("198.51.100.1"));
  const feed = await site.send("GET", "/api/v1/events?limit=1000", { headers: { authorization: `Bearer ${site.apiKey}` } });
  assert.equal(JSON.parse(feed.body).entries.filter((entry) => entry.site?.network === network).length, 1);
});

test("a receiver that never answers costs a bounded number of calls and rows in three days", async () => {
  const { webhook } = await hooks.make(receiver);
  receiver.behave = (_, response) => response.socket.destroy();
  const letters = await Promise.all(Array.from({ length: 20 }, () => refused()));
  const count = letters.reduce((sum, letter) => sum + events(letter).length, 0);
  await until(async () => (await hooks.show(webhook)).waiting === count && (await hooks.show(webhook)).failures >= 5);
  await site.front({ reset: true });
  const before = receiver.messages.length;
  // Every hour an alarm, as when it is asked each time that it may be.
  for (let hour = 1; hour <= 76 && (await hooks.show(webhook)).waiting > 0; hour += 1) {
    const { failures } = await hooks.show(webhook);
    await site.later(hour * 1.25 * HOUR);
    await until(async () => {
      const now = await hooks.show(webhook);
      return now.failures > failures || now.waiting === 0;
    });
  }
  const { counts } = await site.front();
  const [calls, rows] = [receiver.messages.length - before, counts["Webhook.rows"]];
  console.log(JSON.stringify({ letters: letters.length, messages: count, calls, rows }));
  assert.equal((await hooks.deliveries(webhook, "state=given_up&limit=1000")).length, count, "all of them are listed");
  assert.ok(calls <= 100, `${calls} calls`);
  assert.ok(rows <= 5 * calls + 3 * count, `${rows} rows`);
  await site.logged(/"event":"webhook_given_up".*"why":"in_vain"/);
});

test("a message costs a few rows", async () => {
  const { webhook } = await hooks.make(receiver);
  const letter = await site.put(REPORT);
  const reader = site.browser();
  await reader.get(letter.path);
  await all(letter);
  await settled(webhook);
  await site.front({ reset: true });
  const before = receiver.messages.length;
  await reader.submit(letter.path, "refuse");
  await all(letter);
  await settled(webhook);
  const { counts } = await site.front();
  const messages = receiver.messages.length - before;
  console.log(JSON.stringify({ messages, webhook: counts["Webhook.rows"], index: counts["Index.rows"] }));
  assert.ok(counts["Webhook.rows"] <= 5 * messages + 4 && counts["Index.rows"] <= 6, JSON.stringify(counts));
});

test("an address that is not public is refused, and so are kinds that there are not", async () => {
  const { webhook } = await hooks.make(receiver);
  const count = (await hooks.call("GET")).webhooks.length;
  for (const [method, path] of [["POST", ""], ["PUT", `/${webhook}`]]) {
    for (const [url, why] of [["https://127.0.0.1/", /IP address/], ["https://[::1]/", /IP address/], ["https://hooks.garage.nl:8443/", /port must be 443/], ["http://hooks.garage.nl/", /https/], ["https://nas.local/", /public Internet/], ["http://10.0.0.1:80/", /https/]]) {
      const said = await hooks.call(method, path, { url });
      assert.deepEqual([said.status, said.code], [422, "webhook_target"], url);
      assert.match(said.detail, why);
    }
    for (const body of [{}, { url: receiver.url, kinds: ["letter.read"] }, { url: receiver.url, more: 1 }, { url: receiver.url, description: "x".repeat(201) }, { url: 7 }]) {
      assert.deepEqual(await hooks.call(method, path, body).then(({ status, code }) => [status, code]), [400, "webhook_request"], JSON.stringify(body));
    }
  }
  assert.deepEqual((await hooks.call("GET")).webhooks.length, count);
  for (const [query, code] of [["state=lost", "delivery_state"], ["limit=0", "limit"], ["after=x", "cursor"]]) {
    assert.deepEqual(await hooks.call("GET", `/${webhook}/deliveries?${query}`).then((said) => [said.status, said.code]), [400, code], query);
  }
  const rest = [];
  for (let more = count; more < 20; more += 1) rest.push(await hooks.make(receiver));
  assert.deepEqual(await hooks.call("POST", "", { url: receiver.url }).then((said) => [said.status, said.code]), [409, "too_many_webhooks"]);
});

test("without the switch for developers loopback is refused like everything else", async () => {
  const other = await startSite("webhook-strict", { set: { loopback_webhooks: false } });
  try {
    const said = await webhooks(other).call("POST", "", { url: receiver.url });
    assert.deepEqual([said.status, said.code], [422, "webhook_target"]);
  } finally {
    await other.stop();
  }
});

test("a row of the feed that cannot be read is set aside: readers and receivers get what comes behind it", async () => {
  const { webhook } = await hooks.make(receiver);
  const [bad, good] = [await refused(), await refused()];
  await all(bad);
  await all(good);
  await settled(webhook);
  await site.crash();
  const index = new DatabaseSync(objectOnDisk(site.state, "Index", "index"));
  const { seq } = index.prepare("SELECT min(seq) AS seq FROM feed WHERE letter = ?").get(Buffer.from(bad.letter.replaceAll("-", ""), "hex"));
  index.prepare("UPDATE feed SET events = x'0175' WHERE seq = ?").run(seq);
  index.prepare("UPDATE webhook SET told = ?").run(seq - 1);
  index.close();
  await site.restart();
  const { entries, next } = JSON.parse((await site.send("GET", `/api/v1/events?after=${seq - 1}`, { headers: { authorization: `Bearer ${site.apiKey}` } })).body);
  assert.ok(entries.every(({ number }) => number > seq) && entries.some(({ letter }) => letter === good.letter) && next >= seq);
  const calls = receiver.messages.length;
  const more = await refused();
  await all(more);
  // Those behind it were told again, and none was sent twice.
  assert.equal(receiver.messages.length - calls, events(more).length);
  await site.logged(/"event":"feed_entry_broken"/);
});

test("secrets lie sealed on disk, and a key that was rotated opens them", async () => {
  const { webhook, secret } = await hooks.make(receiver);
  await site.crash();
  const file = objectOnDisk(site.state, "Webhook", webhook);
  const db = new DatabaseSync(file);
  const { about } = db.prepare("SELECT about FROM endpoint").get();
  db.close();
  const bytes = [...Buffer.from(secret.slice("whsec_".length), "base64")].join(",");
  assert.ok(!about.includes(secret) && !about.includes(bytes) && about.includes(receiver.url));
  const [first] = site.keyring.keys;
  site.keyring.keys.push({ id: first.id + 1, secret: randomBytes(32).toString("base64") });
  site.keyring.active = first.id + 1;
  await site.restart();
  const { delivery } = await hooks.call("POST", `/${webhook}/test`, undefined, 202);
  assert.equal(judgedInNode(secret, await receiver.got({ id: delivery })), "");
});

test("no more than a hundred wait for the feed", async () => {
  const headers = { authorization: `Bearer ${site.apiKey}` };
  const { next } = JSON.parse((await site.send("GET", "/api/v1/events?limit=1000", { headers })).body);
  const ask = () => site.send("GET", `/api/v1/events?after=${next + 1_000}&wait=3`, { headers, fresh: true });
  const answers = await Promise.all(Array.from({ length: 110 }, ask));
  const statuses = answers.map(({ status }) => status);
  assert.deepEqual([statuses.filter((status) => status === 200).length, statuses.filter((status) => status === 503).length], [100, 10]);
  assert.equal((await ask()).status, 200, "and then there is room again");
});

test("the command line makes, tests, replays and removes an endpoint", async () => {
  const waxseal = async (...args) => {
    const env = { PATH: process.env.PATH, WAXSEAL_URL: site.url, WAXSEAL_KEYS: JSON.stringify(site.keyring) };
    return (await promisify(execFile)(process.env.WAXSEAL_BIN ?? `${ROOT}/target/debug/waxseal`, ["webhooks", ...args], { env })).stdout;
  };
  const made = JSON.parse(await waxseal("add", receiver.url, "--kind", "letter.refused", "--description", "till", "--json"));
  site.remember(made.secret);
  assert.match(await waxseal("list"), new RegExp(`^${made.webhook}  ${receiver.url}  letter.refused  well, 0 waiting  till\n$`));
  const { delivery } = JSON.parse(await waxseal("test", made.webhook, "--json"));
  assert.equal(judgedInNode(made.secret, await receiver.got({ id: delivery })), "");
  await settled(made.webhook);
  assert.match(await waxseal("deliveries", made.webhook, "--state", "delivered"), new RegExp(`${delivery}  delivered  webhook.test  the site  1 attempt at .*: 204\n$`));
  assert.match(await waxseal("replay", made.webhook, "--since", "1h"), /^1 message/);
  await until(() => receiver.messages.length === 2);
  assert.match(await waxseal("replay", made.webhook, "--delivery", delivery), /^1 message/);
  const rotated = (await waxseal("rotate", made.webhook)).trim();
  site.remember(rotated);
  assert.match(rotated, /^whsec_/);
  assert.match(await waxseal("set", made.webhook, receiver.url, "--off"), /every kind {2}off, 0 waiting\n$/);
  assert.match(await waxseal("show", made.webhook), /off, 0 waiting\n$/);
  assert.match(await waxseal("remove", made.webhook), /is deleted/);
  await assert.rejects(waxseal("show", made.webhook), /there is no endpoint/);
  await assert.rejects(waxseal("add", "https://127.0.0.1/"), /IP address/);
  await assert.rejects(waxseal("add", receiver.url, "--kind", "letter.read"), /a kind is one of letter.sealed/);
});
