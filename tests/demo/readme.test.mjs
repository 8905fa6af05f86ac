// The commands and files that the documents name exist, and the options too.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/lib/edge.mjs";

const run = promisify(execFile);
const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");
const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
// So many words make a command, where it is not one.
const DEPTH = { webhooks: 2, keys: 2, guard: 3, evidence: 2, terms: 2 };
// Commands of which a document speaks before the program has them.
const AHEAD = [];
const QUIET = { WRANGLER_WRITE_LOGS: "false", WRANGLER_HIDE_BANNER: "true", WRANGLER_SEND_METRICS: "false", CI: "1", NO_COLOR: "1" };

const names = [
  ...readdirSync(ROOT).filter((name) => name.endsWith(".md")),
  ...readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
];
const documents = names.map((name) => ({ name, text: readFileSync(join(ROOT, name), "utf8") }));

/** Commands: lines of `sh` blocks (continued ones joined, comments cut), and what stands in backticks. */
function commands(text) {
  const blocks = [...text.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block]) => block.replaceAll("\\\n", " ").split("\n"));
  const inline = [...text.replaceAll(/```[^]*?```/g, "").matchAll(/`([^`]+)`/g)].map(([, code]) => code.replaceAll("\n", " "));
  // A pipe or `&&` joins commands; `$(...)` holds one.
  return [...blocks, ...inline]
    .map((line) => line.replace(/\s#\s.*$/, ""))
    .flatMap((line) => line.split(/\||&&|;|\$\(|\)"/))
    .map((line) => line.trim());
}

const all = documents.flatMap(({ name, text }) => commands(text).map((command) => ({ name, command })));
const of = (pattern) => all.filter(({ command }) => pattern.test(command));
const options = (command) => [...command.matchAll(/(?<=\s)(--[a-z][a-z0-9-]*)/g)].map(([, option]) => option);

test("scripts", () => {
  const found = of(/^(\.\/)?scripts\/[a-z-]+(\s|$)/);
  assert.ok(found.length > 8);
  const suites = /^suite_([a-z]+)\(\)/gm;
  const known = new Set([...readFileSync(join(ROOT, "scripts/test"), "utf8").matchAll(suites)].map(([, suite]) => suite));
  for (const { name, command } of found) {
    const [path, ...args] = command.split(/\s+/);
    const text = readFileSync(join(ROOT, path), "utf8");
    accessSync(join(ROOT, path), constants.X_OK);
    if (path.endsWith("/test")) for (const suite of args) assert.ok(known.has(suite), `${name}: ${command}`);
    if (path.endsWith("/demo")) for (const option of options(command)) assert.ok(text.includes(option), `${name}: ${command}`);
  }
});

test("the command line", async () => {
  const found = of(/^waxseal [a-z]/).filter(({ command }) => !AHEAD.includes(command.split(/\s+/)[1]));
  assert.ok(found.length > 8);
  for (const { name, command } of found) {
    const words = command.split(/\s+/).slice(1);
    const path = words.slice(0, DEPTH[words[0]] ?? 1).filter((word) => /^[a-z]+$/.test(word));
    const { stdout } = await run(BIN, [...path, "--help"]);
    for (const option of options(command)) assert.ok(new RegExp(`${option}\\b`).test(stdout), `${name}: ${command}: no ${option}`);
  }
  // Every command of the program is in the README's table.
  const { stdout } = await run(BIN, ["--help"]);
  const listed = /\nCommands:\n([^]*?)\n\n/.exec(stdout)[1].split("\n").map((line) => line.trim().split(/\s+/)[0]);
  assert.deepEqual(listed.filter((command) => AHEAD.includes(command)), [], "it is there: take it out of AHEAD");
  const readme = documents.find(({ name }) => name === "README.md").text;
  for (const command of listed.filter((word) => /^[a-z]+$/.test(word) && !["help", "completions"].includes(word))) {
    assert.match(readme, new RegExp(`\`${command}[ \`]`), command);
  }
});

test("wrangler", { timeout: 300_000 }, async () => {
  const found = of(/^(\.\/scripts\/|npx )wrangler [a-z]/);
  assert.ok(found.length > 5);
  const helps = new Map();
  for (const { name, command } of found) {
    const words = command.replace(/^\S*wrangler |^npx wrangler /, "").split(/\s+/);
    const until = words.findIndex((word) => !["r2", "bucket", "kv", "namespace", "key", "lifecycle", "add", "create", "secret", "put", "deploy", "login", "rollback"].includes(word));
    const path = words.slice(0, until < 0 ? words.length : until).join(" ");
    if (path === "") assert.fail(`${name}: ${command}: what is that?`);
    if (!helps.has(path)) {
      const { stdout } = await run(process.execPath, [WRANGLER, ...path.split(" "), "--help"], { env: { ...process.env, ...QUIET } });
      helps.set(path, stdout);
    }
    assert.ok(helps.get(path).includes(`wrangler ${path}`), `${name}: ${command}: ${helps.get(path)}`);
    for (const option of options(command)) assert.ok(helps.get(path).includes(option), `${name}: ${command}: no ${option}`);
  }
});

/** What GitHub makes of a heading, to link to it. */
const anchors = (path) =>
  [...readFileSync(join(ROOT, path), "utf8").replaceAll(/```[^]*?```/g, "").matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading.toLowerCase().replaceAll(/[^\w -]/g, "").replaceAll(" ", "-"),
  );

test("files and links", () => {
  const broken = [];
  for (const { name, text } of documents) {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, path]) => join(dirname(name), path));
    for (const [, to, anchor] of text.matchAll(/\]\(((?!https?:)[^)#\s]*)#([^)\s]+)\)/g)) {
      const path = to === "" ? name : join(dirname(name), to);
      if (!existsSync(join(ROOT, path)) || !anchors(path).includes(anchor)) broken.push(`${name}: ${path}#${anchor}`);
    }
    const paths = [...text.matchAll(/`((?:src|docs|tests|scripts|examples|locales|web)\/[\w./-]+)`/g)].map(([, path]) => path);
    broken.push(...[...links, ...paths].filter((path) => !existsSync(join(ROOT, path))).map((path) => `${name}: ${path}`));
  }
  assert.deepEqual(broken, []);
});

test("documents that the sources name", () => {
  const missing = [];
  for (const root of ["src", "crates", "web", "locales", "examples", "tests"]) {
    for (const file of readdirSync(join(ROOT, root), { recursive: true }).filter((path) => /\.(rs|ts|mjs|py|toml)$/.test(path))) {
      for (const [path] of readFileSync(join(ROOT, root, file), "utf8").matchAll(/\bdocs\/[A-Z_]+\.md/g)) {
        if (!existsSync(join(ROOT, path))) missing.push(`${root}/${file}: ${path}`);
      }
    }
  }
  assert.deepEqual(missing, []);
});
