// The edge dies at every point at which it waits for somebody, and at any moment under load: what was answered is on disk, what
// was not is there once or not at all, and after a restart everything comes to its end. ./scripts/bench crash does it
// thousands of times.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { REQUESTS, killAt, numbers, pointsOf, startCrashing, storm } from "./lib/crash.mjs";

/** What goes on behind an answer; it is killed where it is waited for. */
const BEHIND = /\.alarm$|Sequencer\.|SEQUENCER|Customer\.|CUSTOMER|Sweeper\.|^timer$/;
const WAITED_FOR = ["into the log", "erase a customer", "sweep", "end of retention", "export"];

/** Points whose crash can differ from one kind of request to another; the others are passed in the same way by all. */
const OWN = /^(LetterLedger|Sequencer|Customer|Sweeper)\.|^worker\.(LEDGER|LETTERS|SEQUENCER|CUSTOMER)\.|^stream\.write$|^answer$/;

let site;
before(async () => (site = await startCrashing("crash")));
after(() => site?.stop());

describe("it dies at each point", () => {
  const done = new Set();
  for (const [name, request] of Object.entries(REQUESTS)) {
    test(name, async () => {
      const points = [...new Set(await pointsOf(site, request))].filter((point) => !done.has(point) && (WAITED_FOR.includes(name) || !BEHIND.test(point)));
      points.filter((point) => !OWN.test(point)).forEach((point) => done.add(point));
      assert.ok(points.length > 0);
      for (const point of points) {
        for (const phase of ["before", "after"]) {
          const stood = await killAt(site, request, { name: point, nth: 0, phase });
          // What the guard does, it does once in a while.
          assert.ok(stood || !OWN.test(point), `${point}, ${phase}: it did not stand still`);
        }
      }
    });
  }
});

test("all that is in the log in the end, once and in order, although it died so often", () => site.settled());

test("it dies at any moment while eight letters live", async () => {
  const seed = Number(process.env.WAXSEAL_SEED ?? Date.now() % 1_000_000);
  const about = await storm(site, { kills: 24, random: numbers(seed) }).catch((error) => {
    throw new Error(`WAXSEAL_SEED=${seed}: ${error.message}`, { cause: error });
  });
  console.log(`${about.kills} kills, ${about.requests} requests, ${about.letters.length} letters, ${about.entries} events in the log`);
});
