#!/usr/bin/env bash
# Cleaning data whose faults nobody knows beforehand: a sample first, then the whole; the code is mended while the job runs,
# what failed is run again, and the rest resolved by hand. Fails unless every record has a result in the end.
# `./tools/dev demo --triage` builds the programs and calls this. See examples/address_cleaning/README.md.
set -euo pipefail
export LC_ALL=C

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)

SERVICE=aviation/strike-severity
JOB=strikes
SAMPLE_EVERY=20
CHUNK_SIZE=2000
# So slow that the next chunk starts minutes after the first: there is time to look.
CAREFUL_RATE=10
# What the crew says of the one report that lacks both its speed and a known damage.
BY_HAND='{"energy_j": 5832, "mass_kg": 1, "speed_mps": 108}'
BY_HAND_J=5832

# shellcheck source=tools/demo_server.sh
source "$ROOT/tools/demo_server.sh"

# job_value JOB NAME: a number or text of the job.
job_value() {
  millrace jobs show "$1" -o json >"$FOLDER/job.json" 2>>"$FOLDER/jobs.log" || die "the job cannot be asked"
  json_value "$2" "$FOLDER/job.json"
}

# await NAME VALUE: until the job has it, at most a minute.
await() {
  local deadline=$((SECONDS + 60)) value
  # Of its own: in a condition, the end of the subshell would not be that of the script.
  value=$(job_value "$JOB" "$1") || exit 1
  until [[ $value == "$2" ]]; do
    ((SECONDS < deadline)) || die "the job does not come to $1 = $2: it has $value"
    sleep 0.05
    value=$(job_value "$JOB" "$1") || exit 1
  done
}

# expected NAME: as expected.py computed it.
expected() { json_value "$1" "$FOLDER/expected.json"; }

# run_sample ID: one record in SAMPLE_EVERY, under the latest version of the service.
run_sample() {
  millrace jobs submit "$SERVICE" --file birdstrikes.csv --sample-every "$SAMPLE_EVERY" --id "$1" --wait --allow-exceptions \
    >"$FOLDER/$1.log" 2>&1 || die "the sample failed"
}

show_groups() { millrace exceptions groups "$1" | sed 's/^/       /'; }

# unresolved: one exception a line: its id and its input.
unresolved() {
  millrace exceptions list "$JOB" --state unresolved --limit 100 -o json | tr -d '\n' |
    grep -oE '"id": *"[^"]*"|"input": *\{[^}]*\}' | sed -E 's/^"(id|input)": *//; s/^"(.*)"$/\1/' | paste -d ' ' - -
}

# resolve ID FLAG...
resolve() {
  millrace exceptions resolve "$JOB" "$@" >>"$FOLDER/resolve.log" 2>&1 || die "$1 was not resolved"
  NUMBER=$((NUMBER + 1))
}

require_programs

echo "Triage: 10,000 reports of wildlife strikes, of which many lack what the service needs."
python3 "$HERE/expected.py" "$ROOT/data/birdstrikes.csv" "$SAMPLE_EVERY" "$CHUNK_SIZE" "$BY_HAND_J" \
  >"$FOLDER/expected.json" || die "what to expect cannot be computed"
start_server 0 --source-dir "$ROOT/data"
millrace services create "$ROOT/services/strike-severity.yaml" >"$FOLDER/create.log" 2>&1 ||
  die "the service was refused"
step "millraced serves on port $PORT and reads files of data/; service $SERVICE 1.0.0 is registered"

run_sample sample
step "a sample first, one report in $SAMPLE_EVERY: $(job_value sample recordsCompleted) results; why the others failed:"
show_groups sample

millrace jobs submit "$SERVICE" --file birdstrikes.csv --chunk-size "$CHUNK_SIZE" --id "$JOB" \
  --records-per-second "$CAREFUL_RATE" --description 'energy of all strikes' >"$FOLDER/submit.log" 2>&1 ||
  die "the job was refused"
await chunksCompleted 1
FIRST=$(job_value "$JOB" recordsFailed)
step "all of it, carefully: after $(with_commas "$CHUNK_SIZE") reports the job waits for its throttle, with these exceptions:"
show_groups "$JOB"

