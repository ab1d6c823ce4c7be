#!/bin/sh
# fetch.sh SUITE DIR PACKAGE...: Debian packages of another suite as files in
# DIR, from the machine's own mirror, without touching the machine's own apt.
# Those that are there already are not fetched again.
set -eu
suite=$1 dir=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir"
cd "$dir"
for p in "$@"; do
    ls "${p}_"*.deb >/dev/null 2>&1 || set -- "$@" "$p/$suite"
    shift
done
[ $# -gt 0 ] || exit 0

mirror=$(sh "$here/mirror.sh")
apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT
trap 'exit 1' INT TERM HUP
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \
$mirror $suite main" >"$apt/sources.list"
side() {
    apt-get -qq -o "Dir::Etc::SourceList=$apt/sources.list" \
        -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$apt/lists" \
        -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root "$@"
}
side update
side download "$@"
