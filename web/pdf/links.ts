// Links in a PDF. Those that stay in the document jump and leave the address alone: its end may be the key. Those that leave it
// are shown before they are followed. All others are no links.

import { PDFLinkService, type EventBus } from "pdfjs-layers";
import { fill } from "../states.js";
import type { PdfView } from "./view.js";

const OUTWARD = new Set(["http:", "https:", "mailto:", "tel:"]);
const WEB = new Set(["http:", "https:"]);
const REL = "noopener noreferrer nofollow";
/** Where in the document PDF.js's own actions lead. */
const ACTIONS = new Set(["NextPage", "PrevPage", "FirstPage", "LastPage"]);

interface Place {
  pageNumber: number;
  destArray?: [unknown, { name: string }, ...(number | null)[]];
}

export class Links extends PDFLinkService {
  constructor(
    bus: EventBus,
    private readonly view: PdfView,
    signal: AbortSignal,
  ) {
    super({ eventBus: bus });
    const links = this;
    this.setViewer({
      get currentPageNumber(): number {
        return view.current;
      },
      // Search asks for it at every step; where the page's text lies already, the place itself comes into view.
      set currentPageNumber(number: number) {
        if (!view.pages[number - 1]?.element.querySelector(".textLayer")) view.goTo(number);
      },
      pagesRotation: 0,
      isInPresentationMode: false,
      nextPage: () => view.jump(view.current + 1),
      previousPage: () => view.jump(view.current - 1),
      scrollPageIntoView: (place: Place) => void links.#go(place),
    } as never);
    const dialog = view.root.querySelector<HTMLDialogElement>("[data-leaving]");
    if (dialog) new Leaving(dialog, view.root, signal);
  }

  /** Whether this annotation is a link that may be one. */
  leads({ url, dest, action, resetForm }: { url?: string; dest?: unknown; action?: unknown; resetForm?: unknown }): boolean {
    if (url) return outward(url) !== null;
    return Boolean(dest) || Boolean(resetForm) || ACTIONS.has(String(action));
  }

  override addLinkAttributes(link: HTMLAnchorElement, url: string): void {
    const address = outward(url);
    if (!address) return;
    // Not `href`: the browser's menu, a long press and dragging would go around the question.
    link.dataset.leaves = address.href;
    link.setAttribute("role", "link");
    link.tabIndex = 0;
    link.title = address.href;
  }

  /** A link that stays is this very page to whoever opens it elsewhere. */
  override getDestinationHash(): string {
    return location.href;
  }

  override getAnchorUrl(): string {
    return location.href;
  }

  override setHash(): void {}

  override executeSetOCGState(): Promise<void> {
    return Promise.resolve();
  }

  override executeNamedAction(action: string): void {
    if (action === "FirstPage") this.view.jump(1);
    else if (action === "LastPage") this.view.jump(this.view.pages.length);
    else super.executeNamedAction(action);
  }

  async #go({ pageNumber, destArray }: Place): Promise<void> {
    const page = this.view.pages[pageNumber - 1];
    if (!page) return;
    const viewport = page.viewport(await page.load());
    // Which of its numbers are the left and the upper edge depends on the kind; a missing one means: as it is.
    const [, kind, ...at] = destArray ?? [];
    const top = kind?.name === "XYZ" ? at[1] : kind?.name === "FitR" ? at[3] : kind?.name === "FitH" || kind?.name === "FitBH" ? at[0] : null;
    const down = typeof top === "number" ? (viewport.convertToViewportPoint(0, top)[1] as number) : 0;
    this.view.jump(pageNumber, Math.max(0, Math.min(down, page.element.offsetHeight)));
  }
}

/** The address, when it leads to where a link may lead. Whatever is not plain in it is spelled out by the parser. */
function outward(url: string): URL | null {
  try {
    const address = new URL(url);
    return OUTWARD.has(address.protocol) ? address : null;
  } catch {
    return null;
  }
}

/** The question before a link is followed. */
class Leaving {
  readonly #open: HTMLAnchorElement | null;

  constructor(
    private readonly dialog: HTMLDialogElement,
    root: HTMLElement,
    signal: AbortSignal,
  ) {
    this.#open = dialog.querySelector<HTMLAnchorElement>("[data-leaving-open]");
    const ask = (event: MouseEvent | KeyboardEvent): void => {
      const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[data-leaves]") : null;
      // The second button only shows the browser's menu.
      if (!link || ("button" in event && event.button === 2)) return;
      event.preventDefault();
      this.#ask(link);
    };
    root.addEventListener("click", ask, { signal });
    root.addEventListener("auxclick", ask, { signal });
    root.addEventListener("keydown", (event) => event.key === "Enter" && !event.repeat && ask(event), { signal });
    const close = (): void => dialog.close();
    this.#open?.addEventListener("click", close, { signal });
    dialog.querySelector("[data-leaving-stay]")?.addEventListener("click", close, { signal });
    signal.addEventListener("abort", () => this.#forget(), { once: true });
  }

  #ask(link: HTMLAnchorElement): void {
    const address = outward(link.dataset.leaves ?? "");
    if (!address || !this.#open) return;
    const { href } = address;
    const web = WEB.has(address.protocol);
    const place = web ? address.host : address.pathname;
    // What stands before an @ is a name for the host behind it.
    const begin = web ? href.indexOf("//") + 2 : href.indexOf(":") + 1;
    const at = web ? Math.max(begin, href.lastIndexOf("@", href.indexOf("/", begin)) + 1) : begin;
    this.#say("[data-leaving-place]", place);
    const full = this.dialog.querySelector("[data-leaving-address]");
    const strong = document.createElement("b");
    strong.textContent = place;
    full?.replaceChildren(href.slice(0, at), strong, href.slice(at + place.length));
    const shown = link.getAttribute("aria-label") ?? "";
    const differs = this.dialog.querySelector<HTMLElement>("[data-leaving-differs]");
    if (differs) {
      differs.hidden = !pretends(shown, address);
      differs.textContent = fill(differs.dataset.text ?? "", { shown });
    }
    this.#open.href = href;
    this.#open.rel = REL;
    this.#open.target = web ? "_blank" : "";
    this.dialog.showModal();
  }

  /** Nothing of the letter stays in the page. */
  #forget(): void {
    this.dialog.close();
    for (const part of ["place", "address", "differs"]) this.#say(`[data-leaving-${part}]`, "");
    this.#open?.removeAttribute("href");
  }

  #say(selector: string, text: string): void {
    const element = this.dialog.querySelector(selector);
    if (element) element.textContent = text;
  }
}

/** Whether the words of a link look like another address than the one it leads to. */
function pretends(shown: string, address: URL): boolean {
  const named = /^(?:[a-z]+:(?:\/\/)?)?(?:[^\s/@]*@)?((?:[\p{L}\p{N}-]+\.)+\p{L}{2,})(?:[/:?#]|$)/iu.exec(shown.trim())?.[1];
  if (!named) return false;
  const plain = (host: string): string => (outward(`https://${host}`)?.hostname ?? host).toLowerCase().replace(/^www\./, "");
  return hosts(address).some((host) => plain(host) !== plain(named));
}

/** Where an address leads to: one host, those of all who get the mail, or (a number) none that has a name. */
function hosts(address: URL): string[] {
  if (WEB.has(address.protocol)) return [address.hostname];
  if (address.protocol !== "mailto:") return [""];
  const copies = ["to", "cc", "bcc"].flatMap((name) => address.searchParams.getAll(name));
  return [address.pathname, ...copies].flatMap((all) => all.split(",")).map((one) => decoded(one).split("@").pop()?.trim() ?? "");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
