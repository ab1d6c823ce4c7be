#!/bin/sh
# run.sh SEEDS [NAME...]: plays every scenario of this folder, those marked
# GATE with SEEDS seeds, the others with a tenth of them, on all processors.
# A scenario with one seed is one verdict. The build directory is $B.
set -u
here=$(dirname "$0")
seeds=${1:-1}
shift
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
trap 'exit 1' INT TERM HUP
# state directories lie in memory where there is such a place
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi

[ $# -gt 0 ] || set -- "$here"/*.sim
n=0
for f in "$@"; do
    [ -e "$f" ] || f=$here/$f.sim
    [ -e "$f" ] || { echo "sim: no scenario $f" >&2; exit 2; }
    few=$(((seeds + 9) / 10))
    if grep -q '^GATE' "$f"; then few=$seeds; fi
    i=0
    while [ $i -lt $few ]; do
        i=$((i + 1)) n=$((n + 1))
        echo "$f $i"
    done
done >"$log/list"

# one file of output each, so that two that run at once do not mix theirs
export B log
# shellcheck disable=SC2016  # expanded by the inner shell
xargs -P "$(nproc)" -L 1 sh -c '
    out=$log/$(basename "$0" .sim).$1
    if "${B:-build}/sim/sim" --seed "$1" "$0" >"$out" 2>&1; then
        echo "$0" >>"$log/passed"
    else
        echo "$0" >>"$log/failed"
        echo "  again: ${B:-build}/sim/sim -v --seed $1 $0" >>"$out"
    fi
    cat "$out"' <"$log/list"

count() { if [ -e "$1" ]; then wc -l <"$1"; else echo 0; fi; }
p=$(count "$log/passed") f=$(count "$log/failed") n=$(wc -l <"$log/list")
# one that was killed has left no verdict
[ $((p + f)) -eq "$n" ] || f=$((n - p))
echo "$p passed, $f failed"
[ "$f" -eq 0 ]