millrace services create "$ROOT/services/strike-severity-1.1.0.yaml" >>"$FOLDER/create.log" 2>&1 ||
  die "the mended service was refused"
run_sample sample-again
AGAIN=$(job_value sample-again recordsFailed)
step "1.1.0 fills a blank speed with the median of its flight phase; in the sample $AGAIN fail with it"

millrace jobs update "$JOB" --service-version 1.1.0 --rate 0 >"$FOLDER/update.log" 2>&1 || die "the job was not updated"
await state JOB_STATE_COMPLETED
REST=$(($(job_value "$JOB" recordsFailed) - FIRST))
millrace jobs chunks "$JOB" --other-code -o json >"$FOLDER/other.json" 2>>"$FOLDER/jobs.log" || die "no chunks"
OLD_CHUNKS=$(grep -c '"sequence"' "$FOLDER/other.json") || true
step "the job goes on with 1.1.0 to its end; $OLD_CHUNKS of $(job_value "$JOB" chunksCompleted) chunks ran under other code"

REPROCESSED=$(millrace exceptions reprocess "$JOB" --all --note 'missing speeds are estimated now')
await state JOB_STATE_COMPLETED
LEFT=$(job_value "$JOB" recordsFailed)
step "$REPROCESSED; $LEFT fail again:"
show_groups "$JOB"

# A person looks at each: most are an abbreviation; of one the speed is missing too, and the crew is asked.
NUMBER=0
while read -r id input; do
  if [[ $input =~ \"Speed\ IAS\ in\ knots\":\ *\"\" ]]; then
    resolve "$id" --outputs "$BY_HAND" --note 'the crew says: 108 m/s'
  else
    input=$(sed -E 's/("Effect Amount of damage": *)"[BC]"/\1"Substantial"/' <<<"$input")
    resolve "$id" --input "$input" --note 'B and C stand for substantial damage'
  fi
done < <(unresolved)
await state JOB_STATE_COMPLETED
step "$NUMBER resolved by hand: $((NUMBER - 1)) with a corrected report, 1 with its outputs"

millrace jobs export "$JOB" --output "$FOLDER/export.jsonl" 2>>"$FOLDER/jobs.log" || die "the job was not exported"
step "every record once in export.jsonl, with its latest outcome; what the nodes did on the way:"
millrace jobs stats "$JOB" >"$FOLDER/stats.txt" 2>>"$FOLDER/jobs.log" || die "no statistics"
sed -n '/^NODE/,$ s/^/       /p' "$FOLDER/stats.txt"

RECORDS=$(wc -l <"$FOLDER/export.jsonl")
RESULTS=$(grep -c '"state":"COMPLETED","outputs":{"energy_j"' "$FOLDER/export.jsonl") || true
UNRESOLVED=$(job_value "$JOB" recordsFailed)
compare_heading
compare "exceptions of the sample" "$(expected sample_exceptions)" "$(job_value sample recordsFailed)"
compare "  under 1.1.0" 0 "$AGAIN"
compare "exceptions of the first $(with_commas "$CHUNK_SIZE")" "$(expected first_exceptions)" "$FIRST"
compare "exceptions of the others" "$(expected left_after_first)" "$REST"
compare "chunks that ran under 1.0.0" 1 "$OLD_CHUNKS"
compare "left when all have run under 1.1.0" "$(expected left)" "$LEFT"
compare "resolved by hand" "$(expected left)" "$NUMBER"
compare "records in export.jsonl" "$(expected records)" "$RECORDS"
compare "  with a result" "$(expected records)" "$RESULTS"
compare "total energy in J" "$(expected energy_j)" \
  "$(awk -F '"energy_j":' '{ split($2, value, /[,}]/); sum += value[1] } END { printf "%.2f", sum }' "$FOLDER/export.jsonl")"
compare "unresolved" 0 "$UNRESOLVED"
compare_verdict

stop_server
echo "$(with_commas "$RECORDS") records: $(with_commas "$RESULTS") results, $UNRESOLVED unresolved"
