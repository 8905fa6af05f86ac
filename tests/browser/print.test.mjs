// What comes out of the printer: the report, page by page, and nothing else. The viewer alone; the real pages are in lib/paper.mjs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { inState, openPage, SIZES } from "./harness/browser.mjs";
import { line, makePdf, pdfOf } from "./harness/pdf.mjs";
import { browser, PDF, site } from "./harness/stage.mjs";
import { assertSamePages, pagesOf } from "./lib/printed.mjs";
import { words } from "./lib/words.mjs";

const en = words.en.letter;

const REPORT = readFileSync(new URL("../../examples/report/inspection-report.pdf", import.meta.url));
/** Portrait and landscape, A4 and Letter and something else, one after the other. */
const MIXED = bytesOf(makePdf({ pages: 6, sizes: [[595.28, 841.89], [841.89, 595.28], [612, 792], [792, 612], [419.5, 595.3], [841.89, 595.28]] }));
const DEVICES = {
  phone: { size: SIZES.phone, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
  desktop: { size: SIZES.desktop },
};

const wanted = new Map();
before(async () => {
  for (const [name, bytes] of [["the sample report", REPORT], ["mixed sizes", MIXED]]) wanted.set(name, { bytes, pages: await pagesOf(browser, bytes) });
});
function bytesOf(plain) {
  return plain.read(0, plain.length);
}

const without = (text) => text.replaceAll(/\s+/g, "");
const says = (sheet, text) => without(sheet.text).includes(without(text));

/** A reader whose printer counts, and whose pictures are counted and, where `held`, wait. */
async function reader(letter, device = "desktop", { held = false, state = "viewer" } = {}) {
  const visit = await openPage(browser, { ...DEVICES[device], before: counts });
  await visit.page.goto(letter.link);
  await inState(visit.page, state);
  if (held) await visit.page.evaluate(() => window.hold());
  const printed = async (options) => pagesOf(browser, await visit.page.pdf({ preferCSSPageSize: true, ...options }));
  const offered = () => visit.page.waitForSelector("[data-print]:visible");
  const calls = (count) => visit.page.waitForFunction((n) => window.calls === n, count);
  const pictures = (count) => visit.page.waitForFunction((n) => window.pictures === n, count);
  return { ...visit, printed, offered, calls, pictures };
}

// Runs in the page before anything else.
function counts() {
  Object.assign(window, { calls: 0, pictures: 0, most: 0, asked: 0, live: new Set() });
  window.print = () => (window.calls += 1);
  let held = Promise.resolve();
  window.hold = () => {
    held = new Promise((resolve) => (window.release = resolve));
  };
  const { toBlob } = HTMLCanvasElement.prototype;
  HTMLCanvasElement.prototype.toBlob = function (...all) {
    window.asked += 1;
    held.then(() => toBlob.apply(this, all));
  };
  const { decode } = HTMLImageElement.prototype;
  HTMLImageElement.prototype.decode = async function () {
    await decode.call(this);
    window.pictures += 1;
  };
  const { createObjectURL, revokeObjectURL } = URL;
  URL.createObjectURL = (blob) => {
    const url = createObjectURL.call(URL, blob);
    window.live.add(url);
    return url;
  };
  URL.revokeObjectURL = (url) => {
    window.live.delete(url);
    revokeObjectURL.call(URL, url);
  };
  const canvases = [];
  const { createElement } = Document.prototype;
  Document.prototype.createElement = function (name, ...rest) {
    const element = createElement.call(this, name, ...rest);
    if (name === "canvas") canvases.push(new WeakRef(element));
    const pixels = canvases.reduce((sum, ref) => sum + (ref.deref()?.width ?? 0) * (ref.deref()?.height ?? 0), 0);
    window.most = Math.max(window.most, pixels);
    return element;
  };
}

describe("the report", { concurrency: 2 }, () => {
  // Each of two with each of the others' two.
  for (const [mode, device, name] of [
    ["end-to-end", "phone", "the sample report"],
    ["end-to-end", "desktop", "mixed sizes"],
    ["edge-opened", "phone", "mixed sizes"],
    ["edge-opened", "desktop", "the sample report"],
  ]) {
    test(`${mode}, ${device}, ${name}: Print prints it page by page, each on a sheet of its size`, async () => {
      const { bytes, pages } = wanted.get(name);
      const { page, faults, printed, offered, calls, close } = await reader(site.add({ ...PDF, mode, plain: bytes }), device);
      await offered();
      await page.click("[data-print]");
      await calls(1);
      assert.ok(!(await page.isVisible("[data-print-panel]")), "the progress is gone");
      assertSamePages(await printed(), pages);
      if (mode === "end-to-end") assertSamePages(await printed(), pages); // and once more
      assert.equal(await page.evaluate(() => window.calls), 1);
      assert.deepEqual(faults, []);
      await close();
    });
  }

  test("the browser's own menu prints it too, once the pictures were made in idle time", async () => {
    const { bytes, pages } = wanted.get("the sample report");
    const { page, faults, printed, offered, pictures, close } = await reader(site.add({ ...PDF, plain: bytes }));
    await offered();
    await pictures(5);
    assertSamePages(await printed(), pages);
    assert.equal(await page.evaluate(pressedP), false, "the browser's own key is left to it");
    assert.equal(await page.evaluate(() => window.calls), 0);
    assert.deepEqual(faults, []);
    await close();
  });

  test("Ctrl+P before that makes the pictures first and prints once, however often it is pressed", async () => {
    const { bytes, pages } = wanted.get("the sample report");
    const { page, printed, offered, calls, close } = await reader(site.add({ ...PDF, plain: bytes }), "phone", { held: true });
    await offered();
    assert.equal(await page.evaluate(pressedP), true);
    assert.equal(await page.evaluate(pressedP), true);
    await page.waitForSelector("[data-print-cancel]:visible");
    assert.equal(await page.textContent("[data-print-status]"), "Preparing page 1 of 5");
    await page.evaluate(() => window.release());
    await calls(1);
    assertSamePages(await printed(), pages);
    assert.equal(await page.evaluate(() => window.calls), 1);
    await close();
  });

  test("the menu before that prints what is there and says where the rest is; no sheet is blank", async () => {
    const { pages } = wanted.get("the sample report");
    const { page, printed, offered, close } = await reader(site.add({ ...PDF, plain: REPORT }), "phone");
    await offered();
    await page.waitForSelector('.ws-page[data-page="1"][data-rendered]');
    await page.waitForSelector('[data-pages][aria-busy="false"]');
    await page.evaluate(() => new Promise((resolve) => requestIdleCallback(resolve)));
    assert.equal(await page.evaluate(() => window.asked), 0, "a phone makes no pictures unasked");
    const sheets = await printed();
    assert.ok(says(sheets[0], en.print_here));
    assert.ok(sheets.length > 1 && sheets.length <= 1 + pages.length);
    for (const [n, sheet] of sheets.entries()) assert.ok(Math.min(...sheet.tiles) < 200, `sheet ${n + 1} has something on it`);
    assert.equal(await page.locator(".ws-print *").count(), 0, "copies are gone after printing");
    await close();
  });

  for (const device of Object.keys(DEVICES)) {
    test(`${device}: a form is printed as it is filled in, however late`, async () => {
      const annotations = ["/Subtype /Widget /F 4 /Rect [60 700 300 724] /DA (/Helv 12 Tf 0 g) /FT /Tx /T (name)"];
      const letter = site.add({ ...PDF, plain: pdfOf([{ content: line(780, "Please fill in"), annotations }]) });
      const { page, faults, printed, offered, calls, close } = await reader(letter, device);
      await offered();
      for (const [n, name] of ["", "MMMMMMMMMMMMMMMM", ""].entries()) {
        await page.fill('.annotationLayer input[name="name"]', name);
        await page.click("[data-print]");
        await calls(n + 1);
        const [sheet, ...more] = await printed();
        assert.deepEqual(more, []);
        const field = sheet.tiles.filter((_, at) => Math.floor(at / sheet.columns) === 16 && at % sheet.columns > 8 && at % sheet.columns < 20);
        assert.equal(Math.min(...field) < 200, name !== "", `“${name}”: ${field.map(Math.round)}`);
      }
      assert.deepEqual(faults, []);
      await close();
    });
  }

  test("Stop stops", async () => {
    const { page, offered, close } = await reader(site.add({ ...PDF, plain: REPORT }), "phone", { held: true });
    await offered();
    await page.click("[data-print]");
    await page.click("[data-print-cancel]");
    await page.evaluate(() => window.release());
    await page.waitForSelector("[data-print-panel]", { state: "hidden" });
    assert.equal(await page.evaluate(() => window.calls), 0);
    await page.click("[data-print]");
    await page.waitForFunction(() => window.calls === 1);
    await close();
  });

  test("closed meanwhile: nothing is printed, no picture stays", async () => {
    const letter = site.add({ ...PDF, plain: REPORT });
    const { page, offered, printed, close } = await reader(letter, "phone");
    await offered();
    await page.click("[data-print]");
    await page.waitForFunction(() => window.calls === 1);
    assert.ok(await page.evaluate(() => window.live.size >= 5));
    letter.cancel();
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await inState(page, "closed");
    assert.equal(await page.evaluate(() => window.live.size), 0);
    assert.ok(!(await page.isVisible("[data-print]")));
    assert.equal(await page.evaluate(pressedP), false);
    const [sheet, ...more] = await printed();
    assert.match(sheet.text, /no longer available/);
    assert.deepEqual(more, []);
    await close();
  });

  test("closed while the pictures are made: nothing is printed", async () => {
    const letter = site.add({ ...PDF, plain: REPORT });
    const { page, offered, close } = await reader(letter, "phone", { held: true });
    await offered();
    await page.click("[data-print]");
    await page.waitForFunction(() => window.asked === 1);
    letter.cancel();
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await inState(page, "closed");
    await page.evaluate(() => window.release());
    assert.ok(!(await page.isVisible("[data-print-panel]")));
    assert.deepEqual(await page.evaluate(() => [window.calls, window.asked, window.live.size]), [0, 1, 0]);
    await close();
  });

  test("a hundred pages are not made unasked, and never lie there as canvases", async () => {
    const { page, offered, pictures, close } = await reader(site.add({ ...PDF, plain: makePdf({ pages: 100 }) }));
    await offered();
    await page.waitForSelector('[data-pages][aria-busy="false"]');
    await page.evaluate(() => new Promise((resolve) => requestIdleCallback(resolve)));
    assert.equal(await page.evaluate(() => window.asked), 0);
    await page.click("[data-print]");
    await page.waitForFunction(() => window.calls === 1, null, { timeout: 120_000 });
    await pictures(100);
    const most = await page.evaluate(() => window.most);
    assert.ok(most < 8 * 1654 * 2339, `${most} pixels at most`);
    await close();
  });

  test("hundreds of pages are printed from the file, and Print says so", async () => {
    const { page, offered, printed, close } = await reader(site.add({ ...PDF, plain: makePdf({ pages: 201 }) }));
    await offered();
    await page.click("[data-print]");
    assert.equal(await page.textContent("[data-print-status]"), `${en.print_long} ${en.print_file}`);
    assert.equal(await page.evaluate(pressedP), false);
    assert.equal(await page.evaluate(() => window.calls), 0);
    assert.ok(says((await printed())[0], en.print_file));
    await close();
  });
});

/** Presses the browser's key for printing; answers whether the page took it. */
function pressedP() {
  return !document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "p", ctrlKey: true, bubbles: true, cancelable: true }));
}

