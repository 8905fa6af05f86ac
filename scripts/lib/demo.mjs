// What scripts/demo does once everything is built. Run through scripts/demo.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { glance, mailbox } from "../../examples/quickstart/mailbox.mjs";
import { ROOT, freePort, startEdge } from "./edge.mjs";
import { journey } from "./journey.mjs";
import { remember, rememberLink } from "./remember.mjs";

const run = promisify(execFile);
// Not .waxseal/ itself: the keyring of a real site may lie there, and the demo's folder is there to be deleted.
const FOLDER = join(ROOT, ".waxseal/demo");
const REPORT = join(ROOT, "examples/report/inspection-report.pdf");
const MAIL_PORT = 1025;
const BIN = process.env.WAXSEAL_BIN ?? join(ROOT, "target/debug/waxseal");

const options = readOptions();
process.exitCode = options.once ? await once() : await stayUp();

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        once: { type: "boolean", default: false },
        "end-to-end": { type: "boolean", default: false },
        port: { type: "string", default: "8787" },
        folder: { type: "string", default: FOLDER },
      },
    });
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`--port takes 1 to 65535, not '${values.port}'`);
    return { once: values.once, endToEnd: values["end-to-end"], port, folder: resolve(values.folder) };
  } catch (error) {
    console.error(`waxseal: ${error.message}. Options: --once, --port N, --end-to-end, --folder DIR.`);
    process.exit(2);
  }
}

/** The keyring in `folder`, made when it is not there yet: its path, and its text in one line. */
async function keyring(folder) {
  const path = join(folder, "keyring.json");
  if (!existsSync(path)) await waxseal(["keys", "new", "--keys", path]);
  const text = (await waxseal(["keys", "show", "--env", "--keys", path])).trim();
  remember(...JSON.parse(text).keys.map((key) => key.secret), (await waxseal(["keys", "show", "--api-key", "--keys", path])).trim());
  return { path, text };
}

/** Runs the command line and answers its standard output; on failure its own sentence becomes the error. */
async function waxseal(args) {
  try {
    const { stdout } = await run(BIN, args, { maxBuffer: 16 * 1024 * 1024, env: { ...process.env, NO_COLOR: "1" } });
    return stdout;
  } catch (error) {
    throw new Error(`waxseal ${args[0]}: ${(error.stderr || error.message).trim()}`);
  }
}

function seal(keys, url, extra) {
  const about = ["--subject", "Inspection of your car, WX-482-S", "--customer", "C-1042", "--letter", "GV-2026-1187"];
  return waxseal(["seal", REPORT, ...about, "--expires", "30d", "--lang", "en", "--keys", keys.path, "--url", url, ...extra]);
}

async function stayUp() {
  const stopped = new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => resolve(signal));
  });
  const { folder } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const keys = await keyring(folder);
  const port = await freePort(options.port);
  if (port !== options.port) console.log(`Port ${options.port} is taken, using ${port}.`);
  console.log("Starting the edge");
  const edge = await startEdge({ state: join(folder, "state"), keyring: keys.text, port, log: join(folder, "edge.log") });
  const mailPort = await freePort(MAIL_PORT);
  const mails = mailbox(showMail).listen(mailPort, "127.0.0.1");
  try {
    const mode = options.endToEnd ? ["--end-to-end"] : [];
    const { letter, link, qr } = JSON.parse(await seal(keys, edge.url, ["--json", "--qr", ...mode]));
    rememberLink(link);
    const vkey = (await waxseal(["evidence", "key", "--keys", keys.path])).trim();
    console.log(`
The customer's link to the sample inspection report:

${qr}
  ${link}

  Open it in a browser. On this machine only: the edge listens on 127.0.0.1.
  Seal your own:  ${relative(BIN)} seal FILE --subject TEXT --keys ${relative(keys.path)} --url ${edge.url}
  Who is banned:  ${relative(BIN)} guard bans list --keys ${relative(keys.path)} --url ${edge.url}
                  Ask for ${edge.url}/wp-login.php and you are, until midnight: \`guard unban ADDRESS\` lets you in again.
  Evidence:       ${relative(BIN)} evidence export ${letter} -o bundle.zip --keys ${relative(keys.path)} --url ${edge.url}
                  ${relative(BIN)} evidence verify bundle.zip --key '${vkey}'
  Mail:           whatever is sent to 127.0.0.1:${mailPort} is shown here, and delivered to nobody (docs/QUICKSTART.md)
  Log:            ${relative(join(folder, "edge.log"))}
  Stop:           Ctrl-C. Keys and letters stay in ${relative(folder)}; delete that folder to forget them.
`);
    const why = await Promise.race([stopped, edge.ended]);
    if (!["SIGINT", "SIGTERM", "SIGHUP"].includes(why)) throw new Error(`The edge stopped by itself: ${why}\n${edge.output()}`);
    console.log("\nStopping");
    return 0;
  } catch (error) {
    console.error(`waxseal: ${error.message}`);
    return 1;
  } finally {
    mails.close();
    await edge.stop();
  }
}

function showMail(mail) {
  const { to, subject, link } = glance(mail);
  if (link) rememberLink(link);
  console.log(`A mail to ${to}: ${subject}\n  ${link ?? "no link in it"}\n`);
}

async function once() {
  const folder = mkdtempSync(join(tmpdir(), "waxseal-once-"));
  let edge;
  const end = async () => {
    await edge?.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => void end().then(() => process.exit(130)));
  }
  try {
    const keys = await keyring(folder);
    edge = await startEdge({ state: join(folder, "state"), keyring: keys.text, log: logFile() });
    console.log(`ok  the edge answers at ${edge.url}`);
    await journey({ url: edge.url, folder, report: readFileSync(REPORT), keys, seal: (extra) => seal(keys, edge.url, extra), waxseal });
    console.log("The whole journey held.");
    return 0;
  } catch (error) {
    console.error(`not ok  ${error.message}`);
    if (edge) console.error(`The edge's log:\n${edge.output()}`);
    return 1;
  } finally {
    await end();
  }
}

function logFile() {
  const folder = process.env.WAXSEAL_TEST_LOGS;
  return folder ? join(folder, "demo-edge.log") : undefined;
}

function relative(path) {
  return path.startsWith(`${ROOT}/`) ? `./${path.slice(ROOT.length + 1)}` : path;
}
