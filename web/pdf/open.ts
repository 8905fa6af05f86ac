// Opens a PDF from a Source with PDF.js.
//
// Up to STREAM_LIMIT the letter streams in order, every record is checked and the hash of the whole at the end; PDF.js may
// ask for other ranges meanwhile (the table at the end of most files), so the first page shows before the download ends.
// Above it PDF.js asks only for the ranges that it draws.

import type { PDFDocumentLoadingTask, PDFDocumentProxy } from "pdfjs-dist";
import { Failure } from "../failure.js";
import type { Patience } from "../patience.js";
import type { Source } from "../source.js";
import { Feed } from "./feed.js";

export const STREAM_LIMIT = 32 * 1024 * 1024;
/** PDF.js addresses the file through one typed array; phones refuse larger ones. */
export const VIEW_LIMIT = 512 * 1024 * 1024;

export type PdfLib = typeof import("./lib.js");

/** Set by the build: the files' names carry a hash of their content. */
declare const __PDF_LIB__: string;
declare const __PDF_LAYERS__: string;
declare const __PDF_WORKER__: string;
declare const __PDF_DATA__: string;
/** Bytes of the two files that every PDF needs: as they are, and compressed. */
declare const __PDF_LIB_SIZE__: readonly [number, number];
declare const __PDF_WORKER_SIZE__: readonly [number, number];

export const FILES = { lib: __PDF_LIB_SIZE__[1], worker: __PDF_WORKER_SIZE__[1] };
type Seen = (file: keyof typeof FILES, bytes: number) => void;

export interface PdfEvents {
  progress(bytes: number): void;
  /** The stream has ended and its length and hash are right. */
  whole(): void;
  failed(error: unknown): void;
  /** The file is locked; `again` after a password that did not fit. */
  password(again: boolean): Promise<string>;
}

export interface OpenPdf {
  readonly lib: PdfLib;
  readonly document: PDFDocumentProxy;
  close(): Promise<void>;
}

/** What PDF.js uses and nobody can provide. Without one of these the browser is too old; a syntax it does not know says so by itself. */
const NEEDS: readonly (() => unknown)[] = [
  () => Worker,
  () => structuredClone,
  () => ReadableStream,
  () => WeakRef,
  () => FinalizationRegistry,
  () => DOMMatrix,
  () => Path2D,
  () => IntersectionObserver,
  () => ResizeObserver,
  () => Object.hasOwn,
  () => Array.prototype.at,
  () => Reflect.get(Array.prototype, "findLast"),
  () => String.prototype.replaceAll,
];

function isOld(): boolean {
  return NEEDS.some((need) => {
    try {
      return typeof need() !== "function";
    } catch {
      return true;
    }
  });
}

/** Waits out a bad connection; what is there and does not run is too new for this browser. */
export async function loadPdfLib(patience: Patience, signal: AbortSignal, seen: Seen): Promise<PdfLib> {
  if (isOld()) throw new Failure("old-browser", "a built-in is missing");
  const lib = fetched(__PDF_LIB__, __PDF_LIB_SIZE__, (bytes) => seen("lib", bytes), signal);
  const worker = fetched(__PDF_WORKER__, __PDF_WORKER_SIZE__, (bytes) => seen("worker", bytes), signal);
  await lib;
  const loaded = await importLib(patience, signal);
  await worker;
  for (const file of ["lib", "worker"] as const) seen(file, FILES[file]);
  return loaded;
}

/** Whether PDF.js came while the terms were read: the viewer, which was first in the list, came from the browser's own store. */
export function isHere(): boolean {
  const entries = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
  const own = entries.find(({ name }) => name === import.meta.url);
  return own !== undefined && own.transferSize === 0 && own.decodedBodySize > 0;
}

/**
 * Fetches a file of ours into the browser's store, where import and Worker then find it, because these do not tell how much of it
 * is here. What goes wrong they meet again and tell.
 */
async function fetched(address: string, [length, compressed]: readonly [number, number], seen: (bytes: number) => void, signal: AbortSignal): Promise<void> {
  try {
    const reader = (await fetch(address, { signal })).body?.getReader();
    let here = 0;
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      here += part.value.length;
      seen((compressed * here) / length);
    }
  } catch {
    return;
  }
}

