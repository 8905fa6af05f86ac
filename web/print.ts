// Prints the report and nothing else, by the page's button, by Ctrl+P and by the browser's menu.
//
// Printing starts without asking and waits for nobody (`beforeprint` cannot), so what is printed lies ready beforehand, or is
// made ready when the reader asks here, or is a part with a sentence that says where the whole is.

import type { PDFDocumentProxy } from "pdfjs-dist";
import { PrintPages } from "./pdf/print.js";
import { fill } from "./states.js";

/** What can be printed. */
export interface Printable {
  /** All of it is there, as the reader has filled it in. */
  whole(): boolean;
  /** What is there. Called while the browser waits. */
  sheets(): Node[];
  /** Makes the rest ready. */
  prepare?(progress: (done: number, total: number) => void, signal: AbortSignal): Promise<void>;
  /** Too long to be made ready in the page. */
  readonly long?: boolean;
}

/** A PDF, and when all of it is here. */
export interface Pdf {
  readonly document: PDFDocumentProxy;
  readonly here: Promise<void>;
}

/** Offers to print what `box` shows. */
export async function offer(root: HTMLElement, box: HTMLElement, signal: AbortSignal, pdf?: Pdf): Promise<void> {
  if (signal.aborted) return;
  const printer = new Printer(root, signal);
  const image = box.querySelector("img");
  const text = box.querySelector("pre");
  if (pdf) {
    const pages = new PrintPages(pdf.document, box, printer, signal);
    printer.offer(pages);
    await pdf.here;
    pages.ahead();
  } else if (image) printer.offer(await photo(image, printer));
  else if (text) printer.offer(words(text, printer));
}

const RULES = `
.ws-print { display: none }
@media print {
  html[data-paper], [data-paper] body { background: #fff; display: block; min-height: 0; margin: 0 }
  [data-paper] .ws-print { display: block }
  [data-paper="whole"] body > :not(.ws-print) { display: none !important }
  .ws-sheet, [data-paper="part"] .ws-print { break-before: page }
  .ws-sheet:first-child { break-before: auto }
  .ws-sheet img, .ws-sheet canvas { display: block; width: 100%; height: 100% }
  .ws-photo { padding: 10mm; text-align: center }
  .ws-photo img { max-width: 100%; max-height: calc(98vh - 20mm) }
  .ws-words { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; text-align: start; color: #000; orphans: 3; widows: 3;
    font: 10pt/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace }
}`;

export class Printer {
  /** What is printed; never on the screen. */
  readonly #box = document.createElement("div");
  readonly #style = new CSSStyleSheet();
  readonly #papers = new Map<string, string>();
  #what: Printable | null = null;
  #running: AbortController | null = null;

