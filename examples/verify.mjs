// Verify the events of an unpacked Waxseal bundle. Node only, no packages, and none of Waxseal's code:
//
//     node verify.mjs FOLDER VKEY
//
// VKEY is the log's verifier key, from somewhere else than the bundle. What is verified: every event's hash and its link to
// the one before (docs/LEDGER.md), that there are as many as bundle.json says and the last is the one that it names, that the
// letter's names are those that its first event commits to, the signature of the log's checkpoint (C2SP signed-note), and that
// each event is in the log (C2SP tlog-proof, RFC 9162). Ends with 0 if all of it holds and with 1 at the first thing that does not.
// `waxseal evidence verify` looks at more: details, terms, receipts, the readable copy, witnesses.

import { createHash, createPublicKey, verify } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const number = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};
const hex = (text) => Buffer.from(text, 'hex');
const base64 = (text) => Buffer.from(text, 'base64');

function ensure(holds, words) {
  if (!holds) throw new Error(words);
}

/** An event's hash, from its stored fields and the letter's 16 bytes. */
export function eventHash(letter, event) {
  const fields = [
    letter,
    number(event.seq),
    hex(event.id),
    Buffer.from(event.kind),
    number(event.at),
    Buffer.from(event.actor),
    hex(event.terms ?? ''),
    hex(event.sealed),
    hex(event.prev),
  ];
  const framed = fields.flatMap((field) => [number(field.length).subarray(4), field]);
  return sha256(Buffer.from('waxseal/v1/event\0'), ...framed);
}

/** The hash of an event's entry in the log's tree. */
export function leafHash(letter, event) {
  const slot = sha256(Buffer.from('waxseal/v1/slot\0'), letter, hex(event.prev));
  return sha256(Buffer.of(0), Buffer.of(1), slot, hex(event.hash));
}

/** What a letter's first event commits to: its names, with a salt. */
export function namesHash(letter, { subject, reference, file_name, sha256: digest, salt }) {
  const fields = [letter, hex(salt), Buffer.from(subject), Buffer.from(reference ?? ''), Buffer.from(file_name), hex(digest)];
  const framed = fields.flatMap((field) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(field.length);
    return [length, field];
  });
  return sha256(Buffer.from('waxseal/v1/names\0'), ...framed);
}

/** A verifier key, `NAME+NUMBER+KEY`. */
export function readKey(vkey) {
  const [, name, id, key] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(vkey) ?? [];
  ensure(name && base64(key).length === 33 && base64(key)[0] === 1, 'this is not the Ed25519 key of a log');
  const number = sha256(Buffer.from(`${name}\n`), base64(key)).subarray(0, 4).toString('hex');
  ensure(number === id, 'a character of the key is wrong');
  const x = base64(key).subarray(1).toString('base64url');
  return { name, id: hex(id), key: createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } }) };
}

/** Size and root of the checkpoint in a signed note, if `key` signed it. */
export function openCheckpoint(note, key) {
  const end = note.lastIndexOf('\n\n');
  ensure(end >= 0, 'the checkpoint is not a signed note');
  const text = note.slice(0, end + 1);
  const signed = note.slice(end + 2).split('\n').some((line) => {
    const [, name, signature] = /^\u2014 (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== key.name || !base64(signature).subarray(0, 4).equals(key.id)) return false;
    return verify(null, Buffer.from(text), key.key, base64(signature).subarray(4));
  });
  ensure(signed, 'the checkpoint is not signed with this key');
  const [origin, size, root] = text.split('\n');
  ensure(origin === key.name, 'the checkpoint is of another log');
  return { size: BigInt(size), root: base64(root) };
}

/** The root that a proof of inclusion leads to (RFC 9162, section 2.1.3.2). */
export function rootFromProof(leaf, index, size, proof) {
  let [node, last, root] = [index, size - 1n, leaf];
  ensure(node <= last, 'the entry is behind the end of the log');
  for (const hash of proof) {
    ensure(last > 0n, 'the proof is too long');
    if (node % 2n === 1n || node === last) {
      root = sha256(Buffer.of(1), hash, root);
      while (node % 2n === 0n && node > 0n) [node, last] = [node >> 1n, last >> 1n];
    } else {
      root = sha256(Buffer.of(1), root, hash);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  ensure(last === 0n, 'the proof is too short');
  return root;
}

/** Verifies a folder; gives the number of events. */
export function verifyFolder(folder, vkey) {
  const key = readKey(vkey);
  const read = (name) => readFileSync(join(folder, name), 'utf8');
  const about = JSON.parse(read('bundle.json'));
  const letter = hex(about.letter.replaceAll('-', ''));
  let prev = Buffer.alloc(32);
  const lines = read('events.jsonl').trimEnd().split('\n');
  lines.forEach((line, at) => {
    const event = JSON.parse(line);
    const what = `events.jsonl, line ${at + 1}`;
    ensure(event.seq === at + 1, `${what}: an event is missing or out of order`);
    ensure(eventHash(letter, event).equals(hex(event.hash)), `${what}: not what was recorded`);
    ensure(prev.equals(hex(event.prev)), `${what}: does not follow from the event before it`);
    prev = hex(event.hash);
    if (at === 0 && existsSync(join(folder, 'letter.json'))) {
      const names = namesHash(letter, JSON.parse(read('letter.json')));
      ensure(event.kind === 'sealed' && names.equals(hex(event.terms ?? '')), 'letter.json: the letter was called something else');
    }
    const name = `proofs/${String(at + 1).padStart(6, '0')}.tlog-proof`;
    const proof = read(name);
    const head = proof.slice(0, proof.indexOf('\n\n')).split('\n');
    ensure(head[0] === 'c2sp.org/tlog-proof@v1' && /^index \d+$/.test(head[1]), `${name}: not a proof`);
    const { size, root } = openCheckpoint(proof.slice(proof.indexOf('\n\n') + 2), key);
    const found = rootFromProof(leafHash(letter, event), BigInt(head[1].slice(6)), size, head.slice(2).map(base64));
    ensure(found.equals(root), `${name}: the event is not shown to be in the log`);
  });
  ensure(lines.length === about.events, 'events.jsonl: there are not as many events as bundle.json says');
  ensure(prev.equals(hex(about.head)), 'events.jsonl: the last event is not the one that bundle.json names');
  return lines.length;
}

if (process.argv[1] && import.meta.filename === process.argv[1]) {
  const [folder, vkey] = process.argv.slice(2);
  try {
    ensure(folder && vkey, 'usage: node verify.mjs FOLDER VKEY');
    console.log(`${verifyFolder(folder, vkey)} events hold, and are in the log.`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
