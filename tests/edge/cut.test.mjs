// A report that is still on its way when its letter is closed: it stops.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { startLife } from "./lib/life.mjs";
import { until } from "./lib/site.mjs";

// More than all that lies between the edge and a reader who does not read on.
const LONG = randomBytes(48_000_000);

let site;
before(async () => (site = await startLife("cut")));
after(() => site?.stop());

/** Begins to read the report and stops after the first bytes; `goOn` reads the rest and answers what came of it. */
async function reading(person, letter) {
  let taken = 0;
  const { promise: begun, resolve } = Promise.withResolvers();
  const answer = person.send("GET", `${letter.path}/report`, {
    onData: (chunk, call) => {
      if (taken === 0) {
        call.res.pause();
        resolve(call.res);
      }
      taken += chunk.length;
    },
  });
  const response = await begun;
  return {
    async goOn() {
      response.resume();
      const { whole } = await answer;
      return { whole, taken };
    },
  };
}

const CLOSED_BY = {
  cancel: async ({ letter }) => assert.equal((await site.api("POST", `${letter}/cancel`, { headers: { "content-length": 0 } })).status, 200),
  erase: async ({ letter }) => assert.equal((await site.api("POST", `${letter}/erase`, { headers: { "content-length": 0 } })).status, 200),
  withdraw: async (letter, person) => assert.equal((await person.submit(letter.path, "withdraw")).status, 303),
  nothing: async () => {},
};

for (const endToEnd of [false, true]) {
  for (const [name, close] of Object.entries(CLOSED_BY)) {
    test(`${endToEnd ? "end to end" : "opened at the edge"}: ${name}`, async () => {
      const letter = await site.drop(LONG, { endToEnd });
      const person = site.browser();
      await person.consent(letter.path);
      const report = await reading(person, letter);
      await close(letter, person);
      await site.later(10_000);
      const { whole, taken } = await report.goOn();
      await site.later(0);
      if (name === "nothing") {
        assert.ok(whole && taken >= LONG.length, "a slow reader gets all of it");
        return;
      }
      assert.ok(!whole && taken < LONG.length, `${taken} bytes`);
      await site.logged(new RegExp(`"code":"closed_meanwhile".*"letter":"${letter.letter}"`));
      if (name === "erase") return;
      // What did go out is on record.
      const told = await until(async () => (await site.record(letter)).events.filter(({ kind }) => kind === "report_streamed")[1]);
      assert.equal(told.details.complete, false);
      assert.ok(told.details.bytes < LONG.length && told.details.bytes >= taken - 64, `${told.details.bytes} bytes on record, ${taken} taken`);
    });
  }
}

for (const endToEnd of [false, true]) {
  test(`${endToEnd ? "end to end" : "opened at the edge"}: the link ends before the letter does, and before the ledger is asked`, async () => {
    const now = Math.floor(Date.now() / 1000);
    const letter = await site.drop(LONG, { endToEnd, tokenEnd: now + 600 });
    const person = site.browser();
    await person.consent(letter.path);
    await site.front({ clock: (now + 596) * 1000 });
    const report = await reading(person, letter);
    // The ledger is asked after five seconds; the link has four.
    await site.front({ clock: (now + 600) * 1000 });
    const { whole, taken } = await report.goOn();
    await site.later(0);
    assert.ok(!whole && taken < LONG.length, `${taken} bytes`);
    await site.logged(new RegExp(`"code":"expired_meanwhile".*"letter":"${letter.letter}"`));
    assert.equal((await site.record(letter)).over, null, "the letter itself goes on");
  });
}
