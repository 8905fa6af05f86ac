// Links in a PDF: those that stay jump, those that leave are shown before they are followed, all others are none.

import assert from "node:assert/strict";
import { test } from "node:test";
import axe from "axe-core";
import { inState, openPage, SIZES } from "./harness/browser.mjs";
import { line, pdfOf } from "./harness/pdf.mjs";
import { browser, PDF, site } from "./harness/stage.mjs";

const link = (y, action) => `/Subtype /Link /Rect [55 ${y - 5} 400 ${y + 15}] /Border [0 0 0] ${action}`;
const uri = (y, address) => link(y, `/A << /S /URI /URI (${address}) >>`);

/** A letter whose first page has one link for each of `actions`, on words of its own. */
async function opened(rows, options = {}) {
  const y = (at) => 780 - 40 * at;
  const first = {
    content: rows.map(({ words = "a link" }, at) => line(y(at), words)).join(""),
    annotations: rows.map(({ address, action }, at) => (address === undefined ? link(y(at), action) : uri(y(at), address))),
  };
  const pages = [first, { content: line(700, "The second page") }, { content: line(400, "What the link meant") }, {}];
  const letter = site.add({ ...PDF, plain: pdfOf(pages, options.pdf) });
  const visit = await openPage(browser, options);
  await visit.page.goto(letter.link);
  await visit.page.waitForFunction(() => document.querySelectorAll(".textLayer").length === 4);
  await visit.page.waitForSelector('.ws-page[data-page="1"][data-rendered]');
  return { letter, ...visit };
}

const LEAVING = "dialog[data-leaving]";

for (const [name, address, place, shown, target] of [
  ["an address", "https://example.com/a?b=c#d", "example.com", "https://example.com/a?b=c#d", "_blank"],
  ["another name before the host", "https://bank.example@evil.example:8443/login", "evil.example:8443", "https://bank.example@evil.example:8443/login", "_blank"],
  ["a host within the name", "http://evil.example@evil.example/@evil.example", "evil.example", "http://evil.example@evil.example/@evil.example", "_blank"],
  ["letters that look like others", "https://\\320\\260pple.com/", "xn--pple-43d.com", "https://xn--pple-43d.com/", "_blank"],
  ["marks that turn the text around", "https://example.com/\\342\\200\\256fdp.exe", "example.com", "https://example.com/%E2%80%AEfdp.exe", "_blank"],
  ["a mail", "mailto:jan@example.com?subject=Hello", "jan@example.com", "mailto:jan@example.com?subject=Hello", ""],
  ["a number", "tel:+31305550142", "+31305550142", "tel:+31305550142", ""],
]) {
  test(`shown before it is followed: ${name}`, async () => {
    const { page, faults, close } = await opened([{ address }]);
    const before = page.url();
    await page.click(".annotationLayer a");
    assert.ok(await page.isVisible(LEAVING));
    assert.equal(await page.textContent("[data-leaving-place]"), place);
    assert.equal(await page.textContent("[data-leaving-address]"), shown);
    assert.equal(await page.textContent("[data-leaving-address] b"), place);
    const ahead = await page.$eval("[data-leaving-address] b", (b) => b.previousSibling.data);
    assert.match(ahead, /^(https?:\/\/([^/]*@)?|mailto:|tel:)$/, "the host itself is in bold, not a name that looks like it");
    const open = page.locator("[data-leaving-open]");
    assert.equal(await open.getAttribute("href"), shown);
    assert.equal(await open.evaluate((a) => a.target), target);
    assert.equal(await open.getAttribute("rel"), "noopener noreferrer nofollow");
    assert.equal(await page.evaluate(() => document.activeElement.hasAttribute("data-leaving-stay")), true, "the safe answer has the focus");
    await page.keyboard.press("Escape");
    assert.ok(!(await page.isVisible(LEAVING)));
    assert.equal(await page.evaluate(() => document.activeElement.closest(".annotationLayer a") !== null), true, "back at the link");
    assert.equal(page.url(), before);
    assert.equal(page.context().pages().length, 1);
    assert.deepEqual(faults, []);
    await close();
  });
}

