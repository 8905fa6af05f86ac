// The download in end-to-end mode: decrypts, writes to a sink, hands the file over. (Edge-opened letters have a plain link.)

import { Failure, isAbort } from "./failure.js";
import type { Letter } from "./letter.js";
import { openSink, type Sink } from "./sinks.js";
import type { Source } from "./source.js";
import { Progress } from "./states.js";

/** Programs that show the web inside themselves and mostly ignore downloads of pages' own making. */
const IN_APP = /\b(FBAN|FBAV|FB_IAB|Instagram|Line\/|MicroMessenger|WhatsApp|LinkedInApp|Snapchat|Pinterest|Twitter|GSA|Teams)\b|; wv\)/;

export function downloadsWork(): boolean {
  if (!("download" in HTMLAnchorElement.prototype)) return false;
  const agent = navigator.userAgent;
  // Web views of iOS leave out the word that Safari and the browsers built on it carry.
  const iosWebView = /\b(iPhone|iPad|iPod)\b/.test(agent) && !/\bSafari\//.test(agent);
  return !IN_APP.test(agent) && !iosWebView;
}

export class Downloads {
  #running: AbortController | null = null;

  constructor(
    private readonly panel: HTMLElement | null,
    private readonly letter: Letter,
    private readonly failed: (error: unknown) => void,
  ) {
    this.#part("[data-download-cancel]")?.addEventListener("click", () => this.stop());
  }

  stop(): void {
    this.#running?.abort();
  }

  /** Call from a click. One download at a time. */
  async start(source: Source): Promise<void> {
    if (this.#running !== null) return;
    const running = new AbortController();
    this.#running = running;
    const direct = downloadsWork();
    let sink: Sink | null = null;
    try {
      sink = await openSink(this.letter.fileName, this.letter.mediaType, this.letter.length, !direct);
      if (sink === null) return;
      this.#open();
      const blob = await this.#copy(source, sink, running.signal);
      sink = null;
      if (blob === null) this.#say("done");
      else if (direct) this.#hand(blob);
      else this.#offerShare(blob);
    } catch (error) {
      await sink?.abort();
      if (running.signal.aborted && isAbort(error)) {
        if (this.panel) this.panel.hidden = true;
        return;
      }
      this.#say("failed");
      // A full disk and the like say nothing about the letter.
      if (error instanceof Failure) this.failed(error);
    } finally {
      this.#running = null;
      this.#busy(false);
    }
  }

  async #copy(source: Source, sink: Sink, signal: AbortSignal): Promise<Blob | null> {
    const bar = this.panel?.querySelector<HTMLProgressElement>("[data-download-bar]") ?? null;
    const words = this.#part("[data-download-status]");
    const progress = new Progress(bar, words, this.panel?.dataset.textProgress ?? "", this.letter.length);
    progress.set(0);
    let written = 0;
    for await (const chunk of source.stream(signal)) {
      await sink.write(chunk);
      written += chunk.length;
      progress.set(written);
    }
    return sink.finish();
  }

  #hand(blob: Blob): void {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = this.letter.fileName;
    link.hidden = true;
    document.body.append(link);
    link.click();
    link.remove();
    // The browser reads the address after the click; it goes with the page at the latest.
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    this.#say("done");
  }

  #offerShare(blob: Blob): void {
    const file = new File([blob], this.letter.fileName, { type: this.letter.mediaType });
    const button = this.#part("[data-share]");
    if (!button || !navigator.canShare?.({ files: [file] })) {
      this.#say("unsupported");
      return;
    }
    // Sharing needs a click of its own: the one that started the download is long used up.
    button.hidden = false;
    this.#say("ready");
    button.onclick = (): void => {
      navigator.share({ files: [file] }).then(
        () => this.#say("done"),
        (error: unknown) => {
          if (!isAbort(error)) this.#say("unsupported");
        },
      );
    };
    button.focus();
  }

  #open(): void {
    if (!this.panel) return;
    this.panel.hidden = false;
    const share = this.#part("[data-share]");
    if (share) share.hidden = true;
    this.#busy(true);
  }

  #busy(busy: boolean): void {
    for (const selector of ["[data-download-bar]", "[data-download-cancel]"]) {
      const part = this.#part(selector);
      if (part) part.hidden = !busy;
    }
  }

  #say(what: "done" | "failed" | "unsupported" | "ready"): void {
    const data = this.panel?.dataset;
    const text = { done: data?.textDone, failed: data?.textFailed, unsupported: data?.textUnsupported, ready: data?.textReady };
    const words = this.#part("[data-download-status]");
    if (words) words.textContent = text[what] ?? "";
  }

  #part(selector: string): HTMLElement | null {
    return this.panel?.querySelector<HTMLElement>(selector) ?? null;
  }
}
