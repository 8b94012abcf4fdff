#!/usr/bin/env bash
# Many jobs as one: test data for three lines of business, validations of it, projects of validations, and the metadata of real
# databases. Fails unless every job ran once and found what it must. See examples/validation_suite/README.md.
set -euo pipefail
export LC_ALL=C

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)

ROWS=1000

# shellcheck source=tools/demo_server.sh
source "$ROOT/tools/demo_server.sh"

suite() { PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$ROOT/examples python3 "$HERE/suite.py" "$@"; }

# bulk NAME [OPTION...]: submits FOLDER/NAME.json and waits for its end.
bulk() {
  local status=0
  millrace bulk submit "$FOLDER/$1.json" --id "$1" --wait "${@:2}" >"$FOLDER/$1.log" 2>&1 || status=$?
  # Where a job found something, that is what it is for.
  [[ $status -eq 0 || $status -eq 3 ]] || die "the bulk run $1 did not come to its end"
  shown "$1"
}

shown() { millrace bulk show "$1" -o json >"$FOLDER/$1.shown" 2>>"$FOLDER/$1.log" || die "the bulk run $1 cannot be shown"; }

# jobs_of NAME: what a person sees of the jobs of a bulk run.
jobs_of() { millrace bulk show "$1" 2>/dev/null | sed -n '/^RECORD/,$ { s/  *-$//; s/^/       /p }' | cut -c 1-140; }

# export_children NAME SUFFIX: the records of each job of a bulk run, as FOLDER/JOB.SUFFIX.
export_children() {
  local id name
  while IFS=$'\t' read -r id name; do
    millrace jobs export "$id" --output "$FOLDER/$name.$2" --format jsonl 2>>"$FOLDER/$1.log" || die "$name was not exported"
  done < <(python3 -c '
import json, sys
for child in json.load(open(sys.argv[1]))["children"]:
    print(child["id"], child["metadata"]["name"], sep="\t")' "$FOLDER/$1.shown")
}

# start_postgres: a server of PostgreSQL on a socket in the folder, where the machine has one. It does not run as root.
start_postgres() {
  local programs data=$FOLDER/postgres as=()
  programs=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
  [[ -n $programs && -x $programs/initdb ]] || return 1
  mkdir "$data"
  if [[ $(id -u) -eq 0 ]]; then
    as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    chown 65534:65534 "$data"
    chmod 755 "$FOLDER"
  fi
  (cd / && "${as[@]}" "$programs/initdb" --no-sync --auth=trust --username=owner --encoding=UTF8 --locale=C.UTF-8 \
    --pgdata "$data/cluster") >"$FOLDER/initdb.log" 2>&1 || die "initdb failed"
  (cd / && exec "${as[@]}" "$programs/postgres" -D "$data/cluster" -k "$data" -c listen_addresses= -c fsync=off \
    -c dynamic_shared_memory_type=mmap) \
    >"$FOLDER/postgres.log" 2>&1 &
  RUN=$!
  python3 "$HERE/databases.py" sql >"$FOLDER/shop.sql"
  local tries
  for ((tries = 0; tries < 300; tries++)); do
    if "$programs/psql" -h "$data" -U owner -d postgres -v ON_ERROR_STOP=1 -1 -q -f "$FOLDER/shop.sql" \
      >"$FOLDER/psql.log" 2>&1; then
      return
    fi
    sleep 0.1
  done
  die "PostgreSQL does not serve after 30 s"
}

require_programs

echo "Bulk runs: many jobs that are started, watched and judged as one."
python3 "$HERE/databases.py" sqlite "$FOLDER/shop.db" || die "there is no database"
CONNECTIONS=(sqlite)
echo "sqlite: {sqlite: $FOLDER/shop.db}" >"$FOLDER/connections.yaml"
if start_postgres; then
  CONNECTIONS+=(postgres)
  echo "postgres: {postgresql: 'host=$FOLDER/postgres user=owner dbname=postgres'}" >>"$FOLDER/connections.yaml"
else
  echo "  PostgreSQL is not installed: the metadata of SQLite alone is extracted."
fi
start_server 0 --source-connections "$FOLDER/connections.yaml"
for service in "$HERE"/*.yaml; do
  millrace services create "$service" >>"$FOLDER/create.log" 2>&1 || die "$service was refused"
done

suite generate "$ROWS" >"$FOLDER/generate.json"
bulk generate --parallel 3
export_children generate jsonl
step "data generation: three schemas of $(with_commas $ROWS) rows each, side by side"
jobs_of generate

suite pipelines "$FOLDER/generate.shown" >"$FOLDER/pipelines.json"
bulk pipelines --parallel 4
step "six validation pipelines over these rows; three have a stricter bound by config_override, and find what is above it"
jobs_of pipelines

suite projects "$FOLDER/generate.shown" >"$FOLDER/projects.json"
millrace bulk submit "$FOLDER/projects.json" --id projects --parallel 2 >"$FOLDER/projects.log" 2>&1 || die "projects"
kill -9 "$SERVER"
wait "$SERVER" 2>/dev/null || true
start_server "$PORT" --source-connections "$FOLDER/connections.yaml"
millrace jobs watch projects --allow-exceptions >>"$FOLDER/projects.log" 2>&1 || die "the projects did not come to their end"
shown projects
step "three projects of four pipelines each, one after the other until one finds something; the server was killed meanwhile"
jobs_of projects

suite metadata "${CONNECTIONS[@]}" >"$FOLDER/metadata.json"
bulk metadata --parallel 2
export_children metadata columns
step "the metadata of ${CONNECTIONS[*]}: a column of a table is a record"
jobs_of metadata

check "$HERE/check.py" "$FOLDER" "$ROWS" "${#CONNECTIONS[@]}" >"$FOLDER/figures.tsv" || die "the bulk runs cannot be checked"
compare_heading
compare_file "$FOLDER/figures.tsv"
compare_verdict

stop_server
if [[ -n $RUN ]]; then
  kill -INT "$RUN"
  wait "$RUN" || true
  RUN=''
fi
echo "Each of them had one outcome for all, and every job ran once."
