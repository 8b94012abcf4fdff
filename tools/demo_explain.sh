#!/usr/bin/env bash
# Why does my job not run? A throttled job is asked while it waits, and the server answers in one sentence with numbers.
# Fails unless the answer is about the throttle. `./tools/dev demo --explain` builds the programs and calls this.
set -euo pipefail
export LC_ALL=C

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

SERVICE=aviation/strike-severity
PIPELINE=slow
# A chunk starts a minute after the one before: the job still waits when it is asked, however slow the machine is.
CHUNK_SIZE=300
RATE=5

# shellcheck source=tools/demo_server.sh
source "$ROOT/tools/demo_server.sh"

# await_first_chunk: until the first chunk is committed, at most half a minute.
await_first_chunk() {
  local deadline=$((SECONDS + 30))
  while ((SECONDS < deadline)); do
    millrace pipelines status "$PIPELINE" -o json >"$FOLDER/status.json" 2>/dev/null || return 1
    [[ $(json_value chunksCompleted "$FOLDER/status.json") != 1 ]] || return 0
    sleep 0.02
  done
  return 1
}

require_programs
echo "Why does my job not run?"
start_server 0
step "millraced serves on port $PORT"

millrace services create "$ROOT/services/strike-severity.yaml" >"$FOLDER/create.log" 2>&1 ||
  die "the service was refused"
millrace pipelines create "$SERVICE" --id "$PIPELINE" --records-per-second "$RATE" >>"$FOLDER/create.log" 2>&1 ||
  die "the pipeline was refused"
step "pipeline $PIPELINE is created, throttled to $RATE records a second"

head -n $((3 * CHUNK_SIZE + 1)) "$ROOT/data/birdstrikes.csv" >"$FOLDER/some.csv"
millrace pipelines push "$PIPELINE" --input "$FOLDER/some.csv" --chunk-size "$CHUNK_SIZE" >"$FOLDER/push.log" 2>&1 ||
  die "the push was refused"
await_first_chunk || die "the first chunk was not committed in time"
step "three chunks are pushed, and the first one has run; millrace jobs explain $PIPELINE:"
echo

millrace jobs explain "$PIPELINE" | tee "$FOLDER/explanation.txt" | sed 's/^/     /'
echo

grep -q "waits with 2 chunks: it is throttled to $RATE records a second" "$FOLDER/explanation.txt" ||
  die "the sentence does not tell of the throttle"
grep -q 'THROTTLED' "$FOLDER/explanation.txt" || die "the reason is not THROTTLED"
echo "The sentence is made by the rules that decide which chunk starts next, so it cannot be wrong about them."
