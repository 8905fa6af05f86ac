// What counts against a client and how much, seen from outside: docs/GUARD.md, "Strikes and bans".

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { freshAddress } from "./lib/addresses.mjs";
import { damaged, endOfDay, forged, shape, startGuarded } from "./lib/guard.mjs";
import { mintToken, newKeyring, uuid7 } from "./lib/seal.mjs";
import { until } from "./lib/site.mjs";

const NOW = Math.floor(Date.now() / 1000);
const VISIT = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64)", "sec-fetch-mode": "navigate", "sec-fetch-site": "none" };
const keyring = newKeyring({ active: 7, retired: [{ id: 3, not_after: NOW - 60 }] });
let site, letter, nothing;
before(async () => {
  site = await startGuarded("guard-strikes", { keyring });
  letter = await site.put(randomBytes(2_000), { lives: 40 * 86_400 });
  nothing = shape(await site.get("/no-such-page", VISIT));
});
after(() => site?.stop());

/** Sends the paths one after the other; all must be answered by silence. */
async function sends(address, paths, headers = {}) {
  for (const path of paths) assert.equal(shape(await site.get(path, { ...VISIT, ...headers }, { address })), nothing, path);
}
const points = async (address) => (await site.explain(address)).sentinel.points;
/** Points fade, so a count is reached from below within a tenth. */
const counts = (address, wanted) =>
  until(async () => {
    const { sentinel } = await site.explain(address);
    return sentinel.points > wanted - 0.1 && sentinel.points <= wanted && sentinel;
  });
const many = (count, path) => Array.from({ length: count }, (_, number) => path(number));
/** Strikes sent before this one are all noted when this one is: they went to the same sentinel before it. */
async function settled(address, strikes) {
  await until(async () => {
    const { sentinel } = await site.explain(address);
    return sentinel.bans.length > 0 || sentinel.strikes >= strikes;
  });
}

test("damaged links: the nineteenth still opens the way, the twentieth bans until midnight", async () => {
  const address = freshAddress();
  await sends(address, many(19, (number) => damaged(letter, number)));
  await settled(address, 19);
  assert.deepEqual((await site.explain(address)).sentinel.bans, []);
  assert.equal((await site.get(letter.path, VISIT, { address })).status, 200);
  await sends(address, [damaged(letter, 19)]);
  const ban = await site.banned(address);
  assert.deepEqual([ban.reason, ban.until], ["damaged", endOfDay(Date.now())]);
  await site.barred(letter, { address });
});

test("the same damaged link again costs nothing: a person presses reload", async () => {
  const address = freshAddress();
  await sends(address, many(30, () => damaged(letter, 5)));
  await sends(address, [damaged(letter, 6), damaged(letter, 5), damaged(letter, 6)]);
  await counts(address, 2);
});

test("forged links: the second bans", async () => {
  const address = freshAddress();
  await sends(address, [forged()]);
  await counts(address, 10);
  await sends(address, [forged()]);
  assert.equal((await site.banned(address)).reason, "forged");
});

test("forged links count below every path, one that everybody may ask for too", async () => {
  for (const below of ["/.well-known", "/assets", "/apple-touch-icon", "/api/v1", "/api/v1/letters", "/favicon.ico?u=", "/?u=", "/log", "/assets/viewer-0000000000.js?u="]) {
    const address = freshAddress();
    await sends(address, [`${below}${forged()}`]);
    await counts(address, 10);
    await sends(address, [`${below}${forged()}`]);
    assert.equal((await site.banned(address)).reason, "forged", below);
  }
  const keyed = freshAddress();
  const sent = { authorization: "Bearer wsk_07_0" };
  await sends(keyed, [`/api/v1${forged()}`, `/api/v1${forged()}`], sent);
  assert.equal((await site.banned(keyed)).reason, "forged");
});

test("guesses in a query are each one, and the same one again is not", async () => {
  const address = freshAddress();
  await sends(address, many(4, (number) => `/x?u=${damaged(letter, number)}`));
  await counts(address, 4);
  await sends(address, [`/x?u=${damaged(letter, 1)}`, ...many(6, (number) => `/y?n=${number}`)]);
  await counts(address, 5);
});

