// What goes wrong or ends while somebody reads, and what the page says then.

import assert from "node:assert/strict";
import { test } from "node:test";
import { makePdf } from "../harness/pdf.mjs";
import { closedAs } from "./choices.mjs";
import { sampleReportShows } from "./report.mjs";
import { words } from "./words.mjs";

const en = words.en;
const DOWNLOAD = { edge: '.about a[href*="download=1"]', own: '.acts [data-download]' };
/** Places in a sealed body: inside its first record, and inside its fourth. */
const FIRST = 30_000;
const FOURTH = 250_000;

export function over(world) {
  for (const endToEnd of [false, true]) {
    const mode = endToEnd ? "end-to-end" : "edge-opened";

    test(`cancelled while reading, ${mode}: gone when the reader looks again`, async () => {
      const letter = await world.seal({ endToEnd });
      const visitor = await world.reading(letter, { device: "phone" });
      await sampleReportShows(visitor);
      await world.cancel(letter);
      await looksAgain(visitor);
      await visitor.inState("closed");
      assert.equal(await visitor.page.locator("canvas").count(), 0, "no page stays on screen");
      await visitor.page.getByRole("link", { name: en.letter.closed_reload }).click();
      await closedAs(visitor, en.closed.cancelled_title);
      await visitor.close();
    });

    test(`cancelled before the download, ${mode}: nothing is saved, and the page says why`, async () => {
      const letter = await world.seal({ endToEnd });
      const visitor = await world.reading(letter);
      await visitor.inState("viewer");
      visitor.page.on("download", () => visitor.faults.push("something was downloaded"));
      await world.cancel(letter);
      await visitor.press(endToEnd ? DOWNLOAD.own : DOWNLOAD.edge);
      if (endToEnd) await visitor.inState("closed");
      else await closedAs(visitor, en.closed.cancelled_title);
      await visitor.close();
    });

    test(`damaged in a later record, ${mode}: no page of it stays`, async () => {
      const letter = await world.seal({ endToEnd, damagedAt: FOURTH });
      const visitor = await world.reading(letter, { device: "phone" });
      await visitor.inState("damaged");
      await visitor.page.getByRole("heading", { name: en.letter.damaged_heading }).waitFor();
      assert.equal(await visitor.page.locator("canvas").count(), 0);
      await visitor.close();
    });
  }

  test("cancelled while a long report is still arriving: the next part closes it", async () => {
    const pdf = makePdf({ pages: 12, filler: 3 * 1024 * 1024 });
    const letter = await world.seal({ endToEnd: true, bytes: pdf.read(0, pdf.length), name: "long.pdf" });
    const visitor = await world.visitor();
    const reached = Promise.withResolvers();
    const gate = Promise.withResolvers();
    let parts = 0;
    await visitor.page.route("**/report", async (route) => {
      parts += 1;
      if (parts > 3) {
        reached.resolve();
        await gate.promise;
      }
      await route.continue();
    });
    await visitor.page.goto(letter.link);
    await visitor.agree();
    await reached.promise;
    await world.cancel(letter);
    gate.resolve();
    await visitor.inState("closed");
    await visitor.close();
  });

  test("damaged from the start, edge-opened: said on the letter page, by the report’s own address and by Download", async () => {
    const letter = await world.seal({ damagedAt: FIRST });
    const visitor = await world.reading(letter);
    const { page } = visitor;
    await visitor.inState("damaged");
    await page.goto(`${letter.url}/report`);
    await closedAs(visitor, en.closed.damaged_title);
    await page.goto(letter.link);
    await visitor.press(DOWNLOAD.edge);
    await closedAs(visitor, en.closed.damaged_title);
    await visitor.close();
  });

  test("damaged from the start, end-to-end: not told apart from a wrong key, never shown", async () => {
    const letter = await world.seal({ endToEnd: true, damagedAt: FIRST });
    const visitor = await world.reading(letter);
    await visitor.inState("wrong-key");
    await visitor.close();
  });

  test("the line drops: the letter stays, and goes on when it is back", async () => {
    const letter = await world.seal({ endToEnd: true });
    const visitor = await world.reading(letter);
    await sampleReportShows(visitor);
    await visitor.context.setOffline(true);
    await visitor.press(DOWNLOAD.own);
    await visitor.inState("offline");
    // What was read stays on screen; a page that is far is given back and drawn again.
    await visitor.page.locator("canvas:visible").first().waitFor();
    const { bytes } = await visitor.download(() => visitor.context.setOffline(false));
    assert.ok(letter.bytes.equals(bytes));
    await visitor.inState("viewer");
    await visitor.close();
  });
}

/** The reader comes back to the tab. */
export function looksAgain(visitor) {
  return visitor.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
}
