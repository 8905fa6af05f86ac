// What the module finds in place of globals of these names.

import { failed, later, unlessCrashed } from "./crash.js";
import { line, relay, said, write } from "./lines.js";
import { pipe } from "./pipe.js";

/** Work of the module that goes on after the answer. What it logs is sent when it has ended. */
async function after(work, env) {
  try {
    await unlessCrashed(work);
  } catch (error) {
    failed(error);
  }
  await relay(env);
}

export const waxseal = {
  ...{ line, relay, write, pipe, after },
  /** The silent answer, for when the module cannot give it; set by the module when it starts. */
  silent: { status: 404, headers: [], body: "" },
  keepSilent: (json) => (waxseal.silent = JSON.parse(json)),
};

/** Nobody but `write` writes. */
export const console = { log: said, info: said, debug: said, warn: said, error: said, trace: said };

export { later as setTimeout };
