#!/usr/bin/env bash
# The main job, end to end, on one machine: real records through a service, with the server killed by SIGKILL half-way
# and started again. Fails unless every record is accounted for. `./tools/dev demo` builds the programs and calls this.
set -euo pipefail
export LC_ALL=C

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

SERVICE=aviation/strike-severity
PIPELINE=demo
CHUNK_SIZE=300
CHUNKS=34
RATE=5000

# What data/birdstrikes.csv is known to give.
RESULTS=7150
EXCEPTIONS=2850
BLANK_SPEEDS=2836
UNKNOWN_DAMAGES=14
ENERGY_J=20060335.15

# shellcheck source=tools/demo_server.sh
source "$ROOT/tools/demo_server.sh"

chunks_committed() {
  millrace pipelines status "$PIPELINE" -o json >"$FOLDER/status.json" 2>/dev/null || return 1
  json_value chunksCompleted "$FOLDER/status.json"
}

# await_half: until half of the chunks are committed, at most a minute. Prints how many are.
await_half() {
  local deadline=$((SECONDS + 60)) committed
  while ((SECONDS < deadline)); do
    committed=$(chunks_committed) || committed=0
    if ((committed >= CHUNKS / 2)); then
      echo "$committed"
      return
    fi
    kill -0 "$RUN" 2>/dev/null || return 1
    sleep 0.02
  done
  return 1
}

# group_count CODE: how many exceptions the run has with this code.
group_count() {
  tr -d '\n' <"$FOLDER/summary.json" | grep -oE "\"code\": *\"$1\"[^}]*\"count\": *\"?[0-9]+" | grep -oE '[0-9]+$' || echo 0
}

require_programs

echo "The main job: 10,000 reports of wildlife strikes to aircraft, and how hard each one hit."
start_server 0
step "millraced serves on port $PORT, its data in $FOLDER/data"

millrace services create "$ROOT/services/strike-severity.yaml" >"$FOLDER/create.log" 2>&1 ||
  die "the service was refused"
step "service $SERVICE is registered (services/strike-severity.yaml)"

millrace run "$SERVICE" --input "$ROOT/data/birdstrikes.csv" --output "$FOLDER/energies.jsonl" \
  --rejects "$FOLDER/rejects.csv" --chunk-size "$CHUNK_SIZE" --summary SUM:energy_j --rate "$RATE" --id "$PIPELINE" \
  --allow-exceptions -o json >"$FOLDER/summary.json" 2>"$FOLDER/run.log" &
RUN=$!
step "millrace run pushes data/birdstrikes.csv in $CHUNKS chunks, $(with_commas $RATE) records a second"

COMMITTED=$(await_half) || die "half of the chunks were not committed in time"
kill -9 "$SERVER"
wait "$SERVER" 2>/dev/null || true
SERVER=''
step "$COMMITTED chunks are committed: kill -9 of the server"

start_server "$PORT"
step "millraced serves again, same folder, same port; the run has noticed nothing but a pause"

STATUS=0
wait "$RUN" || STATUS=$?
RUN=''
[[ $STATUS -eq 0 ]] || die "millrace run ended with exit code $STATUS"
COMMITTED=$(chunks_committed) || die "the pipeline cannot be asked"
step "the run is over: $(json_value state "$FOLDER/summary.json"), $(json_value outcome "$FOLDER/summary.json")"

compare_heading
compare "chunks committed" "$CHUNKS" "$COMMITTED"
compare "results" "$RESULTS" "$(json_value results "$FOLDER/summary.json")"
compare "results in energies.jsonl" "$RESULTS" "$(grep -c '"energy_j"' "$FOLDER/energies.jsonl")"
compare "exceptions" "$EXCEPTIONS" "$(json_value exceptions "$FOLDER/summary.json")"
compare "  INPUT_MISSING: no speed" "$BLANK_SPEEDS" "$(group_count INPUT_MISSING)"
compare "  UNKNOWN_DAMAGE" "$UNKNOWN_DAMAGES" "$(group_count UNKNOWN_DAMAGE)"
compare "rows in rejects.csv" "$EXCEPTIONS" "$(($(wc -l <"$FOLDER/rejects.csv") - 1))"
compare "total energy in J, by the service" "$ENERGY_J" \
  "$(json_value value "$FOLDER/summary.json" | awk '{ printf "%.2f", $1 }')"
compare "total energy in J, from the file" "$ENERGY_J" "$(awk -F '"energy_j":' \
  '{ split($2, value, /[,}]/); sum += value[1] } END { printf "%.2f", sum }' "$FOLDER/energies.jsonl")"
compare_verdict
echo "Killed half-way, and nothing was lost and nothing counted twice."
