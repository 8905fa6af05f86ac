// Pictures of a PDF's pages for the printer: drawn one at a time, kept compressed. In idle time where that costs the reader
// nothing, otherwise when they ask.

import type { PDFDocumentProxy, PDFPageProxy } from "pdfjs-dist";
import type { Printable, Printer } from "../print.js";

/** More pages than this are printed from the file: drawing them takes minutes. */
const LONG = 200;
/** So many pages, and so many bytes of pictures, are made ready unasked. */
const AHEAD_PAGES = 40;
const AHEAD_BYTES = 48 * 1024 * 1024;
const DOTS_PER_INCH = 200;
/** In points. */
const A4_LENGTH = 842;
/** Below the canvas limit of older phones. */
const MAX_CANVAS_PIXELS = 12_000_000;
/** Text is smallest and sharpest as PNG. A photo is not. */
const MAX_PNG_BYTES = 1024 * 1024;
/** PDF.js's AnnotationMode.ENABLE_STORAGE: forms as the reader has filled them in. */
const AS_FILLED_IN = 3;

export class PrintPages implements Printable {
  readonly long: boolean;
  readonly #sheets: (HTMLElement | undefined)[] = [];
  readonly #urls: string[] = [];
  #bytes = 0;
  /** What the forms held when the pictures were made. */
  #filled: string;
  #work: Promise<void> | null = null;
  #pressed = false;
  #working = false;
  #scrolled = -Infinity;

