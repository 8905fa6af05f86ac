// Opens a PDF from a Source with PDF.js.
//
// Up to STREAM_LIMIT the letter streams in order, every record is checked and the hash of the whole at the end; PDF.js may
// ask for other ranges meanwhile (the table at the end of most files), so the first page shows before the download ends.
// Above it PDF.js asks only for the ranges that it draws.

import type { PDFDocumentLoadingTask, PDFDocumentProxy } from "pdfjs-dist";
import { Failure } from "../failure.js";
import type { Bytes } from "../ece.js";
import type { Source } from "../source.js";

export const STREAM_LIMIT = 32 * 1024 * 1024;
/** PDF.js addresses the file through one typed array; phones refuse larger ones. */
export const VIEW_LIMIT = 512 * 1024 * 1024;

export type PdfLib = typeof import("./lib.js");

/** Set by the build: the files' names carry a hash of their content. */
declare const __PDF_LIB__: string;
declare const __PDF_WORKER__: string;
declare const __PDF_DATA__: string;

export interface PdfEvents {
  progress(bytes: number): void;
  /** The stream has ended and its length and hash are right. */
  whole(): void;
  failed(error: unknown): void;
}

export interface OpenPdf {
  readonly lib: PdfLib;
  readonly document: PDFDocumentProxy;
  close(): Promise<void>;
}

export async function loadPdfLib(): Promise<PdfLib> {
  try {
    const lib = (await import(__PDF_LIB__)) as PdfLib;
    lib.GlobalWorkerOptions.workerSrc = __PDF_WORKER__;
    return lib;
  } catch {
    throw new Failure("unviewable", "PDF.js does not load in this browser");
  }
}

export async function openPdf(
  lib: PdfLib,
  source: Source,
  events: PdfEvents,
  signal: AbortSignal,
): Promise<OpenPdf> {
  if (source.length > VIEW_LIMIT) throw new Failure("unviewable", "too large to show");
  const streaming = source.length <= STREAM_LIMIT;
  const transport = new lib.PDFDataRangeTransport(source.length, null);
  transport.requestDataRange = (begin, end): void => {
    source.range(begin, end, signal).then(
      (bytes) => transport.onDataRange(begin, bytes),
      (error: unknown) => events.failed(error),
    );
  };
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
  // No place to ask for a password here: whoever has one opens the download.
  const password = new Promise<never>((_, reject) => {
    task.onPassword = (): void => reject(new Failure("unviewable", "protected by a password"));
  });
  if (streaming) {
    void feed(source.stream(signal), transport, events).catch(events.failed);
  }
  try {
    const document = await Promise.race([task.promise, password]);
    return { lib, document, close };
  } catch (error) {
    void close();
    throw error instanceof Failure ? error : new Failure("unviewable", "PDF.js cannot read it");
  }
}

async function feed(
  chunks: AsyncGenerator<Bytes>,
  transport: InstanceType<PdfLib["PDFDataRangeTransport"]>,
  events: PdfEvents,
): Promise<void> {
  let received = 0;
  for await (const chunk of chunks) {
    received += chunk.length;
    transport.onDataProgressiveRead(chunk);
    events.progress(received);
  }
  transport.onDataProgressiveDone();
  events.whole();
}
