#!/usr/bin/env bash
# Prints report.html to inspection-report.pdf with Chromium. The PDF is committed; run this after changing the source.
# The committed file was printed with the font Lato (Debian: fonts-lato, TrueType, so that it is embedded as text and not as drawings); without it the
# next font of the list is taken and the pages look a little different.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=../../scripts/lib/common.sh
. ../../scripts/lib/common.sh

chromium=$(find_chromium) || die "Printing needs Chromium. Install it, or put its path in the variable CHROMIUM."
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
"$chromium" --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
  --disable-component-update --disable-sync --user-data-dir="$profile" \
  --no-pdf-header-footer --print-to-pdf="$profile/report.pdf" "file://$PWD/report.html" 2>"$profile/log" \
  || { cat "$profile/log" >&2; die "Chromium could not print the report."; }
mv "$profile/report.pdf" inspection-report.pdf
say "examples/report/inspection-report.pdf: $(wc -c <inspection-report.pdf) bytes"
