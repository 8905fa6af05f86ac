// Search over the whole document: the field, the count, next and previous. PDF.js searches.

import type { EventBus } from "pdfjs-layers";
import { fill } from "../states.js";

/** PDF.js's FindState. */
const NOT_FOUND = 1;
const PENDING = 3;

interface Found {
  matchesCount: { current: number; total: number };
  state?: number;
}

export class Search {
  readonly #form: HTMLFormElement | null;
  readonly #term: HTMLInputElement | null;
  readonly #count: HTMLElement | null;
  readonly #button: HTMLElement | null;
  /** Where PDF.js listens, once it is here. */
  #bus: EventBus | null = null;

  constructor(
    root: HTMLElement,
    signal: AbortSignal,
  ) {
    this.#form = root.querySelector("form[data-search]");
    this.#term = root.querySelector("[data-search-term]");
    this.#count = root.querySelector("[data-search-count]");
    this.#button = root.querySelector("[data-search-open]");
    const form = this.#form;
    form?.addEventListener(
      "submit",
      (event) => {
        event.preventDefault();
        this.#find("again", false);
      },
      { signal },
    );
    form?.addEventListener(
      "keydown",
      (event) => {
        const back = event.key === "Enter" && event.shiftKey && event.target === this.#term;
        if (event.key !== "Escape" && !back) return;
        event.preventDefault();
        if (back) this.#find("again", true);
        else this.close();
      },
      { signal },
    );
    this.#term?.addEventListener("input", () => this.#find("", false), { signal });
    const click = (selector: string, act: () => void): void =>
      root.querySelector(selector)?.addEventListener("click", act, { signal });
    click("[data-search-previous]", () => this.#find("again", true));
    click("[data-search-close]", () => this.close());
    signal.addEventListener("abort", () => this.#forget(), { once: true });
  }

  /** What was typed meanwhile is searched now. */
  attach(bus: EventBus): void {
    this.#bus = bus;
    bus.on("updatefindcontrolstate", (found: Found) => this.#found(found));
    bus.on("updatefindmatchescount", (found: Found) => this.#found(found));
    if (this.#form?.hidden === false && this.#term?.value) this.#find("", false);
  }

  toggle(): void {
    if (this.#form?.hidden) this.open();
    else this.close();
  }

  open(): void {
    this.#show(true);
    this.#term?.focus();
    this.#term?.select();
    if (this.#term?.value) this.#find("", false);
  }

  close(): void {
    this.#show(false);
    this.#bus?.dispatch("findbarclose", { source: this });
    this.#button?.focus();
  }

  #show(open: boolean): void {
    if (this.#form) this.#form.hidden = !open;
    this.#button?.setAttribute("aria-expanded", String(open));
  }

  /** Nothing of the letter stays in the page. */
  #forget(): void {
    this.#show(false);
    if (this.#term) this.#term.value = "";
    this.#say("");
  }

  #find(type: "" | "again", findPrevious: boolean): void {
    const query = this.#term?.value ?? "";
    if (query === "") this.#say("");
    this.#bus?.dispatch("find", {
      source: this,
      type,
      query,
      findPrevious,
      caseSensitive: false,
      entireWord: false,
      highlightAll: true,
      matchDiacritics: false,
    });
  }

  #found({ matchesCount: { current, total }, state }: Found): void {
    const { text = "{n} / {m}", none = "0" } = this.#count?.dataset ?? {};
    if (!this.#term?.value) this.#say("");
    else if (state === PENDING) this.#say("");
    else if (total > 0) this.#say(fill(text, { n: current, m: total }));
    else if (state === NOT_FOUND) this.#say(none);
  }

  #say(words: string): void {
    if (this.#count && this.#count.textContent !== words) this.#count.textContent = words;
  }
}
