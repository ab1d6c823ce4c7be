#!/bin/sh
# Replays the corpus of every fuzz target without an engine: the inputs that
# fuzzing found interesting, and every one that ever crashed something.
set -u
passed=0 failed=0
for t in "$@"; do
    name=$(basename "$t")
    name=${name#fuzz_}
    if "$t" "tests/fuzz/corpus/$name"; then
        passed=$((passed + 1))
    else
        echo "FAIL $t"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
