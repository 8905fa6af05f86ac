// The message that brings a link, made by the command line, read by another implementation (Python's), and its one-click as a mail
// program sends it.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../scripts/lib/edge.mjs";
import { LANGUAGES } from "./lib/languages.mjs";
import { startSite } from "./lib/site.mjs";

const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");
const PYTHON = process.env.WAXSEAL_PYTHON ?? "python3";
const SUBJECT = "Prüfung „WX-482-S“ – 車検 <b>& mehr</b>";

// What Python's library finds in a mail.
const PARSE = `
import email, email.policy, json, sys
mail = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
part = lambda kind: mail.get_body((kind,)).get_content()
print(json.dumps({"headers": {name.lower(): str(value) for name, value in mail.items()}, "type": mail.get_content_type(),
  "types": [p.get_content_type() for p in mail.iter_parts()], "defects": [str(d) for d in mail.defects],
  "text": part("plain"), "html": part("html")}))
`;
const parsed = (eml) => JSON.parse(execFileSync(PYTHON, ["-c", PARSE], { input: eml }));

let site, folder, keys;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "waxseal-message-"));
  site = await startSite("message");
  keys = join(folder, "keyring.json");
  writeFileSync(keys, JSON.stringify(site.keyring), { mode: 0o600 });
  writeFileSync(join(folder, "report.txt"), "The report: nobody sees it in a mail.");
});
after(async () => {
  await site?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs `waxseal`: `{ code, out, err }`. */
function waxseal(...args) {
  return new Promise((resolve) => {
    execFile(BIN, [...args, "--url", site.url, "--keys", keys], { cwd: folder }, (error, out, err) => resolve({ code: error?.code ?? 0, out, err }));
  });
}
const sealed = async (...args) => {
  const { code, out, err } = await waxseal("seal", "report.txt", "--subject", SUBJECT, "--customer", "C-77", "--letter", "R-9", ...args);
  assert.equal(code, 0, err);
  site.remember(/\/([0-9a-z]{66})/.exec(out)?.[1]);
  return out;
};
const linkIn = (text) => /https?:\/\/[^\s"<>]+\/[0-9a-z]{66}(#[0-9a-z]{26})?/.exec(text)[0];

for (const lang of LANGUAGES) {
  for (const endToEnd of [false, true]) {
    test(`${lang}, ${endToEnd ? "end-to-end" : "edge-opened"}: a mail that another implementation reads, and whose button says no`, async () => {
      const eml = await sealed("--lang", lang, "--message", "eml", "--mail-from", "post@garage.example", "--to", "jan@mail.example", ...(endToEnd ? ["--end-to-end"] : []));
      const { headers, type, types, defects, text, html } = parsed(eml);
      assert.deepEqual([type, types, defects], ["multipart/alternative", ["text/plain", "text/html"], []]);
      assert.ok(headers.subject.includes("Garage Vermeer") && headers.subject.endsWith(SUBJECT), headers.subject);
      assert.deepEqual([headers.from, headers.to], ["Garage Vermeer <post@garage.example>", "jan@mail.example"]);
      assert.deepEqual([headers["auto-submitted"], headers["content-language"]], ["auto-generated", lang]);
      assert.match(headers["message-id"], /^<[0-9a-f]{32}@garage\.example>$/);
      assert.ok(Math.abs(Date.parse(headers.date) - Date.now()) < 60_000, headers.date);

      const link = linkIn(text);
      assert.equal(link.includes("#"), endToEnd);
      assert.ok(text.includes(`\n${link}\n`), "bare, on a line of its own");
      assert.deepEqual([...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href), [link, link], "the button, and the bare link");
      for (const shown of [text, html]) for (const hidden of ["C-77", "R-9", "report.txt", "The report"]) assert.ok(!shown.includes(hidden), hidden);
      assert.ok(html.includes("Prüfung „WX-482-S“ – 車検 &#60;b&#62;&#38; mehr&#60;/b&#62;"), "markup in a subject is text");
      assert.doesNotMatch(html, /<(img|script|link|iframe|form)|url\(|@import|src=/i, "nothing is fetched");
      assert.ok(Buffer.byteLength(eml) < 100_000 && eml.split(/\r?\n/).every((line) => Buffer.byteLength(line) < 998), "no line is too long for a mail server");

      // RFC 8058: the mail program posts to the address in the header, and knows nothing else.
      assert.equal(headers["list-unsubscribe-post"], "List-Unsubscribe=One-Click");
      const address = /^<(.*)>$/.exec(headers["list-unsubscribe"])[1];
      assert.equal(address, `${link.split("#")[0]}/withdraw`);
      const answer = await site.send("POST", new URL(address).pathname, { headers: { "content-type": "application/x-www-form-urlencoded" }, body: headers["list-unsubscribe-post"] });
      assert.equal(answer.status, 200);
      const page = await site.browser().json(new URL(link).pathname);
      assert.deepEqual([page.state, page.closed], ["closed", "refused"]);
    });
  }
}

test("an SMS has the whole link in one or two messages; text, HTML and JSON are what the mail has", async () => {
  const sms = (await sealed("--lang", "de", "--message", "sms")).trim();
  assert.ok(sms.endsWith(linkIn(sms)), sms);
  const message = JSON.parse(await sealed("--lang", "nl", "--message", "json"));
  assert.ok([1, 2].includes(message.sms.segments) && ["GSM-7", "UCS-2"].includes(message.sms.encoding));
  assert.ok(message.text.includes(linkIn(message.html)) && message.html.includes('lang="nl"'));
  const answer = JSON.parse(await sealed("--json", "--message", "sms"));
  assert.equal(linkIn(answer.message.sms.text), answer.link);
});

test("a folder gets each form, for its owner alone, and the link is printed as ever", async () => {
  const link = (await sealed("--message", "out/")).trim();
  assert.deepEqual(readdirSync(join(folder, "out")).sort(), ["message.eml", "message.html", "message.json", "message.txt", "sms.txt"]);
  for (const name of readdirSync(join(folder, "out"))) {
    const path = join(folder, "out", name);
    assert.equal(statSync(path).mode & 0o777, 0o600, name);
    const text = name.endsWith(".eml") ? parsed(readFileSync(path)).text : readFileSync(path, "utf8");
    assert.equal(linkIn(text), link, name);
  }
});

test("a message that cannot be written loses no link, and one that surely cannot seals nothing", async () => {
  mkdirSync(join(folder, "taken/message.eml"), { recursive: true });
  const seal = (form) => waxseal("seal", "report.txt", "--subject", SUBJECT, "--end-to-end", "--message", form);
  const { code, out, err } = await seal("taken/");
  assert.equal(code, 1, err);
  assert.match(err, /message\.eml/);
  assert.match(linkIn(out), /#/, "the key is nowhere else");
  assert.equal((await site.browser().json(new URL(linkIn(out)).pathname)).state, "envelope");
  for (const [form, exit] of [["report.txt/", 1], ["EML", 2]]) {
    const refused = await seal(form);
    assert.deepEqual([refused.code, refused.out], [exit, ""], form);
  }
});

test("a sender's own texts go before; what is wrong with them is said before anything is sealed", async () => {
  const texts = join(folder, "texts.toml");
  writeFileSync(texts, 'open = "Read your <report>"\n');
  const { text, html } = JSON.parse(await sealed("--message", "json", "--message-texts", texts));
  assert.ok(text.includes("Read your <report>:") && html.includes("Read your &#60;report&#62;"));
  writeFileSync(texts, 'sms = "{sender}: {subject}"\n');
  const { code, out, err } = await waxseal("seal", "report.txt", "--subject", "x", "--message", "json", "--message-texts", texts);
  assert.deepEqual([code, out], [2, ""]);
  assert.match(err, /the text `sms` must have \{link\} and \{sender\} and \{subject\}/);
});

test("mint makes it for a letter that is there, offline where all of the sender is said", async () => {
  const { letter } = JSON.parse(await sealed("--json"));
  const said = ["--sender", "Jansen & Zn.", "--accent", "#0a5", "--lang", "fr", "--time-zone", "Europe/Paris"];
  const wrong = await waxseal("mint", letter, "--message", "text", "--subject", "Votre offre", ...said);
  assert.deepEqual([wrong.code, wrong.out], [2, ""], "a colour has six digits");
  said[3] = "#00aa55";
  const { code, out, err } = await waxseal("mint", letter, "--message", "text", "--subject", "Votre offre", "--expires", "2027-01-31", ...said);
  assert.equal(code, 0, err);
  assert.match(out, /^Jansen & Zn\. vous a envoyé une lettre scellée\.\n\nObjet\u00a0: Votre offre\nVous pouvez l’ouvrir jusqu’au 31 janvier 2027 à 23\u00a0h\u00a059\n/);
  assert.equal((await site.browser().json(new URL(linkIn(out)).pathname)).state, "envelope");
  const missing = await waxseal("mint", letter, "--message", "text");
  assert.deepEqual([missing.code, missing.out], [2, ""]);
  assert.match(missing.err, /give --subject/);
});
