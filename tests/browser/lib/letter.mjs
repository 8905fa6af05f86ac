// Where things stand on the letter page: the report first, what is done with it in reach, and Withdraw apart.

import assert from "node:assert/strict";
import { test } from "node:test";
import { oneOf } from "../../edge/lib/soak.mjs";
import { LANGUAGES, LOCALES, NAMES, words } from "./words.mjs";

const SIZES = [[360, 640], [360, 740], [1366, 768]];
/** What a finger needs, in pixels. */
const TARGET = 44;

export function head(world) {
  for (const [lang, endToEnd] of LANGUAGES.flatMap((lang) => oneOf(`head in ${lang}`, [[lang, false], [lang, true]]))) {
    test(`${NAMES[lang]}, ${endToEnd ? "end-to-end" : "edge-opened"}: the report, Download, Print and Withdraw are on the first screen`, async () => {
      const letter = await world.seal({ endToEnd, lang });
      const visitor = await world.reading(letter, { device: "phone", locale: LOCALES[lang] });
      const { page } = visitor;
      await visitor.inState("viewer");
      // Where a browser cannot print, the others stand where they stood.
      await page.locator("[data-print]").evaluate((button) => button.removeAttribute("hidden"));
      for (const [width, height] of SIZES) {
        await page.setViewportSize({ width, height });
        const at = `${width}×${height}`;
        const download = await boxOf(page.locator(".acts").getByText(words[lang].letter.download));
        const print = await boxOf(page.getByRole("button", { name: words[lang].letter.print }));
        const withdraw = await boxOf(page.locator("summary", { hasText: words[lang].letter.withdraw }));
        const stage = await boxOf(page.locator(".stage"));
        const first = await boxOf(page.locator(".ws-page").first());
        assert.ok(stage.y <= 0.45 * height, `${at}: the report begins at ${stage.y}`);
        assert.ok(first.y <= 0.6 * height, `${at}: its first page begins at ${first.y}`);
        for (const [name, box] of Object.entries({ download, print, withdraw })) {
          assert.ok(box.y >= 0 && box.y + box.height <= height && box.x >= 0 && box.x + box.width <= width, `${at}: ${name} is in reach`);
          assert.ok(Math.min(box.width, box.height) >= TARGET - 0.5, `${at}: ${name} is ${box.width}×${box.height}`);
        }
        assert.ok(print.x >= download.x + download.width && withdraw.x > print.x + print.width, `${at}: Print stands between Download and Withdraw`);
        assert.ok(withdraw.x + withdraw.width >= (await boxOf(page.locator(".about"))).right - 1, `${at}: Withdraw is at the far end`);
      }
      await page.setViewportSize({ width: 320, height: 568 });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "no scrolling sideways at 320 pixels");
      assert.equal(await linesOf(page.locator(".facts time")), 1, "the date is in one piece");
      await page.setViewportSize({ width: 1366, height: 768 });
      assert.equal(await linesOf(page.locator(".facts")), 1, "the facts are one line");
      await visitor.close();
    });
  }

  for (const lang of LANGUAGES) {
    test(`${NAMES[lang]}: what a state of the page asks for is on the first screen too`, async () => {
      const letter = await world.seal({ endToEnd: true, lang });
      const visitor = await world.reading(letter, { viewport: { width: 360, height: 640 }, locale: LOCALES[lang] });
      await visitor.inState("viewer");
      const low = await visitor.page.evaluate(() => {
        const sections = [...document.querySelectorAll(".stage > [data-when]")];
        return sections.flatMap((shown) => {
          for (const section of sections) section.hidden = section !== shown;
          const bottom = shown.querySelector(".button.main")?.getBoundingClientRect().bottom ?? 0;
          return bottom > innerHeight ? [`${shown.dataset.when} ends at ${bottom}`] : [];
        });
      });
      assert.deepEqual(low, []);
      await visitor.close();
    });
  }

  test("Withdraw opens over the report, moves nothing, and says what it does before it does it", async () => {
    const letter = await world.seal();
    const visitor = await world.reading(letter, { device: "phone" });
    const { page } = visitor;
    await visitor.inState("viewer");
    const button = page.getByRole("button", { name: words.en.letter.withdraw, description: words.en.letter.withdraw_hint });
    assert.equal(await button.isVisible(), false);
    const before = await boxOf(page.locator(".stage"));
    await page.locator(".withdraw summary").focus();
    await page.keyboard.press("Enter");
    await button.waitFor();
    assert.deepEqual(await boxOf(page.locator(".stage")), before);
    const box = await boxOf(button);
    assert.ok(box.y + box.height < 740 && box.x + box.width < 360);
    await page.keyboard.press("Tab");
    assert.ok(await button.evaluate((element) => element === document.activeElement));
    assert.ok(!(await world.record(letter)).includes("consent_withdrawn"));
    await visitor.close();
  });

  test("what has the focus is not under the viewer's tools", async () => {
    const visitor = await world.reading(await world.seal(), { device: "phone" });
    const { page } = visitor;
    await visitor.inState("viewer");
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    await page.locator("[data-pages]").evaluate((pages) => pages.lastElementChild.scrollIntoView());
    const tools = await boxOf(page.locator(".tools"));
    const last = await boxOf(page.locator(".ws-page").last());
    assert.ok(last.y >= tools.y + tools.height - 1, `the page begins at ${last.y}, the tools end at ${tools.y + tools.height}`);
    await visitor.close();
  });
}

export async function boxOf(locator) {
  const box = await locator.evaluate((element) => {
    const { x, y, width, height, right } = (element.closest(".button") ?? element).getBoundingClientRect();
    return { x, y, width, height, right };
  });
  return box;
}

/** How many lines of text an element has. */
function linesOf(locator) {
  return locator.evaluate((element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const line = parseFloat(getComputedStyle(element).lineHeight);
    return Math.round(range.getBoundingClientRect().height / line);
  });
}
