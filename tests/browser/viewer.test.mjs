// Keys, damage, images, text and downloads of the letter page, in a real browser under the real policy.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { inState, launch, openPage, rendererPeak, SIZES } from "./harness/browser.mjs";
import { encodeKey } from "./harness/crockford.mjs";
import { makePdf } from "./harness/pdf.mjs";
import { HEADER_BYTES, RECORD_SIZE } from "./harness/seal.mjs";
import { browser, site } from "./harness/stage.mjs";

const MB = 1024 * 1024;
const PAYLOAD = RECORD_SIZE - 17;
const TEXT = { mediaType: "text/plain", fileName: "note.txt" };
const OTHER = { mediaType: "application/zip", fileName: "photos.zip" };
// One red pixel.
const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==", "base64");

const textLetter = (options = {}) => site.add({ ...TEXT, plain: Buffer.from("Grüße, <b>not bold</b>\n€ 100\n"), ...options });

describe("the key", () => {
  for (const [name, size] of Object.entries(SIZES)) {
    test(`missing, then pasted as the whole link (${name})`, async () => {
      const letter = textLetter();
      const { page, faults, close } = await openPage(browser, { size });
      await page.goto(letter.url);
      await inState(page, "missing-key");
      assert.equal(letter.requests.length, 0, "nothing is fetched without a key");
      await page.fill('[data-when="missing-key"] [data-link]', `see ${letter.url}`);
      await page.click('[data-when="missing-key"] button');
      assert.ok(await page.isVisible('[data-when="missing-key"] [data-key-error]'));
      await page.evaluate(() => {
        window.sameDocument = true;
      });
      await page.fill('[data-when="missing-key"] [data-link]', `Order #4711. ${letter.link} Kind regards`);
      await page.click('[data-when="missing-key"] button');
      await page.waitForSelector(".ws-plain");
      assert.ok(await page.evaluate(() => window.sameDocument), "no reload");
      assert.equal(page.url(), letter.link, "the key is back in the address");
      assert.deepEqual(faults, []);
      await close();
    });
  }

  test("of another letter: explained, and mended by pasting the key alone", async () => {
    const letter = textLetter();
    const { page, faults, close } = await openPage(browser);
    await page.goto(`${letter.url}#${encodeKey(randomBytes(16))}`);
    await inState(page, "wrong-key");
    await page.fill('[data-when="wrong-key"] [data-link]', letter.key.toUpperCase());
    await page.click('[data-when="wrong-key"] button');
    await page.waitForSelector(".ws-plain");
    assert.equal(page.url(), letter.link);
    assert.deepEqual(faults, []);
    await close();
  });

  const manglings = {
    "upper case": (key) => key.toUpperCase(),
    "o for 0, l and i for 1": (key) => key.replace(/0/g, "o").replace("1", "l").replace("1", "I"),
    "trailing punctuation": (key) => `${key}).`,
    "a parameter that a mail program appended": (key) => `${key}&utm_source=mail`,
    "a signature that a mail program swallowed": (key) => `${key}%20Regards`,
    "a second, encoded number sign": (key) => `%23${key}`,
  };
  for (const [name, mangle] of Object.entries(manglings)) {
    test(`opens in spite of ${name}`, async () => {
      const letter = textLetter();
      const { page, close } = await openPage(browser);
      await page.goto(`${letter.url}#${mangle(letter.key)}`);
      await page.waitForSelector(".ws-plain");
      assert.equal(page.url(), letter.link);
      await close();
    });
  }

  test("cut short: not a guess, but the form", async () => {
    const letter = textLetter();
    const { page, close } = await openPage(browser);
    await page.goto(`${letter.url}#${letter.key.slice(0, 20)}`);
    await inState(page, "wrong-key");
    assert.equal(letter.requests.length, 0);
    await page.evaluate((key) => {
      location.hash = key;
    }, letter.key);
    await page.waitForSelector(".ws-plain");
    await close();
  });

  test("never leaves the page", async () => {
    const letter = textLetter();
    const { page, urls, messages, close } = await openPage(browser);
    await page.goto(letter.link);
    await page.waitForSelector(".ws-plain");
    const sent = urls.filter((url) => url !== letter.link);
    assert.ok(sent.length > 1 && sent.every((url) => !url.includes(letter.key)));
    assert.ok(messages.every((message) => !message.includes(letter.key)));
    const stored = await page.evaluate(async () => {
      const folder = await navigator.storage.getDirectory();
      const files = [];
      for await (const name of folder.keys()) files.push(name);
      return { local: localStorage.length, session: sessionStorage.length, cookie: document.cookie, databases: await indexedDB.databases(), files };
    });
    assert.deepEqual(stored, { local: 0, session: 0, cookie: "", databases: [], files: [] });
    await close();
  });
});

