#!/usr/bin/env python3
"""Seal a report and upload it, without the program `waxseal`. Needs `pip install cryptography`, and mint.py beside this file: copy
both into your backend. docs/SEAL.md specifies every byte. Memory does not grow with the report.

As a library, with a key of the API that has the scope `create`:

    from seal import Upload, seal
    with open("report.pdf", "rb") as report:
        letter, path = seal(os.environ["WAXSEAL_KEYS"], report, Upload(site, api_key), not_after=1790000000,
                            file_name="report.pdf", media_type="application/pdf", subject="Your report")
    link = f"{site}/{path}"

From the command line it prints the link (NOT_AFTER in Unix seconds; 30 days from now if left out):

    WAXSEAL_KEYS='{"active":1,"keys":[...]}' WAXSEAL_API_KEY=wsk_... \\
      python3 seal.py [--end-to-end] FILE MEDIA_TYPE SUBJECT https://letters.example [NOT_AFTER]

With a folder in place of the site it writes the two objects there, for your own upload to the bucket, and prints the link's path.
"""

import hashlib
import hmac
import itertools
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from mint import Key, base32, mint, seconds

RECORD_SIZE = 65_536
PART = 8 * 1024 * 1024  # parts of an upload have one size, of 5 MiB at least


def seal(keyring_json, source, store, *, end_to_end=False, letter=None, **about):
    """Seals `source`, a binary file, into `store`; `about` holds the manifest's fields that are yours to say. Answers the letter's
    UUID and the path of its link. The key of an end-to-end letter is in that path only."""
    key = Key.active(keyring_json)
    letter = letter or uuid7()
    path = mint(key, letter, about["not_after"])  # refuses a wrong end before anything is sealed
    input_key = os.urandom(16) if end_to_end else hkdf(key.secret, letter.bytes, b"waxseal/v1/seal", 32)
    report = Counted(source)
    store.put(f"letters/{letter}/body", body(input_key, os.urandom(16), report))
    manifest = {
        "v": 1,
        "letter": str(letter),
        "format": "aes128gcm",
        "mode": "end-to-end" if end_to_end else "edge-opened",
        "record_size": RECORD_SIZE,
        "length": report.length,
        "sha256": report.sha256.hexdigest(),
        "issued_at": int(time.time()),
        **about,
    }
    if end_to_end:
        path += "#" + base32(input_key)
        manifest["key_check"] = hkdf(input_key, letter.bytes, b"waxseal/v1/key-check", 4).hex()
    # Last: a letter exists once its manifest does.
    store.put(f"letters/{letter}/manifest", [manifest_object(key, letter, os.urandom(12), manifest)])
    return letter, path


def body(input_key, salt, source, record_size=RECORD_SIZE):
    """RFC 8188 `aes128gcm` without padding or key id, a record at a time."""
    yield salt + record_size.to_bytes(4, "big") + b"\0"
    cipher = AESGCM(hkdf(input_key, salt, b"Content-Encoding: aes128gcm\0", 16))
    base = int.from_bytes(hkdf(input_key, salt, b"Content-Encoding: nonce\0", 12), "big")
    size = record_size - 17  # one delimiter byte and a tag of 16
    data = source.read(size)
    for number in itertools.count():
        following = source.read(size) if len(data) == size else b""
        yield cipher.encrypt((base ^ number).to_bytes(12, "big"), data + (b"\1" if following else b"\2"), None)
        if not following:
            return
        data = following


def manifest_object(key, letter, nonce, manifest):
    """The manifest, encrypted for the edge."""
    cipher = AESGCM(hkdf(key.secret, letter.bytes, b"waxseal/v1/manifest", 32))
    text = json.dumps(manifest, ensure_ascii=False, separators=(",", ":")).encode()
    return bytes([1, key.kid]) + nonce + cipher.encrypt(nonce, text, letter.bytes)