test("wrong API keys: the fourth bans; the right one is served in any spelling, from a banned address, and where a rule denies", async () => {
  const address = freshAddress();
  const ask = (key, scheme = "Bearer ") => site.get(`/api/v1/letters/${letter.letter}`, { ...VISIT, authorization: `${scheme}${key}` }, { address });
  const spellings = ["bearer ", "BEARER ", "Bearer  ", "Bearer\t", "bEaReR \t "];
  for (const scheme of spellings) assert.equal((await ask(site.apiKey, scheme)).status, 200, JSON.stringify(scheme));
  const wrong = (number) => `${site.apiKey.slice(0, 9 + number)}${site.apiKey[9 + number] === "x" ? "y" : "x"}${site.apiKey.slice(10 + number)}`;
  for (let number = 0; number < 3; number += 1) assert.equal(shape(await ask(wrong(number))), nothing);
  await counts(address, 15);
  assert.equal((await ask(site.apiKey)).status, 200);
  assert.equal(shape(await ask(wrong(3))), nothing);
  assert.equal((await site.banned(address)).reason, "api_key");
  await site.barred(letter, { address });
  for (const scheme of spellings) assert.equal((await ask(site.apiKey, scheme)).status, 200, JSON.stringify(scheme));
  assert.equal(shape(await ask(wrong(3))), nothing);
  await site.accepted(`[[deny]]\naddress = "${address}"\n`);
  await site.refused(letter, { address });
  assert.equal((await ask(site.apiKey)).status, 200, "ops lift their own rule");
  assert.equal(shape(await ask(wrong(3))), nothing);
  await site.accepted("");
});

test("links of a retired key, and what phones ask for unasked, cost nothing", async () => {
  const address = freshAddress();
  await sends(address, many(10, () => `/${mintToken(keyring, uuid7(), NOW + 900, 3)}`));
  await sends(address, ["/", "/favicon.ico", "/apple-touch-icon.png", "/apple-touch-icon-120x120-precomposed.png", "/.well-known/assetlinks.json", "/.well-known/change-password", "/sitemap.xml", "/ads.txt", "/manifest.json", "/browserconfig.xml", "/assets/viewer-of-last-week.js", "/assets/"]);
  await sends(address, [damaged(letter, 3)]);
  const { strikes } = await counts(address, 1);
  assert.equal(strikes, 1);
});