test("followed, it opens a page of its own that knows nothing of this one", async () => {
  const { page, close } = await opened([{ address: "https://example.com/offer" }]);
  await page.context().route("https://example.com/**", (route) => route.fulfill({ contentType: "text/html", body: "<title>elsewhere</title>" }));
  await page.click(".annotationLayer a");
  const [other] = await Promise.all([page.context().waitForEvent("page"), page.click("[data-leaving-open]")]);
  await other.waitForURL("https://example.com/offer");
  assert.equal(await other.evaluate(() => `${window.opener}${document.referrer}`), "null");
  assert.ok(!(await page.isVisible(LEAVING)));
  await close();
});

for (const [name, act] of [
  ["the middle button", (page) => page.click(".annotationLayer a", { button: "middle" })],
  ["a key held", (page) => page.click(".annotationLayer a", { modifiers: ["ControlOrMeta"] })],
  ["the keyboard", async (page) => {
    await page.focus("[data-page-number]");
    while (!(await page.evaluate(() => document.activeElement.matches(".annotationLayer a")))) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
  }],
]) {
  test(`${name} goes no way around the question`, async () => {
    const { page, faults, close } = await opened([{ address: "https://example.com/" }]);
    assert.equal(await page.getAttribute(".annotationLayer a", "href"), null, "nothing for the browser's menu to open, nor to be dragged");
    assert.equal(await page.getByRole("link", { name: "a link" }).count(), 1, "a link to a screen reader");
    await act(page);
    assert.ok(await page.isVisible(LEAVING));
    await page.click("[data-leaving-stay]");
    assert.ok(!(await page.isVisible(LEAVING)));
    assert.equal(page.context().pages().length, 1);
    assert.deepEqual(faults, []);
    await close();
  });
}

for (const [words, address, warned] of [
  ["www.bank.example", "https://evil.example/", true],
  ["https://bank.example/login", "https://bank.example.evil.example/login", true],
  ["bank.example", "https://www.bank.example/", false],
  ["our offer", "https://evil.example/", false],
  ["help@bank.example", "mailto:x@evil.example", true],
  ["mailto:help@bank.example", "mailto:x@evil.example", true],
  ["help@bank.example", "mailto:help@bank.example?bcc=x@evil.example", true],
  ["help@bank.example", "mailto:sales@bank.example?subject=Hello", false],
  ["bank.example", "tel:+31305550142", true],
  ["030 555 01 42", "tel:+31305550142", false],
]) {
  test(`words that name a host, "${words}" to ${address}: ${warned ? "a warning" : "none"}`, async () => {
    const { page, close } = await opened([{ words, address }]);
    assert.equal(await page.getAttribute(".annotationLayer a", "aria-label"), words);
    await page.click(".annotationLayer a");
    assert.equal(await page.isVisible("[data-leaving-differs]"), warned);
    if (warned) assert.ok((await page.textContent("[data-leaving-differs]")).includes(words));
    await close();
  });
}

