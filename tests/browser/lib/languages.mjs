// Four languages: the letter's, or else what the browser asks for, and the switch over both, which keeps the key of an end-to-end letter.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, test } from "node:test";
import { oneOf } from "../../edge/lib/soak.mjs";
import { LOCALES as PLAIN, NAMES, SENDER, words } from "./words.mjs";

/** Some as another country speaks them. */
const LOCALES = { ...PLAIN, fr: "fr-CH", de: "de-AT" };

export function languages(world) {
  let over;
  before(async () => {
    over = await closedLetters(world);
  });

  for (const [lang, name] of Object.entries(NAMES)) {
    const { envelope, letter: reading, closed } = words[lang];

    test(`${name}, as the browser asks: envelope, letter, and every closed page`, async () => {
      const letter = await world.seal();
      const visitor = await world.visitor({ device: "phone", locale: LOCALES[lang] });
      const { page } = visitor;
      await page.goto(letter.link);
      await speaks(page, lang);
      assert.equal(await page.title(), envelope.title);
      await page.getByRole("button", { name: envelope.refuse }).waitFor();
      await page.getByText(envelope.choice).waitFor();
      await page.locator("[data-terms]", { hasText: SENDER }).waitFor({ state: "attached" });
      await visitor.agree();
      await speaks(page, lang);
      assert.equal(await page.title(), reading.title);
      await page.locator("summary", { hasText: reading.withdraw }).waitFor();
      for (const [state, link] of Object.entries(over)) {
        await page.goto(link);
        await speaks(page, lang);
        assert.equal(await visitor.heading(), closed[`${state}_title`]);
        await page.getByText(closed[`${state}_next`]).waitFor();
      }
      await visitor.close();
    });

    if (!oneOf("by the switch", Object.keys(NAMES)).includes(lang)) continue;
    test(`${name}, by the switch: kept through consent, and the key with it`, async () => {
      const letter = await world.seal({ endToEnd: true, lang: lang === "en" ? "de" : "en" });
      const visitor = await world.visitor({ locale: LOCALES[lang] });
      const { page } = visitor;
      await page.goto(letter.link);
      await visitor.speak(name);
      await page.getByRole("button", { name: envelope.open }).waitFor();
      await speaks(page, lang);
      assert.equal(page.url(), `${letter.url}?lang=${lang}#${letter.key}`);
      await visitor.agree();
      await speaks(page, lang);
      assert.equal(page.url(), `${letter.url}?lang=${lang}#${letter.key}`);
      await visitor.inState("viewer");
      const next = lang === "nl" ? "fr" : "nl";
      await visitor.speak(NAMES[next]);
      await page.locator("summary", { hasText: words[next].letter.withdraw }).waitFor();
      await visitor.inState("viewer");
      assert.equal(page.url(), `${letter.url}?lang=${next}#${letter.key}`);
      await visitor.withdraw();
      assert.equal(await visitor.heading(), words[next].closed.withdrawn_title);
      await visitor.close();
    });
  }

  test("the letter's language goes before the browser's, also on the page that it leaves behind", async () => {
    const letter = await world.seal({ lang: "fr" });
    const visitor = await world.visitor({ locale: "de-DE" });
    await visitor.page.goto(letter.link);
    await speaks(visitor.page, "fr");
    await visitor.agree();
    await speaks(visitor.page, "fr");
    await world.cancel(letter);
    await visitor.page.goto(letter.link);
    await speaks(visitor.page, "fr");
    await visitor.page.goto(world.linkTo(letter.id, -1).link);
    await speaks(visitor.page, "fr");
    await visitor.close();
  });
}

async function speaks(page, lang) {
  assert.equal(await page.locator("html").getAttribute("lang"), lang);
  assert.equal(await page.locator(".langs summary").innerText(), NAMES[lang]);
}

/** Links to letters in every state that is over. */
async function closedLetters(world) {
  const [cancelled, expired, refused, withdrawn] = await Promise.all([world.seal(), world.seal(), world.seal(), world.seal()]);
  await world.cancel(cancelled);
  const no = await world.visitor();
  await no.page.goto(refused.link);
  await no.refuse(no.page.getByRole("button", { name: words.en.envelope.refuse }));
  await no.page.getByRole("heading", { name: words.en.closed.refused_title }).waitFor();
  await no.close();
  const changed = await world.reading(withdrawn);
  await changed.withdraw();
  await changed.close();
  return {
    cancelled: cancelled.link,
    expired: world.linkTo(expired.id, -1).link,
    refused: refused.link,
    withdrawn: withdrawn.link,
    missing: world.linkTo(randomUUID()).link,
  };
}
