// The body of the silent answer. tests/pages_headers.rs holds that it is what the library says.

import { readFileSync } from "node:fs";

export const SILENT = readFileSync(new URL("silent.html", import.meta.url), "utf8");
