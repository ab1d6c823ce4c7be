#!/bin/sh
# Adds up the last lines of so many suites, in one log; a suite without one has
# crashed, and counts as a failure.
# sum.sh SUITES LOG
awk '/^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ {
        p += $1; f += $3; s += $5; ends++
    }
    END {
        f += n - ends
        printf "%d passed, %d failed, %d skipped\n", p, f, s
        exit f > 0 || p == 0
    }' n="$1" "$2"
