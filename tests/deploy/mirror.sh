#!/bin/sh
# The Debian mirror of this machine's own sources. Asked for a SUITE it looks
# whether that is there: exits 1 and says why where it cannot be had.
# mirror.sh [SUITE]
set -eu
mirror=$(awk '/^URIs:/ {print $2; exit}' \
    /etc/apt/sources.list.d/debian.sources 2>/dev/null) || :
[ -n "$mirror" ] || mirror=$(sed -n \
    's/^deb *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\) .*/\2/p' \
    /etc/apt/sources.list 2>/dev/null | head -n 1)
[ -n "$mirror" ] || {
    echo "this machine's apt knows no mirror" >&2
    exit 1
}
if [ $# -gt 0 ]; then
    release=$(mktemp)
    trap 'rm -f "$release"' EXIT
    trap 'exit 1' INT TERM HUP
    /usr/lib/apt/apt-helper -o Acquire::http::Timeout=20 \
        -o Acquire::Retries=0 download-file \
        "$mirror/dists/$1/InRelease" "$release" >/dev/null 2>&1 || {
        echo "this machine's mirror is not reached, or has no $1" >&2
        exit 1
    }
fi
echo "$mirror"
