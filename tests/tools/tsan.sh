#!/bin/sh
# Unit tests, then end-to-end tests, of a build with TSan: a report ends a
# program with 66, which neither kind of test takes for a success. Without
# randomized addresses: TSan of gcc 12 does not start with those that newer
# kernels choose.
# tsan.sh "UNIT TESTS" "END-TO-END TESTS"
set -u
export TSAN_OPTIONS="exitcode=66 second_deadlock_stack=1 suppressions=$PWD/tests/tools/tsan.supp"
unit=
for t in $1; do
    unit="$unit $B/tests/$t"
done
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 1' INT TERM HUP
(
    # shellcheck disable=SC2086  # names of ours
    setarch -R sh tests/tools/run-unit.sh $unit
    for t in $2; do
        echo "== $t"
        setarch -R python3 "tests/e2e/$t.py"
    done
) | tee "$log"
sh tests/tools/sum.sh "$(echo unit "$2" | wc -w)" "$log"
