// The envelope's first screen, on the real edge: who wrote, about what, until when, and the choice are there without scrolling.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { oneOf } from "../edge/lib/soak.mjs";
import { World } from "./lib/world.mjs";
import { words } from "./lib/words.mjs";

const LONG_NAME = "Sonnenschein Versicherungsvermittlungsgesellschaft";
const PHONE = "phone";
const DESKTOP = "desktop";
/** Device, width, height, and whether the longest name fits too. */
const SCREENS = [[PHONE, 360, 640, true], [PHONE, 360, 740, true], [DESKTOP, 1366, 768, true], [PHONE, 320, 568, false]];
/** An ordinary subject, and one as long as they get. */
const SUBJECTS = {
  en: ["Inspection of your car WX-482-S, 30 November", "Invitation to discuss the report on the water damage to the ground floor of your house, Linden Street 17, on 3 May 2027"],
  nl: ["Keuring van uw auto WX-482-S, 30 november", "Uitnodiging voor een gesprek over het rapport van de waterschade op de begane grond van uw huis, Lindengracht 17, 3 mei"],
  fr: ["Contrôle de votre voiture WX-482-S, novembre", "Invitation à discuter du rapport sur les dégâts des eaux au rez-de-chaussée de votre maison, 17 rue des Tilleuls, 3 mai"],
  de: ["Prüfbericht Ihres Wagens WX-482-S, November", "Einladung zur Besprechung des Gutachtens über die Wasserschäden im Erdgeschoss Ihres Hauses, Lindenstraße 17, am 3. Mai"],
};
const UNBROKEN = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(2).slice(0, 120);
const CHOICE = [".full summary", ".agree", ".open", ".no"];
const ALL = ["h1", ".from", ".expires time", ".brief", ...CHOICE];
/** Places where a thumb must not slip. */
const APART_PX = 12;
const TARGET_PX = 44;

const together = { concurrency: 2, timeout: 600_000 };

for (const [name, sender] of [["an ordinary name", undefined], ["a very long name", LONG_NAME]]) {
  describe(name, together, () => {
    const world = new World();
    before(() => world.start(sender ? "first-screen-long" : "first-screen", { sender }));
    after(() => world.stop());

    const all = Object.entries(SUBJECTS);
    for (const [lang, [ordinary, long]] of sender ? oneOf("a very long name", all) : all) {
      test(`${lang}: everything is on the first screen, yes and no apart and unlike`, async () => {
        const letter = await world.seal({ subject: ordinary, lang });
        for (const [device, width, height, always] of SCREENS) {
          if (sender && !always) continue;
          const visitor = await open(world, letter.link, device, width, height);
          await fits(visitor.page, ALL, `${lang}, ${width}×${height}`);
          await unlike(visitor.page);
          await visitor.close();
        }
      });

      test(`${lang}: a long subject shrinks, and the choice stays`, async () => {
        const letter = await world.seal({ subject: long, lang });
        const visitor = await open(world, letter.link, PHONE, 360, 640);
        await fits(visitor.page, ALL, `${lang}, long`);
        assert.ok((await size(visitor.page, "h1")) < 20, "it is set smaller");
        await visitor.close();
      });
    }

    test("end-to-end, an unbroken subject, an endless one: nothing leaves the first screen, and all of it can be read", async () => {
      for (const subject of [SUBJECTS.de[0], UNBROKEN, `${SUBJECTS.de[1]} ${"W".repeat(79)}`]) {
        const letter = await world.seal({ subject, lang: "de", endToEnd: subject !== UNBROKEN });
        const visitor = await open(world, letter.link, PHONE, 360, 640);
        const { page } = visitor;
        const clamped = (await page.locator("details.subject").count()) > 0;
        await fits(page, ALL.filter((part) => part !== "h1" || !clamped), subject.slice(0, 20));
        if (clamped) {
          assert.ok((await hidden(page)) > 0, "a part of it is cut");
          await page.locator(".subject summary").tap();
        }
        assert.ok((await hidden(page)) <= 0, "it is whole");
        assert.equal(await page.locator("h1").innerText(), subject);
        await fits(page, [], subject.slice(0, 20));
        await visitor.close();
      }
    });
  });
}

