// Pages that say that something did not work, and their way back to an end-to-end letter: its key, which is only in the
// address, survives each.

import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, chooses } from "./states.mjs";
import { words } from "./words.mjs";

const { closed, confirm, withdraw } = words.en;

/** Name of the page, how to get there, and its heading. */
const PAGES = {
  "a choice that was not ours": [async (world, letter) => {
    const visitor = await at(world, letter.link);
    await visitor.page.locator("#yes [name=nonce]").evaluate((input) => (input.value = "stale"));
    await visitor.page.locator("[name=agree]").check();
    await visitor.press("#yes .button.main");
    return visitor;
  }, closed.form_invalid_title],
  "the report's address without a right": [(world, letter) => at(world, `${letter.url}/report#${letter.key}`), closed.no_right_title],
  "wrong answers to the question": [async (world, letter) => {
    const visitor = await asked(world, {}, letter);
    for (let left = 3; left > 0; left -= 1) await chooses(visitor, false);
    return visitor;
  }, closed.doubted_title],
};

export function waysBack(world) {
  for (const [name, [open, title]] of Object.entries(PAGES)) {
    test(name, async () => {
      const letter = await world.seal({ endToEnd: true });
      const visitor = await open(world, letter);
      await visitor.page.getByRole("heading", { name: title }).waitFor();
      await visitor.page.getByRole("link", { name: closed.back }).click();
      await visitor.page.waitForSelector("#yes");
      assert.equal(visitor.address(), letter.link);
      await visitor.close();
    });
  }

  test("an undo that comes too late", async () => {
    const letter = await world.seal({ endToEnd: true });
    const visitor = await world.reading(letter);
    const { page } = visitor;
    await visitor.inState("viewer");
    await visitor.withdraw();
    const undo = page.getByRole("button", { name: closed.undo_button });
    await undo.waitFor();
    await visitor.context.clearCookies();
    await undo.click();
    await page.getByRole("heading", { name: closed.undo_late_title }).waitFor();
    await page.getByRole("link", { name: closed.back }).click();
    await page.getByRole("heading", { name: closed.withdrawn_title }).waitFor();
    assert.equal(visitor.address(), letter.link);
    await page.getByRole("link", { name: closed.receipt }).click();
    assert.equal(new URL(page.url()).hash, `#${letter.key}`);
    await visitor.close();
  });

  test("a withdrawal by the page of a mail program's button, undone", async () => {
    const letter = await world.seal({ endToEnd: true });
    const visitor = await world.reading(letter);
    const { page } = visitor;
    await visitor.inState("viewer");
    await page.goto(`${letter.url}/withdraw#${letter.key}`);
    await page.getByRole("heading", { name: withdraw.title }).waitFor();
    await visitor.read("form");
    await page.getByRole("button", { name: withdraw.button }).click();
    await page.getByRole("button", { name: closed.undo_button }).click();
    await visitor.inState("viewer");
    assert.equal(visitor.address(), letter.link);
    await visitor.close();
  });

  test("the question, answered right, and its way back to the terms", async () => {
    const letter = await world.seal({ endToEnd: true });
    const visitor = await asked(world, {}, letter);
    const { page } = visitor;
    await page.getByRole("link", { name: confirm.again }).click();
    await page.waitForSelector(".full summary");
    assert.equal(visitor.address(), letter.link);
    await visitor.close();
  });
}

async function at(world, address) {
  const visitor = await world.visitor();
  await visitor.page.goto(address);
  return visitor;
}
