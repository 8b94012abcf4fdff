#!/usr/bin/env bash
# Syncing entities: the ids come from a query, each customer is compared with what is stored, and a schedule does it again every
# night; at last in the data centre of the database. Fails unless each run adds, updates and leaves alone what it should. See
# examples/fabric_sync/README.md.
set -euo pipefail
export LC_ALL=C

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)

SERVICE=fabric/sync-customer
SCHEDULE=nightly-sync
CUSTOMERS=5000
NEW=120
MOVED=300
SAMPLE=1000
QUERY='SELECT c.id, c.name, c.city, c.balance, s.digest AS stored FROM customers c LEFT JOIN stored s ON s.id = c.id'

# shellcheck source=tools/demo_server.sh
source "$ROOT/tools/demo_server.sh"

# serve PORT [FLAG...]: a server that may query the database.
serve() { start_server "$1" --source-connections "$FOLDER/connections.yaml" "${@:2}"; }

customers() { python3 "$HERE/customers.py" "$FOLDER/customers.db" "$@"; }

# run_value NAME: of the newest run of the schedule.
run_value() {
  millrace schedules runs "$SCHEDULE" --limit 1 -o json >"$FOLDER/run.json" 2>>"$FOLDER/schedule.log" ||
    die "the schedule has no runs"
  json_value "$1" "$FOLDER/run.json"
}

# sync NUMBER: makes a run of the schedule, waits for its end, and stores what came of it. JOB and STORED say which and how much.
sync() {
  millrace schedules trigger "$SCHEDULE" >>"$FOLDER/schedule.log" 2>&1 || die "no run was made"
  local deadline=$((SECONDS + 60))
  until [[ $(run_value state) == SCHEDULE_RUN_STATE_COMPLETED ]]; do
    ((SECONDS < deadline)) || die "run $1 does not come to its end"
    sleep 0.05
  done
  JOB=$(run_value jobId)
  millrace jobs stats "$JOB" -o json >"$FOLDER/stats-$1.json" 2>>"$FOLDER/schedule.log" || die "no statistics"
  millrace jobs records "$JOB" --slowest --with-input -o json >"$FOLDER/slowest-$1.json" 2>>"$FOLDER/schedule.log" ||
    die "no slowest records"
  millrace jobs export "$JOB" --output "$FOLDER/export-$1.jsonl" 2>>"$FOLDER/schedule.log" || die "the job was not exported"
  STORED=$(customers store "$FOLDER/export-$1.jsonl") || die "the outcome was not stored"
}

# sync_in DATA_CENTRE: submits the sync as a job for workers there, at first of SAMPLE customers alone, and returns when it waits for
# them; sets JOB.
sync_in() {
  millrace jobs submit "$SERVICE" --connection fabric --query "$QUERY" --key id --chunk-size 500 --worker-label "dc=$1" \
    --sample-first "$SAMPLE" -o json >"$FOLDER/submit.json" 2>>"$FOLDER/affinity.log" || die "the job was refused"
  JOB=$(json_value id "$FOLDER/submit.json")
  local deadline=$((SECONDS + 60))
  until millrace jobs explain "$JOB" -o json >"$FOLDER/explain.json" 2>>"$FOLDER/affinity.log" &&
    [[ $(json_value reason "$FOLDER/explain.json") == EXPLAIN_REASON_NO_MATCHING_WORKER ]]; do
    ((SECONDS < deadline)) || die "the job does not wait for workers of $1"
    sleep 0.05
  done
}

# show_counts: what the service counted, as a person sees it.
show_counts() {
  millrace jobs stats "$JOB" | sed -n '/^LABEL/,/^$/ { /^$/d; s/^/       /p }'
}

require_programs

echo "Sync: $(with_commas $CUSTOMERS) customers of one database are brought into another, every night."
customers make "$CUSTOMERS" || die "there is no database"
echo "fabric: {sqlite: $FOLDER/customers.db}" >"$FOLDER/connections.yaml"
serve 0
millrace services create "$HERE/sync-customer.yaml" >"$FOLDER/create.log" 2>&1 || die "the service was refused"
millrace schedules create "$SCHEDULE" "$SERVICE" --connection fabric --query "$QUERY" --key id --chunk-size 500 \
  --cron '0 3 * * *' --time-zone Europe/Berlin >"$FOLDER/schedule.log" 2>&1 || die "the schedule was refused"
step "millraced serves on port $PORT; schedule $SCHEDULE syncs at three in the morning, next at these times:"
millrace schedules next '0 3 * * *' --time-zone Europe/Berlin --count 3 | sed 's/^/       /'

sync 1
step "nobody waits for the night: the schedule is triggered; $(with_commas "$STORED") customers are stored"
show_counts

customers change "$NEW" "$MOVED" || die "the customers do not change"
sync 2
step "the next day $NEW customers are new and $MOVED have moved: $(with_commas "$STORED") are written, the others left alone"
show_counts

millrace schedules runs "$SCHEDULE" -o json >"$FOLDER/runs.json" 2>>"$FOLDER/schedule.log" || die "no runs"
step "the history of the schedule, each run with its job:"
millrace schedules runs "$SCHEDULE" | sed 's/^/       /'

sync_in dc1
step "one more sync shall run beside the database, on workers of data centre dc1. There are none, so it waits:"
millrace jobs explain "$JOB" | sed -n '1s/^/       /p'
stop_server
serve "$PORT" --worker-label dc=dc1 --worker-label node=n1
millrace jobs watch "$JOB" >>"$FOLDER/affinity.log" 2>&1 || die "the job does not come to its end"
millrace jobs stats "$JOB" -o json >"$FOLDER/sample.json" 2>>"$FOLDER/affinity.log" || die "no statistics"
step "the server is started again as one of dc1, and the job runs, with the first $(with_commas "$SAMPLE") customers to begin with:"
show_counts

millrace jobs continue "$JOB" --wait >>"$FOLDER/affinity.log" 2>&1 || die "the sample was not continued"
millrace jobs stats "$JOB" -o json >"$FOLDER/stats-3.json" 2>>"$FOLDER/affinity.log" || die "no statistics"
step "that looks right, so the job is continued with the others:"
show_counts

check "$HERE/check.py" "$FOLDER"/{stats-1,stats-2,stats-3,explain,runs,slowest-2,sample}.json \
  "$CUSTOMERS" "$NEW" "$MOVED" "$SAMPLE" >"$FOLDER/figures.tsv" || die "the runs cannot be checked"
compare_heading
compare_file "$FOLDER/figures.tsv"
compare "customers written by the second run" $((NEW + MOVED)) "$STORED"
compare_verdict

stop_server
echo "What was there already was looked at and left alone."
