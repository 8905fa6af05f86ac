// The real edge: what a browser fetches while the terms are read, and that it fetches it once.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { drawn } from "./lib/report.mjs";
import { World } from "./lib/world.mjs";

const world = new World();
before(() => world.start("ahead"));
after(() => world.stop());

/** The request lines so far, without the queries of pages. */
const asked = (since) => world.front.received().subarray(since).toString("latin1").match(/^[A-Z]+ \S+(?= HTTP)/gm) ?? [];
const assets = (lines) => lines.map((line) => /^GET (\/assets\/\S+)/.exec(line)?.[1]).filter(Boolean);
const links = (page) => page.locator("link[rel=prefetch]").evaluateAll((all) => all.map((link) => new URL(link.href).pathname + new URL(link.href).search));

for (const endToEnd of [false, true]) {
  test(`${endToEnd ? "end-to-end" : "edge-opened"}: the viewer comes while the terms are read, and is not asked for again`, async () => {
    const letter = await world.seal({ endToEnd });
    const visitor = await world.visitor({ whole: true });
    const since = world.front.received().length;
    const finished = new Set();
    visitor.context.on("requestfinished", (request) => finished.add(new URL(request.url()).pathname));
    await visitor.page.goto(letter.link);
    const ahead = await links(visitor.page);
    assert.deepEqual(ahead.map((name) => name.replace(/[0-9a-f]{10}/, "HASH")), [
      "/assets/viewer.js?HASH",
      "/assets/pdf-HASH.js",
      "/assets/pdf.worker-HASH.js",
      "/assets/pdf.layers-HASH.js",
    ]);
    while (!ahead.every((name) => finished.has(name.split("?")[0]))) await once(visitor.context, "requestfinished");
    await visitor.agree();
    await visitor.inState("viewer");
    await drawn(visitor.page, 1);
    const lines = asked(since);
    for (const name of ahead) assert.equal(assets(lines).filter((one) => one === name).length, 1, name);
    await visitor.close();
  });
}

test("a browser that has nothing fetches each file once", async () => {
  const letter = await world.seal();
  const first = await world.reading(letter);
  const again = await world.visitor({ whole: true, storageState: await first.context.storageState() });
  await first.close();
  const since = world.front.received().length;
  await again.page.goto(letter.url);
  await again.inState("viewer");
  await again.page.waitForSelector('[data-pages][aria-busy="false"]');
  const lines = asked(since);
  for (const name of ["pdf-", "pdf.worker-"]) assert.equal(assets(lines).filter((one) => one.startsWith(`/assets/${name}`)).length, 1, name);
  const reports = lines.filter((line) => line.endsWith("/report"));
  assert.deepEqual(reports.length, 1, "the report comes once, too");
  await again.close();
});

test("the same is fetched ahead whatever the letter is", async () => {
  const visitor = await world.visitor({ whole: true });
  const found = [];
  for (const file of [{}, { bytes: Buffer.from("a note"), name: "note.txt", mediaType: "text/plain" }]) {
    await visitor.page.goto((await world.seal(file)).link);
    found.push(await links(visitor.page));
  }
  assert.deepEqual(found[0], found[1]);
  assert.equal(found[0].length, 4);
  await visitor.close();
});

for (const [who, context, offered] of [
  ["a person", {}, 4],
  ["whoever saves data", { extraHTTPHeaders: { "save-data": "on" } }, 0],
  ["a very slow line", { extraHTTPHeaders: { ect: "2g" } }, 0],
  ["a slow line", { extraHTTPHeaders: { ect: "3g" } }, 4],
  ["little memory", { extraHTTPHeaders: { "device-memory": "1" } }, 0],
  ["whoever asks for less", { extraHTTPHeaders: { "sec-ch-prefers-reduced-data": "reduce" } }, 0],
  ["a program", { userAgent: "curl/8.5.0" }, 0],
]) {
  test(`${who} is offered ${offered} files ahead`, async () => {
    const visitor = await world.visitor({ whole: true, ...context });
    await visitor.page.goto((await world.seal()).link);
    await visitor.page.waitForSelector("#yes");
    assert.equal((await links(visitor.page)).length, offered);
    await visitor.close();
  });
}

test("a file under its content's name is kept, under its plain name asked for again", async () => {
  const visitor = await world.visitor({ whole: true });
  await visitor.page.goto((await world.seal()).link);
  for (const [name, kept] of [...(await links(visitor.page)).map((name) => [name, true]), ["/assets/viewer.js", false], ["/assets/viewer.js?0000000000", false]]) {
    const answer = await fetch(`${world.url}${name}`, { method: "HEAD" });
    assert.equal(answer.status, 200);
    assert.equal(/immutable/.test(answer.headers.get("cache-control")), kept, name);
  }
  assert.equal((await fetch(`${world.url}/assets/scripts.json`)).status, 404);
  await visitor.close();
});
