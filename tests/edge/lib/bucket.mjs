// What the local bucket has on disk besides its objects.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readable } from "./chain.mjs";

/** The ids of uploads in parts: all that there ever were, and those that are neither complete nor aborted. */
export function uploadsOnDisk(state) {
  const folder = join(state, "v3/r2/miniflare-R2BucketObject");
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name)) : [];
  const rows = files.flatMap((name) => readable(join(folder, name), (db) => db.prepare("SELECT upload_id, state FROM _mf_multipart_uploads").all()));
  return { all: rows.map((row) => row.upload_id), begun: rows.filter((row) => row.state === 0).map((row) => row.upload_id) };
}
