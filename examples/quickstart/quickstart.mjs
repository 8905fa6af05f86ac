// Waxseal in Node: send a letter, hear what becomes of it. Needs `npm install nodemailer standardwebhooks`.
//
//     node quickstart.mjs receive                          # leave it running
//     node quickstart.mjs send report.pdf jan@mail.example
//
// Reads WAXSEAL_URL and WAXSEAL_API_KEY to send, WAXSEAL_WEBHOOK_SECRET to receive.

import { randomUUID } from "node:crypto";
import { openAsBlob } from "node:fs";
import { createServer } from "node:http";
import { basename } from "node:path";
import { buffer } from "node:stream/consumers";
import nodemailer from "nodemailer";
import { Webhook } from "standardwebhooks";

const { WAXSEAL_URL, WAXSEAL_API_KEY, WAXSEAL_WEBHOOK_SECRET, SMTP_PORT = "1025", PORT = "9000" } = process.env;

/** Seals a report: one request, a form of two parts. A request of the same name makes no second letter: try again at will. */
async function create(report, about) {
  const form = new FormData();
  form.append("letter", new Blob([JSON.stringify(about)], { type: "application/json" }));
  form.append("report", await openAsBlob(report), basename(report));
  const answer = await fetch(`${WAXSEAL_URL}/api/v1/letters`, {
    method: "POST",
    headers: { authorization: `Bearer ${WAXSEAL_API_KEY}`, "idempotency-key": about.reference },
    body: form,
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

/** Mails what the answer holds: text, HTML, and the headers of a mail program's button that says no. */
function send({ subject, text, html, headers }, recipient) {
  const server = nodemailer.createTransport({ host: "127.0.0.1", port: Number(SMTP_PORT), ignoreTLS: true });
  return server.sendMail({ from: "garage@shop.example", to: recipient, subject, text, html, headers });
}

/** Takes webhooks. Only what is signed with our secret counts; a message may come twice, under the same webhook-id. */
async function receive(request, response) {
  try {
    const event = new Webhook(WAXSEAL_WEBHOOK_SECRET).verify(await buffer(request), request.headers);
    console.log("verified:", event.type, event.data.letter ?? "");
    response.writeHead(204).end();
  } catch (error) {
    response.writeHead(400).end(error.message);
  }
}

const [command, report, recipient] = process.argv.slice(2);
if (command === "receive") {
  createServer(receive).listen(Number(PORT), "127.0.0.1");
} else if (command === "send" && recipient) {
  const { letter, message } = await create(report, { subject: "Inspection of your car", customer: "C-1042", reference: randomUUID() });
  await send(message, recipient);
  console.log("sent:", letter);
} else {
  console.error("usage: node quickstart.mjs receive | send REPORT RECIPIENT");
  process.exitCode = 2;
}
