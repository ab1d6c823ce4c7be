# shellcheck shell=sh
# Sentences of suitctl in a folder of their own, and what is counted of them:
# . tests/e2e/offline.sh
# shellcheck disable=SC2034  # for the sentences of who reads this
S=$(pwd)/${B:-build}/suitctl
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 1
passed=0 failed=0

# t NAME EXIT-CODE LAST-LINE-PATTERN COMMAND...
t() {
    name=$1 want=$2 pattern=$3
    shift 3
    "$@" >out 2>&1
    got=$?
    # shellcheck disable=SC2254
    case $(tail -n 1 out) in
    $pattern) match=yes ;;
    *) match=no ;;
    esac
    if [ "$got" = "$want" ] && [ $match = yes ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $name: exit code $got (not $want), output:"
        cat out
    fi
}
# has NAME PATTERN: the output of the last command has such a line
has() {
    if grep -q -- "$2" out; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1: no line like $2 in:"
        cat out
    fi
}
# the last line of a suite, and its exit code
total() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}
