#!/bin/sh
# release.sh [SEQUENCE]: publishes a release for the simulated fleet. Makes what
# is missing in /fleet: the author's key, which is of no worth beyond this, and
# an image of noise. The same sequence again changes nothing.
set -eu
seq=${1:-2}
cd /fleet
if [ ! -e author.pub ]; then
    suitctl key new --type ed25519 --out author.pem --public author.pub
fi
suitctl -d /state author add fleet author.pub
if [ ! -e "fleet-$seq.suit" ]; then
    head -c 65536 /dev/urandom >"fleet-$seq.bin"
    suitctl manifest create --sequence "$seq" --vendor example.com \
        --class fleet --component 00 --payload "fleet-$seq.bin" \
        --uri "/fw/fleet-$seq.bin" --key author.pem --out "fleet-$seq.suit"
fi
suitctl -d /state publish "fleet-$seq.suit" --payload "fleet-$seq.bin"
