#!/bin/sh
# build.sh OUT: compiles, and lays out what each stage adds to the base:
# OUT/lib the names of packages, OUT/suitd and OUT/suitsim files under root/.
set -eu
out=$1
here=$(dirname "$0")
bins='suitd suitctl suitsim'

make -s QUIET=1 CFLAGS= -j"$(nproc)" build/suitd build/suitctl build/suitsim
mkdir -p "$out/lib" "$out/suitd/root/usr/bin" "$out/suitd/root/etc/suitd" \
    "$out/suitsim/root/usr/bin"
install -s -m 755 build/suitd build/suitctl "$out/suitd/root/usr/bin"
install -s -m 755 build/suitsim build/suitctl "$out/suitsim/root/usr/bin"
install -m 644 docker/suitd.conf "$out/suitd/root/etc/suitd/suitd.conf"

# Which packages have the libraries that the loader finds for us; one list,
# and it cannot be wrong. tzdata is opened, not linked.
for b in $bins; do ldd "build/$b"; done |
    awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u |
    xargs -n 1 realpath | xargs dpkg-query -S |
    sed 's/:.*//' | sort -u >"$out/lib/packages"
echo tzdata >>"$out/lib/packages"

# What the engine mounts its own files on while a layer is made: where they are
# missing it makes and removes them, and /etc has the time of that.
mkdir -p "$out/stub/etc"
touch "$out/stub/etc/hosts" "$out/stub/etc/hostname" "$out/stub/etc/resolv.conf"
find "$out/stub" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +

cp -r /etc/apt "$out/lib/apt"
cp "$here/lib.sh" "$here/settle.sh" "$out/lib"
cp "$here/add.sh" "$here/settle.sh" "$out/suitd"
cp "$here/add.sh" "$here/settle.sh" "$out/suitsim"
