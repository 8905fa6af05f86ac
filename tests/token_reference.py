"""A second implementation of docs/TOKEN.md, written from that page alone and kept as plain as it is.

Reads every case of tests/vectors/links.json and exits 1 if one differs. It is not constant time: it is here to show that
the specification is complete, not to be copied.
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
READINGS = ("nested", "once", "literal")


def escaped(text, at):
    digits = text[at : at + 2]
    return int(digits, 16) if re.fullmatch(rb"[0-9a-fA-F]{2}", digits) else None


def byte_at(text, at, reading):
    """The byte and where the next one stands."""
    if reading(at) != "literal" and text[at] == 0x25 and escaped(text, at + 1) is not None:
        at_digits = at + 1
        while reading(at) == "nested" and escaped(text, at_digits) == 0x25 and escaped(text, at_digits + 2) is not None:
            at_digits += 2
        return escaped(text, at_digits), at_digits + 2
    return text[at], at + 1


def symbol_at(text, at, reading):
    """The character of the alphabet or None, and where it goes on."""
    raw, ends, next_at = [], [], at
    while len(raw) < 3 and next_at < len(text):
        byte, next_at = byte_at(text, next_at, reading)
        raw.append(byte)
        ends.append(next_at)
    wide = bytes(raw).decode("utf-8", "replace")
    if len(wide) == 1 and len(raw) == 3 and 0xFF00 <= ord(wide) <= 0xFF7F:
        char, end = chr(ord(wide) - 0xFEE0), ends[2]
    else:
        char, end = chr(raw[0]), ends[0]
    char = char.lower().translate(str.maketrans("oil", "011")) if char.isascii() else ""
    return (char if char and char in ALPHABET else None), end


def collect(text, at, count, reading):
    found = ""
    while len(found) < count:
        if at >= len(text):
            return None
        char, at = symbol_at(text, at, reading)
        found += char or ""
    return found, at


def read(text):
    """The 41 bytes of a token whose check holds, or None."""
    number = 0
    for c in text:
        number = number << 5 | ALPHABET.index(c)
    raw = (number >> 2).to_bytes(41, "big")
    good = number & 3 == 0 and raw[0] == 1 and hashlib.sha256(raw[:38]).digest()[:3] == raw[38:]
    return raw if good else None


def candidates(text):
    def at(start, reading):
        if start < len(text) and symbol_at(text, start, reading)[0] is not None:
            found = collect(text, start, 66, reading)
            raw = found and read(found[0])
            if raw:
                yield raw, found[0], start, found[1]

    for usual in READINGS:
        for start in range(len(text)):
            # The same characters again are no other candidate.
            for found in at(start, lambda _, usual=usual: usual):
                if usual == "nested" or b"%" in text[start : found[3]]:
                    yield found
    for start in range(len(text)):
        if symbol_at(text, start, lambda _: "nested")[0] == "0":
            for place in range(start, len(text)):
                if text[place] == 0x25 and escaped(text, place + 1) is not None:
                    for other in ("once", "literal"):
                        yield from at(start, lambda p, place=place, other=other: other if p == place else "nested")


def mark(text, at):
    raw, after = b"", at
    for wanted in b"#", "\uff03".encode():
        raw, after = b"", at
        while len(raw) < len(wanted) and after < len(text):
            byte, after = byte_at(text, after, lambda _: "nested")
            raw += bytes([byte])
        if raw == wanted:
            break
    else:
        return None
    if not re.search(rb"(&|%26)(amp(;|%3[bB])){0,3}$", text[:at]):
        return after
    reference = re.match(rb"([0-9a-zA-Z]*)(;|%3[bB])", text[after:])
    if not reference:
        return after
    return after + reference.end() if reference[1].lower() in (b"35", b"x23") else None


def is_key(text):
    return ALPHABET.index(text[-1]) & 3 == 0


def whole_key(text, at, reading):
    """26 characters with nothing between them and none behind."""
    found = ""
    while at < len(text) and len(found) <= 26:
        char, at = symbol_at(text, at, reading)
        if char is None:
            break
        found += char
    return found if len(found) == 26 and is_key(found) else None


def broken_key(text, at, reading):
    """26 characters with anything between them but what ends a parameter or a reference."""
    found = ""
    while len(found) < 26:
        if at >= len(text) or byte_at(text, at, lambda _: "nested")[0] in b"&;":
            return None
        char, at = symbol_at(text, at, reading)
        found += char or ""
    return found if is_key(found) else None


def key_behind(text, start, find):
    marks = [after for after in (mark(text, at) for at in range(start, len(text))) if after is not None]
    for after in marks[:16]:
        for usual in READINGS:
            found = find(text[: after + 512], after, lambda _, usual=usual: usual)
            if found:
                return found
    return None


def holds(raw, keyring, now):
    key = {key["id"]: key for key in keyring["keys"]}.get(raw[1])
    if key is None:
        return False
    prk = hmac.digest(bytes(32), base64.b64decode(key["secret"]), "sha256")
    token_key = hmac.digest(prk, b"waxseal/v1/token" + b"\x01", "sha256")
    tag = hmac.digest(token_key, raw[:22], "sha256")[:16]
    return tag == raw[22:38] and (key.get("not_after") is None or now < key["not_after"])


def classify(texts, keyring, now, pasted):
    tried = 0
    for number, text in enumerate(texts):
        for raw, spelled, start, end in candidates(text):
            if tried == 8:
                break
            tried += 1
            if not holds(raw, keyring, now):
                continue
            not_after = int.from_bytes(raw[18:22], "big")
            found = {"kid": raw[1], "letter": str(uuid.UUID(bytes=raw[2:18])), "not_after": not_after}
            rest = b"".join(texts[number + 1 :])
            key = key_behind(text, end, whole_key) or key_behind(rest, 0, whole_key) or key_behind(text, end, broken_key)
            plain = re.fullmatch(rb"/?" + spelled.encode() + rb"(/.*)?", text, re.DOTALL)
            clean = plain and number == 0 and key is None and not pasted
            if not clean:
                found |= {"clean": spelled} | ({"key": key} if key else {})
            return found | {"class": "closed" if now >= not_after else "valid" if clean else "repairable"}
    return {"class": "forged" if tried else "damaged"}


def main():
    path = pathlib.Path(__file__).parent / "vectors" / "links.json"
    vectors = json.loads(path.read_text(encoding="utf-8"))
    wrong = 0
    for case in vectors["cases"]:
        given = ("name", "keyring", "now", "text", "pasted", "reason")
        expected = {field: value for field, value in case.items() if field not in given}
        pasted = case.get("pasted", False)
        path, mark, query = (case["text"], "", "") if pasted else case["text"].partition("?")
        texts = [part.encode() if pasted else part.encode()[:1024] for part in (path, mark + query)]
        found = classify(texts, vectors["keyrings"][case["keyring"]], case["now"], pasted)
        if found != expected:
            wrong += 1
            print(f"{case['name']}: expected {expected}, found {found}", file=sys.stderr)
    print(f"{len(vectors['cases'])} cases, {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
