// One page of a PDF: a box of the right size from the start, drawn when it comes near and given back when it is far.

import type { PageViewport, PDFPageProxy, RenderTask } from "pdfjs-dist";
import type { PdfLib } from "./open.js";

/** CSS pixels for one PDF point at 100 %. */
const CSS_PER_POINT = 96 / 72;
const MAX_PIXEL_RATIO = 2;
/** Below the canvas limit of older phones. */
const MAX_CANVAS_PIXELS = 12_000_000;

export interface Size {
  width: number;
  height: number;
}

/** What all pages of a document share. */
export interface Pages {
  readonly lib: PdfLib;
  load(number: number): Promise<PDFPageProxy>;
  /** Nothing is on screen yet that could stutter. */
  hurried(): boolean;
  /** Carries out a change of size so that what the reader looks at does not move. */
  inPlace(change: () => void): void;
}

export class Page {
  readonly element = document.createElement("div");
  /** What PDF.js draws apart because it lies over the page: boxes to tick and the like. */
  readonly pieces = new Map<string, HTMLCanvasElement>();
  near = false;
  failed = false;
  /** Fields lie over the page, so they are left out of its drawing. */
  fields = false;
  /** Size in points: a guess until the page has been loaded. */
  #size: Size;
  #canvas: HTMLCanvasElement | null = null;
  #drawn = "";
  /** CSS pixels for one point. */
  #scale = 1;
  #room = { width: 1, widest: 1, zoom: 1 };
  #loading: Promise<PDFPageProxy> | null = null;
  #proxy: PDFPageProxy | null = null;
  #task: RenderTask | null = null;

  constructor(
    private readonly pages: Pages,
    readonly number: number,
    size: Size,
    label: string,
    private readonly apology: string,
  ) {
    this.#size = size;
    this.element.className = "ws-page";
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", label);
    this.element.dataset.page = String(number);
    // A jump puts the focus here, so that reading goes on here.
    this.element.tabIndex = -1;
  }

  /** Fits the page into `width` CSS pixels, but not above its printed size times `widest`; then zooms. */
  fit(width: number, widest: number, zoom: number): void {
    const scale = Math.min(width / this.#size.width, widest * CSS_PER_POINT) * zoom;
    this.#room = { width, widest, zoom };
    this.#scale = scale;
    const { style } = this.element;
    style.width = `${Math.floor(this.#size.width * scale)}px`;
    style.height = `${Math.floor(this.#size.height * scale)}px`;
    style.setProperty("--total-scale-factor", String(scale * (this.#proxy?.userUnit ?? 1)));
    style.setProperty("--scale-round-x", "1px");
    style.setProperty("--scale-round-y", "1px");
  }

  /** The page of the document. From then on its size is right. */
  load(): Promise<PDFPageProxy> {
    this.#loading ??= this.pages.load(this.number).then((proxy) => {
      this.#proxy = proxy;
      const natural = proxy.getViewport({ scale: 1 });
      if (natural.width !== this.#size.width || natural.height !== this.#size.height || proxy.userUnit !== 1) {
        const { width, widest, zoom } = this.#room;
        this.#size = { width: natural.width, height: natural.height };
        this.pages.inPlace(() => this.fit(width, widest, zoom));
      }
      return proxy;
    });
    return this.#loading;
  }

  /** The page as large as it is on screen. Only of a loaded page. */
  viewport(proxy: PDFPageProxy): PageViewport {
    return proxy.getViewport({ scale: this.#scale });
  }

  get wantsDrawing(): boolean {
    return this.near && !this.failed && this.#task === null && this.#drawn !== this.#wanted;
  }

  get #wanted(): string {
    return `${this.#scale} ${this.fields}`;
  }

  async draw(): Promise<void> {
    const { lib } = this.pages;
    const proxy = await this.load();
    if (!this.near) return;
    const wanted = this.#wanted;
    const viewport = this.viewport(proxy);
    const canvas = document.createElement("canvas");
    const ratio = pixelRatio(viewport);
    canvas.width = Math.max(1, Math.floor(viewport.width * ratio));
    canvas.height = Math.max(1, Math.floor(viewport.height * ratio));
    canvas.setAttribute("aria-hidden", "true");
    const annotationMode = this.fields ? lib.AnnotationMode.ENABLE_FORMS : lib.AnnotationMode.ENABLE;
    const annotationCanvasMap = this.fields ? this.pieces : undefined;
    this.#task = proxy.render({
      canvas,
      viewport,
      transform: [ratio, 0, 0, ratio, 0, 0],
      annotationMode,
      ...(annotationCanvasMap && { annotationCanvasMap }),
    });
    // PDF.js draws for 15 ms at a time. A frame between two of these would double the reader's wait, and a hidden page has none.
    this.#task.onContinue = (goOn: () => void): void => {
      if (this.pages.hurried() || document.hidden) soon(goOn);
      else requestAnimationFrame(goOn);
    };
    try {
      await this.#task.promise;
      // Swapped only when it is ready: zooming shows the old drawing stretched, never a white flash.
      this.#canvas?.remove();
      shrink(this.#canvas);
      this.#canvas = canvas;
      this.#drawn = wanted;
      this.element.prepend(canvas);
      this.element.dataset.rendered = "true";
    } catch (error) {
      shrink(canvas);
      if (!(error instanceof lib.RenderingCancelledException)) throw error;
    } finally {
      this.#task = null;
    }
  }

  /** Says in its place that it cannot be shown. */
  fail(): void {
    this.failed = true;
    const words = document.createElement("p");
    words.className = "ws-apology";
    words.textContent = this.apology;
    this.element.replaceChildren(words);
  }

  /** Stops drawing and gives the memory back. The box stays. */
  release(): void {
    this.#task?.cancel();
    this.#canvas?.remove();
    shrink(this.#canvas);
    this.#canvas = null;
    this.#drawn = "";
    delete this.element.dataset.rendered;
    this.#proxy?.cleanup();
  }
}

/** After what else waits: messages, and what the reader does. A timer would wait longer than it is told. */
function soon(then: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = (): void => {
    port1.close();
    then();
  };
  port2.postMessage(null);
}

function pixelRatio(viewport: PageViewport): number {
  const ratio = Math.min(window.devicePixelRatio || 1, MAX_PIXEL_RATIO);
  const pixels = viewport.width * viewport.height;
  return Math.min(ratio, Math.sqrt(MAX_CANVAS_PIXELS / pixels));
}

/** Some browsers give a canvas's memory back only when it has no size. */
function shrink(canvas: HTMLCanvasElement | null): void {
  if (canvas) {
    canvas.width = 0;
    canvas.height = 0;
  }
}
