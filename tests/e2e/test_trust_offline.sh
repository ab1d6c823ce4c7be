#!/bin/sh
# suitctl trust: what it refuses, with which exit code, and that a refusal
# leaves every file as it was. (The ceremony itself: test_trust_doc.py.)
set -u
. tests/e2e/offline.sh
trust() { "$S" trust "$@"; }

for k in 1 2 3 4 5 6; do
    "$S" key new --out r$k.key --public r$k.pub >/dev/null || exit 1
done
"$S" key new --type ed25519 --out al.key --public al.pub --kid 0102 >/dev/null
"$S" key new --type p384 --out big.key --public big.pub >/dev/null
"$S" key new --type hmac --out mac.key >/dev/null
C=115b22b1-e161-5af3-926f-7b269633932c
D=$(printf '%064d' 7)

# --- init ---
t 'init' 0 'l: list 1, * not signed yet*' trust init r1.pub r2.pub r3.pub --out l
t 'most must sign' 0 'signatures  none*' trust show l
has 'most must sign' '^roots  *2 of 3 must sign$'
t 'need' 0 '*' trust init r1.pub r2.pub --need 1 --out n
t 'need too many' 2 '*TRUST 2.2*' trust init r1.pub r2.pub --need 3 --out x
t 'need none' 2 '*TRUST 2.2*' trust init r1.pub --need 0 --out x
t 'need a number' 2 '*number' trust init r1.pub --need two --out x
t 'the same root twice' 2 '*TRUST 2.2*already' trust init r1.pub r1.pub --out x
t 'five roots' 0 '*' trust init r1.pub r2.pub r3.pub r4.pub r5.pub --out five
has 'five roots' 'list 1'
t 'six roots' 2 '*too many*' trust init r1.pub r2.pub r3.pub r4.pub r5.pub r6.pub --out x
t 'six roots, one later' 2 '*at most 5 roots' trust root five --add r6.pub
t 'a private root' 2 '*private key*' trust init r1.key --out x
t 'p384' 2 '*p256 or ed25519*' trust init big.pub --out x
t 'a shared secret' 2 '*p256 or ed25519*' trust init mac.key --out x
t 'no out' 2 '*--out*' trust init r1.pub
t 'no roots' 2 '*too few*' trust init --out x

# --- add, revoke ---
cp l was
t 'an author without a class' 2 '*--class*' trust add l al.pub --name al
t 'a class without a vendor' 2 '*--vendor*' trust add l al.pub --name al --class c
t 'all and another' 2 '*no other*' trust add l al.pub --name al --class all --class $C
t 'an unknown role' 2 '*--role*' trust add l al.pub --name al --role boss
t 'a root is nothing else' 2 '*TRUST 2.3*' trust add l r1.pub --name r --class all
t 'a private key' 2 '*private key*' trust add l al.key --name al --class all
t 'a name' 2 '*TRUST 2.3*' trust add l al.pub --name 'a b' --class all
t 'a long name' 2 '*TRUST 2.3*' trust add l al.pub --name 123456789012345678901234567890123 --class all
t 'sequences' 2 '*--sequences*' trust add l al.pub --name al --class all --sequences 7
t 'sequences, none' 2 '*--sequences*' trust add l al.pub --name al --class all --sequences=-
t 'sequences backwards' 2 '*TRUST 2.3*' trust add l al.pub --name al --class all --sequences 7-6
t 'a clock has no classes' 2 '*rights of authors*' trust add l r4.pub --name c --role freshness --class all
t 'a component' 2 '*--component*' trust add l al.pub --name al --class all --component a//b
t 'nothing has changed' 0 '' cmp l was
t 'add' 0 'l: list 1, *' trust add l al.pub --name al --class $C --class all-but-one --vendor example.com \
    --component 00 --component ram/0 --sequences 5-
t 'add: shown' 0 '*' trust show l
has 'add: class' "  class  *$C"
has 'add: component' '  component  *ram/0'
has 'add: from' '  sequences  *from 5'
has 'add: the kid of the list, not of the file' '^key  *[0-9a-f]\{16\}  author  *ed25519  *al$'
t 'a clock' 0 '*' trust add l r4.pub --name clock --role freshness
t 'twice' 2 '*in the list already*' trust add l al.pub --name other --class all
t 'a name twice' 2 '*name is in the list*' trust add l r5.pub --name al --class all
t 'revoke a stranger' 2 '*not in the list' trust revoke l r5.pub
t 'revoke nobody' 2 '*none*' trust revoke l none
t 'revoke by name, into another file' 0 'm: list 1*' trust revoke l al clock --out m
t 'revoke: shown' 0 '*' sh -c "'$S' trust show m | grep -c ^key; true"
has 'revoke: none is left' '^0$'
t 'revoke by key' 0 'm: list 1*' trust revoke l al.pub --out m
t 'revoke by kid' 0 'm: *' sh -c "'$S' trust revoke l \$('$S' trust show l | sed -n 's/^key  *\([0-9a-f]*\) .*clock\$/\1/p') --out m"