  constructor(
    private readonly document: PDFDocumentProxy,
    private readonly box: HTMLElement,
    private readonly printer: Printer,
    private readonly signal: AbortSignal,
  ) {
    this.long = document.numPages > LONG;
    this.#filled = this.#forms();
    addEventListener("scroll", () => (this.#scrolled = performance.now()), { passive: true, signal });
    signal.addEventListener("abort", () => this.#release(), { once: true });
  }

  whole(): boolean {
    return this.#fresh() && this.#done() === this.document.numPages;
  }

  /** The pictures, and where one is not there yet what the screen shows of that page. */
  sheets(): Node[] {
    if (!this.#fresh()) this.#release();
    return Array.from({ length: this.document.numPages }, (_, index) => this.#sheets[index] ?? this.#shown(index + 1)).filter((sheet) => sheet !== null);
  }

  async prepare(progress: (done: number, total: number) => void, signal: AbortSignal): Promise<void> {
    this.#pressed = true;
    try {
      while (!this.whole()) {
        progress(this.#done(), this.document.numPages);
        // Not two pages at once: a page that is drawn ahead is one of these.
        await this.#step(signal);
        signal.throwIfAborted();
      }
    } finally {
      this.#pressed = false;
    }
  }

  /**
   * Once the document is here: makes the pictures while nothing else is to be done, on devices that can afford it. Again
   * when the reader has filled something in.
   */
  ahead(): void {
    if (!affordable() || this.document.numPages > AHEAD_PAGES) return;
    this.box.addEventListener("change", () => void this.#ahead(), { signal: this.signal });
    void this.#ahead();
  }

  async #ahead(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      while (!this.signal.aborted && !this.whole() && this.#bytes < AHEAD_BYTES) {
        await this.#rest();
        await this.#step(this.signal);
      }
    } catch {
      // Nobody asked for it. Who does is told.
    } finally {
      this.#working = false;
    }
  }

  /** One more page. One that is being drawn is waited for, and drawn anew when whoever asked for it has stopped it. */
  async #step(signal: AbortSignal): Promise<void> {
    if (this.#work) await this.#work.catch(() => undefined);
    else await (this.#work = this.#next(signal));
  }

  #next(signal: AbortSignal): Promise<void> {
    if (!this.#fresh()) this.#release();
    let index = 0;
    while (this.#sheets[index] !== undefined) index += 1;
    return this.#draw(index, signal).finally(() => (this.#work = null));
  }

  async #draw(index: number, signal: AbortSignal): Promise<void> {
    const filled = this.#filled;
    const page = await this.document.getPage(index + 1);
    const { width, height } = page.getViewport({ scale: 1 });
    const picture = await this.#picture(page, signal);
    const image = document.createElement("img");
    image.src = URL.createObjectURL(picture);
    await image.decode();
    if (this.signal.aborted || filled !== this.#filled) return URL.revokeObjectURL(image.src);
    this.#urls.push(image.src);
    this.#bytes += picture.size;
    this.#sheets[index] = this.printer.sheet(width, height, image);
  }

  async #picture(page: PDFPageProxy, signal: AbortSignal): Promise<Blob> {
    const { width, height } = page.getViewport({ scale: 1 });
    const scale = Math.min(DOTS_PER_INCH / 72, Math.sqrt(MAX_CANVAS_PIXELS / (width * height)));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    const task = page.render({
      canvas,
      viewport: page.getViewport({ scale }),
      intent: "print",
      annotationMode: AS_FILLED_IN,
      printAnnotationStorage: this.document.annotationStorage.print,
    });
    task.onContinue = (go: () => void): void => void this.#rest().then(go);
    const stop = (): void => task.cancel();
    signal.addEventListener("abort", stop, { once: true });
    this.signal.addEventListener("abort", stop, { once: true });
    try {
      await task.promise;
      const png = await encoded(canvas, "image/png");
      signal.throwIfAborted();
      this.signal.throwIfAborted();
      if (png.size <= MAX_PNG_BYTES) return png;
      const jpeg = await encoded(canvas, "image/jpeg", 0.92);
      return jpeg.size < png.size ? jpeg : png;
    } finally {
      signal.removeEventListener("abort", stop);
      this.signal.removeEventListener("abort", stop);
      // Some browsers give a canvas's memory back only when it has no size.
      canvas.width = canvas.height = 0;
    }
  }

  /** Lets the page breathe; unasked, until nobody scrolls and nothing else is to be done. */
  async #rest(): Promise<void> {
    do await breath(this.#pressed);
    while (!this.#pressed && performance.now() - this.#scrolled < 400 && !this.signal.aborted);
  }

  #shown(number: number): HTMLElement | null {
    const drawn = this.box.querySelector<HTMLCanvasElement>(`:scope > [data-page="${number}"] > canvas`);
    if (!drawn || drawn.width === 0) return null;
    const copy = document.createElement("canvas");
    copy.width = drawn.width;
    copy.height = drawn.height;
    copy.getContext("2d")?.drawImage(drawn, 0, 0);
    const scale = A4_LENGTH / Math.max(drawn.width, drawn.height);
    return this.printer.sheet(drawn.width * scale, drawn.height * scale, copy);
  }

  #done(): number {
    return this.#sheets.reduce((sum) => sum + 1, 0);
  }

  #forms(): string {
    return this.document.annotationStorage.serializable.hash;
  }

  #fresh(): boolean {
    return this.#filled === this.#forms();
  }

  #release(): void {
    for (const url of this.#urls.splice(0)) URL.revokeObjectURL(url);
    this.#sheets.length = 0;
    this.#bytes = 0;
    this.#filled = this.#forms();
  }
}

/** A mouse, memory and no wish to save: nobody notices the work. */
function affordable(): boolean {
  const { deviceMemory = 8, connection } = navigator as Navigator & { deviceMemory?: number; connection?: { saveData?: boolean } };
  return matchMedia("(pointer: fine)").matches && deviceMemory >= 4 && connection?.saveData !== true;
}

function breath(urgent: boolean): Promise<void> {
  return new Promise((resolve) => {
    if (!urgent && "requestIdleCallback" in window) requestIdleCallback(() => resolve(), { timeout: 1000 });
    else setTimeout(resolve, urgent ? 0 : 100);
  });
}

function encoded(canvas: HTMLCanvasElement, type: string, quality?: number): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no memory for a picture"))), type, quality);
  });
}
