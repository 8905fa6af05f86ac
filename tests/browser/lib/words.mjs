// The pages' words in each language, from the files that translators edit.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../../scripts/lib/edge.mjs";
import { LANGUAGES, LOCALES, NAMES } from "../../edge/lib/languages.mjs";

export { LANGUAGES, LOCALES, NAMES };

export const SENDER = "Garage Vermeer";

export const words = Object.fromEntries(LANGUAGES.map((lang) => [lang, read(lang)]));

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
