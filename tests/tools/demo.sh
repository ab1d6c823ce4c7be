#!/bin/bash
# make demo: the main job on loopback, in a temporary directory that is gone
# afterwards. Publishes a signed release while 20 simulated devices watch,
# poll or wait to be told, at 1 % packet loss, and shows what becomes of them.
# demo.sh [BUILD-DIR]
set -eu
B=$(cd "${1:-build}" && pwd)
PATH=$B:$PATH
D=$(mktemp -d "${TMPDIR:-/tmp}/suitd-demo.XXXXXX")
suitd_pid='' sim_pid=''

finish() {
    local rc=$?
    trap - EXIT INT TERM
    [ -z "$sim_pid" ] || kill "$sim_pid" 2>/dev/null || :
    [ -z "$suitd_pid" ] || kill "$suitd_pid" 2>/dev/null || :
    wait 2>/dev/null || :
    if [ $rc -ne 0 ]; then
        echo "the demo failed (exit $rc); the last lines of suitd's log:" >&2
        tail -n 5 "$D/suitd.log" >&2 || :
    fi
    rm -rf "$D"
    exit $rc
}
trap finish EXIT
trap 'exit 130' INT TERM

bold='' plain=''
[ -t 1 ] && bold=$(printf '\033[1m') plain=$(printf '\033[0m')
step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
run() {
    printf '  $ %s\n' "$*"
    "$@" | sed 's/^/  /'
}
suitctl() { command suitctl -d "$D/state" "$@"; }

start_suitd() { # on the first free ports
    local try=0 p
    while [ $try -lt 20 ]; do
        p=$((20000 + (RANDOM % 10000)))
        suitd -d "$D/state" -o "listen_coap=[::]:$p" -o "listen_tcp=[::]:$p" \
            -o "listen_coaps=[::]:$((p + 1))" -o "listen_admin=127.0.0.1:$((p + 2))" \
            -o listen_http= -o poll_max_age=60s 2>"$D/suitd.log" &
        suitd_pid=$!
        export SUITD_ADMIN=coaps://127.0.0.1:$((p + 2))
        for _ in $(seq 50); do
            if suitctl ping >/dev/null 2>&1; then
                port=$p
                return
            fi
            kill -0 $suitd_pid 2>/dev/null || break
            sleep 0.1
        done
        kill $suitd_pid 2>/dev/null || :
        wait $suitd_pid 2>/dev/null || :
        suitd_pid=''
        try=$((try + 1))
    done
    echo "demo: suitd does not start" >&2
    return 1
}

release() { # sequence size
    head -c "$2" "$B/suitd" >"fw-$1.bin"
    printf 'release %s' "$1" >>"fw-$1.bin"
    run suitctl manifest create --sequence "$1" --vendor example.com --class sensor \
        --component 00 --payload "fw-$1.bin" --uri "/fw/sensor-$1.bin" \
        --text-version "$1.0" --key author.pem --out "sensor-$1.suit"
    run suitctl publish "sensor-$1.suit" --payload "fw-$1.bin"
}

cd "$D"
step "1. A firmware author makes a key, offline; the daemon learns its public half"
start_suitd
run suitctl key new --type p256 --out author.pem --public author.pub
run suitctl author add alice author.pub

step "2. Release 1, which the devices run already"
release 1 4096

step "3. 20 devices start: some only poll, some observe, some wait for a trigger"
suitsim -n 20 --server "coap://127.0.0.1:$port" --key author.pub --vendor example.com \
    --class "$(suitctl --json release show 1 | sed 's/.*"classes":\["\([^"]*\).*/\1/')" --prefix dev- \
    --mix plain=4,poll=6,observe=6,trigger=4 --seq 1 --newer 1 --kill 1@50:3 \
    --addr-base "127.$((1 + RANDOM % 250)).$((RANDOM % 250)).0" \
    --loss 1% --seed 7 --time-scale 20 --ack-timeout 500 >"$D/sim.out" 2>&1 &
sim_pid=$!
n=0
while [ $n -lt 16 ]; do # the 4 that only pull are known to nobody
    sleep 0.2
    n=$(suitctl --json device list | grep -c '"registered":true') || :
    kill -0 $sim_pid || { cat "$D/sim.out"; exit 1; }
done
printf '  %s of them registered; 1 %% of all datagrams is lost, each way\n' "$n"

step "4. Release 2, 256 KiB, signed and published: observers hear of it at once"
release 2 262144

step "5. A campaign in two waves: planned, started by its digest, watched; one device dies half-way"
printf "  what has begun already goes on; what has not waits for its wave\n"
class=$(suitctl --json release show 2 | sed 's/.*"classes":\["\([^"]*\).*/\1/')
run suitctl campaign plan 2 --class "$class" --waves 25%,100% --soak 2s --sample 3
plan=$(suitctl --json campaign show 1 | sed 's/.*"plan":"\([0-9a-f]\{12\}\).*/\1/')
run suitctl campaign start --plan "$plan"
timeout 55 "$B/suitctl" -d "$D/state" campaign watch 1 || :
wait "$sim_pid" && ok=0 || ok=$?
sim_pid=''

step "6. What each device runs, how it got there, in how many attempts"
sed -n '/^device /,$p' "$D/sim.out"
echo
suitctl campaign report 1 >report.txt
printf '  $ suitctl campaign report 1 | head -n 40\n'
head -n 40 report.txt | sed 's/^/  /'
run suitctl status

step "Next, with a daemon of your own (build/suitd -d DIR):"
cat <<EOF
  build/suitctl -d DIR device explain EP    why is this device not updating?
  build/suitctl -d DIR events --follow      everything that happens, as it happens
  build/suitctl help                        all that there is; README.md has a walk
EOF
exit "$ok"
