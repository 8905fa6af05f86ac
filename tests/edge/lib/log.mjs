// The site's log as somebody else reads it: from the C2SP specifications (tlog-tiles, tlog-checkpoint, signed-note), RFC 6962
// and docs/EVIDENCE.md alone. Small enough that everything is computed anew each time, from the entries up.

import assert from "node:assert/strict";
import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { hkdf, secretOf, uuidBytes } from "./seal.mjs";

const WIDTH = 256;
const DOT = "\u2014";

const sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** docs/EVIDENCE.md, "An entry": 65 bytes, from an event's row as it lies on disk. */
export function entryOf(letter, event) {
  const slot = sha256("waxseal/v1/slot\0", uuidBytes(letter), event.prev);
  return Buffer.concat([Buffer.of(1), slot, event.hash]);
}

/** RFC 6962, section 2.1: the leaf hash. */
export const leafHash = (entry) => sha256(Buffer.of(0), entry);
const node = (left, right) => sha256(Buffer.of(1), left, right);

/** RFC 6962, section 2.1: the root over leaf hashes. */
export function rootOf(leaves) {
  if (leaves.length === 0) return sha256("");
  if (leaves.length === 1) return leaves[0];
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return node(rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)));
}

/** The path of tile `number` of `level` (or "entries"), `width` wide, below the log's prefix. */
export function tilePath(level, number, width = WIDTH) {
  const groups = String(number).padStart(Math.ceil(String(number).length / 3) * 3, "0").match(/\d{3}/g);
  const path = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join("/");
  return `tile/${level}/${path}${width < WIDTH ? `.p/${width}` : ""}`;
}

/** Every file of a log with these entries, by path, but the checkpoint. */
export function tilesOf(entries) {
  const files = new Map();
  const cut = (level, parts, join) => {
    for (let at = 0; at < parts.length; at += WIDTH) {
      const some = parts.slice(at, at + WIDTH);
      files.set(tilePath(level, at / WIDTH, some.length), join(some));
    }
  };
  const framed = (entry) => Buffer.concat([Buffer.of(entry.length >> 8, entry.length & 255), entry]);
  cut("entries", entries, (some) => Buffer.concat(some.map(framed)));
  let hashes = entries.map(leafHash);
  for (let level = 0; hashes.length > 0; level += 1) {
    cut(level, hashes, (some) => Buffer.concat(some));
    const full = Math.floor(hashes.length / WIDTH);
    hashes = Array.from({ length: full }, (_, at) => rootOf(hashes.slice(at * WIDTH, (at + 1) * WIDTH)));
  }
  return files;
}

/** The log's key of one site key: signs notes, and says its verifier key. docs/EVIDENCE.md, "The key". */
export function logKey(keyring, origin, id = keyring.active) {
  const seed = hkdf(secretOf(keyring, id), origin, "waxseal/v1/evidence", 32);
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex");
  const key = createPrivateKey({ key: Buffer.concat([prefix, seed]), format: "der", type: "pkcs8" });
  const raw = Buffer.from(createPublicKey(key).export({ format: "jwk" }).x, "base64url");
  const typed = Buffer.concat([Buffer.of(1), raw]);
  const number = sha256(`${origin}\n`, typed).subarray(0, 4);
  return {
    origin,
    vkey: `${origin}+${number.toString("hex")}+${typed.toString("base64")}`,
    /** The text with our signature line. */
    sign: (text) => `${text}\n${DOT} ${origin} ${Buffer.concat([number, sign(null, Buffer.from(text), key)]).toString("base64")}\n`,
    verifies: (text, signature) => signature.subarray(0, 4).equals(number) && verify(null, Buffer.from(text), createPublicKey(key), signature.subarray(4)),
  };
}

/** A signed checkpoint over these leaf hashes. */
export function checkpointOf(key, leaves) {
  return key.sign(`${key.origin}\n${leaves.length}\n${rootOf(leaves).toString("base64")}\n`);
}

/** Size and root of a checkpoint that this key signed. */
export function openCheckpoint(note, key) {
  const end = note.indexOf("\n\n");
  assert.ok(end > 0, "the checkpoint is a signed note");
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2).trimEnd().split("\n").map((line) => line.split(" "));
  const ours = lines.some(([dash, name, signature]) => dash === DOT && name === key.origin && key.verifies(text, Buffer.from(signature, "base64")));
  assert.ok(ours, "the log's key signed the checkpoint");
  const [origin, size, root] = text.split("\n");
  assert.equal(origin, key.origin);
  return { size: Number(size), root };
}

/** Reads all of a log by `read(path)` (bytes, or undefined), checks each file against the entries, and each root of `seen`. */
export async function readLog(read, key, seen = []) {
  const note = await read("checkpoint");
  if (note === undefined) return { size: 0, entries: [], note };
  const { size, root } = openCheckpoint(note.toString(), key);
  const entries = [];
  for (let at = 0; at < size; at += WIDTH) {
    // A partial tile may be gone once the full one is there, and the full one may be ahead of the checkpoint.
    const width = Math.min(WIDTH, size - at);
    const bytes = (await read(tilePath("entries", at / WIDTH, width))) ?? (await read(tilePath("entries", at / WIDTH)));
    assert.ok(bytes, `the entries from ${at} to ${at + width} are there`);
    let from = 0;
    for (let number = 0; number < width; number += 1) {
      const length = bytes.readUInt16BE(from);
      entries.push(bytes.subarray(from + 2, from + 2 + length));
      from += 2 + length;
    }
  }
  const leaves = entries.map(leafHash);
  assert.equal(rootOf(leaves).toString("base64"), root, "the root is that of the entries");
  for (const [path, expected] of tilesOf(entries)) {
    if (path.startsWith("tile/entries/")) continue;
    const bytes = (await read(path)) ?? (await read(path.replace(/\.p\/\d+$/, "")));
    assert.ok(bytes?.subarray(0, expected.length).equals(expected), `${path} holds the hashes of its entries`);
  }
  for (const older of seen) {
    assert.ok(older.size <= size, `the log shrank from ${older.size} to ${size}`);
    assert.equal(rootOf(leaves.slice(0, older.size)).toString("base64"), older.root, `the log of ${older.size} entries is where this one began`);
  }
  return { size, root, entries, note: note.toString() };
}
