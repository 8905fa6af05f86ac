// Arithmetic of an RFC 8188 body: which bytes of ciphertext hold which bytes of plaintext.

import { Failure } from "./failure.js";

/** Salt (16), record size (4), length of the key id (1), no key id. RFC 8188 section 2.1. */
export const HEADER_BYTES = 21;
/** Each record carries one delimiter byte and a 16-byte tag. RFC 8188 section 2. */
export const RECORD_OVERHEAD = 17;

export class Layout {
  /** Plaintext bytes in every record but the last. */
  readonly payload: number;
  readonly records: number;
  /** Bytes of the whole body: header and records. */
  readonly bodyLength: number;

  constructor(
    readonly length: number,
    readonly recordSize: number,
  ) {
    if (recordSize < 4096 || recordSize > 1_048_576) throw new Failure("damaged", "record size out of bounds");
    this.payload = recordSize - RECORD_OVERHEAD;
    this.records = Math.max(1, Math.ceil(length / this.payload));
    this.bodyLength = HEADER_BYTES + length + this.records * RECORD_OVERHEAD;
  }

  isLast(seq: number): boolean {
    return seq === this.records - 1;
  }

  /** Offset in the body of the first byte of a record; of the end for `seq` = number of records. */
  offset(seq: number): number {
    return seq >= this.records ? this.bodyLength : HEADER_BYTES + seq * this.recordSize;
  }

  /** Plaintext bytes that this record holds. */
  plaintextBytes(seq: number): number {
    return this.isLast(seq) ? this.length - seq * this.payload : this.payload;
  }

  /** The record that holds a byte of plaintext. */
  recordOf(position: number): number {
    return Math.min(Math.floor(position / this.payload), this.records - 1);
  }
}
