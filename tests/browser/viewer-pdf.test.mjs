// PDF letters in a real browser under the real policy.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { describe, test } from "node:test";
import { brotliCompressSync } from "node:zlib";
import axe from "axe-core";
import { inState, launch, openPage, rendererPeak, SIZES } from "./harness/browser.mjs";
import { makePdf } from "./harness/pdf.mjs";
import { browser, PDF, site } from "./harness/stage.mjs";

const MB = 1024 * 1024;
const rendered = (n) => `.ws-page[data-page="${n}"][data-rendered]`;

/** Share of the pixels of a drawn page that are not white. */
const ink = (page, n) =>
  page.$eval(`${rendered(n)} canvas`, (canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let dark = 0;
    for (let i = 0; i < data.length; i += 4) if (data[i] + data[i + 1] + data[i + 2] < 700) dark += 1;
    return dark / (data.length / 4);
  });

for (const mode of ["end-to-end", "edge-opened"]) {
  for (const [name, size] of Object.entries(SIZES)) {
    test(`${mode}, ${name}: the first page shows before the download has ended`, async () => {
      const letter = site.add({ ...PDF, mode, plain: makePdf({ pages: 12, filler: 600_000 }), gate: MB });
      const { page, faults, close } = await openPage(browser, { size });
      const gated = once(letter, "gated");
      await page.goto(letter.link);
      await Promise.all([gated, page.waitForSelector(rendered(1))]);
      const whole = letter.requests.find((request) => request.range === null);
      assert.ok(whole.sent < letter.body.length / 2, "the whole answer is still waiting");
      assert.equal(await page.getAttribute("[data-pages]", "aria-busy"), "true");
      assert.equal(await page.inputValue("[data-page-number]"), "1");
      assert.equal(await page.textContent("[data-page-count]"), "of 12");
      assert.equal(await page.getAttribute('.ws-page[data-page="3"]', "aria-label"), "Page 3 of 12");
      assert.ok((await ink(page, 1)) > 0.02, "the page has something on it");
      assert.match(await page.textContent('.ws-page[data-page="1"] .textLayer'), /Page 1 of the report/);
      letter.open();
      await page.waitForSelector('[data-pages][aria-busy="false"]');
      const box = await page.locator('.ws-page[data-page="1"]').boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= size.width, "the page fits the width");
      assert.deepEqual(faults, []);
      await close();
    });
  }
}

test("the first page is drawn without waiting for frames, as in a tab behind another", async () => {
  const letter = site.add({ ...PDF, plain: makePdf({ pages: 2 }) });
  const { page, faults, close } = await openPage(browser, { before: () => (window.requestAnimationFrame = () => 0) });
  await page.goto(letter.link);
  await inState(page, "viewer");
  assert.ok((await ink(page, 1)) > 0);
  assert.deepEqual(faults, []);
  await close();
});

test("far pages are drawn when they come near and given back when they are far; sizes never jump", async () => {
  const letter = site.add({ ...PDF, plain: makePdf({ pages: 30, sizes: [[595, 842]] }) });
  const { page, faults, close } = await openPage(browser, { before: countShifts });
  await page.goto(letter.link);
  await page.waitForSelector(rendered(1));
  await page.locator('.ws-page[data-page="25"]').scrollIntoViewIfNeeded();
  await page.waitForSelector(rendered(25));
  await page.waitForSelector('.ws-page[data-page="1"]:not([data-rendered])', { state: "attached" });
  assert.ok((await page.locator(".ws-page canvas").count()) < 10);
  assert.match(await page.inputValue("[data-page-number]"), /^2[456]$/);
  assert.ok((await page.evaluate(() => window.shifts)) < 0.01, "no layout shift");
  assert.deepEqual(faults, []);
  await close();
});

