# Packages: which are needed, which are missing, and how they get here. Sourced by tools/dev.
# shellcheck shell=bash

setup_help() {
  cat <<'TEXT'
Usage: ./tools/dev setup [SET...]

Installs the packages of tools/packages.txt that are missing, with apt-get: as root, or through sudo. When it may do
neither, it prints the one command to run and fails. Silent when nothing is missing.

SETs: build, test, demo, sanitize, lint, bench, profile, package. Default: build test sanitize lint. The other verbs call it with
what they need.
TEXT
}

# packages_of SET...: their names, sorted.
packages_of() {
  awk -v sets=" $* " '!/^#/ && NF == 2 && index(sets, " " $1 " ") { print $2 }' tools/packages.txt | sort -u
}

# missing_packages SET...: those that dpkg does not know as installed.
missing_packages() {
  local installed
  # dpkg-query fails when it knows nothing of one of them; that is an answer, not an error.
  # shellcheck disable=SC2046 # one word each
  installed=$(dpkg-query -W -f='${Package} ${Status}\n' $(packages_of "$@") 2>/dev/null |
    awk '$NF == "installed" { print $1 }') || true
  comm -23 <(packages_of "$@") <(sort -u <<<"$installed")
}

# as_root COMMAND...: runs it as root, or fails with 126 when there is no way.
as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
    sudo "$@"
  else
    return 126
  fi
}

dev_setup() {
  local sets=("$@") set
  [[ $# -gt 0 ]] || sets=(build test sanitize lint)
  for set in "${sets[@]}"; do
    [[ -n $(packages_of "$set") ]] || die "unknown set '$set'; tools/packages.txt has: $(package_sets)" 2
  done
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    die "this needs Debian 12 (dpkg and apt-get); elsewhere use the Dockerfile, or install what tools/packages.txt lists"
  fi

  local missing
  mapfile -t missing < <(missing_packages "${sets[@]}")
  [[ ${#missing[@]} -gt 0 ]] || return 0

  note "installing ${#missing[@]} missing packages: ${missing[*]}"
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}")
  local log status=0
  log=$(mktemp)
  { as_root apt-get update -qq && as_root "${install[@]}"; } >"$log" 2>&1 </dev/null || status=$?
  if [[ $status -eq 126 ]]; then
    rm -f "$log"
    echo "These packages are missing, and installing them needs root. Run this, then the same command again:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
  elif [[ $status -ne 0 ]]; then
    cat "$log" >&2
    rm -f "$log"
    die "apt-get failed; its output is above. To see it alone: apt-get update && apt-get install ${missing[*]}"
  fi
  rm -f "$log"
}

package_sets() { awk '!/^#/ && NF == 2 && $1 != "run" { print $1 }' tools/packages.txt | sort -u | xargs; }
