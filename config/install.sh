#!/bin/sh
# make install, make uninstall: install.sh install|uninstall HEADER...
# The directories come from the Makefile by the environment. One list says what
# goes where; both walk it, so that what one puts the other takes away.
# A configuration file that somebody has changed stays, both times.
set -eu
what=$1
shift
doc=$DATADIR/doc/suitd
mine=$B/install

under() { # mode directory file...: each keeps its place below the directory
    mode=$1 dir=$2
    shift 2
    for f in "$@"; do
        [ ! -f "$f" ] || echo "$mode $f $dir/$f"
    done
}

files() { # mode source destination
    cat <<END
755 $B/suitd $SBINDIR/suitd
755 $B/suitctl $BINDIR/suitctl
755 $B/suitsim $BINDIR/suitsim
644 $mine/suitctl $DATADIR/bash-completion/completions/suitctl
644 $mine/suitd.service $UNITDIR/suitd.service
644 systemd/suitd.sysusers $SYSUSERSDIR/suitd.conf
644 systemd/suitd.tmpfiles $TMPFILESDIR/suitd.conf
644 $B/sdk/libsuitdev.a $LIBDIR/libsuitdev.a
644 $mine/suitdev.pc $LIBDIR/pkgconfig/suitdev.pc
END
    for f in docs/man/*.scd; do
        f=$(basename "$f" .scd)
        echo "644 $B/man/$f $DATADIR/man/man${f##*.}/$f"
    done
    under 644 "$INCLUDEDIR/suitdev" "$@"
    under 644 "$doc" README.md CHANGELOG.md LICENSE SECURITY.md docs/*.md docs/*.txt docs/figures/* \
        docker/README.md docker/prometheus/prometheus.yml docker/prometheus/suitd.rules.yml docker/grafana/dashboards/*
    find docs/examples -type f | sort | while read -r f; do
        echo "644 $f $doc/${f#docs/}"
    done
    for f in systemd/*.d/*.example; do
        echo "644 $f $doc/examples/${f#systemd/}"
    done
}

conf=$DESTDIR$SYSCONFDIR/suitd/suitd.conf
list=$mine/files
mkdir -p "$mine"
files "$@" >"$list"

if [ "$what" = install ]; then
    # what depends on where things go
    sed -e "s,^\(Exec[A-Za-z]*=\)/usr/sbin/,\1$SBINDIR/," \
        -e "/^Exec/s, /etc/suitd/, $SYSCONFDIR/suitd/," systemd/suitd.service >"$mine/suitd.service"
    "$B/suitctl" completion bash >"$mine/suitctl"
    sed -e "s,@VERSION@,$VERSION," -e "s,@LIBDIR@,$LIBDIR," -e "s,@INCLUDEDIR@,$INCLUDEDIR," \
        device/suitdev.pc.in >"$mine/suitdev.pc"
    while read -r mode from to; do
        install -D -m "$mode" "$from" "$DESTDIR$to"
    done <"$list"
    if [ ! -e "$conf" ]; then
        install -D -m 644 config/suitd.conf "$conf"
    elif ! cmp -s config/suitd.conf "$conf"; then
        echo "$conf is yours and stays; config/suitd.conf has every key"
    fi
    [ -n "$DESTDIR" ] || cat <<END
installed under $PREFIX. Under systemd, next:
  systemd-sysusers && systemd-tmpfiles --create suitd.conf && systemctl daemon-reload
  systemctl enable --now suitd
END
    exit 0
fi

while read -r _ _ to; do
    rm -f "$DESTDIR$to"
done <"$list"
if cmp -s config/suitd.conf "$conf"; then
    rm -f "$conf"
elif [ -e "$conf" ]; then
    echo "$conf was changed and stays"
fi
# directories that are nobody else's
for d in "$INCLUDEDIR/suitdev" "$doc" "$SYSCONFDIR/suitd"; do
    [ ! -d "$DESTDIR$d" ] || find "$DESTDIR$d" -depth -type d -empty -delete
done
[ -n "$DESTDIR" ] || echo "state and keys in /var/lib/suitd stay, and the user suitd"
