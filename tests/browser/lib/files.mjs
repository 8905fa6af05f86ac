// Other files than PDF: shown when that is safe, downloaded under their names otherwise. Never run.

import assert from "node:assert/strict";
import { test } from "node:test";
import { words } from "./words.mjs";

const en = words.en;
const DOWNLOAD = '[data-when="download"] [data-download]';
// Four pixels.
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFElEQVQI12P4z8DAwMDAxMDAwMAAAA0GAQEfC0m4AAAAAElFTkSuQmCC",
  "base64",
);
const ALARM = "window.ran = true; document.title = 'ran'";
const HTML = Buffer.from(`<!doctype html><title>x</title><script>${ALARM}</script><h1>Not to be shown</h1>`);
const TEXT = `Grüße & €\n<img src=x onerror="${ALARM}">\n<script>${ALARM}</script>\n`;
/** Name as sealed, and what may come of it. */
const HOSTILE = {
  '"><script>document.title=1</script>.zip': /^[^"<>/\\]+\.zip$/,
  "../../../etc/passwd": /^[^/\\]*passwd(\.zip)?$/,
  "a\u202Efdp.exe": /^[^\u202E]+$/,
  "Prüfbericht – 2026 'Ärger' 100%.zip": /^Prüfbericht – 2026 'Ärger' 100%\.zip$/,
};

export function files(world) {
  for (const endToEnd of [false, true]) {
    const mode = endToEnd ? "end-to-end" : "edge-opened";

    test(`a text is text, ${mode}`, async () => {
      const letter = await world.seal({ endToEnd, bytes: Buffer.from(TEXT), name: "note.txt", mediaType: "text/plain" });
      const visitor = await world.reading(letter, { device: "phone" });
      await visitor.page.locator(".ws-plain", { hasText: "Grüße & €" }).waitFor();
      await visitor.page.waitForSelector('[data-pages][aria-busy="false"]');
      assert.equal(await visitor.page.locator(".ws-plain").textContent(), TEXT);
      await nothingRan(visitor);
      await visitor.close();
    });

    test(`an image is shown, ${mode}`, async () => {
      const letter = await world.seal({ endToEnd, bytes: PNG, name: "pixels.png", mediaType: "image/png" });
      const visitor = await world.reading(letter);
      const image = visitor.page.getByRole("img", { name: "pixels.png" });
      await image.waitFor();
      assert.equal(await image.evaluate((img) => img.naturalWidth), 2);
      await visitor.close();
    });

    for (const [name, mediaType, bytes] of [
      ["page.html", "text/html", HTML],
      ["drawing.svg", "image/svg+xml", Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg"><script>${ALARM}</script></svg>`)],
      ["photos.zip", "application/zip", Buffer.from("PK\x03\x04 and so on")],
    ]) {
      test(`${mediaType} is never rendered, only saved, ${mode}`, async () => {
        const letter = await world.seal({ endToEnd, bytes, name, mediaType });
        const visitor = await world.reading(letter);
        await visitor.inState("download");
        const saved = await visitor.download(() => visitor.press(DOWNLOAD));
        assert.ok(bytes.equals(saved.bytes));
        assert.equal(saved.name, name);
        if (!endToEnd) {
          const direct = await visitor.download(() => visitor.page.goto(`${letter.url}/report`).catch(() => null));
          assert.equal(direct.name, name, "its own address saves it too");
        }
        await nothingRan(visitor);
        await visitor.close();
      });
    }

    test(`hostile names and subjects stay words, ${mode}`, async () => {
      for (const [name, expected] of Object.entries(HOSTILE)) {
        const subject = `<img src=x onerror="${ALARM}">{{7*7}}`;
        const letter = await world.seal({ endToEnd, bytes: Buffer.from("x"), name, mediaType: "application/zip", subject });
        const visitor = await world.visitor();
        await visitor.page.goto(letter.link);
        assert.equal(await visitor.heading(), subject);
        await visitor.agree();
        assert.equal(await visitor.heading(), subject);
        await visitor.inState("download");
        const saved = await visitor.download(() => visitor.press(DOWNLOAD));
        assert.match(saved.name, expected);
        await nothingRan(visitor);
        await visitor.close();
      }
    });
  }

  test("an in-app browser without service workers, windows and sharing: reads, saves, or says what to do", async () => {
    const [open, own] = await Promise.all([world.seal(), world.seal({ endToEnd: true })]);
    const visitor = await world.reading(open, { device: "phone", inApp: true });
    await visitor.inState("viewer");
    const { bytes } = await visitor.download(() => visitor.press('.about a[href*="download=1"]'));
    assert.ok(open.bytes.equals(bytes));
    await visitor.page.goto(own.link);
    await visitor.agree();
    await visitor.inState("viewer");
    await visitor.press('.acts [data-download]');
    await visitor.page.getByText(en.letter.save_unsupported).waitFor();
    await visitor.close();
  });
}

async function nothingRan(visitor) {
  assert.equal(await visitor.page.evaluate(() => window.ran), undefined);
  assert.equal(await visitor.page.locator("[onerror]").count(), 0);
}
