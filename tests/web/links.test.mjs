// The browser's reader of links by the vectors it shares with the library: tests/vectors/links.json.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fromFragment, fromPasted, keyBehind, tokenEnd } from "../../web/key.ts";

const { token, cases } = JSON.parse(readFileSync(new URL("../vectors/links.json", import.meta.url)));
const KEY = cases.find(({ key }) => key).key;
const bytes = (text) => new TextEncoder().encode(text);
/** The edge reads no more of a path, and a page reads it whole. */
const whole = cases.filter(({ text }) => text.length <= 1024);
/** Behind a path with a token in it the edge takes a key from the query only where it is whole; a page has no query before it. */
const given = ({ text, pasted, key }) => (!pasted && key === undefined && tokenEnd(bytes(text.split("?")[0]), token) !== null ? text.split("?")[0] : text);

test("every genuine link is found, and its key", () => {
  const known = whole.filter(({ letter }) => letter !== undefined);
  assert.ok(known.length > 200);
  for (const { name, clean, key, ...link } of known) {
    const text = given({ key, ...link });
    const spelled = clean ?? /[0-9a-z]{66}/.exec(text)[0];
    const end = tokenEnd(bytes(text), spelled);
    assert.notEqual(end, null, name);
    assert.equal(keyBehind(bytes(text), end)?.text, key, name);
    assert.equal(fromPasted(text, spelled)?.text, key, name);
  }
});

test("no other text holds the link of this page", () => {
  const without = whole.filter(({ letter }) => letter === undefined);
  assert.ok(without.length > 50);
  for (const { name, text } of without) {
    // Nine candidates are too many for the edge only.
    if (!text.includes(token)) assert.equal(tokenEnd(bytes(text), token), null, name);
  }
});

test("a fragment is a key, or broken, or none", () => {
  const found = (hash) => fromFragment(hash).key?.text ?? fromFragment(hash).found;
  for (const hash of [`#${KEY}`, `#${KEY.toUpperCase()}).`, `#${KEY}&utm_source=mail`, `#${KEY}%20Regards`, `#%23${KEY}`, `#${KEY.slice(0, 9)}%0D%0A${KEY.slice(9)}`, `#%E2%80%8B${KEY}?x`, `#39;%23${KEY}`, `#8203;#${KEY}`, `#35;${KEY}`]) {
    assert.equal(found(hash), KEY, hash);
  }
  for (const hash of ["", "#", "# "]) assert.equal(found(hash), "none");
  for (const hash of [`#${KEY.slice(0, 25)}`, "#:~:text=hello", `#${KEY.slice(0, 25)}z`]) assert.equal(found(hash), "broken", hash);
});

test("a key alone is one, and words are none", () => {
  for (const text of [KEY, ` ${KEY.toUpperCase()}\n`, `"${KEY}".`, `#${KEY}`, `${KEY.slice(0, 13)} ${KEY.slice(13)}`]) {
    assert.equal(fromPasted(text, token)?.text, KEY, text);
  }
  for (const text of ["", "hello", KEY.slice(1), `https://letters.example/#${KEY}`, `${KEY}0`, `see https://letters.example/${token}`, `#${KEY} https://letters.example/${token}`]) {
    assert.equal(fromPasted(text, token), null, text);
  }
});

test("the bytes of a key are those of its text", () => {
  assert.deepEqual(fromFragment("#00000000000000000000000000").key.bytes, new Uint8Array(16));
  assert.deepEqual(fromFragment("#zzzzzzzzzzzzzzzzzzzzzzzzzw").key.bytes, new Uint8Array(16).fill(255));
});
