// Writes tests/vectors/seal.json to standard output: node tests/interop/vectors.mjs > tests/vectors/seal.json
//
// Node's own cryptography and nothing of ours, so that the vectors are a second opinion. Every input is
// fixed, so every run gives the same bytes.

import { createCipheriv, createHash, hkdfSync } from 'node:crypto';

const KID = 7;
const SECRET = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7 + 3));
const LETTER = '0192d3a4-b5c6-7d7e-8f90-a1b2c3d4e5f6';
const OTHER = '0192d3a4-b5c6-7d7e-8f90-a1b2c3d4e5f7';
const SALT = Buffer.from('101112131415161718191a1b1c1d1e1f', 'hex');
const NONCE = Buffer.from('202122232425262728292a2b', 'hex');
const FRAGMENT = Buffer.from('303132333435363738393a3b3c3d3e3f', 'hex');
const SIZE = 4096;
const DATA = SIZE - 17;

const uuid = (text) => Buffer.from(text.replaceAll('-', ''), 'hex');
const hkdf = (key, salt, info, length) => Buffer.from(hkdfSync('sha256', key, salt, info, length));
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const pattern = (length) => Buffer.from(Array.from({ length }, (_, i) => i % 251));

function gcm(cipher, key, nonce, plaintext, associated = Buffer.alloc(0)) {
  const gcm = createCipheriv(cipher, key, nonce).setAAD(associated);
  return Buffer.concat([gcm.update(plaintext), gcm.final(), gcm.getAuthTag()]);
}

function header(size = SIZE, salt = SALT, keyId = '') {
  const bytes = Buffer.alloc(21);
  salt.copy(bytes);
  bytes.writeUInt32BE(size, 16);
  bytes[20] = keyId.length;
  return Buffer.concat([bytes, Buffer.from(keyId)]);
}

/** One record with the plaintext as given, delimiter included. */
function record(ikm, seq, plaintext, salt = SALT) {
  const key = hkdf(ikm, salt, 'Content-Encoding: aes128gcm\0', 16);
  const nonce = hkdf(ikm, salt, 'Content-Encoding: nonce\0', 12);
  nonce[11] ^= seq;
  return gcm('aes-128-gcm', key, nonce, plaintext);
}

function records(ikm, plaintext, size = SIZE) {
  const data = size - 17;
  const count = Math.max(1, Math.ceil(plaintext.length / data));
  return Array.from({ length: count }, (_, seq) => {
    const end = Buffer.from([seq + 1 === count ? 2 : 1]);
    return record(ikm, seq, Buffer.concat([plaintext.subarray(seq * data, (seq + 1) * data), end]));
  });
}

const edge = hkdf(SECRET, uuid(LETTER), 'waxseal/v1/seal', 32);
const manifestKey = (letter) => hkdf(SECRET, uuid(letter), 'waxseal/v1/manifest', 32);

// Bodies that open.
const bodies = [];
for (const [ikm, size, lengths] of [
  [edge, 4096, [0, 1, 15, DATA - 1, DATA, DATA + 1, 2 * DATA, 10000]],
  [edge, 65536, [65519, 65520]],
  [edge, 1048576, [3]],
  [FRAGMENT, 4096, [26]],
]) {
  for (const length of lengths) {
    const body = Buffer.concat([header(size), ...records(ikm, pattern(length), size)]);
    const whole = body.length < 100 ? { body: body.toString('hex') } : {};
    bodies.push({
      ikm: ikm.toString('hex'), salt: SALT.toString('hex'), record_size: size, length,
      plaintext_sha256: sha256(pattern(length)), body_length: body.length, body_sha256: sha256(body), ...whole,
    });
  }
}

