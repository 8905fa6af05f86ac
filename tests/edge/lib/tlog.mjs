// A tiled log as a stranger reads it, from RFC 6962, RFC 9162 and the C2SP specifications alone: signed notes, checkpoints,
// tiles, proofs, cosignatures. Nothing here was made by the code under test.

import assert from "node:assert/strict";
import { createHash, createPublicKey, sign as signBytes, verify as verifyBytes } from "node:crypto";

export const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
export const leafHash = (entry) => sha256(Buffer.of(0), entry);
const nodeHash = (left, right) => sha256(Buffer.of(1), left, right);

/** The largest power of two below n. */
const split = (n) => 2 ** Math.floor(Math.log2(n - 1));

/** MTH of RFC 6962, section 2.1, word for word. */
export function treeHash(leaves) {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0];
  const k = split(leaves.length);
  return nodeHash(treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

/** The root that a proof of inclusion leads to (RFC 9162, section 2.1.3.2). */
export function rootFromInclusion(leaf, index, size, proof) {
  assert.ok(index < size, "the entry is in the tree");
  let [fn, sn, r] = [index, size - 1, leaf];
  for (const p of proof) {
    assert.notEqual(sn, 0, "the proof is too long");
    if (fn % 2 === 1 || fn === sn) {
      r = nodeHash(p, r);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)];
    } else {
      r = nodeHash(r, p);
    }
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  assert.equal(sn, 0, "the proof is too short");
  return r;
}

/** Whether a proof of consistency holds (RFC 9162, section 2.1.4.2). */
export function isConsistent(first, second, firstRoot, secondRoot, proof) {
  if (first === 0) return proof.length === 0;
  if (first === second) return proof.length === 0 && firstRoot.equals(secondRoot);
  if (first > second || proof.length === 0) return false;
  const path = [...proof];
  if (Number.isInteger(Math.log2(first))) path.unshift(firstRoot);
  let [fn, sn] = [first - 1, second - 1];
  while (fn % 2 === 1) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  let [fr, sr] = [path[0], path[0]];
  for (const c of path.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      [fr, sr] = [nodeHash(c, fr), nodeHash(c, sr)];
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)];
    } else {
      sr = nodeHash(sr, c);
    }
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return sn === 0 && fr.equals(firstRoot) && sr.equals(secondRoot);
}

const base64 = (text) => Buffer.from(text, "base64");
const keyOf = (raw) => createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") } });
const keyId = (name, typed) => sha256(Buffer.from(`${name}\n`), typed).subarray(0, 4);

/** A verifier key, NAME+NUMBER+KEY: of a log (type 1) or of a witness (type 4). */
export function readVkey(vkey) {
  const [, name, id, key] = /^([^+\s]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey);
  const typed = base64(key);
  assert.equal(typed.length, 33);
  assert.equal(keyId(name, typed).toString("hex"), id, "the number is that of name and key");
  return { vkey, name, id: Buffer.from(id, "hex"), type: typed[0], key: keyOf(typed.subarray(1)) };
}

/** The verifier key of these 32 bytes under this name. */
export function makeVkey(name, type, raw) {
  const typed = Buffer.concat([Buffer.of(type), raw]);
  return `${name}+${keyId(name, typed).toString("hex")}+${typed.toString("base64")}`;
}

/** A signed note: its text, and its signatures as they stand there. */
export function readNote(bytes) {
  const note = bytes.toString("utf8");
  assert.ok(Buffer.from(note).equals(Buffer.from(bytes)), "UTF-8");
  const end = note.lastIndexOf("\n\n");
  assert.ok(end > 0 && note.endsWith("\n"), "text, an empty line, signatures");
  const signatures = note.slice(end + 2, -1).split("\n").map((line) => {
    const [, name, signature] = /^\u2014 ([^+\s]+) ([A-Za-z0-9+/]+=*)$/.exec(line) ?? assert.fail(`not a signature: ${line}`);
    return { line: `${line}\n`, name, id: base64(signature).subarray(0, 4), signature: base64(signature).subarray(4) };
  });
  return { text: note.slice(0, end + 1), signatures };
}

