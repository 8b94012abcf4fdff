# A server of its own for a story: started, asked, and gone at the end together with its folder. Sourced by tools/demo*.sh
# and examples/*/run.sh, which set ROOT, the root of the repository, and hand over their arguments.
# shellcheck shell=bash

# The script as it is called from the root of the repository.
SCRIPT=$(realpath --relative-to="$ROOT" "$0")
BIN=$ROOT/build/release/bin
KEEP=''

usage() {
  cat <<TEXT
Usage: $SCRIPT [--bin FOLDER] [--keep]

  --bin FOLDER  where millraced and millrace are (default build/release/bin)
  --keep        leave the temporary folder (data, outputs, logs) behind and say where it is
TEXT
}

while [[ $# -gt 0 ]]; do
  case $1 in
    --bin) BIN=${2:?--bin takes a folder} && shift ;;
    --keep) KEEP=yes ;;
    -h | --help) usage && exit 0 ;;
    *) echo "$SCRIPT: unknown argument '$1'" >&2 && usage >&2 && exit 2 ;;
  esac
  shift
done

FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/millrace-demo.XXXXXX")
SERVER=''
RUN=''
PORT=0
STEP=0

clean_up() {
  local status=$? process
  for process in $SERVER $RUN; do
    kill -9 "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
  if [[ -n $KEEP ]]; then echo "The folder stays: $FOLDER"; else rm -rf "$FOLDER"; fi
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

die() {
  echo "$SCRIPT: $*" >&2
  local log
  for log in "$FOLDER"/*.log; do
    [[ -s $log ]] && echo "--- end of $(basename "$log")" >&2 && tail -n 20 "$log" >&2
  done
  exit 1
}

step() {
  STEP=$((STEP + 1))
  echo "  $STEP. $*"
}

millrace() { "$BIN/millrace" --server "127.0.0.1:$PORT" "$@"; }

# json_value NAME FILE: the first number or text with this name in a JSON document.
json_value() { tr -d '\n' <"$2" | grep -oE "\"$1\": *(\"[^\"]*\"|[-+.0-9eE]+)" | sed -n '1 { s/^[^:]*: *//; s/"//g; p }'; }

# check SCRIPT ARGUMENT...: runs the check of an example, which shares the Python of examples/.
check() { PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$ROOT/examples python3 "$@"; }

# with_commas NUMBER: 20060335.15 as 20,060,335.15
with_commas() { sed -E ':again; s/^([0-9]+)([0-9]{3})/\1,\2/; t again' <<<"$1"; }

FAILED=''
# compare WHAT EXPECTED ACTUAL: one line of the table below compare_heading.
compare() {
  local verdict=ok
  if [[ $2 != "$3" ]]; then
    verdict='WRONG'
    FAILED=yes
  fi
  printf '     %-34s %15s %15s  %s\n' "$1" "$(with_commas "$2")" "$(with_commas "$3")" "$verdict"
}

compare_heading() { printf '\n     %-34s %15s %15s\n' '' expected actual; }

# compare_file FILE: a line for each line of the file, its three words separated by tabs.
compare_file() {
  local what expected actual
  while IFS=$'\t' read -r what expected actual; do compare "$what" "$expected" "$actual"; done <"$1"
}

# compare_verdict: ends the table, and the script when a line of it is wrong.
compare_verdict() {
  echo
  [[ -z $FAILED ]] || die "the figures above are not what they must be"
}

# start_server PORT [FLAG...]: port 0 lets the system choose. Returns when it serves; PORT is set.
start_server() {
  local pipe=$FOLDER/port channel tries
  rm -f "$pipe"
  mkfifo "$pipe"
  exec {channel}<>"$pipe"
  "$BIN/millraced" --data-dir "$FOLDER/data" --listen "127.0.0.1:$1" --port-file "$pipe" "${@:2}" \
    >>"$FOLDER/server.log" 2>&1 {channel}>&- &
  SERVER=$!
  for ((tries = 0; tries < 30; tries++)); do
    if read -r -t 1 PORT <&"$channel"; then
      exec {channel}>&-
      return
    fi
    kill -0 "$SERVER" 2>/dev/null || die "the server did not start"
  done
  die "the server does not serve after 30 s"
}

# stop_server: drains it; fails when it does not end with 0.
stop_server() {
  local server=$SERVER status=0
  kill -TERM "$server" 2>/dev/null || die "the server died"
  wait "$server" || status=$?
  SERVER=''
  [[ $status -eq 0 ]] || die "the server ended with exit code $status instead of being drained"
}

# require_programs: what --bin must hold.
require_programs() {
  local program
  for program in millraced millrace; do
    [[ -x $BIN/$program ]] || die "$BIN/$program is missing; ./tools/dev demo builds it"
  done
}
