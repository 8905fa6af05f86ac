// The journey of one letter, from sealing to withdrawal, over HTTP as a browser would and with the command line.
// Prints a line for each step; throws at the first one that does not hold.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { remember, rememberLink } from "./remember.mjs";

export async function journey({ url, folder, report, keys, seal, waxseal }) {
  const step = async (name, act) => {
    let result;
    try {
      result = await act();
    } catch (error) {
      throw new Error(`${name}: ${error.message}`);
    }
    console.log(`ok  ${name}`);
    return result;
  };
  let id;
  // Edge-opened, as a browser.
  const sealed = await step("sealed the report; the link came after body and manifest were whole", async () => {
    const { link, letter } = JSON.parse(await seal(["--json"]));
    id = letter;
    assert.ok(link.startsWith(`${url}/`), `the link should start with ${url}/`);
    rememberLink(link);
    return link;
  });
  const envelope = await step("the envelope shows the sender, the subject and the day it ends, and nothing else", async () => {
    const answer = await json(sealed);
    assert.equal(answer.state, "envelope");
    assert.ok(answer.sender.name, "the sender has a name");
    assert.equal(answer.subject, "Inspection of your car, WX-482-S");
    assert.ok(answer.expires_at > Date.now() / 1000, "the letter ends in the future");
    assert.equal(answer.letter, undefined);
    return answer;
  });
  await step("without consent the report stays shut", async () => {
    await shut(sealed);
  });
  await step("an unticked box is refused", async () => {
    const response = await post(`${sealed}/consent`, { terms: envelope.terms.sha256, nonce: envelope.nonce });
    assert.equal(response.status, 422);
    assert.equal(response.headers.get("set-cookie"), null);
  });
  const cookie = await step("consent is on record and opens the letter for this browser", async () => {
    const response = await post(`${sealed}/consent`, { terms: envelope.terms.sha256, nonce: envelope.nonce, agree: "yes" });
    assert.equal(response.status, 303);
    const [pair] = (response.headers.get("set-cookie") ?? "").split(";");
    assert.match(pair, /^__Host-waxseal-/);
    remember(pair.slice(pair.indexOf("=") + 1));
    return pair;
  });
  const letter = await step("the letter opens with the cookie, and only with it", async () => {
    assert.equal((await json(sealed)).state, "envelope");
    const answer = await json(sealed, { cookie });
    assert.equal(answer.state, "letter");
    assert.equal(answer.letter.length, report.length);
    return answer;
  });
  await step(`downloaded ${report.length} bytes, the same as were sealed`, async () => {
    const response = await fetch(`${sealed}/report`, { headers: { cookie } });
    assert.equal(response.status, 200);
    assert.ok(report.equals(Buffer.from(await response.arrayBuffer())), "the bytes differ");
  });
  await step("a byte range from the middle is right too", async () => {
    const response = await fetch(`${sealed}/report`, { headers: { cookie, range: "bytes=65000-131999" } });
    assert.equal(response.status, 206);
    assert.ok(report.subarray(65_000, 132_000).equals(Buffer.from(await response.arrayBuffer())), "the bytes differ");
  });
  await step("withdrew the consent", async () => {
    const response = await post(`${sealed}/withdraw`, { nonce: letter.nonce }, { cookie });
    assert.equal(response.status, 303);
  });
  await step("after that the letter is closed and the report stays shut", async () => {
    const answer = await json(sealed, { cookie });
    assert.equal(answer.state, "closed");
    assert.equal(answer.closed, "withdrawn");
    await shut(sealed, { cookie });
  });

  // End to end, with the command line.
  const private_ = await step("sealed it again end to end; the key is in the link alone", async () => {
    const answer = JSON.parse(await seal(["--json", "--end-to-end"]));
    assert.match(new URL(answer.link).hash, /^#[0-9a-z]{26}$/);
    rememberLink(answer.link);
    return answer;
  });
  await step("the command line consents, downloads, decrypts and verifies", async () => {
    const out = join(folder, "opened.pdf");
    await waxseal(["open", private_.link, "--output", out, "--consent", "--quiet"]);
    assert.ok(report.equals(readFileSync(out)), "the bytes differ");
  });
  await step("the sender cancels; from the next request on it is closed", async () => {
    const { origin, pathname } = new URL(private_.link);
    await waxseal(["cancel", `${origin}${pathname}`, "--keys", keys.path, "--url", url, "--quiet"]);
    const answer = await json(`${origin}${pathname}`);
    assert.equal(answer.state, "closed");
    assert.equal(answer.closed, "cancelled");
  });
  await step("a forged link gets silence", async () => {
    const forged = sealed.slice(0, -4) + (sealed.endsWith("0000") ? "1111" : "0000");
    const [silent, unknown] = await Promise.all([fetch(forged), fetch(`${url}/no-such-page`)]);
    assert.equal(silent.status, 404);
    assert.equal(await silent.text(), await unknown.text());
  });

  // The evidence.
  const access = ["--keys", keys.path, "--url", url];
  const receipt = join(folder, "receipt.json");
  const bundle = join(folder, "bundle.zip");
  const vkey = (await waxseal(["evidence", "key", "--origin", "localhost/log", "--keys", keys.path])).trim();
  await step("the customer has a receipt, which verifies without any network", async () => {
    const response = await fetch(`${sealed}/receipt.json`);
    assert.equal(response.status, 200);
    writeFileSync(receipt, Buffer.from(await response.arrayBuffer()));
    await waxseal(["evidence", "verify", receipt, "--key", vkey]);
  });
  await step("the auditor's bundle verifies: each event, in its order, in the public log", async () => {
    await waxseal(["evidence", "export", id, "--output", bundle, ...access]);
    await waxseal(["evidence", "verify", bundle, "--key", vkey]);
  });
  await step("a bundle with one changed byte does not", async () => {
    const bytes = readFileSync(bundle);
    // In the packed events; what the files around them are called is not evidence.
    bytes[bytes.indexOf("events.jsonl") + 100] ^= 1;
    const changed = join(folder, "changed.zip");
    writeFileSync(changed, bytes);
    await assert.rejects(waxseal(["evidence", "verify", changed, "--key", vkey]));
  });
  await step("erased on request: the report and the personal details are gone, and the evidence still verifies", async () => {
    await waxseal(["erase", id, "--yes", "--quiet", ...access]);
    assert.equal((await json(sealed)).closed, "erased");
    await waxseal(["evidence", "export", id, "--output", join(folder, "after.zip"), ...access]);
    await waxseal(["evidence", "verify", join(folder, "after.zip"), "--key", vkey]);
  });

  // The guard. This machine's edge believes a connecting address that the client states; the platform's never does.
  const scanner = { "cf-connecting-ip": "192.0.2.66" };
  const standing = async () => JSON.parse(await waxseal(["guard", "explain", "192.0.2.66", "--json", ...access])).standing;
  await step("a scanner that asks for /wp-login.php is banned, and whoever has a genuine link there opens it", async () => {
    assert.equal((await fetch(`${url}/wp-login.php`, { headers: scanner })).status, 404);
    await until(async () => (await standing()) === "address_banned");
    assert.equal((await json(sealed, scanner)).state, "closed");
  });
  await step("waxseal guard explains the ban and lifts it", async () => {
    assert.match(await waxseal(["guard", "explain", "192.0.2.66", ...access]), /honeypot/);
    await waxseal(["guard", "unban", "192.0.2.66", ...access]);
    await until(async () => (await standing()) !== "address_banned");
  });
}

/** Asks again until it is so: strikes are told in the background. */
async function until(holds) {
  for (let left = 200; left > 0; left -= 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("it did not come to pass within ten seconds");
}

/** The report is not given out: the answer may be a page or a redirect, and holds no byte of it. */
async function shut(link, headers = {}) {
  const response = await fetch(`${link}/report`, { headers, redirect: "manual" });
  const body = Buffer.from(await response.arrayBuffer());
  assert.ok(!(response.headers.get("content-type") ?? "").startsWith("application/pdf"), "the answer is not a PDF");
  assert.ok(!body.includes("%PDF"), "no byte of the report came");
}

async function json(link, headers = {}) {
  const response = await fetch(link, { headers: { accept: "application/json", ...headers }, redirect: "manual" });
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`expected JSON, got status ${response.status}: ${text.slice(0, 200)}`);
  }
}

function post(address, fields, headers = {}) {
  return fetch(address, {
    method: "POST",
    body: new URLSearchParams(fields),
    // A program that says so: who poses as a browser and answers at once is asked whether it is a robot.
    headers: { accept: "application/json", origin: new URL(address).origin, ...headers },
    redirect: "manual",
  });
}
