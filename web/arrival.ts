// What is on its way to the reader, as a bar with words.

/** What has to come until something shows, by its part, and how many bytes of it. */
export type Expected = Readonly<Record<string, number>>;

/**
 * A bar of all that has to come. It never goes back, and is never full: what it is for shows then. The words say what is coming, in the
 * order of `expected`; they change with that only, so that a screen reader is not flooded.
 */
export class Arrival {
  readonly #here = new Map<string, number>();
  #percent = 0;

  constructor(
    private readonly bar: HTMLProgressElement | null,
    private readonly words: HTMLElement | null,
    private readonly expected: Expected,
  ) {
    this.#tell();
  }

  set(part: string, bytes: number): void {
    const size = this.expected[part] ?? 0;
    // Of what nobody knows how much it is, some has come or none.
    this.#here.set(part, size < Infinity ? Math.min(bytes, size) : 0);
    this.#tell();
  }

  #tell(): void {
    const parts = Object.entries(this.expected);
    const all = parts.reduce((sum, [, size]) => sum + (size < Infinity ? size : 0), 0);
    const here = [...this.#here.values()].reduce((sum, bytes) => sum + bytes, 0);
    this.#percent = Math.max(this.#percent, Math.min(99, Math.floor((100 * here) / (all || 1))));
    const [coming, size] = parts.find(([part, whole]) => (this.#here.get(part) ?? 0) < whole) ?? ["drawing", 0];
    if (size === Infinity) this.bar?.removeAttribute("value");
    else if (this.bar) this.bar.value = this.#percent;
    const said = this.words?.getAttribute(`data-${coming}`) ?? "";
    if (this.words && this.words.textContent !== said) this.words.textContent = said;
  }
}
