// What an operator can do to a ledger behind its back: write its rows as they like, with every hash computed anew if they care
// to. From docs/LEDGER.md alone.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ROOT } from "../../../scripts/lib/edge.mjs";
import { encode } from "./messages.mjs";
import { eventHash, objectOnDisk, objectPath } from "./chain.mjs";

export const COLUMNS = ["seq", "id", "kind", "at", "actor", "terms", "sealed", "prev", "hash"];
const ZEROS = Buffer.alloc(32);
const sha256 = (text) => createHash("sha256").update(text).digest();

/** The kinds of event that there are, from the table in docs/LEDGER.md, with who causes them. */
export function kindsInTheDocs() {
  const text = readFileSync(join(ROOT, "docs/LEDGER.md"), "utf8");
  const table = text.slice(text.indexOf("| kind | actor |"), text.indexOf("## States"));
  // The table's words for several actors, and one of them.
  const one = { reader: "recipient", anybody: "mail-program", either: "sender" };
  return [...table.matchAll(/^\| `(\w+)` \| (\w+)/gm)].map(([, kind, actor]) => ({ kind, actor: one[actor] ?? actor }));
}

const WITH_TERMS = ["notice_shown", "robot_suspected", "consent_given", "consent_refused", "consent_withdrawn", "accepted"];
const WITHOUT_DETAILS = ["expired", "ignored", "erased"];

/** A whole chain for `letter` with an event of each kind, a second between two. */
export function chainOf(letter, kinds, from = 1_700_000_000_000) {
  const events = kinds.map(({ kind, actor }, at) => ({
    seq: at + 1,
    id: idAt(from + at * 1_000),
    kind,
    at: from + at * 1_000,
    actor,
    terms: WITH_TERMS.includes(kind) ? sha256("the terms") : null,
    sealed: WITHOUT_DETAILS.includes(kind) ? Buffer.alloc(0) : randomBytes(80),
    prev: ZEROS,
    hash: ZEROS,
  }));
  return chained(letter, events, 0);
}

/** A version 7 UUID of this moment. */
function idAt(millis) {
  const id = randomBytes(16);
  id.writeUIntBE(millis, 0, 6);
  id[6] = 0x70 | (id[6] & 0x0f);
  id[8] = 0x80 | (id[8] & 0x3f);
  return id;
}

/** The events with `prev` and `hash` made to fit from index `from` on. */
export function chained(letter, events, from = 0) {
  const out = events.map((event) => ({ ...event }));
  for (let at = from; at < out.length; at += 1) {
    out[at].prev = at === 0 ? ZEROS : out[at - 1].hash;
    out[at].hash = eventHash(letter, out[at]);
  }
  return out;
}

/** The head that a snapshot names. */
export function headOf(events) {
  const last = events.at(-1);
  return { seq: last.seq, hash: Buffer.from(last.hash).toString("hex"), at: last.at };
}

/** Opens a database for writing, with everything a dead runtime left behind taken in. */
export function opened(file, change) {
  const db = new DatabaseSync(file);
  try {
    db.exec("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY");
    return change(db);
  } finally {
    db.close();
  }
}

/** Writes events, and the head into the snapshot. `loose`: into a table that takes anything, made in place of the strict one. */
export function write(db, letter, events, { head = headOf(events), loose = false } = {}) {
  db.exec("BEGIN");
  if (loose) {
    db.exec("DROP TABLE event");
    db.exec(`CREATE TABLE event (${COLUMNS.join(", ")}, entry)`);
  }
  db.exec("DELETE FROM event");
  const put = db.prepare(`INSERT INTO event (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})`);
  for (const event of events) put.run(...COLUMNS.map((column) => event[column]));
  const { snapshot } = db.prepare("SELECT snapshot FROM letter").get();
  db.prepare("UPDATE letter SET snapshot = ?").run(JSON.stringify({ ...JSON.parse(snapshot), letter, head }));
  db.exec("COMMIT");
}

/** Writes a ledger for another letter: the tables of a real one, and of what it keeps of its letter nothing. */
export function ledgerLike(state, template, letter, events, options) {
  const from = objectOnDisk(state, "LetterLedger", template);
  assert.ok(from, "the template has a ledger");
  if (existsSync(`${from}-wal`)) opened(from, () => {});
  const to = join(dirname(from), objectPath(dirname(from), letter));
  copyFileSync(from, to);
  opened(to, (db) => {
    db.exec("UPDATE letter SET body_etag = NULL; UPDATE secret SET customer = NULL, key_kid = NULL, key_wrapped = NULL, manifest = NULL");
    write(db, letter, events, options);
  });
}

/**
 * Writes a real ledger anew: event `at` (an index) changed as `change` says, or all events as `all` says, every later hash and
 * the snapshot's head made to fit. `set`: SQL for all its events.
 */
export function rewrite(state, letter, at, change, all = (events) => events, set = undefined) {
  opened(objectOnDisk(state, "LetterLedger", letter), (db) => {
    const stored = db.prepare("SELECT * FROM event ORDER BY seq").all();
    const changed = all(stored.map((event, index) => (index === at ? { ...event, ...change(event) } : event)));
    // A time that moved takes along those behind it.
    for (let index = 1; index < changed.length; index += 1) changed[index] = { ...changed[index], at: Math.max(changed[index].at, changed[index - 1].at) };
    const events = chained(letter, changed, at ?? 0);
    db.exec("BEGIN; DELETE FROM event");
    const columns = Object.keys(stored[0]);
    const put = db.prepare(`INSERT INTO event (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`);
    for (const event of events) put.run(...columns.map((column) => event[column]));
    if (set) db.exec(`UPDATE event SET ${set}`);
    // What has no entry waits for the log.
    const wait = db.prepare("INSERT INTO outbox (topic, message) VALUES ('ledger_log', ?)");
    for (const { seq } of set ? db.prepare("SELECT seq FROM event WHERE entry IS NULL").all() : []) wait.run(encode(seq));
    const { snapshot } = db.prepare("SELECT snapshot FROM letter").get();
    db.prepare("UPDATE letter SET snapshot = ?").run(JSON.stringify({ ...JSON.parse(snapshot), head: headOf(events) }));
    db.exec("COMMIT");
  });
}
