#!/bin/sh
# run.sh CASE.net, from the build folder: trains as PyTorch trained, and compares (README.md).
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
name=$(basename "$1" .net)
recorded=$here/recorded/$name.safetensors
network=$(sed -n 's/^network \([a-z_]*\)(.*/\1/p' "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# train NAME OPTION...: from the recorded initial weights, into $work/NAME, log in $work/NAME.jsonl
train() {
  run=$1
  program=$2
  shift 2
  ./netc train "$program" --load "$here/initial/$network.safetensors" --match name --out "$work/$run" --json "$@" \
    >"$work/$run.jsonl"
}

# On every kind of code that this machine can run.
cpus='native x86_64 scalar'
if grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo; then
  cpus="$cpus x86_64_v3"
fi
for cpu in $cpus; do
  echo "$cpu:"
  train "$cpu" "$1" --cpu "$cpu" --threads 1
  tests/training/compare "$recorded" "$work/$cpu/last.safetensors" "$work/$cpu.jsonl"
done

# The momentum of one step is the gradient: all of an epoch's steps leave the weights as they are, and momentum
# forgets all but the last.
if grep -qa 'float64\.gradient' "$recorded"; then
  train step "$1" --epochs 1 --set 'train.optimizer=sgd(learning_rate = 1e-30, momentum = 1e-30)'
  tests/training/compare "$recorded" "$work/step/last.safetensors"
fi
