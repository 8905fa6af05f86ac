// Seals letters in plain Node, from docs/SEAL.md and docs/TOKEN.md alone: what these tests send to the edge was not made
// by the code under test.

import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import { makeKey, mint } from "../../../examples/mint.mjs";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const OVERHEAD = 17; // a delimiter and a tag

export function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

export function hkdf(key, salt, info, length) {
  return Buffer.from(hkdfSync("sha256", key, salt, info, length));
}

export function uuid7() {
  const time = Date.now().toString(16).padStart(12, "0");
  const random = randomBytes(10);
  random[0] = 0x70 | (random[0] & 0x0f);
  random[2] = 0x80 | (random[2] & 0x3f);
  return (time + random.toString("hex")).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

export function uuidBytes(letter) {
  return Buffer.from(letter.replaceAll("-", ""), "hex");
}

export function crockford(bytes) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return bits.replace(/.{1,5}/g, (five) => ALPHABET[parseInt(five.padEnd(5, "0"), 2)]);
}

/** The 41 bytes of a token, or nothing where it is none; case and what stands behind it do not count. */
export function tokenBytes(segment) {
  const text = segment.slice(0, 66).toLowerCase();
  if (!/^[0-9a-hjkmnp-tv-z]{66}$/.test(text)) return undefined;
  const bits = [...text].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.slice(0, 328).match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

/** A keyring of one or more keys, as the secret holds it. */
export function newKeyring({ active = 7, retired = [] } = {}) {
  const key = (id, more = {}) => ({ id, secret: randomBytes(32).toString("base64"), ...more });
  return { active, keys: [key(active), ...retired.map(({ id, not_after }) => key(id, { not_after }))] };
}

export function secretOf(keyring, id = keyring.active) {
  return Buffer.from(keyring.keys.find((key) => key.id === id).secret, "base64");
}

export function apiKey(keyring, id = keyring.active) {
  const derived = hkdf(secretOf(keyring, id), "", "waxseal/v1/api", 32);
  return `wsk_${id.toString(16).padStart(2, "0")}_${crockford(derived)}`;
}

/** A key of the API as it is issued: `id` of 5 bytes, `secret` of 32. */
export function issuedKey(id, secret) {
  const check = createHash("sha256").update("waxseal/v1/api-key/check\0").update(id).update(secret).digest().subarray(0, 3);
  return `wsk_${crockford(id)}_${crockford(Buffer.concat([secret, check]))}`;
}

/** The 32 bytes in it. */
export function secretOfKey(key) {
  const bits = [...key.slice(13)].map((c) => ALPHABET.indexOf(c).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2))).subarray(0, 32);
}

export function mintToken(keyring, letter, notAfter, id = keyring.active) {
  return mint(makeKey(id, secretOf(keyring, id)), letter, notAfter);
}

/** AES-GCM of one message, tag behind. */
export function gcm(cipher, key, nonce, plaintext, associated = Buffer.alloc(0)) {
  const gcm = createCipheriv(cipher, key, nonce).setAAD(associated);
  return Buffer.concat([gcm.update(plaintext), gcm.final(), gcm.getAuthTag()]);
}

function recordNonce(base, seq) {
  const nonce = Buffer.from(base);
  nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ seq) >>> 0, 8);
  return nonce;
}

function keys(ikm, salt) {
  return {
    key: hkdf(ikm, salt, "Content-Encoding: aes128gcm\0", 16),
    base: hkdf(ikm, salt, "Content-Encoding: nonce\0", 12),
  };
}

/** RFC 8188, section 2: header, then records, as a generator so that large letters need no memory. */
export function* bodyParts(ikm, length, recordSize, plaintext) {
  const salt = randomBytes(16);
  const { key, base } = keys(ikm, salt);
  const header = Buffer.concat([salt, Buffer.alloc(5)]);
  header.writeUInt32BE(recordSize, 16);
  yield header;
  const step = recordSize - OVERHEAD;
  for (let seq = 0, at = 0; seq === 0 || at < length; seq += 1, at += step) {
    const end = Math.min(at + step, length);
    const delimiter = Buffer.from([end >= length ? 2 : 1]);
    yield gcm("aes-128-gcm", key, recordNonce(base, seq), Buffer.concat([plaintext(at, end), delimiter]));
  }
}

/** Opens a whole RFC 8188 body; throws where it does not hold. */
export function openBody(ikm, body) {
  const recordSize = body.readUInt32BE(16);
  const { key, base } = keys(ikm, body.subarray(0, 16));
  const out = [];
  for (let seq = 0, at = 21; at < body.length; seq += 1, at += recordSize) {
    const record = body.subarray(at, at + recordSize);
    const gcm = createDecipheriv("aes-128-gcm", key, recordNonce(base, seq));
    gcm.setAuthTag(record.subarray(-16));
    const plain = Buffer.concat([gcm.update(record.subarray(0, -16)), gcm.final()]);
    const last = at + recordSize >= body.length;
    if (plain.at(-1) !== (last ? 2 : 1)) throw new Error(`record ${seq} has the wrong delimiter`);
    out.push(plain.subarray(0, -1));
  }
  return Buffer.concat(out);
}

/** The manifest object: version, key id, nonce, AES-256-GCM of the JSON. */
export function sealManifest(keyring, manifest, id = keyring.active) {
  const uuid = uuidBytes(manifest.letter);
  const key = hkdf(secretOf(keyring, id), uuid, "waxseal/v1/manifest", 32);
  const nonce = randomBytes(12);
  const sealed = gcm("aes-256-gcm", key, nonce, JSON.stringify(manifest), uuid);
  return Buffer.concat([Buffer.from([1, id]), nonce, sealed]);
}

export function edgeKey(keyring, letter, id = keyring.active) {
  return hkdf(secretOf(keyring, id), uuidBytes(letter), "waxseal/v1/seal", 32);
}

/**
 * Seals `plaintext` for the edge (or end to end): `{ letter, manifest, objects: { body, manifest }, token, fragment, path }`.
 * `about` overrides any field of the manifest.
 */
export function seal(keyring, plaintext, { endToEnd = false, about = {}, recordSize = 65_536, lives = 86_400, tokenEnd } = {}) {
  const letter = about.letter ?? uuid7();
  const now = Math.floor(Date.now() / 1000);
  const fragmentKey = endToEnd ? randomBytes(16) : undefined;
  const ikm = fragmentKey ?? edgeKey(keyring, letter);
  const manifest = {
    v: 1,
    letter,
    format: "aes128gcm",
    mode: endToEnd ? "end-to-end" : "edge-opened",
    record_size: recordSize,
    length: plaintext.length,
    sha256: sha256(plaintext),
    media_type: "application/pdf",
    file_name: "inspection.pdf",
    subject: "Inspection of your car",
    issued_at: now - 10,
    not_after: now + lives,
    ...about,
  };
  const token = mintToken(keyring, letter, tokenEnd ?? manifest.not_after);
  return {
    letter,
    manifest,
    objects: {
      body: Buffer.concat([...bodyParts(ikm, plaintext.length, recordSize, (from, to) => plaintext.subarray(from, to))]),
      manifest: sealManifest(keyring, manifest),
    },
    token,
    path: `/${token}`,
    ikm,
    fragment: fragmentKey && crockford(fragmentKey),
    plaintext,
  };
}
