// The letter page. Finds the key, opens the letter, shows it, and says in words what went wrong when something did.

import { withKey } from "./ask-key.js";
import { Failure, isAbort } from "./failure.js";
import { Downloads, downloadsWork } from "./download.js";
import { encodingOf, kindOf, readLetter, type Kind, type Letter } from "./letter.js";
import { Arrival, type Expected } from "./arrival.js";
import { askPassword } from "./ask-password.js";
import { Patience } from "./patience.js";
import { FILES, isHere, loadPdfLib, openPdf, STREAM_LIMIT, VIEW_LIMIT, type OpenPdf, type PdfLib } from "./pdf/open.js";
import { Toolbar } from "./pdf/toolbar.js";
import { PdfView } from "./pdf/view.js";
import { collected, IMAGE_LIMIT, showImage, showText, TEXT_LIMIT } from "./show.js";
import { sweepTemporary } from "./sinks.js";
import { OpenSource, SealedSource, type Source } from "./source.js";
import { offersNative, showsPdf, sizeInWords } from "./sparing.js";
import { fill, States } from "./states.js";
import { applyStyle } from "./style.js";

/** What the viewer for PDF has to load, compressed. */
declare const __PDF_BYTES__: number;
/** Set by the build. */
declare const __PRINT__: string;

class Viewer {
  readonly #states: States;
  readonly #letter: Letter;
  readonly #patience: Patience;
  readonly #box: HTMLElement;
  readonly #withLayers: boolean;
  readonly #downloads: Downloads;
  /** Ends everything that reads, at the first failure that is final. */
  readonly #life = new AbortController();
  #source: Source | null = null;
  #opening: Promise<Source> | null = null;
  /** The reader has asked for the file, and the letter is being opened for that: once at a time. */
  #unlocking = false;
  #pdf: OpenPdf | null = null;
  #view: PdfView | null = null;

