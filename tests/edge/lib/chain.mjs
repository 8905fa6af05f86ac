// Reads a ledger's rows from its SQLite file and verifies the chain from docs/LEDGER.md alone.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { uuidBytes } from "./seal.mjs";

/** All events of `letter` as they lie on disk, and the snapshot beside them; `undefined` when there is no ledger. */
export function ledgerOnDisk(state, letter) {
  const folder = join(state, "v3/do");
  if (!existsSync(folder)) return undefined;
  const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".sqlite"));
  for (const file of files) {
    const found = readable(join(folder, file), (db) => {
      if (!db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'letter'").get()) return undefined;
      const row = db.prepare("SELECT snapshot FROM letter").get();
      const snapshot = JSON.parse(row.snapshot);
      if (snapshot.letter !== letter) return undefined;
      return { snapshot, events: db.prepare("SELECT * FROM event ORDER BY seq").all() };
    });
    if (found) return found;
  }
  return undefined;
}

/** Reads a database. One that a crash left in the middle of a write first has to be recovered, which is done on a copy. */
function readable(file, read) {
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
