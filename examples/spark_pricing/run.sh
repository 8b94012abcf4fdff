#!/usr/bin/env bash
# Create, push, pull, close: trades are pushed in parts while the prices of earlier ones are pulled and acknowledged. Fails
# unless the sum of the prices is what a calculation outside of the service says. See examples/spark_pricing/README.md.
set -euo pipefail
export LC_ALL=C

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)

SERVICE=pricing/bond
RATE=0.03
TRADES=5000
PART=1000
CHUNK_SIZE=100
CHUNKS=$((TRADES / CHUNK_SIZE))
# Results of one pull; fewer than a part has, so that pulling lags behind.
MAX_CHUNKS=7

# shellcheck source=tools/demo_server.sh
source "$ROOT/tools/demo_server.sh"

# make_trades: always the same ones; the numbers are those of Park and Miller's generator.
make_trades() {
  awk -v trades="$TRADES" '
    function draw(below) { seed = seed * 16807 % 2147483647; return seed % below }
    BEGIN {
      seed = 7
      split("AAA AA A BBB", ratings, " ")
      for (number = 1; number <= trades; number++) {
        face = 1000 * (1 + draw(100)); coupon = draw(80) / 1000; years = 1 + draw(30); rating = ratings[1 + draw(4)]
        printf "{\"id\":\"T-%04d\",\"face\":%d,\"coupon\":%.3f,\"years\":%d,\"rating\":\"%s\"}\n",
          number, face, coupon, years, rating
      }
    }'
}

# push_part FILE: chunks named by the file, so that the same call again adds nothing. Prints what came of it.
push_part() {
  millrace pipelines push "$PIPELINE" --input "$1" --format jsonl --chunk-size "$CHUNK_SIZE" \
    --chunk-prefix "$(basename "$1")" --summary SUM:price --summary COUNT:price --summary MIN:price --summary MAX:price \
    --summary MEAN:price -o json
}

# pull_some: waits for a result, prints and acknowledges what is there; PULLED counts chunks.
PULLED=0
pull_some() {
  millrace pipelines pull "$PIPELINE" --max-chunks "$MAX_CHUNKS" --wait 30s --ack -o json >"$FOLDER/pull.json" \
    2>>"$FOLDER/pull.log" || die "the pull failed"
  cat "$FOLDER/pull.json" >>"$FOLDER/results.json"
  local chunks
  chunks=$(grep -c '"chunkId"' "$FOLDER/pull.json") || die "no result came within half a minute"
  PULLED=$((PULLED + chunks))
}

# status_value NAME
status_value() {
  millrace pipelines status "$PIPELINE" -o json >"$FOLDER/status.json" 2>>"$FOLDER/pull.log" || die "no status"
  json_value "$1" "$FOLDER/status.json"
}

# status_line: what the loop of the Spark document prints.
status_line() {
  status_value recordsSubmitted >/dev/null
  printf '       %9s submitted %9s completed %9s to pull %9s pulled\n' \
    "$(with_commas "$(json_value recordsSubmitted "$FOLDER/status.json")")" \
    "$(with_commas "$(json_value recordsCompleted "$FOLDER/status.json")")" \
    "$(with_commas "$(json_value recordsAvailable "$FOLDER/status.json")")" \
    "$(with_commas $((PULLED * CHUNK_SIZE)))"
}

require_programs

echo "Pricing: $(with_commas $TRADES) bonds, pushed in parts while prices are pulled."
make_trades >"$FOLDER/trades.jsonl"
split -l "$PART" -d "$FOLDER/trades.jsonl" "$FOLDER/part-"
start_server 0
millrace services create "$HERE/bond-price.yaml" >"$FOLDER/create.log" 2>&1 || die "the service was refused"
step "millraced serves on port $PORT; service $SERVICE is registered"

millrace pipelines create "$SERVICE" --param rate="$RATE" -o json >"$FOLDER/create.json" 2>>"$FOLDER/create.log" ||
  die "the pipeline was refused"
PIPELINE=$(json_value id "$FOLDER/create.json")
step "pipeline $PIPELINE is created on $(json_value serviceUri "$FOLDER/create.json"), rate $RATE"

step "the loop: push a part, pull and acknowledge what is there"
for part in "$FOLDER"/part-??; do
  push_part "$part" >"$FOLDER/push.json" 2>>"$FOLDER/push.log" || die "a push was refused"
  pull_some
  status_line
done

# As a client does that has not heard the answer: the server knows these chunks.
push_part "$part" >"$FOLDER/again.json" 2>>"$FOLDER/push.log" || die "the repeated push was refused"
AGAIN=$(json_value duplicateChunks "$FOLDER/again.json")
step "the last part is pushed once more: its $AGAIN chunks are known, nothing is added"

millrace pipelines close "$PIPELINE" >"$FOLDER/close.log" 2>&1 || die "the pipeline was not closed"
step "the pipeline is closed; what is left is pulled"
while ((PULLED < CHUNKS)); do
  pull_some
  status_line
done

check "$HERE/check.py" "$FOLDER/trades.jsonl" "$FOLDER/results.json" "$RATE" >"$FOLDER/figures.tsv" ||
  die "the results cannot be checked"
compare_heading
compare "chunks pulled" "$CHUNKS" "$PULLED"
compare "chunks that were known already" "$((PART / CHUNK_SIZE))" "$AGAIN"
compare_file "$FOLDER/figures.tsv"
compare "state of the job" COMPLETED "$(status_value state | sed 's/^JOB_STATE_//')"
compare "bytes in the output buffer" 0 "$(status_value outputBufferUsedBytes)"
compare_verdict

stop_server
echo "The aggregates of the service are those of the calculation outside of it, to the cent."