# --- deny, floor ---
t 'deny' 0 'l: *' trust deny l $D
t 'deny twice' 2 '*already' trust deny l $D
t 'lift' 0 'm: *' trust deny l $D --lift --out m
t 'lift what is not there' 2 '*not denied' trust deny m $D --lift
t 'deny garbage' 1 'refused: SUIT*' trust deny l al.pub
t 'floor' 0 'l: *' trust floor l $C 5 --most 9
t 'floor: shown' 0 '*' trust show l
has 'floor: shown' "^floor  *$C  at least 5, at most 9$"
t 'floor over the ceiling' 2 '*TRUST 2.4*' trust floor l $C 5 --most 4
t 'another floor' 0 'l: *' trust floor l $C 6
t 'no floor' 0 'm: *' trust floor l $C none --out m
t 'no floor that is not there' 2 '*no floor' trust floor m $C none
t 'floor of no number' 2 '*number' trust floor l $C five

# --- sign, merge, verify ---
t 'not signed' 1 'refused: TRUST 3.1*' trust verify l
t 'a public key signs nothing' 2 '*signs nothing' trust sign l --key r1.pub
t 'no key' 2 '*--key*' trust sign l
t 'p384 signs nothing' 2 '*p256 or ed25519*' trust sign l --key big.key
t 'one' 0 'one: *signed by 1 of its own roots, 2 must' trust sign l --key r1.key --out one
t 'one is too few' 1 'refused: TRUST 3.1*' trust verify one
t 'and has nothing after it' 1 'refused: TRUST 3.1*' trust revoke one al --out x
t 'the same root again' 0 '*signed by 1 of*' trust sign one --key r1.key --out x2
t 'no root' 0 '*signed by 1 of*' trust sign one --key r6.key --out stranger
has 'no root: said' 'no root of this list'
t 'another' 0 '*signed by 1 of*' trust sign l --key r3.key --out three
t 'merge' 0 'both: *signed by 2 of*' trust merge one three --out both
t 'merge what is not signed' 2 '*not signed' trust merge l three --out x
t 'enough' 0 'accepted: list 1*' trust verify both
cp both kept
t 'a list that is signed stays' 2 '*is a signed list*' trust init r1.pub --out both
t 'and for the one after it, too' 2 '*is a signed list*' trust revoke both al --out one
t 'signed lists are as they were' 0 'accepted: list 1*' trust verify both
cmp -s both kept || { echo 'FAIL a signed list was changed'; failed=$((failed + 1)); }
t 'not a name, a kid or a file' 2 '*ghost: neither*' trust revoke both ghost --out x
t 'not a digest or a file' 2 '*ghost: neither*' trust deny both ghost --out x
t 'publish what is not signed' 2 '*not signed yet*' trust publish l
t 'json' 0 '{"accepted": true*' trust verify both --json
t 'json, refused' 1 '{"accepted": false, "code": "SIGNATURE"*' trust verify one --json
t 'show as json' 0 '{"seq": 1, *"signed": true, "signatures": 2, "need": 2*' trust show both --json
od -An -v -tx1 both >both.hex
t 'hex is read too' 0 'accepted: *' trust verify both.hex
t 'a signed list is not edited' 2 '*--out*' trust deny both "$(printf '%064d' 8)"
t 'the list after it' 0 'two: list 2*' trust deny both "$(printf '%064d' 8)" --out two
t 'sign in place' 0 'two: *signed by 1 of*' trust sign two --key r1.key
t 'sign in place' 0 'two: *signed by 2 of*' trust sign two --key r2.key
t 'follows' 0 'accepted: list 2 after list 1' trust verify two --after both
t 'does not go back' 1 'refused: TRUST 3.2*' trust verify both --after two
t 'is the same' 1 'refused: TRUST 3.2*' trust verify two --after two
t 'merge of two lists' 1 'refused: TRUST 3.1*' trust merge both two --out x
t 'a gap' 0 '*' trust deny two "$(printf '%064d' 9)" --out gap
t 'a gap' 0 '*' trust sign gap --key r1.key
t 'a gap' 0 '*' trust sign gap --key r2.key
t 'a gap' 1 'refused: TRUST 3.3*' trust verify gap --after both

# --- roots ---
t 'nothing to do' 2 '*--add*' trust root both --out x
t 'not a root' 2 '*no root*' trust root both --remove r6.pub --out x
t 'the last ones' 2 '*TRUST 2.2*' trust root both --remove r1.pub --remove r2.pub --remove r3.pub --out x
t 'fewer than must sign' 2 '*TRUST 2.2*' trust root both --remove r1.pub --remove r2.pub --out x
t 'need alone' 0 '*' trust root both --need 3 --out x3
t 'an author becomes no root' 2 '*TRUST 2.3*' trust root both --add al.pub --out x

# --- garbage ---
head -c 5000 /dev/urandom >noise
t 'too long' 2 '*larger*' trust show noise
head -c 300 noise >noise.s
t 'garbage' 1 'refused: *' trust show noise.s
: >empty
t 'empty' 1 'refused: *' trust show empty
t 'no file' 2 '*not found' trust show none
{ cat both; printf x; } >long
t 'a byte too many' 1 'refused: *' trust verify long
t 'a key is no list' 1 'refused: *' trust show al.pub
t 'a manifest is no list' 1 'refused: TRUST 2.1*' sh -c "
    '$S' manifest create --sequence 1 --payload al.pub --uri coap://h/a --key al.key --out mf >/dev/null
    '$S' trust show mf"
t 'nothing half-written is left behind' 0 '' sh -c 'ls x x.* *.?????? 2>/dev/null || true'

total