test("what is no link: programs, files, forms that are sent, films", async () => {
  const { page, faults, letter, close } = await opened([
    ...["javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "file:///etc/passwd", "vbscript:x", "blob:https://x/y", "ftp://example.com/x", "\\001javascript:alert(1)"].map((address) => ({ address })),
    { action: "/A << /S /JavaScript /JS (app.alert\\(1\\)) >>" },
    { action: "/A << /S /Launch /F (cmd.exe) >>" },
    { action: "/A << /S /GoToR /F (other.pdf) /D [0 /Fit] >>" },
    { action: "/A << /S /SubmitForm /F << /FS /URL /F (https://evil.example/) >> >>" },
    { action: "/A << /S /ImportData /F (data.fdf) >>" },
    { action: "/A << /S /Named /N /Print >>" },
    { action: "/AA << /E << /S /URI /URI (https://evil.example/) >> >>" },
  ], { pdf: { catalog: "/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> /AA << /WP << /S /URI /URI (https://evil.example/) >> >>" } });
  const before = letter.requests.length;
  assert.deepEqual(await page.$$eval(".annotationLayer a", (all) => all.map((a) => a.href)), []);
  for (let at = 0; at < 14; at += 1) {
    const box = await page.locator('.ws-page[data-page="1"]').boundingBox();
    await page.mouse.click(box.x + box.width / 4, box.y + ((842 - 780 + 40 * at - 5) / 842) * box.height);
  }
  assert.equal(page.context().pages().length, 1);
  assert.ok(!(await page.isVisible(LEAVING)));
  assert.equal(letter.requests.length, before);
  assert.deepEqual(faults, []);
  await close();
});

for (const [name, action, number, words] of [
  ["a place on a page", "/Dest [50 0 R /XYZ 0 420 0]", 3, "What the link meant"],
  ["a page", "/A << /S /GoTo /D [30 0 R /Fit] >>", 2, "The second page"],
  ["a name", "/Dest (there)", 3, "What the link meant"],
  ["the last page", "/A << /S /Named /N /LastPage >>", 4, null],
  ["the next page", "/A << /S /Named /N /NextPage >>", 2, "The second page"],
]) {
  test(`a link that stays jumps to ${name}, and leaves address and history alone`, async () => {
    const catalog = "/Names << /Dests << /Names [(there) [50 0 R /XYZ 0 420 0]] >> >>";
    const { page, faults, close } = await opened([{ action }], { pdf: { catalog } });
    const [address, entries] = await page.evaluate(() => [location.href, history.length]);
    assert.equal(await page.$eval(".annotationLayer a", (a) => a.href), address, "elsewhere it opens this very letter");
    await page.evaluate(() => addEventListener("hashchange", () => console.error("the address changed")));
    await page.focus(".annotationLayer a");
    await page.keyboard.press("Enter");
    await page.waitForFunction((n) => document.activeElement.dataset.page === String(n), number);
    assert.equal(await page.inputValue("[data-page-number]"), String(number));
    await page.waitForSelector(`.ws-page[data-page="${number}"][data-rendered]`);
    if (words) {
      const top = await page.locator(".textLayer span", { hasText: words }).first().evaluate((span) => span.getBoundingClientRect().top);
      const bar = await page.$eval(".tools", (tools) => tools.getBoundingClientRect().bottom);
      assert.ok(top >= bar - 1 && top < bar + 100, `the words are right below the bar: ${top}`);
    }
    assert.deepEqual(await page.evaluate(() => [location.href, history.length]), [address, entries]);
    assert.deepEqual(faults, []);
    await close();
  });
}

test("a note's picture comes from here, whatever the document calls it", async () => {
  const annotations = ["/Comment", "/..#2f..#2f..#2fx"].map((name, at) => `/Subtype /Text /Rect [60 ${700 - 60 * at} 84 ${724 - 60 * at}] /Name ${name} /Contents (said)`);
  const letter = site.add({ ...PDF, plain: pdfOf([{ content: line(780, "notes"), annotations }]) });
  const { page, faults, urls, close } = await openPage(browser);
  await page.goto(letter.link);
  await page.waitForSelector(".textAnnotation img");
  await page.waitForFunction(() => Array.from(document.querySelectorAll(".textAnnotation img")).every((image) => image.complete && image.naturalWidth > 0));
  const pictures = urls.filter((url) => url.endsWith(".svg")).map((url) => new URL(url).pathname.replace(/^\/assets\/pdfjs-[^/]+\/images\//, ""));
  assert.deepEqual(pictures.sort(), ["annotation-comment.svg", "annotation-note.svg"]);
  assert.deepEqual(faults, []);
  await close();
});

for (const [name, size] of Object.entries(SIZES)) {
  test(`axe finds nothing while the question is asked (${name})`, async () => {
    const { page, close } = await opened([{ words: "www.bank.example", address: "https://evil.example/" }, { action: "/Dest [50 0 R /Fit]" }], { size, bypassCSP: true });
    await page.addScriptTag({ content: axe.source });
    const found = () => page.evaluate(async () => (await window.axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`));
    assert.deepEqual(await found(), []);
    await page.click(".annotationLayer a >> nth=0");
    assert.deepEqual(await found(), []);
    await close();
  });
}

test("the letter is cancelled while the question is asked", async () => {
  const { page, letter, close } = await opened([{ address: "https://example.com/" }]);
  await page.click(".annotationLayer a");
  letter.cancel();
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await inState(page, "closed");
  assert.equal(await page.$eval(LEAVING, (dialog) => dialog.open), false, "nor does it lock the page");
  assert.equal(await page.locator(".annotationLayer, .textLayer").count(), 0);
  assert.ok(!(await page.content()).includes("https://example.com/"), "nor is it told where the letter led");
  await close();
});
