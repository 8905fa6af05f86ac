// Feeds PDF.js: the report in order from the first byte, and the parts further on that it asks for in between, such as the table at the
// end of most files. On a slow line no byte comes twice and nothing late stands in the way of the first page: what the stream reaches soon
// is waited for, and while a part from far off comes, the stream waits.

import type { Source } from "../source.js";
import type { PdfEvents, PdfLib } from "./open.js";

/** So many bytes ahead, waiting for the stream costs no more than asking, */
const NEAR = 384 * 1024;
/** unless it stands still for so many milliseconds. */
const STILL = 1_500;

export class Feed {
  #received = 0;
  /** Parts that were asked for and are not here yet. */
  #parts = 0;
  #held: Promise<void> | null = null;
  #goOn = (): void => undefined;

  constructor(
    private readonly source: Source,
    private readonly transport: InstanceType<PdfLib["PDFDataRangeTransport"]>,
    private readonly events: PdfEvents,
    private readonly signal: AbortSignal,
    private readonly streams: boolean,
  ) {
    transport.requestDataRange = (begin, end): void => void this.#part(begin, end).catch(events.failed);
    if (streams) void this.#stream().catch(events.failed);
  }

  async #stream(): Promise<void> {
    for await (const chunk of this.source.stream(this.signal, () => this.#held)) {
      this.#received += chunk.length;
      this.transport.onDataProgressiveRead(chunk);
      this.events.progress(this.#received);
    }
    this.transport.onDataProgressiveDone();
    this.events.whole();
  }

  async #comes(end: number): Promise<boolean> {
    for (let before = -1; this.#received < end; ) {
      if (this.#received === before) return false;
      before = this.#received;
      await new Promise((resolve) => setTimeout(resolve, STILL));
    }
    return true;
  }

  async #part(begin: number, end: number): Promise<void> {
    // PDF.js takes it from the stream.
    if (this.streams && end <= this.#received + NEAR && (await this.#comes(end))) return;
    this.#parts += 1;
    this.#held ??= new Promise((resolve) => (this.#goOn = resolve));
    try {
      this.transport.onDataRange(begin, await this.source.range(begin, end, this.signal));
    } finally {
      this.#parts -= 1;
      if (this.#parts === 0) {
        this.#held = null;
        this.#goOn();
      }
    }
  }
}
