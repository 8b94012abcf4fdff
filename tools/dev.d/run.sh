# Running what was built: the demo and the bench. Sourced by tools/dev.
# shellcheck shell=bash

demo_help() {
  cat <<'TEXT'
Usage: ./tools/dev demo [EXAMPLE | --explain | --triage] [--keep]

Builds the server and the CLI (preset release, nothing else), then runs the main job: 10,000 reports of wildlife strikes
through the service aviation/strike-severity, with the server killed half-way and started again. Fails unless every
record is accounted for. Under 8 minutes from nothing on two cores, seconds the second time.

  EXAMPLE      instead: the example of this name; examples/README.md lists them
  --explain    instead: a throttled job, and the answer of `millrace jobs explain` while it waits. Fails unless the
               sentence tells of the throttle. A second, once it is built
  --triage     the same as address_cleaning: a sample first, then all; the service is mended while the job runs, what failed
               is run again, and the rest resolved by hand. Fails unless every record has a result in the end
  --keep       leave the temporary folder (data, outputs, logs) behind and say where it is
TEXT
}

bench_help() {
  cat <<'TEXT'
Usage: ./tools/dev bench [SCENARIO...] [--records N] [--repetitions N] [--workers N] [--json FILE] [--compare FILE]

Measures real servers and clients on this machine (preset release), durable before acknowledged, and prints each figure
beside what it should be.

  main       formulas A and B end to end, beside the yardstick
  stages     each stage of the data path alone
  latency    one chunk in flight; chunks of one record
  pipelines  1, 100 and 10,000 open pipelines
  connections 10,000 connections that say nothing, beside one that works
  restart    kill -9 with 1,000 unfinished jobs: time to the first new result
  delete     a job of 10^6 records deleted
  jobs       lists and statistics over 100,000 jobs; only when named
  scale      10^5, 10^6 and 10^7 records: cost and memory; only when named
  drained    a job of formula A on a server that is drained behind it: what profile runs; only when named
  crumbs     10^6 chunks of one record: cost and memory; only when named

Without a name: those that are not only run when named. To compare two builds, run one with --json FILE and the other with --compare FILE.

Where the bare prototypes are (../shared/limits, or $MILLRACE_LIMITS), they are built into build/limits and run in turn
with the product, and the ratio to them is printed.
TEXT
}

profile_help() {
  cat <<'TEXT'
Usage: ./tools/dev profile [--chunks N] [--functions N]

Runs the server (preset release) under callgrind and prints how many instructions a chunk of 300 records costs it, by
room, by library and by function. The counts hardly change from run to run, whatever else the machine does: run it
before and after a change to the data path. docs/PERFORMANCE.md has the last figures and how to read them.

  --chunks N     chunks of the shorter of two runs, whose difference counts (default 60)
  --functions N  how many of the dearest functions to name (default 25)
TEXT
}

# build_programs TARGET...: of preset release. Without tests, unless the folder was configured with them before.
build_programs() {
  dev_setup build
  [[ -f build/release/build.ninja ]] || configure release -DMILLRACE_BUILD_TESTS=OFF
  build_targets release "$@"
}

dev_demo() {
  local argument script=tools/demo.sh arguments=()
  for argument in "$@"; do
    case $argument in
      --explain) script=tools/demo_explain.sh ;;
      --triage) script=examples/address_cleaning/run.sh ;;
      -*) arguments+=("$argument") ;;
      *) script=examples/$argument/run.sh ;;
    esac
    [[ -x $script ]] || die "there is no example '$argument'; examples/README.md lists them" 2
  done
  [[ $script != examples/* ]] || dev_setup demo
  build_programs millraced millrace
  "$script" --bin build/release/bin "${arguments[@]}"
}

# yardstick_binary: builds the prototypes where they are, and prints the path of the end-to-end one; nothing otherwise.
yardstick_binary() {
  local limits=${MILLRACE_LIMITS:-../shared/limits} log=build/limits/build.log
  if [[ ! -f $limits/CMakeLists.txt ]]; then
    note "no prototypes at $limits (set MILLRACE_LIMITS): skipping the ratios to them" >&2
    return
  fi
  dev_setup build test bench >&2
  mkdir -p build/limits
  note "building the prototypes of $limits into build/limits" >&2
  if cmake -S "$limits" -B build/limits -G Ninja -DCMAKE_BUILD_TYPE=Release >"$log" 2>&1 &&
    cmake --build build/limits -j "$JOBS" --target e2e >>"$log" 2>&1; then
    echo build/limits/e2e
  else
    note "the prototypes did not build (see $log): skipping the ratios to them" >&2
  fi
}

dev_bench() {
  build_programs millraced millrace_bench
  local yardstick run=(build/release/bin/millrace_bench --server-binary build/release/bin/millraced)
  yardstick=$(yardstick_binary)
  [[ -z $yardstick ]] || run+=(--yardstick-binary "$yardstick")
  "${run[@]}" "$@"
}

dev_profile() {
  dev_setup profile
  build_programs millraced millrace_bench
  python3 tools/profile.py --bin build/release/bin "$@"
}
