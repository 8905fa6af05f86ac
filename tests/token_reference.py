"""A second implementation of docs/TOKEN.md, written from that page alone and kept as plain as it is.

Classifies every case of tests/vectors/token.json and exits 1 if one differs. It is not constant time: it is here
to show that the specification is complete, not to be copied.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import re
import sys
import uuid

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
ANYWHERE = set(WHITE_SPACE + "=-\u2010\u2011\u00ad\ufeff")
for first, last in [(0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x2064), (0x2066, 0x2069)]:
    ANYWHERE |= {chr(code) for code in range(first, last + 1)}
AROUND = ".,;:!?()<>[]{}'\"`*_~|\u2039\u203a\u00ab\u00bb\u2026" + "".join(map(chr, range(0x2018, 0x2020)))


class Damaged(Exception):
    pass


def read(text):
    """The 41 bytes of a token whose check holds."""
    if len(text) != 66 or any(c not in ALPHABET for c in text):
        raise Damaged
    number = 0
    for c in text:
        number = number << 5 | ALPHABET.index(c)
    if number & 3:
        raise Damaged
    raw = (number >> 2).to_bytes(41, "big")
    if hashlib.sha256(raw[:38]).digest()[:3] != raw[38:]:
        raise Damaged
    return raw


def gather(text, length):
    text = "".join(c for c in text if c not in ANYWHERE).strip(AROUND)
    if not text.isascii():
        raise Damaged
    text = text.lower().translate(str.maketrans("oil", "011"))
    if len(text) != length or any(c not in ALPHABET for c in text):
        raise Damaged
    return text


def repair(segment):
    collapsed = re.sub(r"%(25)+(?=[0-9a-fA-F]{2})", "%", segment)
    if re.search(r"%(?![0-9a-fA-F]{2})", collapsed):
        raise Damaged
    escape = re.compile(rb"%([0-9a-fA-F]{2})")
    raw = escape.sub(lambda match: bytes.fromhex(match[1].decode()), collapsed.encode())
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Damaged from None
    path, mark, after = text.partition("#")
    token = gather(path, 66)
    try:
        fragment = gather(after, 26) if mark else None
    except Damaged:
        fragment = None
    return token, fragment


def classify(segment, keyring, now):
    if len(segment.encode()) > 512:
        return {"class": "damaged"}
    mended = None
    try:
        try:
            raw = read(segment)
        except Damaged:
            mended = repair(segment)
            raw = read(mended[0])
    except Damaged:
        return {"class": "damaged"}
    keys = {key["id"]: key for key in keyring["keys"]}
    key = keys.get(raw[1])
    if raw[0] != 1 or key is None:
        return {"class": "forged"}
    prk = hmac.digest(bytes(32), base64.b64decode(key["secret"]), "sha256")
    token_key = hmac.digest(prk, b"waxseal/v1/token" + b"\x01", "sha256")
    if hmac.digest(token_key, raw[:22], "sha256")[:16] != raw[22:38]:
        return {"class": "forged"}
    if key.get("not_after") is not None and now >= key["not_after"]:
        return {"class": "forged"}
    not_after = int.from_bytes(raw[18:22], "big")
    found = {"kid": raw[1], "letter": str(uuid.UUID(bytes=raw[2:18])), "not_after": not_after}
    if now >= not_after:
        return {"class": "closed", **found}
    if mended is None:
        return {"class": "valid", **found}
    token, fragment = mended
    return {"class": "repairable", **found, "clean": token} | ({"fragment": fragment} if fragment else {})


def main():
    path = pathlib.Path(__file__).parent / "vectors" / "token.json"
    vectors = json.loads(path.read_text(encoding="utf-8"))
    wrong = 0
    for case in vectors["classify"]:
        given = ("name", "keyring", "now", "segment", "reason", "repairs")
        expected = {field: value for field, value in case.items() if field not in given}
        found = classify(case["segment"], vectors["keyrings"][case["keyring"]], case["now"])
        if found != expected:
            wrong += 1
            print(f"{case['name']}: expected {expected}, found {found}", file=sys.stderr)
    print(f"{len(vectors['classify'])} cases, {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
