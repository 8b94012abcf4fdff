# Reading the code without running it. Sourced by tools/dev.
#
# What costs time is compiling, so lint compiles once: with clang, unoptimised, our rooms only (no generated code, no
# tests, no linking), as the thread-safety check. Objects stay in build/clang-check and in ccache, so a second run
# compiles what changed. clang-tidy, slower still, looks at the files that a change touches.
# shellcheck shell=bash

lint_help() {
  cat <<'TEXT'
Usage: ./tools/dev lint [--all]

  tidy.py        the house rules
  clang-format   layout of all C++ files; prints the patch
  shellcheck     all shell scripts
  clang          -Wthread-safety over all rooms: build/clang-check
  clang-tidy     the C++ files that differ from the main branch (or from the commit before, on it)

  --all          clang-tidy over all C++ files
  MILLRACE_LINT_BASE=COMMIT  what to compare with instead

Runs every check even when one fails, and ends with the list of those that did.
TEXT
}

format_help() {
  cat <<'TEXT'
Usage: ./tools/dev format

Lays out all C++ files as .clang-format says.
TEXT
}

# project_files PATTERN...: files of the repository, committed or not, that match.
project_files() {
  local file
  git ls-files --cached --others --exclude-standard -- "$@" | sort -u | while read -r file; do
    [[ ! -f $file ]] || echo "$file"
  done
}

# shell_programs: the scripts that are run; shellcheck follows them into those that are sourced.
shell_programs() {
  local file
  project_files | while read -r file; do
    [[ $(head -c 64 "$file" | head -n 1 | tr -d '\0') != '#!'*bash ]] || echo "$file"
  done
}

# changed_files PATTERN...: those that differ from the base, and all when there is none.
changed_files() {
  local base=${MILLRACE_LINT_BASE:-}
  [[ -n $base ]] || base=$(git merge-base HEAD origin/main 2>/dev/null) || true
  [[ -n $base && $base != "$(git rev-parse HEAD)" ]] || base=$(git rev-parse --verify --quiet HEAD~1) || true
  if [[ -z $base ]]; then
    project_files "$@"
    return
  fi
  { git diff --name-only --diff-filter=d "$base" -- "$@" && git ls-files --others --exclude-standard -- "$@"; } | sort -u
}

lint_tidy() { python3 tools/tidy.py; }

lint_format() {
  local file status=0
  for file in $(project_files '*.cc' '*.h'); do
    clang-format-14 "$file" | diff -u --label "a/$file" --label "b/$file" "$file" - || status=1
  done
  [[ $status -eq 0 ]] || echo "The patch is above; ./tools/dev format applies it." >&2
  return $status
}

lint_shell() {
  # shellcheck disable=SC2046 # one word each
  shellcheck --external-sources --check-sourced --source-path="$ROOT" $(shell_programs)
}

lint_threads() {
  configure clang-check -DMILLRACE_BUILD_TESTS=ON
  local objects
  mapfile -t objects < <(ninja -C build/clang-check -t targets all |
    sed -n 's/^\(\(storage\|server\|client\|tools\)\/.*\.cc\.o\): .*/\1/p')
  ninja -C build/clang-check -j "$JOBS" -k 0 "${objects[@]}"
}

# lint_clang_tidy [--all]: with the compile commands of clang-check, whose generated headers lint_threads made.
lint_clang_tidy() {
  local list=changed_files files headers
  [[ ${1:-} == --all ]] && list=project_files
  mapfile -t files < <("$list" 'storage/*.cc' 'server/*.cc' 'client/*.cc' 'tools/*.cc' 'tests/*.cc')
  if [[ ${#files[@]} -eq 0 ]]; then
    echo "no C++ file differs from the base: nothing to look at"
    return 0
  fi
  mapfile -t headers < <(generated_headers clang-check)
  ninja -C build/clang-check -j "$JOBS" "${headers[@]}" >/dev/null
  printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$JOBS" clang-tidy-14 --quiet -p build/clang-check 2>/dev/null
}

dev_lint() {
  [[ $# -le 1 && ${1:-} =~ ^(--all)?$ ]] || die "lint takes --all or nothing; see ./tools/dev lint --help" 2
  dev_setup build test lint
  local check status failed=()
  for check in tidy format shell threads clang_tidy; do
    note "lint: $check"
    # Not `if lint_...`: inside a condition, bash would go on after the errors of the function.
    set +e
    (set -e; "lint_$check" "$@")
    status=$?
    set -e
    [[ $status -eq 0 ]] || failed+=("$check")
  done
  [[ ${#failed[@]} -eq 0 ]] || die "lint found something: ${failed[*]}; the output of each is above"
  note "lint: all clean"
}

dev_format() {
  no_arguments format "$@"
  dev_setup lint
  local files
  mapfile -t files < <(project_files '*.cc' '*.h')
  clang-format-14 -i "${files[@]}"
}
