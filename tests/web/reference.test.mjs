// docs/reference.html is what docs/openapi.json says, all of it, and needs nothing else.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { reference } from "../../scripts/lib/reference.mjs";

const read = (name) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");
const document = JSON.parse(read("openapi.json"));
const page = read("reference.html");
const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);

test("it is made of the document as that is now", () => {
  assert.ok(page === reference(document), "run: node scripts/lib/reference.mjs");
});

test("every route, every field and every problem is in it", () => {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const at = page.indexOf(`<article id="${operation.operationId}"`);
      const article = page.slice(at, page.indexOf("</article>", at)).replaceAll("<wbr>", "").replaceAll(/<\/?var>/g, "");
      assert.ok(at > 0 && article.includes(`<b class="${method}">${method.toUpperCase()}</b> <code>${path}</code>`), `${method} ${path}`);
      const named = [...article.matchAll(/<dt><code>([^<]*)<\/code>/g)].map(([, name]) => name);
      const { parameters, requestBody, responses } = operation;
      const fields = [...parameters.map((it) => it.name), ...namesIn(requestBody), ...Object.values(responses).flatMap(namesIn)];
      assert.deepEqual(fields.filter((name) => !named.includes(name)), [], operation.operationId);
      const scope = operation.security[0].key[0];
      assert.ok(article.includes(scope ? `the scope <code>${scope}</code>` : "any scope"), "its scope");
      assert.match(article, /<pre><code>curl /);
    }
  }
  for (const { code } of document["x-problems"]) assert.ok(ids.includes(code), code);
});

test("its links lead somewhere, its ids are one each, and nothing is fetched", () => {
  assert.equal(new Set(ids).size, ids.length);
  const links = [...page.matchAll(/ href="([^"]*)"/g)].map(([, href]) => href).filter((href) => !href.startsWith("data:"));
  assert.deepEqual(links.filter((href) => href[0] !== "#" || !ids.includes(href.slice(1))), []);
  assert.doesNotMatch(page, /<script|\ssrc=|@import|url\(|<link [^>]*href="(?!data:)|javascript:/i);
});

/** The fields of a body, at every depth. */
function namesIn({ content = {} } = {}) {
  const below = (schema) => {
    if (typeof schema !== "object" || schema === null) return [];
    const { properties = {}, items, additionalProperties, anyOf = [] } = schema;
    return [...Object.keys(properties), ...[...Object.values(properties), items, additionalProperties, ...anyOf].flatMap(below)];
  };
  return content["application/problem+json"] ? [] : Object.values(content).flatMap(({ schema }) => below(schema));
}
