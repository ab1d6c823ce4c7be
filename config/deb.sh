#!/bin/bash
# make deb: the Debian packages of the last commit, in B/deb. What is not
# committed is not in them.
#
# The version tells what it is of. A commit that carries the tag vVERSION is
# VERSION-1; any other is VERSION~TIME.gCOMMIT-1, which sorts below the release
# and above every commit before. The suffix is the distribution's: packages of
# Debian 12 and 13 differ by what they link, and an upgrade takes the newer.
#
# Two builds of a commit on the same distribution are equal, byte for byte: all
# times are the commit's, and no path gets in. `deb.sh version` only tells.
set -eu
B=${B:-build}
base=$(sed -n 's/^VERSION := //p' Makefile)
# shellcheck source=/dev/null
suite=-1+$(. /etc/os-release && echo "${ID%%-*}" | sed 's/^debian$/deb/')$(. /etc/os-release && echo "${VERSION_ID:-}")

version=$base$suite
if [ -e .git ]; then
    commit=$(git rev-parse --short=10 HEAD)
    when=$(git log -1 --format=%cD)
    [ "$(git tag --points-at HEAD "v$base")" ] ||
        version=$base~$(TZ=UTC git log -1 --date=format-local:%Y%m%d%H%M%S --format=%cd).g$commit$suite
else
    when=$(dpkg-parsechangelog -S Date) # a tarball: a release
fi
if [ "${1:-}" = version ]; then
    echo "$version"
    exit
fi

out=$B/deb
arch=$(dpkg --print-architecture)
if [ -e "$out/suitd_${version}_$arch.changes" ]; then
    echo "$out has version $version"
    exit
fi
[ -z "${commit:-}" ] || git diff --quiet HEAD || echo "deb: what is not committed is not in it"
mkdir -p "$out"
work=$(mktemp -d "${TMPDIR:-/tmp}/suitd-deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
mkdir "$work/suitd"
if [ -n "${commit:-}" ]; then
    git archive HEAD | tar -x -C "$work/suitd"
else
    tar -c --exclude=./build . | tar -x -C "$work/suitd"
fi
# the newest entry is what is being built
sed -i -e "1s/(.*)/($version)/" -e "0,/^ -- /s/^\( -- .*>  \).*/\1$when/" "$work/suitd/debian/changelog"

# not as a part of the make that runs us, nor with its flags
log=$work/log
if ! (cd "$work/suitd" && env -u MAKEFLAGS -u MAKELEVEL -u B -u CFLAGS -u LDFLAGS \
    dpkg-buildpackage -b -us -uc "-j$(nproc)") >"$log" 2>&1 </dev/null; then
    tail -n 40 "$log" >&2
    echo "deb: dpkg-buildpackage failed" >&2
    exit 1
fi
rm -f "$out"/*.deb "$out"/*.changes "$out"/*.buildinfo
cp "$log" "$out/build.log"
mv "$work"/*.deb "$work"/*.buildinfo "$work"/*.changes "$out"
ls "$out"/*.deb
