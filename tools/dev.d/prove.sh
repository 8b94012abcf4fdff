# Proving that nothing is lost: crashes. Sourced by tools/dev.
# shellcheck shell=bash

crash_help() {
  cat <<'TEXT'
Usage: ./tools/dev crash [--cycles N] [--seed S]

Starts a server and clients that push, pull and make short jobs, kills them with SIGKILL at random moments and starts
them again, N times (default 30). At the end holds what was acknowledged to each client against what the server has:

  30 cycles, 28399 records, 0 lost, 0 doubled

Fails otherwise, says what is wrong, and keeps the data folder and the clients' ledgers.

  --seed S     decides who is killed when; printed by each run. What the machine does meanwhile stays random.
TEXT
}

dev_crash() {
  build_programs millraced millrace_crash
  build/release/bin/millrace_crash --server-binary build/release/bin/millraced "$@"
}
