// Sealed bodies for the tests: small ones by http_ece, an implementation that is not ours; large ones record by record as
// they are read, so that a test with a large letter needs no large file.

import { createCipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import ece from "http_ece";

export const RECORD_SIZE = 65_536;
export const HEADER_BYTES = 21;

/** Plaintext or ciphertext that can be read anywhere: `{ length, read(start, end) }`. */
export function inMemory(buffer) {
  return { length: buffer.length, read: (start, end) => buffer.subarray(start, end) };
}

export function sealWithHttpEce(plaintext, key, recordSize = RECORD_SIZE, pad = 0) {
  return ece.encrypt(plaintext, { version: "aes128gcm", key, rs: recordSize, salt: randomBytes(16), pad });
}

export function sealLazily(plain, key, recordSize = RECORD_SIZE) {
  const salt = randomBytes(16);
  const derive = (label, length) => Buffer.from(hkdfSync("sha256", key, salt, `Content-Encoding: ${label}\0`, length));
  const cek = derive("aes128gcm", 16);
  const base = derive("nonce", 12);
  const payload = recordSize - 17;
  const records = Math.max(1, Math.ceil(plain.length / payload));
  const header = Buffer.concat([salt, Buffer.from([recordSize >>> 24, recordSize >>> 16, recordSize >>> 8, recordSize, 0])]);
  const length = header.length + plain.length + 17 * records;
  const record = (seq) => {
    const nonce = Buffer.from(base);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ seq) >>> 0, 8);
    const cipher = createCipheriv("aes-128-gcm", cek, nonce);
    const text = plain.read(seq * payload, Math.min(plain.length, (seq + 1) * payload));
    const last = seq === records - 1;
    return Buffer.concat([cipher.update(text), cipher.update(Buffer.from([last ? 2 : 1])), cipher.final(), cipher.getAuthTag()]);
  };
  const read = (start, end) => {
    const parts = [];
    if (start < header.length) parts.push(header.subarray(start, end));
    for (let seq = Math.max(0, Math.floor((start - header.length) / recordSize)); seq < records; seq += 1) {
      const at = header.length + seq * recordSize;
      if (at >= end) break;
      const from = Math.max(0, start - at);
      if (at + recordSize <= start) continue;
      parts.push(record(seq).subarray(from, end - at));
    }
    return Buffer.concat(parts);
  };
  return { length, read };
}

export function sha256Of(plain) {
  const hash = createHash("sha256");
  for (let at = 0; at < plain.length; at += 1 << 20) hash.update(plain.read(at, Math.min(plain.length, at + (1 << 20))));
  return hash.digest("hex");
}
