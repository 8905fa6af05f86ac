// Every state of every page, ready to be looked at: by a person, by axe.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { looksAgain } from "./over.mjs";
import { drawn } from "./report.mjs";
import { words } from "./words.mjs";

const en = words.en;
const fixture = (name) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
const DOWNLOAD = '.acts [data-download]';

/** Name to a function that takes the world and the options of a visitor, and answers the visitor in that state. */
export const STATES = {
  envelope: (world, options) => visit(world, options, world.seal()),
  "envelope-end-to-end": (world, options) => visit(world, options, world.seal({ endToEnd: true })),
  "envelope-unticked": async (world, options) => {
    const visitor = await visit(world, options, world.seal());
    await visitor.page.locator("#yes").evaluate((form) => (form.noValidate = true));
    await visitor.press("#yes .button.main");
    await visitor.page.waitForSelector("#agree-error");
    return visitor;
  },
  confirm: (world, options) => asked(world, options),
  "confirm-wrong": async (world, options) => {
    const visitor = await asked(world, options);
    await chooses(visitor, false);
    await visitor.page.waitForSelector("#confirm-error");
    return visitor;
  },
  doubted: async (world, options) => {
    const visitor = await asked(world, options);
    for (let left = 3; left > 0; left -= 1) await chooses(visitor, false);
    await visitor.page.getByRole("heading", { name: spoken(options).closed.doubted_title }).waitFor();
    return visitor;
  },
  letter: (world, options) => read(world, options, {}, "viewer"),
  "letter-end-to-end": (world, options) => read(world, options, { endToEnd: true }, "viewer"),
  "letter-text": (world, options) =>
    read(world, options, { bytes: Buffer.from("Dear Ms de Wit,\n\nyour car is ready.\n\nGarage Vermeer\n"), name: "note.txt" }, "viewer"),
  "letter-download": (world, options) => read(world, options, { bytes: Buffer.from("PK"), name: "photos.zip" }, "download"),
  "letter-password": (world, options) => read(world, options, { bytes: fixture("locked.pdf"), name: "report.pdf" }, "password"),
  "letter-broken": (world, options) => read(world, options, { bytes: fixture("cut.pdf"), name: "report.pdf" }, "broken"),
  "letter-choose": async (world, options) => {
    const visitor = await world.visitor(options);
    await visitor.page.addInitScript(() => Object.defineProperty(Navigator.prototype, "deviceMemory", { get: () => 1 }));
    await visitor.page.goto((await world.seal({ endToEnd: true })).link);
    await visitor.agree();
    await visitor.inState("choose");
    return visitor;
  },
  "letter-old-browser": async (world, options) => {
    const visitor = await world.visitor(options);
    await visitor.page.addInitScript("delete globalThis.structuredClone");
    await visitor.page.goto((await world.seal({ endToEnd: true })).link);
    await visitor.agree();
    await visitor.inState("old-browser");
    return visitor;
  },
  "letter-saved": async (world, options) => {
    const visitor = await read(world, { ...options, inApp: true }, { endToEnd: true }, "viewer");
    await visitor.press(DOWNLOAD);
    await visitor.page.getByText(/saved|save files/).waitFor();
    return visitor;
  },
  "envelope-missing-key": (world, options) => envelopeIn(world, options, "missing-key", ({ url }) => url),
  "envelope-wrong-key": (world, options) => envelopeIn(world, options, "wrong-key", ({ url }) => `${url}#${"0".repeat(26)}`),
  "letter-missing-key": (world, options) => letterIn(world, options, "missing-key", ({ url }) => url),
  "letter-wrong-key": (world, options) => letterIn(world, options, "wrong-key", ({ url }) => `${url}#${"0".repeat(26)}`),
  "letter-damaged": (world, options) => read(world, options, { damagedAt: 30_000 }, "damaged"),
  "letter-closed": async (world, options) => {
    const letter = await world.seal();
    const visitor = await world.reading(letter, options);
    await visitor.inState("viewer");
    await world.cancel(letter);
    await looksAgain(visitor);
    await visitor.inState("closed");
    return visitor;
  },
  "letter-offline": async (world, options) => {
    const visitor = await read(world, options, { endToEnd: true }, "viewer");
    await visitor.context.setOffline(true);
    await visitor.press(DOWNLOAD);
    await visitor.inState("offline");
    return visitor;
  },
  refused: async (world, options) => {
    const visitor = await visit(world, options, world.seal());
    await visitor.refuse(visitor.page.locator("#no .button"));
    await visitor.page.getByRole("heading", { name: en.closed.refused_title }).waitFor();
    return visitor;
  },
  withdrawn: async (world, options) => {
    const visitor = await world.reading(await world.seal(), options);
    await visitor.withdraw();
    return visitor;
  },
  withdraw: (world, options) => visit(world, options, world.seal(), ({ url }) => `${url}/withdraw`),
  "confirm-no": (world, options) => askedAboutNo(world, options),
  "no-right": (world, options) => visit(world, options, world.seal(), ({ url }) => `${url}/report`),
  receipt: async (world, options) => {
    const visitor = await world.reading(await world.seal(), options);
    await visitor.page.getByRole("link", { name: spoken(options).letter.receipt }).click();
    await visitor.page.getByRole("heading", { name: spoken(options).receipt.given_heading }).waitFor();
    return visitor;
  },
  "receipt-withdrawn": async (world, options) => {
    const visitor = await world.reading(await world.seal(), options);
    await visitor.withdraw();
    await visitor.page.getByRole("link", { name: en.closed.receipt }).click();
    await visitor.page.getByRole("heading", { name: en.receipt.withdrawn_heading }).waitFor();
    return visitor;
  },
  cancelled: async (world, options) => {
    const letter = await world.seal();
    await world.cancel(letter);
    return visit(world, options, letter);
  },
  expired: async (world, options) => visit(world, options, world.linkTo((await world.seal()).id, -1)),
  missing: (world, options) => visit(world, options, world.linkTo(randomUUID())),
  damaged: async (world, options) => {
    const visitor = await world.reading(await world.seal({ damagedAt: 30_000 }), options);
    await visitor.press('.about a[href*="download=1"]');
    await visitor.page.getByRole("heading", { name: en.closed.damaged_title }).waitFor();
    return visitor;
  },
  "form-invalid": async (world, options) => {
    const visitor = await visit(world, options, world.seal());
    await visitor.page.locator("#yes [name=nonce]").evaluate((input) => (input.value = "stale"));
    await visitor.page.locator("[name=agree]").check();
    await visitor.press("#yes .button.main");
    await visitor.page.getByRole("heading", { name: en.closed.form_invalid_title }).waitFor();
    return visitor;
  },
};

