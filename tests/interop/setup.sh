#!/bin/bash
# Puts clients that nobody here wrote under DIR (default build/interop):
# aiocoap from the distribution (Debian 12: from backports) through a side apt
# configuration, so that the machine's own sources and packages stay as they
# are and no root is needed, and node-coap from npm. What is there already is
# not fetched again. Prints where PYTHONPATH and NODE_PATH must point.
set -eu
dir=$(mkdir -p "${1:-build/interop}" && cd "${1:-build/interop}" && pwd)
say=$dir/said.log

# The mirror this machine uses for Debian itself, whatever else it knows.
mirror() {
    {
        apt-get indextargets --format '$(SITE)' 'Created-By: Packages' \
            'Origin: Debian' "Codename: $VERSION_CODENAME"
        cat /etc/apt/sources.list /etc/apt/sources.list.d/* |
            grep -vE '^[[:space:]]*#' | grep -oE 'https?://[^ ]+/debian/?( |$)'
    } 2>/dev/null | grep -m 1 .
}

aiocoap() {
    ! python3 -c 'import aiocoap' 2>/dev/null || return 0
    [ ! -e "$dir/aiocoap/ok" ] || return 0
    local apt=$dir/apt suite at
    # shellcheck disable=SC1091
    . /etc/os-release
    suite=$VERSION_CODENAME
    [ "$suite" != bookworm ] || suite=bookworm-backports
    at=$(mirror)
    rm -rf "$apt"
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$dir/aiocoap"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $at $suite main" >"$apt/x.list"
    local o=(-o "Dir::Etc::SourceList=$apt/x.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt"
        -o "APT::Sandbox::User=$(id -un)" -qq)
    (
        apt-get "${o[@]}" update &&
        cd "$apt" &&
        apt-get "${o[@]}" download python3-aiocoap &&
        dpkg-deb -x python3-aiocoap_*.deb "$dir/aiocoap"
    ) >"$say" 2>&1 || failed "python3-aiocoap from $suite of '$at'"
    touch "$dir/aiocoap/ok"
}

nodecoap() {
    [ ! -e "$dir/node/ok" ] || return 0
    rm -rf "$dir/node"
    mkdir -p "$dir/node"
    (
        cd "$dir/node" &&
        echo '{"private": true}' >package.json &&
        npm install --no-audit --no-fund --ignore-scripts --cache "$dir/node/cache" coap@1.5.0 &&
        rm -rf cache
    ) >"$say" 2>&1 || failed "coap@1.5.0 from npm"
    touch "$dir/node/ok"
}

failed() {
    tail -n 15 "$say" >&2
    echo "setup.sh: cannot get $1, see above" >&2
    exit 1
}

aiocoap
nodecoap
echo "PYTHONPATH=$dir/aiocoap/usr/lib/python3/dist-packages"
echo "NODE_PATH=$dir/node/node_modules"
