// What lies over the drawn pages: text to select, to search and to hear, links, fields. PDF.js's own layers, in a file of its
// own that loads when the first page is on screen.
//
// A page is covered when it comes near. Once the whole document is here, every page is covered (of a very long one the first
// ones), in order and when there is nothing else to do, and stays so: the browser's own search, a screen reader and the Tab key
// then reach all of it.

import "./older-layers.js";
import type { PDFPageProxy } from "pdfjs-dist";
import { EventBus, PDFFindController, StructTreeLayerBuilder, TextAccessibilityManager, TextHighlighter, TextLayerBuilder } from "pdfjs-layers";
import rules from "pdfjs-layers.css";
import { applyRules } from "../style.js";
import { Links } from "./links.js";
import type { OpenPdf } from "./open.js";
import type { Page } from "./page.js";
import { joined } from "./runs.js";
import type { PdfView } from "./view.js";

declare const __PDF_DATA__: string;

/** So many pages, and so much text, stay covered; the pages after them are covered while they are near: a phone has to hold it all. */
const ALL_PAGES = 200;
const ALL_CHARACTERS = 4_000_000;
/** Pictures that PDF.js has for notes. A name of the document's own would be fetched from wherever it leads. */
const ICONS = new Set(["check", "comment", "help", "insert", "key", "newparagraph", "note", "paragraph", "pushpin"]);

const RULES = `
.ws-tree { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
/* Chromium lets nothing own what has no box of its own. */
.textLayer .markedContent { display: inline; position: static; }
.textLayer .highlight { --highlight-bg-color: rgb(255 190 0 / 0.4); --highlight-selected-bg-color: rgb(230 90 0 / 0.45); border-radius: 2px; }
.textLayer .highlight.selected { outline: 2px solid rgb(170 50 0); }
.annotationLayer .linkAnnotation > a:focus-visible { outline: 3px solid #0b57d0; outline-offset: 1px; }
.annotationLayer :is(input, textarea, select):focus-visible { outline: 3px solid #0b57d0; outline-offset: 0; }
@media print { .textLayer .highlight { background: none; outline: none; } }
`;

interface Annotation {
  annotationType: number;
  url?: string;
  name?: string;
  dest?: unknown;
  action?: unknown;
  resetForm?: unknown;
  overlaidText?: string;
  id: string;
  fieldName?: string;
}

interface Cover {
  readonly text: TextLayerBuilder;
  readonly parts: Element[];
  readonly characters: number;
  annotations: { refreshCanvases(): void; destroy(): void } | null;
}

export class Layers {
  readonly #bus = new EventBus();
  readonly #links: Links;
  readonly #find: PDFFindController;
  readonly #covers = new Map<Page, Promise<Cover | null>>();
  readonly #kept = new Set<Page>();
  #fields: Promise<Map<string, object[]> | null> | null = null;

