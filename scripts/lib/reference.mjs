// Writes docs/reference.html, the page that shows docs/openapi.json to people: node scripts/lib/reference.mjs
//
// One file without script and without anything that is fetched, so that it reads the same from a disk, from the edge and on paper.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { STATUS_CODES } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const DOCS = join(HERE, "../../docs");

/** In this order; a group that is not here follows them under the name of its path. */
const GROUPS = {
  letters: "Letters",
  events: "Events",
  webhooks: "Webhooks",
  customers: "Customers",
  terms: "Terms",
  keys: "Keys",
  guard: "Guard",
  log: "Log",
  sweep: "Sweep",
  site: "Site",
};
const METHODS = ["get", "post", "put", "delete"];

/** What stands in an address, where the document does not say it: in words, and as an example. */
const PLACES = {
  address: ["An address.", "192.0.2.7"],
  after: ["The <code>next</code> of an earlier answer.", ""],
  agent: ["What a program calls itself.", "curl/8.5.0"],
  asn: ["The number of a network's operator.", "64500"],
  country: ["Two letters.", "NL"],
  delivery: ["The id of a delivery.", "01a22d3c-6f21-7b64-9a1d-52f0c3f0a9be"],
  dry_run: ["<code>true</code>: nothing changes.", "true"],
  id: ["The id of a key.", "k3m9x2p7"],
  language: ["<code>en</code>, <code>nl</code>, <code>fr</code> or <code>de</code>.", "nl"],
  letter: ["The letter's UUID.", "01a22d3c-5e1f-7c3d-8e4f-5a6b7c8d9e0f"],
  limit: ["How many at most, 1 to 1,000.", "100"],
  part: ["The part's number, from 1.", "1"],
  path: ["The path of a request.", "/wp-login.php"],
  rebuild: ["<code>true</code>: every ledger is asked.", "true"],
  sha256: ["The SHA-256 of a text, in lower-case hexadecimal digits.", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
  since: ["Seconds since 1970.", "1795996800"],
  state: ["How letters stand.", "opened"],
  "ListDeliveries.state": ["<code>waiting</code>, <code>delivered</code> or <code>given_up</code>.", "waiting"],
  target: ["An address or network.", "192.0.2.0/24"],
  until: ["Seconds since 1970.", "1798588800"],
  upload: ["The id of an upload, as its beginning answered it.", "UPLOAD"],
  version: ["As the history has it.", "3"],
  wait: ["How many seconds an answer may wait for something to happen, up to 15.", "15"],
  webhook: ["The id of a webhook.", "01a22d3c-7a10-7f2e-b6c4-0d1e2f3a4b5c"],
};

/** Examples of texts in bodies, by the name of their field. */
const TEXTS = {
  customer: "C-1042",
  customers: "C-1042",
  description: "Our shop",
  etag: "0c2b8f6e",
  file_name: "report.pdf",
  media_type: "application/pdf",
  name: "kiosk",
  reference: "GV-2026-1187",
  report: "@report.pdf",
  subject: "Inspection of your car",
  target: "192.0.2.0/24",
  url: "https://shop.example/webhooks/waxseal",
};

/** The page for a document. */
export function reference(document) {
  const routes = routesOf(document);
  const always = routes.map((it) => it.problems).reduce((common, some) => common.filter((code) => some.includes(code)));
  const groups = Map.groupBy(routes, (it) => it.group);
  const css = readFileSync(join(HERE, "reference.css"), "utf8").trim();
  const policy = `default-src 'none'; img-src data:; style-src 'sha256-${createHash("sha256").update(css).digest("base64")}'`;
  const contents = [...groups].map(([group, routes]) => contentsOf(group, routes)).join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API reference · Waxseal</title>
<meta name="robots" content="noindex, nofollow, noarchive">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(SEAL("#8f1f23", "#5c0f13"))}">
<style>${css}</style>
</head>
<body>
<a class="skip" href="#main">To the routes</a>
<header class="top">
${SEAL("var(--wax)", "var(--wax-mark)")}
<div>
<h1>API reference</h1>
<p class="lead">Waxseal, version ${esc(document.info.version)}. ${count(routes.length, "route")}, ${count(document["x-problems"].length, "problem")}.</p>
</div>
</header>
<details class="contents">
<summary>Contents</summary>
<nav aria-label="Contents">
${contents}
<p><a href="#problems">Problems</a></p>
</nav>
</details>
<div class="desk">
<nav class="side" aria-label="Routes">
<p><a href="#begin">Requests and keys</a></p>
${contents}
<p><a href="#problems">Problems</a></p>
</nav>
<main id="main">
${begin(document, routes, always)}
${[...groups].map(([group, routes]) => section(group, routes, always)).join("\n")}
${problems(document, routes)}
</main>
</div>
</body>
</html>
`;
}

function routesOf(document) {
  const routes = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      ...{ path, method, operation, id: operation.operationId, group: path.split("/")[3] },
      scope: operation.security?.[0]?.key?.[0],
      problems: Object.values(operation.responses).filter(isProblem).flatMap((response) => response.description.split(" ")),
    })),
  );
  const order = (it) => [Object.keys(GROUPS).indexOf(it.group) + 1 || 99, it.group, it.path.replaceAll("{", "~"), METHODS.indexOf(it.method)];
  return routes.sort((a, b) => compare(order(a), order(b)));
}

const compare = (a, b) => a.map((one, at) => (one < b[at] ? -1 : one > b[at] ? 1 : 0)).find((it) => it !== 0) ?? 0;
const isProblem = (response) => response.content?.["application/problem+json"] !== undefined;
const titleOf = (group) => GROUPS[group] ?? group[0].toUpperCase() + group.slice(1);
const short = (path) => path.replace("/api/v1/", "");

function contentsOf(group, routes) {
  const rows = routes.map((it) => `<li><a href="#${it.id}"><b class="${it.method}">${it.method.toUpperCase()}</b> <span>${inPath(short(it.path))}</span></a></li>`);
  return `<p><a href="#group-${group}">${titleOf(group)}</a></p>\n<ul>\n${rows.join("\n")}\n</ul>`;
}

function begin(document, routes, always) {
  const scopes = Map.groupBy(routes.filter((it) => it.scope), (it) => it.scope);
  return `<section id="begin">
<h2>Requests and keys</h2>
<p>Every path stands below the address of your site. A request shows a key; a body is JSON in UTF-8 unless the route says otherwise, and so is an answer.</p>
${example(['curl "$WAXSEAL_URL/api/v1/site"', '  -H "Authorization: Bearer $WAXSEAL_API_KEY"'])}
<p>${words(document.info.description)}</p>
<p>What goes wrong is answered as <code>application/problem+json</code> (RFC 9457): <code>code</code> is for programs and stable, <code>detail</code> is for people, <code>type</code> leads to this page. Every route has
${always.map((code) => `<a href="#${code}"><code>${code}</code></a>`).join(", ")}; its others stand with it.</p>
<h3>What each scope opens</h3>
<dl class="scopes">
${[...scopes].map(([scope, routes]) => `<div><dt><code>${scope}</code></dt><dd>${routes.map(link).join(" ")}</dd></div>`).join("\n")}
</dl>
</section>`;
}

const link = (route) => `<a class="route" href="#${route.id}"><b class="${route.method}">${route.method.toUpperCase()}</b> <span>${inPath(short(route.path))}</span></a>`;

function section(group, routes, always) {
  return `<section id="group-${group}">
<h2>${titleOf(group)}</h2>
${routes.map((it) => article(it, always)).join("\n")}
</section>`;
}

function article(route, always) {
  const { operation, id, method, path } = route;
  const parameters = ["path", "query"].map((where) => parametersOf(where, operation));
  const own = Object.entries(operation.responses)
    .filter(([, it]) => isProblem(it))
    .flatMap(([status, it]) => it.description.split(" ").filter((code) => !always.includes(code)).map((code) => `<li><a href="#${code}"><code>${code}</code></a> ${status}</li>`));
  return `<article id="${id}" aria-labelledby="${id}-title">
<h3 id="${id}-title"><a href="#${id}"><b class="${method}">${method.toUpperCase()}</b> <code>${inPath(path)}</code></a></h3>
<p class="summary">${words(operation.summary)}</p>
<div class="cols">
<div class="what">
${parameters.join("\n")}
${request(operation)}
${answers(operation)}
${own.length > 0 ? `<h4>Problems</h4>\n<ul class="codes">\n${own.join("\n")}\n</ul>` : ""}
</div>
<div class="how">
<p class="scope">Needs a key with ${route.scope ? `the scope <code>${route.scope}</code>` : "any scope"}</p>
${example(curl(route))}
</div>
</div>
</article>`.replace(/\n{2,}/g, "\n");
}

/** What stands in an address, in words and as an example. */
const placeOf = (operation, name) => PLACES[`${operation.operationId}.${name}`] ?? PLACES[name] ?? ["", ""];

function parametersOf(where, operation) {
  const parameters = operation.parameters.filter((it) => it.in === where);
  if (parameters.length === 0) return "";
  const rows = parameters.map(({ name, description, schema, required }) =>
    row(name, typeOf(schema), !required, description ? words(description) : placeOf(operation, name)[0]));
  return `<h4>In the ${where}</h4>\n<dl>\n${rows.join("\n")}\n</dl>`;
}

function request({ requestBody }) {
  if (!requestBody) return "";
  const [[type, { schema }]] = Object.entries(requestBody.content);
  return `<h4>Request <span class="type">${esc(type)}</span></h4>\n${body(schema, type.startsWith("text/") ? "A text." : "The bytes.", " open")}`;
}

function answers({ responses }) {
  const fine = Object.entries(responses).filter(([, it]) => !isProblem(it));
  const alike = Map.groupBy(fine, ([, it]) => JSON.stringify(it.content));
  return [...alike.values()].map((some) => {
    const [[, { content }]] = some;
    const statuses = some.map(([status]) => status).join(" or ");
    if (!content) return `<h4>Answer ${statuses}</h4>\n<p>No body.</p>`;
    const [[type, { schema }]] = Object.entries(content);
    return `<h4>Answer ${statuses} <span class="type">${esc(type)}</span></h4>\n${body(schema, "The text.")}`;
  }).join("\n");
}

/** The fields of a whole body, or what it is where it has none. */
function body(schema, otherwise, open = "") {
  if (!schema) return `<p>${otherwise}</p>`;
  return fieldsOf(schema, open) ?? `<p>${typeOf(schema)}. ${words(schema.description ?? "")}</p>`;
}

/** Without the alternative of nothing: that is what "optional" says. */
const plain = (schema = {}) => schema.anyOf?.find((one) => one.type !== "null") ?? schema;
/** What a list, or a map, has in it. */
const inner = (schema) => ("items" in schema ? inner(plain(schema.items)) : typeof schema.additionalProperties === "object" ? inner(plain(schema.additionalProperties)) : schema);

function fieldsOf(schema, open) {
  const { properties, required = [] } = inner(plain(schema));
  if (!properties) return undefined;
  const fields = Object.entries(properties).sort(([a], [b]) => required.includes(b) - required.includes(a));
  const rows = fields.map(([name, it]) => {
    // The unit stands with the alternative.
    const unit = plain(it) === it ? undefined : plain(it).description;
    const about = unit && it.description ? `${it.description.replace(/[.,]$/, "")}, ${unit}.` : (it.description ?? unit ?? "");
    const nested = fieldsOf(it, open);
    const count = nested && Object.keys(inner(plain(it)).properties).length;
    const more = nested ? `\n<details${open}><summary>${count === 1 ? "Its field" : `Its ${count} fields`}</summary>\n${nested}\n</details>` : "";
    return row(name, typeOf(it), !required.includes(name), words(about) + more);
  });
  return `<dl>\n${rows.join("\n")}\n</dl>`;
}

const row = (name, type, optional, about) =>
  `<div><dt><code>${esc(name)}</code> <span class="type">${type}</span>${optional ? ' <span class="optional">optional</span>' : ""}</dt><dd>${about}</dd></div>`;

function typeOf(some) {
  const schema = plain(some);
  if (schema.enum) return `one of ${schema.enum.map((it) => `<code>${esc(it)}</code>`).join(" ")}`;
  if (schema.type === "array") return `list: ${typeOf(schema.items)}`;
  if (typeof schema.additionalProperties === "object") return `by name: ${typeOf(schema.additionalProperties)}`;
  const { type = "anything", format, pattern, minimum } = schema;
  if (format === "uuid") return "UUID";
  if (format === "binary") return "file";
  return [type, format, pattern && `<code>${esc(pattern)}</code>`, minimum > 0 && `from ${minimum}`].filter(Boolean).join(", ");
}

function problems(document, routes) {
  const byStatus = Map.groupBy(document["x-problems"], (it) => it.status);
  const groups = [...byStatus].sort(([a], [b]) => a - b).map(([status, some]) => {
    const rows = some.map(({ code, sentence }) => {
      const of = routes.filter((it) => it.problems.includes(code));
      const where = of.length === 0 ? "At a link, to a program." : of.length === routes.length ? "Any route." : of.map(link).join(" ");
      return `<div id="${code}"><dt><a href="#${code}"><code>${code}</code></a></dt><dd>${words(sentence)}<p class="where">${where}</p></dd></div>`;
    });
    return `<h3>${status} ${STATUS_CODES[status]}</h3>\n<dl class="problems">\n${rows.join("\n")}\n</dl>`;
  });
  return `<section id="problems">\n<h2>Problems</h2>\n${groups.join("\n")}\n</section>`;
}

/** An example request, a line each. */
function curl({ method, path, operation, problems }) {
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => placeOf(operation, name)[1] || name.toUpperCase());
  const query = operation.parameters.filter((it) => it.in === "query").map((it) => it.name);
  const examples = query.map((name) => [name, placeOf(operation, name)[1]]).filter(([, value]) => value !== "");
  const shown = examples.slice(0, 2).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const address = `"$WAXSEAL_URL${filled}${shown.length > 0 ? `?${shown.join("&")}` : ""}"`;
  const lines = [`curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}${address}`, '  -H "Authorization: Bearer $WAXSEAL_API_KEY"'];
  if (problems.includes("idempotency_key")) lines.push('  -H "Idempotency-Key: order-4711"');
  const [type, { schema } = {}] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (type === "application/json") lines.push('  -H "Content-Type: application/json"', `  -d '${JSON.stringify(sample(schema))}'`);
  else if (type === "multipart/form-data") {
    for (const [name, it] of Object.entries(plain(schema).properties ?? { letter: { type: "object" }, report: {} })) {
      lines.push(plain(it).type === "object" ? `  -F '${name}=${JSON.stringify(sample(it))};type=application/json'` : `  -F ${name}=@report.pdf`);
    }
  } else if (type) lines.push(`  --data-binary @${type.startsWith("text/") ? "text" : "sealed"}`);
  return lines;
}

/** A value that a schema allows, with the fields that it must have, or else the first. */
function sample(some, name = "") {
  const schema = plain(some);
  if (schema.enum) return schema.enum[0];
  if (schema.type === "array") return [sample(schema.items, name)];
  if (schema.type === "object") {
    const { properties, required = [] } = schema;
    if (!properties) return { nl: PLACES.sha256[1] };
    const named = required.length > 0 ? required : Object.keys(properties).slice(0, 1);
    return Object.fromEntries(named.map((it) => [it, sample(properties[it], it)]));
  }
  if (schema.type === "boolean") return true;
  if (schema.type === "integer") return /since 1970/.test(schema.description) ? (/milli/.test(schema.description) ? 1_798_588_800_000 : 1_798_588_800) : 1;
  return TEXTS[name] ?? PLACES[name]?.[1] ?? (schema.format === "uuid" ? PLACES.letter[1] : "…");
}

const example = (lines) => `<pre><code>${esc(lines.join(" \\\n"))}</code></pre>`;
const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
const esc = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const words = (text) => esc(text).replace(/`([^`]+)`/g, "<code>$1</code>");
/** A path that may end a line behind each slash, and shows what is to be filled in. */
function inPath(path) {
  return esc(path).replaceAll("/", "/<wbr>").replace(/\{(\w+)\}/g, "<var>{$1}</var>");
}
function SEAL(wax, mark) {
  return `<svg class="seal" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120" width="56" height="56" aria-hidden="true" focusable="false"><path fill="${wax}" d="M115.1 60C115.6 65 113.9 70.5 112.3 75.4 110.6 80.2 108.2 85 105.2 89 102.2 93.1 98.2 96.5 94.3 99.6 90.4 102.7 86.2 105.8 81.7 107.6 77.2 109.4 72 110.2 67.2 110.4 62.5 110.5 57.9 109 53 108.5 48.2 108.1 43.2 108.7 38.2 107.6 33.3 106.6 27.5 105.3 23.2 102.4 18.9 99.6 14.5 95.2 12.4 90.6 10.4 85.9 11.2 79.5 10.9 74.4 10.6 69.3 10.5 64.7 10.8 60 11 55.3 11.7 50.8 12.4 46 13.2 41.2 13.1 35.6 15.2 31.2 17.4 26.9 21.4 22.9 25.2 19.9 29.1 16.9 34.1 15.6 38.6 13.1 43.1 10.7 47.2 6.5 52.1 5 57 3.5 63 3.1 68 4.2 73 5.3 78 8.7 82 11.7 86.1 14.8 89.3 18.9 92.4 22.6 95.5 26.3 97.8 30.1 100.7 33.9 103.5 37.7 107 41.1 109.4 45.5 111.8 49.8 114.7 55 115.1 60Z"/><circle cx="62" cy="58" r="37.5" fill="none" stroke="${mark}" stroke-width="2.5"/><path fill="none" stroke="${mark}" stroke-width="7" stroke-linejoin="round" stroke-linecap="round" d="M41 42l11 32 10-26 10 26 11-32"/></svg>`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(join(DOCS, "reference.html"), reference(JSON.parse(readFileSync(join(DOCS, "openapi.json"), "utf8"))));
}
