#!/bin/sh
# run.sh SEEDS [NAME...]: plays every scenario of this folder, those marked
# GATE with SEEDS seeds, the others with a tenth of them, on all processors.
# A scenario with one seed is one verdict. The build directory is $B.
set -u
here=$(dirname "$0")
seeds=${1:-1}
shift
# state directories lie in memory where there is such a place
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ]; then TMPDIR=/dev/shm; fi
log=$(mktemp -d "${TMPDIR:-/tmp}/sim.XXXXXX")
export TMPDIR="$log" # goes with it, also after a run that was cut off
trap 'rm -rf "$log"' EXIT
trap 'exit 1' INT TERM HUP

[ $# -gt 0 ] || set -- "$here"/*.sim
for f in "$@"; do
    [ -e "$f" ] || f=$here/$f.sim
    [ -e "$f" ] || { echo "sim: no scenario $f" >&2; exit 2; }
    few=$(((seeds + 9) / 10))
    if grep -q '^GATE' "$f"; then few=$seeds; fi
    i=0
    while [ "$i" -lt "$few" ]; do
        i=$((i + 1))
        echo "$f $i"
    done
done >"$log/list"

# one file of output each, so that two that run at once do not mix theirs
export B log
# shellcheck disable=SC2016  # expanded by the inner shell
xargs -P "$(nproc)" -L 1 sh -c '
    out=$log/$(basename "$0" .sim).$1
    if timeout "${SIM_TIMEOUT:-600}" "${B:-build}/sim/sim" --seed "$1" "$0" >"$out" 2>&1; then
        echo "$0" >>"$log/passed"
    else
        echo "$0" >>"$log/failed"
        echo "  again: ${B:-build}/sim/sim -v --seed $1 $0" >>"$out"
    fi
    cat "$out"' <"$log/list"

# of a scenario that says ALLOW p%, that share of its seeds may miss
count() { if [ -e "$1" ]; then grep -c "$2" "$1"; else echo 0; fi; }
excused=0
sed 's/ .*//' "$log/list" | sort -u >"$log/files"
while read -r f; do
    share=$(sed -n 's/^ALLOW \([0-9]*\)%.*/\1/p' "$f")
    [ -n "$share" ] || continue
    all=$(grep -c "^$f " "$log/list") bad=$(count "$log/failed" "^$f\$")
    if [ "$bad" -gt 0 ] && [ $((bad * 100)) -le $((all * share)) ]; then
        echo "  $bad of $all seeds of $(basename "$f" .sim) missed, $share% may"
        excused=$((excused + bad))
    fi
done <"$log/files"
p=$(count "$log/passed" .)
n=$(grep -c . "$log/list")
# one that was killed has left no verdict
f=$((n - p - excused)) p=$((p + excused))
echo "$p passed, $f failed"
[ "$f" -eq 0 ]
