#!/usr/bin/env bash
# Commands to many devices: in order for each device, no faster than a throttle allows, and those to inactive devices kept
# as exceptions. Fails unless each command is accounted for. examples/device_commands/README.md tells about it.
set -euo pipefail
export LC_ALL=C

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)

SERVICE=devices/send-command
JOB=commands
DEVICES=200
COMMANDS=10
FIRST_INACTIVE=101
INACTIVE=7
CHUNK_SIZE=50
RATE=2000

# shellcheck source=tools/demo_server.sh
source "$ROOT/tools/demo_server.sh"

# make_commands: the first command of all devices, then the second, and so on; each round begins with another device, so
# that the chunks of two rounds share devices with more than one chunk.
make_commands() {
  awk -v devices="$DEVICES" -v commands="$COMMANDS" 'BEGIN {
    for (number = 1; number <= commands; number++)
      for (i = 0; i < devices; i++)
        printf "{\"device\":\"device-%03d\",\"number\":%d,\"command\":\"report_every_seconds\",\"value\":%d}\n",
          (i + 25 * (number - 1)) % devices + 1, number, 60 - number
  }'
}

# make_parameters: which devices are inactive.
make_parameters() {
  awk -v first="$FIRST_INACTIVE" -v count="$INACTIVE" 'BEGIN {
    printf "{\"inactive\": {"
    for (device = first; device < first + count; device++) printf "%s\"device-%03d\": true", (device == first ? "" : ", "), device
    print "}}"
  }'
}

require_programs

echo "Device commands: $(with_commas $((DEVICES * COMMANDS))) commands to $DEVICES devices, $INACTIVE of them inactive."
make_commands >"$FOLDER/commands.jsonl"
make_parameters >"$FOLDER/parameters.json"
start_server 0 --workers 4
millrace services create "$HERE/send-command.yaml" >"$FOLDER/create.log" 2>&1 || die "the service was refused"
step "millraced serves on port $PORT; service $SERVICE is registered"

millrace pipelines create "$SERVICE" --id "$JOB" --ordering-key device --records-per-second "$RATE" \
  --max-attempts 2 --retry-backoff 200ms --params-file "$FOLDER/parameters.json" \
  --name 'report less often' >>"$FOLDER/create.log" 2>&1 || die "the pipeline was refused"
step "pipeline $JOB: ordered by device, $(with_commas $RATE) commands a second, 2 attempts"

millrace pipelines push "$JOB" --input "$FOLDER/commands.jsonl" --chunk-size "$CHUNK_SIZE" >"$FOLDER/push.log" 2>&1 ||
  die "the push was refused"
millrace pipelines close "$JOB" >>"$FOLDER/push.log" 2>&1 || die "the pipeline was not closed"
step "$(head -n 1 "$FOLDER/push.log"), one behind the other; the pipeline is closed"

# Until no result will follow, in the order in which chunks were committed.
millrace pipelines pull "$JOB" --follow -o json >"$FOLDER/results.json" 2>"$FOLDER/pull.log" || die "the pull failed"
millrace jobs show "$JOB" -o json >"$FOLDER/job.json"
millrace jobs chunks "$JOB" -o json >"$FOLDER/chunks.json"
millrace exceptions groups "$JOB" -o json >"$FOLDER/groups.json"
step "all results are pulled; why some commands have none:"
millrace exceptions groups "$JOB" | sed 's/^/       /'

check "$HERE/check.py" "$FOLDER"/{commands.jsonl,results.json,chunks.json,job.json} "$CHUNK_SIZE" "$RATE" \
  >"$FOLDER/figures.tsv" || die "the results cannot be checked"
compare_heading
compare_file "$FOLDER/figures.tsv"
compare "exceptions" "$((INACTIVE * COMMANDS))" "$(json_value recordsFailed "$FOLDER/job.json")"
compare "  groups of them" 1 "$(grep -c '"fingerprint"' "$FOLDER/groups.json")"
compare "  with the code DEVICE_INACTIVE" "$((INACTIVE * COMMANDS))" \
  "$([[ $(json_value code "$FOLDER/groups.json") != DEVICE_INACTIVE ]] || json_value count "$FOLDER/groups.json")"
compare "commands tried a second time" "$((INACTIVE * COMMANDS))" "$(json_value recordsRetried "$FOLDER/job.json")"
compare_verdict

stop_server
echo "Each device got its commands in order, and each command that was not sent says why."
