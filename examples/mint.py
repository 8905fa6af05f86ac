#!/usr/bin/env python3
"""Mint Waxseal links. Standard library only: copy this file into your backend.

As a library:

    from mint import Key, link
    key = Key.active(os.environ["WAXSEAL_KEYS"])
    url = link(key, "https://letters.example", letter, not_after)

From the command line (NOT_AFTER in Unix seconds; 30 days from now if left out):

    WAXSEAL_KEYS='{"active":1,"keys":[...]}' python3 mint.py https://letters.example LETTER [NOT_AFTER]
"""

import base64
import hashlib
import hmac
import json
import os
import re
import sys
import time
import uuid

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
NOT_AFTER_RULE = "not_after must be a positive whole number of Unix seconds, at most 4294967295 (not milliseconds)"


class Key:
    """A site secret of 32 bytes and its number."""

    def __init__(self, kid: int, secret: bytes):
        if not 0 <= kid <= 255 or len(secret) != 32:
            raise ValueError("a key has an id from 0 to 255 and a secret of 32 bytes")
        self.kid = kid
        self.secret = secret
        # HKDF-SHA256 (RFC 5869) with an empty salt; one block is enough for 32 bytes.
        prk = hmac.digest(bytes(32), secret, "sha256")
        self.token_key = hmac.digest(prk, b"waxseal/v1/token\x01", "sha256")

    @classmethod
    def active(cls, keyring_json: str) -> "Key":
        # A byte order mark in front, which some editors and shells put there, does not count.
        keyring = json.loads(keyring_json.removeprefix("\ufeff"))
        for key in keyring["keys"]:
            if key["id"] == keyring["active"]:
                padded = key["secret"] + "=" * (-len(key["secret"]) % 4)
                return cls(key["id"], base64.b64decode(padded, validate=True))
        raise ValueError("the active key is not in the keyring")


def letter_id(text: str) -> uuid.UUID:
    """The letter's UUID. `uuid.UUID` alone takes braces, prefixes, signs and underscores as well."""
    digits = text.replace("-", "")
    if not re.fullmatch("[0-9A-Fa-f]{32}", digits):
        raise ValueError("the letter is not a UUID")
    return uuid.UUID(digits)


def seconds(text: str) -> int:
    """Unix seconds from text. `int` alone takes spaces, signs, underscores and the digits of every script as well."""
    if not re.fullmatch("[0-9]{1,10}", text):
        raise ValueError(NOT_AFTER_RULE)
    return int(text)


def mint(key: Key, letter: uuid.UUID, not_after: int) -> str:
    """The token that opens `letter` while the time is before `not_after` (Unix seconds)."""
    # A bool is an int to Python; a float would be cut.
    if type(not_after) is not int or not 1 <= not_after <= 0xFFFFFFFF:
        raise ValueError(NOT_AFTER_RULE)
    raw = bytes([1, key.kid]) + letter.bytes + not_after.to_bytes(4, "big")
    raw += hmac.digest(key.token_key, raw, "sha256")[:16]
    return base32(raw + hashlib.sha256(raw).digest()[:3])


def base32(raw: bytes) -> str:
    """Crockford's, in lower case and without padding."""
    spare = -8 * len(raw) % 5
    number = int.from_bytes(raw, "big") << spare
    return "".join(ALPHABET[number >> shift & 31] for shift in range(8 * len(raw) + spare - 5, -1, -5))


def link(key: Key, site: str, letter: uuid.UUID, not_after: int) -> str:
    return site.rstrip("/") + "/" + mint(key, letter, not_after)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    expires = seconds(sys.argv[3]) if len(sys.argv) == 4 else int(time.time()) + 30 * 86400
    print(link(Key.active(os.environ["WAXSEAL_KEYS"]), sys.argv[1], letter_id(sys.argv[2]), expires))
