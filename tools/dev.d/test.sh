# Testing. Sourced by tools/dev.
# shellcheck shell=bash

test_help() {
  cat <<'TEXT'
Usage: ./tools/dev test [--fast] [PRESET] [-- CTEST ARGUMENTS...]

Checks the house rules, builds everything, runs every test and ends with ctest's summary.

  --fast       only the suites with label `fast`: under a minute. Always so for sanitizers
  PRESET       dev (default), release, asan, tsan, ubsan, fuzz
  --           hands what follows to ctest: `./tools/dev test -- -R storage_model`
TEXT
}

dev_test() {
  local preset='' sets fast=''
  while [[ $# -gt 0 ]]; do
    case $1 in
      --fast) fast=yes ;;
      --) shift && break ;;
      -*) die "unknown flag '$1'; see ./tools/dev test --help" 2 ;;
      *)
        [[ -z $preset ]] || die "one preset, please: '$preset' or '$1'" 2
        preset=$1
        ;;
    esac
    shift
  done
  preset=${preset:-dev}
  sets=$(sets_of "$preset") || exit
  # shellcheck disable=SC2086 # one word each
  dev_setup $sets

  python3 tools/tidy.py
  configure "$preset" -DMILLRACE_BUILD_TESTS=ON
  build_targets "$preset"

  local run=(ctest --test-dir "build/$preset" --output-on-failure -j "$JOBS")
  case $preset in
    asan | tsan | ubsan | fuzz)
      fast=yes
      export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
      export LSAN_OPTIONS=suppressions=$ROOT/tools/sanitizers/lsan.supp:print_suppressions=0
      export TSAN_OPTIONS=suppressions=$ROOT/tools/sanitizers/tsan.supp:ignore_noninstrumented_modules=1:second_deadlock_stack=1
      export UBSAN_OPTIONS=print_stacktrace=1
      ;;
  esac
  # ThreadSanitizer 14 cannot place its shadow memory where newer kernels put a program.
  if [[ $preset == tsan ]] && setarch "$(uname -m)" -R true 2>/dev/null; then
    run=(setarch "$(uname -m)" -R "${run[@]}")
  fi
  [[ -z $fast ]] || run+=(-L '^fast$')
  "${run[@]}" "$@"
}