for (const [name, plain, state] of [
  ["a broken file", Buffer.from("%PDF-1.7\nnot really\n"), "broken"],
  ["a file of another kind", Buffer.from("PK"), "download"],
]) {
  test(`${name} is not offered to be printed`, async () => {
    const about = state === "broken" ? PDF : { mediaType: "application/zip", fileName: "photos.zip" };
    const { page, printed, close } = await reader(site.add({ ...about, plain }), "desktop", { state });
    assert.equal(await page.locator("[data-print]:visible").count(), 0);
    assert.ok(says((await printed())[0], en.print_file));
    await close();
  });
}

for (const [name, width, height] of [["landscape", 1600, 900], ["portrait", 900, 2600]]) {
  test(`a ${name} image is fitted on one sheet, turned as it is`, async () => {
    const plain = await photo(width, height);
    const { page, faults, printed, offered, calls, close } = await reader(site.add({ plain, mediaType: "image/png", fileName: "photo.png" }));
    await offered();
    for (const format of ["A4", "Letter"]) {
      const [sheet, ...more] = await printed({ format });
      assert.deepEqual(more, []);
      assert.equal(sheet.width > sheet.height, width > height);
      assert.equal(sheet.text.trim(), "");
      // All four corners of the photo have a colour of their own, and lie on the paper.
      assert.ok(sheet.tiles.filter((grey) => grey < 100).length > sheet.tiles.length / 5, "the photo covers the sheet");
      for (const corner of [0, sheet.columns - 1, sheet.tiles.length - 1]) assert.ok(sheet.tiles[corner] > 250, "with a margin");
    }
    await page.click("[data-print]");
    await calls(1);
    assert.deepEqual(faults, []);
    await close();
  });
}

/** A dark picture. */
async function photo(width, height) {
  const page = await browser.newPage();
  const data = await page.evaluate(
    ([w, h]) => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [w, h];
      const pen = canvas.getContext("2d");
      pen.fillStyle = "#203050";
      pen.fillRect(0, 0, w, h);
      return canvas.toDataURL("image/png").split(",")[1];
    },
    [width, height],
  );
  await page.close();
  return Buffer.from(data, "base64");
}

test("a text is wrapped, with nothing else on the paper", async () => {
  const plain = Buffer.from(Array.from({ length: 120 }, (_, n) => `Line ${n + 1} ${"of what was seen on site ".repeat(8)}`).join("\n"));
  const { page, faults, printed, offered, calls, close } = await reader(site.add({ plain, mediaType: "text/plain", fileName: "note.txt" }));
  await offered();
  const sheets = await printed({ format: "A4" });
  assert.equal(without(sheets.map((sheet) => sheet.text).join("")), without(plain.toString()));
  assert.ok(sheets.length > 3);
  await page.click("[data-print]");
  await calls(1);
  assert.deepEqual(faults, []);
  await close();
});
