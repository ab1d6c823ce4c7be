#!/bin/sh
# The directory is the layer: refuses an include that points upwards, and a
# third-party header outside of its home (DESIGN section 3).
set -u
bad=0
deny() { # files pattern why
    if out=$(grep -nE "$2" $1 2>/dev/null); then
        printf '%s\n  ^ %s\n' "$out" "$3"
        bad=1
    fi
}
c() { ls "$@" 2>/dev/null; }
up='^#include "'
deny "$(c lib/*.[ch])" "$up(db|daemon|cli|device)/" 'lib includes only lib'
deny "$(c db/*.[ch])" "$up(daemon|cli|device)/" 'db includes only db and lib'
deny "$(c daemon/*.[ch])" "$up(cli|device)/" 'daemon includes daemon, db, lib'
deny "$(c cli/*.[ch])" "$up(db|daemon|device)/" 'cli includes only cli and lib'
deny "$(c device/*.[ch])" "$up(db|daemon|cli)/" 'device includes only device and lib'

home() { # header-regex allowed-regex
    for f in lib/*.[ch] db/*.[ch] daemon/*.[ch] cli/*.[ch] device/*.[ch]; do
        [ -f "$f" ] || continue
        echo "$f" | grep -qE "$2" && continue
        deny "$f" "^#include <$1" "this header has another home: $2"
    done
}
home 'coap3/' '^(daemon/(front|peer|observe|block1|coap)|cli/|device/)'
home 'event2/' '^(daemon/(loop|http)|device/)'
home 'sqlite3' '^db/store_sqlite'
home 'openssl/' '^(lib/(digest|cose|key)|daemon/coap_(tls|can)\.c|device/dtls)'
home 'cbor\.h' '^lib/cbor\.c'
home 'confuse' '^lib/conf_parse\.c'
echo "$((1 - bad)) passed, $bad failed"
[ "$bad" = 0 ]