describe("damage", () => {
  const long = Buffer.from(randomBytes(3 * PAYLOAD).toString("hex"));
  const record = (n) => HEADER_BYTES + n * RECORD_SIZE;
  const swap = (body, a, b) => {
    const kept = Buffer.from(body.subarray(record(a), record(a + 1)));
    body.copy(body, record(a), record(b), record(b + 1));
    kept.copy(body, record(b));
    return body;
  };
  const flip = (at) => (body) => {
    body[at] ^= 1;
    return body;
  };
  const changes = {
    "a flipped bit in record 3": flip(record(3) + 100),
    "a flipped bit in the last tag": (body) => flip(body.length - 1)(body),
    "two records exchanged": (body) => swap(body, 2, 4),
    "truncated in the middle": (body) => body.subarray(0, record(3) + 50),
    "truncated at a record": (body) => body.subarray(0, record(5)),
    "extended by a byte": (body) => Buffer.concat([body, Buffer.from([0])]),
    "another record size in the header": (body) => {
      body.writeUInt32BE(32_768, 16);
      return body;
    },
    "a key id in the header": flip(20),
  };
  for (const [name, change] of Object.entries(changes)) {
    test(`${name} is seen and nothing stays on screen`, async () => {
      const letter = site.add({ ...TEXT, plain: long, change });
      const { page, faults, close } = await openPage(browser);
      await page.goto(letter.link);
      await inState(page, "damaged");
      assert.equal(await page.locator(".ws-plain").count(), 0);
      assert.deepEqual(faults, []);
      await close();
    });
  }

  test("a flipped bit in record 3 of a PDF", async () => {
    const plain = makePdf({ pages: 6, filler: 100_000 });
    const letter = site.add({ mediaType: "application/pdf", fileName: "r.pdf", plain, change: flip(record(3) + 9) });
    const { page, close } = await openPage(browser);
    await page.goto(letter.link);
    await inState(page, "damaged");
    assert.equal(await page.locator(".ws-page").count(), 0);
    await close();
  });

  test("genuine records of another plaintext are refused by the hash", async () => {
    for (const mode of ["end-to-end", "edge-opened"]) {
      const letter = textLetter({ mode });
      letter.sha256 = createHash("sha256").update("another").digest("hex");
      const { page, close } = await openPage(browser);
      await page.goto(letter.link);
      await inState(page, "damaged");
      await close();
    }
  });

  test("padding inside a record is refused", async () => {
    const plain = Buffer.from("short");
    const letter = site.add({ ...TEXT, plain, padding: 3 });
    // The page is told lengths that agree with the padded body, so that only the delimiter's place gives it away.
    letter.length = plain.length + 3;
    const { page, close } = await openPage(browser);
    await page.goto(letter.link);
    await inState(page, "damaged");
    await close();
  });

  test("lengths that contradict each other are refused before anything is fetched", async () => {
    const letter = textLetter();
    letter.bodyLength += 1;
    const { page, close } = await openPage(browser);
    await page.goto(letter.link);
    await inState(page, "damaged");
    assert.equal(letter.requests.length, 0);
    await close();
  });
});

describe("what is shown", () => {
  for (const mode of ["end-to-end", "edge-opened"]) {
    test(`${mode}: an image`, async () => {
      const letter = site.add({ mode, mediaType: "image/png", fileName: "photo.png", plain: PNG });
      const { page, faults, close } = await openPage(browser);
      await page.goto(letter.link);
      await page.waitForSelector(".ws-image");
      const image = await page.$eval(".ws-image", (element) => ({ width: element.naturalWidth, alt: element.alt }));
      assert.deepEqual(image, { width: 1, alt: "photo.png" });
      assert.deepEqual(faults, []);
      await close();
    });

    test(`${mode}: text is text, never markup`, async () => {
      const letter = textLetter({ mode });
      const { page, faults, close } = await openPage(browser, { size: SIZES.desktop });
      await page.goto(letter.link);
      await page.waitForSelector('[data-pages][aria-busy="false"] .ws-plain');
      assert.equal(await page.textContent(".ws-plain"), "Grüße, <b>not bold</b>\n€ 100\n");
      assert.equal(await page.locator(".ws-plain b").count(), 0);
      assert.deepEqual(faults, []);
      await close();
    });

    test(`${mode}: characters that straddle records, and lengths at the edges of a record`, async () => {
      for (const length of [0, 1, PAYLOAD - 1, PAYLOAD, PAYLOAD + 1, 3 * PAYLOAD]) {
        const plain = Buffer.from("x€".repeat(Math.floor(length / 4)) + "x".repeat(length % 4));
        const letter = textLetter({ mode, plain });
        const { page, close } = await openPage(browser);
        await page.goto(letter.link);
        await page.waitForSelector('[data-pages][aria-busy="false"]', { state: "attached" });
        const shown = await page.textContent(".ws-plain");
        assert.equal(shown, new TextDecoder().decode(plain));
        await close();
      }
    });
  }

  for (const mediaType of ["text/html", "image/svg+xml", "application/xhtml+xml"]) {
    test(`${mediaType} is never rendered`, async () => {
      const plain = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>document.title = "owned"</script></svg>');
      const letter = site.add({ mediaType, fileName: "page.html", plain });
      const { page, faults, close } = await openPage(browser);
      await page.goto(letter.link);
      await inState(page, "download");
      assert.equal(await page.title(), "A letter");
      assert.deepEqual(faults, []);
      await close();
    });
  }

  test("an image that the browser cannot decode is offered as a download", async () => {
    const letter = site.add({ mediaType: "image/png", fileName: "photo.png", plain: randomBytes(5000) });
    const { page, close } = await openPage(browser);
    await page.goto(letter.link);
    await inState(page, "download");
    await close();
  });

  test("the letter is over from the start", async () => {
    for (const mode of ["end-to-end", "edge-opened"]) {
      const letter = textLetter({ mode });
      letter.cancel();
      const { page, close } = await openPage(browser);
      await page.goto(letter.link);
      await inState(page, "closed");
      await close();
    }
  });
});

