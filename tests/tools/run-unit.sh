#!/bin/sh
# Runs cmocka programs one after the other; shows the output of a failing one.
set -u
failed=0
passed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for t in "$@"; do
    if "$t" >"$log" 2>&1; then
        grep 'SKIPPED' "$log"
        n=$(sed -n 's/.*\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" | tail -n 1)
        passed=$((passed + ${n:-1}))
        printf '  ok   %-40s %s\n' "${t#"${B:-build}"/tests/}" "${n:-?}"
    else
        cat "$log"
        printf '  FAIL %s\n' "${t#"${B:-build}"/tests/}"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
exit $((failed > 0))
