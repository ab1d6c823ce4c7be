#!/bin/sh
# suitctl without a daemon: keys and manifests. Exit codes and last lines are
# what scripts rely on, so they are what is tested.
set -u
. tests/e2e/offline.sh
hex() { od -An -v -tx1 "$1"; }

dd if=/dev/urandom of=fw.bin bs=1000 count=5 2>/dev/null
printf 'RIOT\7\0\0\0\0\020\0\0sum!slot0' >slot0.bin
printf 'RIOT\7\0\0\0\0\040\0\0sum!slot-1' >slot1.bin
A='coap://[2001:db8::1]/a.bin'

# --- keys ---
for k in p256 p384 p521 ed25519; do
    t "key new $k" 0 '*private*offline.' "$S" key new --type $k --out $k.key --public $k.pub --kid 0a0b
    t "key show $k" 0 '-----END PUBLIC KEY-----' "$S" key show $k.key
    has "key show $k kid" '^kid  *0a0b$'
    has "key show $k kind" "^kind  *$k, private"
    t "key show $k public" 0 '-----END PUBLIC KEY-----' "$S" key show $k.pub
    has "key show $k public" "^kind  *$k, public"
done
t 'key new hmac' 0 '*offline.' "$S" key new --type hmac --out hmac.key
t 'key show hmac' 0 'id *' "$S" key show hmac.key
t 'private mode' 0 -rw------- sh -c 'ls -l p256.key | cut -c 1-10'
t 'no overwriting' 2 '*never overwritten' "$S" key new --out p256.key
t 'the key is still there' 0 '-----END*' "$S" key show p256.key
t 'unknown type' 2 '*p256, p384*' "$S" key new --type rsa --out x.key
t 'kid in hex' 2 '*in hex*' "$S" key new --kid xyz --out x.key
t 'no out' 2 '*--out FILE is missing' "$S" key new
t 'not a key' 2 'suitctl: fw.bin: *' "$S" key show fw.bin
t 'no such key' 2 'suitctl: none: not found' "$S" key show none

# --- one component ---
t create 0 '*not signed yet*' "$S" manifest create --sequence 7 --vendor example.com --class board \
    --component 00 --payload fw.bin --uri "$A" --out one
t 'unsigned is refused' 1 'refused: *no authentication block' "$S" manifest verify --key p256.pub one
for k in p256 p384 p521 ed25519; do
    t "sign $k" 0 '*signed' "$S" manifest sign --key $k.key one --out one.$k
    t "verify $k" 0 "accepted: sequence 7, * by $k.pub" "$S" manifest verify --key hmac.key --key $k.pub one.$k
done
t 'sign hmac' 0 '*signed' "$S" manifest sign --key hmac.key one --out one.hmac
t 'verify hmac' 0 'accepted: sequence 7, HMAC256 by hmac.key' "$S" manifest verify --key hmac.key one.hmac
t 'another key' 1 'refused: *no trusted key*' "$S" manifest verify --key ed25519.pub one.p256
t 'sign twice' 0 '*signed' "$S" manifest sign --key ed25519.key one.p256 --out two
t 'either key proves it' 0 'accepted: *p256.pub' "$S" manifest verify --key p256.pub two
t 'either key proves it' 0 'accepted: *ed25519.pub' "$S" manifest verify --key ed25519.pub two
t 'alg by name' 0 '*signed' "$S" manifest sign --key p256.key --alg es256 --kid ff one --out alg
t 'show' 0 'sections *' "$S" manifest show alg
has 'show: alg and kid' 'ES256 (-7), kid ff'
has 'show: class' '^class *[0-9a-f]*-'
has 'show: uri' ' 1. coap://\[2001:db8::1\]/a.bin'
t 'alg of another key' 1 '*not signed*' "$S" manifest sign --key p256.key --alg EdDSA one --out x
t 'public key signs nothing' 2 '*signs nothing' "$S" manifest sign --key p256.pub one --out x
hex one.p256 >one.hex
t 'hex is read too' 0 'accepted: *' "$S" manifest verify --key p256.pub one.hex
t 'standard input' 0 'accepted: *' sh -c "'$S' manifest verify --key p256.pub - <one.p256"
t 'json' 0 '{"accepted": true*' "$S" manifest verify --key p256.pub one.p256 --json
t 'json, refused' 1 '{"accepted": false, "code": "SIGNATURE"*' "$S" manifest verify --key ed25519.pub one.p256 --json
t 'show as json' 0 '{*"dialect": "current", "sequence": 7,*' "$S" manifest show one.p256 --json
has 'json: download' '"uri": "coap://\[2001:db8::1\]/a.bin"'
t 'show as json, refused' 1 '{"accepted": false, "code": *' "$S" manifest show fw.bin --json
t 'lint as json' 1 '\[{"kind": "error", *' "$S" manifest lint one --json
openssl pkey -pubin -in p256.pub -outform DER -out p256.der 2>/dev/null
t 'DER key' 0 'accepted: *' "$S" manifest verify --key p256.der one.p256
hex p256.der >p256.der.hex
t 'DER key in hex' 0 'accepted: *' "$S" manifest verify --key p256.der.hex one.p256

