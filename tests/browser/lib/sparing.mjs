// Save-Data, slow lines, little memory: the browser's own viewer first, ours not before it is asked for.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleReportShows, sha256 } from "./report.mjs";
import { words } from "./words.mjs";

const en = words.en;
const CHOOSE = '[data-when="choose"]';

/** What each device says of itself, and whether it is to be spared. */
const DEVICES = {
  "saves data": [true, { connection: { saveData: true, effectiveType: "4g" } }],
  "slow-2g": [true, { connection: { effectiveType: "slow-2g" } }],
  "2g": [true, { connection: { effectiveType: "2g" } }],
  "1 GiB of memory": [true, { deviceMemory: 1 }],
  "prefers reduced data": [true, { reducedData: true }],
  "3g": [false, { connection: { effectiveType: "3g", saveData: false } }],
  "2 GiB of memory, 4g": [false, { deviceMemory: 2, connection: { effectiveType: "4g" } }],
};

export function sparing(world) {
  for (const [name, [spared, says]] of Object.entries(DEVICES)) {
    test(`${name}: ${spared ? "offered" : "shown at once"}`, async () => {
      const { visitor, viewer } = await arriving(world, await world.seal(), {}, says);
      if (spared) {
        await visitor.inState("choose");
        assert.deepEqual(viewer, []);
        await visitor.page.getByRole("button", { name: en.letter.here }).click();
      }
      await visitor.inState("viewer");
      assert.ok(viewer.length > 0);
      await visitor.close();
    });
  }

  for (const javaScriptEnabled of [true, false]) {
    test(`the request says Save-Data, script ${javaScriptEnabled ? "on" : "off"}: nothing of the viewer or the report is loaded by itself`, async () => {
      const letter = await world.seal();
      const { visitor, viewer } = await arriving(world, letter, { whole: true, extraHTTPHeaders: { "Save-Data": "on" }, javaScriptEnabled });
      const { page } = visitor;
      // Playwright leaves its own headers out of what follows a redirect.
      viewer.length = 0;
      await page.reload();
      assert.equal(await page.locator("#letter").getAttribute("data-offer"), "native");
      assert.equal(await page.locator("link[rel*=preload]").count(), 0);
      const reports = [];
      page.on("request", (request) => request.url().includes("/report") && reports.push(request.url()));
      const place = javaScriptEnabled ? CHOOSE : ".acts";
      if (javaScriptEnabled) {
        await visitor.inState("choose");
        await page.getByText(new RegExp(`^${en.letter.here_size.replace("{size}", String.raw`\d{3} kB`)}$`)).waitFor();
        await everythingInReach(page);
      }
      const { bytes } = await visitor.download(() => page.locator(".acts").getByRole("link", { name: en.letter.download }).click());
      assert.ok(letter.bytes.equals(bytes));
      assert.deepEqual([viewer, reports.length], [[], 1]);
      const link = page.locator(place).getByRole("link", { name: en.letter.open });
      const [answer] = await Promise.all([page.waitForResponse(`${letter.url}/report`), link.click()]);
      assert.match(answer.headers()["content-disposition"], /^inline/);
      await page.waitForURL(`${letter.url}/report`);
      await visitor.close();
    });
  }

  test("end-to-end: opened here, shown by the browser, byte for byte; and then here after all", async () => {
    const letter = await world.seal({ endToEnd: true });
    const { visitor, viewer } = await arriving(world, letter, { whole: true }, { connection: { effectiveType: "2g" } });
    const { page } = visitor;
    const opened = Promise.withResolvers();
    await page.exposeFunction("tell", (hex, type) => opened.resolve({ hex, type }));
    await visitor.inState("choose");
    await everythingInReach(page);
    await page.evaluate(() => {
      const make = URL.createObjectURL;
      URL.createObjectURL = (blob) => {
        void blob.arrayBuffer().then((bytes) => crypto.subtle.digest("SHA-256", bytes)).then((hash) =>
          window.tell(Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join(""), blob.type));
        return make(blob);
      };
    });
    await page.getByRole("button", { name: en.letter.open }).click();
    assert.deepEqual(await opened.promise, { hex: sha256(letter.bytes), type: "application/pdf" });
    assert.deepEqual(viewer, []);
    await page.waitForURL(/^blob:/);
    await page.goto(letter.link);
    await visitor.inState("choose");
    const { bytes } = await visitor.download(() => visitor.press(".acts [data-download]"));
    assert.ok(letter.bytes.equals(bytes));
    await visitor.inState("choose");
    await page.getByRole("button", { name: en.letter.here }).click();
    await sampleReportShows(visitor);
    await visitor.close();
  });

  test("end-to-end where the browser shows no PDF: saved instead", async () => {
    const letter = await world.seal({ endToEnd: true });
    const { visitor, viewer } = await arriving(world, letter, {}, { deviceMemory: 0.5, pdfViewerEnabled: false });
    await visitor.inState("choose");
    const { bytes } = await visitor.download(() => visitor.page.getByRole("button", { name: en.letter.open }).click());
    assert.ok(letter.bytes.equals(bytes));
    assert.deepEqual(viewer, []);
    await visitor.close();
  });

  test("end-to-end with the wrong key: asked for when it is needed, then where the reader was", async () => {
    const [letter, another] = await Promise.all([world.seal({ endToEnd: true }), world.seal({ endToEnd: true })]);
    const { visitor } = await arriving(world, letter, {}, { deviceMemory: 1 });
    const { page } = visitor;
    await visitor.inState("choose");
    await page.goto("about:blank");
    await page.goto(`${letter.url}#${another.key}`);
    await visitor.inState("choose");
    const saved = page.waitForEvent("download");
    await visitor.press(".acts [data-download]");
    await visitor.inState("wrong-key");
    const form = page.locator('[data-when="wrong-key"]');
    await form.getByLabel(en.letter.link_label).fill(letter.link);
    await form.getByRole("button").click();
    await saved;
    await visitor.inState("choose");
    await visitor.close();
  });
}

/** At the letter, with a device that `says` so; and what has been loaded of the viewer for PDF. */
async function arriving(world, letter, options, says = {}) {
  const visitor = await world.visitor({ viewport: { width: 360, height: 640 }, ...options });
  const { page } = visitor;
  const viewer = [];
  // What the envelope has the browser fetch ahead is the browser's own choice; with Save-Data there is nothing of it.
  page.on("framenavigated", () => (viewer.length = 0));
  page.on("request", (request) => /\/assets\/pdf/.test(request.url()) && viewer.push(request.url()));
  if (options.javaScriptEnabled !== false) {
    await page.addInitScript(({ reducedData, ...device }) => {
      for (const [name, value] of Object.entries(device)) Object.defineProperty(Navigator.prototype, name, { get: () => value });
      const match = window.matchMedia.bind(window);
      if (reducedData) window.matchMedia = (query) => (query.includes("reduced-data") ? { matches: true } : match(query));
    }, says);
  }
  await page.goto(letter.link);
  await visitor.agree();
  return { visitor, viewer };
}

async function everythingInReach(page) {
  for (const control of await page.locator(`${CHOOSE} .button`).all()) {
    const { y, height } = await control.boundingBox();
    assert.ok(y + height <= 640, `${await control.innerText()} ends at ${y + height}`);
  }
}
