// PDFs compared page by page: how many pages, how large, what is on them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const PDFJS = dirname(createRequire(import.meta.url).resolve("pdfjs-dist/package.json"));
const ORIGIN = "http://pictures.test";
/** Side of a tile, in points: as fine as is looked. */
const TILE = 8;
/** How much the mean grey of a tile may differ, of 255: what another raster of the same page makes. */
const TOLERANCE = 48;
/** How many tiles in a thousand may differ more: thin lines that fell on the other side of a tile's edge. */
const OUTLIERS = 2;

const readers = new WeakMap();

/** A page of this browser that has PDF.js, for all that is to be read. */
function readerOf(browser) {
  if (!readers.has(browser)) readers.set(browser, openReader(browser));
  return readers.get(browser);
}

async function openReader(browser) {
  const page = await browser.newPage();
  await page.route(`${ORIGIN}/**`, (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === "/") return route.fulfill({ contentType: "text/html", body: "<!doctype html>" });
    const types = { mjs: "text/javascript", js: "text/javascript" };
    return route.fulfill({ contentType: types[pathname.split(".").pop()] ?? "application/octet-stream", body: readFileSync(join(PDFJS, pathname)) });
  });
  await page.goto(`${ORIGIN}/`);
  await page.evaluate(async () => {
    const lib = (window.lib = await import(`${location.origin}/build/pdf.mjs`));
    lib.GlobalWorkerOptions.workerSrc = "/build/pdf.worker.mjs";
    window.worker = new lib.PDFWorker();
  });
  return page;
}

/** The pages of a PDF: `{ width, height, columns, tiles }` in points and mean greys; `text`. Without `drawn`, the text alone. */
export async function pagesOf(browser, bytes, { drawn = true } = {}) {
  const reader = await readerOf(browser);
  return reader.evaluate(read, { data: Buffer.from(bytes).toString("base64"), tile: TILE, drawn });
}

// Runs in the page.
async function read({ data, tile, drawn }) {
  const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
  const task = window.lib.getDocument({ data: bytes, worker: window.worker, standardFontDataUrl: "/standard_fonts/", cMapUrl: "/cmaps/", wasmUrl: "/wasm/" });
  const pdf = await task.promise;
  const pages = [];
  for (let n = 1; n <= pdf.numPages; n += 1) {
    const page = await pdf.getPage(n);
    const { items } = await page.getTextContent();
    const text = items.map((item) => item.str).join(" ");
    pages.push({ text, ...(drawn && (await greys(page))) });
  }
  await task.destroy();
  return pages;

  async function greys(page) {
    const { width, height } = page.getViewport({ scale: 1 });
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [Math.round(width), Math.round(height)];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    await page.render({ canvas, viewport: page.getViewport({ scale: canvas.width / width }), intent: "print" }).promise;
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    const columns = Math.ceil(canvas.width / tile);
    const sums = new Array(columns * Math.ceil(canvas.height / tile)).fill(0);
    const counts = sums.slice();
    for (let y = 0; y < canvas.height; y += 1) {
      for (let x = 0; x < canvas.width; x += 1) {
        const at = 4 * (y * canvas.width + x);
        const index = Math.floor(y / tile) * columns + Math.floor(x / tile);
        sums[index] += (pixels[at] + pixels[at + 1] + pixels[at + 2]) / 3;
        counts[index] += 1;
      }
    }
    return { width, height, columns, tiles: sums.map((sum, index) => sum / counts[index]) };
  }
}

/** `printed` is `wanted`, page by page. */
export function assertSamePages(printed, wanted) {
  assert.equal(printed.length, wanted.length, "as many sheets as pages");
  for (const [index, page] of wanted.entries()) assertSamePage(printed[index], page, `page ${index + 1}`);
}

export function assertSamePage(printed, wanted, name) {
  for (const side of ["width", "height"]) {
    assert.ok(Math.abs(printed[side] - wanted[side]) < 1, `${name}: ${side} ${printed[side]}, not ${wanted[side]}`);
  }
  const other = differing(printed, wanted);
  assert.ok(other <= OUTLIERS, `${name}: ${other} tiles in a thousand differ`);
}

/** How many tiles in a thousand differ. */
export function differing(printed, wanted) {
  const rows = wanted.tiles.length / wanted.columns;
  let other = 0;
  for (let index = 0; index < wanted.tiles.length; index += 1) {
    const row = Math.floor(index / wanted.columns);
    const tile = row < rows - 1 ? printed.tiles[row * printed.columns + (index % wanted.columns)] : wanted.tiles[index];
    if (!(Math.abs((tile ?? 0) - wanted.tiles[index]) <= TOLERANCE)) other += 1;
  }
  return (1000 * other) / wanted.tiles.length;
}
