#!/bin/sh
# The program in the README is real: it is in canonical form, and trains. From the build folder.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
sed -n '/^## /q; s/^    //p; /^$/p' "$top/README.md" >"$work/readme.net"
ln -s "$top/examples/jets/jets.h5" "$work/jets.h5"
grep -q '^network test_hhy' "$work/readme.net"
./netc check "$work/readme.net"
./netc train "$work/readme.net" --epochs 1 --out "$work/run"
test -s "$work/run/best.safetensors"