test("zoom keeps the place and the page, and its buttons say where it ends", async () => {
  const letter = site.add({ ...PDF, plain: makePdf({ pages: 10, sizes: [[595, 842], [842, 595]] }) });
  const { page, faults, close } = await openPage(browser);
  await page.goto(letter.link);
  await page.waitForSelector(rendered(1));
  await page.evaluate(() => document.querySelector('.ws-page[data-page="5"]').scrollIntoView({ block: "center" }));
  await page.waitForSelector(rendered(5));
  await page.waitForFunction(() => document.querySelector("[data-page-number]").value === "5");
  const shape = () => page.$eval('.ws-page[data-page="5"]', (element) => element.getBoundingClientRect().toJSON());
  const settled = await shape();
  assert.ok(settled.top < 370 && settled.bottom > 370, "pages of other sizes above it did not push it away");
  const width = () => page.$eval('.ws-page[data-page="5"]', (element) => element.getBoundingClientRect().width);
  const before = await width();
  await page.click("[data-zoom-in]");
  await page.click("[data-zoom-in]");
  assert.ok(Math.abs((await width()) / before - 1.5) < 0.02);
  const { top, bottom } = await shape();
  assert.ok(top < 370 && bottom > 370, "page 5 is still under the middle of the screen");
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360, "the box scrolls sideways, not the page");
  for (let i = 0; i < 3; i += 1) await page.click("[data-zoom-in]");
  assert.equal(await page.getAttribute("[data-zoom-in]", "aria-disabled"), "true");
  await page.waitForSelector(rendered(5));
  assert.deepEqual(faults, []);
  await close();
});

test("scanner codecs decode without WebAssembly", async () => {
  const letter = site.add({ ...PDF, plain: readFileSync(new URL("./fixtures/scans.pdf", import.meta.url)) });
  const { page, faults, close } = await openPage(browser, { size: SIZES.desktop });
  await page.goto(letter.link);
  for (const n of [1, 2]) {
    await page.waitForSelector(rendered(n));
    const share = await ink(page, n);
    assert.ok(share > 0.3 && share < 0.4, `page ${n}: the rectangle covers a third, measured ${share}`);
  }
  assert.deepEqual(faults, []);
  await close();
});

const fixture = (name) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));

/** What the reader saves in this state is the report. */
async function savedIs(page, state, plain) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click(`[data-when="${state}"] [data-download]`)]);
  assert.deepEqual(readFileSync(await download.path()), plain);
}

for (const [name, plain] of [
  ["no PDF at all", Buffer.from("%PDF-1.7\nnot really\n".repeat(50))],
  ["a PDF that was cut", fixture("cut.pdf")],
  ["a PDF without pages", Buffer.from(makePdf({ pages: 1 }).read(0, 200))],
]) {
  test(`${name} is called broken, and can be saved`, async () => {
    const letter = site.add({ ...PDF, plain });
    const { page, faults, close } = await openPage(browser);
    await page.goto(letter.link);
    await inState(page, "broken");
    await savedIs(page, "broken", plain);
    assert.deepEqual(faults, []);
    await close();
  });
}

for (const mode of ["end-to-end", "edge-opened"]) {
  test(`${mode}: a PDF with a password asks for it, says when it does not fit, and opens`, async () => {
    const plain = fixture("locked.pdf");
    const letter = site.add({ ...PDF, mode, plain });
    const { page, faults, close } = await openPage(browser);
    await page.goto(letter.link);
    await inState(page, "password");
    assert.ok(!(await page.isVisible("[data-password-error]")));
    await savedIs(page, "password", plain);
    await page.fill("[data-password]", "wrong");
    await page.press("[data-password]", "Enter");
    await page.waitForSelector("[data-password-error]:visible");
    assert.equal(await page.inputValue("[data-password]"), "", "a wrong one is not kept");
    assert.equal(await page.evaluate(() => document.activeElement.id), "password");
    await page.fill("[data-password]", "Wachs 7é");
    await page.click("[data-password-form] button");
    await page.waitForSelector(rendered(1));
    assert.match(await page.textContent('.ws-page[data-page="1"] .textLayer'), /Page 1 of the report/);
    assert.equal(await page.inputValue("[data-password]"), "");
    assert.ok(letter.requests.every(({ method }) => method === "GET" || method === "HEAD"), "it goes nowhere");
    assert.deepEqual(faults, []);
    await close();
  });
}

/** Runs this before all else in the page, and in PDF.js's worker, which no init script reaches. */
async function inPageAndWorker(page, script) {
  await page.addInitScript(script);
  let reached = 0;
  await page.context().route(/pdf\.worker/, async (route) => {
    const answer = await route.fetch();
    reached += 1;
    await route.fulfill({ response: answer, body: `${script};${await answer.text()}` });
  });
  return () => assert.ok(reached > 0, "the worker was reached");
}

/** A page that says 日本 in Shift JIS, in a font that the file does not bring along. */
const JAPANESE = [
  "<< /Length 38 >>\nstream\nBT /F1 24 Tf 20 40 Td <93fa967b> Tj ET\nendstream",
  "<< /Type /Font /Subtype /Type0 /BaseFont /Ryumin-Light /Encoding /90ms-RKSJ-H /DescendantFonts [6 0 R] >>",
  "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Ryumin-Light /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> /FontDescriptor 7 0 R >>",
  "<< /Type /FontDescriptor /FontName /Ryumin-Light /Flags 6 /FontBBox [0 -200 1000 900] /ItalicAngle 0 /Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 >>",
];