// Bodies that do not. Each claims to be the pattern of `length` bytes in records of 4,096.
const failBodies = [];
function failBody(name, code, length, released, ...parts) {
  failBodies.push({ name, code, length, released, body: Buffer.concat(parts).toString('base64') });
}
{
  const length = DATA + 5;
  const [a, b] = records(edge, pattern(length));
  const head = header();
  const flip = (bytes, at) => Buffer.from(bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)));
  const end = (...bytes) => Buffer.from(bytes);
  failBody('nothing', 'header_truncated', length, 0);
  failBody('half a header', 'header_truncated', length, 0, head.subarray(0, 20));
  failBody('a header alone', 'truncated', length, 0, head);
  failBody('a key id', 'key_id', length, 0, header(SIZE, SALT, 'a1'), a, b);
  failBody('another record size than the manifest says', 'record_size', 5, 0, header(8192), ...records(edge, pattern(5)));
  failBody('cut at a record boundary', 'truncated', length, 0, head, a);
  failBody('cut inside the last record', 'not_authentic', length, DATA, head, a, b.subarray(0, -1));
  failBody('cut to less than a tag', 'truncated', length, DATA, head, a, b.subarray(0, 16));
  failBody('records in another order', 'not_authentic', length, 0, head, b, a);
  failBody('a record twice', 'not_authentic', length, DATA, head, a, a, b);
  failBody('a record left out', 'not_authentic', length, 0, head, b);
  failBody('bytes after a full last record', 'extended', DATA, 0, head, ...records(edge, pattern(DATA)), end(0));
  failBody('bytes after a short last record', 'not_authentic', length, DATA, head, a, b, end(0));
  failBody('a bit flipped in the salt', 'not_authentic', length, 0, flip(head, 0), a, b);
  failBody('a bit flipped in the first record', 'not_authentic', length, 0, head, flip(a, 100), b);
  failBody('a bit flipped in the last tag', 'not_authentic', length, DATA, head, a, flip(b, b.length - 1));
  failBody('sealed under another key', 'not_authentic', 5, 0, head, ...records(FRAGMENT, pattern(5)));
  failBody('a padded record', 'padded', 5, 0, head, record(edge, 0, Buffer.concat([pattern(5), end(2, 0, 0)])));
  failBody('no delimiter', 'no_delimiter', 5, 0, head, record(edge, 0, Buffer.from('hello')));
  failBody('an empty record at the end', 'empty_record', DATA, DATA, head,
    record(edge, 0, Buffer.concat([pattern(DATA), end(1)])), record(edge, 1, end(2)));
  failBody('longer than the manifest says', 'length', 4, 0, head, ...records(edge, pattern(5)));
  failBody('shorter than the manifest says', 'length', 6, 0, head, ...records(edge, pattern(5)));
}

// What tells the key of a letter from another one.
const keyCheck = (key, letter) => hkdf(key, uuid(letter), 'waxseal/v1/key-check', 4).toString('hex');
const keyChecks = [[FRAGMENT, LETTER], [FRAGMENT, OTHER], [Buffer.alloc(16), LETTER], [SALT, OTHER]].map(([key, letter]) => ({
  letter, key: key.toString('hex'), key_check: keyCheck(key, letter),
}));

// Manifests.
const head = {
  v: 1, letter: LETTER, format: 'aes128gcm', mode: 'edge-opened', record_size: 65536, length: 5,
  sha256: sha256(pattern(5)), media_type: 'application/pdf', file_name: 'report.pdf', subject: 'Your report',
};
const times = { issued_at: 1760000000, not_after: 1762592000 };
const least = { ...head, ...times, retention_days: 366 };
const most = {
  ...head, mode: 'end-to-end', media_type: 'text/plain; charset=utf-8', file_name: 'Prüfbericht “A”.txt',
  subject: 'Uw keuringsrapport ✓', customer: 'C-1024', reference: '2025/77', language: 'nl',
  terms: sha256('terms'), ...times, retention_days: 30, actions: ['accept', 'message'],
  pin: { salt: '00'.repeat(16), hash: 'ff'.repeat(32), iterations: 100000 },
};
function object(json, letter = LETTER, kid = KID, version = 1) {
  const text = typeof json === 'string' ? json : JSON.stringify(json);
  const sealed = gcm('aes-256-gcm', manifestKey(letter), NONCE, text, uuid(letter));
  return Buffer.concat([Buffer.from([version, kid]), NONCE, sealed]);
}
const manifests = [
  { name: 'the fewest fields', json: least },
  { name: 'all fields', json: most },
  { name: 'a key check', json: { ...least, mode: 'end-to-end', key_check: keyCheck(FRAGMENT, LETTER) } },
].map(({ name, json }) => ({ name, letter: LETTER, json, object: object(json).toString('base64') }));

