// Dates: a reader whose clock shows another time than the sender's at that moment is told whose time it is, on every page; nobody else.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { LANGUAGES } from "./lib/languages.mjs";
import { startSite } from "./lib/site.mjs";

const REPORT = randomBytes(1_000);
const AWAY = "203.0.113.77";
/** A year of which every day is still ahead, and no link refuses. */
const YEAR = new Date().getUTCFullYear() + 1;

/** The last Sunday of a month at 01:00 UTC, when Europe changes its clocks, in Unix seconds. */
function changes(month) {
  const last = new Date(Date.UTC(YEAR, month + 1, 0, 1));
  return last.getTime() / 1000 - last.getUTCDay() * 86_400;
}
const [SPRING, AUTUMN] = [changes(2), changes(9)];
const [WINTER, SUMMER] = [Date.UTC(YEAR, 0, 15, 22, 59), Date.UTC(YEAR, 6, 1, 21, 59)].map((at) => at / 1000);

/** Time zone of the reader, the moment, and whether the zone is named: the site's is Europe/Amsterdam. */
const TABLE = [
  ["Europe/Amsterdam", WINTER, false],
  ["Europe/Berlin", WINTER, false],
  ["Europe/Brussels", SUMMER, false],
  ["Europe/London", WINTER, true],
  ["America/New_York", WINTER, true],
  ["Asia/Kolkata", SUMMER, true],
  ["UTC", SUMMER, true],
  // Always one hour ahead of UTC: as Amsterdam, until summer time begins there, and from when it ends.
  ["Africa/Lagos", WINTER, false],
  ["Africa/Lagos", SPRING - 1, false],
  ["Africa/Lagos", SPRING, true],
  ["Africa/Lagos", AUTUMN - 1, true],
  ["Africa/Lagos", AUTUMN, false],
  // Always two.
  ["Africa/Johannesburg", SPRING - 1, true],
  ["Africa/Johannesburg", SPRING, false],
  ["Africa/Johannesburg", AUTUMN, true],
  // What nobody knows is nothing to compare with.
  ["Mars/Olympus", WINTER, false],
  ["", WINTER, false],
  [null, WINTER, false],
];

const ZONE = { en: "Central European Time", nl: "Midden-Europese tijd", fr: "heure d’Europe centrale", de: "Mitteleuropäische Zeit" };

let site;
before(async () => (site = await startSite("dates", {})));
after(() => site?.stop());

/** The platform's word of where a reader is, played. */
function from(timezone, address = AWAY) {
  return { "cf-connecting-ip": address, "mf-cf-blob": JSON.stringify({ clientAcceptEncoding: "", ...(timezone === null ? {} : { timezone }) }) };
}

/** The dates of a page as its reader sees them. */
const datesOf = (answer) => [...answer.body.toString().matchAll(/<time[^>]*>([^<]*)<\/time>/g)].map(([, text]) => text.replaceAll("\u00a0", " "));

test("the zone is named when the reader's clock shows something else at that moment, by no name but by the hour", async () => {
  for (const [zone, at, named] of TABLE) {
    const letter = await site.put(REPORT, { about: { not_after: at } });
    const [date] = datesOf(await site.get(`${letter.path}?lang=en`, from(zone)));
    assert.equal(/ (Summer|Standard) /.exec(date)?.[1], named ? { [AUTUMN - 1]: "Summer", [AUTUMN]: "Standard" }[at] : undefined, "where the clock shows an hour twice, it is said which");
    assert.match(date, named ? /^\d+ \w+ \d{4} at \d\d:\d\d \(Central European ((Summer|Standard) )?Time(, Netherlands)?\)$/ : /^\d+ \w+ \d{4} at \d\d:\d\d$/, `${zone} at ${new Date(at * 1000).toISOString()}`);
  }
});

test("on every page, in every language; not to a reader on this machine, of whom nothing is known", async () => {
  const letter = await site.put(REPORT, { about: { not_after: WINTER, customer: "C-1" } });
  for (const [lang, zone] of LANGUAGES.map((lang) => [lang, ZONE[lang]])) {
    const person = site.browser(from("America/New_York"));
    const envelope = await person.get(`${letter.path}?lang=${lang}`);
    assert.equal((await person.consent(`${letter.path}?lang=${lang}`)).status, 303);
    const reading = await person.get(`${letter.path}?lang=${lang}`);
    const receipt = await person.get(`${letter.path}/receipt?lang=${lang}`);
    const history = await person.get(`${letter.path}/history?lang=${lang}`);
    for (const [name, page] of Object.entries({ envelope, reading, receipt, history })) {
      assert.equal(page.status, 200, name);
      const named = datesOf(page).filter((date) => date.endsWith(`(${zone})`));
      assert.ok(named.length > 0, `${name} in ${lang}: ${datesOf(page)}`);
    }
  }
  const here = datesOf(await site.get(letter.path, from("America/New_York", "127.0.0.1")));
  assert.ok(here.length > 0 && here.every((date) => !date.includes("(")), `${here}`);
  const over = await site.put(REPORT, { lives: 3_600, tokenEnd: Math.floor(Date.now() / 1000) - 60 });
  const closed = await site.get(`${over.path}?lang=en`, from("America/New_York"));
  assert.equal(closed.status, 410);
  assert.match(datesOf(closed)[0], /\(Central European Time\)$/);
});

test("no line of a page ends inside a day or an hour", async () => {
  const letter = await site.put(REPORT, { about: { not_after: WINTER } });
  for (const lang of LANGUAGES) {
    for (const [zone, parts] of [["Europe/Amsterdam", 2], ["UTC", 3]]) {
      const page = (await site.get(`${letter.path}?lang=${lang}`, from(zone))).body.toString();
      const [, date] = /<time[^>]*>([^<]*)<\/time>/.exec(page);
      assert.equal(date.split(" ").length, parts, `${lang}: ${date}`);
    }
  }
});
