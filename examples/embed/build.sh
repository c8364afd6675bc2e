#!/bin/sh
# build.sh FILE [NETWORK] DIR makes everything of this folder, in DIR, from a trained network of examples/jets
# (FILE: a checkpoint, or a program with a run), and runs it. The last line, of JSON, says what came of it; null
# stands for what the machine has no tool for.
set -eu
[ $# -ge 2 ] || { echo "usage: build.sh FILE [NETWORK] DIR" >&2; exit 2; }
file=$1
network=
[ $# -eq 2 ] || network=$2
for out; do :; done
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
jets=$here/../jets/jets.h5
mkdir -p "$out"
have() { command -v "$1" >/dev/null 2>&1; }
compile() {
  netc compile "$file" ${network:+"$network"} --name jets "$@" 2>"$out/said" && return
  cat "$out/said" >&2
  exit 1
}
same() { if cmp -s "$1" "$2"; then echo true; else echo false; fi; }

# C and C++
compile --cpu native -o "$out/jets.o"
# shellcheck disable=SC2046 # a list of words
${CC:-cc} -std=c99 -O2 -Wall -Wextra -I "$out" "$here/latency.c" "$out/jets.o" \
  $(pkg-config --cflags --libs hdf5) -o "$out/latency"
${CC:-cc} -std=c99 -O2 -Wall -Wextra -I "$out" "$here/classify.c" "$out/jets.o" -o "$out/classify"
"$out/latency" "$jets" rows 1000 >"$out/rows"
"$out/classify" <"$out/rows" >"$out/classes"
lines=$(wc -l <"$out/classes")
cpp=null
if have "${CXX:-c++}"; then
  ${CXX:-c++} -std=c++11 -O2 -Wall -Wextra -I "$out" "$here/classify.cpp" "$out/jets.o" -o "$out/classify_cpp"
  "$out/classify_cpp" <"$out/rows" >"$out/classes_cpp"
  cpp=$(same "$out/classes" "$out/classes_cpp")
fi

# Python
python=null
compile -o "$out/jets.so"
if python3 -c 'import numpy' 2>/dev/null; then
  PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$here python3 - "$out" >"$out/classes_python" <<'END'
import sys, numpy, netc
net = netc.load(sys.argv[1] + "/jets.so")
print(*net.classify(numpy.loadtxt(sys.argv[1] + "/rows")), sep="\n")
END
  python=$(same "$out/classes" "$out/classes_python")
fi

# How long a call takes
"$out/latency" "$jets" 2 | tee "$out/latencies" >&2
median=$(tail -n 1 "$out/latencies" | awk '{ print $6 }')
accuracy=$(tail -n 1 "$out/latencies" | awk '{ print $13 }')
tested=$(netc test "$file" ${network:+"$network"} --json 2>"$out/said" |
  sed 's/.*"accuracy": *\([0-9.]*\).*/\1/')

# A Cortex-M4 with an FPU and floats; a Cortex-M0+ and integers, where only the rows are floats
rows_header() {
  awk 'NR <= 20 { gsub(" ", ", "); row[NR] = $0 }
    END { print "enum { ROWS = " (NR < 20 ? NR : 20) " };\nstatic const float rows[ROWS][JETS_INPUT_SIZE] = {"
      for (i = 1; i in row; i++) print "  {" row[i] "},"; print "};" }' "$out/rows"
}
cortex=null
if have arm-none-eabi-gcc; then
  cortex=
  head -n 20 "$out/classes" >"$out/classes_20"
  for build in m4f:c m4f:o m0plus:c; do
    cpu=${build%:*} form=${build#*:} dir=$out/${build%:*}_${build#*:}
    mkdir -p "$dir"
    rows_header >"$dir/rows.h"
    wanted=$out/classes_20
    case $build in
      m4f:c) compile -o "$dir/jets.c" ;;
      m4f:o) compile --target cortex_m --cpu m4f -o "$dir/jets.o" ;;
      m0plus:c)
        compile --quantize integer_only -o "$dir/jets.c"
        ${CC:-cc} -std=c99 -O1 -I "$dir" "$here/classify.c" "$dir/jets.c" -o "$dir/classify"
        head -n 20 "$out/rows" | "$dir/classify" >"$dir/classes"
        wanted=$dir/classes
        ;;
    esac
    make -s -B -f "$here/cortex_m/Makefile" CPU="$cpu" FROM="$dir" >"$dir/size"
    sizes=$(awk 'NR == 2 { print "\"flash\": " $1 + $2 ", \"ram\": " $2 + $3 }' "$dir/size")
    ran=null
    if have qemu-system-arm; then
      told() {
        make -s "$@" -f "$here/cortex_m/Makefile" CPU="$cpu" FROM="$dir" SEMIHOSTING=1 ELF="$dir/told.elf"
      }
      told -B >"$dir/told.size"
      told run >"$dir/printed" 2>&1 || :
      ran=$(same "$wanted" "$dir/printed")
    fi
    cortex="$cortex${cortex:+, }\"${cpu}_$form\": {$sizes, \"right\": $ran}"
  done
  cortex="{$cortex}"
fi

printf '{"classes": %s, "cpp": %s, "python": %s, ' "$lines" "$cpp" "$python"
printf '"median_ns": %s, "accuracy": %s, "tested": %s, ' "$median" "$accuracy" "$tested"
printf '"cortex_m": %s}\n' "$cortex"
