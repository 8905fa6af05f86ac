// Forms for `POST /api/v1/letters`, made by hand.

/** What a PDF begins with. */
export const PDF = Buffer.from("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "latin1");

/** A form. `letter`: its fields besides a subject; `json` in place of them; `head`: what follows the name of the report's part. */
export function formOf({ boundary = "x", letter = {}, json = JSON.stringify({ subject: "Your inspection", ...letter }), report = PDF, head = 'filename="inspection.pdf"' } = {}) {
  const parts = [
    `--${boundary}\r\nContent-Disposition: form-data; name="letter"\r\nContent-Type: application/json\r\n\r\n`,
    json,
    `\r\n--${boundary}\r\nContent-Disposition: form-data; name="report"${head && `; ${head}`}\r\n\r\n`,
    report,
    `\r\n--${boundary}--\r\n`,
  ];
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

/** Creates a letter: what the edge answered. `again`: the `Idempotency-Key`. */
export async function created(site, { key = site.apiKey, again, headers = {}, boundary = "x", ...form }) {
  const body = formOf({ boundary, ...form });
  const sent = { authorization: `Bearer ${key}`, "content-type": `multipart/form-data; boundary=${boundary}`, ...(again && { "idempotency-key": again }) };
  const length = headers["transfer-encoding"] ? {} : { "content-length": body.length };
  const answer = await site.send("POST", "/api/v1/letters", { headers: { ...sent, ...length, ...headers }, body });
  if (answer.status < 300) site.remember(new URL(JSON.parse(answer.body).link).pathname.slice(1));
  return answer;
}
