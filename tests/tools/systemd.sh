#!/bin/sh
# The unit, as systemd-analyze reads it: no key that systemd does not know, a
# sandbox of 1.3 at the most (of 10), on the oldest systemd that we support;
# and promises of its text that no tool knows.
# systemd.sh [FOLDER-OF-THE-UNIT]
set -u
unit=${1:-systemd}/suitd.service
p=0 f=0
if ! command -v systemd-analyze >/dev/null; then
    echo "  SKIPPED systemd.sh: no systemd-analyze here"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM HUP

ok() { # what command...
    what=$1
    shift
    if "$@" >"$tmp/out" 2>&1; then
        p=$((p + 1))
    else
        f=$((f + 1))
        echo "systemd: $what"
        cat "$tmp/out"
    fi
}

# A program that is there: ours may not be installed.
sed 's|/usr/sbin/suitd |/bin/true |' "$unit" >"$tmp/suitd.service"
ok "the unit has mistakes" systemd-analyze verify --man=no --recursive-errors=yes "$tmp/suitd.service"
ok "the sandbox has holes" systemd-analyze security --offline=yes --threshold=13 "$unit"
for line in 'Type=notify' 'Restart=on-failure' 'StartLimitIntervalSec=0' 'KillSignal=SIGTERM' 'CapabilityBoundingSet='; do
    ok "it lacks $line" grep -qx "$line" "$unit"
done
ok "nobody feeds a watchdog" grep -qE '^WatchdogSec=[1-9]' "$unit"
for example in "$unit".d/*.example; do
    ok "$example has no section" grep -qx '\[Service\]' "$example"
done
echo "$p passed, $f failed"
[ "$f" = 0 ]
