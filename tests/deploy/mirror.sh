#!/bin/sh
# The Debian mirror of this machine's own sources.
set -eu
mirror=$(awk '/^URIs:/ {print $2; exit}' \
    /etc/apt/sources.list.d/debian.sources 2>/dev/null) || :
[ -n "$mirror" ] || mirror=$(sed -n \
    's/^deb *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\) .*/\2/p' \
    /etc/apt/sources.list | head -n 1)
echo "$mirror"
