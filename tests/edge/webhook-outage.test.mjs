// Webhooks of receivers that are slow, back after days, or somewhere else now: what waits is neither lost nor held against them.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { ledgerOnDisk, objectOnDisk } from "./lib/chain.mjs";
import { hookedSite } from "./lib/receiver.mjs";
import { until } from "./lib/site.mjs";

const HOUR = 3_600_000;

const { site, receiver, hooks } = await hookedSite("webhook-outage");

const settled = (id) => until(async () => (await hooks.show(id)).waiting === 0, { every: 50, within: 40_000 });

test("what an endpoint has no room for stays in the feed until there is some", async () => {
  const { webhook } = await hooks.make(receiver);
  const onDisk = async (...statements) => {
    await site.crash();
    const db = new DatabaseSync(objectOnDisk(site.state, "Webhook", webhook));
    for (const statement of statements) db.exec(statement);
    db.close();
    await site.restart();
  };
  const due = Date.now() + HOUR;
  await onDisk(`WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10000)
    INSERT INTO waiting (number, event, kind, body, created_at, attempts, due, log)
    SELECT n, randomblob(16), 'webhook.test', '{"data":{}}', ${due}, 1, ${due}, '[]' FROM n`, `UPDATE endpoint SET about = json_set(about, '$.last', 10000)`);
  const letter = await site.put(randomBytes(500));
  await site.browser().submit(letter.path, "refuse");
  const told = () => {
    const index = new DatabaseSync(objectOnDisk(site.state, "Index", "index"), { readOnly: true });
    try {
      return index.prepare("SELECT 1 FROM failure WHERE name = ? AND code = 'webhook_full'").get(webhook);
    } finally {
      index.close();
    }
  };
  await until(told, { within: 20_000 });
  assert.equal((await hooks.show(webhook)).waiting, 10_000);
  assert.deepEqual([receiver.messages, await hooks.deliveries(webhook, "state=given_up")], [[], []], "none is given up for it");
  await onDisk("DELETE FROM waiting");
  await until(() => receiver.ids(letter.letter).length === ledgerOnDisk(site.state, letter.letter).events.length);
});

test("what is sent once more after three days of failure has three days of its own", async () => {
  const { webhook } = await hooks.make(receiver);
  receiver.behave = (_, response) => response.writeHead(500).end();
  for (let nth = 0; nth < 6; nth += 1) await hooks.call("POST", `/${webhook}/test`, undefined, 202);
  await until(async () => (await hooks.show(webhook)).failures >= 5);
  await site.later(73 * HOUR);
  await until(async () => (await hooks.show(webhook)).waiting === 0);
  assert.equal((await hooks.call("POST", `/${webhook}/replay`, { since: 0 }, 200)).deliveries, 6);
  const failing = await until(async () => {
    const now = await hooks.show(webhook);
    return now.failures > 0 && now;
  });
  assert.ok(failing.waiting === 6 && failing.failing_since > Date.now() + 72 * HOUR, "one failure gives none of them up");
  receiver.behave = undefined;
  await site.later(74 * HOUR);
  await settled(webhook);
  assert.equal((await hooks.deliveries(webhook, "state=delivered&limit=1000")).length, 6);
});

test("a late answer of the old address counts for nothing at the new one", async () => {
  const { webhook } = await hooks.make(receiver);
  let late;
  receiver.behave = ({ path }, response) => {
    if (path === "/hook") late = response;
    return path === "/hook";
  };
  const { delivery } = await hooks.call("POST", `/${webhook}/test`, undefined, 202);
  await until(() => late);
  await hooks.call("PUT", `/${webhook}`, { url: `${receiver.url}2` }, 200);
  late.writeHead(410).end();
  await receiver.got({ id: delivery, path: "/hook2" });
  await settled(webhook);
  const { enabled, failures } = await hooks.show(webhook);
  assert.deepEqual([enabled, failures], [true, 0]);
});
