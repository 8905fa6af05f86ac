// The bar over the report: which page, how large, search.

import { fill } from "../states.js";
import type { PdfView, ViewEvents } from "./view.js";

export class Toolbar implements ViewEvents {
  readonly #bar: HTMLElement | null;
  readonly #page: HTMLInputElement | null;
  readonly #count: HTMLElement | null;
  #current = 1;

  constructor(private readonly root: HTMLElement) {
    this.#bar = root.querySelector("[data-toolbar]");
    this.#page = root.querySelector("[data-page-number]");
    this.#count = root.querySelector("[data-page-count]");
  }

  attach(view: PdfView): void {
    const click = (selector: string, act: () => void): void => this.root.querySelector(selector)?.addEventListener("click", act);
    click("[data-zoom-out]", () => view.zoomOut());
    click("[data-zoom-in]", () => view.zoomIn());
    click("[data-fit]", () => view.fitWidth());
    click("[data-search-open]", () => {
      view.search.toggle();
      void view.layers();
    });
    this.#page?.addEventListener("focus", () => this.#page?.select());
    // Enter sends the form; a number typed and left is one that was not meant.
    this.#page?.form?.addEventListener("submit", (event) => {
      event.preventDefault();
      const wanted = Number.parseInt(this.#page?.value ?? "", 10);
      if (Number.isNaN(wanted)) this.#tell();
      else view.jump(Math.max(1, Math.min(view.pages.length, wanted)));
    });
    this.#page?.addEventListener("blur", () => this.#tell());
    if (this.#bar) this.#bar.hidden = false;
    this.#clear();
  }

  current(page: number, pages: number): void {
    this.#current = page;
    if (this.#count) this.#count.textContent = fill(this.#count.dataset.text ?? "/ {m}", { m: pages });
    if (this.#page) this.#page.style.width = `${String(pages).length + 2}ch`;
    // Not while somebody is typing in it.
    if (document.activeElement !== this.#page) this.#tell();
  }

  zoom(canZoomOut: boolean, canZoomIn: boolean, fits: boolean): void {
    // Not `disabled`: that would throw the keyboard focus out of the toolbar.
    this.#set("[data-zoom-out]", "aria-disabled", !canZoomOut);
    this.#set("[data-zoom-in]", "aria-disabled", !canZoomIn);
    this.#set("[data-fit]", "aria-pressed", fits);
  }

  bare(): void {
    // Its place stays, so that nothing moves.
    const search = this.root.querySelector<HTMLElement>("[data-search-open]");
    if (search) search.style.visibility = "hidden";
  }

  #tell(): void {
    if (this.#page) this.#page.value = String(this.#current);
  }

  #set(selector: string, name: string, value: boolean): void {
    this.root.querySelector(selector)?.setAttribute(name, String(value));
  }

  /** What is scrolled to or focused does not end up under the bar. (Room at the edge of the document itself would count the bar in.) */
  #clear(): void {
    const bars = [this.#bar, this.root.querySelector<HTMLElement>("[data-search]")];
    const measure = (): void => {
      const height = bars.reduce((sum, bar) => sum + (bar?.offsetHeight ?? 0), 0);
      this.root.style.setProperty("--ws-bar", `${height + 8}px`);
    };
    const observer = new ResizeObserver(measure);
    for (const bar of bars) if (bar) observer.observe(bar);
  }
}
