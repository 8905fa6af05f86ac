// What must be true of a letter after a crash, from what was asked of the edge and how it answered. A *life* is one letter
// with the people around it; it does one thing at a time and notes what it saw. What was answered must be on record; what
// was not may be there once.

import assert from "node:assert/strict";
import { rootFromProof } from "../../../examples/verify.mjs";
import { verifyChain } from "./chain.mjs";
import { entryOf, logKey } from "./log.mjs";
import { seal } from "./seal.mjs";
import { leafHash, openCheckpoint } from "./tlog.mjs";

/** The edge died before it answered, or says itself that it knows nothing of the outcome. */
export class NoAnswer extends Error {}

/** `asked` and `answered` of something that can happen once. */
const once = () => ({ asked: 0, answered: 0 });

/** The id of the consent in a cookie's value: key id (1), event id (16), tag (16). */
const consentIn = (cookie) => Buffer.from(cookie.slice(cookie.indexOf("=") + 1), "base64url").subarray(1, 17).toString("hex");

/** A program that says so is no robot that pretends. */
const PROGRAM = { accept: "application/json", "user-agent": "waxseal-tests/1" };

const ONCE = ["sealed", "accepted", "cancelled", "expired", "ignored", "erased"];

/**
 * Checks that every event of an export is in the log of its checkpoint, and answers size and root of that; throws at the first
 * that is not.
 */
export function verifyExport(keyring, { letter, origin, events, entries, proofs, checkpoint }) {
  const { size, root } = openCheckpoint(Buffer.from(checkpoint), logKey(keyring, origin).reader);
  const hex = (text) => Buffer.from(text ?? "", "hex");
  events.forEach((event, at) => {
    const leaf = leafHash(entryOf(letter, { prev: hex(event.prev), hash: hex(event.hash) }));
    const proof = proofs[at].map((hash) => Buffer.from(hash, "base64"));
    const found = rootFromProof(leaf, BigInt(entries[at]), BigInt(size), proof);
    assert.ok(root.equals(found), `event ${event.seq} of letter ${letter} is in the log`);
  });
  return { size, root };
}

export class Life {
  /** `site`: see `startCrashing`. `options` are those of `seal`. */
  constructor(site, plaintext, options = {}) {
    this.checkpoints = [];
    this.site = site;
    this.letter = seal(site.keyring, plaintext, options);
    this.id = this.letter.letter;
    this.people = [];
    this.sealed = once();
    this.no = once();
    this.cancelled = once();
    this.erased = once();
    this.exported = once();
    this.visited = false;
    this.bytes = new Set();
    this.steps = 0;
    site.letters.push(this.id);
    site.remember(this.letter.token, this.letter.fragment);
  }

  get over() {
    return this.no.answered > 0 || this.cancelled.answered > 0 || this.erased.answered > 0 || this.ended;
  }
  /** The clock may have ended it. */
  get ended() {
    return Date.now() >= this.letter.manifest.not_after * 1000;
  }
  /** So may its retention. */
  get forgotten() {
    const { not_after, retention_days } = this.letter.manifest;
    return Date.now() >= (not_after + retention_days * 86_400) * 1000;
  }
  /** Something that ends it may have come through. */
  get maybeOver() {
    return this.no.asked > 0 || this.cancelled.asked > 0 || this.erased.asked > 0 || this.ended;
  }

  async send(method, path, options = {}) {
    this.steps += 1;
    let answer;
    try {
      answer = await this.site.send(method, path, options);
    } catch (error) {
      throw new NoAnswer(error.code ?? error.message, { cause: error });
    }
    if (answer.status >= 500) throw new NoAnswer(`${answer.status} ${answer.body.toString().slice(0, 200)}`);
    return answer;
  }
  api(method, path, options = {}) {
    return this.send(method, `/api/v1/letters/${this.id}${path}`, { ...options, headers: { authorization: `Bearer ${this.site.apiKey}`, "content-length": Buffer.byteLength(options.body ?? "") } });
  }
  form(path, fields, headers = {}) {
    const body = new URLSearchParams(fields).toString();
    return this.send("POST", `${this.letter.path}/${path}`, { body, headers: { "content-type": "application/x-www-form-urlencoded", "content-length": Buffer.byteLength(body), ...PROGRAM, ...headers } });
  }

