// The API's reference as people read it: on a phone and a desktop, in light and dark, with the keyboard, on paper.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { SIZES, launch, openPage } from "./harness/browser.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PAGE = readFileSync(new URL("../../docs/reference.html", import.meta.url));

const SOME = ["CreateLetter", "ShowLetter", "PutRules", "RevokeKey"];

let browser, server, url;
before(async () => {
  server = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end(PAGE));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${server.address().port}/`;
  browser = await launch();
});
after(async () => {
  await browser?.close();
  server?.close();
});

for (const [name, size] of Object.entries(SIZES)) {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    test(`${name}, ${colorScheme}: axe finds nothing, nothing is cut off, nothing is fetched`, async () => {
      const { page, faults, urls, close } = await openPage(browser, { size, colorScheme, bypassCSP: true });
      await page.goto(url);
      await page.evaluate(() => document.querySelectorAll("details").forEach((it) => (it.open = true)));
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), size.width);
      // Routes and problems are of one make each: axe takes half a minute for all of them, and looks at some.
      await page.evaluate((kept) => {
        for (const it of document.querySelectorAll("article")) if (!kept.includes(it.id)) it.remove();
        for (const it of document.querySelectorAll(".problems > div:nth-child(n + 4)")) it.remove();
      }, SOME);
      await page.evaluate(AXE);
      const found = await page.evaluate("axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })");
      assert.deepEqual(found.violations.map((it) => [it.id, it.nodes[0].html, it.nodes[0].failureSummary]), []);
      assert.ok(found.passes.length > 20);
      assert.equal(await page.locator("article").count(), SOME.length);
      assert.deepEqual([urls.filter((it) => !it.startsWith("data:")), faults], [[url], []]);
      await close();
    });
  }
}

test("its own policy lets its style apply, and a problem is found by its address", async () => {
  const { page, faults, close } = await openPage(browser, { size: SIZES.phone });
  await page.goto(`${url}#not_a_uuid`);
  const problem = page.locator("#not_a_uuid");
  assert.ok(await problem.evaluate((it) => it.getBoundingClientRect().top >= 0 && it.getBoundingClientRect().bottom <= innerHeight));
  assert.equal(await problem.evaluate((it) => getComputedStyle(it).boxShadow !== "none"), true, "it stands out");
  assert.deepEqual(faults, []);
  await close();
});

test("with the keyboard alone: past the contents to a route, and what is folded opens", async () => {
  const { page, close } = await openPage(browser, { size: SIZES.desktop });
  await page.goto(url);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "To the routes");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.ok(await page.evaluate(() => document.activeElement.closest("main") !== null));
  const fold = page.locator("main summary").first();
  await fold.focus();
  await page.keyboard.press("Enter");
  assert.ok(await fold.evaluate((it) => it.parentElement.open));
  await close();
});

test("on paper everything is unfolded, and black on white", async () => {
  const { page, close } = await openPage(browser, { size: SIZES.desktop, colorScheme: "dark" });
  await page.goto(url);
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  const folded = await page.locator("main details > dl").evaluateAll((all) => all.filter((it) => !it.checkVisibility({ contentVisibilityAuto: true })).length);
  assert.equal(folded, 0);
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).color), "rgb(29, 25, 20)");
  await close();
});
