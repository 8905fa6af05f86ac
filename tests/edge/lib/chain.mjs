// Reads a ledger's rows from its SQLite file and verifies the chain from docs/LEDGER.md alone.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { uuidBytes } from "./seal.mjs";

/** The file of the object `name` in the folder of its class, as workerd derives its id from its name. */
export function objectPath(folder, name) {
  const hmac = (bytes) => createHmac("sha256", createHash("sha256").update(basename(folder)).digest()).update(bytes).digest().subarray(0, 16);
  const base = hmac(name);
  return `${Buffer.concat([base, hmac(base)]).toString("hex")}.sqlite`;
}

/** Where the object `name` of a class keeps its database; `undefined` without one. */
export function objectOnDisk(state, of, name) {
  const folder = join(state, "v3/do");
  const classes = existsSync(folder) ? readdirSync(folder).filter((entry) => entry.endsWith(`-${of}`)) : [];
  const files = classes.map((unique) => join(folder, unique, objectPath(join(folder, unique), name)));
  return files.find((file) => existsSync(file));
}

/** All events of `letter` as they lie on disk, and the snapshot beside them; `undefined` when there is no ledger. */
export function ledgerOnDisk(state, letter) {
  const file = objectOnDisk(state, "LetterLedger", letter);
  return file && readable(file, ledgerIn);
}

/** What a ledger's database holds; `waiting`: for whom something is in its outbox. */
export function ledgerIn(db) {
  const names = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all().map(({ name }) => name);
  if (!names.includes("letter")) return undefined;
  const row = names.includes("secret") ? db.prepare("SELECT letter.*, secret.* FROM letter JOIN secret USING (one)").get() : db.prepare("SELECT * FROM letter").get();
  const events = db.prepare("SELECT * FROM event ORDER BY seq").all();
  const waiting = names.includes("outbox") ? db.prepare("SELECT topic FROM outbox ORDER BY number").all().map(({ topic }) => topic) : [];
  return { snapshot: JSON.parse(row.snapshot), letter: row, events, waiting };
}

/** What the sequencer keeps of the log: how it stands, and the number of its entries. */
export function sequencerOnDisk(state) {
  const file = objectOnDisk(state, "Sequencer", "log");
  return file && readable(file, (db) => {
    if (!db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'log'").get()) return undefined;
    const { count } = db.prepare("SELECT count(*) AS count FROM entry").get();
    const fault = db.prepare("SELECT code FROM failure WHERE name = 'log'").get();
    return { ...JSON.parse(db.prepare("SELECT standing FROM log").get().standing), count, fault };
  });
}

/** What the index keeps: a row for each letter by its id, and the feed in its order; `undefined` without an index. */
export function indexOnDisk(state) {
  const file = objectOnDisk(state, "Index", "index");
  return file && readable(file, (db) => {
    if (!db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'letter'").get()) return undefined;
    const id = (bytes) => Buffer.from(bytes).toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    const letters = db.prepare("SELECT * FROM letter ORDER BY id").all().map((row) => [id(row.id), { ...row, id: id(row.id) }]);
    // A message of ours: its version, then JSON.
    const feed = db.prepare("SELECT * FROM feed ORDER BY seq").all();
    return { letters: new Map(letters), feed: feed.map((row) => ({ ...row, letter: id(row.letter), events: JSON.parse(Buffer.from(row.events).subarray(1)) })) };
  });
}

/** Reads a database. One that a crash left in the middle of a write first has to be recovered, which is done on a copy. */
export function readable(file, read) {
  const open = (path, options) => {
    const db = new DatabaseSync(path, options);
    try {
      return read(db);
    } finally {
      db.close();
    }
  };
  try {
    return open(file, { readOnly: true });
  } catch (error) {
    if (error.code !== "ERR_SQLITE_ERROR") throw error;
    const folder = mkdtempSync(join(tmpdir(), "waxseal-ledger-"));
    try {
      for (const end of ["", "-wal", "-shm", "-journal"]) if (existsSync(file + end)) copyFileSync(file + end, join(folder, `db${end}`));
      return open(join(folder, "db"), {});
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** docs/LEDGER.md, "The chain". */
export function eventHash(letter, event) {
  const number = (value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(value));
    return bytes;
  };
  const fields = [
    uuidBytes(letter),
    number(event.seq),
    event.id,
    Buffer.from(event.kind),
    number(event.at),
    Buffer.from(event.actor),
    event.terms ?? Buffer.alloc(0),
    event.sealed,
    event.prev,
  ];
  const hash = createHash("sha256").update("waxseal/v1/event\0");
  for (const field of fields) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(field.length);
    hash.update(length).update(field);
  }
  return hash.digest();
}

/** Asserts that the rows are one unbroken chain that ends at the snapshot's head. */
export function verifyChain(letter, { snapshot, events }) {
  let prev = Buffer.alloc(32);
  let at = 0;
  events.forEach((event, index) => {
    assert.equal(event.seq, index + 1, "no gap");
    assert.ok(Buffer.from(event.prev).equals(prev), `event ${event.seq} follows from the one before`);
    assert.ok(event.at >= at, "time does not go back");
    prev = eventHash(letter, event);
    assert.ok(Buffer.from(event.hash).equals(prev), `the hash of event ${event.seq}`);
    at = event.at;
  });
  assert.equal(snapshot.head.seq, events.length, "the head is the last event");
  return events.map((event) => event.kind);
}
