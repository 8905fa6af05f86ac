// The table of the API, by its document: every route with each key there may be, with wrong ones, with none. And the keys that
// are issued by name.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { document } from "./lib/document.mjs";
import { issuedKey, secretOfKey } from "./lib/seal.mjs";
import { startSite } from "./lib/site.mjs";

const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"];
/** What stands for each name of a path: well formed, and nothing that there is. */
const NAMES = { letter: "0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f", upload: "none", part: "1", sha256: "0".repeat(64), id: "00000000", target: "192.0.2.1" };

const SCOPES = [...new Set(Object.values(document.paths).flatMap(Object.values).map(({ security }) => security[0].key[0]).filter(Boolean))];

let site;
/** A key for each scope, that may do nothing else. */
const keys = {};
/** Wrong ones: no key at all, a slip in the site's, one that nobody issued, one that was revoked. */
let wrong;
before(async () => {
  site = await startSite("api");
  for (const scope of SCOPES) ({ key: keys[scope] } = await issue(scope, [scope]));
  const gone = await issue("gone", SCOPES);
  assert.equal((await send("DELETE", `/api/v1/keys/${gone.id}`, site.apiKey)).status, 204);
  wrong = [undefined, "wrong", slip(site.apiKey), slip(gone.key), NEVER_ISSUED, gone.key];
});
after(() => site?.stop());

const slip = (key) => `${key.slice(0, -1)}${key.endsWith("A") ? "B" : "A"}`;
/** Well formed: its check is that of its id and its secret. */
const NEVER_ISSUED = issuedKey(Buffer.alloc(5, 1), Buffer.alloc(32, 1));

/** Issues a key, as the answer shows it. */
async function issue(name, scopes, key = site.apiKey) {
  const answer = await site.send("POST", "/api/v1/keys", { headers: { authorization: `Bearer ${key}` }, body: JSON.stringify({ name, scopes }) });
  assert.equal(answer.status, 201, answer.body.toString());
  const issued = JSON.parse(answer.body);
  site.remember(issued.key);
  return issued;
}

const send = (method, path, key) => site.send(method, path, { headers: { "content-length": 0, ...(key && { authorization: `Bearer ${key}` }) } });

for (const [template, item] of Object.entries(document.paths)) {
  const path = template.replace(/\{(\w+)\}/g, (_, name) => NAMES[name]);
  for (const method of METHODS) {
    const operation = item[method.toLowerCase()];
    const scope = operation ? (operation.security[0].key[0] ?? "any key") : "no such method";
    test(`${method} ${template}: ${scope}`, async () => {
      const nothing = await send(method, "/no-such-page");
      const refused = wrong.map(async (key) => {
        const { status, body, headers } = await send(method, path, key);
        assert.deepEqual([status, body.toString(), headers["waxseal-version"]], [nothing.status, nothing.body.toString(), undefined], String(key));
      });
      await Promise.all(refused);
      const answer = await send(method, path, site.apiKey);
      assert.ok(answer.headers["waxseal-version"]);
      if (!operation) {
        assert.deepEqual([answer.status, JSON.parse(answer.body).code], [405, "method_not_allowed"]);
        for (const allowed of answer.headers.allow.split(", ")) assert.ok(allowed === "HEAD" || item[allowed.toLowerCase()], allowed);
        return;
      }
      // That the answer is as the document says, `send` asserts of every answer in every test (`lib/document.mjs`).
      assert.ok(operation.responses[answer.status], `${answer.status} is not in the document`);
      const others = Object.entries(keys).map(async ([held, key]) => {
        const { status, body, headers } = await send(method, path, key);
        assert.ok(headers["waxseal-version"], held);
        if (held === scope || scope === "any key") return assert.equal(status, answer.status, `${held}: ${body}`);
        const { code, detail } = JSON.parse(body);
        assert.deepEqual([status, code, detail.includes(scope)], [403, "scope", true], `${held}: ${body}`);
      });
      await Promise.all(others);
      if (method === "GET") {
        const head = await send("HEAD", path, site.apiKey);
        assert.deepEqual([head.status, head.body.length], [answer.status, 0]);
      }
    });
  }
}

const listed = async (key = site.apiKey) => JSON.parse((await send("GET", "/api/v1/keys", key)).body).keys;

test("a key is shown once, listed by name, and only its hash is on disk", async () => {
  const { key, id } = await issue("till 3", ["create", "watch"]);
  assert.match(key, new RegExp(`^wsk_${id}_[0-9a-z]{56}$`));
  const [row] = (await listed()).filter((row) => row.id === id);
  assert.deepEqual({ ...row, created_at: 0 }, { id, name: "till 3", scopes: ["create", "watch"], created_at: 0, used_at: null });
  assert.ok(Math.abs(row.created_at - Date.now() / 1000) < 60);
  assert.equal((await send("GET", "/api/v1/site", key)).status, 200);
  const [used] = (await listed()).filter((row) => row.id === id);
  assert.ok(used.used_at >= row.created_at);
  const files = readdirSync(site.state, { recursive: true, withFileTypes: true }).filter((file) => file.isFile() && !file.name.endsWith("-shm"));
  const kept = Buffer.concat(files.map((file) => readFileSync(join(file.parentPath, file.name))));
  assert.ok(kept.includes("till 3"), "the row is there");
  assert.ok(!kept.includes(key.slice(13)) && !kept.includes(secretOfKey(key)), "and the secret is not");
});

test("a revoked key is a wrong one from the answer on, and a second time there is none to revoke", async () => {
  const { key, id } = await issue("leaver", ["watch"]);
  const ask = () => send("GET", "/api/v1/site", key);
  assert.equal((await ask()).status, 200);
  assert.equal((await send("DELETE", `/api/v1/keys/${id}`, site.apiKey)).status, 204);
  const [gone, nothing] = [await ask(), await send("GET", "/no-such-page")];
  assert.deepEqual([gone.status, gone.body], [nothing.status, nothing.body]);
  const again = await send("DELETE", `/api/v1/keys/${id}`, site.apiKey);
  assert.deepEqual([again.status, JSON.parse(again.body).code], [404, "no_such_key"]);
  assert.ok(!(await listed()).some((row) => row.id === id));
});

test("a key issues no key that may do more than itself", async () => {
  const { key } = await issue("deputy", ["admin", "watch"]);
  const ask = async (scopes) => {
    const answer = await site.send("POST", "/api/v1/keys", { headers: { authorization: `Bearer ${key}` }, body: JSON.stringify({ name: "x", scopes }) });
    return [answer.status, JSON.parse(answer.body).code];
  };
  assert.deepEqual(await ask(["guard"]), [403, "scope"]);
  assert.deepEqual(await ask(["watch", "guard"]), [403, "scope"]);
  assert.equal((await ask(["watch"]))[0], 201);
  for (const scopes of [[], ["everything"], "watch", undefined]) assert.deepEqual(await ask(scopes), [400, "key_request"], JSON.stringify(scopes));
});

test("a key that only creates seals a letter, and reads nothing of it", async () => {
  const letter = await site.put(Buffer.from("report"), { key: keys.create });
  for (const path of ["", "/evidence", "/cancel"]) {
    const answer = await site.api(path ? "POST" : "GET", `${letter.letter}${path}`, { key: keys.create, body: path ? "" : undefined });
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [403, "scope"], path);
  }
  assert.equal((await site.record(letter)).state, "sealed");
});
