// The page's states. The server has rendered a section for each, in the reader's language; one is shown at a time. Only
// `offline` joins `viewer` when there is something on screen already, so that a dropped connection takes nothing away.

export type State =
  | "loading"
  | "viewer"
  /** On the envelope: nothing is wrong with the key, as far as can be told. */
  | "choice"
  | "missing-key"
  | "wrong-key"
  | "damaged"
  | "offline"
  | "closed"
  | "password"
  | "choose"
  | "download"
  | "large"
  | "broken"
  | "old-browser"
  | "unsupported";

/** In these the file is there to be saved. */
const SAVABLE: ReadonlySet<State> = new Set<State>(["choose", "download", "large", "broken", "old-browser"]);

export class States {
  #state: State = "loading";

  constructor(readonly root: HTMLElement) {}

  get current(): State {
    return this.#state;
  }

  show(state: State): void {
    this.#state = state;
    this.root.dataset.state = state;
    for (const section of this.root.querySelectorAll<HTMLElement>("[data-when]")) {
      section.hidden = section.dataset.when !== state;
    }
  }

  section(state: State): HTMLElement | null {
    return this.root.querySelector<HTMLElement>(`[data-when="${state}"]`);
  }

  /** Shows the offline section until the reader asks to try again. */
  offline(): Promise<void> {
    const section = this.section("offline");
    const alone = this.#state !== "viewer" && !SAVABLE.has(this.#state);
    const loading = alone ? this.section("loading") : null;
    if (loading) loading.hidden = true;
    // Beside the letter it comes first and stays in view, however far the reader has scrolled.
    if (!alone && section) this.section(this.#state)?.before(section);
    section?.classList.toggle("ws-notice", !alone);
    if (section) section.hidden = false;
    this.root.dataset.state = "offline";
    return new Promise((resolve) => {
      const button = section?.querySelector<HTMLElement>("[data-retry]");
      button?.addEventListener("click", () => resolve(), { once: true });
    });
  }

  /** Bytes flow again: back to the state that was there before. */
  recovered(): void {
    if (this.root.dataset.state === "offline") this.show(this.#state);
  }
}

/** A progress bar with words. The words change at most once for each tenth, so that a screen reader is not flooded. */
export class Progress {
  #tenth = -1;

  constructor(
    private readonly bar: HTMLProgressElement | null,
    private readonly words: HTMLElement | null,
    private readonly template: string,
    private readonly total: number,
  ) {}

  set(done: number): void {
    const percent = this.total === 0 ? 100 : Math.min(100, Math.floor((100 * done) / this.total));
    if (this.bar) {
      this.bar.max = 100;
      this.bar.value = percent;
    }
    const tenth = Math.floor(percent / 10);
    if (this.words && tenth !== this.#tenth) {
      this.#tenth = tenth;
      this.words.textContent = fill(this.template, { percent });
    }
  }
}

/** Puts numbers into a text of the server: `Page {n} of {m}`. */
export function fill(template: string, values: Record<string, number | string>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
