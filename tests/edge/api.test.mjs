// The table of the API, by its document: every route with the right key, with a wrong one, with none.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { startSite } from "./lib/site.mjs";

const document = JSON.parse(readFileSync(new URL("../../docs/openapi.json", import.meta.url)));
const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"];
/** What stands for each name of a path: well formed, and nothing that there is. */
const NAMES = { letter: "0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f", upload: "none", part: "1", sha256: "0".repeat(64), target: "192.0.2.1" };

const own = document["x-problems"].map(({ code }) => code);
const paths = Object.keys(document.paths);
/** Whether the path of a template is also one of another template, with methods of its own. */
const shared = (template) => paths.some((other) => other !== template && new RegExp(`^${other.replace(/\{\w+\}/g, "[^/]+")}$`).test(template));

let site;
before(async () => (site = await startSite("api")));
after(() => site?.stop());

const send = (method, path, key) => site.send(method, path, { headers: { "content-length": 0, ...(key && { authorization: `Bearer ${key}` }) } });

for (const [template, item] of Object.entries(document.paths)) {
  const path = template.replace(/\{(\w+)\}/g, (_, name) => NAMES[name]);
  for (const method of METHODS) {
    const operation = item[method.toLowerCase()];
    if (!operation && shared(template)) continue;
    const scope = operation?.security[0].key[0] ?? "no such method";
    test(`${method} ${template}: ${scope}`, async () => {
      const nothing = await send(method, "/no-such-page");
      for (const key of [undefined, "wrong", `${site.api.slice(0, -1)}${site.api.endsWith("A") ? "B" : "A"}`]) {
        const { status, body, headers } = await send(method, path, key);
        assert.deepEqual([status, body.toString(), headers["waxseal-version"]], [nothing.status, nothing.body.toString(), undefined], String(key));
      }
      const answer = await send(method, path, site.api);
      assert.ok(answer.headers["waxseal-version"]);
      const problem = answer.headers["content-type"] === "application/problem+json" && JSON.parse(answer.body);
      if (!operation) {
        assert.deepEqual([answer.status, problem.code], [405, "method_not_allowed"]);
        for (const allowed of answer.headers.allow.split(", ")) assert.ok(allowed === "HEAD" || item[allowed.toLowerCase()], allowed);
        return;
      }
      const said = operation.responses[answer.status];
      assert.ok(said ?? (answer.status === 422 && !own.includes(problem.code)), `${answer.status} is not in the document`);
      if (problem) {
        assert.deepEqual([problem.type, problem.status], [`urn:waxseal:problem:${problem.code}`, answer.status]);
        // What is wrong with an object that was sent has a code of its own.
        assert.ok(!own.includes(problem.code) || said.description.split(" ").includes(problem.code), problem.code);
      } else if (said.content) {
        const { required = [] } = said.content["application/json"].schema;
        const body = JSON.parse(answer.body);
        for (const name of required) assert.ok(name in body, name);
      }
      if (method === "GET") {
        const head = await send("HEAD", path, site.api);
        assert.deepEqual([head.status, head.body.length], [answer.status, 0]);
      }
    });
  }
}
