# A server of its own for a demo: started, asked, and gone at the end together with its folder. Sourced by tools/demo*.sh,
# which set ROOT, the root of the repository, and hand over their arguments.
# shellcheck shell=bash

BIN=$ROOT/build/release/bin
KEEP=''

usage() {
  cat <<TEXT
Usage: tools/${0##*/} [--bin FOLDER] [--keep]

  --bin FOLDER  where millraced and millrace are (default build/release/bin)
  --keep        leave the temporary folder (data, outputs, logs) behind and say where it is
TEXT
}

while [[ $# -gt 0 ]]; do
  case $1 in
    --bin) BIN=${2:?--bin takes a folder} && shift ;;
    --keep) KEEP=yes ;;
    -h | --help) usage && exit 0 ;;
    *) echo "tools/${0##*/}: unknown argument '$1'" >&2 && usage >&2 && exit 2 ;;
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
  echo "demo: $*" >&2
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

# start_server PORT: port 0 lets the system choose. Returns when it serves; PORT is set.
start_server() {
  local pipe=$FOLDER/port channel tries
  rm -f "$pipe"
  mkfifo "$pipe"
  exec {channel}<>"$pipe"
  "$BIN/millraced" --data-dir "$FOLDER/data" --listen "127.0.0.1:$1" --port-file "$pipe" \
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

# require_programs: what --bin must hold.
require_programs() {
  local program
  for program in millraced millrace; do
    [[ -x $BIN/$program ]] || die "$BIN/$program is missing; ./tools/dev demo builds it"
  done
}
