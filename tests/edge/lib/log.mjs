// What is ours in a site's log, from docs/EVIDENCE.md: which entry an event is, and which key signs. With it a log can be
// written as an operator could, and read as of a site whose keyring is known. How any log is read is in tlog.mjs.

import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { hkdf, secretOf, uuidBytes } from "./seal.mjs";
import { leafHash, makeVkey, openCheckpoint, readLog, readVkey, sha256, tilePath, treeHash } from "./tlog.mjs";

/** "An entry": 65 bytes, from an event's row as it lies on disk. */
export function entryOf(letter, { prev, hash }) {
  const slot = sha256(Buffer.from("waxseal/v1/slot\0"), uuidBytes(letter), Buffer.from(prev));
  return Buffer.concat([Buffer.of(1), slot, Buffer.from(hash)]);
}

/** "The key": the log's key of one site key, as its verifier key, and what signs notes with it. */
export function logKey(keyring, origin, id = keyring.active) {
  const seed = hkdf(secretOf(keyring, id), origin, "waxseal/v1/evidence", 32);
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex");
  const key = createPrivateKey({ key: Buffer.concat([prefix, seed]), format: "der", type: "pkcs8" });
  const vkey = makeVkey(origin, 1, Buffer.from(createPublicKey(key).export({ format: "jwk" }).x, "base64url"));
  const reader = readVkey(vkey);
  /** The text with its signature line. */
  const signed = (text) => `${text}\n\u2014 ${origin} ${Buffer.concat([reader.id, sign(null, Buffer.from(text), key)]).toString("base64")}\n`;
  return { origin, vkey, reader, sign: signed };
}

/** A signed checkpoint over these leaf hashes. */
export function checkpointOf(key, leaves) {
  return key.sign(`${key.origin}\n${leaves.length}\n${treeHash(leaves).toString("base64")}\n`);
}

/** Every file of a log with these entries, by path, but the checkpoint. */
export function filesOf(entries) {
  const files = new Map();
  const cut = (row, parts) => {
    for (let at = 0; at < parts.length; at += 256) {
      const some = parts.slice(at, at + 256);
      files.set(tilePath(row, at / 256, some.length), Buffer.concat(some));
    }
  };
  cut("entries", entries.map((entry) => Buffer.concat([Buffer.of(entry.length >> 8, entry.length & 255), entry])));
  let hashes = entries.map(leafHash);
  for (let row = 0; hashes.length > 0; row += 1) {
    cut(row, hashes);
    const full = Math.floor(hashes.length / 256);
    hashes = Array.from({ length: full }, (_, at) => treeHash(hashes.slice(at * 256, (at + 1) * 256)));
  }
  return files;
}

/**
 * Reads all of a log by `read(path)` (bytes, or undefined), verifies it, and that each checkpoint of `seen` (`{ size, root }`)
 * is its beginning. Answers `{ size, root, entries, note }`; `note` is undefined for a log that has not begun.
 */
export async function readWhole(read, key, seen = []) {
  const bytes = await read("checkpoint");
  if (bytes === undefined) return { size: 0, entries: [], note: undefined };
  const { size, root } = openCheckpoint(bytes, key.reader);
  const log = await readLog(size, read);
  assert.ok(log.root.equals(root), "the root is that of the entries");
  for (const older of seen) {
    assert.ok(older.size <= size, `the log shrank from ${older.size} to ${size}`);
    assert.ok(treeHash(log.leaves.slice(0, older.size)).equals(older.root), `the log of ${older.size} entries is where this one began`);
  }
  return { size, root, entries: log.entries, note: bytes.toString() };
}