/** The words of the page that a visitor gets. */
const spoken = ({ locale }) => words[locale] ?? en;

/** At an envelope whose key is not there, or not this letter's; what was pasted did not help either. */
async function envelopeIn(world, options, state, link) {
  const visitor = await visit(world, options, world.seal({ endToEnd: true }), link);
  await visitor.page.waitForSelector(`#envelope[data-state="${state}"]`);
  return complained(visitor, state);
}

/** The same on the letter page: consent was given, and the key got lost after that. */
async function letterIn(world, options, state, link) {
  const letter = await world.seal({ endToEnd: true });
  const visitor = await world.reading(letter, options);
  await visitor.inState("viewer");
  await visitor.page.goto("about:blank");
  await visitor.page.goto(link(letter));
  await visitor.inState(state);
  return complained(visitor, state);
}

async function complained(visitor, state) {
  await visitor.page.locator(`[data-when="${state}"] button`).click();
  await visitor.page.locator(`[data-when="${state}"] [data-key-error]`).waitFor();
  return visitor;
}

/** A browser that says it has no screen: taken for a robot, however slow the machine of the test is. */
const HEADLESS = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36";

/** At the question that those are asked who look like a robot. */
export async function asked(world, options, letter = world.seal()) {
  const visitor = await visit(world, { ...options, userAgent: HEADLESS }, letter);
  await visitor.page.locator("[name=agree]").check();
  await visitor.press("#yes .button.main");
  await visitor.page.waitForSelector("fieldset.words");
  return visitor;
}

/** At the question that they are asked who look like a robot and say no. */
export async function askedAboutNo(world, options, letter = world.seal()) {
  const visitor = await visit(world, { ...options, userAgent: HEADLESS }, letter);
  await visitor.press("#no .button");
  await visitor.page.waitForSelector("fieldset.words");
  return visitor;
}

/** Reads the question, for as long as it takes no answer, and chooses the word that it names, or another. */
export async function chooses(visitor, right = true) {
  const { page } = visitor;
  const sentence = await page.locator(".words legend").innerText();
  const words = await page.locator(".words label").allInnerTexts();
  const at = words.findIndex((word) => sentence.includes(word.trim()) === right);
  await page.waitForTimeout(2_100);
  await page.locator(".words input").nth(at).check();
  await Promise.all([page.waitForEvent("load"), visitor.press("#yes .button.main")]);
}

async function visit(world, options, letter, link = ({ link }) => link) {
  const address = link(await letter);
  const visitor = await world.visitor(options);
  await visitor.page.goto(address);
  return visitor;
}

async function read(world, options, letter, state) {
  const visitor = await world.reading(await world.seal(letter), options);
  await visitor.inState(state);
  await visitor.page.waitForSelector('[data-pages][aria-busy="false"], [data-state="damaged"], [data-state="download"], [data-state="password"], [data-state="broken"]');
  if (await visitor.page.locator(".ws-page").count()) await drawn(visitor.page, 1);
  return visitor;
}
