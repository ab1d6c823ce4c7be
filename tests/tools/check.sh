#!/bin/bash
# make check: every suite, each with its own summary line "N passed, N
# failed", added up at the end. A suite that cannot run says SKIPPED aloud.
# check.sh BUILD-DIR
set -u
B=${1:-build}
export B
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
passed=0 failed=0 skipped=0

suite() { # name command...
    local name=$1 t0=$SECONDS
    shift
    printf '== %s\n' "$name"
    "$@" >"$log/out" 2>&1
    local rc=$? p f s
    p=$(sed -n 's/^.*\b\([0-9][0-9]*\) passed, [0-9][0-9]* failed.*$/\1/p' "$log/out" | tail -n 1)
    f=$(sed -n 's/^.*\b[0-9][0-9]* passed, \([0-9][0-9]*\) failed.*$/\1/p' "$log/out" | tail -n 1)
    s=$(grep -c 'SKIPPED' "$log/out")
    if [ $rc -ne 0 ] || [ "${f:-0}" -ne 0 ]; then
        cat "$log/out"
        [ "${f:-0}" -ne 0 ] || f=1
    else
        grep -E 'SKIPPED' "$log/out"
        [ -n "$p" ] || p=1
    fi
    printf '   %s: %s passed, %s failed (%d s)\n' "$name" "${p:-0}" "${f:-0}" $((SECONDS - t0))
    passed=$((passed + ${p:-0}))
    failed=$((failed + ${f:-0}))
    skipped=$((skipped + s))
}

suite layers sh tests/tools/layers.sh
suite style sh tests/tools/style.sh
suite scripts sh tests/tools/scripts.sh
suite man sh tests/tools/man.sh
suite unit make -s unit SAN="${SAN:-}"
suite fuzz-corpus make -s fuzz-replay SAN="${SAN:-}"
for t in tests/e2e/test_*.sh tests/e2e/test_*.py; do
    [ -e "$t" ] || continue
    case $t in
    *.py) suite "$(basename "$t" .py)" python3 "$t" ;;
    *) suite "$(basename "$t" .sh)" bash "$t" ;;
    esac
done
printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
