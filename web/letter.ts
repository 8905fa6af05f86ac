// What the server says about the letter: the data attributes of <main id="letter">.

import { Failure } from "./failure.js";
import { Layout } from "./layout.js";

export type Mode = "edge-opened" | "end-to-end";

export interface Letter {
  readonly mode: Mode;
  /** Path of the report on this host. */
  readonly report: string;
  /** Bytes of plaintext. */
  readonly length: number;
  /** How the ciphertext is laid out; only in end-to-end mode. */
  readonly layout: Layout | null;
  /** SHA-256 of the plaintext, lower-case hex. */
  readonly sha256: string;
  readonly mediaType: string;
  readonly fileName: string;
}

export type Kind = "pdf" | "image" | "text" | "other";

const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"]);

/** The way a media type is shown. HTML and SVG are never rendered: they are downloads. */
export function kindOf(mediaType: string): Kind {
  const essence = (mediaType.split(";")[0] ?? "").trim().toLowerCase();
  if (essence === "application/pdf") return "pdf";
  if (IMAGES.has(essence)) return "image";
  if (essence === "text/plain") return "text";
  return "other";
}

/** The encoding of a text, or null where this browser does not know it. */
export function encodingOf(mediaType: string): string | null {
  const declared = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(mediaType)?.[1] ?? "utf-8";
  try {
    return new TextDecoder(declared).encoding;
  } catch {
    return null;
  }
}

export function readLetter(root: HTMLElement): Letter {
  const data = root.dataset;
  const mode = data.mode;
  if (mode !== "edge-opened" && mode !== "end-to-end") throw new Failure("damaged", "unknown mode");
  const report = data.report ?? "";
  // Same host only: the key must not be of use to an address that someone slipped into the page.
  if (!report.startsWith("/") || report.startsWith("//")) throw new Failure("damaged", "report is not a path");
  const length = count(data.length, "length");
  const sha256 = data.sha256 ?? "";
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Failure("damaged", "sha256 is not 64 hex digits");
  let layout: Layout | null = null;
  if (mode === "end-to-end") {
    layout = new Layout(length, count(data.recordSize, "record size"));
    if (layout.bodyLength !== count(data.bodyLength, "body length")) {
      throw new Failure("damaged", "body length does not follow from length and record size");
    }
  }
  const mediaType = data.mediaType ?? "application/octet-stream";
  const fileName = data.fileName || "report";
  return { mode, report, length, layout, sha256, mediaType, fileName };
}

function count(text: string | undefined, what: string): number {
  const value = /^\d{1,16}$/.test(text ?? "") ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new Failure("damaged", `${what} is not a number`);
  return value;
}
