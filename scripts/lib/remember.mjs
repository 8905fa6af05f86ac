// Notes what a run used and no log may hold. scripts/test searches its logs for it at the end (see secrets.mjs).

import { appendFileSync } from "node:fs";
import { join } from "node:path";

/** Does nothing outside of scripts/test. */
export function remember(...secrets) {
  const folder = process.env.WAXSEAL_TEST_LOGS;
  if (folder) appendFileSync(join(folder, "secrets.txt"), secrets.map((secret) => `${secret}\n`).join(""), { mode: 0o600 });
}

/** The token, and the key of an end-to-end link. */
export function rememberLink(link) {
  const { pathname, hash } = new URL(link);
  remember(pathname.slice(1));
  if (hash !== "") remember(hash.slice(1));
}
