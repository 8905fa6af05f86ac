// A mail server for trying things out: takes every mail on 127.0.0.1, delivers none, says of each to whom it goes, what about, and the
// link that is in it. Node only, no packages.
//
//     node mailbox.mjs [PORT]        1025, if it is left out

import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

/** Answers the server. `take` is given each mail as it came, headers and all. */
export function mailbox(take) {
  return createServer((socket) => {
    let rest = "";
    let inMail = false;
    const say = (text) => socket.write(`${text}\r\n`);
    socket.setEncoding("utf8").on("error", () => {});
    say("220 mailbox");
    socket.on("data", (text) => {
      rest += text;
      for (;;) {
        const end = inMail ? "\r\n.\r\n" : "\r\n";
        const at = rest.indexOf(end);
        if (at < 0) return;
        const line = rest.slice(0, at);
        rest = rest.slice(at + end.length);
        if (inMail) {
          inMail = false;
          take(line.replace(/^\.\./gm, ".")); // RFC 5321, section 4.5.2
          say("250 taken");
        } else if (/^DATA$/i.test(line)) {
          inMail = true;
          say("354 go on");
        } else if (/^QUIT$/i.test(line)) {
          say("221 bye");
          socket.end();
        } else say("250 mailbox");
      }
    });
  });
}

/** What a person looks for in a mail. */
export function glance(mail) {
  const header = (name) => decoded(new RegExp(`^${name}:\\s*((?:.*\\r\\n[ \\t])*.*)`, "im").exec(mail)?.[1] ?? "");
  const body = mail.split("\r\n--").map(textOf).join("\n");
  return { to: header("To").replace(/^<|>$/g, ""), subject: header("Subject"), link: /https?:\/\/[^\s"<>/]+\/[0-9a-z]{66}(#[0-9a-z]{26})?(?![^\s"<>])/.exec(body)?.[0] };
}

/** The text of a part (RFC 2045, section 6). */
function textOf(part) {
  const [head, ...rest] = part.split("\r\n\r\n");
  const body = rest.join("\r\n\r\n");
  if (/^content-transfer-encoding: *base64/im.test(head)) return Buffer.from(body, "base64").toString();
  return /^content-transfer-encoding: *quoted-printable/im.test(head) ? unquoted(body.replaceAll("=\r\n", "")) : body;
}

/** A header's text, where it is encoded (RFC 2047). */
function decoded(text) {
  return text
    .replace(/\?=\s+=\?/g, "?==?")
    .replace(/\r\n/g, "")
    .replace(/=\?utf-8\?([BQ])\?([^?]*)\?=/gi, (_, how, word) => (/b/i.test(how) ? Buffer.from(word, "base64").toString() : unquoted(word.replaceAll("_", " "))));
}

const unquoted = (text) => Buffer.from(text.replace(/=([0-9A-F]{2})/gi, (_, byte) => String.fromCharCode(Number.parseInt(byte, 16))), "latin1").toString();

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.argv[2] ?? 1025);
  const show = ({ to, subject, link }) => console.log(`\nA mail to ${to}: ${subject}\n  ${link ?? "no link in it"}`);
  mailbox((mail) => show(glance(mail))).listen(port, "127.0.0.1", () => {
    console.log(`Every mail to 127.0.0.1:${port} is shown here, and delivered to nobody. Ctrl-C ends it.`);
  });
}
