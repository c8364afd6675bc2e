#!/bin/sh
# examples.sh NETC EXPECTED... runs what the examples' README files promise. An `expected` file has commands, each
# beginning with `netc` or `sh`, and beneath each, indented, what must be true of the last JSON object that it prints: jq
# expressions. The commands run one after the other in a folder of their own, in which examples/ is the
# source's. A line for each command and each expectation: PASS or FAIL.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
netc=$1
shift
start=$PWD
case $netc in /*) ;; *) netc=$start/$netc ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$work/bin"
ln -s "$netc" "$work/bin/netc"
PATH=$work/bin:$PATH
failed=0

for expected; do
  case $expected in /*) ;; *) expected=$start/$expected ;; esac
  rm -rf "$work/run"
  mkdir "$work/run"
  cd "$work/run"
  ln -s "$top/examples" examples
  command=
  : >"$work/result"
  while IFS= read -r line; do
    case $line in
      '' | '#'*) ;;
      netc\ * | sh\ *)
        command=$line
        if sh -c "$command" >"$work/out" 2>"$work/err" </dev/null; then
          printf 'PASS: %s\n' "$command"
          tail -n 1 "$work/out" >"$work/result"
        else
          printf 'FAIL: %s: exit code %s\n' "$command" $?
          cat "$work/err"
          : >"$work/result"
          failed=1
        fi
        ;;
      ' '*)
        expression=${line#"${line%%[! ]*}"}
        if [ -s "$work/result" ] && jq -e "$expression" <"$work/result" >/dev/null 2>&1; then
          printf 'PASS: %s: %s\n' "$command" "$expression"
        else
          printf 'FAIL: %s: %s\n' "$command" "$expression"
          cut -c 1-2000 "$work/result"
          failed=1
        fi
        ;;
      *)
        printf 'FAIL: %s: neither a command nor indented: %s\n' "$expected" "$line"
        failed=1
        ;;
    esac
  done <"$expected"
done
exit $failed
