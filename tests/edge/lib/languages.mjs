// The languages of the pages, as the library's table has them: tags, the locale of each, the name of each in itself.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../../scripts/lib/edge.mjs";

const rows = [...readFileSync(join(ROOT, "src/lang/mod.rs"), "utf8").matchAll(/^ {4}[A-Z]\w* "(\w+)" "([\w-]+)" "(.+)"$/gm)];
if (rows.length === 0) throw new Error("src/lang/mod.rs has no table of languages");

export const LANGUAGES = rows.map(([, tag]) => tag);
export const LOCALES = Object.fromEntries(rows.map(([, tag, locale]) => [tag, locale]));
export const NAMES = Object.fromEntries(rows.map(([, tag, , name]) => [tag, name]));
