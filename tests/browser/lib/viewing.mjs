// The report in its viewer, on the real edge under its real policy.

import assert from "node:assert/strict";
import { test } from "node:test";
import { heard, textOf } from "../harness/heard.mjs";

export function viewing(world) {
  for (const [device, endToEnd] of [["phone", false], ["desktop", true]]) {
    test(`${endToEnd ? "end-to-end" : "edge-opened"}, ${device}: read, searched, heard and walked through`, async () => {
      const letter = await world.seal({ endToEnd });
      const visitor = await world.reading(letter, { device });
      const { page } = visitor;
      await visitor.inState("viewer");
      await page.waitForFunction(() => document.querySelectorAll(".ws-page").length === 5 && document.querySelectorAll(".ws-tree").length === 5);
      assert.equal(await page.evaluate(() => window.find("dismantling") && getSelection().anchorNode.parentElement.closest(".ws-page").dataset.page), "5");
      if (!endToEnd) {
        const letters = (text) => [...text.normalize("NFKC").replace(/\s+/g, "")].sort().join("");
        const spoken = await heard(page);
        assert.deepEqual(spoken.map(({ text }) => letters(text)), (await textOf(page)).map(letters), "all of it, once");
      }
      await page.fill("[data-page-number]", "2");
      await page.keyboard.press("Enter");
      await page.waitForSelector('.ws-page[data-page="2"][data-rendered]');
      await page.click("[data-search-open]");
      await page.keyboard.type("fixed prices");
      await page.locator("[data-search-count]", { hasText: "1 of 2" }).or(page.locator("[data-search-count]", { hasText: "2 of 2" })).waitFor();
      await page.waitForSelector(".highlight.selected");
      await page.keyboard.press("Escape");
      assert.equal(visitor.address(), letter.link, "the address is the link, with its key");
      assert.ok((await visitor.shift()) < 0.02, `nothing jumped: ${await visitor.shift()}`);
      await visitor.close();
    });
  }
}
