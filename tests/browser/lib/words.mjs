// The pages' words in each language, from the files that translators edit.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../../scripts/lib/edge.mjs";

export const SENDER = "Garage Vermeer";
export const LANGUAGES = { en: "English", nl: "Nederlands", fr: "Français", de: "Deutsch" };

export const words = Object.fromEntries(Object.keys(LANGUAGES).map((lang) => [lang, read(lang)]));

function read(lang) {
  const sections = {};
  let section;
  for (const line of readFileSync(join(ROOT, `locales/${lang}.toml`), "utf8").split("\n")) {
    const head = /^\[(\w+)\]/.exec(line);
    if (head) section = sections[head[1]] = {};
    const pair = /^(\w+)\s*=\s*(".*")\s*$/.exec(line);
    if (pair) section[pair[1]] = JSON.parse(pair[2]).replaceAll("{sender}", SENDER);
  }
  return sections;
}
