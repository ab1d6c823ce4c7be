#!/bin/sh
# The last step of a layer: nothing in it may tell when it was made. A file of
# a layer below is emptied, never removed: the mark that it is gone has a time.
set -eu
find /var/lib/apt/lists -type f ! -name lock -delete
rm -f /var/cache/apt/*.bin /var/cache/ldconfig/aux-cache
find /var/log -type f -size +0 -exec truncate -s 0 {} +
# what the engine mounts is not part of the layer
find / -xdev \( -path /mnt -o -path /proc -o -path /sys -o -path /dev \
    -o -path /etc/resolv.conf -o -path /etc/hosts -o -path /etc/hostname \) \
    -prune -o -newermt "@$SOURCE_DATE_EPOCH" \
    -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
