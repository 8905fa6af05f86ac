// HTTP: asks the edge for the report or a part of it, and judges whether the answer is the report at all.

import { Failure } from "./failure.js";

/** What is over comes as JSON to whoever asks for it, and JSON says why; a report itself is never JSON. */
const ACCEPT = "application/octet-stream, application/json;q=0.9, */*;q=0.8";

type Reader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

/** An answer whose next byte is the byte that was asked for. */
export interface Answer {
  readonly reader: Reader;
  /** Bytes to skip first: the edge sent the whole although a part was asked for. */
  readonly skip: number;
}

export class Transport {
  #etag: string | null = null;

  /** `total`: how many bytes the whole answer must have. */
  constructor(
    private readonly url: string,
    readonly total: number,
  ) {}

  /** Asks for bytes `start..end` (end exclusive). Fails with `closed`, `damaged` or `offline`. */
  async open(start: number, end: number, signal: AbortSignal): Promise<Answer> {
    const headers = new Headers({ Accept: ACCEPT });
    if (start > 0 || end < this.total) {
      headers.set("Range", `bytes=${start}-${end - 1}`);
      if (this.#etag !== null) headers.set("If-Range", this.#etag);
    }
    const response = await this.#fetch("GET", headers, signal);
    if (response.body === null) throw new Failure("offline", "answer without a body");
    try {
      const skip = response.status === 206 ? this.#part(response, start) : this.#whole(response, start);
      return { reader: response.body.getReader() as Reader, skip };
    } catch (error) {
      void response.body.cancel().catch(() => undefined);
      throw error;
    }
  }

  /** Whether the letter is still open, without fetching it. */
  async check(signal: AbortSignal): Promise<void> {
    await this.#fetch("HEAD", new Headers({ Accept: ACCEPT }), signal);
  }

  async #fetch(method: string, headers: Headers, signal: AbortSignal): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(this.url, {
        method,
        headers,
        signal,
        mode: "same-origin",
        credentials: "same-origin",
        cache: "no-store",
        redirect: "manual",
        referrerPolicy: "no-referrer",
      });
    } catch (error) {
      if (signal.aborted) throw error;
      throw new Failure("offline", "no answer");
    }
    const status = response.status;
    const type = response.headers.get("Content-Type") ?? "";
    const words = /^\s*(text\/html|application\/json)\b/i.exec(type)?.[1]?.toLowerCase();
    if ((status === 200 || status === 206) && words === undefined) return response;
    if (words === "application/json" && (await told(response)) === "damaged") {
      throw new Failure("damaged", "the stored object is not what was sealed");
    }
    void response.body?.cancel().catch(() => undefined);
    if (status === 416) throw new Failure("damaged", "the object is shorter than the manifest says");
    if (status === 408 || status === 425 || status === 429 || status >= 500) {
      throw new Failure("offline", `status ${status}`);
    }
    throw new Failure("closed", `status ${status}`);
  }

  #whole(response: Response, start: number): number {
    const length = response.headers.get("Content-Length");
    if (length !== null && Number(length) !== this.total) throw new Failure("damaged", "wrong content length");
    this.#sameObject(response);
    return start;
  }

  #part(response: Response, start: number): number {
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get("Content-Range") ?? "");
    if (range === null || Number(range[1]) !== start) throw new Failure("damaged", "not the range asked for");
    if (Number(range[2]) !== this.total) throw new Failure("damaged", "wrong total length");
    this.#sameObject(response);
    return 0;
  }

  #sameObject(response: Response): void {
    const etag = response.headers.get("ETag");
    if (this.#etag !== null && etag !== null && etag !== this.#etag) {
      throw new Failure("damaged", "the object changed while it was read");
    }
    // A weak validator promises nothing about bytes. RFC 9110 section 8.8.1.
    if (etag !== null && !etag.startsWith("W/")) this.#etag = etag;
  }
}

/** The word for what became of the letter, from an answer that is not the report. */
async function told(response: Response): Promise<unknown> {
  try {
    const answer: unknown = await response.json();
    return typeof answer === "object" && answer !== null && "closed" in answer ? answer.closed : undefined;
  } catch {
    return undefined;
  }
}
