// The body of the silent answer. tests/it/pages/headers.rs holds that it is what the library says.

import { readFileSync } from "node:fs";

export const SILENT = readFileSync(new URL("silent.html", import.meta.url), "utf8");
