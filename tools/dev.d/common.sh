# What all verbs share. Sourced by tools/dev, from the root of the repository.
# shellcheck shell=bash

# Builds and tests run this many jobs at once.
JOBS=${MILLRACE_JOBS:-$(nproc)}

# die MESSAGE [STATUS]: 1 is a check or a build that failed, 2 a call that was wrong.
die() {
  echo "tools/dev: $1" >&2
  exit "${2:-1}"
}

note() { echo "==> $*"; }

wants_help() {
  local argument
  for argument in "$@"; do
    [[ $argument == --help || $argument == -h ]] && return 0
  done
  return 1
}

# no_arguments VERB ARGUMENTS...: for verbs that take none.
no_arguments() {
  [[ $# -eq 1 ]] || die "$1 takes no argument '$2'; see ./tools/dev $1 --help" 2
}

# print_quoted ARGUMENTS...: the command as it can be pasted into a shell.
print_quoted() {
  printf '  '
  printf '%q ' "$@"
  echo
}
