# Proving that nothing is lost: crashes, simulation, fuzzing. Sourced by tools/dev.
# shellcheck shell=bash

crash_help() {
  cat <<'TEXT'
Usage: ./tools/dev crash [--cycles N] [--seed S] [--freeze SECONDS]

Starts a server and clients that push, pull and make short jobs, kills them with SIGKILL at random moments and starts
them again, N times (default 30). At the end holds what was acknowledged to each client against what the server has:

  30 cycles, 28399 records, 0 lost, 0 doubled

Fails otherwise, says what is wrong, and keeps the data folder and the clients' ledgers.

  --seed S     decides who is killed when; printed by each run. What the machine does meanwhile stays random.
  --freeze N   also stops the server once for N seconds with SIGSTOP, in the middle of the run.
TEXT
}

simulate_help() {
  cat <<'TEXT'
Usage: ./tools/dev simulate [--minutes N | --steps N] [--seed S]

Runs scheduler, job rules and model store under a made-up clock, in one thread: clients with repeated and late calls,
workers that are slow or die, crashes that lose what was not yet durable, a wall clock that jumps. What must hold is
checked after each step, and to the last record every 2,000. Default: a million steps.

A failure names the seed of its world; the same seed gives the same world:

  ./tools/dev simulate --seed S --steps 2000
TEXT
}

fuzz_help() {
  cat <<'TEXT'
Usage: ./tools/dev fuzz [TARGET] [--minutes N]

Runs libFuzzer over one TARGET, or over each for its share of the time, N minutes in all (default 10); clang 14,
AddressSanitizer and UndefinedBehaviorSanitizer. What is found is kept in build/fuzz/found/TARGET and named; put it into
tests/fuzz/corpus/TARGET with the fix.

TARGETs: the folders of tests/fuzz/corpus.
TEXT
}

dev_simulate() {
  dev_setup build test
  configure release -DMILLRACE_BUILD_TESTS=ON
  build_targets release millrace_simulate
  build/release/bin/millrace_simulate "$@"
}

dev_fuzz() {
  local targets=() minutes=10 target found
  while [[ $# -gt 0 ]]; do
    case $1 in
      --minutes)
        [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || die "--minutes takes a number; see ./tools/dev fuzz --help" 2
        minutes=$2
        shift
        ;;
      *)
        [[ -d tests/fuzz/corpus/$1 ]] || die "unknown target '$1': tests/fuzz/corpus has the names" 2
        targets+=("$1")
        ;;
    esac
    shift
  done
  [[ ${#targets[@]} -gt 0 ]] || mapfile -t targets < <(cd tests/fuzz/corpus && printf '%s\n' *)
  dev_setup build test sanitize
  configure fuzz -DMILLRACE_BUILD_TESTS=ON
  build_targets fuzz "${targets[@]/#/fuzz_}"
  export LSAN_OPTIONS=suppressions=$ROOT/tools/sanitizers/lsan.supp:print_suppressions=0
  for target in "${targets[@]}"; do
    note "fuzz: $target"
    found=build/fuzz/found/$target
    mkdir -p "$found"
    "build/fuzz/bin/fuzz_$target" -max_total_time=$((minutes * 60 / ${#targets[@]})) -max_len=4096 \
      -print_final_stats=1 "-artifact_prefix=$found/" "$found" "tests/fuzz/corpus/$target"
  done
}

dev_crash() {
  build_programs millraced millrace_crash
  build/release/bin/millrace_crash --server-binary build/release/bin/millraced "$@"
}
