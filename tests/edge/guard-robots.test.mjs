// Robots: crawlers get nothing, preview robots the sender's name, mail scanners the envelope and a mark on the record.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { freshAddress } from "./lib/addresses.mjs";
import { damaged, forged, shape, startGuarded } from "./lib/guard.mjs";

const SUBJECT = "Inspection of your car, WX-482-S";
const CRAWLERS = [
  "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
  "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)", "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "CCBot/2.0 (https://commoncrawl.org/faq/)",
];
const PREVIEWS = [
  "WhatsApp/2.23.20.0", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
  "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "Mozilla/5.0 (Macintosh) AppleWebKit/601.2.4 Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0", "TelegramBot (like TwitterBot)",
];
const SCANNERS = ["Mozilla/5.0 (compatible; Proofpoint URL Defense)", "Mimecast-URL-Protect/1.0", "BarracudaCentral/1.0", "Mozilla/4.0 (compatible; ms-office; MSOffice 16) SafeLinks", "Microsoft Office Existence Discovery"];

let site, nothing;
before(async () => {
  site = await startGuarded("guard-robots");
  nothing = shape(await site.get("/no-such-page"));
});
after(() => site?.stop());
const put = (more = {}) => site.put(randomBytes(2_000), { about: { subject: SUBJECT }, ...more });
const strikes = async (address) => (await site.explain(address)).sentinel.strikes;

describe("crawlers", () => {
  for (const agent of CRAWLERS) {
    test(`${agent.slice(0, 70)}: silence, link or not, and no event; a person at that address reads, banned or not`, async () => {
      const letter = await put();
      const address = freshAddress();
      for (const path of [letter.path, `${letter.path}/report`, "/", "/x", "/blog/", damaged(letter, 1)]) assert.equal(shape(await site.get(path, { "user-agent": agent }, { address })), nothing, path);
      for (let page = 0; page < 25; page += 1) await site.get(`/page-${page}`, { "user-agent": agent }, { address });
      assert.equal((await site.banned(address)).reason, "damaged", "it counts as everybody's");
      assert.equal((await site.get(letter.path, {}, { address })).status, 200, "a person at that address reads");
      assert.deepEqual(await site.kinds(letter), ["sealed", "opened", "notice_shown"], "and only the person is on record");
      const told = await site.explain(address, { agent });
      assert.deepEqual([told.agent.kind, told.agent.allowed, told.answers.genuine], ["crawler", false, "silent"]);
    });
  }

  test("a forged link or a honeypot counts for them as for everybody", async () => {
    const [one, two] = [freshAddress(), freshAddress()];
    const headers = { "user-agent": CRAWLERS[0] };
    await site.get("/.env", headers, { address: one });
    await site.banned(one);
    for (let count = 0; count < 2; count += 1) await site.get(forged(), headers, { address: two });
    await site.banned(two);
  });

  test("by rule they are banned at once, or are like everybody, and an allowed one is let in", async () => {
    const letter = await put();
    const headers = { "user-agent": CRAWLERS[0] };
    await site.accepted('[robots]\ncrawlers = "ban"\n');
    const address = freshAddress();
    assert.equal(shape(await site.get(letter.path, headers, { address })), nothing);
    assert.equal(shape(await site.get(damaged(letter, 1), headers, { address })), nothing);
    assert.equal((await site.banned(address)).reason, "honeypot");
    assert.equal(await strikes(address), 0, "a genuine link is never a strike");
    await site.accepted('[robots]\ncrawlers = "ignore"\n');
    assert.equal((await site.get(letter.path, headers)).status, 200);
    await site.accepted('[[allow]]\nagent = "*Googlebot/2.1*"\n');
    assert.equal((await site.get(letter.path, headers)).status, 200);
    assert.equal(shape(await site.get(letter.path, { "user-agent": CRAWLERS[1] })), nothing);
    await site.accepted("");
  });
});

describe("preview robots", () => {
  for (const agent of PREVIEWS) {
    test(`${agent.slice(0, 70)}: a page with the sender's name, no subject, no event`, async () => {
      const letter = await put();
      for (const headers of [{}, { accept: "application/json" }, { "accept-language": "nl" }, { cookie: "a=b" }]) {
        const answer = await site.get(letter.path, { "user-agent": agent, ...headers });
        const html = answer.body.toString();
        assert.equal(answer.status, 200);
        assert.match(html, /Garage Vermeer/);
        for (const word of [SUBJECT, "WX-482", "Inspection", letter.token, letter.letter, "<form", "nonce"]) assert.ok(!html.includes(word), `${word} is on the page`);
        assert.match(answer.headers["content-security-policy"], /default-src 'none'/);
        assert.match(answer.headers["cache-control"], /no-store/);
        assert.equal(answer.headers["set-cookie"], undefined);
        assert.doesNotMatch(html, /og:url|rel="canonical"/);
      }
      const head = await site.send("HEAD", letter.path, { headers: { "user-agent": agent } });
      assert.deepEqual([head.status, head.body.length], [200, 0]);
      assert.ok(!(await site.get(`${letter.path}/report`, { "user-agent": agent })).body.equals(letter.plaintext));
      assert.deepEqual(await site.kinds(letter), ["sealed"], "nothing is on record");
      assert.equal((await site.browser().json(letter.path)).subject, SUBJECT);
      assert.deepEqual(await site.kinds(letter), ["sealed", "opened", "notice_shown"], "the customer's visit is the first");
    });
  }

  test("the picture is the same for every letter, at the host that was asked whatever a header says, and theirs to show", async () => {
    const letter = await put();
    const [agent] = PREVIEWS;
    const pictures = (answer) => [...answer.body.toString().matchAll(/property="og:image" content="([^"]+)"/g)].map(([, url]) => url);
    const headers = { "user-agent": agent, "x-forwarded-host": "evil.example", forwarded: "host=evil.example", "x-original-host": "evil.example", origin: "https://evil.example" };
    const seen = pictures(await site.get(letter.path, headers));
    assert.equal(seen.length, 2);
    // Those who fetch as a browser from the reader's phone find the same on the envelope, and on a closed page.
    assert.deepEqual(pictures(await site.get(letter.path)), seen);
    await site.api("POST", `${letter.letter}/cancel`, { headers: { "content-length": 0 } });
    assert.deepEqual(pictures(await site.get(letter.path)), seen);
    for (const url of seen) {
      assert.equal(new URL(url).host, `127.0.0.1:${site.port}`);
      for (const from of [agent, "Googlebot/2.1", "curl/8.0"]) {
        const picture = await site.get(new URL(url).pathname, { "user-agent": from });
        assert.deepEqual([picture.status, picture.headers["content-type"], picture.body.subarray(1, 4).toString()], [200, "image/png", "PNG"]);
        assert.deepEqual([picture.headers["cache-control"], picture.headers["cross-origin-resource-policy"]], ["public, max-age=86400", "cross-origin"]);
      }
    }
  });

  test("of a link that was changed on the way they get the same page, and are not led on", async () => {
    const letter = await put();
    const headers = { "user-agent": PREVIEWS[0] };
    const page = shape(await site.get(letter.path, headers));
    for (const path of [`${letter.path}%3E`, letter.path.toUpperCase(), `/x${letter.path}`]) assert.equal(shape(await site.get(path, headers)), page, path);
  });

  test("the page is the same for every letter, and for a closed one", async () => {
    const headers = { "user-agent": PREVIEWS[0] };
    const [one, two] = [await put(), await put({ about: { subject: "Something else" } })];
    await site.api("POST", `${two.letter}/cancel`, { headers: { "content-length": 0 } });
    const pages = await Promise.all([one, two].map(({ path }) => site.get(path, headers)));
    assert.equal(pages[0].body.toString(), pages[1].body.toString());
    assert.ok(pages.every(({ status }) => status === 200));
  });

  test("strangers' links get silence from them too, and count as everybody's; where they are banned right links get their page", async () => {
    const letter = await put();
    const address = freshAddress();
    const headers = { "user-agent": PREVIEWS[0] };
    for (let number = 0; number < 21; number += 1) assert.equal(shape(await site.get(damaged(letter, number), headers, { address })), nothing);
    assert.equal((await site.banned(address)).reason, "damaged");
    await site.barred(letter, { address });
    assert.match((await site.get((await put()).path, headers, { address })).body.toString(), /Garage Vermeer/);
  });

  test("by rule they get silence", async () => {
    const letter = await put();
    await site.accepted('[robots]\npreviews = "refuse"\n');
    assert.equal(shape(await site.get(letter.path, { "user-agent": PREVIEWS[0] })), nothing);
    await site.accepted("");
  });

  test("people inside these programs are people", async () => {
    const letter = await put();
    const inside = [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/22F76 [FBAN/FBIOS;FBAV/520.0]", "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/140 Mobile Safari/537.36 Instagram 390.0",
      "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130 Safari/537.36 Teams/1.7", "Mozilla/5.0 (Linux; Android 14; CUBOT KINGKONG) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36",
    ];
    for (const agent of inside) assert.equal((await site.browser({ "user-agent": agent }).json(letter.path)).subject, SUBJECT, agent);
  });
});

describe("mail scanners", () => {
  for (const agent of SCANNERS) {
    test(`${agent.slice(0, 70)}: served, and the record says that it was probably not the customer`, async () => {
      const letter = await put();
      const answer = await site.get(letter.path, { "user-agent": agent });
      assert.equal(answer.status, 200);
      assert.ok(answer.body.includes(SUBJECT));
      const { events } = await site.record(letter);
      const mark = events.find((event) => event.kind === "robot_suspected" || event.details?.robot);
      assert.ok(mark, JSON.stringify(events));
    });
  }

  test("a gateway that follows every link of a mailbox is banned in the end, and scans the right ones as before", async () => {
    const letter = await put();
    const address = freshAddress();
    const headers = { "user-agent": SCANNERS[0] };
    for (let number = 0; number < 21; number += 1) await site.get(damaged(letter, number), headers, { address });
    await site.banned(address);
    await site.barred(letter, { address });
    const other = await put();
    assert.ok((await site.get(other.path, headers, { address })).body.includes(SUBJECT));
    const { events } = await site.record(other);
    assert.ok(events.some((event) => event.kind === "robot_suspected" || event.details?.robot), JSON.stringify(events));
  });
});
