"""The other side of tests/it/seal/interop.rs: http-ece from PyPI. Any number of jobs of five arguments each:

python interop.py [seal|open KEY_HEX RECORD_SIZE IN OUT]...
"""

import sys

try:
    import http_ece
except ImportError:
    sys.exit("http-ece from PyPI is missing: pip install -r tests/interop/requirements.txt")

jobs = iter(sys.argv[1:])
for what, key_hex, record_size, source, target in zip(jobs, jobs, jobs, jobs, jobs):
    key = bytes.fromhex(key_hex)
    with open(source, "rb") as file:
        data = file.read()
    if what == "seal":
        data = http_ece.encrypt(data, key=key, rs=int(record_size), keyid="", version="aes128gcm")
    else:
        data = http_ece.decrypt(data, key=key, version="aes128gcm")
    with open(target, "wb") as file:
        file.write(data)
