#!/bin/sh
# Prints C: db/schema/NNNN_name.sql as an array of {number, name, text}.
set -eu
echo '#include "db/schema.h"'
echo 'const struct schema_step schema_steps[] = {'
for f in "$@"; do
    b=$(basename "$f" .sql)
    n=$(printf '%s' "$b" | sed 's/^0*\([0-9]*\)_.*/\1/')
    printf '{%s, "%s",\n' "$n" "$b"
    sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$/\\n"/' "$f"
    echo '},'
done
echo '{0, 0, 0}};'
