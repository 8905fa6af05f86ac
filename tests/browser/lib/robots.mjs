// Who looks like a robot is asked once more, and a person gets through: in every language, without script, by keyboard alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, chooses } from "./states.mjs";
import { DEVICES } from "./visitor.mjs";
import { LANGUAGES, words } from "./words.mjs";

export function robots(world) {
  for (const [lang, device] of LANGUAGES.map((lang, at) => [lang, Object.keys(DEVICES)[at % 2]])) {
    test(`${lang}, ${device}: asked, wrong, asked again, right, and the letter opens`, async () => {
      const letter = await world.seal({ endToEnd: lang === "fr", lang });
      const visitor = await asked(world, { device, locale: lang }, letter);
      const { page } = visitor;
      const text = words[lang];
      assert.equal(await visitor.heading(), text.confirm.title);
      assert.equal(await page.locator("html").getAttribute("lang"), lang);
      assert.equal(await visitor.cookie(), undefined, "nothing is consented");
      assert.equal(await page.locator(".words input:checked").count(), 0, "nothing is chosen ahead");
      const all = text.confirm.words.split(", ");
      const shown = (await page.locator(".words label").allInnerTexts()).map((word) => word.trim());
      assert.ok(shown.length === 6 && new Set(shown).size === 6 && shown.every((word) => all.includes(word)), `${shown}`);
      // To a screen reader it is one group of six, named by the sentence.
      const group = page.getByRole("group", { name: await page.locator(".words legend").innerText() });
      assert.equal(await group.getByRole("radio").count(), 6);
      await visitor.accessible(`the question in ${lang}`);
      await chooses(visitor, false);
      assert.equal(await page.locator("#confirm-error").innerText(), text.confirm.error_wrong);
      assert.match(await page.title(), new RegExp(text.envelope.error_title.replace("{title}", ".*")));
      assert.equal(await page.locator(".words input").first().evaluate((input) => input === document.activeElement), true);
      await chooses(visitor, true);
      await page.waitForSelector("#letter");
      await visitor.inState("viewer");
      assert.ok(await visitor.cookie());
      assert.equal(visitor.address(), letter.link, "the key is still there");
      const record = await world.record(letter);
      assert.deepEqual(record.filter((kind) => /robot|consent/.test(kind)), ["robot_suspected", "robot_suspected", "consent_given"]);
      await visitor.close();
    });
  }

  test("without script and by keyboard alone", async () => {
    const visitor = await asked(world, { javaScriptEnabled: false });
    const { page } = visitor;
    const sentence = await page.locator(".words legend").innerText();
    const shown = (await page.locator(".words label").allInnerTexts()).map((word) => word.trim());
    await page.locator(".words input").first().focus();
    await page.keyboard.press("Space");
    for (let left = shown.findIndex((word) => sentence.includes(word)); left > 0; left -= 1) await page.keyboard.press("ArrowDown");
    await page.waitForTimeout(2_100);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#letter");
    await visitor.close();
  });

  test("no, thank you is as near as yes; the way back shows the terms again", async () => {
    const visitor = await asked(world, {});
    await visitor.page.getByRole("link", { name: words.en.confirm.again }).click();
    await visitor.page.waitForSelector(".full summary");
    await visitor.page.locator("[name=agree]").check();
    await visitor.press("#yes .button.main");
    await visitor.page.waitForSelector("fieldset.words");
    await visitor.refuse(visitor.page.locator("#no .button"));
    // A no is asked about once more, too: nothing else can be chosen there.
    await visitor.page.getByText(words.en.confirm.decline_lead).waitFor();
    assert.equal(await visitor.page.getByRole("button").count(), 1);
    await chooses(visitor, true);
    // A browser that calls itself a program is one on record, whatever it can read.
    await visitor.page.getByRole("heading", { name: words.en.acts.no_title }).waitFor();
    await visitor.close();
  });
}
