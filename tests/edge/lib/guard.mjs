// The guard as tests meet it: a site whose front plays the platform, the namespace, and the API's view of the guard.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { FRONT } from "./front.mjs";
import { mintToken, newKeyring, uuid7 } from "./seal.mjs";
import { startSite, until } from "./site.mjs";

const stranger = newKeyring();
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** A link that somebody else than the sender made; never the same twice. */
export function forged() {
  return `/${mintToken(stranger, uuid7(), Math.floor(Date.now() / 1000) + 86_400)}`;
}

/** The link with one character changed: 65 * 31 different ones by `number`. */
export function damaged(letter, number) {
  const at = number % letter.token.length;
  const by = 1 + (Math.floor(number / letter.token.length) % 31);
  const character = ALPHABET[(ALPHABET.indexOf(letter.token[at]) + by) % 32];
  return `/${letter.token.slice(0, at)}${character}${letter.token.slice(at + 1)}`;
}

/** What is compared of two answers: all of it but the date. */
export function shape(answer) {
  const raw = answer.raw.filter(([name]) => name.toLowerCase() !== "date");
  return JSON.stringify([answer.status, raw, answer.body.toString("latin1")]);
}

/** When the day that `millis` lies in ends in `zone`, in seconds. Straight from the calendar, a minute at a time. */
export function endOfDay(millis, zone = "Europe/Amsterdam") {
  const calendar = new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" });
  const today = calendar.format(millis);
  const minute = 60_000;
  let at = Math.floor(millis / minute) * minute;
  while (calendar.format(at) === today) at += minute;
  return at / 1000;
}

/**
 * A site with the front of `front.mjs` before it, whose isolate and publisher look every second; `options` as of
 * `startSite`. It can do what a site can, and:
 */
export async function startGuarded(name, { guard = {}, ...options } = {}) {
  const site = await startSite(name, { wrap: FRONT, guard: { refresh_seconds: 1, ...guard }, ...options });
  const json = async (method, path, said, more = {}) => {
    const body = said === undefined || typeof said === "string" || Buffer.isBuffer(said) ? said : JSON.stringify(said);
    const headers = { authorization: `Bearer ${site.apiKey}`, "content-length": body === undefined ? 0 : Buffer.byteLength(body), ...more };
    const answer = await site.send(method, path, { body, headers });
    const text = answer.body.toString();
    assert.match(answer.headers["content-type"] ?? "", /json/, `${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
    return { status: answer.status, ...JSON.parse(text) };
  };
  const good = async (...call) => {
    const answer = await json(...call);
    assert.ok(answer.status < 300, `${call[0]} ${call[1]}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const key = (path) => `/__front/kv/${path.split("/").map(encodeURIComponent).join("/")}`;

  return Object.assign(site, {
    /** Tells the front something; see `front.mjs`. */
    async front(said = {}) {
      let answer = await good("POST", "/__front", said);
      while (answer.late > 0) answer = await good("POST", "/__front", {});
      return answer;
    },
    /** Breaks what the guard stands on, and mends it with {}. */
    breaks: (modes) => good("POST", "/__front", { modes }),

    kv: {
      put: async (path, value, metadata = null) => assert.equal((await site.send("PUT", `${key(path)}?metadata=${encodeURIComponent(JSON.stringify(metadata))}`, { body: value })).status, 200),
      delete: async (path) => assert.equal((await site.send("DELETE", key(path), { headers: { "content-length": 0 } })).status, 200),
      /** Bytes, or undefined. */
      get: async (path) => {
        const answer = await site.get(key(path));
        return answer.status === 404 ? undefined : answer.body;
      },
      json: async (path) => JSON.parse((await site.kv.get(path)) ?? "null"),
      names: async (prefix) => JSON.parse((await site.get(`/__front/kv/?prefix=${prefix}`)).body).keys.map(({ name }) => name),
    },

    /** The API's view of the guard. */
    call: json,
    guard: () => good("GET", "/api/v1/guard"),
    explain: (address, more = {}) => good("GET", `/api/v1/guard/explain?${new URLSearchParams({ address, ...more })}`),
    ban: (target, end) => good("POST", "/api/v1/guard/bans", { target, ...(end && { until: end }) }),
    lift: (target) => good("DELETE", `/api/v1/guard/bans/${encodeURIComponent(target)}`),
    /** All bans, page by page. */
    async bans(limit = 1000) {
      const all = [];
      for (let after; ; ) {
        const page = await good("GET", `/api/v1/guard/bans?limit=${limit}${after ? `&after=${encodeURIComponent(after)}` : ""}`);
        assert.ok(page.bans.length <= limit);
        all.push(...page.bans);
        if (page.next === null) return all;
        assert.notEqual(page.next, after, "the next page is another");
        after = page.next;
      }
    },
    /** The newest events, oldest first. */
    events: async () => (await good("GET", "/api/v1/guard/events")).events,

    /** Puts rules through the API. Answers what became of them, or the problem. */
    rules: (toml, headers) => json("PUT", "/api/v1/guard/rules", toml, headers),
    /** The same, for good rules: they are in force, here too. Answers what the guard says of itself then. */
    async accepted(toml) {
      const put = await site.rules(toml);
      assert.equal(put.status, 200, JSON.stringify(put));
      return site.guard();
    },
    /** Puts rules into KV, past the API, and waits until they are judged. Answers the status: `rules` or `refused` names them. */
    async rulesInKv(toml) {
      await site.kv.put("guard/rules", toml);
      const sha256 = createHash("sha256").update(toml).digest("hex");
      return until(async () => {
        const status = await site.kv.json("guard/status");
        const held = status?.rules?.sha256 === sha256 && status.refused === null;
        return (held || status?.refused?.sha256 === sha256) && status;
      });
    },

    /** Waits until what is published names this IPv4 client: an isolate that saw it itself proves nothing of that. */
    published: (address) =>
      until(async () => {
        const number = Buffer.from(address.split(".").reverse().map(Number));
        const head = await site.kv.json("guard/head");
        const parts = head && [`guard/base/${head.base}`, ...(head.delta === null ? [] : [`guard/delta/${head.delta}`])];
        for (const part of parts ?? []) if ((await site.kv.get(part))?.includes(number)) return true;
        return false;
      }),

    /** Waits until a ban holds at this address where it is asked; genuine links open there all the same. */
    async barred(letter, from) {
      await until(async () => /_banned$/.test((await site.explain(from.address)).standing));
      assert.equal((await site.get(letter.path, {}, from)).status, 200, from.address);
    },
    /** Waits until no ban holds there. */
    freed: (from) => until(async () => !/_banned$/.test((await site.explain(from.address)).standing)),
    /** Waits until a genuine link is refused at this address, by a rule or in the strict profile. */
    refused: (letter, from) => until(async () => (await site.get(letter.path, {}, from)).status === 404),
    /** Waits until a genuine link opens at this address. */
    served: (letter, from) => until(async () => (await site.get(letter.path, {}, from)).status === 200),
    /** A ban in the list. */
    banned: (target) => until(async () => (await site.bans()).find((ban) => ban.target === target)),
  });
}