  async body() {
    const answer = await this.api("PUT", "/body", { body: this.letter.objects.body });
    // It may be sealed already when the answer about the manifest was lost.
    if (answer.status !== 409 || this.sealed.asked === 0) assert.equal(answer.status, 201, answer.body.toString());
  }
  async bodyInParts() {
    const begun = JSON.parse((await this.api("POST", "/uploads")).body);
    const upload = `/uploads/${encodeURIComponent(begun.upload)}`;
    const part = JSON.parse((await this.api("PUT", `${upload}/1`, { body: this.letter.objects.body })).body);
    const whole = await this.api("POST", `${upload}/complete`, { body: JSON.stringify({ parts: [{ part: 1, etag: part.etag }] }) });
    assert.equal(whole.status, 201, whole.body.toString());
  }
  async manifest() {
    this.sealed.asked += 1;
    const answer = await this.api("PUT", "/manifest", { body: this.letter.objects.manifest });
    // The first answer was lost, and meanwhile its retention ended.
    const gone = answer.status === 410 && this.sealed.asked > 1 && this.forgotten;
    assert.ok(gone || [200, 201].includes(answer.status), answer.body.toString());
    this.sealed.answered += 1;
  }

  /** Somebody opens the link: what the page says. */
  async open(person) {
    const headers = { ...PROGRAM, ...(person?.cookie && { cookie: person.cookie }) };
    const answer = await this.send("GET", this.letter.path, { headers });
    const page = JSON.parse(answer.body);
    if (page.state === "closed") assert.ok(this.maybeOver, `closed (${page.closed}) though nobody closed it`);
    else {
      assert.ok(!this.over || this.ended, `${page.state}, though it was closed`);
      assert.equal(page.state, person?.cookie ? "letter" : "envelope");
    }
    if (page.nonce) this.site.remember(page.nonce);
    this.visited = true;
    return page;
  }

  /** A new reader with the envelope before them. */
  async meet() {
    const person = { cookie: undefined, asked: 0 };
    const page = await this.open(person);
    if (page.state === "closed") return undefined;
    Object.assign(person, { nonce: page.nonce, terms: page.terms.sha256 });
    this.people.push(person);
    return person;
  }
  async consent(person) {
    person.asked += 1;
    const answer = await this.form("consent", { nonce: person.nonce, terms: person.terms, agree: "yes" });
    if (answer.status !== 303) {
      assert.ok(this.maybeOver, `no consent: ${answer.status} ${answer.body}`);
      return;
    }
    const [cookie] = answer.headers["set-cookie"][0].split(";");
    this.site.remember(cookie.split("=")[1]);
    if (person.cookie) assert.equal(cookie, person.cookie, "the same form is the same consent");
    person.cookie = cookie;
  }
  async report(person) {
    const answer = await this.send("GET", `${this.letter.path}/report`, { headers: person?.cookie ? { cookie: person.cookie } : {} });
    if (answer.status === 200) {
      assert.ok(person?.cookie, "bytes for somebody who did not consent");
      assert.ok(!this.over || this.ended, "bytes of a closed letter");
      const expected = this.letter.fragment ? this.letter.objects.body : this.letter.plaintext;
      assert.ok(answer.body.equals(answer.whole ? expected : expected.subarray(0, answer.body.length)), "the bytes that were sealed");
      if (answer.body.length > 0) this.bytes.add(consentIn(person.cookie));
      if (!answer.whole) throw new NoAnswer("broken off");
    } else if (person?.cookie) assert.ok(this.maybeOver, `no report: ${answer.status}`);
    else assert.ok([403, 410].includes(answer.status), `${answer.status}`);
  }
  async sayNo(way) {
    const person = this.people.at(-1);
    const fields = way === "one-click" ? { "List-Unsubscribe": "One-Click" } : { nonce: person.nonce };
    this.no.asked += 1;
    const answer = await this.form(way === "refuse" ? "refuse" : "withdraw", fields);
    if ([200, 303].includes(answer.status)) this.no.answered += 1;
    else assert.ok(this.erased.asked > 0 || this.ended, `${way}: ${answer.status} ${answer.body}`);
  }
  async cancel() {
    this.cancelled.asked += 1;
    const answer = await this.api("POST", "/cancel");
    assert.equal(answer.status, 200, answer.body.toString());
    if (JSON.parse(answer.body).state === "cancelled") this.cancelled.answered += 1;
    else assert.ok(this.maybeOver);
  }
  async erase() {
    this.erased.asked += 1;
    const answer = await this.api("POST", "/erase");
    assert.equal(answer.status, 200, answer.body.toString());
    this.erased.answered += 1;
  }
  async export() {
    this.exported.asked += 1;
    const answer = await this.api("POST", "/evidence");
    assert.equal(answer.status, 200, answer.body.toString());
    this.exported.answered += 1;
    const bundle = JSON.parse(answer.body);
    this.checkpoints.push(verifyExport(this.site.keyring, bundle));
    return bundle;
  }
  async show() {
    const answer = await this.api("GET", "");
    if (answer.status === 404) return assert.equal(this.sealed.answered, 0);
    const record = JSON.parse(answer.body);
    assert.deepEqual([record.chain.verified, record.chain.broken], [true, undefined]);
    return record;
  }

