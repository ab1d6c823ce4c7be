#!/bin/sh
# The libraries, as packages, so that whoever looks for known weaknesses finds
# them in dpkg's list; and the user, by lines and not by useradd, which would
# note the day. The sources are the build stage's: the image keeps its own.
set -eu
here=$(dirname "$0")
apt="apt-get -qq -o Dir::Etc=$here/apt"
export DEBIAN_FRONTEND=noninteractive
$apt update
# shellcheck disable=SC2046  # one word per package is what is wanted
$apt install -y --no-install-recommends $(cat "$here/packages") >/dev/null
apt-get clean
echo 'suitd:x:5683:5683:suitd:/var/lib/suitd:/usr/sbin/nologin' >>/etc/passwd
echo 'suitd:x:5683:' >>/etc/group
sh "$here/settle.sh"