/** The signatures of a note that are `key`'s and hold; a witness's have the time in seconds. */
export function signedBy(note, key) {
  return note.signatures
    .filter(({ name, id }) => name === key.name && id.equals(key.id))
    .map(({ signature }) => {
      if (key.type === 1) {
        assert.ok(verifyBytes(null, Buffer.from(note.text), key.key, signature), `the signature of ${key.name} holds`);
        return {};
      }
      const time = signature.readBigUInt64BE();
      const said = `cosignature/v1\ntime ${time}\n${note.text}`;
      assert.ok(verifyBytes(null, Buffer.from(said), key.key, signature.subarray(8)), `the cosignature of ${key.name} holds`);
      return { at: Number(time) };
    });
}

/** Size and root of a checkpoint that `key` signed. */
export function openCheckpoint(bytes, key) {
  const note = readNote(bytes);
  assert.equal(signedBy(note, key).length, 1, "the log signed it");
  const lines = note.text.split("\n");
  assert.equal(lines.length, 4, "origin, size, root and no more");
  assert.equal(lines[0], key.name, "of this log");
  assert.match(lines[1], /^(0|[1-9][0-9]*)$/);
  const root = base64(lines[2]);
  assert.equal(root.length, 32);
  return { note, origin: lines[0], size: Number(lines[1]), root, text: note.text, bytes: Buffer.from(bytes) };
}

/** tlog-tiles, "Parameters": the index in groups of three digits. */
export function tilePath(row, index, width = 256) {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/.../g);
  const path = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join("/");
  return `tile/${row}/${path}${width < 256 ? `.p/${width}` : ""}`;
}

/** All tiles of a row in a tree of `size` leaves: `{ path, index, width }`. */
export function tilesOf(row, size) {
  const count = row === "entries" ? size : Math.floor(size / 256 ** row);
  return Array.from({ length: Math.ceil(count / 256) }, (_, index) => {
    const width = Math.min(256, count - index * 256);
    return { path: tilePath(row, index, width), index, width };
  });
}

/**
 * Reads a whole log of `size` entries by `read(path)` (bytes, or undefined), and holds every file of it against every other:
 * entries against leaf hashes, each row of hashes against the one below. Answers `{ entries, leaves, root }`.
 */
export async function readLog(size, read) {
  // A partial tile may be gone once the full one is there, and the full one may be ahead of the checkpoint.
  const tile = async ({ path, index, width }, row) => {
    const exact = await read(path);
    const bytes = exact ?? (width < 256 ? await read(tilePath(row, index)) : undefined);
    assert.ok(bytes, `${path} is there`);
    return { bytes, exact: exact !== undefined };
  };
  const entries = [];
  for (const which of tilesOf("entries", size)) {
    const { path, width } = which;
    const { bytes: bundle, exact } = await tile(which, "entries");
    let at = 0;
    for (let n = 0; n < width; n += 1) {
      const length = bundle.readUInt16BE(at);
      entries.push(bundle.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
    assert.ok(!exact || at === bundle.length, `${path} ends where it should`);
  }
  const leaves = entries.map(leafHash);
  let below = leaves;
  for (let row = 0; below.length > 0; row += 1) {
    for (const which of tilesOf(row, size)) {
      const expected = Buffer.concat(below.slice(which.index * 256, which.index * 256 + which.width));
      const { bytes, exact } = await tile(which, row);
      assert.ok((exact ? bytes : bytes.subarray(0, expected.length)).equals(expected), `${which.path} is what the row below makes of it`);
    }
    const full = Math.floor(below.length / 256);
    below = Array.from({ length: full }, (_, at) => treeHash(below.slice(at * 256, at * 256 + 256)));
  }
  return { entries, leaves, root: treeHash(leaves) };
}

/** A cosignature (tlog-cosignature, Ed25519) as a signature line. */
export function cosign({ name, id, privateKey }, text, seconds = Math.floor(Date.now() / 1000)) {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(seconds));
  const signature = signBytes(null, Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`), privateKey);
  return `\u2014 ${name} ${Buffer.concat([id, time, signature]).toString("base64")}\n`;
}