describe("whatever the size", together, () => {
  const world = new World();
  before(() => world.start("first-screen-any"));
  after(() => world.stop());

  for (const javaScriptEnabled of [true, false]) {
    test(`the terms are one touch or key away, whole, with the hash that the form sends; script ${javaScriptEnabled ? "on" : "off"}`, async () => {
      const letter = await world.seal({ lang: "nl" });
      const visitor = await world.visitor({ device: PHONE, javaScriptEnabled });
      const { page } = visitor;
      await page.goto(letter.link);
      const terms = page.locator("[data-terms]");
      assert.equal(await terms.isVisible(), false);
      const [brief, box] = [await page.locator("#brief").innerText(), page.getByRole("checkbox", { name: words.nl.envelope.agree })];
      assert.equal(brief, words.nl.envelope.brief.replace("{days}", "366"));
      assert.equal(await box.isChecked(), false);
      assert.ok((await box.getAttribute("aria-describedby")).includes("brief"), "who ticks it hears what is recorded");
      if (javaScriptEnabled) {
        await page.locator(".full summary").focus();
        await page.keyboard.press("Enter");
      } else {
        await page.locator(".full summary").tap();
      }
      assert.ok(await terms.isVisible());
      const hash = createHash("sha256").update(await terms.evaluate((element) => element.textContent)).digest("hex");
      assert.equal(hash, await page.locator("#yes [name=terms]").getAttribute("value"));
      assert.ok((await top(page, "[data-terms]")) < (await top(page, ".agree")), "it is read before the box");
      await visitor.close();
    });
  }

  test("twice as large text at 360 and 320 px: nothing is cut off, nothing runs out at the side", async () => {
    const letter = await world.seal({ subject: SUBJECTS.de[1], lang: "de" });
    for (const width of [360, 320]) {
      const visitor = await open(world, letter.link, PHONE, width, 640);
      const { page } = visitor;
      await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
      await page.locator(".full summary").tap();
      await fits(page, [], `${width} px`);
      const cut = await page.locator("h1, .face p, .brief, .terms p, .agree, .button").evaluateAll((all) =>
        all.filter((one) => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 2).map((one) => one.className || one.tagName),
      );
      assert.deepEqual(cut, []);
      await visitor.close();
    }
  });

  test("a date stays whole on the narrowest screen, its hour beside it where there is room", async () => {
    const letter = await world.seal({ lang: "fr" });
    const visitor = await open(world, letter.link, PHONE, 360, 640);
    const { page } = visitor;
    for (let width = 240; width <= 420; width += 20) {
      await page.setViewportSize({ width, height: 640 });
      const { lines, parts, room } = await page.locator(".expires time").evaluate((time) => {
        const text = time.firstChild;
        const space = text.data.indexOf(" ");
        const linesOf = (from, to) => {
          const range = document.createRange();
          range.setStart(text, from);
          range.setEnd(text, to);
          return range.getClientRects();
        };
        const [day, hour] = [linesOf(0, space), linesOf(space + 1, text.length)];
        const room = time.parentElement.clientWidth >= day[0].width + hour[0].width + 12;
        return { lines: linesOf(0, text.length).length, parts: [day.length, hour.length], room };
      });
      assert.deepEqual(parts, [1, 1], `${width} px`);
      if (room) assert.equal(lines, 1, `${width} px: the hour stands beside its day`);
    }
    await visitor.close();
  });

  test("the menu of languages covers nothing until it is opened, and each entry is as large as a thumb", async () => {
    const letter = await world.seal({ lang: "en" });
    const visitor = await open(world, letter.link, PHONE, 360, 640);
    const { page } = visitor;
    assert.equal(await page.locator(".langs a").first().isVisible(), false);
    await page.locator(".langs summary").tap();
    for (const link of await page.locator(".langs a").all()) {
      const box = await link.boundingBox();
      assert.ok(box.height >= TARGET_PX && box.x >= 0 && box.x + box.width <= 360);
    }
    await visitor.accessible("the menu of languages");
    await visitor.close();
  });
});

async function open(world, link, device, width, height) {
  const visitor = await world.visitor({ device, viewport: { width, height } });
  await visitor.page.goto(link);
  return visitor;
}

/** Every part is wholly in the viewport, in reading order, and the page is no wider. */
async function fits(page, parts, what) {
  const { width, height } = page.viewportSize();
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${what}: no scrolling sideways`);
  for (const part of parts) {
    const box = await page.locator(part).boundingBox();
    assert.ok(box && box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height, `${what}: ${part} at ${JSON.stringify(box)}`);
  }
  if (parts.length === 0) return;
  assert.equal(await page.evaluate(() => scrollY), 0);
  const tops = [];
  for (const part of [".brief", ...CHOICE]) tops.push(await top(page, part));
  assert.deepEqual(tops, tops.toSorted((a, b) => a - b), "the summary stands above the box, the box above yes, yes above no");
}

/** Yes and no differ by place, size, shape and weight; no looks like what it is, a button. */
async function unlike(page) {
  const [yes, no] = [await page.locator(".open").boundingBox(), await page.locator(".no").boundingBox()];
  assert.ok(yes.height >= TARGET_PX && no.height >= TARGET_PX && no.width >= TARGET_PX);
  assert.ok(no.y - (yes.y + yes.height) >= APART_PX, "they stand apart");
  assert.ok(yes.width > 1.5 * no.width, "yes is wider");
  const look = (selector) => page.locator(selector).evaluate((button) => {
    const { borderRadius, fontWeight, backgroundColor, opacity, cursor, color, borderTopColor, borderTopWidth } = getComputedStyle(button);
    return { radius: Number.parseFloat(borderRadius), weight: Number(fontWeight), filled: backgroundColor !== "rgba(0, 0, 0, 0)", opacity, cursor, outlined: borderTopColor === color && Number.parseFloat(borderTopWidth) >= 1 };
  });
  const [first, second] = [await look(".open"), await look(".no")];
  assert.ok(first.radius < second.radius && first.weight > second.weight && first.filled && !second.filled);
  assert.deepEqual([second.opacity, second.cursor, second.outlined], ["1", "pointer", true], "no is no lesser button");
  assert.ok(await page.locator(".no").isEnabled());
}

const top = async (page, selector) => (await page.locator(selector).boundingBox()).y;
const size = (page, selector) => page.locator(selector).evaluate((element) => Number.parseFloat(getComputedStyle(element).fontSize));
/** How much of the subject is cut off, in pixels. */
const hidden = (page) => page.locator("h1").evaluate((heading) => heading.scrollHeight - heading.clientHeight - 2);
