// The key of an end-to-end letter that is missing, cut short or another's: said on the envelope, before anything is agreed to.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleReportShows } from "./report.mjs";
import { words } from "./words.mjs";

const { envelope, letter: reading, closed } = words.en;

export function keys(world) {
  for (const [what, state, spoil] of [
    ["no key", "missing-key", ({ url }) => url],
    ["a key cut short", "wrong-key", ({ link }) => link.slice(0, -3)],
    ["a mistyped character", "wrong-key", ({ link }) => mistyped(link)],
    ["the key of another letter", "wrong-key", ({ url }, other) => `${url}#${other.key}`],
  ]) {
    test(`${what}: the envelope says so, takes the original link, and the letter then opens without asking again`, async () => {
      const [letter, other] = await Promise.all([world.seal({ endToEnd: true }), world.seal({ endToEnd: true })]);
      const visitor = await world.visitor({ device: "phone" });
      const { page } = visitor;
      await page.goto(spoil(letter, other));
      await page.waitForSelector(`#envelope[data-state="${state}"]`);
      const asking = page.locator(`[data-when="${state}"]`);
      await asking.getByRole("heading", { name: state === "missing-key" ? reading.missing_heading : reading.wrong_heading }).waitFor();
      assert.equal(await page.locator("#yes").isVisible(), false, "nothing can be agreed to");
      assert.ok(await page.getByRole("button", { name: envelope.refuse }).isVisible(), "a no needs no key");
      await visitor.accessible(`the envelope with ${what}`);

      await paste(asking, other.link.replace(other.token, letter.token));
      const wrong = page.locator('[data-when="wrong-key"]');
      await wrong.getByText(reading.link_error).waitFor();
      assert.ok(await wrong.locator("[data-link]").evaluate((input) => input === document.activeElement), "there the reader goes on");

      await paste(wrong, `  ${letter.link} `);
      await page.waitForSelector('#envelope[data-state="choice"]');
      assert.equal(visitor.address(), letter.link);
      assert.ok(await page.locator("[name=agree]").evaluate((box) => box === document.activeElement));
      assert.deepEqual((await world.record(letter)).filter((kind) => kind.startsWith("consent")), []);
      await asksForNoKey(page);
      await visitor.agree();
      await sampleReportShows(visitor);
      assert.equal(visitor.address(), letter.link);
      assert.equal(await page.evaluate(() => window.asked), false, "the letter page does not ask again");
      await visitor.close();
    });
  }

  test("until the key was looked at nothing can be agreed to, a no is heard, and nothing moves then", async () => {
    const letter = await world.seal({ endToEnd: true });
    const visitor = await world.visitor({ device: "phone" });
    const { page } = visitor;
    let look;
    const held = new Promise((resolve) => (look = resolve));
    await page.route(/\/assets\/envelope\.js/, async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(letter.link, { waitUntil: "commit" });
    const no = page.getByRole("button", { name: envelope.refuse });
    await no.waitFor();
    const before = await no.boundingBox();
    assert.equal(await page.locator("#yes").isVisible(), false);
    look();
    await page.waitForSelector('#envelope[data-state="choice"]');
    assert.ok(await page.locator("#yes").isVisible());
    assert.deepEqual(await no.boundingBox(), before);
    await visitor.close();
  });

  test("without a key a no is heard", async () => {
    const letter = await world.seal({ endToEnd: true });
    const visitor = await world.visitor();
    await visitor.page.goto(letter.url);
    await visitor.page.waitForSelector('#envelope[data-state="missing-key"]');
    await visitor.refuse(visitor.page.getByRole("button", { name: envelope.refuse }));
    await visitor.page.getByRole("heading", { level: 1, name: closed.refused_title }).waitFor();
    await visitor.close();
  });

  test("the key is taken out of the address by hand, and put back", async () => {
    const letter = await world.seal({ endToEnd: true });
    const visitor = await world.visitor();
    const { page } = visitor;
    await page.goto(letter.link);
    await page.waitForSelector('#envelope[data-state="choice"]');
    await page.evaluate(() => (location.hash = "#"));
    await page.waitForSelector('#envelope[data-state="missing-key"]');
    await page.evaluate((key) => (location.hash = key), letter.key);
    await page.waitForSelector('#envelope[data-state="choice"]');
    await visitor.close();
  });

  for (const [what, state, spoil] of [
    ["no key", "missing-key", ({ url }) => url],
    ["another key", "wrong-key", ({ link }) => mistyped(link)],
  ]) {
    test(`${what} on the letter page, after consent: asked there, by the same form`, async () => {
      const letter = await world.seal({ endToEnd: true });
      const visitor = await world.reading(letter);
      const { page } = visitor;
      await visitor.inState("viewer");
      await page.goto("about:blank");
      await page.goto(spoil(letter));
      await visitor.inState(state);
      await paste(page.locator(`[data-when="${state}"]`), letter.link);
      await visitor.inState("viewer");
      assert.equal(visitor.address(), letter.link);
      await page.reload();
      await visitor.inState("viewer");
      await visitor.close();
    });
  }

  test("a letter sealed before keys had a check: its wrong key is found after consent, as before", async () => {
    const [letter, other] = await Promise.all([world.seal({ endToEnd: true }), world.seal({ endToEnd: true })]);
    const visitor = await world.visitor();
    const { page } = visitor;
    await page.route(`**/${letter.token}`, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: (await response.text()).replace(/ data-key-check="[0-9a-f]{8}"/, "") });
    });
    await page.goto(`${letter.url}#${other.key}`);
    await page.waitForSelector('#envelope[data-state="choice"]');
    await page.unroute(`**/${letter.token}`);
    await visitor.agree();
    await visitor.inState("wrong-key");
    await visitor.close();
  });
}

/** The link with one character of its key read wrongly. */
export function mistyped(link) {
  const at = link.indexOf("#") + 5;
  return link.slice(0, at) + (link[at] === "7" ? "8" : "7") + link.slice(at + 1);
}

async function paste(section, link) {
  await section.getByLabel(reading.link_label).fill(link);
  await section.getByRole("button").click();
}

/** Notes on the pages that come whether they ever ask for the key. */
function asksForNoKey(page) {
  return page.addInitScript(() => {
    window.asked = false;
    new MutationObserver(() => {
      if (/-key$/.test(document.querySelector("main")?.dataset.state ?? "")) window.asked = true;
    }).observe(document, { attributes: true, subtree: true, attributeFilter: ["data-state"] });
  });
}