def hkdf(key, salt, info, length):
    """HKDF-SHA256 (RFC 5869); one block is enough for 32 bytes."""
    return hmac.digest(hmac.digest(salt, key, "sha256"), info + b"\1", "sha256")[:length]


def uuid7():
    """A version 7 UUID (RFC 9562): letters then lie in the bucket in the order of their days."""
    raw = bytearray(int(time.time() * 1000).to_bytes(6, "big") + os.urandom(10))
    raw[6], raw[8] = 0x70 | raw[6] & 0x0F, 0x80 | raw[8] & 0x3F
    return uuid.UUID(bytes=bytes(raw))


class Counted:
    """A file of which `read` answers all that was asked for until its end, with length and SHA-256 of what was read."""

    def __init__(self, source):
        self.source, self.length, self.sha256 = source, 0, hashlib.sha256()

    def read(self, size):
        data = b""
        while len(data) < size and (more := self.source.read(size - len(data))):
            data += more
        self.length += len(data)
        self.sha256.update(data)
        return data


class Folder:
    """Keeps the objects of a letter below a folder."""

    def __init__(self, path):
        self.path = Path(path)

    def put(self, name, chunks):
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "wb") as file:
            file.writelines(chunks)


class Upload:
    """Stores the objects of a letter through the API of a site: https://letters.example."""

    def __init__(self, site, api_key):
        url = urllib.parse.urlsplit(site)
        if url.scheme != "https" and url.hostname not in ("127.0.0.1", "localhost"):
            raise ValueError("the site's address begins with https://: a key must not travel in the clear")
        self.base, self.api_key = site.rstrip("/") + "/api/v1/", api_key

    def put(self, name, chunks):
        parts = in_parts(chunks)
        first, second = next(parts), next(parts, None)
        if second is None:
            return self.call("PUT", name, first)
        uploads = name.removesuffix("body") + "uploads"
        upload = f"{uploads}/{self.call('POST', uploads)['upload']}"
        try:
            etags = [self.call("PUT", f"{upload}/{number}", part)["etag"]
                     for number, part in enumerate(itertools.chain([first, second], parts), 1)]
            listed = [{"part": number, "etag": etag} for number, etag in enumerate(etags, 1)]
            return self.call("POST", f"{upload}/complete", json.dumps({"parts": listed}).encode())
        except BaseException:
            self.call("DELETE", upload)
            raise

    def call(self, method, path, data=None):
        request = urllib.request.Request(self.base + path, data, {"content-type": "application/octet-stream"}, method=method)
        # Wherever an answer leads to, the key does not go along.
        request.add_unredirected_header("Authorization", f"Bearer {self.api_key}")
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return json.load(answer) if answer.status != 204 else None
        except urllib.error.HTTPError as error:
            # Who shows no right key gets a page that says nothing.
            known = error.headers.get_content_type() == "application/problem+json"
            problem = json.load(error)["detail"] if known else "is this a site, and the key right?"
            raise RuntimeError(f"{method} {self.base}{path}: {error.code}: {problem}") from None


def in_parts(chunks):
    """The same bytes in pieces of PART bytes; the last may be shorter."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) > PART:
            yield bytes(held[:PART])
            del held[:PART]
    yield bytes(held)


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--end-to-end"]
    if len(words) not in (4, 5):
        sys.exit(__doc__)
    file, media_type, subject, target = words[:4]
    end = seconds(words[4]) if len(words) == 5 else int(time.time()) + 30 * 86400
    is_site = target.startswith(("https://", "http://"))
    store = Upload(target, os.environ["WAXSEAL_API_KEY"]) if is_site else Folder(target)
    with open(file, "rb") as report:
        letter, path = seal(os.environ["WAXSEAL_KEYS"], report, store, end_to_end="--end-to-end" in sys.argv, not_after=end,
                            file_name=Path(file).name, media_type=media_type, subject=subject)
    print(f"{target.rstrip('/')}/{path}" if is_site else path)
