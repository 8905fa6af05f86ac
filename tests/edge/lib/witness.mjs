// A witness (C2SP tlog-witness) over loopback HTTP. It verifies like a real one: the log's signature, the size that it was told
// of, the proof. `behave` makes it slow, dead or wrong.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { cosign, isConsistent, makeVkey, openCheckpoint, readVkey } from "./tlog.mjs";

/** Starts one; `logs` are the verifier keys it knows. */
export async function startWitness(name, logs = []) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = Buffer.from(publicKey.export({ format: "jwk" }).x, "base64url");
  const vkey = makeVkey(name, 4, raw);
  const { id } = readVkey(vkey);
  const witness = {
    vkey,
    logs: logs.map(readVkey),
    /** What it cosigned last: `{ size, root }`. */
    seen: { size: 0, root: undefined },
    /** Every request: `{ old, size, status }`. */
    requests: [],
    /** Instead of what it should do: async (answer) => answer, or a status. */
    behave: undefined,
  };

  const judge = (body) => {
    const end = body.indexOf("\n\n");
    const [first, ...proof] = body.slice(0, end).split("\n");
    const [, old] = /^old (0|[1-9][0-9]*)$/.exec(first) ?? [];
    if (old === undefined || proof.length > 63) return { status: 400 };
    const note = body.slice(end + 2);
    const log = witness.logs.find(({ name }) => note.startsWith(`${name}\n`));
    if (!log) return { status: 404 };
    let checkpoint;
    try {
      checkpoint = openCheckpoint(Buffer.from(note), log);
    } catch {
      return { status: 403 };
    }
    const { size, root, text } = checkpoint;
    const about = { old: Number(old), size };
    if (about.old > size) return { ...about, status: 400 };
    if (about.old !== witness.seen.size) return { ...about, status: 409, type: "text/x.tlog.size", body: `${witness.seen.size}\n` };
    if (about.old === size && witness.seen.root && !root.equals(witness.seen.root)) return { ...about, status: 409, type: "text/x.tlog.size", body: `${witness.seen.size}\n` };
    const hashes = proof.map((line) => Buffer.from(line, "base64"));
    if (!isConsistent(about.old, size, witness.seen.root, root, hashes)) return { ...about, status: 422 };
    witness.seen = { size, root };
    return { ...about, status: 200, body: cosign({ name, id, privateKey }, text) };
  };

  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", async () => {
      assert.equal(`${request.method} ${request.url}`, "POST /prefix/add-checkpoint");
      let answer;
      if (typeof witness.behave === "number") answer = { status: witness.behave };
      else {
        answer = judge(Buffer.concat(chunks).toString("utf8"));
        if (witness.behave) answer = await witness.behave(answer);
      }
      witness.requests.push(answer);
      response.writeHead(answer.status, { "content-type": answer.type ?? "text/plain" });
      response.end(answer.body ?? "");
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  return Object.assign(witness, {
    url: `http://127.0.0.1:${port}/prefix`,
    /** Nobody listens any more, and what hangs is cut. */
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  });
}
