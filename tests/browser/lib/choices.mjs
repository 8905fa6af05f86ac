// Yes needs a tick; no and withdrawal are final; nothing comes back by the back button.

import assert from "node:assert/strict";
import { test } from "node:test";
import { words } from "./words.mjs";

const en = words.en;

export function choices(world) {
  test("unticked: the browser stops it before anything is sent", async () => {
    const letter = await world.seal();
    const visitor = await world.visitor({ device: "phone" });
    await visitor.page.goto(letter.link);
    const before = visitor.requests;
    await visitor.press("#yes .button.main");
    assert.ok(await visitor.page.locator("[name=agree]").evaluate((box) => box.matches(":invalid:focus")));
    assert.equal(visitor.requests, before);
    await visitor.close();
  });

  for (const javaScriptEnabled of [true, false]) {
    test(`unticked where the browser does not mind, script ${javaScriptEnabled ? "on" : "off"}: said at the box, then it opens`, async () => {
      const letter = await world.seal();
      const visitor = await world.visitor({ device: "phone", javaScriptEnabled });
      const { page } = visitor;
      await forgetRequired(page);
      await page.goto(letter.link);
      const [answer] = await Promise.all([page.waitForResponse((response) => response.request().method() === "POST"), visitor.press("#yes .button.main")]);
      assert.equal(answer.status(), 422);
      const error = page.getByText(en.envelope.error_unticked);
      await error.waitFor();
      const box = page.getByRole("checkbox", { name: en.envelope.agree, description: en.envelope.error_unticked });
      assert.equal(await box.getAttribute("aria-invalid"), "true");
      assert.ok(await page.getByRole("alert").isVisible());
      assert.match(await page.title(), /^Please check/);
      assert.ok(!(await world.record(letter)).includes("consent_given"));
      await visitor.agree();
      await visitor.close();
    });
  }

  test("“No, thank you” is final and needs no tick; going back brings nothing", async () => {
    const letter = await world.seal();
    const visitor = await world.visitor({ device: "phone" });
    const { page } = visitor;
    await page.goto(letter.link);
    await visitor.refuse(page.getByRole("button", { name: en.envelope.refuse }));
    await closedAs(visitor, en.closed.refused_title);
    assert.equal(visitor.address(), letter.url);
    await page.goBack().catch(() => null);
    await closedAs(visitor, en.closed.refused_title);
    const other = await world.visitor();
    await other.page.goto(letter.link);
    await closedAs(other, en.closed.refused_title);
    assert.deepEqual((await world.record(letter)).filter((kind) => kind.startsWith("consent")), ["consent_refused"]);
    await other.close();
    await visitor.close();
  });

  for (const [endToEnd, device] of [[false, "phone"], [true, "desktop"]]) {
    test(`undone by one click, ${endToEnd ? "end-to-end" : "edge-opened"}: the same letter opens again, key and all`, async () => {
      const letter = await world.seal({ endToEnd });
      const visitor = await world.reading(letter, { device });
      await visitor.inState("viewer");
      await visitor.withdraw();
      await closedAs(visitor, en.closed.withdrawn_title);
      const undo = visitor.page.getByRole("button", { name: en.closed.undo_button, description: en.closed.undo_text });
      const [button, heading] = await Promise.all([undo.boundingBox(), visitor.page.locator("h1").boundingBox()]);
      assert.ok(Math.abs(button.x + button.width / 2 - heading.x - heading.width / 2) < 1, "the button is in the middle");
      await undo.click();
      await visitor.inState("viewer");
      assert.equal(visitor.address(), letter.link);
      await visitor.close();
    });
  }

  for (const endToEnd of [false, true]) {
    test(`withdrawn by one click, ${endToEnd ? "end-to-end" : "edge-opened"}: closed at once, for other browsers too`, async () => {
      const letter = await world.seal({ endToEnd });
      const other = await world.reading(letter);
      await other.inState("viewer");
      const visitor = await world.reading(letter, { device: "phone" });
      const { page } = visitor;
      await visitor.inState("viewer");
      const { value } = await visitor.cookie();
      await visitor.withdraw();
      await closedAs(visitor, en.closed.withdrawn_title);
      await page.goBack().catch(() => null);
      await closedAs(visitor, en.closed.withdrawn_title);
      assert.equal(await page.locator("canvas").count(), 0);
      const report = await fetch(`${letter.url}/report`, { headers: { cookie: `${(await other.cookie()).name}=${value}` } });
      assert.ok(!(await report.text()).includes("%PDF"), "an old cookie opens nothing");
      await other.page.reload();
      await closedAs(other, en.closed.withdrawn_title);
      assert.ok((await world.record(letter)).includes("consent_withdrawn"));
      await other.close();
      await visitor.close();
    });
  }

  test("a choice from a page of another letter is refused in words, and nothing is recorded", async () => {
    const [one, two] = await Promise.all([world.seal(), world.seal()]);
    const visitor = await world.visitor();
    const { page } = visitor;
    await page.goto(one.link);
    const stolen = await page.locator("#yes [name=nonce]").getAttribute("value");
    await page.goto(two.link);
    await page.locator("#yes [name=nonce]").evaluate((input, value) => (input.value = value), stolen);
    await page.locator("[name=agree]").check();
    await visitor.press("#yes .button.main");
    await page.getByRole("heading", { name: en.closed.form_invalid_title }).waitFor();
    await page.getByRole("link", { name: en.closed.back }).click();
    await page.waitForSelector("#yes");
    assert.ok(!(await world.record(two)).includes("consent_given"));
    await visitor.close();
  });
}

/** A closed page: its heading, and nothing of the report on it. */
export async function closedAs(visitor, title) {
  await visitor.page.getByRole("heading", { level: 1, name: title }).waitFor();
  assert.equal(await visitor.page.locator("#letter, #yes").count(), 0);
  assert.ok(!(await visitor.page.content()).includes("inspection-report"), "nothing of the report is on a closed page");
}

/** A browser that knows no `required`. */
function forgetRequired(page) {
  return page.route("**", async (route) => {
    if (route.request().method() !== "GET" || route.request().resourceType() !== "document") return route.continue();
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replace(" required", "") });
  });
}
