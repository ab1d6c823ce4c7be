#!/bin/bash
# The simulator itself: verdicts, exit codes, what a miss says, and that a
# run depends on nothing but its file and its seed.
set -u
B=${B:-build}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

ok() { # name condition...
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "  FAIL $name"
    fi
}

# exits NAME CODE < scenario; the output is in $dir/NAME.out
exits() {
    local rc=0
    cat >"$dir/$1.sim"
    "$B/sim/sim" --seed 3 "$dir/$1.sim" >"$dir/$1.out" 2>&1 || rc=$?
    [ $rc -eq "$2" ]
}
says() { grep -qE "$2" "$dir/$1.out"; }
traced() { # seed store
    sed "s/^STORE .*/STORE $2/" "$dir/world.sim" >"$dir/world-$2.sim"
    "$B/sim/sim" -v --seed "$1" "$dir/world-$2.sim" | sed '$d'
}

small='FLEET 20 kind=trigger
RELEASE 2
SETTLE 2m
AT 1s CAMPAIGN 2 waves=100% concurrency=5
AT 1h'

ok 'met: 0' exits met 0 <<<"$small EXPECT done == 100%"
ok 'missed: 1' exits missed 1 <<<"$small EXPECT done < 20"
ok 'a miss has file, line, seed, wanted, got' says missed \
    'missed\.sim:5: seed 3: wanted done < 20, got 20'
ok 'a miss has the last lines of what happened' \
    test "$(grep -c '^    ' "$dir/missed.out")" -eq 40
ok 'FAILS turns it round' exits turned 0 <<<"FAILS
$small EXPECT done < 20"
ok 'FAILS with one that is met: 1' exits turned2 1 <<<"FAILS
$small EXPECT done < 20
EXPECT done == 20"
ok 'no expectation: nonsense' exits none 2 <<<"$small STEP 1s"
ok 'unknown metric: nonsense' exits metric 2 <<<"$small EXPECT luck == 1"
ok 'unknown statement: nonsense' exits word 2 <<<"$small DANCE"
ok 'nonsense names its line' says word 'word\.sim:5: '
ok 'set-up behind the first AT: nonsense' exits late 2 <<<"$small FLEET 1"
ok 'back in time: nonsense' exits back 2 <<<"$small STEP 1s
AT 1m EXPECT done == 1"
ok 'a share where none can be: nonsense' exits unit 2 \
    <<<"$small EXPECT requests_per_device <= 5%"

ok 'a metric of one group' exits group 0 <<<"FLEET 5 kind=trigger
$small EXPECT done@ga- == 100%
EXPECT done@gb- == 20
EXPECT done == 25"
ok 'a group that is none: nonsense' exits group2 2 \
    <<<"$small EXPECT done@gz- == 1"
ok 'a metric that no group has: nonsense' exits group3 2 \
    <<<"$small EXPECT makespan@ga- <= 1h"

cat >"$dir/world.sim" <<'SIM'
STORE mem
RELEASE 2 BADBOOT 5%
FLEET 60 kind=trigger
FLEET 60 kind=observe auth boot=5m
FLEET 60 kind=poll boot=5m sleep=20m/10m
SETTLE 10m
LATENCY 10ms..200ms
DROP 10%
DUP 5%
AT 1m CAMPAIGN 2 waves=100% concurrency=10
AT 2m..4m KILL daemon
AT 5m OUTAGE 2m
AT 8m POWER off 50%
AT 9m POWER on all
AT 10m..12m KILL daemon for 30s
UNTIL 12h
EXPECT done >= 1
SIM
traced 1 mem >"$dir/a"
traced 1 mem >"$dir/b"
traced 2 mem >"$dir/c"
traced 1 sqlite >"$dir/d"
ok 'a run is a long one' test "$(wc -l <"$dir/a")" -gt 500
ok 'same seed, same run' cmp -s "$dir/a" "$dir/b"
ok 'another seed, another run' test "$(cmp -s "$dir/a" "$dir/c"; echo $?)" -eq 1
ok 'the twins of the store play the same run' cmp -s "$dir/a" "$dir/d"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
