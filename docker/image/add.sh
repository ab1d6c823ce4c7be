#!/bin/sh
# Our own files, and the place where state goes: a new volume takes over its
# owner and mode.
set -eu
here=$(dirname "$0")
cp -r "$here/root/." /
install -d -o 5683 -g 5683 -m 700 /var/lib/suitd
sh "$here/settle.sh"
