#!/bin/sh
# Installs what is missing from the distribution: deps.sh GROUP...
# Groups are the first column of config/packages. As root, or through sudo.
# Says what it installs and why; quiet and offline when nothing is missing.
set -eu
here=$(dirname "$0")
want=$(mktemp)
log=$(mktemp)
trap 'rm -f "$want" "$log"' EXIT

installed() { # package; node and npm from elsewhere are as good
    case $1 in
    nodejs) command -v node >/dev/null && return 0 ;;
    npm) command -v npm >/dev/null && return 0 ;;
    pkg-config) command -v pkg-config >/dev/null && return 0 ;;
    esac
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

for group in "$@"; do
    grep "^$group	" "$here/packages" >"$log" || {
        echo "deps: no group '$group' in $here/packages" >&2
        exit 2
    }
    while IFS='	' read -r _ pkg why; do
        installed "$pkg" || printf '%s\t%s\n' "$pkg" "$why" >>"$want"
    done <"$log"
done

[ -s "$want" ] || exit 0
sudo=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        {
            echo "deps: not installed, and there is neither root nor sudo to install them:"
            sed 's/^/  /' "$want" | expand -t 24
            echo "as root, please:"
            echo "  apt-get install --no-install-recommends $(cut -f1 "$want" | tr '\n' ' ')"
        } >&2
        exit 1
    }
    sudo=sudo
fi
echo "deps: installing from the distribution${sudo:+ (through sudo)}:"
sed 's/^/  /' "$want" | expand -t 24
# shellcheck disable=SC2046  # one word per package is what is wanted
if ! { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $(cut -f1 "$want"); } \
    >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    echo "deps: apt-get failed, see above" >&2
    exit 1
fi
