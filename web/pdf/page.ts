// One page of a PDF: a box of the right size from the start, drawn when it comes near and given back when it is far.

import type { PageViewport, PDFPageProxy, RenderTask, TextLayer } from "pdfjs-dist";
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

export class Page {
  readonly element: HTMLElement;
  /** Size in points: a guess until the page has been loaded. */
  #size: Size;
  near = false;
  failed = false;
  #canvas: HTMLCanvasElement | null = null;
  #drawnScale = 0;
  /** CSS pixels for one point. */
  #scale = 1;
  #room = { width: 1, widest: 1, zoom: 1 };
  #proxy: PDFPageProxy | null = null;
  #task: RenderTask | null = null;
  #text: TextLayer | null = null;
  #textBox: HTMLElement | null = null;

  constructor(
    private readonly lib: PdfLib,
    readonly number: number,
    size: Size,
    label: string,
    private readonly withText: boolean,
    /** Carries out a change of size so that what the reader looks at does not move. */
    private readonly inPlace: (change: () => void) => void,
  ) {
    this.#size = size;
    this.element = document.createElement("div");
    this.element.className = "ws-page";
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", label);
    this.element.dataset.page = String(number);
  }

  /** Fits the page into `width` CSS pixels, but not above its printed size times `widest`; then zooms. */
  fit(width: number, widest: number, zoom: number): void {
    const scale = Math.min(width / this.#size.width, widest * CSS_PER_POINT) * zoom;
    this.#room = { width, widest, zoom };
    this.#scale = scale;
    const { style } = this.element;
    style.width = `${Math.floor(this.#size.width * scale)}px`;
    style.height = `${Math.floor(this.#size.height * scale)}px`;
    style.setProperty("--total-scale-factor", String(scale));
    style.setProperty("--scale-round-x", "1px");
    style.setProperty("--scale-round-y", "1px");
  }

  get wantsDrawing(): boolean {
    return this.near && !this.failed && this.#task === null && this.#drawnScale !== this.#scale;
  }

  async draw(load: (number: number) => Promise<PDFPageProxy>): Promise<void> {
    const proxy = (this.#proxy ??= await load(this.number));
    const natural = proxy.getViewport({ scale: 1 });
    if (natural.width !== this.#size.width || natural.height !== this.#size.height) {
      const { width, widest, zoom } = this.#room;
      this.#size = { width: natural.width, height: natural.height };
      this.inPlace(() => this.fit(width, widest, zoom));
    }
    if (!this.near) return;
    const scale = this.#scale;
    const viewport = proxy.getViewport({ scale });
    const canvas = document.createElement("canvas");
    const ratio = pixelRatio(viewport);
    canvas.width = Math.max(1, Math.floor(viewport.width * ratio));
    canvas.height = Math.max(1, Math.floor(viewport.height * ratio));
    canvas.setAttribute("aria-hidden", "true");
    this.#task = proxy.render({ canvas, viewport, transform: [ratio, 0, 0, ratio, 0, 0] });
    try {
      await this.#task.promise;
      // Swapped only when it is ready: zooming shows the old drawing stretched, never a white flash.
      this.#canvas?.remove();
      shrink(this.#canvas);
      this.#canvas = canvas;
      this.#drawnScale = scale;
      this.element.prepend(canvas);
      this.element.dataset.rendered = "true";
    } catch (error) {
      shrink(canvas);
      if (!(error instanceof this.lib.RenderingCancelledException)) this.failed = true;
      return;
    } finally {
      this.#task = null;
    }
    if (this.withText && this.#text === null) await this.#drawText(proxy, viewport);
  }

  /** Stops drawing and gives the memory back. The box stays. */
  release(): void {
    this.#task?.cancel();
    this.#text?.cancel();
    this.#text = null;
    this.#textBox?.remove();
    this.#textBox = null;
    this.#canvas?.remove();
    shrink(this.#canvas);
    this.#canvas = null;
    this.#drawnScale = 0;
    delete this.element.dataset.rendered;
    this.#proxy?.cleanup();
  }

  async #drawText(proxy: PDFPageProxy, viewport: PageViewport): Promise<void> {
    const box = document.createElement("div");
    box.className = "ws-text";
    const text = new this.lib.TextLayer({
      textContentSource: proxy.streamTextContent({ includeMarkedContent: true, disableNormalization: true }),
      container: box,
      viewport,
    });
    this.#text = text;
    this.#textBox = box;
    this.element.append(box);
    try {
      await text.render();
    } catch {
      // Without it the page is still there to see; a released page cancels it on purpose.
      box.remove();
    }
  }
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
