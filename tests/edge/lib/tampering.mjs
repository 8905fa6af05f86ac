// Everything that can be done to an event on disk, and what verification has to say to it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { eventHash } from "./chain.mjs";
import { chained, headOf } from "./forge.mjs";

const flipped = (bytes) => Buffer.from(bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte)));
const other = createHash("sha256").update("other terms").digest();

/** How each column can be changed: a name, the new value, and whether this software would write such a value. */
const VALUES = {
  id: (id) => [["another", flipped(id), true], ["short", id.subarray(0, 15)], ["long", Buffer.concat([id, id.subarray(0, 1)])], ["empty", Buffer.alloc(0)]],
  kind: (kind) => [["another", kind === "opened" ? "message" : "opened", true], ["unknown", "blessed"], ["empty", ""]],
  at: (at) => [["later", at + 1, true], ["earlier", at - 1, true], ["before the chain", 0, "backwards"]],
  actor: (actor) => [["another", actor === "system" ? "sender" : "system", true], ["unknown", "nobody"]],
  terms: (terms) => (terms === null ? [["set", other, true], ["empty, not NULL", Buffer.alloc(0), "same hash"]] : [["another", other, true], ["NULL", null, true], ["short", terms.subarray(0, 31)]]),
  sealed: (sealed) => (sealed.length === 0 ? [["set", other, true]] : [["another", flipped(sealed), true], ["short", sealed.subarray(0, -1), true], ["empty", Buffer.alloc(0), true]]),
  prev: (prev) => [["another", flipped(prev), true], ["short", prev.subarray(0, 31)]],
  hash: (hash) => [["another", flipped(hash)], ["short", hash.subarray(0, 31)], ["empty", Buffer.alloc(0)]],
};

/** What no column of a strict table takes, once the table is made anew without its types: NULL, and another type. */
const LOOSE = {
  seq: [["text", "x"], ["real", 1.5], ["negative", -1]],
  id: [["NULL", null], ["text", "x"], ["integer", 7]],
  kind: [["NULL", null], ["blob", Buffer.from("opened")], ["integer", 7]],
  at: [["NULL", null], ["text", "1700000000000"], ["real", 1.5], ["negative", -1], ["beyond 2^53", 2n ** 60n]],
  actor: [["NULL", null], ["blob", Buffer.from("sender")], ["integer", 7]],
  terms: [["text", "x"], ["integer", 7]],
  sealed: [["NULL", null], ["text", "x"], ["integer", 7]],
  prev: [["NULL", null], ["text", "x"], ["integer", 7]],
  hash: [["NULL", null], ["text", "x"], ["integer", 7]],
};

const replaced = (events, at, column, value) => events.map((event, index) => (index === at ? { ...event, [column]: value } : event));
const own = (letter, events, at) => events.map((event, index) => (index === at ? { ...event, hash: eventHash(letter, event) } : event));

/**
 * Every manipulation of event `at` (an index) of a chain: `{ column, what, events, head, loose, named }`, where `named` is the
 * line that verification must name, `[seq, code]`, or `undefined` where a chain by itself cannot tell.
 */
