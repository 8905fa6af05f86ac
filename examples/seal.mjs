// Seal a report for the edge to open. Node only, no packages: copy this file into your backend.
// docs/SEAL.md specifies every byte.
//
// As a module:
//
//     import { seal } from './seal.mjs';
//     const { letter, objects } = seal(process.env.WAXSEAL_KEYS, plaintext, {
//       file_name: 'report.pdf', media_type: 'application/pdf', subject: 'Your report', not_after: 1790000000,
//     });
//
// then put each of `objects` in the bucket, in order, and mint the link with mint.mjs.
//
// From the command line, into a folder instead of a bucket (NOT_AFTER in Unix seconds; 30 days from now if
// left out). It prints the letter and its not_after, which are what mint.mjs takes:
//
//     WAXSEAL_KEYS='{"active":1,"keys":[...]}' node seal.mjs FILE MEDIA_TYPE SUBJECT FOLDER [NOT_AFTER]

import { createCipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RECORD_SIZE = 65536;
const DATA_PER_RECORD = RECORD_SIZE - 17; // one delimiter byte and a tag of 16

/** Seals `plaintext` (a Buffer); `about` holds the manifest's fields that are yours to say. */
export function seal(keyringJson, plaintext, about, letter = uuid7()) {
  const { active, keys } = JSON.parse(keyringJson.replace(/^\ufeff/, ''));
  const { not_after } = about;
  if (!Number.isInteger(not_after) || not_after < 1 || not_after > 0xffffffff) {
    throw new RangeError('not_after must be a positive whole number of Unix seconds, at most 4294967295');
  }
  const secret = Buffer.from(keys.find(({ id }) => id === active).secret, 'base64');
  const uuid = Buffer.from(letter.replaceAll('-', ''), 'hex');
  const manifest = {
    v: 1, letter, format: 'aes128gcm', mode: 'edge-opened', record_size: RECORD_SIZE,
    length: plaintext.length, sha256: createHash('sha256').update(plaintext).digest('hex'),
    issued_at: Math.floor(Date.now() / 1000), ...about,
  };
  const nonce = randomBytes(12);
  const manifestKey = hkdf(secret, uuid, 'waxseal/v1/manifest', 32);
  const sealed = gcm('aes-256-gcm', manifestKey, nonce, JSON.stringify(manifest), uuid);
  return {
    letter,
    // In this order: a letter exists once its manifest does.
    objects: [
      [`letters/${letter}/body`, body(hkdf(secret, uuid, 'waxseal/v1/seal', 32), plaintext)],
      [`letters/${letter}/manifest`, Buffer.concat([Buffer.from([1, active]), nonce, sealed])],
    ],
  };
}

/** RFC 8188 `aes128gcm` without padding or key id. */
function body(inputKey, plaintext) {
  const salt = randomBytes(16);
  const key = hkdf(inputKey, salt, 'Content-Encoding: aes128gcm\0', 16);
  const base = hkdf(inputKey, salt, 'Content-Encoding: nonce\0', 12);
  const header = Buffer.concat([salt, Buffer.alloc(5)]);
  header.writeUInt32BE(RECORD_SIZE, 16);
  const parts = [header];
  for (let seq = 0, at = 0; seq === 0 || at < plaintext.length; seq++, at += DATA_PER_RECORD) {
    const last = at + DATA_PER_RECORD >= plaintext.length;
    const nonce = Buffer.from(base);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ seq) >>> 0, 8); // enough for 2^32 records
    const record = [plaintext.subarray(at, at + DATA_PER_RECORD), Buffer.from([last ? 2 : 1])];
    parts.push(gcm('aes-128-gcm', key, nonce, Buffer.concat(record)));
  }
  return Buffer.concat(parts);
}

function hkdf(key, salt, info, length) {
  return Buffer.from(hkdfSync('sha256', key, salt, info, length));
}

function gcm(cipher, key, nonce, plaintext, associated = Buffer.alloc(0)) {
  const gcm = createCipheriv(cipher, key, nonce).setAAD(associated);
  return Buffer.concat([gcm.update(plaintext), gcm.final(), gcm.getAuthTag()]);
}

/** A version 7 UUID (RFC 9562): letters then lie in the bucket in the order of their days. */
function uuid7() {
  const time = Date.now().toString(16).padStart(12, '0');
  const random = randomBytes(10);
  random[0] = 0x70 | (random[0] & 0x0f);
  random[2] = 0x80 | (random[2] & 0x3f);
  return (time + random.toString('hex')).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [file, media_type, subject, folder, end] = process.argv.slice(2);
  if (!folder) {
    console.error('usage: WAXSEAL_KEYS=... node seal.mjs FILE MEDIA_TYPE SUBJECT FOLDER [NOT_AFTER]');
    process.exit(1);
  }
  // `Number` alone takes signs, fractions, exponents and hexadecimal as well.
  const not_after = end !== undefined ? (/^[0-9]+$/.test(end) ? Number(end) : NaN) : Math.floor(Date.now() / 1000) + 30 * 86400;
  const about = { file_name: basename(file), media_type, subject, not_after };
  const { letter, objects } = seal(process.env.WAXSEAL_KEYS, readFileSync(file), about);
  for (const [name, bytes] of objects) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  console.log(letter, not_after);
}
