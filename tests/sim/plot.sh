#!/bin/sh
# plot.sh [NAME...]: plays scenarios of this folder and draws what happened
# (requests and completions over time) as SVG under $B/sim, or as PNG with
# FORMAT=png (docs/figures has some). Needs gnuplot: sh config/deps.sh sim.
set -eu
here=$(dirname "$0")
case ${FORMAT:=svg} in
svg) term='svg size 900,620 background "white"' ;;
png) term='pngcairo size 900,620 background "white"' ;;
esac
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
set terminal $term
set output "$B/sim/$name.$FORMAT"
set datafile separator ","
set grid x y
set lmargin 10
set rmargin 10
set yrange [0:*]
set key top right
set multiplot layout 2,1 title "$name"
set ylabel "admission requests/s"
plot "$csv" skip 1 using (\$1/60):3 with steps lc rgb "#e0a0a0" title "busiest second of a minute", \
  "" skip 1 using (\$1/60):2 with lines lc rgb "#b02020" title "mean of a minute"
set xlabel "hours since the start"
set ylabel "devices that run the release"
set y2label "downloading at the moment"
set y2tics
set y2range [0:*]
set ytics nomirror
set key bottom right
plot "$csv" skip 1 using (\$1/60):(s=(\$1==0?0:s)+\$4) with lines lw 2 lc rgb "#3060a0" title "done", \
  "" skip 1 using (\$1/60):6 axes x1y2 with lines lc rgb "#909090" title "downloading"
PLOT
    echo "  $B/sim/$name.$FORMAT"
done
