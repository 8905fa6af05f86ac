// The Durable Objects of the module, as wrangler.toml binds them: `{ binding, name }` of each.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../../scripts/lib/edge.mjs";

const bound = readFileSync(join(ROOT, "wrangler.toml"), "utf8").matchAll(/^\[\[durable_objects\.bindings\]\]\nname = "(\w+)"\nclass_name = "(\w+)"$/gm);

/** Those with something to keep; LogRelay only writes lines. */
export const CLASSES = [...bound].map(([, binding, name]) => ({ binding, name })).filter(({ name }) => name !== "LogRelay");

/** JavaScript that exports each class as `behind("NAME")`. */
export const EXPORTS = CLASSES.map(({ name }) => `export const ${name} = behind("${name}");`).join("\n");
