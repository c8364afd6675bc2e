#!/bin/sh
# Installs what netc and its tests need (Debian 12; as root, or with sudo), builds netc in build/ and runs
# all tests. Arguments go to make: sh tests/run.sh TESTS=tests/unit/support
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
sh "$top/tests/setup.sh" build tests examples
exec make -C "$top/build" -j "$(nproc)" check "$@"
