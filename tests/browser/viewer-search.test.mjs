// Text of a PDF: searched, selected and copied as it is written, heard in order.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import axe from "axe-core";
import { openPage, SIZES } from "./harness/browser.mjs";
import { heard, textOf } from "./harness/heard.mjs";
import { line, makePdf, pdfOf } from "./harness/pdf.mjs";
import { browser, PDF, site } from "./harness/stage.mjs";

const SAMPLE = readFileSync(new URL("../../examples/report/inspection-report.pdf", import.meta.url));

async function opened(plain, options) {
  const letter = site.add({ ...PDF, mode: "edge-opened", plain });
  const visit = await openPage(browser, options);
  await visit.page.goto(letter.link);
  await visit.page.waitForSelector('.ws-page[data-page="1"][data-rendered]');
  const covered = (n) => visit.page.waitForFunction((count) => document.querySelectorAll(".textLayer").length === count, n);
  return { letter, covered, ...visit };
}

/** A font whose codes are these characters: what stands in PDFs for ligatures, hyphens that may be, accents apart. */
function encoded(unicodes) {
  const map = `begincmap 1 begincodespacerange <00> <ff> endcodespacerange ${unicodes.length} beginbfchar ${unicodes
    .map((text, code) => `<${(code + 65).toString(16)}> <${Array.from({ length: text.length }, (_, at) => text.charCodeAt(at).toString(16).padStart(4, "0")).join("")}>`)
    .join(" ")} endbfchar endcmap`;
  return {
    fonts: { F2: "500 0 R" },
    objects: {
      500: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding /ToUnicode 501 0 R >>",
      501: `<< /Length ${map.length} >>\nstream\n${map}\nendstream`,
    },
  };
}
// A to ...: ffi, the hyphen that may be, e with an accent apart, two Hebrew letters, and plain ones.
const UNICODES = ["\ufb03", "\u00ad", "e\u0301", "\u05d0", "\u05d1", "o", "c", "e", "w", "n"];
const written = () =>
  pdfOf(
    [
      // "oﬃce", "won" with a hyphen that may be, "ce" on the next line, "cé", and Hebrew.
      { content: line(780, "(FAGH)", "F2").replace("((", "(").replace("))", ")") + "BT /F2 14 Tf 60 700 Td (IFJB) Tj 0 -20 Td (GH) Tj ET\n" + line(640, "GC", "F2") + line(600, "DE", "F2") },
      {},
      {},
      { content: line(700, "The offices are closed, the cafe open") + "BT /F1 14 Tf 60 600 Td (It is a won-) Tj 0 -20 Td (derful day) Tj ET\n" },
    ],
    encoded(UNICODES),
  );

const COUNT = "[data-search-count]";
const counted = async (page, words) => {
  const same = (want) => document.querySelector("[data-search-count]").textContent === want;
  await page.waitForFunction(same, words, { timeout: 10_000 }).catch(async () => assert.equal(await page.textContent(COUNT), words));
};

test("search goes over the whole document, by keyboard, counts, and comes back to where it was opened", async () => {
  const { page, faults, close } = await opened(makePdf({ pages: 9 }));
  await page.focus("[data-search-open]");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.hasAttribute("data-search-term"));
  assert.equal(await page.getAttribute("[data-search-open]", "aria-expanded"), "true");
  await page.keyboard.type("PAGE 7 of");
  await counted(page, "1 of 1");
  await page.waitForSelector('.ws-page[data-page="7"] .highlight.selected');
  const place = () => page.$eval(".highlight.selected", (found) => found.getBoundingClientRect().toJSON());
  const { top, bottom } = await place();
  assert.ok(top > 110 && bottom < 740, `in sight: ${top}`);
  await page.fill("[data-search-term]", "of the report");
  await counted(page, "7 of 9");
  await page.keyboard.press("Enter");
  await counted(page, "8 of 9");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await counted(page, "1 of 9");
  await page.keyboard.press("Shift+Enter");
  await counted(page, "9 of 9");
  await page.click("[data-search-previous]");
  await counted(page, "8 of 9");
  await page.click("[data-search-next]");
  await counted(page, "9 of 9");
  await page.fill("[data-search-term]", "no such words");
  await counted(page, "Not found");
  assert.equal(await page.getAttribute(COUNT, "role"), "status");
  await page.fill("[data-search-term]", "of the report");
  await page.waitForSelector(".highlight.selected");
  await page.keyboard.press("Escape");
  assert.ok(!(await page.isVisible("[data-search]")));
  assert.equal(await page.locator(".highlight").count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement.hasAttribute("data-search-open")), true);
  assert.deepEqual(faults, []);
  await close();
});

test("search opens before it can be carried out, and what was typed is found then; a closed letter forgets it", async () => {
  const letter = site.add({ ...PDF, plain: makePdf({ pages: 3 }) });
  const { page, close } = await openPage(browser);
  let go;
  const held = new Promise((resolve) => (go = resolve));
  await page.route(/pdf\.layers/, (route) => held.then(() => route.continue()));
  await page.goto(letter.link);
  await page.waitForSelector('.ws-page[data-page="1"][data-rendered]');
  await page.click("[data-search-open]");
  assert.equal(await page.evaluate(() => document.activeElement.hasAttribute("data-search-term")), true);
  await page.keyboard.type("of the report");
  go();
  await counted(page, "1 of 3");
  letter.cancel();
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await page.waitForSelector('#letter[data-state="closed"]');
  assert.deepEqual(await page.evaluate((count) => [document.querySelector("[data-search-term]").value, document.querySelector(count).textContent], COUNT), ["", ""]);
  await close();
});