async function importLib(patience: Patience, signal: AbortSignal): Promise<PdfLib> {
  for (let failures = 0; ; ) {
    try {
      // A browser may remember that an address failed.
      const lib = (await import(failures === 0 ? __PDF_LIB__ : `${__PDF_LIB__}?${failures}`)) as PdfLib;
      lib.GlobalWorkerOptions.workerSrc = __PDF_WORKER__;
      if (failures > 0) patience.recovered();
      return lib;
    } catch (error) {
      failures += 1;
      const answer = failures > 1 ? await answerOf(__PDF_LIB__, signal) : null;
      if (error instanceof SyntaxError || answer === "there") throw new Failure("old-browser", "PDF.js does not run");
      if (answer === "gone") throw new Failure("outdated", "PDF.js has another name now");
      await patience.pause(failures, signal);
    }
  }
}

/** The layers over the pages are no reason to stop reading: without a line they are tried for as long as the page is open. */
export async function loadLayers(signal: AbortSignal): Promise<typeof import("./layers.js") | null> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      return (await import(failures === 0 ? __PDF_LAYERS__ : `${__PDF_LAYERS__}?${failures}`)) as typeof import("./layers.js");
    } catch (error) {
      if (error instanceof SyntaxError || (await answerOf(__PDF_LAYERS__, signal)) !== null) break;
      await new Promise((resolve) => setTimeout(resolve, Math.min(1000 * 2 ** failures, 60_000)));
    }
  }
  return null;
}

/** What the server says of a file of ours: a site that has changed no longer has those of a page that was open before. */
async function answerOf(address: string, signal: AbortSignal): Promise<"there" | "gone" | null> {
  return fetch(address, { method: "HEAD", signal }).then(
    ({ ok, status }) => (ok ? "there" : status === 404 || status === 410 ? "gone" : null),
    () => null,
  );
}

export async function openPdf(
  lib: PdfLib,
  source: Source,
  events: PdfEvents,
  signal: AbortSignal,
): Promise<OpenPdf> {
  if (source.length > VIEW_LIMIT) throw new Failure("large", "too large to show");
  const streaming = source.length <= STREAM_LIMIT;
  const transport = new lib.PDFDataRangeTransport(source.length, null);
  new Feed(source, transport, events, signal, streaming);
  const task: PDFDocumentLoadingTask = lib.getDocument({
    range: transport,
    disableStream: !streaming,
    disableAutoFetch: true,
    rangeChunkSize: streaming ? 65_536 : 262_144,
    verbosity: 0,
    // The policy of the page allows neither eval nor WebAssembly; decoders fall back to script.
    useWasm: false,
    cMapUrl: `${__PDF_DATA__}cmaps/`,
    standardFontDataUrl: `${__PDF_DATA__}fonts/`,
    wasmUrl: `${__PDF_DATA__}decoders/`,
    enableXfa: false,
    stopAtErrors: false,
    maxImageSize: 64 * 1024 * 1024,
  });
  const close = async (): Promise<void> => {
    await task.destroy().catch(() => undefined);
  };
  signal.addEventListener("abort", () => void close(), { once: true });
  task.onPassword = (unlock: (password: string) => void, reason: number): void => {
    void events.password(reason === lib.PasswordResponses.INCORRECT_PASSWORD).then(unlock);
  };
  try {
    return { lib, document: await task.promise, close };
  } catch (error) {
    void close();
    throw error instanceof Failure ? error : await reasonOf(error, signal);
  }
}

/** PDF.js names what a file did to it; an error of the language in the page is the browser's. */
async function reasonOf(error: unknown, signal: AbortSignal): Promise<Failure> {
  const text = error instanceof Error ? error.message : "";
  const worker = text.startsWith("Setting up fake worker failed");
  const answer = worker ? await answerOf(__PDF_WORKER__, signal) : null;
  if (worker && answer !== "there") return new Failure(answer === "gone" ? "outdated" : "offline", "PDF.js's worker does not load");
  const browser = worker || error instanceof TypeError || error instanceof ReferenceError;
  return new Failure(browser ? "old-browser" : "broken", "PDF.js cannot read it");
}