/** A page with this content, packed with Brotli, whose own dictionary has the words of it. */
function brotli(content) {
  const bytes = brotliCompressSync(content);
  const stream = `<< /Length ${bytes.length} /Filter /BrotliDecode >>\nstream\n${bytes.toString("latin1")}\nendstream`;
  return [stream, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"];
}

/** One page, its content and its font; without a table of contents, which PDF.js makes up for. */
function small(objects) {
  const all = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
    ...objects,
  ];
  const body = all.map((object, at) => `${at + 1} 0 obj\n${object}\nendobj\n`).join("");
  return Buffer.from(`%PDF-1.4\n${body}trailer\n<< /Size ${all.length + 1} /Root 1 0 R >>\n%%EOF\n`, "latin1");
}

/** As browsers were when `Array.prototype.at` was new. */
const LACKING = `
  for (const [holder, names] of [
    [Promise, "withResolvers try"],
    [Response.prototype, "bytes"],
    [Blob.prototype, "bytes"],
    [Map.prototype, "getOrInsert getOrInsertComputed"],
    [WeakMap.prototype, "getOrInsert getOrInsertComputed"],
    [Object.getPrototypeOf(Object.getPrototypeOf([].values())), "map filter find some every forEach toArray reduce flatMap take drop"],
    [Set.prototype, "intersection difference union"],
    [Math, "sumPrecise"],
    [URL, "parse"],
    [RegExp, "escape"],
    [Uint8Array, "fromBase64"],
    [Uint8Array.prototype, "toBase64 toHex"],
    [globalThis, "Iterator DecompressionStream"],
  ]) for (const name of names.split(" ")) delete holder[name];`;

for (const [name, plain, shown] of [
  ["a PDF", makePdf({ pages: 2 }), /Page 1 of the report/],
  // Which characters the codes of this one mean stands in a map that is fetched as bytes.
  ["a PDF whose characters have to be looked up", small(JAPANESE), /日本/],
  // Its words come from us.
  ["a PDF packed with Brotli", small(brotli("BT /F1 24 Tf 20 40 Td (information) Tj ET")), /information/],
]) {
  test(`a browser of the last years, without what PDF.js takes for granted, shows ${name}`, async () => {
    const letter = site.add({ ...PDF, plain });
    const { page, faults, close } = await openPage(browser);
    const reached = await inPageAndWorker(page, LACKING);
    await page.goto(letter.link);
    await page.waitForSelector(`${rendered(1)} .textLayer span`);
    assert.match(await page.textContent('.ws-page[data-page="1"] .textLayer'), shown);
    reached();
    assert.deepEqual(faults, []);
    await close();
  });
}

for (const [name, mode, prepare] of [
  ["a built-in is missing", "end-to-end", (page) => page.addInitScript("delete globalThis.structuredClone")],
  ["a method is missing", "edge-opened", (page) => page.addInitScript("delete Array.prototype.at")],
  ["its syntax is older", "end-to-end", (page) => page.route(/\/assets\/pdf-/, (route) => route.fulfill({ contentType: "text/javascript", body: "class A { static { } } ?" }))],
  ["the worker does not run", "edge-opened", (page) => page.context().route(/pdf\.worker/, (route) => route.fulfill({ contentType: "text/javascript", body: "class A { static { } } ?" }))],
]) {
  test(`a browser that is too old says so, and the report can be saved: ${name}`, async () => {
    const whole = makePdf({ pages: 2 });
    const plain = whole.read(0, whole.length);
    const letter = site.add({ ...PDF, mode, plain });
    const { page, close } = await openPage(browser);
    await prepare(page);
    await page.goto(letter.link);
    await inState(page, "old-browser");
    assert.ok(await page.isVisible('[data-when="old-browser"]'));
    await savedIs(page, "old-browser", plain);
    await close();
  });
}

