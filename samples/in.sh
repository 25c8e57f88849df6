#!/usr/bin/env bash
# Prints the sample documents again: samples/*.html -> samples/*.pdf. Needs chromium, fonts-liberation2 and qpdf.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
    echo "in.sh: needs Chromium (apt-get install chromium)" >&2
    exit 69
}
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT

for page in *.html; do
    pdf=${page%.html}.pdf
    # The sandbox needs a person's account; these pages are our own and reach nothing.
    "$browser" --headless=new --no-sandbox --disable-gpu --user-data-dir="$profile" \
        --no-pdf-header-footer --print-to-pdf="$PWD/$pdf" "file://$PWD/$page" 2>"$profile/log" ||
        { cat "$profile/log" >&2; exit 70; }
    # The annex goes into object streams and a cross-reference stream, the others stay classic: both kinds are tried.
    if [ "$pdf" = phu-luc.pdf ]; then
        qpdf --object-streams=generate --min-version=1.5 --replace-input "$pdf"
    fi
    qpdf --check "$pdf" >"$profile/check" || { cat "$profile/check" >&2; exit 65; }
    printf '%s  %s bytes\n' "$pdf" "$(stat -c %s "$pdf")"
done