  /** Does one thing more, at random. */
  async next(random) {
    const lucky = (share) => random() < share;
    if (this.sealed.answered === 0) {
      if (this.uploaded) return this.manifest();
      await (lucky(0.1) ? this.bodyInParts() : this.body());
      this.uploaded = true;
      return;
    }
    const lost = this.people.find((person) => person.asked > 0 && !person.cookie);
    if (lost && lucky(0.7)) return this.consent(lost);
    const waiting = this.people.find((person) => person.asked === 0);
    const reader = this.people.findLast((person) => person.cookie);
    const sure = [
      ["cancelled", () => this.cancel()],
      ["erased", () => this.erase()],
    ].find(([what]) => this[what].asked > this[what].answered && lucky(0.5));
    if (sure) return sure[1]();
    const things = [
      [this.people.length < 4 ? 3 : 0, () => this.meet()],
      [waiting ? 5 : 0, () => this.consent(waiting)],
      [reader ? 4 : 0.5, () => this.report(reader)],
      [0.5, () => this.report(undefined)],
      [1, () => this.show()],
      [1, () => this.open(reader)],
      [this.people.length > 0 ? 1 : 0, () => this.sayNo(["refuse", "withdraw", "one-click"][Math.floor(random() * 3)])],
      [0.6, () => this.cancel()],
      [0.5, () => this.export()],
      [0.4, () => this.erase()],
    ];
    let at = random() * things.reduce((sum, [weight]) => sum + weight, 0);
    return things.find(([weight]) => (at -= weight) < 0)[1]();
  }

  /**
   * Holds what lies on disk (`ledgerOnDisk`) against what was answered. Answers the kinds of its events.
   */
  verify(found) {
    const say = (words) => `letter ${this.id}: ${words}`;
    const answered = this.visited || this.no.answered + this.cancelled.answered + this.erased.answered + this.exported.answered > 0;
    if (!found) {
      assert.ok(!answered, say("there is no ledger, and it answered"));
      return [];
    }
    const kinds = verifyChain(this.id, found);
    const count = (...of) => kinds.filter((kind) => of.includes(kind)).length;
    const within = (what, number, least, most) => assert.ok(number >= least && number <= most, say(`${number} of ${what}, ${least} to ${most} were called for: ${kinds}`));
    assert.equal(kinds[0], "sealed");
    for (const kind of ONCE) within(kind, count(kind), 0, 1);
    if (this.visited) within("visits", count("opened", "fetched", "expired_open_attempt", "cancelled", "expired", "consent_refused", "consent_withdrawn", "erased"), 1, Infinity);

    const given = found.events.filter((event) => event.kind === "consent_given");
    const ids = new Set(given.map((event) => Buffer.from(event.id).toString("hex")));
    const theirs = this.people.filter((person) => person.cookie).map((person) => consentIn(person.cookie));
    assert.equal(new Set(theirs).size, theirs.length, say("two readers hold one consent"));
    for (const id of [...theirs, ...this.bytes]) assert.ok(ids.has(id), say(`consent ${id} was answered and is not on record`));
    within("consents", ids.size, theirs.length, this.people.filter((person) => person.asked > 0).length);
    for (const event of given) {
      const terms = Buffer.from(event.terms ?? []).toString("hex");
      assert.ok(this.people.some((person) => person.terms === terms), say("the terms are those that were shown"));
    }
    within("report_streamed", count("report_streamed"), this.bytes.size, Infinity);
    const happened = (what, number) => within(what, number, Math.min(this[what].answered, 1), Math.min(this[what].asked, 1));
    happened("no", count("consent_refused", "consent_withdrawn"));
    happened("cancelled", count("cancelled"));
    if (this.erased.asked > 0) happened("erased", count("erased"));
    within("evidence_exported", count("evidence_exported"), this.exported.answered, this.exported.asked);
    return kinds;
  }
}