export function* manipulations(letter, chain, at) {
  // What does not depend on the kind is done to the first, the last, one in between and those without details.
  const some = [0, chain.length >> 1, chain.length - 1].includes(at) || chain[at].sealed.length === 0;
  const seq = at + 1;
  const last = chain.length;
  const honest = headOf(chain);
  const after = (code, tail) => (seq < last ? [seq + 1, code] : [seq, tail]);
  for (const [column, values] of Object.entries(VALUES)) {
    for (const [number, [what, value, valid]] of values(chain[at][column]).entries()) {
      const events = replaced(chain, at, column, value);
      const plain = valid === "same hash" ? [seq, "malformed"] : [seq, "altered"];
      yield { column, what, events, head: honest, named: plain };
      if (column === "hash" || (number > 0 && !some)) continue;

      // With its own hash computed anew: the next line does not follow any more, or the head is another.
      const fits = own(letter, events, at);
      const backwards = valid === "backwards" && seq > 1 ? [seq, "time_backwards"] : undefined;
      const alone = column === "prev" ? [seq, "unlinked"] : valid === undefined || valid === "same hash" ? [seq, "malformed"] : backwards;
      const moved = valid === "same hash" ? alone : (alone ?? after("unlinked", "replaced"));
      yield { column, what: `${what}, hash anew`, events: fits, head: honest, named: moved };
      if (column === "prev" || valid === "same hash") continue;

      // With all that follow computed anew: only the head knows. With the head anew too, only the log does.
      const whole = chained(letter, events, at);
      yield { column, what: `${what}, chain anew`, events: whole, head: honest, named: alone ?? [last, "replaced"] };
      yield { column, what: `${what}, chain and head anew`, events: whole, head: headOf(whole), named: alone };
    }
  }
  for (const [column, values] of Object.entries(some ? LOOSE : {})) {
    for (const [what, value] of values) {
      yield { column, what: `${what}, types off`, events: replaced(chain, at, column, value), head: honest, loose: true, named: [column === "seq" ? undefined : seq, undefined] };
    }
  }

  // Rows.
  const gone = chain.filter((_, index) => index !== at);
  yield { column: "row", what: "deleted", events: gone, head: honest, named: seq < last ? [seq, "missing"] : [seq, "truncated"] };
  if (gone.length > 0) {
    const closed = chained(letter, gone.map((event, index) => ({ ...event, seq: index + 1 })), at);
    yield { column: "row", what: "deleted, chain anew", events: closed, head: honest, named: [last, "truncated"] };
    yield { column: "row", what: "deleted, chain and head anew", events: closed, head: headOf(closed), named: undefined };
  }
  const twice = { ...chain[at], seq: last + 1 };
  yield { column: "row", what: "inserted again at the end", events: [...chain, twice], head: honest, named: [last + 1, "altered"] };
  const added = chained(letter, [...chain, twice], last);
  // Its time may lie before that of the last event.
  const late = twice.at < chain.at(-1).at ? "time_backwards" : "added";
  yield { column: "row", what: "inserted again at the end, hash anew", events: added, head: honest, named: [last + 1, late] };
  const between = [...chain.slice(0, seq), ...chain.slice(at).map((event) => ({ ...event, seq: event.seq + 1 }))];
  yield { column: "row", what: "inserted again behind itself", events: between, head: honest, named: [seq + 1, "altered"] };
  const pushed = chained(letter, between, at);
  yield { column: "row", what: "inserted again behind itself, chain anew", events: pushed, head: honest, named: seq < last ? [last, "replaced"] : [last + 1, "added"] };
  if (seq < last) {
    const swapped = chain.map((event, index) => (index === at ? { ...chain[at + 1], seq } : index === at + 1 ? { ...chain[at], seq: seq + 1 } : event));
    yield { column: "row", what: "swapped with the next", events: swapped, head: honest, named: [seq, "altered"] };
    const cut = chain.slice(0, seq);
    yield { column: "row", what: "the tail behind it cut", events: cut, head: honest, named: [seq + 1, "truncated"] };
    yield { column: "row", what: "the tail behind it cut, head anew", events: cut, head: headOf(cut), named: undefined };
  }
  yield { column: "seq", what: "another number", events: replaced(chain, at, "seq", last + 5).sort((a, b) => a.seq - b.seq), head: honest, named: [seq, "missing"] };
}

/** Manipulations of the head that the snapshot names. */
export function* heads(chain) {
  const honest = headOf(chain);
  const seq = honest.seq;
  const head = (change) => ({ ...honest, ...change });
  yield { column: "head", what: "a later number", head: head({ seq: seq + 1 }), named: [seq + 1, "truncated"] };
  yield { column: "head", what: "an earlier number", head: headOf(chain.slice(0, -1)), named: [seq, "added"] };
  yield { column: "head", what: "another hash", head: head({ hash: "00".repeat(32) }), named: [seq, "replaced"] };
  yield { column: "head", what: "another time", head: head({ at: honest.at + 1 }), named: [seq, "replaced"] };
}

/** What `chain.broken` of the API's answer says, as `[seq, code]`; see `Broken` in src/ledger/chain.rs. */
const WORDS = {
  "the event is missing": "missing",
  "an earlier event stands in its place": "out_of_order",
  "it does not follow from the event before it": "unlinked",
  "what is stored is not what was recorded": "altered",
  "a field is malformed": "malformed",
  "it is earlier than the event before it": "time_backwards",
  "the chain was cut short before it": "truncated",
  "another event was known to stand here": "replaced",
  "it was added behind the known end": "added",
};
export function namedBy(record) {
  if (record.chain.verified) return undefined;
  const [, seq, words] = /^event (\d+): (.*)$/.exec(record.chain.broken);
  assert.ok(WORDS[words], words);
  return [Number(seq), WORDS[words]];
}
