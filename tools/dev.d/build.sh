# Building, generating, cleaning. Sourced by tools/dev.
# shellcheck shell=bash

build_help() {
  cat <<'TEXT'
Usage: ./tools/dev build [PRESET] [TARGET...]

Configures and builds a preset into build/PRESET; with TARGETs only those.

  dev          assertions on, quick to build (default)
  release      what is shipped and measured
  asan, tsan, ubsan
               the sanitizers
  fuzz         libFuzzer over what takes bytes from outside, with two sanitizers
TEXT
}

gen_help() {
  cat <<'TEXT'
Usage: ./tools/dev gen [docs]

Generated code is not kept in the repository. The C++ of protos/ is generated when a preset is built, into
build/PRESET/protos/generated; this verb does it for preset dev, for editors that want the headers.

docs: writes the diagram and the table of docs/STATE_MACHINE.md anew, from the rules that a test walks.
TEXT
}

clean_help() {
  cat <<'TEXT'
Usage: ./tools/dev clean [PRESET...]

Removes build/PRESET, or all of build/. ccache keeps what it has, so the next build is quick.
TEXT
}

# sets_of PRESET: the packages that building it takes.
sets_of() {
  case $1 in
    dev) echo build test ;;
    release) echo build test ;;
    asan | tsan | ubsan | fuzz) echo build test sanitize ;;
    *) die "unknown preset '$1': expected dev, release, asan, tsan, ubsan or fuzz" 2 ;;
  esac
}

# configure PRESET [CMAKE ARGUMENTS...]: quiet when all is well. Ninja configures again by itself when a CMake file
# changes; this is for the first time, and for other arguments.
configure() {
  local preset=$1 log=build/$1/configure.log
  mkdir -p "build/$preset"
  if ! cmake --preset "$preset" "${@:2}" >"$log" 2>&1; then
    cat "$log" >&2
    die "configuring preset $preset failed; the output is above and in $log"
  fi
}

# build_targets PRESET [TARGET...]
build_targets() {
  local preset=$1 arguments=()
  shift
  [[ $# -gt 0 ]] && arguments=(--target "$@")
  NINJA_STATUS='[%f/%t %es] ' cmake --build --preset "$preset" -j "$JOBS" "${arguments[@]}"
}

dev_build() {
  local preset=${1:-dev} sets
  [[ $# -gt 0 ]] && shift
  sets=$(sets_of "$preset") || exit
  # shellcheck disable=SC2086 # one word each
  dev_setup $sets
  configure "$preset" -DMILLRACE_BUILD_TESTS=ON
  build_targets "$preset" "$@"
}

# generated_headers PRESET: the files that protoc writes, as targets of the build.
generated_headers() { ninja -C "build/$1" -t targets all | sed -n 's/^\(.*\/generated\/.*\.pb\.h\): .*/\1/p'; }

dev_gen() {
  local what=${1:-headers}
  [[ $what == headers || $what == docs ]] || die "unknown: gen $what; see ./tools/dev gen --help" 2
  dev_setup build test
  configure dev -DMILLRACE_BUILD_TESTS=ON
  if [[ $what == docs ]]; then
    build_targets dev storage_model_test
    MILLRACE_WRITE_DOCS=1 build/dev/bin/storage_model_test --gtest_brief=1 --gtest_filter='JobStatesTest.TheDocument*'
    git --no-pager diff --stat -- docs/STATE_MACHINE.md
    return
  fi
  local headers
  mapfile -t headers < <(generated_headers dev)
  build_targets dev "${headers[@]}"
  echo "Generated ${#headers[@]} headers into build/dev/protos/generated. Generated code is not kept in the repository."
}

dev_clean() {
  local preset
  if [[ $# -eq 0 ]]; then
    rm -rf build
    return
  fi
  for preset in "$@"; do
    [[ $preset =~ ^[a-z0-9-]+$ ]] || die "'$preset' is not the name of a preset" 2
    rm -rf "build/$preset"
  done
}
