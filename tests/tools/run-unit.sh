#!/bin/sh
# Runs cmocka programs one after the other and counts their tests. Shows the
# whole output of a program that fails, or that ends before its own summary;
# of a skipped test one line, with the reason that the test has printed.
# LANES=N runs N at a time, for whoever has no time: some wait more than they
# work, and each has its own files and ports. Where it may be done, each has a
# network of its own, too: a socket with SO_REUSEADDR, as libcoap makes them,
# can be given the very port that somebody else's has.
set -u
if [ "${LANES:-1}" -gt 1 ]; then
    # shellcheck disable=SC2016  # the inner shell expands
    printf '%s\n' "$@" | xargs -n 1 -P "$LANES" env LANES=1 sh -c \
        'said=$(sh "$0" "$1") || :; printf "%s\n" "$said"' "$0" |
        awk -v n=$# '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ {
                p += $1; f += $3; s += $5; ends++; next
            }
            { print }
            END {
                f += n - ends # one that does not end with its sum
                printf "%d passed, %d failed, %d skipped\n", p, f, s
                exit f > 0
            }'
    exit
fi
passed=0 failed=0 skipped=0
apart=
# shellcheck disable=SC2016  # the inner shell expands
own='ip link set lo up && exec "$0"'
! unshare --net sh -c "$own" true 2>/dev/null || apart='unshare --net sh -c'
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 1' INT TERM HUP

# cmocka's closing lines: "[  PASSED  ] 12 test(s)." and the like; one of
# each for every group of tests in a program, whose name 1.1.7 puts before it
count() { # PASSED|FAILED|SKIPPED
    sed -n "s/^\[  *$1 *\] \([^ ]*: \)\{0,1\}\([0-9][0-9]*\) test.*/\2/p" "$log" |
        awk '{ n += $1 } END { print n + 0 }'
}
skips() { # each is named twice: where it happens, and in the closing list
    awk -v prog="$1" '
        /^SKIPPED: / { why = substr($0, 9) }
        /^\[  SKIPPED \] [^0-9]/ && !/listed below/ && !seen[$4]++ {
            print "  SKIPPED " prog " " $4 ":" why
            why = " it does not say why"
        }' "$log"
}

for t in "$@"; do
    name=${t#"${B:-build}"/tests/}
    rc=0
    ${apart:+$apart "$own"} "$t" >"$log" 2>&1 || rc=$?
    p=$(count PASSED) f=$(count FAILED) s=$(count SKIPPED)
    if [ "$rc" -eq 0 ] && [ "$f" -eq 0 ] && [ $((p + s)) -gt 0 ]; then
        skips "$name"
        printf '  ok   %-40s %s\n' "$name" "$p"
    else
        cat "$log"
        printf '  FAIL %s (exit %d)\n' "$name" "$rc"
        [ "$f" -gt 0 ] || f=1
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
