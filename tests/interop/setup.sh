#!/bin/bash
# Puts clients that nobody here wrote under DIR (default build/interop):
# aiocoap from the distribution (Debian 12: from backports, through a side
# apt configuration, so that the machine's own sources stay as they are) and
# node-coap from npm. Prints where PYTHONPATH and NODE_PATH must point.
set -eu
dir=$(mkdir -p "${1:-build/interop}" && cd "${1:-build/interop}" && pwd)

aiocoap() {
    python3 -c 'import aiocoap' 2>/dev/null && return
    [ -e "$dir/aiocoap/ok" ] && return
    local suite=bookworm-backports apt="$dir/apt" mirror
    # shellcheck disable=SC1091
    . /etc/os-release
    [ "${VERSION_CODENAME:-}" = bookworm ] || suite=$VERSION_CODENAME
    mirror=$(awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/*.sources 2>/dev/null)
    [ -n "$mirror" ] || mirror=$(awk '$1 == "deb" {for (i = 2; i <= NF; i++)
        if ($i ~ /^http/) {print $i; exit}}' /etc/apt/sources.list)
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$dir/aiocoap"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$apt/x.list"
    local o=(-o "Dir::Etc::SourceList=$apt/x.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt"
        -o APT::Sandbox::User=root -qq)
    apt-get "${o[@]}" update
    (cd "$apt" && apt-get "${o[@]}" download python3-aiocoap)
    dpkg-deb -x "$apt"/python3-aiocoap_*.deb "$dir/aiocoap"
    touch "$dir/aiocoap/ok"
}

nodecoap() {
    [ -e "$dir/node/node_modules/coap/package.json" ] && return
    mkdir -p "$dir/node"
    (cd "$dir/node" && echo '{"private": true}' >package.json &&
        npm install --silent --no-audit --no-fund --ignore-scripts coap@1.5.0 >/dev/null 2>&1)
}

aiocoap
nodecoap
echo "PYTHONPATH=$dir/aiocoap/usr/lib/python3/dist-packages"
echo "NODE_PATH=$dir/node/node_modules"