describe("downloads", () => {
  const plain = randomBytes(5 * MB + 123);

  for (const [name, size] of Object.entries(SIZES)) {
    test(`another type arrives under its name, byte for byte (${name})`, async () => {
      const letter = site.add({ ...OTHER, plain });
      const { page, faults, close } = await openPage(browser, { size });
      await page.goto(letter.link);
      await inState(page, "download");
      const [download] = await Promise.all([page.waitForEvent("download"), page.click('[data-when="download"] [data-download]')]);
      assert.equal(download.suggestedFilename(), "photos.zip");
      assert.deepEqual(readFileSync(await download.path()), plain);
      assert.equal(await page.textContent("[data-download-status]"), "Saved");
      assert.deepEqual(faults, []);
      await close();
    });
  }

  test("edge-opened: the plain link, no script in between", async () => {
    const letter = site.add({ ...OTHER, mode: "edge-opened", plain });
    const { page, close } = await openPage(browser);
    await page.goto(letter.link);
    await inState(page, "download");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click('[data-when="download"] [data-download]')]);
    assert.deepEqual(readFileSync(await download.path()), plain);
    await close();
  });

  test("a damaged object is never handed over, not even in part", async () => {
    const change = (body) => {
      body[3 * RECORD_SIZE] ^= 1;
      return body;
    };
    const letter = site.add({ ...OTHER, plain, change });
    const { page, close } = await openPage(browser);
    let downloads = 0;
    page.on("download", () => {
      downloads += 1;
    });
    await page.goto(letter.link);
    await inState(page, "download");
    await page.click('[data-when="download"] [data-download]');
    await inState(page, "damaged");
    assert.equal(downloads, 0);
    await close();
  });

  test("a dropped connection resumes, the bytes are right", async () => {
    const letter = site.add({ ...OTHER, plain });
    const { page, close } = await openPage(browser);
    await page.goto(letter.link);
    await inState(page, "download");
    letter.partsToo = true;
    letter.dropAfter = 2 * MB;
    const [download] = await Promise.all([page.waitForEvent("download"), page.click('[data-when="download"] [data-download]')]);
    assert.deepEqual(readFileSync(await download.path()), plain);
    assert.equal(letter.dropAfter, undefined, "the connection was dropped");
    await close();
  });

  test("stopped by the reader: nothing is left, and it can be started again", async () => {
    const letter = site.add({ ...OTHER, plain });
    const { page, close } = await openPage(browser);
    await page.goto(letter.link);
    await inState(page, "download");
    letter.partsToo = true;
    letter.gate = MB;
    await Promise.all([new Promise((resolve) => letter.once("gated", resolve)), page.click('[data-when="download"] [data-download]')]);
    await page.click("[data-download-cancel]");
    await page.waitForSelector("[data-download-panel]", { state: "hidden" });
    letter.open();
    const [download] = await Promise.all([page.waitForEvent("download"), page.click('[data-when="download"] [data-download]')]);
    assert.deepEqual(readFileSync(await download.path()), plain);
    await close();
  });

  const huge = {
    length: 200 * MB,
    read: (start, end) => Buffer.alloc(Math.max(0, Math.min(end, 200 * MB) - start), 0x5a),
  };

  test("200 MB go straight to the chosen file; the page never holds them", async (t) => {
    const letter = site.add({ ...OTHER, plain: huge, lazy: true });
    const own = await launch();
    t.after(() => own.close());
    const { page, faults, close } = await openPage(own, { before: fakePicker });
    await page.goto(letter.link);
    await inState(page, "download");
    const before = await rendererPeak(own);
    await page.click('[data-when="download"] [data-download]');
    await page.waitForFunction(() => window.saved?.closed, null, { timeout: 120_000 });
    const saved = await page.evaluate(() => window.saved);
    assert.deepEqual(saved, { name: "photos.zip", bytes: 200 * MB, closed: true, aborted: false });
    const grown = (await rendererPeak(own)) - before;
    // The most that it ever had, garbage of the decryption included; less than the file alone.
    assert.ok(grown < 160 * MB, `the renderer grew by ${Math.round(grown / MB)} MB`);
    assert.deepEqual(faults, []);
    await close();
  });

  test("cancelled in the middle of a large download: the file is given up, not completed", async () => {
    const letter = site.add({ ...OTHER, plain: huge, lazy: true });
    const { page, close } = await openPage(browser, { before: fakePicker });
    await page.goto(letter.link);
    await inState(page, "download");
    letter.partsToo = true;
    letter.gate = 8 * MB;
    await Promise.all([new Promise((resolve) => letter.once("gated", resolve)), page.click('[data-when="download"] [data-download]')]);
    letter.cancel();
    await inState(page, "closed");
    await page.waitForFunction(() => window.saved.aborted);
    assert.equal(await page.evaluate(() => window.saved.closed), false);
    await close();
  });

  test("without a file picker a large letter goes through a private file, which is removed again", async () => {
    const letter = site.add({ ...OTHER, plain: { ...huge, length: 40 * MB }, lazy: true });
    const { page, faults, close } = await openPage(browser, { before: noPicker });
    await page.goto(letter.link);
    await inState(page, "download");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click('[data-when="download"] [data-download]')]);
    const bytes = readFileSync(await download.path());
    assert.equal(bytes.length, 40 * MB);
    assert.equal(createHash("sha256").update(bytes).digest("hex"), letter.sha256);
    const left = () =>
      page.evaluate(async () => {
        const names = [];
        for await (const [name, handle] of (await navigator.storage.getDirectory()).entries()) {
          if (handle.kind === "directory") for await (const file of handle.keys()) names.push(`${name}/${file}`);
        }
        return names;
      });
    assert.equal((await left()).length, 1);
    await page.reload();
    await inState(page, "download");
    await page.waitForFunction(async () => {
      for await (const _ of (await navigator.storage.getDirectory()).keys()) return false;
      return true;
    });
    assert.deepEqual(await left(), []);
    assert.deepEqual(faults, []);
    await close();
  });

  describe("in an in-app browser", () => {
    const userAgent = "Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36 Instagram 300.0";

    test("that can share files, the file is offered to share", async () => {
      const letter = site.add({ ...OTHER, plain });
      const { page, faults, close } = await openPage(browser, { userAgent, before: fakeShare });
      await page.goto(letter.link);
      await inState(page, "download");
      await page.click('[data-when="download"] [data-download]');
      await page.click("[data-share]");
      await page.waitForFunction(() => window.shared);
      assert.deepEqual(await page.evaluate(() => window.shared), { name: "photos.zip", size: plain.length });
      assert.equal(await page.textContent("[data-download-status]"), "Saved");
      assert.deepEqual(faults, []);
      await close();
    });

    test("that cannot, the page says to open it in the browser", async () => {
      const letter = site.add({ ...OTHER, plain });
      const { page, close } = await openPage(browser, { userAgent, before: noShare });
      await page.goto(letter.link);
      await inState(page, "download");
      await page.click('[data-when="download"] [data-download]');
      await page.waitForFunction(() => /Open this page/.test(document.querySelector("[data-download-status]").textContent));
      await close();
    });
  });
});

function fakePicker() {
  window.showSaveFilePicker = async ({ suggestedName }) => {
    const saved = { name: suggestedName, bytes: 0, closed: false, aborted: false };
    window.saved = saved;
    return {
      createWritable: async () => ({
        write: async (chunk) => {
          saved.bytes += chunk.byteLength;
        },
        close: async () => {
          saved.closed = true;
        },
        abort: async () => {
          saved.aborted = true;
        },
      }),
    };
  };
}

function noPicker() {
  delete window.showSaveFilePicker;
}

function fakeShare() {
  navigator.canShare = () => true;
  navigator.share = async ({ files }) => {
    window.shared = { name: files[0].name, size: files[0].size };
  };
}

function noShare() {
  Object.defineProperty(navigator, "canShare", { value: undefined });
}