for (const mode of ["end-to-end", "edge-opened"]) {
  test(`${mode}: the bar is of all that has to come, never goes back, and is never full before the first page is there`, async () => {
    const letter = site.add({ ...PDF, mode, plain: makePdf({ pages: 3, filler: 60_000 }) });
    const { page, faults, close } = await openPage(browser, { before: watchBar });
    await page.goto(letter.link);
    await inState(page, "viewer");
    const seen = await page.evaluate(() => window.seen);
    assert.ok(seen.length > 3, "it moves");
    for (const [at, { value, early }] of seen.entries()) {
      assert.ok(value < 100 && value >= (seen[at - 1]?.value ?? 0), `${value} after ${seen[at - 1]?.value}`);
      assert.ok(!early, "nothing is shown beside the bar");
    }
    // PDF.js is more than half of it.
    assert.ok(seen.find(({ words }) => words !== "Loading the viewer").value >= 50);
    const words = seen.map((one) => one.words).filter((word, at, all) => word !== all[at - 1]);
    assert.deepEqual(words.slice(0, 2), ["Loading the viewer", "Loading the report"]);
    assert.ok(words.length <= 3, "said once");
    assert.ok(await page.isVisible(rendered(1)), "the page takes the bar's place");
    assert.ok(!(await page.isVisible('[data-when="loading"]')));
    assert.deepEqual(faults, []);
    await close();
  });
}

