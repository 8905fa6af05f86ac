// What a backend in TypeScript writes against types that are generated from docs/openapi.json: it compiles, and it runs against
// the edge (tests/edge/client.test.mjs). Prints what it learnt.

import createClient from "openapi-fetch";
import type { components, paths } from "./made/api.d.ts";

const [baseUrl, key, letter] = process.argv.slice(2) as [string, string, string];
const api = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${key}` } });

/** The answer, or the code of the problem. */
function told<T>({ data, error }: { data?: T; error?: components["schemas"]["Problem"] }): T | string {
  return error ? error.code : (data as T);
}

type Form = paths["/api/v1/letters"]["post"]["requestBody"]["content"]["multipart/form-data"];
function form({ letter, report }: Form): FormData {
  const form = new FormData();
  form.append("letter", new Blob([JSON.stringify(letter)], { type: "application/json" }));
  form.append("report", new Blob([report]), "report.txt");
  return form;
}

const created = told(
  await api.POST("/api/v1/letters", { body: { letter: { subject: "Inspection of your car", days: 7, actions: ["accept"] }, report: "It passed." }, bodySerializer: form }),
);
const site = told(await api.GET("/api/v1/site"));
const page = told(await api.GET("/api/v1/letters", { params: { query: { state: "sealed", limit: "10" } } }));
const record = told(await api.GET("/api/v1/letters/{letter}", { params: { path: { letter } } }));
const issued = told(await api.POST("/api/v1/keys", { body: { name: "kiosk", scopes: ["create"] } }));
const counted = told(await api.POST("/api/v1/customers/count", { body: { customers: ["C-1042"] } }));
const cancelled = told(await api.POST("/api/v1/letters/{letter}/cancel", { params: { path: { letter } } }));
const revoked = await api.DELETE("/api/v1/keys/{id}", { params: { path: { id: "nobody" } } });
if ([created, site, page, record, issued, counted, cancelled].some((it) => typeof it === "string")) throw new Error(JSON.stringify({ created, site, page, record, issued, counted, cancelled }));

const said: {
  link: string;
  sms: string;
  sender: string;
  letters: string[];
  kinds: string[];
  key: string;
  counts: number[];
  changed: boolean;
  problem: string | undefined;
} = {
  link: typeof created === "string" ? "" : created.link,
  sms: typeof created === "string" ? "" : created.message.sms.text,
  sender: typeof site === "string" ? "" : site.name,
  letters: typeof page === "string" ? [] : page.letters.map((row) => row.letter),
  kinds: typeof record === "string" ? [] : record.events.map((event) => event.kind),
  key: typeof issued === "string" ? "" : issued.key,
  counts: typeof counted === "string" ? [] : counted.letters,
  changed: typeof cancelled === "string" ? false : cancelled.changed,
  problem: revoked.error?.code,
};
console.log(JSON.stringify(said));
