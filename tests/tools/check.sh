#!/bin/bash
# make check: every suite, added up at the end. A suite ends with its own line
# "N passed, N failed[, N skipped]": one that ends otherwise has crashed, and
# counts as a failure. What cannot be tested here says SKIPPED and why, a line
# each; the output of a suite is shown only when it fails.
# check.sh BUILD-DIR              all but the suites of tests/deploy
# check.sh BUILD-DIR e2e|deploy [NAME...]   the suites of that folder, or some
set -um # each suite is a process group: what ends it ends what it started
B=${1:-build}
export B
folder=${2:-}
shift $(($# < 2 ? $# : 2))
names=" $* " # none: all of them
# the long ones, which wait more than they compute: one after the other, beside
# all others
BESIDE=" test_backup test_campaign test_disk_full test_examples test_fleet test_kill test_life \
test_metrics test_proof test_restore test_restore_kill test_rules "
[ "$folder" != deploy ] || BESIDE=" test_analyze test_deb test_docker test_systemd "
# Where it may be done, each suite of e2e has a network of its own: nobody else
# can take the port that it has just found free. These fetch what they test
# with, clients and promtool.
FETCH=" test_clients test_metrics test_rules "
apart=()
# shellcheck disable=SC2016  # the inner shell expands
own='ip link set lo up && exec "$@"'
if [ "$folder" != deploy ] && unshare --net sh -c "$own" sh true 2>/dev/null; then
    apart=(unshare --net sh -c "$own" sh)
fi
work=$(mktemp -d)
child='' lane=''
stop() {
    [ -z "$child" ] || kill -- "-$child" 2>/dev/null
    [ -z "$lane" ] || kill "$lane" 2>/dev/null
    wait
    exit 1
}
trap 'rm -rf "$work"' EXIT
trap stop INT TERM HUP

suite() { # name command...
    local name=$1 rc=0 t0=$SECONDS p=0 f=0 s=0 line log=$work/$1
    shift
    "$@" >"$log" 2>&1 </dev/null &
    child=$!
    wait "$child" || rc=$?
    child=''
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" | tail -n 1)
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[4]:-0}
        if [ $rc -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
    else
        f=1
    fi
    (
        flock 9
        if [ "$f" -eq 0 ]; then
            grep -E '^  (SKIPPED|\|) ' "$log"
        else
            cat "$log"
            printf '  %s: exit %d\n' "$name" $rc
        fi
        printf '%-14s %4d passed, %d failed, %d skipped  (%d s)\n' \
            "$name" "$p" "$f" "$s" $((SECONDS - t0))
    ) 9>"$work/lock"
    echo "$p $f $s" >>"$work/results"
}

suites() { # beside|rest
    local t name where run
    for t in tests/"${folder:-e2e}"/test_*; do
        name=$(basename "${t%.*}")
        where=rest
        [[ $BESIDE != *" $name "* ]] || where=beside
        [ "$names" = "  " ] || [[ $names == *" $name "* ]] || continue
        [ $where = "$1" ] || continue
        run=(python3)
        [[ $t != *.sh ]] || run=(bash)
        [[ $FETCH == *" $name "* ]] || run=("${apart[@]}" "${run[@]}")
        suite "$name" "${run[@]}" "$t"
    done
}

(
    set -m
    trap - EXIT
    trap stop INT TERM HUP
    export LANE=beside # fixture.py: its own half of the ports
    suites beside
) &
lane=$!
if [ -z "$folder" ]; then
    suite layers sh tests/tools/layers.sh
    suite style sh tests/tools/style.sh
    suite scripts sh tests/tools/scripts.sh
    suite man sh tests/tools/man.sh
    suite systemd sh tests/tools/systemd.sh
    suite sbom python3 tests/tools/sbom.py "$B"
    suite matrix python3 tests/tools/matrix.py
    [ -n "${SAN:-}" ] || suite hardening sh tests/tools/hardening.sh "$B"
    suite unit env LANES=2 make -s --no-print-directory unit SAN="${SAN:-}"
    suite sim-self bash tests/sim/test_sim.sh
    suite sim make -s --no-print-directory sim SAN="${SAN:-}"
    suite fuzz-corpus make -s --no-print-directory fuzz-replay SAN="${SAN:-}"
fi
suites rest
wait "$lane"
lane=''
printf '\n%d s\n' $SECONDS
awk '{ p += $1; f += $2; s += $3 }
    END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || p == 0 }' "$work/results"
