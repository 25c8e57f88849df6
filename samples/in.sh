#!/usr/bin/env bash
# Prints the sample documents again: samples/*.html -> samples/*.pdf, and draws the sample pictures: samples/*.svg ->
# samples/*.png. Needs chromium, fonts-liberation2, qpdf and python3.
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

# Says in a PNG that it has 300 dots an inch: the chunk pHYs, after the header.
dots() {
    python3 - "$1" <<'END'
import struct, sys, zlib
name = sys.argv[1]
png = open(name, "rb").read()
body = b"pHYs" + struct.pack(">IIB", 11811, 11811, 1)
open(name, "wb").write(png[:33] + struct.pack(">I", 9) + body + struct.pack(">I", zlib.crc32(body)) + png[33:])
END
}

for drawing in *.svg; do
    png=${drawing%.svg}.png
    size=$(sed -n '1s/.* width="\([0-9]*\)" height="\([0-9]*\)".*/\1,\2/p' "$drawing")
    "$browser" --headless=new --no-sandbox --disable-gpu --user-data-dir="$profile" --hide-scrollbars \
        --default-background-color=00000000 --window-size="$size" --screenshot="$PWD/$png" \
        "file://$PWD/$drawing" 2>"$profile/log" ||
        { cat "$profile/log" >&2; exit 70; }
    dots "$png"
    printf '%s  %s bytes\n' "$png" "$(stat -c %s "$png")"
done
