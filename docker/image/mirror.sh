#!/bin/sh
# mirror.sh DEBIAN SECURITY: the base's own sources, with other addresses for
# .../debian and .../debian-security; empty ones stay. Only while building:
# what the image has stays as it was.
set -eu
set_uri() { # path address
    [ -n "$2" ] || return 0
    find /etc/apt/sources.list /etc/apt/sources.list.d -type f \
        -exec sed -i -E "s#https?://[^ ]*/$1/?( |\$)#$2\1#" {} +
}
[ -e /etc/apt/sources.list ] || : >/etc/apt/sources.list
set_uri debian-security "$2"
set_uri debian "$1"
