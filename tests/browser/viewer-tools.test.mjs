// The bar over a PDF: page number, zoom, fit, by mouse, touch and keyboard; what stands where a page cannot be drawn.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage, SIZES } from "./harness/browser.mjs";
import { line, makePdf, pdfOf } from "./harness/pdf.mjs";
import { browser, PDF, site } from "./harness/stage.mjs";

async function opened(plain, options) {
  const letter = site.add({ ...PDF, plain });
  const visit = await openPage(browser, options);
  await visit.page.goto(letter.link);
  await visit.page.waitForSelector('.ws-page[data-page="1"][data-rendered]');
  return { letter, ...visit };
}

const NUMBER = "[data-page-number]";
const focused = (page) => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.id);

for (const [name, typed, number] of [
  ["a page", "7", "7"],
  ["beyond the end", "99", "12"],
  ["before the beginning", "0", "1"],
  ["below zero", "-3", "1"],
  ["with words around", " 5 of 12", "5"],
]) {
  test(`a page number typed, ${name}, is jumped to, and reading goes on there`, async () => {
    const { page, faults, close } = await opened(makePdf({ pages: 12, sizes: [[595, 842], [842, 200]] }));
    await page.focus(NUMBER);
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type(typed);
    await page.keyboard.press("Enter");
    await page.waitForFunction((label) => document.activeElement.getAttribute("aria-label") === label, `Page ${number} of 12`);
    assert.equal(await page.inputValue(NUMBER), number);
    await page.waitForSelector(`.ws-page[data-page="${number}"][data-rendered]`);
    const [top, bar] = await page.evaluate((n) => [document.querySelector(`.ws-page[data-page="${n}"]`).getBoundingClientRect().top, document.querySelector(".tools").getBoundingClientRect().bottom], number);
    assert.ok(top >= bar && top < 740, `in sight, below the bar: ${top}`);
    assert.deepEqual(faults, []);
    await close();
  });
}

test("no number at all changes nothing; the number follows the reader", async () => {
  const { page, faults, close } = await opened(makePdf({ pages: 12 }));
  await page.fill(NUMBER, "abc");
  await page.keyboard.press("Enter");
  assert.equal(await page.inputValue(NUMBER), "1");
  assert.equal(await page.evaluate(() => scrollY), 0);
  await page.fill(NUMBER, "8");
  await page.evaluate(() => document.activeElement.blur());
  assert.equal(await page.inputValue(NUMBER), "1", "typed and left is not asked for");
  await page.evaluate(() => document.querySelector('.ws-page[data-page="4"]').scrollIntoView({ block: "center" }));
  await page.waitForFunction(() => document.querySelector("[data-page-number]").value === "4");
  // Between two pages the second counts.
  await page.evaluate(() => scrollBy(0, document.querySelector('.ws-page[data-page="7"]').getBoundingClientRect().top - innerHeight / 2 - 4));
  await page.waitForFunction(() => document.querySelector("[data-page-number]").value === "7");
  assert.deepEqual(faults, []);
  await close();
});

test("fit: as wide as there is room on a wide screen, and back to the printed size", async () => {
  const { page, faults, close } = await opened(makePdf({ pages: 3 }), { size: SIZES.desktop });
  const [width, room] = await page.evaluate(() => ['.ws-page[data-page="1"]', "[data-pages]"].map((selector) => document.querySelector(selector).getBoundingClientRect().width));
  assert.ok(width < room - 5, "at first at most a quarter above its printed size");
  assert.ok(Math.abs(width - 595 * (96 / 72) * 1.25) < 2, String(width));
  assert.equal(await page.getAttribute("[data-fit]", "aria-pressed"), "false");
  const now = () => page.$eval('.ws-page[data-page="1"]', (element) => element.getBoundingClientRect().width);
  await page.click("[data-fit]");
  assert.ok(Math.abs((await now()) - room) <= 1);
  assert.equal(await page.getAttribute("[data-fit]", "aria-pressed"), "true");
  await page.waitForFunction((wide) => document.querySelector('.ws-page[data-page="1"] canvas').width >= wide - 1, Math.floor(room));
  await page.click("[data-zoom-out]");
  assert.ok((await now()) < room * 0.8);
  assert.equal(await page.getAttribute("[data-fit]", "aria-pressed"), "false");
  await page.click("[data-fit]");
  assert.ok(Math.abs((await now()) - room) <= 1, "from any zoom");
  await page.click("[data-fit]");
  assert.ok(Math.abs((await now()) - width) <= 1);
  assert.deepEqual(faults, []);
  await close();
});

test("fit on a phone: always, and again after a zoom", async () => {
  const { page, close } = await opened(makePdf({ pages: 3 }));
  assert.equal(await page.getAttribute("[data-fit]", "aria-pressed"), "true");
  await page.click("[data-zoom-in]");
  assert.equal(await page.getAttribute("[data-fit]", "aria-pressed"), "false");
  await page.click("[data-fit]");
  const [width, room] = await page.evaluate(() => ['.ws-page[data-page="1"]', "[data-pages]"].map((selector) => document.querySelector(selector).getBoundingClientRect().width));
  assert.ok(Math.abs(width - room) <= 1);
  await close();
});

