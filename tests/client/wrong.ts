// What must not compile against types that are generated from docs/openapi.json: the compiler says of each line that is marked so
// that it is wrong, or fails because it is not.

import createClient from "openapi-fetch";
import type { paths } from "./made/api.d.ts";

const api = createClient<paths>({ baseUrl: "https://letters.example" });
const letter = "01a22d3c-5e1f-7c3d-8e4f-5a6b7c8d9e0f";

// @ts-expect-error there is no such path
await api.GET("/api/v1/letter");
// @ts-expect-error nor this method
await api.DELETE("/api/v1/site");
// @ts-expect-error a letter has to be named
await api.GET("/api/v1/letters/{letter}");
// @ts-expect-error a list has no such filter
await api.GET("/api/v1/letters", { params: { query: { colour: "red" } } });
// @ts-expect-error a letter has a report
await api.POST("/api/v1/letters", { body: { letter: { subject: "Inspection of your car" } } });
// @ts-expect-error and a subject
await api.POST("/api/v1/letters", { body: { letter: { days: 7 }, report: "It passed." } });
// @ts-expect-error a key has a name
await api.POST("/api/v1/keys", { body: { scopes: ["create"] } });
// @ts-expect-error and scopes that exist
await api.POST("/api/v1/keys", { body: { name: "kiosk", scopes: ["everything"] } });
// @ts-expect-error references are texts
await api.POST("/api/v1/customers/count", { body: { customers: [1042] } });
// @ts-expect-error cancelling takes no body
await api.POST("/api/v1/letters/{letter}/cancel", { params: { path: { letter } }, body: { now: true } });

const { data, error } = await api.GET("/api/v1/letters/{letter}", { params: { path: { letter } } });
// @ts-expect-error an answer may be a problem
data.events;
// @ts-expect-error a problem has a code, and no message
error?.message;
// @ts-expect-error a sequence is a number
const sequence: string | undefined = data?.events[0]?.seq;
console.log(sequence);
