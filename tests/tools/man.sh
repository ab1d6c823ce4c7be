#!/bin/sh
# Every man page is made and is well-formed.
set -u
p=0 f=0
make -s man || f=1
for m in "${B:-build}"/man/*; do
    if mandoc -T lint -W error "$m"; then p=$((p + 1)); else f=$((f + 1)); fi
done
echo "$p passed, $f failed"
[ "$f" = 0 ]
