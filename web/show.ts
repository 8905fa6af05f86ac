// Images and text, shown in the page. Both are read through the Source, so both are authenticated before they show.

import { Failure } from "./failure.js";
import type { Bytes } from "./ece.js";
import type { Letter } from "./letter.js";
import type { Source } from "./source.js";

/** Larger images and texts are offered as a download. */
export const IMAGE_LIMIT = 64 * 1024 * 1024;
export const TEXT_LIMIT = 8 * 1024 * 1024;

type Seen = (bytes: number) => void;

export async function showImage(
  letter: Letter,
  source: Source,
  box: HTMLElement,
  seen: Seen,
  signal: AbortSignal,
): Promise<void> {
  const parts: Bytes[] = [];
  let received = 0;
  for await (const chunk of source.stream(signal)) {
    parts.push(chunk);
    received += chunk.length;
    seen(received);
  }
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

export async function showText(
  source: Source,
  box: HTMLElement,
  seen: Seen,
  signal: AbortSignal,
): Promise<void> {
  const plain = document.createElement("pre");
  plain.className = "ws-plain";
  plain.dir = "auto";
  box.replaceChildren(plain);
  const decoder = new TextDecoder("utf-8");
  let received = 0;
  for await (const chunk of source.stream(signal)) {
    // Text nodes only: whatever the letter says, it is never markup.
    plain.append(decoder.decode(chunk, { stream: true }));
    received += chunk.length;
    seen(received);
  }
  plain.append(decoder.decode());
}
