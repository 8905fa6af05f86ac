// RFC 8188 aes128gcm, the opening half, on WebCrypto. One record at a time; nothing is released before its tag verifies.

import { Failure } from "./failure.js";
import { HEADER_BYTES } from "./layout.js";

const MORE = 1;
const LAST = 2;

export type Bytes = Uint8Array<ArrayBuffer>;

/** Reads the header; only the empty key id is ours. RFC 8188 section 2.1. Answers the salt. */
export function readHeader(header: Bytes, recordSize: number): Bytes {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (header.byteLength !== HEADER_BYTES) throw new Failure("damaged", "short header");
  if (view.getUint32(16) !== recordSize) throw new Failure("damaged", "header names another record size");
  if (view.getUint8(20) !== 0) throw new Failure("damaged", "header names a key id");
  return header.slice(0, 16);
}

export class RecordKeys {
  private constructor(
    private readonly key: CryptoKey,
    private readonly base: Bytes,
  ) {}

  /** Content encryption key and nonce base. RFC 8188 sections 2.2 and 2.3. */
  static async derive(ikm: Bytes, salt: Bytes): Promise<RecordKeys> {
    const material = await crypto.subtle.importKey("raw", ikm, "HKDF", false, ["deriveKey", "deriveBits"]);
    const label = (text: string): HkdfParams => ({
      name: "HKDF",
      hash: "SHA-256",
      salt,
      info: new TextEncoder().encode(`Content-Encoding: ${text}\0`),
    });
    const key = await crypto.subtle.deriveKey(
      label("aes128gcm"),
      material,
      { name: "AES-GCM", length: 128 },
      false,
      ["decrypt"],
    );
    const base = new Uint8Array(await crypto.subtle.deriveBits(label("nonce"), material, 96));
    return new RecordKeys(key, base);
  }

  /** Nonce base XOR the record's number as 96 bits, big endian. RFC 8188 section 2.3. */
  private nonce(seq: number): Bytes {
    const nonce = this.base.slice();
    const view = new DataView(nonce.buffer);
    view.setUint32(8, (view.getUint32(8) ^ (seq >>> 0)) >>> 0);
    view.setUint32(4, (view.getUint32(4) ^ Math.floor(seq / 2 ** 32)) >>> 0);
    return nonce;
  }

  /**
   * Opens one record. The delimiter must be the record's last byte: we never write padding, so padding means that
   * someone else wrote the record; and it must say truthfully whether this record ends the body.
   */
  async open(seq: number, record: Bytes, last: boolean): Promise<Bytes> {
    let padded: Bytes;
    try {
      padded = new Uint8Array(
        await crypto.subtle.decrypt({ name: "AES-GCM", iv: this.nonce(seq) }, this.key, record),
      );
    } catch {
      throw new Failure(seq === 0 ? "wrong-key" : "damaged", `record ${seq} does not verify`);
    }
    if (padded[padded.length - 1] !== (last ? LAST : MORE)) {
      throw new Failure("damaged", `record ${seq} has padding or the wrong delimiter`);
    }
    return padded.subarray(0, padded.length - 1);
  }
}