  /** Throws where the browser is too old. */
  constructor(
    private readonly root: HTMLElement,
    private readonly signal: AbortSignal,
  ) {
    this.#style.replaceSync(RULES);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, this.#style];
    this.#box.className = "ws-print";
    document.body.append(this.#box);
    signal.addEventListener("abort", () => this.#close(), { once: true });
  }

  /** From now on this is what is printed. */
  offer(what: Printable): void {
    if (this.signal.aborted || this.#what !== null) return;
    this.#what = what;
    const { signal } = this;
    for (const button of this.#buttons()) {
      button.hidden = false;
      button.addEventListener("click", () => void this.#print(), { signal });
    }
    this.#part("[data-print-cancel]")?.addEventListener("click", () => this.#running?.abort(), { signal });
    const note = this.#part("[data-print-note]");
    if (note && !what.long) note.textContent = note.dataset.text ?? "";
    document.addEventListener("keydown", (event) => this.#key(event), { signal });
    addEventListener("beforeprint", () => this.#before(), { signal });
    addEventListener("afterprint", () => this.#after(), { signal });
  }

  /** A sheet of this size in points with this on it, from edge to edge. */
  sheet(width: number, height: number, content: HTMLElement): HTMLElement {
    const sheet = document.createElement("div");
    sheet.className = "ws-sheet";
    sheet.style.setProperty("page", this.paper(`${width}pt ${height}pt`, "0"));
    sheet.style.width = `${width}pt`;
    // Browsers round the paper's height, perhaps down: a hair less, or a blank page follows.
    sheet.style.height = `calc(${height}pt - 1px)`;
    sheet.append(content);
    return sheet;
  }

  /** The name of a paper of this size. */
  paper(size: string, margin: string): string {
    let name = this.#papers.get(size);
    if (name === undefined) {
      name = `ws-${this.#papers.size + 1}`;
      this.#papers.set(size, name);
      this.#style.insertRule(`@page ${name} { size: ${size}; margin: ${margin} }`, this.#style.cssRules.length);
    }
    return name;
  }

  async #print(): Promise<void> {
    const what = this.#what;
    if (what === null || this.#running !== null) return;
    if (what.long) return this.#say(`${this.#panel?.dataset.textLong ?? ""} ${this.#panel?.dataset.textFile ?? ""}`);
    if (!what.whole() && what.prepare !== undefined) {
      const running = new AbortController();
      this.#running = running;
      const stop = (): void => running.abort();
      this.signal.addEventListener("abort", stop, { once: true });
      this.#show(true);
      try {
        await what.prepare((done, total) => this.#progress(done, total), running.signal);
      } catch {
        if (!running.signal.aborted) this.#say(this.#panel?.dataset.textFile ?? "");
        else this.#show(false);
        return;
      } finally {
        this.signal.removeEventListener("abort", stop);
        this.#running = null;
      }
      this.#show(false);
    }
    window.print();
  }

  /** The keys of the browser's own printing, as long as not everything is there to be printed. */
  #key(event: KeyboardEvent): void {
    const mac = /Mac|iP/.test(navigator.platform);
    const held = (mac ? event.metaKey : event.ctrlKey) && !event.altKey && !event.shiftKey;
    if (!held || event.key.toLowerCase() !== "p" || this.#what === null || this.#what.long || this.#what.whole()) return;
    event.preventDefault();
    void this.#print();
  }

  #before(): void {
    if (this.#what === null) return;
    this.#box.replaceChildren(...this.#what.sheets());
    document.documentElement.dataset.paper = this.#what.whole() ? "whole" : "part";
  }

  /** Some browsers look at the page again after they said that they were done: only copies go. */
  #after(): void {
    if (document.documentElement.dataset.paper === "part") this.#clear();
  }

  #clear(): void {
    delete document.documentElement.dataset.paper;
    this.#box.replaceChildren();
  }

  #close(): void {
    this.#clear();
    this.#what = null;
    this.#show(false);
    for (const button of this.#buttons()) button.hidden = true;
  }

  get #panel(): HTMLElement | null {
    return this.#part("[data-print-panel]");
  }

  #show(busy: boolean): void {
    if (this.#panel) this.#panel.hidden = !busy;
    for (const selector of ["[data-print-bar]", "[data-print-cancel]"]) {
      const part = this.#part(selector);
      if (part) part.hidden = !busy;
    }
  }

  #progress(done: number, total: number): void {
    const bar = this.#panel?.querySelector("progress");
    if (bar) {
      bar.max = total;
      bar.value = done;
    }
    const words = this.#part("[data-print-status]");
    const template = this.#panel?.dataset.textProgress ?? "{n} / {m}";
    if (words) words.textContent = fill(template, { n: Math.min(done + 1, total), m: total });
  }

  #say(text: string): void {
    this.#show(false);
    if (this.#panel) this.#panel.hidden = false;
    const words = this.#part("[data-print-status]");
    if (words) words.textContent = text;
  }

  #buttons(): NodeListOf<HTMLElement> {
    return this.root.querySelectorAll<HTMLElement>("[data-print]");
  }

  #part(selector: string): HTMLElement | null {
    return this.root.querySelector<HTMLElement>(selector);
  }
}

/** An image: one sheet of the reader's own paper, turned as the image is. */
async function photo(image: HTMLImageElement, printer: Printer): Promise<Printable> {
  const sheet = document.createElement("div");
  sheet.className = "ws-photo";
  sheet.style.setProperty("page", printer.paper(image.naturalWidth > image.naturalHeight ? "landscape" : "portrait", "0"));
  const copy = document.createElement("img");
  copy.src = image.src;
  await copy.decode();
  sheet.append(copy);
  return { whole: () => true, sheets: () => [sheet] };
}

/** A text: wrapped, on as many sheets as it takes. */
function words(text: HTMLElement, printer: Printer): Printable {
  const sheets = (): Node[] => {
    const copy = text.cloneNode(true) as HTMLElement;
    copy.className = "ws-words";
    copy.style.setProperty("page", printer.paper("auto", "16mm"));
    return [copy];
  };
  return { whole: () => true, sheets };
}