const failManifests = [];
function failManifest(name, code, bytes) {
  failManifests.push({ name, code, letter: LETTER, object: bytes.toString('base64') });
}
const without = (field) => Object.fromEntries(Object.entries(least).filter(([name]) => name !== field));
const good = object(least);
failManifest('nothing', 'manifest_truncated', Buffer.alloc(0));
failManifest('shorter than a tag', 'manifest_truncated', good.subarray(0, 29));
failManifest('cut short', 'manifest_not_authentic', good.subarray(0, -1));
failManifest('extended', 'manifest_not_authentic', Buffer.concat([good, Buffer.from([0])]));
failManifest('a bit flipped', 'manifest_not_authentic', Buffer.from(good.map((b, i) => (i === 40 ? b ^ 4 : b))));
failManifest('moved from another letter', 'manifest_not_authentic', object({ ...least, letter: OTHER }, OTHER));
failManifest('names another letter', 'manifest_other_letter', object({ ...least, letter: OTHER }));
failManifest('another object version', 'manifest_unknown_version', object(least, LETTER, KID, 2));
failManifest('another JSON version', 'manifest_unknown_version', object({ ...least, v: 2 }));
failManifest('a key the keyring lacks', 'manifest_unknown_key', object(least, LETTER, 8));
failManifest('another format', 'manifest_unknown_format', object({ ...least, format: 'chunked' }));
failManifest('another mode', 'manifest_unknown_mode', object({ ...least, mode: 'open' }));
failManifest('not JSON', 'manifest_malformed', object('hello'));
failManifest('two values', 'manifest_malformed', object(`${JSON.stringify(least)} {}`));
for (const field of ['v', 'letter', 'format', 'mode', 'record_size', 'length', 'sha256', 'media_type',
  'file_name', 'subject', 'issued_at', 'not_after']) {
  failManifest(`no ${field}`, 'manifest_malformed', object(without(field)));
}
for (const [name, code, change] of [
  ['upper case digest', 'manifest_malformed', { sha256: least.sha256.toUpperCase().replace(/^./, 'A') }],
  ['a length that is no whole number', 'manifest_malformed', { length: 5.5 }],
  ['a negative length', 'manifest_malformed', { length: -1 }],
  ['a length in text', 'manifest_malformed', { length: '5' }],
  ['longer than 1 TiB', 'manifest_framing', { length: 2 ** 40 + 1 }],
  ['records too small', 'manifest_framing', { record_size: 4095 }],
  ['records too large', 'manifest_framing', { record_size: 1048577 }],
  ['an empty subject', 'manifest_field', { subject: '' }],
  ['a blank subject', 'manifest_field', { subject: ' ' }],
  ['a subject of 201 characters', 'manifest_field', { subject: 'ü'.repeat(201) }],
  ['a subject of two lines', 'manifest_field', { subject: 'a\nb' }],
  ['an empty file name', 'manifest_field', { file_name: '' }],
  ['a file name of 256 bytes', 'manifest_field', { file_name: 'é'.repeat(128) }],
  ['a media type that breaks a header', 'manifest_field', { media_type: 'a/b\r\nX: y' }],
  ['a language that is no tag', 'manifest_field', { language: 'nl_NL' }],
  ['a customer of 201 characters', 'manifest_field', { customer: 'x'.repeat(201) }],
  ['expired when issued', 'manifest_field', { not_after: least.issued_at }],
  ['expiry beyond 32 bits', 'manifest_field', { not_after: 2 ** 32 }],
  ['kept for no day', 'manifest_field', { retention_days: 0 }],
  ['kept for more than ten years', 'manifest_field', { retention_days: 3654 }],
  ['a key check of three bytes', 'manifest_malformed', { mode: 'end-to-end', key_check: 'c0ffee' }],
  ['a PIN with too few rounds', 'manifest_field', { pin: { ...most.pin, iterations: 1 } }],
]) {
  failManifest(name, code, object({ ...least, ...change }));
}

// Byte ranges: the plaintext from `start` up to, but without, `end`.
const ranges = [];
for (const [length, size, start, end] of [
  [1, 4096, 0, 1], [DATA, 4096, 0, DATA], [DATA + 1, 4096, DATA, DATA + 1], [10000, 4096, 4078, 4080],
  [10000, 4096, 9999, 10000], [10000, 4096, 0, 10000], [1000000, 65536, 65519, 131038],
  [1000000, 65536, 131037, 131039], [2 ** 40, 65536, 2 ** 39, 2 ** 39 + 1], [2 ** 40, 1048576, 2 ** 40 - 1, 2 ** 40],
]) {
  const data = size - 17;
  const count = Math.ceil(length / data);
  const body_length = 21 + length + count * 17;
  const first = Math.floor(start / data);
  const last = Math.floor((end - 1) / data);
  const from = 21 + first * size;
  const until = Math.min(21 + (last + 1) * size, body_length);
  ranges.push({
    length, record_size: size, start, end, object_length: body_length, first_record: first,
    records: last - first + 1, body_start: from, body_length: until - from, skip: start - first * data,
  });
}

console.log(JSON.stringify({
  about: [
    'Test vectors of sealed objects, version 1; docs/SEAL.md is the specification.',
    'Hexadecimal in lower case unless said otherwise. The pattern of length n is the bytes i mod 251 for i below n.',
    'derive: HKDF-SHA256 of secret with the UUID as salt gives both keys.',
    'bodies: the pattern of length bytes under ikm and salt. body only where it is short.',
    'fail_bodies: under the ikm of derive, record size 4096 (base64). released: plaintext bytes a reader may give out before it refuses. code is our word for the reason.',
    'manifests: json sealed with nonce is object (base64); key order as written here. fail_manifests: refused for code.',
    'key_checks: the first 4 bytes of HKDF-SHA256 of an end-to-end key, with the UUID as salt.',
    'ranges: what to read of a body object for plaintext bytes start up to, but without, end.',
  ],
  kid: KID, secret: SECRET.toString('hex'), nonce: NONCE.toString('hex'),
  derive: [LETTER, OTHER].map((letter) => ({
    letter,
    seal: hkdf(SECRET, uuid(letter), 'waxseal/v1/seal', 32).toString('hex'),
    manifest: manifestKey(letter).toString('hex'),
  })),
  bodies, fail_bodies: failBodies, manifests, fail_manifests: failManifests, key_checks: keyChecks, ranges,
}, null, 1));
