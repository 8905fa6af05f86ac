// Keys that are gone: what they sealed is lost, and nothing else is.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { apiKey } from "./lib/seal.mjs";
import { SILENT } from "./lib/silent.mjs";
import { startSite } from "./lib/site.mjs";

let site;
before(async () => (site = await startSite("keys")));
after(() => site?.stop());

test("a letter whose key was dropped from the keyring can still be cancelled, and its record still verifies", async () => {
  const letter = await site.put(randomBytes(1_000));
  await site.browser().consent(letter.path);
  const before = await site.record(letter);
  assert.ok(before.events.at(-1).details.user_agent);

  await site.crash();
  site.keyring.keys.splice(0, site.keyring.keys.length, { id: 8, secret: randomBytes(32).toString("base64") });
  site.keyring.active = 8;
  const api = apiKey(site.keyring);
  site.remember(api, site.keyring.keys[0].secret);
  await site.restart();

  const call = (method, more) =>
    site.send(method, `/api/v1/letters/${letter.letter}${more}`, { headers: { authorization: `Bearer ${api}`, "content-length": 0 } });
  assert.equal((await site.get(letter.path)).body.toString(), SILENT, "its links died with the key");
  const cancelled = await call("POST", "/cancel");
  assert.deepEqual([cancelled.status, JSON.parse(cancelled.body).changed], [200, true]);
  const record = JSON.parse((await call("GET", "")).body);
  assert.deepEqual([record.over, record.chain.verified, record.events.at(-1).kind], ["cancelled", true, "cancelled"]);
  assert.ok(record.events.every((event) => event.details === undefined), "the details went with the key");
});