test("what is written with ligatures, hyphens and accents is found without", async () => {
  const { page, faults, covered, close } = await opened(written());
  await covered(4);
  await page.click("[data-search-open]");
  for (const [term, words] of [["office", "1 of 2"], ["ce", "1 of 4"], ["cé", "1 of 4"], ["cafés", "Not found"], ["OFFICES", "1 of 1"], ["\ufb03", "1 of 2"], ["wonderful", "1 of 1"]]) {
    await page.fill("[data-search-term]", term);
    await page.waitForFunction((want) => document.querySelector("[data-search-count]").textContent.replace(/^\d+/, "1") === want, words).catch(async () => {
      assert.fail(`${term}: ${await page.textContent(COUNT)}, not ${words}`);
    });
  }
  assert.deepEqual(faults, []);
  await close();
});

test("what is selected is copied as it is written", async () => {
  const { page, covered, close } = await opened(written());
  await covered(4);
  const copied = await page.evaluate(() => {
    getSelection().selectAllChildren(document.querySelector('.ws-page[data-page="1"] .textLayer'));
    const clipboardData = new DataTransfer();
    document.querySelector(".textLayer span").dispatchEvent(new ClipboardEvent("copy", { clipboardData, bubbles: true, cancelable: true }));
    return clipboardData.getData("text/plain");
  });
  assert.deepEqual(copied.trim().split(/\n+/), ["office", "won", "ce", "c\u00e9", "\u05d1\u05d0"]);
  await close();
});

test("the browser's own search finds a word on a page that was never drawn", async () => {
  const { page, faults, covered, close } = await opened(SAMPLE);
  await covered(5);
  assert.equal(await page.locator('.ws-page[data-page="5"][data-rendered]').count(), 0);
  assert.deepEqual(
    await page.evaluate(() => {
      const found = window.find("dismantling");
      return [found, getSelection().anchorNode.parentElement.closest(".ws-page").dataset.page];
    }),
    [true, "5"],
  );
  await page.waitForSelector('.ws-page[data-page="5"][data-rendered]');
  // One word to the browser, though the file sets it in three pieces.
  assert.ok(await page.evaluate(() => {
    getSelection().removeAllRanges();
    return window.find("difference");
  }));
  assert.deepEqual(faults, []);
  await close();
});

for (const mode of ["whole", "by ranges"]) {
  test(`text of far pages, ${mode}`, async () => {
    if (mode === "whole") {
      const { page, covered, close } = await opened(makePdf({ pages: 230 }));
      await covered(200);
      // The end of a very long report comes when it is near.
      await page.fill("[data-page-number]", "230");
      await page.keyboard.press("Enter");
      await page.waitForSelector('.ws-page[data-page="230"] .textLayer');
      await page.waitForSelector('.ws-page[data-page="1"]:not([data-rendered])', { state: "attached" });
      assert.equal(await page.locator('.ws-page[data-page="1"] .textLayer').count(), 1, "far, and still there");
      await page.fill("[data-page-number]", "1");
      await page.keyboard.press("Enter");
      await page.waitForSelector('.ws-page[data-page="1"][data-rendered]');
      await page.waitForFunction(() => document.querySelectorAll('.ws-page[data-page="230"] .textLayer').length === 0);
      assert.equal(await page.locator('.ws-page[data-page="200"] .textLayer').count(), 1);
      await close();
      return;
    }
    const { page, letter, close } = await opened(makePdf({ pages: 40, filler: 1024 * 1024 }), { size: SIZES.desktop });
    await page.waitForSelector(".textLayer");
    assert.ok(letter.requests.every(({ range }) => range !== null));
    const near = await page.locator(".textLayer").count();
    assert.ok(near < 10, `${near} pages have their text`);
    await page.click("[data-search-open]");
    await page.fill("[data-search-term]", "Page 33 of");
    await counted(page, "1 of 1");
    await page.waitForSelector('.ws-page[data-page="33"] .highlight.selected');
    await close();
  });
}

test("a screen reader has all of the sample report, once, in order, with its structure", async () => {
  const { page, covered, close } = await opened(SAMPLE);
  await covered(5);
  await page.waitForFunction(() => document.querySelectorAll(".ws-tree").length === 5);
  const pages = await heard(page);
  assert.deepEqual(pages.map(({ name }) => name), [1, 2, 3, 4, 5].map((n) => `Page ${n} of 5`));
  const truth = await textOf(page);
  for (const [at, { text }] of pages.entries()) {
    const words = (all) => all.normalize("NFKC").replace(/\s+/g, "");
    // In the order of the structure where there is one, which is not always that of drawing: each character as often.
    const sorted = (all) => [...words(all)].sort().join("");
    assert.equal(sorted(text), sorted(truth[at]), `page ${at + 1}`);
  }
  assert.deepEqual(pages[0].headings.slice(0, 2), ["1 Vehicle inspection", "2 Safe to drive today. Front tyres and front brake pads within 30 days."]);
  assert.ok(pages[2].tables > 0);
  const first = pages[0].text;
  assert.ok(first.indexOf("Vehicle inspection") < first.indexOf("Safe to drive") && first.indexOf("Safe to drive") < first.indexOf("At a glance"));
  await close();
});

for (const [name, size] of Object.entries(SIZES)) {
  test(`axe finds nothing on the sample with search open (${name})`, async () => {
    const { page, covered, close } = await opened(SAMPLE, { size, bypassCSP: true });
    await covered(5);
    await page.click("[data-search-open]");
    await page.fill("[data-search-term]", "good");
    await page.waitForSelector(".highlight.selected");
    await page.addScriptTag({ content: axe.source });
    const found = await page.evaluate(async () => (await window.axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`));
    assert.deepEqual(found, []);
    await close();
  });
}
