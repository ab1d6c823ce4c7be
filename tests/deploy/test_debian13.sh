#!/bin/bash
# Debian 13 (newer libcoap, OpenSSL, SQLite, gcc): in a root made on the spot
# the tree is built with warnings as errors, and its tests run there: the unit
# tests, and the daemon's own but those that take minutes or need a registry
# beside the distribution's.
set -u
cd "$(dirname "$0")/../.." || exit 1
LEFT_OUT=" test_kill test_clients test_readme " # of tests/e2e

skip() {
    echo "  SKIPPED Debian 13: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}
[ "$(id -u)" = 0 ] || skip "a root can be made by root only"
command -v mmdebstrap >/dev/null || skip "mmdebstrap is not installed"

work=$(mktemp -d) || exit 1
root=$work/root
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' INT TERM HUP

# where this machine gets its packages from; "" is mmdebstrap's own default
mirror=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null)
[ -n "$mirror" ] || mirror=$(awk '$1 == "deb" && $2 ~ /^http/ {print $2; exit}' /etc/apt/sources.list 2>/dev/null)
packages=$(awk -F '\t' '/^(build|test)\t/ && $2 !~ /^(nodejs|npm)$/ {print $2}' config/packages | paste -sd,)
if ! mmdebstrap -q --variant=minbase --mode=root --include="$packages" \
    --aptopt='APT::Install-Recommends "false"' trixie "$root" ${mirror:+"$mirror"} >"$work/log" 2>&1; then
    tail -n 20 "$work/log"
    echo "0 passed, 1 failed"
    exit 1
fi

mkdir "$root/src" || exit 1
git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$root/src" || exit 1

# in a mount namespace of its own, so that nothing stays mounted
inside() {
    unshare -m sh -c 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" &&
        mount -t sysfs sysfs "$0/sys" && mount -t tmpfs tmpfs "$0/tmp" &&
        cd / && exec chroot "$0" env -i PATH="$PATH" HOME=/root LANG=C.UTF-8 sh -c "cd /src && $1"' "$root" "$1"
}
passed=0 failed=0 skipped=0
part() { # name command
    local rc=0 line
    inside "$2" >"$work/log" 2>&1 || rc=$?
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$work/log" | tail -n 1)
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
        skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
        [ $rc -eq 0 ] || [ "${BASH_REMATCH[2]}" -gt 0 ] || failed=$((failed + 1))
    elif [ $rc -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
    [ $rc -eq 0 ] || { echo "== $1: exit $rc"; cat "$work/log"; }
    grep '^  SKIPPED' "$work/log" | sed 's/SKIPPED/SKIPPED on Debian 13:/'
    echo "$1: ${line:-exit $rc}"
}

e2e=
for t in tests/e2e/test_*; do
    name=$(basename "${t%.*}")
    [[ $LEFT_OUT == *" $name "* ]] || e2e="$e2e $name"
done
part build 'make -s -j$(nproc) QUIET=1 everything'
part unit 'make -s --no-print-directory unit'
part e2e "bash tests/tools/check.sh build e2e $e2e"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