/** Notes each state of the bar, what is said beside it, and whether the viewer is to be seen already. */
function watchBar() {
  window.seen = [];
  const look = () => {
    const bar = document.querySelector("[data-when=loading] progress");
    if (!bar || bar.closest("[hidden]") || !bar.hasAttribute("value")) return;
    const viewer = document.querySelector("[data-when=viewer]");
    const early = !viewer.hidden && getComputedStyle(viewer).visibility === "visible";
    const now = { value: bar.value, words: document.querySelector("[data-arriving]").textContent, early };
    if (JSON.stringify(now) !== JSON.stringify(window.seen.at(-1))) window.seen.push(now);
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
}

test("a page older than the site's files is loaded anew, once; then the report can be saved", async () => {
  const letter = site.add({ ...PDF, plain: makePdf({ pages: 1 }) });
  const { page, close } = await openPage(browser);
  let loads = 0;
  page.on("load", () => (loads += 1));
  await page.route(/\/assets\/pdf-/, (route) => route.fulfill({ status: 404, body: "gone" }));
  await page.goto(letter.link);
  await inState(page, "download");
  assert.equal(loads, 2);
  await close();
});

test("PDF.js that does not arrive is a matter of the connection, not of the browser", async () => {
  const letter = site.add({ ...PDF, plain: makePdf({ pages: 2 }) });
  const { page, close } = await openPage(browser);
  let lost = true;
  await page.route(/\/assets\/pdf-/, (route) => (lost ? route.abort() : route.continue()));
  await page.goto(letter.link);
  await inState(page, "offline");
  lost = false;
  await page.click("[data-retry]");
  await page.waitForSelector(rendered(1));
  await close();
});

for (const mode of ["end-to-end", "edge-opened"]) {
  test(`${mode}: of a 200 MB PDF only what is shown is fetched, and memory stays small`, async (t) => {
    const plain = makePdf({ pages: 40, filler: 5 * MB });
    const letter = site.add({ ...PDF, mode, plain, lazy: true });
    const own = await launch();
    t.after(() => own.close());
    const { page, faults, close } = await openPage(own);
    await page.goto(letter.link);
    await page.waitForSelector(rendered(1));
    await page.evaluate(() => document.querySelector('.ws-page[data-page="33"]').scrollIntoView());
    await page.waitForSelector(rendered(33));
    const sent = letter.requests.reduce((sum, request) => sum + request.sent, 0);
    assert.ok(sent < 40 * MB, `${sent} bytes were sent`);
    assert.ok(letter.requests.every((request) => request.range !== null));
    const peak = await rendererPeak(own);
    assert.ok(peak < 300 * MB, `the renderer held ${Math.round(peak / MB)} MB at most`);
    assert.deepEqual(faults, []);
    await close();
  });
}

describe("while reading", () => {
  test("cancelled during the download: the pages go and the page says so", async () => {
    const letter = site.add({ ...PDF, plain: makePdf({ pages: 8, filler: 600_000 }), gate: MB });
    const { page, faults, close } = await openPage(browser);
    await page.goto(letter.link);
    await page.waitForSelector(rendered(1));
    letter.cancel();
    await inState(page, "closed");
    assert.equal(await page.locator("canvas:visible, .ws-page").count(), 0);
    assert.ok(await page.isVisible('[data-when="closed"]'));
    assert.ok(!(await page.isVisible('[data-when="viewer"]')));
    assert.deepEqual(faults, []);
    await close();
  });

  test("found to be damaged while the first page is drawn: that is what the page says, and goes on saying", async () => {
    const letter = site.add({ ...PDF, mode: "edge-opened", plain: makePdf({ pages: 3, filler: 600_000 }), gate: MB, data: { sha256: "0".repeat(64) } });
    const { page, close } = await openPage(browser, {
      // PDF.js draws a little at a time; the next time never comes.
      before: () => {
        const post = MessagePort.prototype.postMessage;
        MessagePort.prototype.postMessage = function (...what) {
          if (/onContinue/.test(new Error().stack)) window.drawing = true;
          else post.apply(this, what);
        };
      },
    });
    await page.goto(letter.link);
    await page.waitForFunction(() => window.drawing);
    letter.open();
    await inState(page, "damaged");
    assert.deepEqual(await page.$$eval("[data-when]:not([hidden])", (all) => all.map((one) => one.dataset.when)), ["damaged"]);
    await close();
  });

  test("cancelled after the download: the page notices when it is looked at again", async () => {
    const letter = site.add({ ...PDF, plain: makePdf({ pages: 3 }) });
    const { page, close } = await openPage(browser);
    await page.goto(letter.link);
    await page.waitForSelector(rendered(1));
    letter.cancel();
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await inState(page, "closed");
    assert.equal(letter.requests.at(-1).method, "HEAD");
    await close();
  });

  test("a dropped connection resumes from the byte it reached, of the same object", async () => {
    const letter = site.add({ ...PDF, plain: makePdf({ pages: 8, filler: 600_000 }), dropAfter: 2 * MB });
    const { page, faults, close } = await openPage(browser);
    await page.goto(letter.link);
    await page.waitForSelector('[data-pages][aria-busy="false"]');
    await page.waitForSelector(rendered(1));
    // PDF.js asks for the end of the file by itself; the resumed request runs from the middle to the end.
    const start = (request) => Number(/\d+/.exec(request.range)[0]);
    const toEnd = letter.requests.filter((request) => request.range?.endsWith(`-${letter.body.length - 1}`));
    const resumed = toEnd.filter((request) => start(request) <= 2 * MB);
    assert.equal(resumed.length, 1, `asked for ${toEnd.map((request) => request.range)}`);
    assert.ok(start(resumed[0]) > 0);
    assert.equal(resumed[0].ifRange, letter.etag);
    assert.deepEqual(faults, []);
    await close();
  });

  test("offline: what is read stays on screen, and the reader can try again", async () => {
    const letter = site.add({ ...PDF, plain: makePdf({ pages: 8, filler: 600_000 }), gate: MB });
    const { page, close } = await openPage(browser);
    await page.goto(letter.link);
    await page.waitForSelector(rendered(1));
    await page.evaluate(() => document.querySelector('.ws-page[data-page="3"]').scrollIntoView());
    letter.status = 503;
    letter.breakConnections();
    await inState(page, "offline");
    await page.waitForFunction(() => {
      const { top, bottom } = document.querySelector('[data-when="offline"]').getBoundingClientRect();
      return top >= 0 && bottom <= innerHeight;
    });
    assert.ok(await page.isVisible('.ws-page[data-page="3"]'));
    letter.status = 200;
    letter.open();
    await page.click("[data-retry]");
    await page.waitForSelector('[data-pages][aria-busy="false"]');
    assert.ok(!(await page.isVisible('[data-when="offline"]')));
    await close();
  });

  test("an object exchanged half way is refused", async () => {
    const letter = site.add({ ...PDF, plain: makePdf({ pages: 8, filler: 600_000 }), dropAfter: 2 * MB });
    letter.once("dropped", () => {
      letter.etag = '"another"';
    });
    const { page, close } = await openPage(browser);
    await page.goto(letter.link);
    await inState(page, "damaged");
    assert.equal(await page.locator(".ws-page").count(), 0);
    await close();
  });
});

for (const [name, size] of Object.entries(SIZES)) {
  test(`axe finds nothing on an open PDF (${name})`, async () => {
    const letter = site.add({ ...PDF, plain: makePdf({ pages: 4 }) });
    const { page, close } = await openPage(browser, { size, bypassCSP: true });
    await page.goto(letter.link);
    await page.waitForSelector(`${rendered(1)} .textLayer span`);
    await page.click("[data-zoom-in]");
    await page.addScriptTag({ content: axe.source });
    const { violations } = await page.evaluate(() => window.axe.run());
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`), []);
    await close();
  });
}

function countShifts() {
  window.shifts = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
}
