// Closed pages name their letter by what stood on the envelope, for whoever holds its link, and by nothing else; once it is
// erased nobody's page does.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { mintToken, newKeyring, uuid7 } from "./lib/seal.mjs";
import { fieldsOf, startSite } from "./lib/site.mjs";

const ABOUT = { subject: "Rates & terms? 50 % off", file_name: "zebrawood.pdf", reference: "QUAGGA-7" };
const MAIL = "?subject=Your%20letter%3A%20Rates%20%26%20terms%3F%2050%20%25%20off";
const now = () => Math.floor(Date.now() / 1000);

const keyring = newKeyring({ active: 7 });
let site;
before(async () => (site = await startSite("closed", { keyring })));
after(() => site?.stop());

const page = async (browser, path) => (await browser.get(`${path}?lang=en`)).body.toString();
const put = () => site.put(randomBytes(100), { about: ABOUT });
const expired = (letter) => `/${mintToken(keyring, letter.letter, now() - 60)}`;
const undo = async (person, letter, other) => {
  const { action, fields } = fieldsOf(await page(person, letter.path), "undo");
  site.remember(fields.nonce);
  return (await other.post(action, fields)).body.toString();
};

/** How a letter comes to be closed, and the page that says so to somebody who has the link and nothing else. */
const WAYS = {
  cancelled: async (letter, person, other) => {
    await person.get(letter.path);
    await site.api("POST", `${letter.letter}/cancel`, { headers: { "content-length": 0 } });
    return page(other, letter.path);
  },
  "by a link that is over": async (letter, person, other) => {
    await person.get(letter.path);
    return page(other, expired(letter));
  },
  refused: async (letter, person, other) => {
    await person.submit(letter.path, "refuse");
    return page(other, letter.path);
  },
  withdrawn: async (letter, person, other) => {
    await person.consent(letter.path);
    await person.submit(letter.path, "withdraw");
    return page(other, letter.path);
  },
  "undone by another browser": async (letter, person, other) => {
    await person.submit(letter.path, "refuse");
    return undo(person, letter, other);
  },
};

for (const [way, close] of Object.entries(WAYS)) {
  test(`${way}: the subject and a mail with it, nothing of the report, and nothing at all once it is erased`, async () => {
    const letter = await put();
    const [person, other] = [site.browser(), site.browser()];
    const html = await close(letter, person, other);
    assert.match(html, /Rates &#38; terms\? 50 % off|Rates &amp; terms\? 50 % off/);
    assert.ok(html.includes(MAIL), "the mail is begun");
    for (const secret of ["zebrawood", "QUAGGA", letter.manifest.sha256]) assert.ok(!html.includes(secret), secret);
    assert.ok([...html.matchAll(/href="(mailto:[^"]*)"/g)].every(([, mail]) => !mail.includes(letter.token)));
    await site.api("POST", `${letter.letter}/erase`, { headers: { "content-length": 0 } });
    for (const path of [letter.path, expired(letter), `${letter.path}/receipt`]) {
      const erased = await page(other, path);
      for (const word of ["Rates", "zebrawood", "QUAGGA", "?subject="]) assert.ok(!erased.includes(word), `${path.slice(67)}: ${word}`);
    }
  });
}

test("a letter that is not there has no name, and neither has a form that is none of ours", async () => {
  const missing = await page(site.browser(), `/${mintToken(keyring, uuid7(), now() + 900)}`);
  const letter = await put();
  const invalid = (await site.browser().post(`${letter.path}/undo?lang=en`, { nonce: "x" })).body.toString();
  for (const html of [missing, invalid]) {
    assert.match(html, /href="mailto:[^"?]+"/);
    assert.ok(!html.includes("Rates"));
  }
});
