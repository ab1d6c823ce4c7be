#!/bin/sh
# Limits of the house style (HACKING.md): functions, files, #if, and the
# rule that time and luck come only from the loop.
set -u
bad=0
src=$(ls lib/*.c db/*.c daemon/*.c cli/*.c device/*.c 2>/dev/null)
all=$(ls lib/*.[ch] db/*.[ch] daemon/*.[ch] cli/*.[ch] device/*.[ch] 2>/dev/null)
# folders of tests whose files are as short as all others
tests="bench cli daemon db device e2e fuzz lib preload rig sim"
short=$(for d in $tests; do ls "tests/$d"/*.[ch] "tests/$d"/*.py 2>/dev/null; done)

fail() { echo "style: $*"; bad=1; }

long=$(ctags -x --c-kinds=f --_xformat='%{end} %n %N %F' $src |
    awk '{ l = $1 - $2 + 1; if (l > 100) print $3 " in " $4 " has " l " lines (limit 100)" }')
[ -z "$long" ] || fail "$long"
for f in $all $short; do
    n=$(wc -l <"$f")
    [ "$n" -le 600 ] || fail "$f has $n lines (limit 600)"
done
ifs=$(grep -nE '^#[[:space:]]*(if|ifdef|ifndef)' $src)
[ -z "$ifs" ] || fail "#if in a .c file: $ifs"
time=$(grep -nE '\b(time|gettimeofday|clock_gettime|rand|random|srand)\(' lib/*.c db/*.c daemon/*.c |
    grep -v '^daemon/loop.c:' | grep -vE 'loop_(rand|time)|backoff_rand|^\S+:[0-9]+:[[:space:]]*(/?\*|//)')
[ -z "$time" ] || fail "time or luck outside of daemon/loop.c: $time"
logs=$(grep -nE '\b(printf|fprintf|log_(info|warn|error|debug))\(' lib/*.c db/*.c)
[ -z "$logs" ] || fail "lib and db never log: $logs"
todo=$(grep -rnE '\b(TODO|FIXME|XXX)\b' $all | grep -v '#[0-9]')
[ -z "$todo" ] || fail "TODO without an issue's number: $todo"
echo "$((1 - bad)) passed, $bad failed"
[ "$bad" = 0 ]
