// The edge dies at each point on the way of an event to a receiver: nothing is lost, nothing comes under two ids, and the order holds.
// Here at points drawn by a seed; `./scripts/test soak` at all of them, thousands of times.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { pointsOf } from "./lib/crash.mjs";
import { SEED, drawn } from "./lib/soak.mjs";
import { ON_THE_WAY, TELL, startTelling, tellAndDie } from "./lib/webhook-crash.mjs";

let site;
before(async () => (site = await startTelling("webhook-crash")));
after(() => site?.stop());

/** Died at in every run: while the receiver has the message, when it has answered, and when that is written down. */
const ALWAYS = [["fetch", "before"], ["fetch", "after"], ["Webhook.transactionSync", "before"], ["Webhook.transactionSync", "after"], ["Index.WEBHOOK.fetch", "after"]];

test("at each point on the way", async () => {
  const points = [...new Set((await pointsOf(site, TELL)).filter((point) => ON_THE_WAY.test(point)))];
  for (const [point] of ALWAYS) assert.ok(points.includes(point), `${point} is passed: ${points}`);
  const where = [];
  let twice = 0;
  for (const point of points) {
    for (const phase of ["before", "after"]) {
      const always = ALWAYS.some(([name, when]) => name === point && when === phase);
      if (!always && !drawn(`webhook ${point}, ${phase}`)) continue;
      const died = await tellAndDie(site, { name: point, nth: 0, phase }).catch((error) => {
        throw new Error(`WAXSEAL_SEED=${SEED}, ${point}, ${phase}: ${error.message}`, { cause: error });
      });
      assert.ok(died.stood || !always, `${point}, ${phase}: it did not stand still`);
      if (died.stood) where.push(`${point}, ${phase}`);
      twice += died.twice;
    }
  }
  console.log(`${where.length} kills (${where.join("; ")}), ${twice} messages came twice`);
  for (const letter of site.letters) site.judge(letter);
});

test("what the receiver did not take has not arrived: it is told again", async () => {
  const life = await TELL.before(site);
  let tries = 0;
  site.receiver.behave = ({ type }, response) => type === "letter.cancelled" && (tries += 1) === 1 && response.writeHead(503).end();
  await life.cancel();
  await site.told(life.id);
  assert.equal(tries, 2);
  site.receiver.behave = undefined;
  site.judge(life.id);
});

test("and while the receiver is down: what waits is on disk", async () => {
  const life = await TELL.before(site);
  await site.receiver.down();
  await life.cancel();
  await site.crash();
  await site.restart();
  await site.receiver.up();
  await site.told(life.id);
  site.judge(life.id);
  await site.settled();
});
