// The edge dies at every point at which it waits for somebody, and at any moment under load: what was answered is on disk, what
// was not is there once or not at all, and after a restart everything comes to its end. Here at points drawn by a seed;
// `./scripts/test soak` does it at every point of every kind of request, thousands of times.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { REQUESTS, killAt, numbers, pointsOf, startCrashing, storm } from "./lib/crash.mjs";
import { SEED, drawn } from "./lib/soak.mjs";

/** What goes on behind an answer; it is killed where it is waited for. */
const BEHIND = /\.alarm$|Sequencer\.|SEQUENCER|Index\.|INDEX/;
const WAITED_FOR = ["into the log", "erase a customer", "sweep", "end of retention", "export"];

/** Killed at in every kind of request that passes it. Another point is one place in the code, and once is enough. */
const ALWAYS = [
  ["LetterLedger.transactionSync", "after"],
  ["LetterLedger.answer", "after"],
  ["answer", "after"],
];

/** Passed each time. What only reads may meet a write of the outbox behind it, once. */
const MUST = /^answer$|^worker\.LEDGER\.fetch$|^LetterLedger\.(answer|transactionSync|sql)$/;
const READS = { show: /^LetterLedger\.(transactionSync|sql)$/ };

/** Not here: the guard's own (guard-durability.test.mjs), the local simulator's, and timers, which are not passed each time. */
const ELSEWHERE = /^Publisher\.|^Sentinel\.|SENTINEL|PUBLISHER|GUARD|LIMIT_|^response\.json$|^timer$/;

// Two sites, each with half of the kinds, at a time.
const HALVES = [0, 1].map((half) => Object.entries(REQUESTS).filter((_, at) => at % 2 === half));
const done = new Set();

describe("it dies at each point", { concurrency: 2 }, () => {
  for (const [half, requests] of HALVES.entries()) {
    describe(`site ${half + 1}`, { concurrency: 1 }, () => {
      let site;
      before(async () => (site = await startCrashing(`crash-${half}`)));
      after(() => site?.stop());

      for (const [name, request] of requests) {
        test(name, async () => {
          const points = [...new Set(await pointsOf(site, request))].filter((point) => !ELSEWHERE.test(point) && (WAITED_FOR.includes(name) || !BEHIND.test(point)));
          for (const point of points) {
            for (const phase of ["before", "after"]) {
              const once = `${point}, ${phase}`;
              if ((done.has(once) || !drawn(once)) && !ALWAYS.some(([always, when]) => always === point && when === phase)) continue;
              done.add(once);
              const stood = await killAt(site, request, { name: point, nth: 0, phase });
              // What is kept in memory is asked for only now and then.
              assert.ok(stood || !MUST.test(point) || READS[name]?.test(point), `${once}: it did not stand still`);
            }
          }
        });
      }
      test("in the end all is in the log, once and in order", () => site.settled());
    });
  }
});

test("it dies at any moment while eight letters live", async () => {
  const site = await startCrashing("crash-storm");
  try {
    const about = await storm(site, { kills: 12, random: numbers(SEED) });
    console.log(`${about.kills} kills, ${about.requests} requests, ${about.letters.length} letters, ${about.entries} events in the log`);
  } catch (error) {
    throw new Error(`WAXSEAL_SEED=${SEED}: ${error.message}`, { cause: error });
  } finally {
    await site.stop();
  }
});
