#!/bin/sh
# same_bits.sh NETWORK EPOCHS: trains a network on the shipped jets again and again; whatever happens to a run, its
# files must in the end be those of one that was left alone. Says what differs.
set -u
network=$1 epochs=$2
program=$TOP/examples/jets/jets.net

train() {
  out=$1
  shift
  netc train "$program" "$network" --epochs "$epochs" --out "$out" "$@" >"$out.said" 2>&1
}

log() { jq -c 'del(.seconds, .samples_per_second)' "$1/log.jsonl"; }

# same NAME: NAME's files are those of the run left alone
same() {
  for f in best.safetensors last.safetensors; do
    cmp "alone/$f" "$1/$f" || echo "$1: $f differs"
  done
  log "$1" >"$1.log"
  cmp alone.log "$1.log" || echo "$1: log.jsonl differs"
  for f in "$1"/*; do
    case $f in */best.safetensors | */last.safetensors | */log.jsonl | */program.net) ;; *) echo "$f is left" ;; esac
  done
}

train alone --threads 1 || echo "exit code $?"
log alone >alone.log
train again --threads 1 && same again
train two --threads 2 && same two

# Interrupted so many seconds after it began to train, three times over, and taken up again each time.
saved=0
for signal in INT TERM KILL; do
  for pause in 0 0.1; do
    run=$signal.$pause rounds=0 resume=
    while :; do
      : >"$run.said" # what the last round said must not be taken for this one's
      # shellcheck disable=SC2086 # one word or none
      env --default-signal=INT netc train "$program" "$network" --epochs "$epochs" --threads 1 --out "$run" $resume \
        >"$run.said" 2>&1 &
      pid=$!
      if [ $rounds -lt 3 ]; then
        while kill -0 $pid 2>/dev/null && ! grep -q compiled "$run.said"; do sleep 0.01; done
        sleep $pause
        kill -$signal $pid 2>/dev/null
      fi
      wait $pid 2>/dev/null
      code=$?
      rounds=$((rounds + 1))
      grep -q 'interrupted and saved; go on with: netc train' "$run.said" && saved=$((saved + 1))
      [ -e "$run/last.safetensors" ] && resume=--resume
      # killed before the first checkpoint: what there is of a run is not one, and its place is free again
      [ -z "$resume" ] && rm -rf "$run"
      case $signal.$code in
        *.0) break ;;
        INT.130 | TERM.143)
          # or it was done, and the signal found it on its way out
          grep -qE 'interrupted and saved|interrupted before the first step|^best epoch' "$run.said" ||
            echo "$run: said nothing of the interruption"
          ;;
        KILL.137) ;;
        *) echo "$run: exit code $code" && cat "$run.said" && break ;;
      esac
    done
    same "$run"
  done
done
[ $saved -ge 4 ] || echo "only $saved runs were interrupted and saved"
