// Reads a ledger's rows from its SQLite file and verifies the chain from docs/LEDGER.md alone.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { uuidBytes } from "./seal.mjs";

/** All events of `letter` as they lie on disk, and the snapshot beside them; `undefined` when there is no ledger. */
export function ledgerOnDisk(state, letter) {
  const folder = join(state, "v3/do");
  if (!existsSync(folder)) return undefined;
  const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".sqlite"));
  for (const file of files) {
    const db = new DatabaseSync(join(folder, file), { readOnly: true });
    try {
      if (!db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'letter'").get()) continue;
      const row = db.prepare("SELECT snapshot FROM letter").get();
      const snapshot = JSON.parse(row.snapshot);
      if (snapshot.letter !== letter) continue;
      return { snapshot, events: db.prepare("SELECT * FROM event ORDER BY seq").all() };
    } finally {
      db.close();
    }
  }
  return undefined;
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
