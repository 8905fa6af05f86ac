// All pages of a PDF under each other: sizes, zoom, which page is current, which pages are drawn.

import type { PDFDocumentProxy } from "pdfjs-dist";
import { fill } from "../states.js";
import type { PdfLib } from "./open.js";
import { Page } from "./page.js";

const ZOOMS = [0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4];
/** On a wide screen a page grows to this many times its printed size, no further, until the reader zooms. */
const WIDEST = 1.25;

export interface ViewEvents {
  current(page: number, pages: number): void;
  zoom(canZoomOut: boolean, canZoomIn: boolean): void;
}

export class PdfView {
  #pages: Page[] = [];
  #zoom = ZOOMS.indexOf(1);
  #current = 1;
  #drawing = false;
  #closed = false;
  #width = 0;
  #near: IntersectionObserver;
  #middle: IntersectionObserver;
  #resized: ResizeObserver;

  constructor(
    private readonly lib: PdfLib,
    private readonly document: PDFDocumentProxy,
    private readonly box: HTMLElement,
    private readonly withText: boolean,
    private readonly events: ViewEvents,
  ) {
    // One screen before and after is drawn ahead.
    this.#near = new IntersectionObserver((entries) => this.#moved(entries), { rootMargin: "100% 0px" });
    // The page under the middle line of the screen is the current one.
    this.#middle = new IntersectionObserver((entries) => this.#passed(entries), { rootMargin: "-50% 0px" });
    this.#resized = new ResizeObserver(() => this.#refit());
  }

  async start(): Promise<void> {
    const first = await this.document.getPage(1);
    const { width, height } = first.getViewport({ scale: 1 });
    const label = this.box.dataset.label ?? "{n} / {m}";
    const m = this.document.numPages;
    // Other pages mostly have the size of the first; those that have not are corrected before they are on screen.
    const inPlace = (change: () => void): void => this.#keepPlace(change);
    this.#pages = Array.from({ length: m }, (_, index) => {
      const n = index + 1;
      return new Page(this.lib, n, { width, height }, fill(label, { n, m }), this.withText, inPlace);
    });
    this.#width = this.box.clientWidth;
    this.#resize();
    this.box.classList.add("ws-scroll");
    this.box.replaceChildren(...this.#pages.map((page) => page.element));
    for (const page of this.#pages) {
      this.#near.observe(page.element);
      this.#middle.observe(page.element);
    }
    this.#resized.observe(this.box);
    this.events.current(1, m);
    this.#tellZoom();
  }

  zoomIn(): void {
    this.#zoomTo(this.#zoom + 1);
  }

  zoomOut(): void {
    this.#zoomTo(this.#zoom - 1);
  }

  /** Takes every page off the screen. */
  close(): void {
    this.#closed = true;
    this.#near.disconnect();
    this.#middle.disconnect();
    this.#resized.disconnect();
    for (const page of this.#pages) {
      page.near = false;
      page.release();
    }
    this.#pages = [];
    this.box.replaceChildren();
  }

  #zoomTo(step: number): void {
    const bounded = Math.max(0, Math.min(ZOOMS.length - 1, step));
    if (bounded === this.#zoom) return;
    this.#zoom = bounded;
    this.#keepPlace(() => this.#resize());
    this.#tellZoom();
    void this.#draw();
  }

  #tellZoom(): void {
    this.events.zoom(this.#zoom > 0, this.#zoom < ZOOMS.length - 1);
  }

  #refit(): void {
    // Height changes of the box are our own doing.
    if (this.#closed || this.box.clientWidth === this.#width || this.box.clientWidth === 0) return;
    this.#width = this.box.clientWidth;
    this.#keepPlace(() => this.#resize());
    void this.#draw();
  }

  #resize(): void {
    const zoom = ZOOMS[this.#zoom] ?? 1;
    for (const page of this.#pages) page.fit(this.#width, WIDEST, zoom);
    // A box that scrolls sideways must be reachable by keyboard.
    if (zoom > 1) this.box.tabIndex = 0;
    else this.box.removeAttribute("tabindex");
  }

  /** Changes sizes without moving what is under the middle of the screen. */
  #keepPlace(change: () => void): void {
    const page = this.#pages[this.#current - 1];
    if (!page) return change();
    const middle = window.innerHeight / 2;
    const before = page.element.getBoundingClientRect();
    const down = (middle - before.top) / (before.height || 1);
    const right = (this.box.scrollLeft + this.box.clientWidth / 2) / (this.box.scrollWidth || 1);
    change();
    const after = page.element.getBoundingClientRect();
    // Not before the first page: there the toolbar and all else above stay where they are.
    if (window.scrollY > 0) window.scrollBy({ top: after.top + down * after.height - middle, behavior: "instant" });
    this.box.scrollLeft = right * this.box.scrollWidth - this.box.clientWidth / 2;
  }

  #moved(entries: IntersectionObserverEntry[]): void {
    for (const entry of entries) {
      const page = this.#pageOf(entry.target);
      if (!page) continue;
      page.near = entry.isIntersecting;
      if (!page.near) page.release();
    }
    void this.#draw();
  }

  #passed(entries: IntersectionObserverEntry[]): void {
    for (const entry of entries) {
      const page = this.#pageOf(entry.target);
      if (page && entry.isIntersecting) this.#current = page.number;
    }
    this.events.current(this.#current, this.#pages.length);
    void this.#draw();
  }

  #pageOf(target: Element): Page | undefined {
    return this.#pages[Number((target as HTMLElement).dataset.page) - 1];
  }

  /** Draws one page after the other, always the wanted one that is nearest to the current page. */
  async #draw(): Promise<void> {
    if (this.#drawing) return;
    this.#drawing = true;
    try {
      for (let page = this.#next(); page !== undefined; page = this.#next()) {
        await page.draw((number) => this.document.getPage(number));
      }
    } catch {
      // The document was closed under it; whoever closed it shows why.
    } finally {
      this.#drawing = false;
    }
  }

  #next(): Page | undefined {
    if (this.#closed) return undefined;
    const distance = (page: Page): number => Math.abs(page.number - this.#current);
    let best: Page | undefined;
    for (const page of this.#pages) {
      if (page.wantsDrawing && (best === undefined || distance(page) < distance(best))) best = page;
    }
    return best;
  }
}
