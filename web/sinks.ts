// Where a download goes. Best first: straight to the file that the reader chose; a private temporary file; memory.

import type { Bytes } from "./ece.js";

export interface Sink {
  write(chunk: Bytes): Promise<void>;
  /** The finished file to hand over, or null when it is already where it belongs. */
  finish(): Promise<Blob | null>;
  /** Leaves nothing behind. */
  abort(): Promise<void>;
}

interface SavePicker {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;
}

const SMALL = 16 * 1024 * 1024;
const FOLDER = "waxseal-downloads";

/** Null when the reader closed the dialogue. Must be called from a click: the dialogue needs one. */
export async function openSink(name: string, type: string, length: number, share: boolean): Promise<Sink | null> {
  if (length <= SMALL) return new MemorySink(type);
  const picker = (window as SavePicker).showSaveFilePicker;
  if (!share && picker) {
    try {
      const handle = await picker.call(window, { suggestedName: name });
      return new FileSink(await handle.createWritable());
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return null;
    }
  }
  return (await TemporarySink.open()) ?? new MemorySink(type);
}

/** The browser writes to a swap file and puts it in place on close: no partial file under the chosen name. */
class FileSink implements Sink {
  constructor(private readonly stream: FileSystemWritableFileStream) {}

  write(chunk: Bytes): Promise<void> {
    return this.stream.write(chunk);
  }

  async finish(): Promise<null> {
    await this.stream.close();
    return null;
  }

  async abort(): Promise<void> {
    await this.stream.abort().catch(() => undefined);
  }
}

/** The origin's private file system. The file is removed when the page goes, and swept at the next visit at the latest. */
class TemporarySink implements Sink {
  private constructor(
    private readonly folder: FileSystemDirectoryHandle,
    private readonly handle: FileSystemFileHandle,
    private readonly stream: FileSystemWritableFileStream,
  ) {}

  static async open(): Promise<TemporarySink | null> {
    try {
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle(FOLDER, { create: true });
      const handle = await folder.getFileHandle(crypto.randomUUID(), { create: true });
      return new TemporarySink(folder, handle, await handle.createWritable());
    } catch {
      return null;
    }
  }

  write(chunk: Bytes): Promise<void> {
    return this.stream.write(chunk);
  }

  async finish(): Promise<Blob> {
    await this.stream.close();
    addEventListener("pagehide", () => void this.#remove(), { once: true });
    return this.handle.getFile();
  }

  async abort(): Promise<void> {
    await this.stream.abort().catch(() => undefined);
    await this.#remove();
  }

  async #remove(): Promise<void> {
    await this.folder.removeEntry(this.handle.name).catch(() => undefined);
  }
}

/** Blobs: the browser may move them out of memory, so they are folded often. */
class MemorySink implements Sink {
  #parts: Bytes[] = [];
  #pending = 0;
  #blob: Blob;

  constructor(private readonly type: string) {
    this.#blob = new Blob([], { type });
  }

  write(chunk: Bytes): Promise<void> {
    this.#parts.push(chunk);
    this.#pending += chunk.length;
    if (this.#pending > 4 * 1024 * 1024) this.#fold();
    return Promise.resolve();
  }

  finish(): Promise<Blob> {
    this.#fold();
    return Promise.resolve(this.#blob);
  }

  abort(): Promise<void> {
    this.#parts = [];
    this.#blob = new Blob([]);
    return Promise.resolve();
  }

  #fold(): void {
    this.#blob = new Blob([this.#blob, ...this.#parts], { type: this.type });
    this.#parts = [];
    this.#pending = 0;
  }
}

/** Removes what an earlier visit may have left. */
export async function sweepTemporary(): Promise<void> {
  try {
    const root = await navigator.storage.getDirectory();
    await root.removeEntry(FOLDER, { recursive: true });
  } catch {
    // Nothing there, another tab is using it, or no such file system.
  }
}
