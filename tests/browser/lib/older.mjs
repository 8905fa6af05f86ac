// Readers with an old browser, without cookies, without both: they still get the report, or are told how.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { test } from "node:test";
import { Visitor } from "./visitor.mjs";
import { words } from "./words.mjs";

const en = words.en;
const NEW = "/assets/viewer.js";

/** Each with what it does to the page, and what that page's own script may then report. */
const BROWSERS = {
  "that knows no script modules": { nothing: /^$/, prepare: noModules },
  "whose language is of 2017": {
    nothing: /^script error: /,
    prepare: (page) => page.route(`**${NEW}*`, (route) => route.fulfill({ contentType: "text/javascript", body: "let a = {}; a?.b ?? of 2020" })),
  },
};

export function older(world) {
  for (const [name, { nothing, prepare }] of Object.entries(BROWSERS)) {
    test(`a browser ${name}: told so, and the report opens and is saved`, async () => {
      const letter = await world.seal();
      const visitor = await world.visitor({ whole: true, device: "phone", viewport: { width: 360, height: 640 } });
      const { page } = visitor;
      await page.goto(letter.link);
      await visitor.agree();
      await prepare(page);
      await page.reload();
      await page.getByRole("heading", { name: en.letter.old_heading }).waitFor();
      const section = page.locator('[data-when="old-browser"]');
      const { y, height } = await section.getByRole("link", { name: en.letter.download }).boundingBox();
      assert.ok(y + height <= 640, "in reach");
      await saves(visitor, letter, section);
      await saves(visitor, letter, page.locator(".acts"));
      await opens(visitor, section, `${letter.url}/report`);
      await endAs(visitor, nothing);
    });

    test(`a browser ${name}, end-to-end: told what to do instead of nothing`, async () => {
      const letter = await world.seal({ endToEnd: true });
      const visitor = await world.visitor({ device: "phone" });
      const { page } = visitor;
      await page.goto(letter.link);
      await visitor.agree();
      await prepare(page);
      await page.reload();
      await page.getByText(en.letter.unsupported_text).waitFor();
      assert.equal(await page.locator("[data-download]:visible").count(), 0, "nothing that does nothing");
      await visitor.withdraw();
      await page.getByRole("heading", { name: en.closed.withdrawn_title }).waitFor();
      await endAs(visitor, nothing);
    });
  }

  test("the viewer's script does not arrive: said, and tried again", async () => {
    const letter = await world.seal({ endToEnd: true });
    const visitor = await world.visitor();
    const { page } = visitor;
    await page.route(`**${NEW}*`, (route) => route.abort());
    await page.goto(letter.link);
    await visitor.agree();
    await visitor.inState("offline");
    await page.unroute(`**${NEW}*`);
    await page.getByRole("button", { name: en.letter.retry }).click();
    await visitor.inState("viewer");
    assert.equal(visitor.address(), letter.link);
    await visitor.close();
  });

  test("a browser that knows none of the page's style: its links work", async () => {
    const letter = await world.seal();
    const visitor = await world.visitor({ whole: true, javaScriptEnabled: false });
    await visitor.page.goto(letter.link);
    await visitor.agree();
    await rewritten(visitor.page, (html) => html.replace(/<style>.*?<\/style>/s, ""));
    await visitor.page.reload();
    assert.equal(await visitor.page.locator("style").count(), 0);
    assert.equal(await visitor.page.locator("[data-when]:visible").count(), 0);
    await saves(visitor, letter, visitor.page.locator(".acts"));
    await opens(visitor, visitor.page.locator(".acts"), `${letter.url}/report`);
    await visitor.close();
  });

  for (const [javaScriptEnabled, endToEnd] of [[true, false], [true, true], [false, false]]) {
    test(`no cookies, ${javaScriptEnabled ? "" : "no script, "}${endToEnd ? "end-to-end" : "edge-opened"}: read, opened and saved by the grant`, async () => {
      const letter = await world.seal({ endToEnd });
      const door = await openCookieless(world.edge.port);
      const visitor = await Visitor.open({ browser: await (javaScriptEnabled ? world.browser : world.whole()), keyring: world.keyring, url: door.url }, { javaScriptEnabled });
      const { page } = visitor;
      await page.goto(letter.link.replace(world.url, door.url));
      await visitor.agree();
      if (javaScriptEnabled) await visitor.inState("viewer");
      if (!endToEnd) {
        await saves(visitor, letter, page.locator(".acts"));
        if (!javaScriptEnabled) await opens(visitor, page.locator(".acts"), (url) => url.pathname.endsWith("/report") && url.searchParams.has("grant"));
      } else {
        const { bytes } = await visitor.download(() => visitor.press(".acts [data-download]"));
        assert.ok(letter.bytes.equals(bytes));
      }
      assert.deepEqual(await visitor.context.cookies(), []);
      await visitor.close();
      await door.close();
    });
  }
}

async function saves(visitor, letter, place) {
  const { bytes, name } = await visitor.download(() => place.getByRole("link", { name: en.letter.download }).click());
  assert.ok(letter.bytes.equals(bytes));
  assert.equal(name, "inspection-report.pdf");
}

async function opens(visitor, place, url) {
  const { page } = visitor;
  const answered = page.context().waitForEvent("response", (response) => response.url().includes("/report") && response.request().isNavigationRequest());
  await place.getByRole("link", { name: en.letter.open }).click();
  const response = await answered;
  assert.equal(response.status(), 200);
  assert.match(response.headers()["content-disposition"], /^inline/);
  await page.waitForURL(url);
}

/** Ends the visit; what the old browser itself reports of a script it cannot read is no fault. */
function endAs(visitor, nothing) {
  visitor.faults = visitor.faults.filter((fault) => !nothing.test(fault));
  return visitor.close();
}

async function noModules(page) {
  await page.addInitScript(() => delete HTMLScriptElement.prototype.noModule);
  await rewritten(page, (html) => html.replaceAll('type="module"', 'type="of-later"'));
}

/** What comes in place of the letter page from now on. */
function rewritten(page, change) {
  const { pathname } = new URL(page.url());
  return page.route((url) => url.pathname === pathname, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: change(await response.text()) });
  });
}

/** A door in front of the edge that lets no cookie through, either way. */
async function openCookieless(port) {
  const server = createServer((asked, answer) => {
    const { cookie: _, ...headers } = asked.headers;
    const onward = request({ port, host: "127.0.0.1", method: asked.method, path: asked.url, headers }, (response) => {
      const { "set-cookie": __, ...kept } = response.headers;
      answer.writeHead(response.statusCode, kept);
      response.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    answer.on("close", () => onward.destroy());
    asked.pipe(onward);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
