// The letter's plaintext, whichever way it is opened: by the edge, or here.

import { sha256 } from "@noble/hashes/sha2.js";
import { Failure } from "./failure.js";
import { readHeader, RecordKeys, type Bytes } from "./ece.js";
import { HEADER_BYTES, type Layout } from "./layout.js";
import type { Letter } from "./letter.js";
import type { Patience } from "./patience.js";
import { ResumingReader } from "./resuming.js";
import { Transport } from "./transport.js";

export type Held = () => Promise<void> | null;

/** Waits without a connection while it is held. */
async function wait(reader: ResumingReader, held: Held | undefined): Promise<void> {
  for (let reason = held?.() ?? null; reason !== null; reason = held?.() ?? null) {
    await reader.close();
    await reason;
  }
}

export interface Source {
  readonly length: number;
  /**
   * The whole plaintext in order. Ends normally only if length and SHA-256 are those of the manifest. While `held` answers a promise the
   * connection is given up, and goes on from where it was when that is kept.
   */
  stream(signal: AbortSignal, held?: Held): AsyncGenerator<Bytes, void, void>;
  /** Plaintext bytes `start..end` (end exclusive), from authenticated records; the SHA-256 of the whole is not checked. */
  range(start: number, end: number, signal: AbortSignal): Promise<Bytes>;
  /** Fails with `closed` when the letter is no longer open. */
  check(signal: AbortSignal): Promise<void>;
}

/** Counts and hashes what passes; `finish` refuses anything but the plaintext that the manifest names. */
class Witness {
  #hash = sha256.create();
  #length = 0;

  see(chunk: Bytes): void {
    this.#hash.update(chunk);
    this.#length += chunk.length;
  }

  finish(letter: Letter): void {
    if (this.#length !== letter.length) throw new Failure("damaged", "wrong length");
    const hex = Array.from(this.#hash.digest(), (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (hex !== letter.sha256) throw new Failure("damaged", "wrong hash");
  }
}

/** The edge decrypts; we read plaintext. */
export class OpenSource implements Source {
  readonly length: number;
  readonly #transport: Transport;
  #begun: { reader: ResumingReader; first: Promise<Bytes | null>; signal: AbortSignal } | null = null;

  constructor(
    private readonly letter: Letter,
    private readonly patience: Patience,
  ) {
    this.length = letter.length;
    this.#transport = new Transport(letter.report, letter.length);
  }

  /** Asks for the whole before somebody needs it; the first call of `stream` goes on with that. */
  begin(signal: AbortSignal): void {
    const reader = new ResumingReader(this.#transport, 0, this.length, this.patience, signal);
    const first = reader.next();
    first.catch(() => undefined);
    this.#begun = { reader, first, signal };
  }

  async *stream(signal: AbortSignal, held?: Held): AsyncGenerator<Bytes, void, void> {
    const begun = this.#begun?.signal === signal ? this.#begun : null;
    if (begun === null) void this.#begun?.reader.close();
    this.#begun = null;
    const reader = begun?.reader ?? new ResumingReader(this.#transport, 0, this.length, this.patience, signal);
    const witness = new Witness();
    try {
      for (let chunk = await (begun?.first ?? reader.next()); chunk !== null; chunk = await reader.next()) {
        witness.see(chunk);
        yield chunk;
        await wait(reader, held);
      }
      witness.finish(this.letter);
    } finally {
      await reader.close();
    }
  }

  async range(start: number, end: number, signal: AbortSignal): Promise<Bytes> {
    const reader = new ResumingReader(this.#transport, start, end, this.patience, signal);
    try {
      return await reader.take(end - start);
    } finally {
      await reader.close();
    }
  }

  check(signal: AbortSignal): Promise<void> {
    return this.#transport.check(signal);
  }
}

interface Begun {
  reader: ResumingReader;
  first: Bytes;
  signal: AbortSignal;
}

/** End-to-end: the edge passes ciphertext through, we open it record by record. */
export class SealedSource implements Source {
  readonly length: number;
  #begun: Begun | null = null;

  private constructor(
    private readonly letter: Letter,
    private readonly layout: Layout,
    private readonly transport: Transport,
    private readonly patience: Patience,
    private readonly keys: RecordKeys,
  ) {
    this.length = letter.length;
  }

  /**
   * Reads the header and the first record, and so finds out whether the key fits. With `whole` the same answer goes on
   * to feed the first call of `stream`; otherwise only these bytes are asked for.
   */
  static async begin(
    letter: Letter,
    layout: Layout,
    ikm: Bytes,
    patience: Patience,
    whole: boolean,
    signal: AbortSignal,
  ): Promise<SealedSource> {
    const transport = new Transport(letter.report, layout.bodyLength);
    const end = whole ? layout.bodyLength : layout.offset(1);
    const reader = new ResumingReader(transport, 0, end, patience, signal);
    try {
      const salt = readHeader(await reader.take(HEADER_BYTES), layout.recordSize);
      const keys = await RecordKeys.derive(ikm, salt);
      const source = new SealedSource(letter, layout, transport, patience, keys);
      const first = await source.#record(reader, 0);
      if (whole) source.#begun = { reader, first, signal };
      else await reader.close();
      return source;
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  async *stream(signal: AbortSignal, held?: Held): AsyncGenerator<Bytes, void, void> {
    // What was begun for another purpose, and perhaps given up, is not continued.
    const begun = this.#begun?.signal === signal ? this.#begun : null;
    if (begun === null) void this.#begun?.reader.close();
    this.#begun = null;
    const { layout, transport, patience } = this;
    const reader =
      begun?.reader ?? new ResumingReader(transport, layout.offset(0), layout.bodyLength, patience, signal);
    const witness = new Witness();
    try {
      for (let seq = 0; seq < layout.records; seq += 1) {
        signal.throwIfAborted();
        const chunk = seq === 0 && begun !== null ? begun.first : await this.#record(reader, seq);
        witness.see(chunk);
        // The last record is held back until it is sure that nothing follows and the hash is right.
        if (layout.isLast(seq)) {
          if ((await reader.next()) !== null) throw new Failure("damaged", "the body goes on after its end");
          witness.finish(this.letter);
        }
        yield chunk;
        if (!layout.isLast(seq)) await wait(reader, held);
      }
    } finally {
      await reader.close();
    }
  }

  async range(start: number, end: number, signal: AbortSignal): Promise<Bytes> {
    const { layout } = this;
    const first = layout.recordOf(start);
    const last = layout.recordOf(end - 1);
    const reader = new ResumingReader(
      this.transport,
      layout.offset(first),
      layout.offset(last + 1),
      this.patience,
      signal,
    );
    const out = new Uint8Array(end - start);
    try {
      for (let seq = first; seq <= last; seq += 1) {
        const plain = await this.#record(reader, seq);
        const at = seq * layout.payload;
        const part = plain.subarray(Math.max(0, start - at), Math.min(plain.length, end - at));
        out.set(part, Math.max(at, start) - start);
      }
      return out;
    } finally {
      await reader.close();
    }
  }

  check(signal: AbortSignal): Promise<void> {
    return this.transport.check(signal);
  }

  async #record(reader: ResumingReader, seq: number): Promise<Bytes> {
    const { layout } = this;
    const record = await reader.take(layout.offset(seq + 1) - layout.offset(seq));
    const plain = await this.keys.open(seq, record, layout.isLast(seq));
    if (plain.length !== layout.plaintextBytes(seq)) throw new Failure("damaged", `record ${seq} has a wrong length`);
    return plain;
  }
}