test("a strike is a strike: no header excuses it", async () => {
  const excuses = [
    ...["no-cors", "cors", "same-origin", "websocket"].map((mode) => ({ "sec-fetch-mode": mode, "sec-fetch-site": "same-site" })),
    { "sec-fetch-dest": "iframe", "sec-fetch-site": "same-origin" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-dest": "image", "sec-fetch-mode": "no-cors", "sec-fetch-site": "cross-site" },
    { "sec-purpose": "prefetch;prerender" }, { purpose: "prefetch" }, { "x-moz": "prefetch" },
    { accept: "image/avif,image/webp,*/*" }, { accept: "text/css" },
    ...["WhatsApp/2.23.20.0", "Proofpoint URL Defense", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"].map((agent) => ({ "user-agent": agent })),
  ];
  for (const [number, excuse] of excuses.entries()) {
    const [trap, forger, clumsy] = [freshAddress(), freshAddress(), freshAddress()];
    await sends(trap, ["/wp-login.php"], excuse);
    await sends(forger, [forged(), forged()], excuse);
    await sends(clumsy, [damaged(letter, number)], excuse);
    assert.equal((await site.banned(trap)).reason, "honeypot", JSON.stringify(excuse));
    assert.equal((await site.banned(forger)).reason, "forged", JSON.stringify(excuse));
    await counts(clumsy, 1);
  }
});

test("one picture in a mail bans an office, and its people's links open: before, during and after", async () => {
  const office = { address: "192.0.2.200" };
  const reader = (agent) => site.browser({ "user-agent": agent ?? VISIT["user-agent"] }, office);
  const [early, late] = [await site.put(randomBytes(2_000)), await site.put(randomBytes(2_000))];
  const first = reader();
  await first.consent(early.path);
  // Many of them open the mail, and so do three neighbours: their network is banned as well.
  const picture = { "user-agent": "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0; ms-office; MSOffice 16)", accept: "*/*", "sec-fetch-mode": "no-cors" };
  for (const host of [200, 200, 201, 202, 203]) await site.get("/wp-login.php", picture, { address: `192.0.2.${host}` });
  await site.banned("192.0.2.0/24");
  await site.barred(letter, office);
  assert.ok((await first.get(`${early.path}/report`)).body.equals(early.plaintext), "who reads goes on reading");
  const second = reader("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15");
  await second.consent(late.path);
  assert.ok((await second.get(`${late.path}/report`, { range: "bytes=0-99" })).body.equals(late.plaintext.subarray(0, 100)));
  for (const path of [late.path.toUpperCase(), `${late.path}.`]) assert.equal((await second.get(path)).status, 302, path);
  assert.equal((await second.post(`${late.path}/withdraw`, {})).status < 500, true);
  for (const path of ["/no-such-page", "/.env", forged()]) assert.equal(shape(await site.get(path, VISIT, office)), nothing, "strangers there get silence");
  assert.equal((await site.lift("192.0.2.0/24")).lifted >= 4, true);
  await site.freed(office);
  assert.equal((await reader().get(early.path)).status, 200);
});

test("three banned clients ban their /24, and only for who has no genuine link", async () => {
  for (const host of [1, 2, 3]) await sends(`203.0.113.${host}`, ["/.env"]);
  const ban = await site.banned("203.0.113.0/24");
  assert.equal(ban.reason, "neighbours");
  await until(async () => (await site.explain("203.0.113.9")).standing === "network_banned");
  assert.equal((await site.get(letter.path, VISIT, { address: "203.0.113.9" })).status, 200);
  const person = site.browser({}, { address: "203.0.113.9" });
  await person.consent(letter.path);
  assert.equal((await person.get(`${letter.path}/report`)).status, 200);
  await sends("203.0.113.9", [damaged(letter, 1)]);
});

test("IPv6: one /64 is one client; three of a /56 ban it, three /56s ban their /48", async () => {
  await sends("2001:db8:aa:100::1", [forged()]);
  await sends("2001:db8:aa:100:ffff::2", [forged()]);
  await site.banned("2001:db8:aa:100::/64");
  for (const group of ["101", "102", "200", "300"]) await sends(`2001:db8:aa:${group}::1`, ["/.env"]);
  await site.banned("2001:db8:aa:100::/56");
  await site.banned("2001:db8:aa::/48");
  assert.deepEqual((await site.bans()).filter(({ target }) => /^2001:db8:aa:(2|3)00::\/56$/.test(target)), []);
});

test("one IPv4 client has one face: mapped, NAT64, 6to4 and Teredo count for it", async () => {
  await sends("198.51.100.9", ["/.env"]);
  await site.banned("198.51.100.9");
  // 198.51.100.9 is c633:6409; inverted, as Teredo writes it, 39cc:9bf6.
  for (const address of ["::ffff:198.51.100.9", "64:ff9b::c633:6409", "2002:c633:6409::1", "2001:0:4136:e378:8000:63bf:39cc:9bf6"]) await site.barred(letter, { address });
  assert.equal((await site.get(letter.path, VISIT, { address: "2002:c633:640a::1" })).status, 200);
});

test("strict: one malformed link bans address and network for the day, and a ban silences everybody there", async () => {
  await site.accepted('profile = "strict"\n');
  await sends("192.0.2.77", [damaged(letter, 2)]);
  assert.equal((await site.banned("192.0.2.77")).reason, "damaged");
  await site.banned("192.0.2.0/24");
  for (const address of ["192.0.2.77", "192.0.2.78"]) {
    await site.refused(letter, { address });
    const report = `${letter.path}/report`;
    await sends(address, [letter.path, report, letter.path.toUpperCase()]);
    assert.equal((await site.get(`/api/v1/letters/${letter.letter}`, { authorization: `Bearer ${site.apiKey}` }, { address })).status, 200, "not the right key");
  }
  await site.accepted("");
  await site.barred(letter, { address: "192.0.2.77" });
});

test("X-Forwarded-For and its like never count: not for a strike, not for a rule, not for a ban", async () => {
  const victim = "198.51.100.200";
  const lies = { "x-forwarded-for": victim, forwarded: `for=${victim}`, "x-real-ip": victim, "true-client-ip": victim, "x-client-ip": victim, "cf-connecting-ipv6": victim, "cf-pseudo-ipv4": victim, "x-originating-ip": victim, "fastly-client-ip": victim };
  const address = freshAddress();
  await sends(address, ["/.env"], lies);
  await site.banned(address);
  assert.deepEqual((await site.explain(victim)).sentinel.bans, []);
  assert.equal((await site.get(letter.path, VISIT, { address: victim })).status, 200);
  // Nor do they help who is banned.
  await site.barred(letter, { address });
  await site.accepted(`[[allow]]\naddress = "${victim}"\n[[deny]]\nnetwork = "198.51.100.0/24"\n`);
  assert.equal((await site.get(letter.path, VISIT, { address: victim })).status, 200);
  await sends("198.51.100.201", [letter.path], lies);
  await site.accepted("");
});

test("points fade, and with midnight nothing is left of them", async () => {
  const [slow, late] = [freshAddress(), freshAddress()];
  const real = Date.now();
  const noon = (endOfDay(real) + 12 * 3_600) * 1_000;
  try {
    await site.front({ clock: noon });
    await sends(slow, many(6, (number) => damaged(letter, number)));
    await sends(late, many(6, (number) => damaged(letter, number)));
    // Both before the clock moves on: a strike counts from when the sentinel hears of it.
    await counts(slow, 6);
    await counts(late, 6);
    await site.front({ clock: noon + 2 * 3_600_000 });
    await counts(slow, 2);
    const midnight = endOfDay(noon);
    await site.front({ clock: (midnight - 60) * 1_000 });
    await sends(late, many(6, (number) => damaged(letter, 100 + number)));
    await counts(late, 6);
    await site.front({ clock: (midnight + 1) * 1_000 });
    await until(async () => (await points(late)) === 0);
  } finally {
    await site.front({ clock: null });
  }
});

test("whatever a banned stranger sends, it gets what anybody gets for a page that is not there", async () => {
  const address = freshAddress();
  await sends(address, ["/.env"]);
  await site.barred(letter, { address });
  const body = randomBytes(60_000);
  const bodies = [{}, { body, headers: { "content-length": body.length } }, { body, headers: { "transfer-encoding": "chunked" } }, { body: "agree=yes", headers: { "content-type": "application/x-www-form-urlencoded", "content-length": 9 } }];
  const paths = [forged(), `${forged()}/report`, `${damaged(letter, 3)}/consent`, "/", "/.env", "/no-such-page", "/api/v1/letters/x"];
  const headers = [{}, { accept: "application/json" }, { range: "bytes=0-9" }, { cookie: "a=b" }, { "accept-language": "fr" }];
  for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"]) {
    for (const sent of method === "GET" || method === "HEAD" ? [{}] : bodies) {
      const reference = shape(await site.send(method, "/no-such-page", { ...sent, headers: { ...VISIT, ...sent.headers } }));
      for (const path of paths) {
        for (const more of sent.body ? [{}] : headers) {
          const answer = await site.send(method, path, { address, ...sent, headers: { ...VISIT, ...sent.headers, ...more } });
          assert.equal(shape(answer), reference, `${method} ${path} ${JSON.stringify(more)}`);
        }
      }
    }
  }
});

test("a no to a genuine letter is heard from a banned address too, and from robots; not where a rule denies", async () => {
  const oneClick = (address, agent) => site.send("POST", `${mine.path}/withdraw`, { address, body: "List-Unsubscribe=One-Click", headers: { "user-agent": agent ?? VISIT["user-agent"], "content-type": "application/x-www-form-urlencoded", "content-length": 26 } });
  let mine = await site.put(randomBytes(100));
  const address = freshAddress();
  await sends(address, ["/.env"]);
  await site.barred(letter, { address });
  assert.equal((await oneClick(address)).status, 200);
  assert.equal((await site.browser().json(mine.path)).closed, "refused");
  mine = await site.put(randomBytes(100));
  assert.equal((await oneClick(freshAddress(), "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")).status, 200);
  assert.equal((await site.browser().json(mine.path)).closed, "refused");
  mine = await site.put(randomBytes(100));
  await site.accepted(`[[deny]]\naddress = "${address}"\n`);
  assert.equal((await oneClick(address)).status, 404);
  await site.accepted("");
  assert.equal((await site.browser().json(mine.path)).state, "envelope");
});

test("what happened can be followed from a cursor on", async () => {
  const first = await site.call("GET", "/api/v1/guard/events");
  assert.equal((await site.call("GET", `/api/v1/guard/events?after=${first.next}`)).events.length, 0);
  const address = freshAddress();
  await sends(address, ["/.env"]);
  await site.banned(address);
  await site.lift(address);
  const more = await site.call("GET", `/api/v1/guard/events?after=${first.next}`);
  assert.deepEqual(more.events.map(({ kind, target, reason }) => [kind, target, reason]), [["banned", address, "honeypot"], ["lifted", address, "honeypot"]]);
  assert.ok(more.events.every(({ at }) => Math.abs(at - Date.now()) < 60_000));
  assert.equal((await site.call("GET", `/api/v1/guard/events?after=${more.next}`)).events.length, 0);
});
