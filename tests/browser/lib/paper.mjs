// The pages on paper: the letter page prints the report, the receipt takes one sheet, the others their words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../../edge/lib/site.mjs";
import { oneOf } from "../../edge/lib/soak.mjs";
import { assertSamePages, pagesOf } from "./printed.mjs";
import { LANGUAGES, LOCALES, words } from "./words.mjs";
import { REPORT_BYTES } from "./world.mjs";

const SUBJECTS = {
  en: "Inspection of your car, WX-482-S, and what we propose to repair before the winter",
  nl: "Keuring van uw auto, WX-482-S, en wat wij voor de winter willen herstellen",
  fr: "Contrôle de votre voiture, WX-482-S, et réparations proposées avant l’hiver",
  de: "Prüfung Ihres Autos, WX-482-S, und was wir vor dem Winter instand setzen möchten",
};
/** A browser of its own, not a messenger's. */
const CHROME = "Mozilla/5.0 (Linux; Android 14; SM-A155F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36";

const squeezed = (text) => text.replaceAll(/\s+/g, "");
const says = (sheets, text) => squeezed(sheets.map((sheet) => sheet.text).join(" ")).includes(squeezed(text));

export function paper(world) {
  const printed = async (visitor, options) => pagesOf(world.browser, await visitor.page.pdf(options));
  const written = async (visitor, options) => pagesOf(world.browser, await visitor.page.pdf(options), { drawn: false });

  for (const [device, options] of [["desktop", {}], ["phone", { userAgent: CHROME }]]) {
    for (const endToEnd of oneOf(`printed on ${device}`, [false, true])) {
      test(`${endToEnd ? "end-to-end" : "edge-opened"}, ${device}: the letter page prints the report, page by page`, async () => {
        const visitor = await world.visitor({ device, ...options });
        await visitor.page.addInitScript(() => {
          window.calls = 0;
          window.print = () => (window.calls += 1);
        });
        await visitor.page.goto((await world.seal({ endToEnd })).link);
        await visitor.agree();
        await visitor.press("[data-print]");
        await visitor.page.waitForFunction(() => window.calls === 1);
        assertSamePages(await printed(visitor, { preferCSSPageSize: true }), await pagesOf(world.browser, REPORT_BYTES));
        await visitor.close();
      });
    }
  }

  test("a messenger's own browser has no printer: Print is not offered, and paper says where the report is", async () => {
    const visitor = await world.reading(await world.seal(), { device: "phone", inApp: true });
    await visitor.page.waitForSelector('[data-pages][aria-busy="false"]');
    assert.equal(await visitor.page.locator("[data-print]:visible").count(), 0);
    const sheets = await written(visitor, { format: "A4" });
    assert.equal(sheets.length, 1);
    assert.ok(says(sheets, words.en.letter.print_file));
    await visitor.close();
  });

  for (const lang of oneOf("on one sheet", LANGUAGES)) {
    const locale = LOCALES[lang];
    const { envelope, letter: reading, receipt } = words[lang];

    test(`${lang}: receipts take one sheet, of A4 and of Letter`, async () => {
      for (const no of [false, true]) {
        const letter = await world.seal({ lang, subject: SUBJECTS[lang], reference: "GV-2026-1187" });
        const visitor = await world.visitor({ locale });
        await visitor.page.goto(letter.link);
        if (no) {
          await visitor.refuse(visitor.page.locator("[form=no], #no button").first());
          await visitor.page.waitForLoadState();
          await oneSheet(visitor, letter, receipt.refused_heading);
        } else {
          await visitor.agree();
          await oneSheet(visitor, letter, receipt.given_heading, "GV-2026-1187");
          await visitor.page.goto(letter.link);
          await visitor.withdraw();
          await oneSheet(visitor, letter, receipt.withdrawn_heading, "GV-2026-1187");
        }
        await visitor.close();
      }
    });

    test(`${lang}: the envelope and, without script, the letter page take one sheet of words`, async () => {
      const visitor = await world.visitor({ locale, javaScriptEnabled: false, colorScheme: "dark" });
      await visitor.page.goto((await world.seal({ lang, subject: SUBJECTS[lang] })).link);
      let sheets = await printed(visitor, { format: "A4" });
      const terms = await visitor.page.locator("[data-terms]").textContent();
      assert.equal(sheets.length, 1);
      for (const text of [SUBJECTS[lang], envelope.expires, terms]) assert.ok(says(sheets, text), text);
      assert.ok(!says(sheets, envelope.refuse), "no buttons");
      lightAsPaper(sheets);
      await visitor.agree();
      sheets = await printed(visitor, { format: "A4" });
      assert.equal(sheets.length, 1);
      for (const text of [SUBJECTS[lang], "inspection-report.pdf", reading.print_file]) assert.ok(says(sheets, text), text);
      for (const text of [reading.withdraw, reading.download]) assert.ok(!says(sheets, text), `no ${text}`);
      lightAsPaper(sheets);
      await visitor.close();
    });
  }

  test("longer terms flow on, and no heading ends a sheet", async () => {
    const letter = await world.seal();
    const visitor = await world.reading(letter);
    await receiptOf(visitor, letter);
    // Forty receipts in one, each with a line more.
    const headings = await visitor.page.evaluate(() => {
      const main = document.querySelector("main");
      for (let lines = 1; lines <= 40; lines += 1) {
        const copy = main.cloneNode(true);
        copy.style.breakBefore = "page";
        const last = copy.querySelector("[data-terms] p:last-child");
        last.textContent = Array.from({ length: 5 + lines }, (_, n) => `and ${n}`).join("\n");
        document.body.append(copy);
      }
      return Array.from(main.querySelectorAll("h2"), (heading) => heading.textContent);
    });
    const sheets = await written(visitor, { format: "A4" });
    assert.ok(sheets.length > 50, `${sheets.length} sheets`);
    for (const [n, sheet] of sheets.entries()) {
      for (const heading of headings) assert.ok(!squeezed(sheet.text).endsWith(squeezed(heading)), `sheet ${n + 1} ends with ${heading}`);
    }
    await visitor.close();
  });

  async function receiptOf(visitor, letter) {
    const address = `${letter.url}/receipt`;
    // The proof follows the choice by a moment.
    await until(async () => (await visitor.page.goto(address)).status() === 200);
  }

  async function oneSheet(visitor, letter, heading, ...more) {
    await receiptOf(visitor, letter);
    assert.equal(await visitor.heading(), heading);
    const terms = await visitor.page.locator("[data-terms]").textContent();
    for (const format of ["A4", "Letter"]) {
      const sheets = await written(visitor, { format });
      assert.equal(sheets.length, 1, `${heading}, ${format}`);
      for (const text of [heading, terms, ...more]) assert.ok(says(sheets, text), text);
    }
  }
}

/** Whatever the reader's colours: ink is spent on words only. */
function lightAsPaper(sheets) {
  for (const { tiles } of sheets) assert.ok(tiles.filter((grey) => grey > 240).length > 0.7 * tiles.length, "most of the sheet is white");
}
