#!/bin/sh
# Unit tests, then end-to-end tests with the daemon, under valgrind. Any error
# is one: a byte that nobody has set, a block that nobody has freed. It makes a
# program end with 67, which neither kind of test takes for a success.
# memcheck.sh "UNIT TESTS" "END-TO-END TESTS"
set -u
command -v valgrind >/dev/null || {
    echo "  SKIPPED valgrind: it is not installed"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
check="valgrind -q --error-exitcode=67 --leak-check=full"
check="$check --errors-for-leak-kinds=definite,indirect"
check="$check --suppressions=$PWD/tests/tools/memcheck.supp"
# In a folder of our own, a program of the build that runs under valgrind.
wrap() { # program
    mkdir -p "$(dirname "$work/$1")"
    printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$check" "$PWD/$B/$1" >"$work/$1"
    chmod +x "$work/$1"
}
unit=
for t in $1; do
    wrap "tests/$t"
    unit="$unit $work/tests/$t"
done
wrap suitd
ln -s "$PWD/$B/suitctl" "$PWD/$B/suitsim" "$work"
(
    # shellcheck disable=SC2086  # names of ours
    B=$work sh tests/tools/run-unit.sh $unit
    for t in $2; do
        echo "== $t"
        B=$work python3 "tests/e2e/$t.py"
    done
) | tee "$work/log"
sh tests/tools/sum.sh "$(echo unit "$2" | wc -w)" "$work/log"
