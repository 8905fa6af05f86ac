// What to do when the network fails: try again a few times by ourselves, then ask the reader.

const DELAYS_MS = [400, 1200, 3000];

export interface PatienceView {
  /** Show that nothing comes through; the promise resolves when the reader asks to try again. */
  offline(): Promise<void>;
  /** Bytes flow again. */
  recovered(): void;
}

export class Patience {
  #asking: Promise<void> | null = null;

  constructor(private readonly view: PatienceView) {}

  /** Waits before the attempt that follows `failures` failures in a row. */
  async pause(failures: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const delay = DELAYS_MS[failures - 1];
    if (delay !== undefined && navigator.onLine) {
      await either(signal, (done) => {
        const timer = setTimeout(done, delay);
        return () => clearTimeout(timer);
      });
      return;
    }
    // Several requests may fail at once; the reader is asked once.
    const asking = (this.#asking ??= this.view.offline());
    await either(signal, (done) => {
      void asking.then(done);
      addEventListener("online", done);
      return () => removeEventListener("online", done);
    });
    this.#asking = null;
  }

  recovered(): void {
    this.view.recovered();
  }
}

function either(signal: AbortSignal, start: (done: () => void) => () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      stop();
      reject(new DOMException("stopped", "AbortError"));
    };
    const stop = start(() => {
      stop();
      signal.removeEventListener("abort", abort);
      resolve();
    });
    signal.addEventListener("abort", abort, { once: true });
  });
}
