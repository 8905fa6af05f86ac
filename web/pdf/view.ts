// All pages of a PDF under each other: sizes, zoom, which page is current, which pages are drawn. The document scrolls, not a
// box in it.

import { fill } from "../states.js";
import type { Layers } from "./layers.js";
import { loadLayers, type OpenPdf } from "./open.js";
import { Page, type Pages } from "./page.js";
import { Search } from "./search.js";

const ZOOMS = [0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4];
/** On a wide screen a page grows to this many times its printed size, no further, until the reader zooms. */
const WIDEST = 1.25;

export interface ViewEvents {
  current(page: number, pages: number): void;
  zoom(canZoomOut: boolean, canZoomIn: boolean, fits: boolean): void;
  /** There is nothing over the pages in this browser, and so no search. */
  bare(): void;
}

export class PdfView {
  #pages: Page[] = [];
  #zoom = ZOOMS.indexOf(1);
  /** Fits the width even where that is larger than WIDEST. */
  #wide = false;
  #current = 1;
  /** Until somebody scrolls from there, the page that was asked for is the current one, however small it is. */
  #jumpedTo = -Infinity;
  #drawing = false;
  #width = 0;
  #whole = false;
  #layers: Layers | null = null;
  #loadingLayers: Promise<Layers | null> | null = null;
  readonly #closing = new AbortController();
  readonly search: Search;
  #tellDrawn: (() => void) | null = null;
  /** Something is to be seen. */
  readonly drawn = new Promise<void>((resolve) => (this.#tellDrawn = resolve));
  #near: IntersectionObserver;
  #resized: ResizeObserver;

  constructor(
    private readonly pdf: OpenPdf,
    readonly root: HTMLElement,
    private readonly box: HTMLElement,
    private readonly withLayers: boolean,
    private readonly events: ViewEvents,
  ) {
    this.search = new Search(root, this.#closing.signal);
    // One screen before and after is drawn ahead.
    this.#near = new IntersectionObserver((entries) => this.#moved(entries), { rootMargin: "100% 0px" });
    this.#resized = new ResizeObserver(() => this.#refit());
  }

  get pages(): readonly Page[] {
    return this.#pages;
  }

  get current(): number {
    return this.#current;
  }

  async start(): Promise<void> {
    const { lib, document } = this.pdf;
    const first = await document.getPage(1);
    const { width, height } = first.getViewport({ scale: 1 });
    const { label = "{n} / {m}", failed = "" } = this.box.dataset;
    const m = document.numPages;
    // Other pages mostly have the size of the first; those that have not are corrected before they are on screen.
    const pages: Pages = {
      lib,
      load: (number) => document.getPage(number),
      hurried: () => this.#tellDrawn !== null,
      inPlace: (change) => this.#keepPlace(change),
    };
    this.#pages = Array.from({ length: m }, (_, index) => {
      const numbers = { n: index + 1, m };
      return new Page(pages, index + 1, { width, height }, fill(label, numbers), fill(failed, numbers));
    });
    this.#width = this.box.clientWidth;
    this.#resize();
    this.box.classList.add("ws-scroll");
    this.box.replaceChildren(...this.#pages.map((page) => page.element));
    for (const page of this.#pages) this.#near.observe(page.element);
    window.addEventListener("scroll", () => this.#scrolled(), { passive: true, signal: this.#closing.signal });
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

  /** As wide as there is room; back to the printed size where that is smaller. */
  fitWidth(): void {
    this.#wide = !this.#fits;
    this.#zoomTo(ZOOMS.indexOf(1), true);
  }

  /** Scrolls to a page, or to a place on it: so many pixels of the page at its present size from its top. */
  goTo(number: number, down = 0): void {
    const page = this.#pages[number - 1];
    if (!page) return;
    page.element.scrollIntoView({ block: "start", behavior: "instant" });
    if (down > 0) window.scrollBy({ top: down, behavior: "instant" });
    this.#current = number;
    this.#jumpedTo = window.scrollY;
    this.events.current(number, this.#pages.length);
  }

  /** The reader asked for this page: reading goes on there, for keyboard and screen reader, too. */
  jump(number: number, down = 0): void {
    this.goTo(number, down);
    this.#pages[number - 1]?.element.focus({ preventScroll: true });
  }

  /** Every byte is here: the text of all pages can be had without waiting for the line. */
  whole(): void {
    this.#whole = true;
    void this.#layers?.coverAll();
  }

  /** What lies over the pages. Loaded when the first page is drawn, or earlier when somebody asks; null in a browser that is too old. */
  layers(): Promise<Layers | null> {
    this.#loadingLayers ??= this.#loadLayers();
    return this.#loadingLayers;
  }

  async #loadLayers(): Promise<Layers | null> {
    const { signal } = this.#closing;
    const loaded = this.withLayers ? await loadLayers(signal) : null;
    if (loaded === null) this.events.bare();
    if (loaded === null || signal.aborted) return null;
    this.#layers = new loaded.Layers(this.pdf, this, signal);
    for (const page of this.#pages) if (page.near && page.element.dataset.rendered) this.#cover(page);
    if (this.#whole) void this.#layers.coverAll();
    return this.#layers;
  }

  #cover(page: Page): void {
    // Fields are now over it, or its drawing is of an old size.
    void this.#layers?.cover(page).then(() => this.draw());
  }

  /** Takes every page off the screen. */
  close(): void {
    this.#closing.abort();
    this.#near.disconnect();
    this.#resized.disconnect();
    for (const page of this.#pages) {
      page.near = false;
      page.release();
    }
    this.#pages = [];
    this.box.replaceChildren();
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Whether the current page is as wide as there is room. */
  get #fits(): boolean {
    const page = this.#pages[this.#current - 1];
    return page !== undefined && Math.abs(page.element.offsetWidth - this.#width) <= 1;
  }

  #zoomTo(step: number, anew = false): void {
    const bounded = Math.max(0, Math.min(ZOOMS.length - 1, step));
    if (bounded === this.#zoom && !anew) return;
    this.#zoom = bounded;
    this.#keepPlace(() => this.#resize());
    this.#tellZoom();
    void this.draw();
  }

  #tellZoom(): void {
    this.events.zoom(this.#zoom > 0, this.#zoom < ZOOMS.length - 1, this.#fits);
  }

  #refit(): void {
    // Height changes of the box are our own doing.
    if (this.#closed || this.box.clientWidth === this.#width || this.box.clientWidth === 0) return;
    this.#width = this.box.clientWidth;
    this.#keepPlace(() => this.#resize());
    this.#tellZoom();
    void this.draw();
  }

  #resize(): void {
    const zoom = ZOOMS[this.#zoom] ?? 1;
    for (const page of this.#pages) page.fit(this.#width, this.#wide ? Infinity : WIDEST, zoom);
  }

  /** Changes sizes without moving what is under the middle of the screen. */
  #keepPlace(change: () => void): void {
    const page = this.#pages[this.#current - 1];
    if (!page) return change();
    const middle = window.innerHeight / 2;
    const before = page.element.getBoundingClientRect();
    const jumped = this.#justJumped;
    const down = (middle - before.top) / (before.height || 1);
    const right = (this.box.scrollLeft + this.box.clientWidth / 2) / (this.box.scrollWidth || 1);
    change();
    const after = page.element.getBoundingClientRect();
    // Not before the first page: there the toolbar and all else above stay where they are.
    if (window.scrollY > 0) window.scrollBy({ top: after.top + down * after.height - middle, behavior: "instant" });
    if (jumped) this.#jumpedTo = window.scrollY;
    this.box.scrollLeft = right * this.box.scrollWidth - this.box.clientWidth / 2;
  }

  #moved(entries: IntersectionObserverEntry[]): void {
    for (const entry of entries) {
      const page = this.#pageOf(entry.target);
      if (!page) continue;
      page.near = entry.isIntersecting;
      if (!page.near) {
        page.release();
        this.#layers?.release(page);
      }
    }
    void this.draw();
  }

  get #justJumped(): boolean {
    return Math.abs(window.scrollY - this.#jumpedTo) <= 1;
  }

  /** The page under the middle line of the screen, or the one after it where the line is between two, is the current one. */
  #scrolled(): void {
    if (this.#justJumped) return;
    const middle = window.innerHeight / 2;
    let [low, high] = [0, this.#pages.length - 1];
    while (low < high) {
      const half = (low + high) >> 1;
      if ((this.#pages[half]?.element.getBoundingClientRect().bottom ?? 0) < middle) low = half + 1;
      else high = half;
    }
    if (low + 1 === this.#current) return;
    this.#current = low + 1;
    this.events.current(this.#current, this.#pages.length);
    void this.draw();
  }

  #pageOf(target: Element): Page | undefined {
    return this.#pages[Number((target as HTMLElement).dataset.page) - 1];
  }

  /** Draws one page after the other, always the wanted one that is nearest to the current page. */
  async draw(): Promise<void> {
    if (this.#drawing) return;
    this.#drawing = true;
    for (let page = this.#next(); page !== undefined; page = this.#next()) {
      try {
        await page.draw();
        if (page.element.dataset.rendered) this.#cover(page);
      } catch {
        // Or the document was closed under it; whoever closed it shows why.
        if (!this.#closed) page.fail();
      }
      if (!this.#closed) void this.layers();
      this.#tellDrawn?.();
      this.#tellDrawn = null;
    }
    this.#drawing = false;
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