  constructor(root: HTMLElement, states: States) {
    this.#states = states;
    this.#letter = readLetter(root);
    this.#patience = new Patience({
      offline: () => this.#states.offline(),
      recovered: () => this.#states.recovered(),
    });
    this.#box = root.querySelector<HTMLElement>("[data-pages]") ?? root;
    this.#withLayers = applyStyle();
    const panel = root.querySelector<HTMLElement>("[data-download-panel]");
    this.#downloads = new Downloads(panel, this.#letter, (error) => this.#fail(error));
    if (this.#letter.mode === "end-to-end") {
      for (const button of root.querySelectorAll("[data-download]")) {
        button.addEventListener("click", () => {
          if (button.getAttribute("aria-disabled") !== "true") void this.#download();
        });
      }
    }
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") void this.#stillOpen();
    });
    // Back from the page after a withdrawal: the browser may have kept this one with the letter on it.
    addEventListener("pageshow", (event) => {
      if (event.persisted) void this.#stillOpen();
    });
  }

  async run(): Promise<void> {
    this.#states.show("loading");
    if (this.#letter.mode === "end-to-end" && !("subtle" in crypto)) return this.#states.show("unsupported");
    void sweepTemporary();
    try {
      const kind = shownAs(this.#letter);
      if (kind === "pdf" && offersNative(this.#states.root.dataset.offer)) await this.#chosen();
      const arrival = this.#expect(kind);
      // PDF.js loads while the first bytes of the letter do.
      const lib = kind === "pdf" ? this.#loadPdfLib(arrival) : null;
      lib?.catch(() => undefined);
      await this.#show(kind, await this.#begin(kind), lib, arrival);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Offers the browser's own viewer, and waits until the reader wants ours. */
  async #chosen(): Promise<void> {
    const section = this.#states.section("choose");
    if (section === null) return;
    const size = section.querySelector<HTMLElement>("[data-here-size]");
    if (size) size.textContent = fill(size.dataset.text ?? "", { size: sizeInWords(__PDF_BYTES__) });
    section.querySelector("[data-open]")?.addEventListener("click", () => void this.#openNatively());
    this.#savable(true);
    this.#states.show("choose");
    await new Promise<void>((resolve) => {
      section.querySelector("[data-here]")?.addEventListener("click", () => resolve(), { once: true });
    });
  }

  /** End-to-end: unlocked here, shown by the browser. The address of the file is this tab's own. */
  async #openNatively(): Promise<void> {
    if (this.#unlocking) return;
    this.#unlocking = true;
    try {
      const source = await this.#begin("pdf");
      this.#states.show("choose");
      if (!showsPdf()) return await this.#downloads.start(source);
      this.#states.show("loading");
      const arrival = this.#expect("other");
      const parts = await collected(source, (bytes) => arrival.set("report", bytes), this.#life.signal);
      location.assign(URL.createObjectURL(new Blob(parts, { type: "application/pdf" })));
      this.#states.show("choose");
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#unlocking = false;
    }
  }

  async #download(): Promise<void> {
    if (this.#unlocking) return;
    this.#unlocking = true;
    try {
      const choosing = this.#source === null;
      const source = await this.#begin("other");
      if (choosing) this.#states.show("choose");
      this.#unlocking = false;
      await this.#downloads.start(source);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#unlocking = false;
    }
  }

  /** The letter's source, opened once. */
  #begin(kind: Shown): Promise<Source> {
    return (this.#opening ??= this.#open(kind).then((source) => {
      this.#source = source;
      this.#savable(true);
      return source;
    }));
  }

  /** Whether there is something to be saved yet, or still: said where the button stands all the time. */
  #savable(yes: boolean): void {
    for (const button of this.#states.root.querySelectorAll("[data-download][aria-disabled]")) {
      button.setAttribute("aria-disabled", String(!yes));
    }
  }

  async #open(kind: Shown): Promise<Source> {
    const { layout } = this.#letter;
    // Read in order from the first byte, or only where it is needed.
    const whole = kind === "image" || kind === "text" || (kind === "pdf" && this.#letter.length <= STREAM_LIMIT);
    if (layout === null) {
      const source = new OpenSource(this.#letter, this.#patience);
      // Where PDF.js is still to come, it comes first: it has to be read while the report comes.
      if (kind === "pdf" && whole && isHere()) source.begin(this.#life.signal);
      return source;
    }
    return withKey(this.#states, (key) => {
      this.#states.show("loading");
      return SealedSource.begin(this.#letter, layout, key.bytes, this.#patience, whole, this.#life.signal);
    });
  }

  async #show(kind: Shown, source: Source, lib: Promise<PdfLib> | null, arrival: Arrival): Promise<void> {
    const seen = (bytes: number): void => arrival.set("report", bytes);
    this.#box.setAttribute("aria-busy", "true");
    switch (kind) {
      case "pdf":
        this.#states.show("loading");
        await this.#showPdf(await (lib ?? this.#loadPdfLib(arrival)), source, seen);
        break;
      case "image":
        this.#states.show("loading");
        await showImage(this.#letter, source, this.#box, seen, this.#life.signal);
        this.#states.show("viewer");
        break;
      case "text":
        this.#states.show("viewer");
        await showText(this.#letter, source, this.#box, seen, this.#life.signal);
        break;
      case "large":
        this.#states.show("large");
        break;
      case "other":
        this.#states.show("download");
        break;
    }
    // A streamed PDF is complete later: see `whole` below.
    if (kind === "pdf") return;
    this.#box.setAttribute("aria-busy", "false");
    if (kind === "image" || kind === "text") void offerPrint(this.#states.root, this.#box, this.#life.signal);
  }

  /** The bar of what has to come until something shows. */
  #expect(kind: Shown): Arrival {
    const report = this.#letter.length;
    // Of a long one only what the first page needs; nobody knows how much that is.
    const pdf: Expected = { ...FILES, report: report > STREAM_LIMIT ? Infinity : report };
    const loading = this.#states.section("loading");
    const words = loading?.querySelector<HTMLElement>("[data-arriving]") ?? null;
    return new Arrival(loading?.querySelector("progress") ?? null, words, kind === "pdf" ? pdf : { report });
  }

  async #showPdf(lib: PdfLib, source: Source, seen: (bytes: number) => void): Promise<void> {
    let whole = false;
    let arrived: () => void;
    const here = new Promise<void>((resolve) => (arrived = resolve));
    const events = {
      progress: seen,
      whole: (): void => {
        whole = true;
        this.#box.setAttribute("aria-busy", "false");
        if (source.length > STREAM_LIMIT) return;
        this.#view?.whole();
        arrived();
      },
      failed: (error: unknown): void => this.#fail(error),
      password: async (again: boolean): Promise<string> => {
        const password = await askPassword(this.#states, again);
        this.#states.show("loading");
        return password;
      },
    };
    const pdf = await openPdf(lib, source, events, this.#life.signal);
    if (this.#life.signal.aborted) return void pdf.close();
    this.#pdf = pdf;
    const { root } = this.#states;
    const toolbar = new Toolbar(root);
    const view = new PdfView(pdf, root, this.#box, this.#withLayers, toolbar);
    this.#view = view;
    toolbar.attach(view);
    // Laid out, so that the first page can be drawn, but the bar stays until it is.
    const section = this.#states.section("viewer");
    section?.classList.add("ws-unseen");
    if (section) section.hidden = false;
    await view.start().catch(() => {
      throw new Failure("broken", "the document has no first page");
    });
    if (source.length > STREAM_LIMIT) events.whole();
    else if (whole) view.whole();
    await view.drawn;
    if (this.#life.signal.aborted) return;
    section?.classList.remove("ws-unseen");
    this.#states.show("viewer");
    void offerPrint(root, this.#box, this.#life.signal, { document: pdf.document, here });
  }

  /** The letter may have been cancelled or withdrawn while nobody looked. */
  async #stillOpen(): Promise<void> {
    if (this.#source === null || this.#life.signal.aborted) return;
    try {
      await this.#source.check(this.#life.signal);
    } catch (error) {
      if (error instanceof Failure && error.kind === "closed") this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#life.signal.aborted) return;
    if (isAbort(error)) return;
    const kind = error instanceof Failure ? error.kind : "unviewable";
    this.#life.abort();
    this.#view?.close();
    this.#view = null;
    void this.#pdf?.close();
    this.#pdf = null;
    this.#box.replaceChildren();
    if (kind === "outdated" && !loadedAnew()) return location.reload();
    if (kind === "unviewable" || kind === "outdated" || kind === "large" || kind === "broken" || kind === "old-browser") {
      // Whole and genuine, so the reader can still have it.
      this.#states.show(kind === "unviewable" || kind === "outdated" ? "download" : kind);
      return;
    }
    this.#downloads.stop();
    this.#source = null;
    this.#savable(false);
    if (kind === "offline") void this.#states.offline().then(() => location.reload());
    else this.#states.show(kind === "wrong-key" ? "damaged" : kind);
  }

  #loadPdfLib(arrival: Arrival): Promise<PdfLib> {
    return loadPdfLib(this.#patience, this.#life.signal, (file, bytes) => arrival.set(file, bytes));
  }
}

/** Once is enough. */
function loadedAnew(): boolean {
  return (performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming | undefined)?.type !== "navigate";
}

type Print = typeof import("./print.js");

/** Comes after what is to be read. Without it all is there but Print; programs that show the web inside themselves have no printer. */
async function offerPrint(...what: Parameters<Print["offer"]>): Promise<void> {
  if (typeof window.print !== "function" || !downloadsWork()) return;
  try {
    const print = (await import(__PRINT__)) as Print;
    await print.offer(...what);
  } catch {
    // The file can be printed.
  }
}

type Shown = Kind | "large";

/** What is too large to be shown is a download, and so is a text that nobody here can decode. */
function shownAs(letter: Letter): Shown {
  const kind = kindOf(letter.mediaType);
  if (kind === "text" && encodingOf(letter.mediaType) === null) return "other";
  const limits: Record<Kind, number> = { pdf: VIEW_LIMIT, image: IMAGE_LIMIT, text: TEXT_LIMIT, other: Infinity };
  return letter.length > limits[kind] ? "large" : kind;
}

const root = document.getElementById("letter");
if (root) {
  const states = new States(root);
  try {
    void new Viewer(root, states).run();
  } catch {
    states.show("damaged");
  }
}
