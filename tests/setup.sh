#!/bin/sh
# setup.sh KIND... installs the packages of these kinds (packages.txt) where they are missing, and brings
# build/netc up to date. What apt-get, autoreconf, configure and make say goes to build/setup.log.
set -eu
umask 022
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
log=$top/build/setup.log

fail() {
  echo "netc: $*" >&2
  exit 1
}

say() {
  echo "netc: $*" >&2
}

# Runs a command quietly; its talk is shown if it fails.
quietly() {
  if ! "$@" >>"$log" 2>&1 </dev/null; then
    tail -n 40 "$log" >&2
    fail "'$*' failed; everything it said is in $log"
  fi
}

if [ -e "$top/config.status" ]; then
  fail "the source folder itself has been configured; run 'make distclean' in $top first"
fi
mkdir -p "$top/build"
: >"$log"

missing=
while read -r kind package; do
  case " $* " in
    *" $kind "*)
      case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
        *' installed') ;;
        *) missing="$missing $package" ;;
      esac
      ;;
  esac
done <"$top/tests/packages.txt"

if [ -n "$missing" ]; then
  command -v apt-get >/dev/null || fail "please install$missing (named as Debian 12 does)"
  sudo=
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "please run as root, or install$missing"
    sudo=sudo
  fi
  say "installing$missing"
  quietly $sudo env DEBIAN_FRONTEND=noninteractive apt-get update
  # shellcheck disable=SC2086 # a list of words
  quietly $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
fi

say "building in $top/build"
if [ ! -x "$top/configure" ]; then
  quietly autoreconf -fi "$top"
fi
cd "$top/build"
if [ ! -e Makefile ]; then
  quietly "$top/configure"
else
  # configure has not seen yet what was installed since it ran
  for kind; do
    if [ ! -e "setup.$kind" ]; then
      quietly ./config.status --recheck
      quietly ./config.status
      break
    fi
  done
fi
for kind; do
  : >"setup.$kind"
done
quietly make -j "$(nproc)"
