#!/bin/sh
# plot.sh [NAME...]: plays scenarios of this folder and draws what happened
# (requests and completions over time) as SVG under $B/sim. Needs gnuplot:
# sh config/deps.sh sim.
set -eu
here=$(dirname "$0")
B=${B:-build}
command -v gnuplot >/dev/null || {
    echo "plot: gnuplot is missing: sh config/deps.sh sim" >&2
    exit 1
}
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi
[ $# -gt 0 ] || set -- "$here"/*.sim
for f in "$@"; do
    [ -e "$f" ] || f=$here/$f.sim
    name=$(basename "$f" .sim)
    csv=$B/sim/$name.csv
    # a scenario that misses something is drawn all the same
    "$B/sim/sim" --csv "$csv" "$f" || [ $? -eq 1 ]
    gnuplot <<PLOT
set terminal svg size 900,420 background "white"
set output "$B/sim/$name.svg"
set datafile separator ","
set title "$name"
set xlabel "hours since the start"
set ylabel "admission requests/s (mean of a minute)"
set y2label "devices"
set y2tics
set ytics nomirror
set grid x y
set key outside bottom center horizontal
set yrange [0:*]
set y2range [0:*]
plot "$csv" skip 1 using (\$1/60):2 with lines lc rgb "#c04040" title "requests/s", \
  "" skip 1 using (\$1/60):5 axes x1y2 with lines lc rgb "#999999" title "downloading", \
  "" skip 1 using (\$1/60):(s=(\$1==0?0:s)+\$3) axes x1y2 with lines lw 2 lc rgb "#3060a0" title "done"
PLOT
    echo "  $B/sim/$name.svg"
done
