// A byte range that survives dropped connections: it asks again from the byte it reached.

import { Failure } from "./failure.js";
import type { Bytes } from "./ece.js";
import type { Patience } from "./patience.js";
import type { Answer, Transport } from "./transport.js";

export class ResumingReader {
  #answer: Answer | null = null;
  #skip = 0;
  #rest: Bytes = new Uint8Array(0);
  #position: number;
  #failures = 0;

  /** Reads bytes `start..end` (end exclusive). */
  constructor(
    private readonly transport: Transport,
    start: number,
    private readonly end: number,
    private readonly patience: Patience,
    private readonly signal: AbortSignal,
  ) {
    this.#position = start;
  }

  /** The next bytes as they arrive, or null at the end of the range. */
  async next(): Promise<Bytes | null> {
    if (this.#rest.length > 0) {
      const rest = this.#rest;
      this.#rest = new Uint8Array(0);
      return rest;
    }
    if (this.#position >= this.end) {
      await this.#refuseMore();
      return null;
    }
    for (;;) {
      try {
        return await this.#receive();
      } catch (error) {
        void this.close();
        if (this.signal.aborted) throw new DOMException("stopped", "AbortError");
        if (error instanceof Failure && error.kind !== "offline") throw error;
        this.#failures += 1;
        await this.patience.pause(this.#failures, this.signal);
      }
    }
  }

  /** Exactly `length` bytes. */
  async take(length: number): Promise<Bytes> {
    const out = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const chunk = await this.next();
      if (chunk === null) throw new Failure("damaged", "the body ends too early");
      const part = chunk.subarray(0, length - filled);
      out.set(part, filled);
      filled += part.length;
      this.#rest = chunk.subarray(part.length);
    }
    return out;
  }

  async close(): Promise<void> {
    const answer = this.#answer;
    this.#answer = null;
    await answer?.reader.cancel().catch(() => undefined);
  }

  async #receive(): Promise<Bytes> {
    for (;;) {
      if (this.#answer === null) {
        this.#answer = await this.transport.open(this.#position, this.end, this.signal);
        this.#skip = this.#answer.skip;
      }
      const { done, value } = await this.#answer.reader.read();
      if (done) throw new Failure("offline", "the connection ended early");
      const skipped = Math.min(this.#skip, value.length);
      this.#skip -= skipped;
      const wanted = value.subarray(skipped, skipped + this.end - this.#position);
      if (this.end === this.transport.total && value.length - skipped > wanted.length) {
        throw new Failure("damaged", "the body goes on after its end");
      }
      if (wanted.length === 0) continue;
      if (this.#failures > 0) this.patience.recovered();
      this.#failures = 0;
      this.#position += wanted.length;
      return wanted;
    }
  }

  /** After the last byte of the object nothing may follow. */
  async #refuseMore(): Promise<void> {
    const answer = this.#answer;
    if (answer === null) return;
    if (this.end === this.transport.total) {
      // A connection that breaks after the last byte has lost nothing.
      const after = await answer.reader.read().catch(() => ({ done: true, value: undefined }));
      if (!after.done && (after.value?.length ?? 0) > 0) {
        throw new Failure("damaged", "the body goes on after its end");
      }
    }
    await this.close();
  }
}