  constructor(
    private readonly pdf: OpenPdf,
    private readonly view: PdfView,
    private readonly signal: AbortSignal,
  ) {
    applyRules(rules + RULES);
    const { document } = pdf;
    const bus = this.#bus;
    this.#links = new Links(bus, view, signal);
    this.#links.setDocument(document);
    this.#find = new Find({ linkService: this.#links, eventBus: bus });
    this.#find.setDocument(document);
    view.search.attach(bus);
    view.root.addEventListener("copy", (event) => this.#copy(event), { capture: true, signal });
    signal.addEventListener("abort", () => this.#find.setDocument(null as never), { once: true });
  }

  /** Covers a page; of a page that has a cover already it freshens what was drawn anew. */
  async cover(page: Page): Promise<void> {
    let cover = this.#covers.get(page);
    if (!cover) {
      const parts: Element[] = [];
      const making: Promise<Cover | null> = this.#make(page, parts).catch(() => {
        // Tried anew the next time that the page comes near.
        for (const part of parts) part.remove();
        if (this.#covers.get(page) === making) this.#covers.delete(page);
        return null;
      });
      cover = making;
      this.#covers.set(page, cover);
    }
    (await cover)?.annotations?.refreshCanvases();
  }

  /** A far page gives its cover back, unless all are kept or somebody is in it. */
  release(page: Page): void {
    const making = this.#covers.get(page);
    if (!making || this.#kept.has(page) || page.element.contains(window.document.activeElement)) return;
    this.#covers.delete(page);
    void making.then((cover) => {
      cover?.text.cancel();
      cover?.annotations?.destroy();
      for (const part of cover?.parts ?? []) part.remove();
    });
  }

  /** The whole document is here. */
  async coverAll(): Promise<void> {
    let characters = 0;
    for (const page of this.view.pages.slice(0, ALL_PAGES)) {
      await idle();
      if (this.signal.aborted || characters > ALL_CHARACTERS) return;
      this.#kept.add(page);
      await this.cover(page);
      characters += (await this.#covers.get(page))?.characters ?? 0;
    }
  }

  async #make(page: Page, parts: Element[]): Promise<Cover | null> {
    const proxy = await page.load();
    if (this.signal.aborted || page.failed) return null;
    const viewport = page.viewport(proxy);
    const highlighter = new TextHighlighter({ findController: this.#find, eventBus: this.#bus, pageIndex: page.number - 1 });
    const order = new TextAccessibilityManager();
    const put = (part: Element): void => {
      parts.push(part);
      page.element.append(part);
    };
    // All that the builder asks of a page.
    const source = { streamTextContent: (how: object) => joined(proxy.streamTextContent(how)) } as PDFPageProxy;
    const text = new TextLayerBuilder({ pdfPage: source, highlighter, accessibilityManager: order, onAppend: put });
    text.div.removeAttribute("tabindex");
    // Without text the page is still there to see.
    await text.render({ viewport } as never).catch(() => undefined);
    const characters = (highlighter.textContentItemsStr ?? []).reduce((sum, item) => sum + item.length, 0);
    const tree = new StructTreeLayerBuilder(proxy, viewport.rawDims as object);
    const cover: Cover = { text, parts, characters, annotations: null };
    const div = document.createElement("div");
    div.className = "annotationLayer";
    try {
      const annotations = await this.#allowed(proxy);
      if (this.signal.aborted) return null;
      if (annotations.length > 0) {
        put(div);
        const { lib, document: pdf } = this.pdf;
        const linkService = this.#links;
        const layer = new lib.AnnotationLayer({
          div,
          accessibilityManager: order,
          annotationCanvasMap: page.pieces,
          page: proxy,
          viewport: viewport.clone({ dontFlip: true }),
          structTreeLayer: tree,
          linkService,
          annotationStorage: pdf.annotationStorage,
        } as never);
        page.fields = annotations.some(({ annotationType }) => annotationType === lib.AnnotationType.WIDGET);
        await layer.render({
          annotations,
          imageResourcesPath: `${__PDF_DATA__}images/`,
          renderForms: true,
          enableAnnotationEditing: false,
          enableScripting: false,
          hasJSActions: false,
          fieldObjects: page.fields ? await this.#fieldObjects() : null,
        } as never);
        cover.annotations = layer;
        this.#name(div, annotations);
      }
    } catch {
      // Its text can be read without links, and its fields are drawn.
      div.remove();
      page.fields = false;
    }
    const structure = (await tree.render().catch(() => null)) as unknown as HTMLElement | null;
    if (structure) {
      const box = document.createElement("div");
      box.className = "ws-tree";
      box.append(structure);
      parts.push(box);
      text.div.before(box);
      tree.updateTextLayer();
      prune(structure);
    }
    return cover;
  }

  #fieldObjects(): Promise<Map<string, object[]> | null> {
    this.#fields ??= (this.pdf.document.getFieldObjects() as Promise<never>).catch(() => (this.#fields = null));
    return this.#fields;
  }

  /** Without what would do something else than it seems, or nothing: programs, files in files, films. */
  async #allowed(proxy: PDFPageProxy): Promise<Annotation[]> {
    const { LINK, TEXT, FILEATTACHMENT, RICHMEDIA, SCREEN, SOUND } = this.pdf.lib.AnnotationType as unknown as Record<string, number>;
    const none = [FILEATTACHMENT, RICHMEDIA, SCREEN, SOUND];
    const all = (await proxy.getAnnotations({ intent: "display" })) as Annotation[];
    return all.filter((one) => {
      if (one.annotationType === TEXT && !ICONS.has(String(one.name).toLowerCase())) one.name = "Note";
      if (one.annotationType === LINK) return this.#links.leads(one);
      return !none.includes(one.annotationType);
    });
  }

  /** A link is named after the words it lies on, a field at least after what the form calls it. */
  #name(div: HTMLElement, annotations: Annotation[]): void {
    for (const { id, overlaidText, url, fieldName } of annotations) {
      const element = div.querySelector(`[data-element-id="${CSS.escape(id)}"]`);
      if (!element || element.hasAttribute("aria-label")) continue;
      const name = overlaidText?.trim() || url || (element.hasAttribute("title") ? undefined : fieldName);
      if (name) element.setAttribute("aria-label", name);
    }
  }

  /** Copies as it is written: no ligatures, letters and accents as one. */
  #copy(event: ClipboardEvent): void {
    const target = event.target instanceof Element ? event.target : (event.target as Node | null)?.parentElement;
    if (!target?.closest(".textLayer") || !event.clipboardData) return;
    const raw = window.document.getSelection()?.toString() ?? "";
    const text = this.pdf.lib.normalizeUnicode(raw).replace(/\0/g, "").normalize("NFC");
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
    event.stopPropagation();
  }
}

class Find extends PDFFindController {
  /** In the middle: there neither the bar above nor a keyboard below covers it. */
  override scrollMatchIntoView({ element, pageIndex, matchIndex }: { element?: HTMLElement; pageIndex?: number; matchIndex?: number } = {}): void {
    const { pageIdx, matchIdx } = this.selected as { pageIdx: number; matchIdx: number };
    if (!element || pageIndex !== pageIdx || matchIndex !== matchIdx) return;
    if (!Reflect.get(this, "_scrollMatches")) return;
    Reflect.set(this, "_scrollMatches", false);
    element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
  }
}

/** Lines and areas are part of the structure, too; a table or list must not own what nobody can hear. */
function prune(structure: HTMLElement): void {
  for (const piece of structure.querySelectorAll("span[aria-owns]:not([role], [aria-label])")) {
    const ids = (piece.getAttribute("aria-owns") ?? "").split(" ");
    const silent = ids.every((id) => {
      const owned = document.getElementById(id);
      return !owned || (owned.matches(".markedContent") && !owned.textContent?.trim() && !owned.querySelector("[role=img]"));
    });
    if (silent) piece.remove();
  }
}

function idle(): Promise<void> {
  return new Promise((resolve) => {
    if ("requestIdleCallback" in window) window.requestIdleCallback(() => resolve(), { timeout: 500 });
    else setTimeout(resolve, 30);
  });
}
