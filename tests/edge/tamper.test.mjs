// Tampering with what lies on disk: each stored field of each kind of event, rows, the tail, the head; and what names it. Some of
// it, drawn by a seed; all of it in a soak.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startCrashing } from "./lib/crash.mjs";
import { chainOf, kindsInTheDocs, ledgerLike } from "./lib/forge.mjs";
import { uuid7 } from "./lib/seal.mjs";
import { drawn } from "./lib/soak.mjs";
import { heads, manipulations, namedBy } from "./lib/tampering.mjs";

let site;
before(async () => (site = await startCrashing("tamper")));
after(() => site?.stop());

/** What was named of what was done, over all kinds of event: by column and manipulation. */
const matrix = new Map();
function note(column, what, named) {
  const name = `${column.padEnd(7)}${what}`;
  const row = matrix.get(name) ?? matrix.set(name, new Map()).get(name);
  row.set(named, (row.get(named) ?? 0) + 1);
}

describe("a ledger's rows on disk", () => {
  const kinds = kindsInTheDocs();

  test("every change of every column of every kind of event is named by its line", async () => {
    assert.equal(kinds.length, 22);
    const template = await site.put(Buffer.from("a letter"));
    assert.equal((await site.get(template.path)).status, 200);
    await site.crash();

    // Each manipulation has a letter of its own, with an event of every kind.
    const cases = [];
    const add = (letter, made) => {
      ledgerLike(site.state, template.letter, letter, made.events, made);
      const { kind, column, what, named } = made;
      cases.push({ letter, kind, column, what, named });
    };
    for (const [at, { kind }] of kinds.entries()) {
      for (let number = 0; ; number += 1) {
        const letter = uuid7();
        const made = [...manipulations(letter, chainOf(letter, kinds), at)][number];
        if (!made) break;
        if (drawn(`${kind}, ${made.column}, ${made.what}`)) add(letter, { kind, ...made });
      }
    }
    const honest = uuid7();
    add(honest, { kind: "none", column: "none", what: "nothing", events: chainOf(honest, kinds), named: undefined });
    for (let number = 0; number < 4; number += 1) {
      const letter = uuid7();
      const events = chainOf(letter, kinds);
      add(letter, { kind: "head", events, ...[...heads(events)][number] });
    }

    await site.restart();
    const wrong = [];
    const look = async ({ letter, kind, column, what, named }) => {
      const answer = await site.api("GET", letter);
      const record = answer.status === 200 ? JSON.parse(answer.body) : undefined;
      const found = record ? namedBy(record) : [answer.status, JSON.parse(answer.body).code];
      const holds = named === undefined ? found === undefined : found !== undefined && record && named.every((part, at) => part === undefined || part === found[at]);
      if (!holds) wrong.push(`${kind}, ${column}, ${what}: ${found ?? "held"}, not ${named ?? "held"}`);
      note(column, what, found?.[1] ?? "holds: only the log tells");
    };
    for (let at = 0; at < cases.length; at += 16) await Promise.all(cases.slice(at, at + 16).map(look));
    assert.deepEqual(wrong.slice(0, 40), [], `${wrong.length} of ${cases.length}`);
  });
});

after(() => {
  console.log("What was changed, and what named it in how many kinds of event:");
  for (const [name, row] of [...matrix].sort()) console.log(`  ${name.padEnd(50)}${[...row].sort().map(([code, count]) => `${code} ${count}`).join(", ")}`);
});
