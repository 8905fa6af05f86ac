// What holds on every page: readable by everybody, painted before any script, the key never on the line.

import assert from "node:assert/strict";
import { test } from "node:test";
import { drawn } from "../../edge/lib/soak.mjs";
import { STATES } from "./states.mjs";

export function accessible(world) {
  for (const [name, open] of Object.entries(STATES).filter(([name]) => drawn(`axe on ${name}`))) {
    test(`axe finds nothing on ${name}, light and dark, phone and desktop`, async () => {
      const visitor = await open(world, {});
      await visitor.accessible(name);
      await visitor.close();
    });
  }
}

export function firstPaint(world) {
  for (const endToEnd of [false, true]) {
    test(`envelope and letter are painted while every script is still on its way, ${endToEnd ? "end-to-end" : "edge-opened"}`, async () => {
      const letter = await world.seal({ endToEnd });
      const visitor = await world.visitor({ device: "phone" });
      const { page } = visitor;
      const held = [];
      let hold = true;
      // One handler for both: what is asked for between letting go and `unroute` would be held for ever.
      await page.route("**/assets/**", (route) => (hold ? void held.push(route) : route.continue()));
      await page.goto(letter.link, { waitUntil: "commit" });
      await painted(page);
      await Promise.all(held.splice(0).map((route) => route.continue()));
      await visitor.read();
      await page.locator("[name=agree]").check();
      await page.locator("#yes .button.main").click({ noWaitAfter: true });
      await page.waitForSelector("#letter");
      await painted(page);
      assert.equal(await page.locator("[data-when]:visible").count(), 0);
      hold = false;
      await Promise.all(held.splice(0).map((route) => route.continue()));
      await visitor.cookie();
      await visitor.inState("viewer");
      assert.ok((await visitor.shift()) < 0.02, `nothing jumped: ${await visitor.shift()}`);
      await visitor.close();
    });
  }
}

/** After all others. */
export function kept(world) {
  test("no key of an end-to-end letter was in any request, nor the address of a page", () => {
    const sent = world.front.received();
    assert.ok(world.keys.length > 10 && sent.length > 100_000, "there is something to search");
    for (const key of world.keys) assert.ok(!sent.includes(key), "a key went over the line");
    assert.doesNotMatch(sent.toString("latin1"), /\r\nreferer:/i);
  });
}

function painted(page) {
  return page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
}
