#!/bin/sh
# From nothing to a trained network: installs what netc needs (Debian 12; as root, or with sudo), builds it
# in build/, then shows, trains and tests a network on the jets beside this file.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
sh "$top/tests/setup.sh" build
program=$top/examples/jets/jets.net

# Says what runs, then runs it; runs/ ends up in the build folder.
netc() {
  printf '\n$ netc' >&2
  printf ' %s' "$@" >&2
  printf '\n' >&2
  "$top/build/netc" "$@"
}

cd "$top/build"
netc show "$program" test_hhy --batch 8
netc train "$program" test_hhy --epochs 20
netc test "$program" test_hhy
printf '\nThe trained network is %s/runs/test_hhy/latest/best.safetensors.\n' "$top/build" >&2
