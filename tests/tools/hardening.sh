#!/bin/sh
# What the linker and the compiler were asked for is in the programs: one row
# of the table each, over each of them. hardening.sh BUILD-DIR
set -u
B=${1:-build}
p=0 f=0
case $(${CC:-gcc} -dumpmachine) in
x86_64-*) cfi='endbr64' ;; # the landing pads; crt1.o of Debian 12 has none, so no note
aarch64-*) cfi='paciasp|bti' ;;
*) cfi= ;;
esac
ask() { # what of the program
    case $1 in
    head) readelf -hlWd "$2" ;;
    symbols) readelf -W --dyn-syms "$2" ;;
    # of our own code, not of what the compiler adds
    code) objdump -d --no-show-raw-insn "$2" | sed -n '/<main>:/,/^$/p' ;;
    esac
}
has() { # program what pattern meaning
    if ask "$2" "$1" | grep -qE "$3"; then
        p=$((p + 1))
    else
        f=$((f + 1))
        echo "hardening: $1: $4"
    fi
}
for b in suitd suitctl suitsim; do
    b=$B/$b
    has "$b" head 'Type: +DYN' 'not position independent'
    has "$b" head 'GNU_RELRO' 'no RELRO'
    has "$b" head 'BIND_NOW' 'its tables stay writable (no BIND_NOW)'
    has "$b" head 'GNU_STACK .* RW ' 'its stack can be executed'
    has "$b" symbols '__stack_chk_fail' 'no stack protector'
    has "$b" symbols '__(v?snprintf|memcpy|read|recv)_chk' 'not fortified'
    [ -z "$cfi" ] || has "$b" code "$cfi" 'no landing pads (CFI)'
    if ask head "$b" | grep -qE 'R(UN)?PATH|TEXTREL'; then
        f=$((f + 1))
        echo "hardening: $b: a run path, or relocations in its text"
    else
        p=$((p + 1))
    fi
done
echo "$p passed, $f failed"
[ "$f" = 0 ]
