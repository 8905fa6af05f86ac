// From the link to the report, by clicking, on a phone and at a desk, in both modes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleReportShows, sha256 } from "./report.mjs";
import { DEVICES } from "./visitor.mjs";
import { words } from "./words.mjs";
import { SUBJECT } from "./world.mjs";

const en = words.en;

export function journey(world) {
  for (const device of Object.keys(DEVICES)) {
    for (const endToEnd of [false, true]) {
      test(`${endToEnd ? "end-to-end" : "edge-opened"}, ${device}: envelope, consent, report, download`, async () => {
        const letter = await world.seal({ endToEnd });
        const visitor = await world.visitor({ device });
        const { page } = visitor;
        await page.goto(letter.link);
        assert.equal(await visitor.heading(), SUBJECT);
        assert.equal(await page.isChecked("[name=agree]"), false, "the box is not ticked");
        assert.ok((await visitor.shift()) < 0.02, "the envelope stood still");
        assert.ok(!(await world.record(letter)).includes("consent_given"));
        assert.equal(await visitor.cookie(), undefined, "no cookie before consent");

        await visitor.agree();
        assert.equal(visitor.address(), letter.link, "the address is the link again, with its key");
        const { domain, path, secure, httpOnly, sameSite } = await visitor.cookie();
        assert.deepEqual(
          { domain, path, secure, httpOnly, sameSite },
          { domain: "127.0.0.1", path: "/", secure: true, httpOnly: true, sameSite: "Lax" },
        );
        assert.ok((await world.record(letter)).includes("consent_given"));

        await sampleReportShows(visitor);
        assert.ok((await visitor.shift()) < 0.02, `the letter page stood still: ${await visitor.shift()}`);
        if (endToEnd && device === "phone") await shares(visitor, letter);
        else await downloads(visitor, letter, endToEnd);

        const other = await world.visitor({ device });
        await other.page.goto(letter.link);
        assert.equal(await other.page.isChecked("[name=agree]"), false, "another browser is asked again");
        await other.close();
        await visitor.close();
      });
    }
  }

  test("the address of the report says where to go when nobody agreed in this browser", async () => {
    const letter = await world.seal();
    const visitor = await world.visitor();
    const { page } = visitor;
    const answer = await page.goto(`${letter.url}/report?download=1`);
    assert.equal(answer.status(), 403);
    assert.equal(await visitor.heading(), en.closed.no_right_title);
    await page.getByRole("link", { name: en.closed.back }).click();
    await page.waitForSelector("#yes");
    assert.equal(visitor.address(), letter.url);
    assert.equal(await visitor.heading(), SUBJECT);
    await visitor.close();
  });

  test("a link that a mail program damaged is mended, key and all", async () => {
    const letter = await world.seal({ endToEnd: true });
    const visitor = await world.visitor();
    for (const broken of [`${letter.url.replace(letter.token, letter.token.toUpperCase())}#${letter.key}`, `${letter.url}%23${letter.key}`, `${letter.link}.`]) {
      await visitor.page.goto(broken);
      assert.equal(await visitor.heading(), SUBJECT);
    }
    await visitor.page.goto(`${letter.url}%23${letter.key}`);
    await visitor.agree();
    await visitor.inState("viewer");
    assert.equal(visitor.address(), letter.link);
    // This reader's mail program did send the key: that it went over the line is no fault of the page.
    world.keys.splice(world.keys.indexOf(letter.key), 1);
    await visitor.close();
  });
}

async function downloads(visitor, letter, endToEnd) {
  const button = endToEnd ? '.acts [data-download]' : '.about a[href*="download=1"]';
  const { bytes, name } = await visitor.download(() => visitor.press(button));
  assert.ok(letter.bytes.equals(bytes), "the download is what was sealed");
  assert.equal(name, "inspection-report.pdf");
  if (endToEnd) await visitor.page.locator("[data-download-status]", { hasText: "has been saved" }).waitFor();
}

/** An in-app browser that cannot download but share. */
async function shares(visitor, letter) {
  const { page } = visitor;
  await page.evaluate(() => {
    navigator.canShare = () => true;
    navigator.share = (what) => {
      window.shared = what.files[0];
      return Promise.resolve();
    };
  });
  await visitor.press('.acts [data-download]');
  await visitor.press("[data-share]");
  await page.locator("[data-download-status]", { hasText: "has been saved" }).waitFor();
  const shared = await page.evaluate(async () => {
    const digest = await crypto.subtle.digest("SHA-256", await window.shared.arrayBuffer());
    const hash = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
    return { name: window.shared.name, hash };
  });
  assert.deepEqual(shared, { name: "inspection-report.pdf", hash: sha256(letter.bytes) });
}
