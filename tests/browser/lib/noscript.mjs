// Script switched off: everything works but end-to-end decryption, which says so and offers what to do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { closedAs } from "./choices.mjs";
import { DEVICES } from "./visitor.mjs";
import { words } from "./words.mjs";

const en = words.en;

export function noScript(world) {
  for (const device of Object.keys(DEVICES)) {
    test(`edge-opened, ${device}: the whole journey`, async () => {
      const letter = await world.seal();
      const visitor = await world.visitor({ whole: true, device, javaScriptEnabled: false });
      const { page } = visitor;
      await page.goto(letter.link);
      await visitor.agree();
      for (const state of await page.locator("[data-when]").all()) assert.equal(await state.isVisible(), false);
      const { bytes, name } = await visitor.download(() => page.getByRole("link", { name: en.letter.download }).click());
      assert.ok(letter.bytes.equals(bytes));
      assert.equal(name, "inspection-report.pdf");

      const address = `${letter.url}/report`;
      const opened = page.context().waitForEvent("response", (response) => response.url() === address);
      await page.getByRole("link", { name: en.letter.open }).click();
      const response = await opened;
      assert.equal(response.status(), 200);
      assert.equal(response.headers()["content-type"], "application/pdf");
      assert.match(response.headers()["content-disposition"], /^inline/);
      await page.waitForURL(address);

      await page.goto(letter.link);
      await visitor.withdraw();
      await closedAs(visitor, en.closed.withdrawn_title);
      await visitor.close();
    });

    test(`end-to-end, ${device}: says what is needed and what to do`, async () => {
      const letter = await world.seal({ endToEnd: true });
      const visitor = await world.visitor({ device, javaScriptEnabled: false });
      const { page } = visitor;
      await page.goto(letter.link);
      await page.locator("noscript p", { hasText: en.envelope.script }).waitFor();
      assert.equal(await page.locator("#yes").isVisible(), false, "what cannot be read is not agreed to");
      // Who agreed where there was a script.
      await visitor.read();
      await page.locator("#yes").evaluate((form) => {
        form.querySelector("[name=agree]").checked = true;
        form.submit();
      });
      await page.locator("noscript h2", { hasText: en.letter.script_heading }).waitFor();
      await page.locator("noscript p", { hasText: en.letter.script_text }).waitFor();
      assert.ok(await page.getByRole("link", { name: "service@garage-vermeer.example" }).isVisible());
      for (const state of await page.locator("[data-when]").all()) assert.equal(await state.isVisible(), false);
      await visitor.withdraw();
      await closedAs(visitor, en.closed.withdrawn_title);
      await visitor.close();
    });
  }

  test("refusing works too", async () => {
    const letter = await world.seal();
    const visitor = await world.visitor({ device: "phone", javaScriptEnabled: false });
    await visitor.page.goto(letter.link);
    await visitor.refuse(visitor.page.getByRole("button", { name: en.envelope.refuse }));
    await closedAs(visitor, en.closed.refused_title);
    await visitor.close();
  });
}
