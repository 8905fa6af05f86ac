// Whether an answer of the API is what docs/openapi.json says: nothing is missing, nothing is there that it does not name.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

export const document = JSON.parse(readFileSync(new URL("../../../docs/openapi.json", import.meta.url)));

const operations = Object.entries(document.paths).flatMap(([template, item]) => {
  const path = new RegExp(`^${template.replace(/\{(\w+)\}/g, (_, name) => (name === "target" ? ".+" : "[^/]+"))}$`);
  // Words go before names, whatever the method: `terms/current` is not `terms/{sha256}`.
  return Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, names: template.split("{").length, operation }));
}).sort((a, b) => a.names - b.names);

/** The document's word on a request, if there is one. */
export function operationOf(method, path) {
  const [first, ...others] = operations.filter((it) => it.path.test(path.split("?")[0]));
  return [first, ...others].find((it) => it?.names === first?.names && it?.method === method)?.operation;
}

const TYPES = {
  string: (value) => typeof value === "string",
  integer: Number.isInteger,
  number: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
  array: Array.isArray,
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

/** What speaks against a value, in words; nothing when it is as the schema says. */
export function against(schema, value, at = "$") {
  if (schema.anyOf) {
    const found = schema.anyOf.map((one) => against(one, value, at));
    return found.some((one) => one.length === 0) ? [] : found[0];
  }
  if (schema.type && !TYPES[schema.type](value)) return [`${at}: ${JSON.stringify(value)} is no ${schema.type}`];
  if (schema.enum && !schema.enum.includes(value)) return [`${at}: ${JSON.stringify(value)} is none of ${schema.enum}`];
  if (schema.pattern && !new RegExp(schema.pattern).test(value)) return [`${at}: ${value} does not match ${schema.pattern}`];
  if (schema.minimum !== undefined && value < schema.minimum) return [`${at}: ${value} is less than ${schema.minimum}`];
  if (schema.type === "array") return value.flatMap((item, index) => against(schema.items, item, `${at}[${index}]`));
  if (schema.type !== "object") return [];
  const { properties = {}, required = [], additionalProperties } = schema;
  const missing = required.filter((name) => !(name in value)).map((name) => `${at}.${name} is missing`);
  const there = Object.entries(value).flatMap(([name, item]) => {
    const of = properties[name] ?? additionalProperties;
    return of ? against(of, item, `${at}.${name}`) : [`${at}.${name} is not in the document`];
  });
  return [...missing, ...there];
}

/** Fails where the edge itself answered something else than the document says. */
export function assertDocumented(method, path, { status, headers, body, whole }) {
  const operation = operationOf(method, path);
  const type = headers["content-type"] ?? "";
  if (!operation || !headers["waxseal-version"] || !whole) return;
  const said = `${method} ${path}: ${status} ${body}`;
  const response = operation.responses[status];
  assert.ok(response, `not in the document: ${said}`);
  if (type === "application/problem+json") {
    const problem = JSON.parse(body);
    assert.deepEqual(against(document.components.schemas.Problem, problem), [], said);
    assert.deepEqual([problem.type, problem.status], [`/api/v1/reference#${problem.code}`, status], said);
    assert.ok(response.description.split(" ").includes(problem.code), `not among its problems: ${said}`);
  } else {
    assert.equal(Boolean(response.content), body.length > 0, said);
    const schema = response.content?.["application/json"]?.schema;
    if (schema) assert.deepEqual(against(schema, JSON.parse(body)), [], said);
  }
}
