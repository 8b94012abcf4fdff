# Running what was built: the demo and the bench. Sourced by tools/dev.
# shellcheck shell=bash

demo_help() {
  cat <<'TEXT'
Usage: ./tools/dev demo [--keep]

Builds the server and the CLI (preset release, nothing else), then runs the main job: 10,000 reports of wildlife strikes
through the service aviation/strike-severity, with the server killed half-way and started again. Fails unless every
record is accounted for. Under 8 minutes from nothing on two cores, seconds the second time.

  --keep       leave the temporary folder (data, outputs, logs) behind and say where it is
TEXT
}

bench_help() {
  cat <<'TEXT'
Usage: ./tools/dev bench [RECORDS]

Measures the main job end to end: one server and one client process, chunks of 300 records, durable before
acknowledged. Prints records a second beside the bare stages of the same run. Default 600,000 RECORDS.

Where the bare prototypes are (../shared/limits, or $MILLRACE_LIMITS), they are built into build/limits and run in the
same session, and the ratio to them is printed.
TEXT
}

# build_programs TARGET...: of preset release. Without tests, unless the folder was configured with them before.
build_programs() {
  dev_setup build
  [[ -f build/release/build.ninja ]] || configure release -DMILLRACE_BUILD_TESTS=OFF
  build_targets release "$@"
}

dev_demo() {
  build_programs millraced millrace
  tools/demo.sh --bin build/release/bin "$@"
}

# yardstick_records_per_second RECORDS: runs the prototypes' end-to-end server and client with what we compare to (lz4,
# formula A, one evaluator, synced) and prints the median of its repetitions alone. The client waits for the server.
yardstick_records_per_second() (
  folder=$(mktemp -d)
  cd "$folder"
  "$ROOT/build/limits/e2e" server lz4 A 1 1 >server.log 2>&1 &
  server=$!
  trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$folder"' EXIT
  timeout 120 "$ROOT/build/limits/e2e" client $(($1 / 300)) 64 "$server" |
    sed -n 's/.*END-TO-END \([0-9]*\) rec\/s.*/\1/p' | sort -n |
    awk '{ value[NR] = $1 } END { if (NR) print value[int((NR + 1) / 2)] }'
)

dev_bench() {
  local records=${1:-600000} limits=${MILLRACE_LIMITS:-../shared/limits}
  [[ $# -le 1 && $records =~ ^[1-9][0-9]*$ ]] || die "bench takes a number of records; see ./tools/dev bench --help" 2
  build_programs millraced millrace_bench
  local run=(build/release/bin/millrace_bench --server-binary build/release/bin/millraced --records "$records")
  local yardstick=''
  if [[ ! -f $limits/CMakeLists.txt ]]; then
    note "no prototypes at $limits (set MILLRACE_LIMITS): skipping the ratio to them"
  else
    dev_setup build test bench
    local log=build/limits/build.log
    mkdir -p build/limits
    note "building the prototypes of $limits into build/limits"
    if cmake -S "$limits" -B build/limits -G Ninja -DCMAKE_BUILD_TYPE=Release >"$log" 2>&1 &&
      cmake --build build/limits -j "$JOBS" --target e2e >>"$log" 2>&1 &&
      yardstick=$(yardstick_records_per_second "$records") && [[ -n $yardstick ]]; then
      run+=(--yardstick-records-per-second "$yardstick")
    else
      note "the prototypes did not build or run (see $log): skipping the ratio to them"
    fi
  fi
  "${run[@]}"
}