for (const width of [320, 360, 1366]) {
  test(`every tool can be hit and reached by keyboard, in order, at ${width} pixels`, async () => {
    const { page, faults, close } = await opened(makePdf({ pages: 120 }), { size: { width, height: 700 } });
    for (const open of [false, true]) {
      if (open) await page.click("[data-search-open]");
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing sticks out");
      const small = await page.$$eval(".tools :is(button, input)", (all) =>
        all.map((one) => [one.outerHTML.slice(0, 60), one.getBoundingClientRect()]).filter(([, { width: w, height: h, right }]) => w > 0 && (w < 44 || h < 44 || right > innerWidth)).map(([html, box]) => `${html} ${box.width}x${box.height}`),
      );
      assert.deepEqual(small, []);
    }
    await page.keyboard.press("Escape");
    await page.focus(NUMBER);
    const seen = [await focused(page)];
    for (let i = 0; i < 5; i += 1) {
      await page.keyboard.press("Tab");
      seen.push(await focused(page));
    }
    assert.deepEqual(seen.slice(0, 5), ["page-number", "Zoom out", "Zoom in", "Fit to width", "Search"]);
    await page.focus("[data-pages]");
    const before = await page.evaluate(() => scrollY);
    const rest = page.evaluate(() => new Promise((resolve) => addEventListener("scrollend", resolve, { once: true })));
    await page.keyboard.press("PageDown");
    await rest;
    assert.ok((await page.evaluate(() => scrollY)) > before);
    await page.keyboard.press("End");
    await page.waitForFunction(() => document.querySelector("[data-page-number]").value === "120");
    assert.deepEqual(faults, []);
    await close();
  });
}

test("a page that cannot be drawn says so in its place; the others are there", async () => {
  const broken = pdfOf([{ content: line(700, "One") }, { content: line(700, "Two") }, { body: "42" }]);
  const { page, faults, close } = await opened(broken);
  await page.waitForSelector('.ws-page[data-page="3"] .ws-apology');
  assert.equal(await page.textContent('.ws-page[data-page="3"]'), "Page 3 cannot be shown here. Download the report to see it.");
  await page.waitForSelector('.ws-page[data-page="2"][data-rendered]');
  await page.waitForFunction(() => /Two/.test(document.querySelector('.ws-page[data-page="2"] .textLayer')?.textContent));
  const [first, , third] = await page.$$eval(".ws-page", (all) => all.map((one) => one.offsetHeight));
  assert.equal(third, first, "the place stays as large");
  assert.deepEqual(faults, []);
  await close();
});

test("without what lies over the pages the report is still read", async () => {
  const letter = site.add({ ...PDF, plain: makePdf({ pages: 3 }) });
  const { page, close } = await openPage(browser);
  await page.route(/pdf\.layers/, (route) => route.fulfill({ contentType: "text/javascript", body: "class A { static { } } ?" }));
  await page.goto(letter.link);
  await page.waitForSelector('.ws-page[data-page="2"][data-rendered]');
  await page.fill(NUMBER, "3");
  await page.keyboard.press("Enter");
  await page.waitForSelector('.ws-page[data-page="3"][data-rendered]');
  await page.waitForSelector("[data-search-open]", { state: "hidden" });
  assert.equal(await page.getAttribute("#letter", "data-state"), "viewer");
  await close();
});

test("without a line for long, what lies over the pages comes when the line is back", async () => {
  const letter = site.add({ ...PDF, plain: makePdf({ pages: 3 }) });
  const { page, close } = await openPage(browser);
  await page.clock.install();
  let tries = 0;
  // The tenth try is the first that finds the line; what asks why the ninth failed does not find it.
  await page.route(/pdf\.layers/, (route) => {
    if (route.request().method() === "GET") tries += 1;
    return tries < 10 ? route.abort() : route.continue();
  });
  await page.goto(letter.link);
  await page.waitForSelector('.ws-page[data-page="1"][data-rendered]');
  // Each step of the clock may come before the page has set its next timer.
  const layers = () => page.locator(".textLayer").count();
  for (const deadline = Date.now() + 60_000; (await layers()) < 3 && Date.now() < deadline; ) {
    await page.clock.fastForward(60_000);
  }
  assert.equal(await layers(), 3);
  assert.equal(await page.locator("[data-search-open]").isVisible(), true);
  await close();
});

test("what lies over the pages comes after the first page, and not again", async () => {
  const letter = site.add({ ...PDF, plain: makePdf({ pages: 3 }) });
  const { page, urls, close } = await openPage(browser);
  const held = [];
  await page.route(/pdf\.layers/, (route) => void held.push(route));
  await page.goto(letter.link);
  await page.waitForSelector('.ws-page[data-page="1"][data-rendered]');
  await page.waitForSelector('.ws-page[data-page="2"][data-rendered]');
  assert.equal(await page.locator(".textLayer").count(), 0);
  await held[0].continue();
  await page.waitForFunction(() => document.querySelectorAll(".textLayer").length === 3);
  assert.equal(urls.filter((url) => /pdf\.layers/.test(url)).length, 1);
  await close();
});
