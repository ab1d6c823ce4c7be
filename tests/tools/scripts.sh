#!/bin/sh
# Every shell script parses and passes shellcheck.
set -u
list=$(git ls-files '*.sh' 2>/dev/null)
[ -n "$list" ] || list=$(find . -name '*.sh' -not -path './build/*')
p=0 f=0
for s in $list; do
    if shellcheck -S warning "$s"; then p=$((p + 1)); else f=$((f + 1)); fi
done
echo "$p passed, $f failed"
[ "$f" = 0 ]
