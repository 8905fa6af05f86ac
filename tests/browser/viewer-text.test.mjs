// Texts in the encodings that people send them in, and what is too large to show.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inState, openPage } from "./harness/browser.mjs";
import { browser, site } from "./harness/stage.mjs";

const MB = 1024 * 1024;

const WORDS = "Prüfbericht für Müller\n";
const wide = Buffer.from(WORDS, "utf16le");
const texts = {
  "a byte order mark": ["text/plain", Buffer.from(`\ufeff${WORDS}`), WORDS],
  "UTF-16 by its mark": ["text/plain", Buffer.concat([Buffer.from([0xff, 0xfe]), wide]), WORDS],
  "UTF-16, big end first, by its mark": ["text/plain", Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(wide).swap16()]), WORDS],
  "a mark against what is declared": ["text/plain; charset=windows-1252", Buffer.concat([Buffer.from([0xff, 0xfe]), wide]), WORDS],
  "UTF-16 by what is declared": ["text/plain; charset=utf-16le", wide, WORDS],
  "Windows-1252": ["text/plain; charset=windows-1252", Buffer.from("Pr\xfcfbericht \x80 100\n", "latin1"), "Prüfbericht € 100\n"],
  "a type in other case, with quotes": ['TEXT/PLAIN; format=flowed; Charset="ISO-8859-1"', Buffer.from("f\xfcr", "latin1"), "für"],
  "fewer bytes than a mark has": ["text/plain; charset=windows-1252", Buffer.from([0xfc]), "ü"],
};
for (const [name, [mediaType, plain, shown]] of Object.entries(texts)) {
  test(`a text is read as it was written: ${name}`, async () => {
    const letter = site.add({ mediaType, fileName: "note.txt", plain });
    const { page, faults, close } = await openPage(browser);
    await page.goto(letter.link);
    await page.waitForSelector('[data-pages][aria-busy="false"] .ws-plain');
    assert.equal(await page.textContent(".ws-plain"), shown);
    assert.deepEqual(faults, []);
    await close();
  });
}

const unreadable = {
  "no UTF-8, and nothing declared": ["text/plain", Buffer.from("f\xfcr", "latin1")],
  "an encoding that is unknown": ["text/plain; charset=unknown-8bit", Buffer.from("for")],
  "the wrong encoding declared": ["text/plain; charset=utf-8", Buffer.from("f\xfcr M\xfcller", "latin1")],
  "half a character at the end": ["text/plain; charset=utf-16le", wide.subarray(0, 7)],
};
for (const [name, [mediaType, plain]] of Object.entries(unreadable)) {
  test(`a text that would be shown wrongly is offered as a download: ${name}`, async () => {
    const letter = site.add({ mediaType, fileName: "note.txt", plain });
    const { page, faults, close } = await openPage(browser);
    await page.goto(letter.link);
    await inState(page, "download");
    assert.equal(await page.locator(".ws-plain").count(), 0);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click('[data-when="download"] [data-download]')]);
    assert.deepEqual(readFileSync(await download.path()), plain);
    assert.deepEqual(faults, []);
    await close();
  });
}

for (const [mediaType, length] of [["text/plain", 8 * MB + 1], ["image/png", 64 * MB + 1]]) {
  test(`${mediaType} above its limit is called too large, and nothing of it is fetched`, async () => {
    const letter = site.add({ mediaType, fileName: "large", plain: { length, read: (start, end) => Buffer.alloc(end - start) }, mode: "edge-opened", lazy: true });
    const { page, faults, close } = await openPage(browser);
    await page.goto(letter.link);
    await inState(page, "large");
    assert.equal(letter.requests.length, 0);
    assert.deepEqual(faults, []);
    await close();
  });
}
