// The stream: ranges, lengths, entity tags; and what a tampered object gives, which is nothing.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { BUCKET } from "./lib/backdoor.mjs";
import { openBody, seal } from "./lib/seal.mjs";
import { startSite } from "./lib/site.mjs";

const RECORD = 4_096;
const STEP = RECORD - 17;
const LENGTH = 10 * STEP + 1_234;
const PLAIN = randomBytes(LENGTH);

let site;
before(async () => (site = await startSite("report", { wrap: BUCKET })));
after(() => site?.stop());

/** Seals, uploads, consents: answers a function that asks for the report. */
async function opened(plaintext, options = {}) {
  const letter = await site.put(plaintext, options);
  const person = site.browser();
  await person.consent(letter.path);
  const report = (headers = {}, more = "") => person.get(`${letter.path}/report${more}`, headers);
  const head = (headers = {}) => person.send("HEAD", `${letter.path}/report`, { headers });
  return { letter, person, report, head };
}

const bucket = (method, key, body) => site.send(method, `/__bucket/${key}`, { body });

for (const endToEnd of [false, true]) {
  describe(endToEnd ? "ranges of an end-to-end body" : "ranges of the plaintext", () => {
    let it, bytes;
    before(async () => {
      it = await opened(PLAIN, { endToEnd, recordSize: RECORD });
      bytes = endToEnd ? it.letter.objects.body : PLAIN;
    });

    test("the whole, with an honest length and a strong entity tag", async () => {
      const answer = await it.report();
      assert.equal(answer.status, 200);
      assert.equal(Number(answer.headers["content-length"]), bytes.length);
      assert.ok(answer.whole && answer.body.equals(bytes));
      assert.match(answer.headers.etag, /^"[^"]+"$/);
      assert.equal(answer.headers["accept-ranges"], "bytes");
      assert.equal(answer.headers["content-range"], undefined);
      assert.equal((await it.report()).headers.etag, answer.headers.etag);
    });

    test("HEAD says the same and sends nothing; Range means nothing to it (RFC 9110, section 14.2)", async () => {
      const get = await it.report();
      for (const headers of [{}, { range: "bytes=0-9" }, { range: "bytes=99999999-" }]) {
        const head = await it.head(headers);
        assert.equal(head.status, 200);
        assert.equal(head.body.length, 0);
        const names = ["content-length", "content-type", "content-disposition", "etag", "accept-ranges", "content-security-policy"];
        for (const name of names) assert.equal(head.headers[name], get.headers[name], name);
      }
    });

    test("single ranges, each byte of them, record boundaries included", async () => {
      const n = bytes.length;
      const spans = [
        [0, 0], [0, 1], [n - 1, n - 1], [0, n - 1], [1, n - 2], [17, 40],
        ...[1, 2, 5, 10].flatMap((k) => [
          [k * STEP - 1, k * STEP - 1], [k * STEP, k * STEP], [k * STEP - 1, k * STEP], [k * STEP, (k + 1) * STEP - 1],
          [k * STEP - 3, Math.min(n - 1, (k + 2) * STEP + 3)], [k * RECORD + 20, k * RECORD + 21],
        ]),
      ].filter(([, to]) => to < n);
      for (const [from, to] of spans) {
        const answer = await it.report({ range: `bytes=${from}-${to}` });
        assert.equal(answer.status, 206, `${from}-${to}`);
        assert.equal(answer.headers["content-range"], `bytes ${from}-${to}/${n}`);
        assert.equal(Number(answer.headers["content-length"]), to - from + 1);
        assert.ok(answer.whole && answer.body.equals(bytes.subarray(from, to + 1)), `${from}-${to}`);
      }
      for (const [range, from] of [[`bytes=${n - 5}-`, n - 5], ["bytes=-1", n - 1], ["bytes=-5000", n - 5_000], ["bytes=-999999999", 0], [`bytes=7-${n + 100}`, 7], ["BYTES=3-", 3], ["bytes=,, 3- ,", 3]]) {
        const answer = await it.report({ range });
        assert.equal(answer.status, 206, range);
        assert.ok(answer.body.equals(bytes.subarray(from)), range);
      }
    });

    test("numbers no computer holds are clamped or unsatisfiable, never a crash", async () => {
      const n = bytes.length;
      const huge = ["9007199254740991", "9007199254740993", "18446744073709551615", "18446744073709551616", "9".repeat(401)];
      for (const big of huge) {
        for (const [range, status] of [[`bytes=${big}-`, 416], [`bytes=${big}-${big}`, 416], [`bytes=0-${big}`, 206], [`bytes=-${big}`, 206]]) {
          const answer = await it.report({ range });
          assert.equal(answer.status, status, range.slice(0, 40));
          if (status === 206) assert.ok(answer.body.equals(bytes));
        }
      }
      const beyond = await it.report({ range: `bytes=${n}-` });
      assert.deepEqual([beyond.status, beyond.headers["content-range"], beyond.body.length], [416, `bytes */${n}`, 0]);
      assert.equal((await it.report({ range: "bytes=-0" })).status, 416);
      assert.equal((await it.report()).status, 200, "and it still serves");
    });

    test("what is not one well-formed range is ignored", async () => {
      for (const range of ["bytes=0-1,3-4", "bytes=0-0, -1", "bytes=", "bytes", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=1e400-", "bytes=0x10-", "bytes=+1-2", "bytes=1 - 2", "lines=0-1", "bytes:0-1", "=0-1", `bytes=${"0-0,".repeat(2_000)}`]) {
        const answer = await it.report({ range });
        assert.equal(answer.status, 200, range.slice(0, 30));
        assert.equal(answer.body.length, bytes.length);
      }
    });

    test("If-Range: only the very tag makes the range hold", async () => {
      const { etag } = (await it.report()).headers;
      const range = "bytes=1-3";
      assert.equal((await it.report({ range, "if-range": etag })).status, 206);
      for (const other of [`W/${etag}`, etag.replaceAll('"', ""), '"x"', "Wed, 21 Oct 2026 07:28:00 GMT", `${etag}, ${etag}`, '""', "*", "\"".repeat(900)]) {
        const answer = await it.report({ range, "if-range": other });
        assert.equal(answer.status, 200, other.slice(0, 30));
        assert.equal(answer.body.length, bytes.length);
      }
    });

    test("a resumed download adds up to the same file", async () => {
      const parts = [];
      let etag;
      for (let at = 0; at < bytes.length; at += 9_999) {
        const answer = await it.report({ range: `bytes=${at}-${at + 9_998}`, ...(etag && { "if-range": etag }) });
        assert.equal(answer.status, 206);
        etag ??= answer.headers.etag;
        parts.push(answer.body);
      }
      assert.ok(Buffer.concat(parts).equals(bytes));
    });

    test("lengths around the borders of records", async () => {
      for (const length of [0, 1, STEP - 1, STEP, STEP + 1, 2 * STEP]) {
        const one = await opened(PLAIN.subarray(0, length), { endToEnd, recordSize: RECORD });
        const answer = await one.report();
        const size = endToEnd ? one.letter.objects.body.length : length;
        assert.deepEqual([answer.status, answer.body.length], [200, size], String(length));
        assert.equal(Number(answer.headers["content-length"] ?? 0), size);
        const plain = endToEnd ? openBody(one.letter.ikm, answer.body) : answer.body;
        assert.ok(plain.equals(PLAIN.subarray(0, length)));
        if (!endToEnd && length === 0) {
          assert.equal((await one.report({ range: "bytes=0-0" })).status, 416);
          assert.equal((await one.report({ range: "bytes=-1" })).status, 200);
        }
      }
    });
  });
}

test("no proxy may compress a report: its length and tag stay true", async () => {
  for (const media_type of ["application/pdf", "text/plain"]) {
    const it = await opened(Buffer.from("words ".repeat(100)), { about: { media_type } });
    for (const answer of [await it.report(), await it.head(), await it.report({ range: "bytes=0-1" })]) {
      assert.equal(answer.headers["cache-control"], "no-store, no-transform");
    }
  }
});

describe("tampered objects", () => {
  const flipAt = (offset) => (bytes) => {
    bytes[offset] ^= 1;
    return bytes;
  };
  const closedPage = (answer, status) => {
    assert.equal(answer.status, status);
    assert.match(answer.headers["content-type"], /^text\/html/);
    assert.match(answer.body.toString(), /service@garage-vermeer\.example/);
    assert.equal(answer.headers.etag, undefined);
  };
  const noPlaintext = (body) => {
    for (let at = 0; at + 16 <= PLAIN.length; at += 16) assert.ok(!body.includes(PLAIN.subarray(at, at + 16)), `plaintext from ${at}`);
  };

  test("a flipped salt, record size, first record or its tag: a page in words and no plaintext", async () => {
    for (const offset of [0, 15, 17, 20, 21, 21 + 2_000, 21 + RECORD - 1]) {
      const it = await opened(PLAIN, { recordSize: RECORD, body: flipAt(offset) });
      const answer = await it.report();
      closedPage(answer, 410);
      noPlaintext(answer.body);
      await site.logged(new RegExp(`"event":"letter_damaged","letter":"${it.letter.letter}","level":"error"`));
    }
  });

  for (const offset of [0, 2_000, RECORD - 1]) {
    test(`record 3 flipped at ${offset}: the connection breaks and not one byte of it or of what follows arrives`, async () => {
      const it = await opened(PLAIN, { recordSize: RECORD, body: flipAt(21 + 3 * RECORD + offset) });
      const answer = await it.report();
      assert.equal(answer.status, 200);
      assert.equal(answer.whole, false, "the transfer failed, and the client can tell");
      assert.ok(answer.body.length <= 3 * STEP, `${answer.body.length} bytes`);
      assert.ok(answer.body.equals(PLAIN.subarray(0, answer.body.length)));
      // A range that begins in the bad record gets the page; one that avoids it is right.
      const inside = await it.report({ range: `bytes=${3 * STEP + 5}-${3 * STEP + 9}` });
      closedPage(inside, 410);
      noPlaintext(inside.body);
      const behind = await it.report({ range: `bytes=${4 * STEP}-` });
      assert.ok(behind.whole && behind.body.equals(PLAIN.subarray(4 * STEP)));
    });
  }

  test("records swapped, doubled, or the last one taken for a middle one", async () => {
    const record = (bytes, n) => bytes.subarray(21 + n * RECORD, 21 + (n + 1) * RECORD);
    const swapped = await opened(PLAIN, {
      recordSize: RECORD,
      body: (bytes) => Buffer.concat([bytes.subarray(0, 21), record(bytes, 1), record(bytes, 0), bytes.subarray(21 + 2 * RECORD)]),
    });
    closedPage(await swapped.report(), 410);
    const doubled = await opened(PLAIN, {
      recordSize: RECORD,
      body: (bytes) => Buffer.concat([bytes.subarray(0, 21 + 2 * RECORD), record(bytes, 1), bytes.subarray(21 + 3 * RECORD)]),
    });
    const answer = await doubled.report();
    assert.ok(!answer.whole && answer.body.length <= 2 * STEP);
    // Sealed as shorter: its last record stands where the manifest has a middle one.
    const short = seal(site.keyring, PLAIN.subarray(0, STEP), { recordSize: RECORD });
    const long = seal(site.keyring, PLAIN.subarray(0, STEP + 1), { recordSize: RECORD, about: { letter: short.letter } });
    const mixed = Buffer.concat([short.objects.body, long.objects.body.subarray(21 + RECORD)]);
    await site.api("PUT", `${long.letter}/body`, { body: mixed });
    assert.equal((await site.api("PUT", `${long.letter}/manifest`, { body: long.objects.manifest })).status, 201);
    const person = site.browser();
    await person.consent(long.path);
    closedPage(await person.get(`${long.path}/report`), 410);
  });

  test("a body cut short, made longer, emptied or deleted after it was sealed", async () => {
    for (const endToEnd of [false, true]) {
      const changes = [(body) => body.subarray(0, -1), (body) => Buffer.concat([body, Buffer.alloc(1)]), (body) => body.subarray(0, 21 + RECORD), () => Buffer.alloc(0), undefined];
      for (const change of changes) {
        const it = await opened(PLAIN, { endToEnd, recordSize: RECORD });
        const key = `letters/${it.letter.letter}/body`;
        const done = change ? await bucket("PUT", key, change(it.letter.objects.body)) : await bucket("DELETE", key);
        assert.equal(done.status, 200);
        for (const headers of [{}, { range: "bytes=0-9" }]) {
          const answer = await it.report(headers);
          closedPage(answer, 410);
          noPlaintext(answer.body);
        }
        assert.notEqual((await it.head()).status, 200);
      }
    }
  });

  test("before anyone opened it: the manifest of another letter, garbage, or a body that does not fit", async () => {
    const whole = await site.put(PLAIN, { recordSize: RECORD });
    const foreign = seal(site.keyring, PLAIN, { recordSize: RECORD });
    const cases = {
      "another letter's manifest": { manifest: whole.objects.manifest },
      garbage: { manifest: randomBytes(200) },
      empty: { manifest: Buffer.alloc(0) },
      "too large": { manifest: Buffer.alloc(65_537, 1) },
      "no body": { body: undefined },
      "a shorter body": { body: foreign.objects.body.subarray(0, -1) },
    };
    for (const [what, change] of Object.entries(cases)) {
      const letter = seal(site.keyring, PLAIN, { recordSize: RECORD });
      site.remember(letter.token);
      const objects = { ...letter.objects, ...change };
      for (const [name, bytes] of Object.entries(objects)) if (bytes) await bucket("PUT", `letters/${letter.letter}/${name}`, bytes);
      const page = await site.get(letter.path);
      closedPage(page, 410);
      assert.ok(!page.body.includes(letter.manifest.subject), what);
      assert.equal((await site.get(`${letter.path}/report`)).status, 403, what);
      const api = await site.api("GET", letter.letter);
      // Each code has one status, wherever it is answered.
      assert.equal(api.status, what === "too large" ? 413 : 422, what);
      // Mended in the bucket it opens: nothing was written down about the damage.
      for (const [name, bytes] of Object.entries(letter.objects)) await bucket("PUT", `letters/${letter.letter}/${name}`, bytes);
      assert.equal((await site.get(letter.path)).status, 200, what);
    }
  });

  test("a manifest changed after the first look changes nothing: the ledger keeps its own", async () => {
    const it = await opened(PLAIN, { recordSize: RECORD });
    const other = seal(site.keyring, PLAIN, { recordSize: RECORD, about: { letter: it.letter.letter, file_name: "evil.html", media_type: "text/html" } });
    await bucket("PUT", `letters/${it.letter.letter}/manifest`, other.objects.manifest);
    const answer = await it.report();
    assert.match(answer.headers["content-disposition"], /inspection\.pdf/);
  });
});

describe("names and types", () => {
  const NAMES = [
    'a"b.pdf', "a\\b.pdf", "../../etc/passwd", "C:\\autoexec.bat", "con", "x.pdf\u202efdp.exe", "naïve résumé — 報告.pdf", "a;b=c.pdf", "%2e%2e%2f.pdf",
    "😀.pdf", ".htaccess", " ", "...", "a\tb.pdf", "report.pdf.html", "é".repeat(127),
  ];

  test("hostile file names stay inside their header", async () => {
    for (const file_name of NAMES) {
      const it = await opened(Buffer.from("x"), { about: { file_name } });
      for (const [more, kind] of [["", "inline"], ["?download=1", "attachment"]]) {
        const answer = await it.report({}, more);
        const value = answer.headers["content-disposition"];
        assert.match(value, new RegExp(`^${kind}; filename="[\\x20-\\x7e]*"(; filename\\*=UTF-8''[A-Za-z0-9!#$&+.^_\`|~%-]+)?$`), JSON.stringify(file_name));
        const name = /filename="((?:[^"\\]|\\.)*)"/.exec(value)[1];
        assert.ok(!/[/\\:\u0000-\u001f"]/.test(name), `${JSON.stringify(file_name)} became ${name}`);
      }
    }
  });

  test("only types without script are shown; everything else is a sandboxed download", async () => {
    // Shown under this type, or only downloaded. Neither case nor the parameters of other types matter.
    const types = {
      "application/pdf": "application/pdf", "Application/PDF; version=1.7": "application/pdf", "IMAGE/PNG": "image/png", "image/jpeg": "image/jpeg",
      "text/plain": "text/plain; charset=utf-8", "TEXT/PLAIN; Charset=\"utf-8\"": "text/plain; charset=utf-8",
      "text/plain; charset=utf-16": "text/plain; charset=utf-16", "text/plain;format=flowed;charset=Windows-1252": "text/plain; charset=windows-1252",
      "text/plain; charset=unknown-8bit": false, "text/plain; charset=utf-7": false,
      "text/html": false, "image/svg+xml": false, "application/xhtml+xml": false, "text/xml": false, "application/javascript": false,
      "text/html; charset=utf-7": false, "TEXT/HTML": false, "application/x-shockwave-flash": false, "multipart/form-data": false,
    };
    for (const [media_type, shown] of Object.entries(types)) {
      const it = await opened(Buffer.from("<script>alert(1)</script>"), { about: { media_type, file_name: "a.html" } });
      for (const [more, inline] of [["", shown !== false], ["?download=1", false]]) {
        const { headers } = await it.report({}, more);
        assert.equal(headers["content-disposition"].startsWith("inline"), inline, media_type);
        assert.equal(headers["x-content-type-options"], "nosniff");
        if (!inline) assert.equal(headers["content-type"], "application/octet-stream", media_type);
        else assert.equal(headers["content-type"], shown);
        if (!/pdf/i.test(media_type)) assert.match(headers["content-security-policy"], /(^|; )sandbox(;|$)/);
        assert.match(headers["content-security-policy"], /frame-ancestors 'none'/);
        assert.ok(!headers["content-security-policy"].includes("unsafe"));
      }
    }
    const sealed = await opened(Buffer.from("x"), { endToEnd: true, about: { media_type: "text/html", file_name: "a.html" } });
    const { headers } = await sealed.report();
    assert.deepEqual([headers["content-type"], headers["content-disposition"]], ["application/octet-stream", 'attachment; filename="letter.sealed"']);
  });
});

test("a reader who leaves ends the stream: nothing goes on decrypting for nobody", async () => {
  const it = await opened(randomBytes(20_000_000));
  const leave = () =>
    new Promise((resolve, reject) => {
      const socket = connect(site.port, "127.0.0.1");
      socket.write(`GET ${it.letter.path}/report HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${it.person.cookie()}\r\n\r\n`);
      socket.once("data", () => resolve(socket.destroy()));
      socket.once("error", reject);
    });
  for (let n = 0; n < 20; n++) await leave();
  const line = new RegExp(`"client_gone".*"letter":"${it.letter.letter}"`, "g");
  await site.logged({ test: (log) => (log.match(line) ?? []).length === 20 });
});
