# shellcheck shell=bash
# What every script shares: versions, places, and a few small functions. Sourced, never run.
# shellcheck disable=SC2034 # most of these are used by the scripts that source this file

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/waxseal

# The tools that are not in Cargo.lock or package-lock.json, each in its own folder of the cache.
CARGO_DENY_VERSION=0.20.2
S3S_FS_VERSION=0.14.1
NODE_AT_LEAST=22.12.0 # what wrangler asks for
RUST_AT_LEAST=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml")

CARGO_DENY=$CACHE/cargo-deny-$CARGO_DENY_VERSION/bin/cargo-deny
S3S_FS=$CACHE/s3s-fs-$S3S_FS_VERSION/bin/s3s-fs

# A CI machine may keep the cache but not the checkout.
if [ "${CI:-}" = true ]; then export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$CACHE/target}; fi
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
WAXSEAL=$TARGET/debug/waxseal
HOME_FOLDER=$ROOT/.waxseal # keys, stores and logs of this machine

say() { printf '%s\n' "$*"; }
die() {
  printf 'waxseal: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Makes .waxseal/, which nobody else on the machine may read: keys and links are in it.
private_home() { mkdir -p "$HOME_FOLDER" && chmod 700 "$HOME_FOLDER"; }

# at_least WANTED FOUND: whether the version FOUND is not older than WANTED.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

sha256() { if have sha256sum; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

# fingerprint PATH...: one hash over names and contents of all files below the paths; missing paths count as empty.
fingerprint() {
  (cd "$ROOT" && for path in "$@"; do if [ -e "$path" ]; then find "$path" -type f; fi; done | LC_ALL=C sort |
    while IFS= read -r file; do sha256 "$file"; done | sha256 | cut -d ' ' -f 1)
}

# A Python with the packages of tests/interop/requirements.txt; another for each list of them.
TEST_PYTHON=$CACHE/python-$(fingerprint tests/interop/requirements.txt | cut -c 1-16)/bin/python

# Puts a Node that is new enough first in PATH: the machine's, else the one that npm brought.
use_node() {
  if have node && at_least "$NODE_AT_LEAST" "$(node -p process.versions.node)"; then return; fi
  if [ -x "$ROOT/node_modules/node/bin/node" ]; then export PATH=$ROOT/node_modules/node/bin:$PATH; fi
}

# The program that writes the JavaScript around a module; another for each version of it.
use_build_tools() {
  use_node
  BINDGEN=$CACHE/bindgen-$(fingerprint scripts/bindgen | cut -c 1-16)/bin/waxseal-bindgen
  WASM_OPT=$ROOT/node_modules/.bin/wasm-opt
}

find_chromium() {
  local name mac="/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
  if [ -n "${CHROMIUM:-}" ]; then
    if [ -x "$CHROMIUM" ]; then printf '%s\n' "$CHROMIUM" && return; fi
    return 1
  fi
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if have "$name"; then command -v "$name" && return; fi
  done
  if [ -x "$mac" ]; then printf '%s\n' "$mac" && return; fi
  return 1
}

# The engine without the program around it: half the time of the browser tests, where it is installed.
find_chromium_shell() {
  if [ -n "${CHROMIUM_SHELL:-}" ]; then printf '%s\n' "$CHROMIUM_SHELL"; else command -v chromium-headless-shell; fi
}
