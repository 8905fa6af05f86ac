// Images and text, shown in the page. Both are read through the Source, so both are authenticated before they show.

import { Failure } from "./failure.js";
import type { Bytes } from "./ece.js";
import { encodingOf, type Letter } from "./letter.js";
import type { Source } from "./source.js";

/** Larger images and texts are offered as a download. */
export const IMAGE_LIMIT = 64 * 1024 * 1024;
export const TEXT_LIMIT = 8 * 1024 * 1024;

type Seen = (bytes: number) => void;

/** The whole letter, in parts. */
export async function collected(source: Source, seen: Seen, signal: AbortSignal): Promise<Bytes[]> {
  const parts: Bytes[] = [];
  let received = 0;
  for await (const chunk of source.stream(signal)) {
    parts.push(chunk);
    received += chunk.length;
    seen(received);
  }
  return parts;
}

export async function showImage(
  letter: Letter,
  source: Source,
  box: HTMLElement,
  seen: Seen,
  signal: AbortSignal,
): Promise<void> {
  const parts = await collected(source, seen, signal);
  const image = document.createElement("img");
  image.className = "ws-image";
  image.alt = letter.fileName;
  const url = URL.createObjectURL(new Blob(parts, { type: letter.mediaType }));
  try {
    image.src = url;
    await image.decode();
  } catch {
    URL.revokeObjectURL(url);
    throw new Failure("unviewable", "the browser cannot decode the image");
  }
  // The address lives as long as the letter is open: the browser's own "save image" needs it.
  signal.addEventListener("abort", () => URL.revokeObjectURL(url), { once: true });
  box.replaceChildren(image);
}

/** Shows a text; what does not fit its encoding is not shown. A byte order mark beats what is declared. */
export async function showText(
  letter: Letter,
  source: Source,
  box: HTMLElement,
  seen: Seen,
  signal: AbortSignal,
): Promise<void> {
  const plain = document.createElement("pre");
  plain.className = "ws-plain";
  plain.dir = "auto";
  box.replaceChildren(plain);
  let decoder: TextDecoder | null = null;
  let head: Bytes = new Uint8Array(0);
  const put = (chunk: Bytes, last: boolean): void => {
    try {
      decoder ??= new TextDecoder(markOf(chunk) ?? encodingOf(letter.mediaType) ?? "none", { fatal: true });
      // Text nodes only: whatever the letter says, it is never markup.
      plain.append(decoder.decode(chunk, { stream: !last }));
    } catch {
      throw new Failure("unviewable", "the text does not fit its encoding");
    }
  };
  let received = 0;
  for await (const chunk of source.stream(signal)) {
    received += chunk.length;
    if (decoder === null && head.length + chunk.length < MARK_BYTES) head = joined(head, chunk);
    else put(decoder === null ? joined(head, chunk) : chunk, false);
    seen(received);
  }
  put(decoder === null ? head : new Uint8Array(0), true);
}

/** So many bytes tell every byte order mark. */
const MARK_BYTES = 3;

/** The encoding that a byte order mark names. */
function markOf(bytes: Bytes): string | null {
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return null;
}

function joined(first: Bytes, second: Bytes): Bytes {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
