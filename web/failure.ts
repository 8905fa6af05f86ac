// Why a letter cannot be shown. The kind is the state the page goes to; the detail is for tests and the console of a
// developer and never holds a key, a token or a byte of the letter.

export type FailureKind =
  /** The first record does not open: the key belongs to another letter. */
  | "wrong-key"
  /** What came is not what was sealed. */
  | "damaged"
  /** The network or the edge does not answer now; trying again makes sense. */
  | "offline"
  /** The edge answers, but no longer with the report: cancelled, withdrawn, expired. */
  | "closed"
  /** Of a kind, or in an encoding, that is not shown here. */
  | "unviewable"
  /** Too large to be shown. */
  | "large"
  /** The file itself is faulty; how it came is not. */
  | "broken"
  /** The site has changed since the page was loaded; loaded anew it finds its files. */
  | "outdated"
  /** The browser lacks what showing a PDF takes. */
  | "old-browser";

export class Failure extends Error {
  constructor(
    readonly kind: FailureKind,
    detail: string,
  ) {
    super(detail);
    this.name = "Failure";
  }
}

/** True for the error that an AbortSignal causes: our own doing, never shown. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
