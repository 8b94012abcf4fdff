# The Debian package. Sourced by tools/dev.
# shellcheck shell=bash

package_help() {
  cat <<'TEXT'
Usage: ./tools/dev package

Builds the programs (preset release) and makes build/release/millrace_VERSION_ARCH.deb of them: server with a systemd unit
that drains on stop, client, millrace-db, completion, protos and docs. Install it with
  sudo apt-get install ./build/release/millrace_*.deb
TEXT
}

dev_package() {
  no_arguments package "$@"
  dev_setup package
  build_programs millraced millrace millrace-db
  cpack --config build/release/CPackConfig.cmake -B build/release
}
