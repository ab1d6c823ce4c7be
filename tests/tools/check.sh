#!/bin/bash
# make check: every suite, added up at the end. A suite ends with its own line
# "N passed, N failed[, N skipped]": one that ends otherwise has crashed, and
# counts as a failure. What cannot be tested here says SKIPPED and why, a line
# each; the output of a suite is shown only when it fails.
# check.sh BUILD-DIR [e2e]
set -u
B=${1:-build}
export B
log=$(mktemp)
passed=0 failed=0 skipped=0 t00=$SECONDS
trap 'rm -f "$log"' EXIT
trap 'exit 1' INT TERM HUP

suite() { # name command...
    local name=$1 rc=0 t0=$SECONDS p=0 f=0 s=0 line
    shift
    "$@" >"$log" 2>&1 </dev/null || rc=$?
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" | tail -n 1)
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[4]:-0}
        if [ $rc -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
    else
        f=1
    fi
    if [ "$f" -eq 0 ]; then
        grep '^  SKIPPED' "$log"
    else
        cat "$log"
        printf '  %s: exit %d\n' "$name" $rc
    fi
    printf '%-14s %4d passed, %d failed, %d skipped  (%d s)\n' \
        "$name" "$p" "$f" "$s" $((SECONDS - t0))
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

if [ "${2:-}" != e2e ]; then
    suite layers sh tests/tools/layers.sh
    suite style sh tests/tools/style.sh
    suite scripts sh tests/tools/scripts.sh
    suite man sh tests/tools/man.sh
    suite systemd sh tests/tools/systemd.sh
    suite unit make -s --no-print-directory unit SAN="${SAN:-}"
    suite sim-self bash tests/sim/test_sim.sh
    suite sim make -s --no-print-directory sim SAN="${SAN:-}"
    suite fuzz-corpus make -s --no-print-directory fuzz-replay SAN="${SAN:-}"
fi
for t in tests/e2e/test_*.sh tests/e2e/test_*.py; do
    [ -e "$t" ] || continue
    case $t in
    *.py) suite "$(basename "$t" .py)" python3 "$t" ;;
    *) suite "$(basename "$t" .sh)" bash "$t" ;;
    esac
done
printf '\n%d s\n%d passed, %d failed, %d skipped\n' $((SECONDS - t00)) "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