# --- wrong use is 2, a bad manifest 1 ---
t 'no key' 2 '*needs --key*' "$S" manifest verify one.p256
t 'no file' 2 '*needs --key*' "$S" manifest verify --key p256.pub
t 'missing file' 2 '*none: not found' "$S" manifest verify --key p256.pub none
t 'unknown option' 2 '*--what' "$S" manifest verify --what one.p256
t 'garbage' 1 'refused: SUIT 8.*' "$S" manifest verify --key p256.pub fw.bin
: >empty
t 'empty' 1 'refused: SUIT 8.*' "$S" manifest verify --key p256.pub empty
dd if=one.p256 of=cut bs=1 count=100 2>/dev/null
t 'cut' 1 'refused: SUIT 8.*' "$S" manifest verify --key p256.pub cut
{ cat one.p256; printf x; } >long
t 'trailing byte' 1 'refused: SUIT 8.1*' "$S" manifest verify --key p256.pub long
dd if=/dev/zero of=huge bs=70000 count=1 2>/dev/null
t 'too large' 1 'refused: *' "$S" manifest verify --key p256.pub huge
t 'show garbage' 1 'refused: *' "$S" manifest show fw.bin
t 'create: no sequence' 2 '*--sequence N*' "$S" manifest create --payload fw.bin --uri "$A" --out x
t 'create: no uri' 2 '*--uri*' "$S" manifest create --sequence 1 --payload fw.bin --out x
t 'create: class without vendor' 2 '*--vendor*' "$S" manifest create --sequence 1 --class b \
    --payload fw.bin --uri "$A" --out x
t 'create: uri before payload' 2 '*before it' "$S" manifest create --sequence 1 --uri "$A" --out x
t 'create: missing payload' 2 '*not found' "$S" manifest create --sequence 1 --payload none --uri "$A" --out x
t 'create: slot' 2 '*--slot*' "$S" manifest create --sequence 1 --payload fw.bin --uri "$A" --slot one --out x

# --- A/B, several components, integrated, text ---
t 'A/B' 0 '*signed' "$S" manifest create --sequence 8 --vendor example.com --class board \
    --payload slot0.bin --uri "$A" --slot 0 --payload slot1.bin --uri "${A}2" --slot 1 --key p256.key --out ab
t 'A/B show' 0 'sections*' "$S" manifest show ab
has 'A/B: two downloads' '^downloads *2$'
has 'A/B: slot 1' 'for 00, slot 1, 22 bytes'
t 'A/B lint' 0 '0 errors, 0 warnings' "$S" manifest lint --image slot1.bin ab
t 'A/B lint: foreign image' 1 '1 errors, 0 warnings' "$S" manifest lint --image fw.bin ab
t 'A/B without slots' 2 '*needs a slot' "$S" manifest create --sequence 8 \
    --payload slot0.bin --uri "$A" --payload slot1.bin --uri "${A}2" --out x
esc=$(printf '\033[31m')
t 'components, integrated, text' 0 '*signed' "$S" manifest create --sequence 9 --vendor example.com --class board \
    --component 00 --payload slot0.bin --uri "$A" --component etc/conf --payload fw.bin --integrated \
    --text-description "Fix$esc" --text-version 1.2.3 --reference-uri coap://h/m --key p256.key --out many
t 'many verify' 0 'accepted: sequence 9*' "$S" manifest verify --key p256.pub many
t 'many show' 0 '* version *1.2.3' "$S" manifest show many
has 'many: component' '^component *1: etc/conf$'
has 'many: text is escaped' 'Fix.x1b\[31m'
has 'many: integrated' '^integrated *#0, 5000 bytes$'

# --- RIOT ---
riot() {
    "$S" manifest create --dialect riot --vendor riot-os.org --class samr21-xpro --key ed25519.key "$@"
}
t 'riot' 0 '*signed' riot --sequence 7 --payload slot0.bin --uri "$A" --slot 0x1000 \
    --payload slot1.bin --uri "${A}2" --slot 0x20800 --out riot.suit
t 'riot verify' 0 'accepted: sequence 7, EdDSA by ed25519.pub' "$S" manifest verify --key ed25519.pub riot.suit
t 'riot lint' 0 '0 errors, 0 warnings' "$S" manifest lint --device riot --image slot0.bin riot.suit
t 'riot show' 0 'sections *' "$S" manifest show riot.suit
has 'riot: class of the board' '^class *8818989e-a257-5994-ac9a-554b77898083$'
has 'riot: offset' 'offset 133120'
t 'riot: other version in the image' 0 '*signed' riot --sequence 8 --payload slot0.bin --uri "$A" --out r8
t 'riot: other version in the image' 1 '1 errors*' "$S" manifest lint --device riot --image slot0.bin r8
has 'riot: why' 'riotboot header has version 7, below'
t 'riot: the current dialect' 1 '*errors*' "$S" manifest lint --device riot ab
has 'riot: dialect' 'own draft-09 dialect'
long=$(printf '%0100d' 1)
t 'riot: long path' 0 '*signed' riot --sequence 7 --payload slot0.bin --uri "coap://h/$long" --out rl
t 'riot: long path' 1 '*errors*' "$S" manifest lint --device riot rl
has 'riot: path' 'path of 101 bytes'
t 'riot: no text' 2 '*neither text*' riot --sequence 7 --payload slot0.bin --uri "$A" --text-version 1 --out x
t 'riot: 32 bits' 2 '*32 bits' riot --sequence 4294967296 --payload slot0.bin --uri "$A" --out x
t 'lint: unknown device' 2 '*riot*' "$S" manifest lint --device toaster ab

# --- nothing half-written is left behind ---
t 'no leftovers' 0 '' sh -c 'ls x x.* *.?????? 2>/dev/null | grep -vE "\.(p256|p384|p521)$" || true'

total
