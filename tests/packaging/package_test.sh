#!/usr/bin/env bash
# Builds the Debian package of a build folder, looks into it, and starts the server from where it was unpacked.
# Usage: package_test.sh BUILD_FOLDER
set -euo pipefail
build=$1
work=$(mktemp -d)
server=''
trap '[[ -z $server ]] || kill -9 "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

fail() {
  echo "package_test: $1" >&2
  exit 1
}

cpack --config "$build/CPackConfig.cmake" -B "$work/cpack" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "cpack failed"; }
packages=("$work"/cpack/millrace_*.deb)
[[ ${#packages[@]} -eq 1 && -f ${packages[0]} ]] || fail "expected one package, got ${packages[*]}"
package=${packages[0]}

contents=$(dpkg-deb --contents "$package")
for file in usr/bin/millraced usr/bin/millrace usr/bin/millrace-db usr/lib/systemd/system/millraced.service \
  etc/millrace/millraced.toml usr/share/bash-completion/completions/millrace usr/share/zsh/vendor-completions/_millrace \
  usr/share/fish/vendor_completions.d/millrace.fish usr/share/millrace/protos/millrace/v1/pipeline_service.proto \
  usr/share/doc/millrace/OPERATIONS.md usr/share/doc/millrace/copyright \
  usr/share/doc/millrace/examples/strike-severity.yaml; do
  grep -q " \./$file\$" <<<"$contents" || fail "$file is not in the package"
done
grep -qv ' \./\(usr\|etc\)\?\(/\|$\)' <<<"$contents" && fail "the package has files outside of /usr and /etc"
dpkg-deb --field "$package" Depends | grep -q librocksdb || fail "the package does not depend on its libraries"
dpkg-deb --ctrl-tarfile "$package" | tar -tf - | grep -q conffiles || fail "the configuration is no conffile"

root=$work/root
dpkg-deb --extract "$package" "$root"
while IFS=: read -r page link; do
  target=${link#\](}
  target=${target%%#*}
  [[ -z $target || $target == *://* || -e $(dirname "$page")/$target ]] || fail "$page links to $target, which is not installed"
done < <(grep -roE --include='*.md' '\]\([^) ]+' "$root/usr/share/doc/millrace")
unit=$root/usr/lib/systemd/system/millraced.service
drain=$(sed -n 's/^drain-timeout = //p' "$root/etc/millrace/millraced.toml")
stop=$(sed -n 's/^TimeoutStopSec=//p' "$unit")
[[ $((drain + 5)) -lt $stop ]] || fail "systemd's patience ($stop s) ends before a drain ($drain s and 5 s) does"
grep -q '^KillSignal=SIGTERM' "$unit" || fail "the unit does not drain"

# The configuration as it is shipped, but for folders and ports.
sed -e "s|/var/lib/millrace|$work/state|" -e 's/127.0.0.1:740[01]/127.0.0.1:0/' \
  "$root/etc/millrace/millraced.toml" >"$work/millraced.toml"
mkfifo "$work/port"
"$root/usr/bin/millraced" --config "$work/millraced.toml" --port-file "$work/port" 2>"$work/server.log" &
server=$!
exec 9<>"$work/port"
read -r -t 60 port <&9 || { cat "$work/server.log" >&2; fail "the server did not start"; }
"$root/usr/bin/millrace" health --server "127.0.0.1:$port" >/dev/null || fail "the server does not serve"
"$root/usr/bin/millrace" server backup first --server "127.0.0.1:$port" >/dev/null || fail "no backup could be made"
kill -TERM "$server"
status=0
wait "$server" || status=$?
server=''
[[ $status -eq 0 ]] || { cat "$work/server.log" >&2; fail "the server ended with $status"; }
grep -q '"message":"drained"' "$work/server.log" || fail "the log does not say drained"
"$root/usr/bin/millrace-db" verify "$work/state/data" >/dev/null || fail "the data folder does not verify"

# The same rules install under a prefix of one's own, and touch nothing outside of it.
cmake --install "$build" --prefix "$work/prefix" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "cmake --install failed"; }
[[ -x $work/prefix/bin/millraced && -f $work/prefix/etc/millrace/millraced.toml ]] || fail "cmake --install left something out"
echo "package_test: $(basename "$package") is whole"
