#!/bin/bash
# Debian 13 (newer libcoap, OpenSSL, SQLite, gcc): in a root made on the spot
# the tree is built with warnings as errors, and its tests run there: the unit
# tests, and the daemon's own that have to do with what is newer. With
# DEPLOY_FULL=1 its packages are made there, too, and a machine is booted with
# them.
set -u
cd "$(dirname "$0")/../.." || exit 1
# Of tests/e2e: registries beside the distribution's, or minutes; they run where
# `make check` does.
LEFT_OUT=" test_clients test_readme test_kill test_campaign test_fleet "

skip() {
    echo "  SKIPPED Debian 13: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}
[ "$(id -u)" = 0 ] || skip "a root can be made by root only"
command -v mmdebstrap >/dev/null || skip "mmdebstrap is not installed"
mirror=$(sh tests/deploy/mirror.sh trixie 2>&1) || skip "$mirror"

work=$(mktemp -d) || exit 1
root=$work/root child='' how=TERM
# what runs is ended first: it has its own namespaces, which hold the mounts
bye() {
    [ -z "$child" ] || { kill -s "$how" "$child" && wait "$child"; } 2>/dev/null
    for _ in 1 2 3 4 5 6 7 8 9; do
        rm -rf --one-file-system "$work" 2>/dev/null && return
        sleep 0.2
    done
    rm -rf --one-file-system "$work"
}
trap bye EXIT
trap 'exit 1' INT TERM HUP
run() { # so that a signal is heard meanwhile
    "$@" >"$work/log" 2>&1 </dev/null &
    child=$!
    local rc=0
    wait $child || rc=$?
    child=
    return $rc
}

groups='build|test'
[ -z "${DEPLOY_FULL:-}" ] || groups='build|test|deb'
packages=$(awk -F '\t' -v g="^($groups)\$" \
    '$1 ~ g && $2 !~ /^(nodejs|npm)$/ {print $2}' config/packages | paste -sd,)
# a client with OSCORE that nobody here wrote (Debian 12 has it in backports)
packages=$packages,python3-aiocoap,python3-cbor2,python3-cryptography,python3-filelock
if ! run mmdebstrap -q --variant=minbase --mode=root --include="$packages" \
    --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt=force-unsafe-io trixie "$root" "$mirror"; then
    tail -n 20 "$work/log"
    echo "0 passed, 1 failed"
    exit 1
fi

mkdir "$root/src" || exit 1
git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$root/src" || exit 1

# in namespaces of its own, so that nothing stays mounted and nobody runs on
inside() {
    how=KILL # unshare hears nothing else
    run unshare -m -p --fork --kill-child sh -c 'mount -t proc proc "$0/proc" &&
        mount --rbind /dev "$0/dev" && mount -t sysfs sysfs "$0/sys" &&
        mount -t tmpfs tmpfs "$0/tmp" && cd / && exec chroot "$0" env -i \
        PATH="$PATH" HOME=/root LANG=C.UTF-8 sh -c "cd /src && $1"' "$root" "$1"
    local rc=$?
    how=TERM
    return $rc
}
passed=0 failed=0 skipped=0
part() { # name command...
    local rc=0 line name=$1
    shift
    "$@" || rc=$?
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
    [ $rc -eq 0 ] || { echo "== $name: exit $rc"; cat "$work/log"; }
    grep '^  SKIPPED' "$work/log" | sed 's/SKIPPED/SKIPPED on Debian 13:/'
    echo "$name: ${line:-exit $rc} (at $SECONDS s)"
}

e2e=
for t in tests/e2e/test_*; do
    name=$(basename "${t%.*}")
    [[ $LEFT_OUT == *" $name "* ]] || e2e="$e2e $name"
done
part build inside 'make -s -j$(nproc) QUIET=1 everything'
part unit inside 'LANES=4 make -s --no-print-directory unit'
part e2e inside "bash tests/tools/check.sh build e2e $e2e"
if [ -n "${DEPLOY_FULL:-}" ]; then
    # a copy has no commit: it is built as a release, which upgrades to itself
    part packages inside 'bash config/deb.sh'
    export DEPLOY_SUITE=trixie DEPLOY_DEBS=$root/src/build/deb
    part boot run python3 tests/deploy/test_systemd.py
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
