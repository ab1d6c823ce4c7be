#!/bin/sh
# Prints the path of a promtool. Where none is installed, the distribution's
# package prometheus is fetched and unpacked below the build directory: to
# install it would start a server on the machine of whoever runs the tests.
# Exits 1 and says why where it cannot be had.
# promtool.sh [BUILD-DIR]
set -u
B=${1:-build}
here=$B/tools/prometheus

command -v promtool && exit 0
if [ -x "$here/usr/bin/promtool" ]; then
    echo "$here/usr/bin/promtool"
    exit 0
fi
command -v apt-get >/dev/null || {
    echo "no promtool, and no apt-get to fetch it with" >&2
    exit 1
}
mkdir -p "$B/tools" || exit 1
new=$(mktemp -d "$B/tools/new.XXXXXX") || exit 1
trap 'rm -rf "$new"' EXIT
trap 'exit 1' INT TERM HUP
if ! (cd "$new" && apt-get download -qq prometheus) >"$new/log" 2>&1; then
    echo "the package prometheus cannot be fetched: $(head -n 1 "$new/log")" >&2
    exit 1
fi
mkdir "$new/x"
dpkg-deb -x "$new"/prometheus_*.deb "$new/x"
if [ ! -x "$new/x/usr/bin/promtool" ]; then
    echo "the package prometheus has no usr/bin/promtool" >&2
    exit 1
fi
rm -rf "$here"
mv "$new/x" "$here" || exit 1
echo "$here/usr/bin/promtool"
