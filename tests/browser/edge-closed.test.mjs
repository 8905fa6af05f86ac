// Pages that say one thing and offer one: what they offer stands on the first screen, their dates are in one piece, and
// strangers get a page that they can read.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { STATES, asked, askedAboutNo } from "./lib/states.mjs";
import { LANGUAGES, LOCALES, words } from "./lib/words.mjs";
import { SUBJECT, World } from "./lib/world.mjs";

const SIZES = [[360, 640], [1366, 768]];
/** Pages that a GET shows again, in another language, and the word on what they offer. */
const PAGES = {
  expired: ({ closed }) => closed.expired_mail, cancelled: ({ common }) => common.mail, refused: ({ closed }) => closed.undo_button, withdrawn: ({ closed }) => closed.undo_button,
  missing: ({ closed }) => closed.retry, "no-right": ({ closed }) => closed.back, withdraw: ({ withdraw }) => withdraw.button,
};
const NAMED = new Set(["expired", "cancelled", "refused", "withdrawn"]);

const world = new World();
before(() => world.start("closed"));
after(() => world.stop());

/** The button is in reach, and every date in one piece. */
async function fits(page, button, what) {
  for (const [width, height] of SIZES) {
    await page.setViewportSize({ width, height });
    const box = await button.boundingBox();
    assert.ok(box.y >= 0 && box.y + box.height <= height && box.x >= 0 && box.x + box.width <= width, `${what}, ${width}×${height}: ${JSON.stringify(box)}`);
    assert.ok(box.height >= 43.5, `${what}: a finger needs more than ${box.height} pixels`);
    for (const time of await page.locator("main time").all()) {
      const lines = await time.evaluate((node) => Math.round(node.getBoundingClientRect().height / parseFloat(getComputedStyle(node).lineHeight)));
      assert.equal(lines, 1, `${what}, ${width}: ${await time.innerText()}`);
    }
  }
  await page.setViewportSize({ width: 320, height: 568 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${what}: no scrolling sideways at 320 pixels`);
}

describe("what a page offers is on the first screen", { concurrency: 3, timeout: 600_000 }, () => {
  for (const [name, offers] of Object.entries(PAGES)) {
    test(name, async () => {
      const visitor = await STATES[name](world, { device: "phone" });
      const { page } = visitor;
      const url = new URL(page.url());
      for (const lang of LANGUAGES) {
        url.searchParams.set("lang", lang);
        await page.goto(url.href);
        assert.equal(await page.locator("html").getAttribute("lang"), lang);
        const button = page.locator("main .button", { hasText: offers(words[lang]) }).first();
        await fits(page, button, `${name}, ${lang}`);
        assert.equal((await page.locator("main").innerText()).includes(SUBJECT), NAMED.has(name), `${name}, ${lang}: the subject`);
      }
      await visitor.context.close();
    });
  }

  for (const lang of LANGUAGES) {
    test(`the question, ${lang}`, async () => {
      const options = { device: "phone", locale: LOCALES[lang] };
      for (const [name, ask] of Object.entries({ asked, askedAboutNo })) {
        const visitor = await ask(world, options, world.seal({ lang }));
        await fits(visitor.page, visitor.page.locator("#yes button.main"), `${name}, ${lang}`);
        await visitor.context.close();
      }
    });
  }
});

test("a mail to the sender begins with the letter's subject, and holds nothing of its link", async () => {
  const letter = await world.seal();
  await world.cancel(letter);
  const visitor = await world.visitor({});
  await visitor.page.goto(`${letter.url}?lang=en`);
  const mail = new URL(await visitor.page.getByRole("link", { name: words.en.common.mail }).getAttribute("href"));
  assert.deepEqual([mail.protocol, mail.searchParams.get("subject"), [...mail.searchParams.keys()]], ["mailto:", `Your letter: ${SUBJECT}`, ["subject"]]);
  assert.ok(!mail.href.includes(new URL(letter.url).pathname.slice(1)));
  await visitor.context.close();
});

test("strangers read on a phone what helps, in their language, light and dark", async () => {
  const visitor = await world.visitor({ device: "phone" });
  const { page } = visitor;
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && !/404/.test(message.text()) && complaints.push(message.text()));
  const answer = await page.goto(`${world.url}/no-such-page`);
  assert.equal(answer.status(), 404);
  await page.setViewportSize({ width: 360, height: 640 });
  for (const lang of LANGUAGES) {
    const box = await page.locator(`section[lang=${lang}] p`, { hasText: words[lang].stranger.text }).boundingBox();
    assert.ok(box.y + box.height <= 640 && box.x + box.width <= 360, lang);
  }
  assert.notEqual(await page.locator("main").evaluate((node) => getComputedStyle(node).fontFamily), "serif", "its style is let in");
  await visitor.accessible("strangers");
  assert.deepEqual(complaints, []);
  await visitor.context.close();
});
