#!/bin/sh
# A small root of Debian SUITE as OUT.tar, what images are made from and what
# boots in tests: base.sh SUITE OUT.tar. The mirror is the machine's own. Two
# runs on the same day of the archive give the same bytes. As root; takes half
# a minute, and nothing when OUT.tar is there already.
set -eu
suite=$1 out=$2
[ -s "$out" ] && exit 0

mirror=$(sh "$(dirname "$0")/mirror.sh")
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1700000000}
export SOURCE_DATE_EPOCH

mkdir -p "$(dirname "$out")"
part=$(dirname "$out")/part.$$.tar # the name says the format
trap 'rm -f "$part"' EXIT
trap 'exit 1' INT TERM HUP
# docker-clean: without it every image made of this keeps its .debs
mmdebstrap -q --variant=minbase --mode=root \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --aptopt='APT::Install-Recommends "false"' \
    --customize-hook='echo "DPkg::Post-Invoke { \"rm -f \
/var/cache/apt/archives/*.deb || true\"; };" \
>"$1/etc/apt/apt.conf.d/docker-clean"' \
    --customize-hook='printf "#!/bin/sh\nexit 101\n" \
>"$1/usr/sbin/policy-rc.d"; chmod 755 "$1/usr/sbin/policy-rc.d"' \
    "$suite" "$part" "$mirror" </dev/null
mv "$part" "$out"
