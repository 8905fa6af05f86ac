// Whether the viewer for PDF is loaded by itself, or the browser's own is offered first. That one is there already, and
// shows the report without a further byte.

interface Device {
  readonly connection?: { readonly saveData?: boolean; readonly effectiveType?: string };
  readonly deviceMemory?: number;
}

/**
 * Slow means less than `3g` as browsers count it: below about 70 kbit/s the viewer takes a minute or more before the first byte of the
 * report is of use. Down to the slow end of `3g` it is there within seconds, and reads better than what phones bring.
 */
const SLOW = new Set(["slow-2g", "2g"]);

/** In GiB, as browsers round it: the viewer keeps the report, its worker and the drawn pages in memory. */
const LITTLE_MEMORY = 1;

/** `offer`: what the server read in the request (`Save-Data`). */
export function offersNative(offer: string | undefined): boolean {
  const { connection, deviceMemory } = navigator as Device;
  return (
    offer === "native" ||
    connection?.saveData === true ||
    SLOW.has(connection?.effectiveType ?? "") ||
    (deviceMemory ?? Infinity) <= LITTLE_MEMORY ||
    matchMedia("(prefers-reduced-data: reduce)").matches
  );
}

/** Whether the browser shows a PDF by itself. Those that do not say so mostly do. */
export function showsPdf(): boolean {
  return (navigator as { pdfViewerEnabled?: boolean }).pdfViewerEnabled !== false;
}

/** Bytes as a person of this language reads them. */
export function sizeInWords(bytes: number): string {
  const [value, unit, short] = bytes < 999_500 ? [bytes / 1e3, "kilobyte", "kB"] : [bytes / 1e6, "megabyte", "MB"];
  try {
    const style = { style: "unit", unit, maximumSignificantDigits: 2 } as const;
    return new Intl.NumberFormat(document.documentElement.lang, style).format(value);
  } catch {
    return `${Math.ceil(value)} ${short}`;
  }
}
