"""bench.json drawn by gnuplot: every bar and how near it is, and blocks by
number of peers. By hand: plot.py build/bench.json png"""
import json
import os
import re
import subprocess
import sys

TERMINAL = {"svg": 'svg size 1180,560 font "sans,11" background "white"',
            "png": 'pngcairo size 1180,560 font "sans,9" background "white"'}
GREEN, RED = "0x4c8c4a", "0xc0392b"
COLORS = ["#555555", "#999999", "#1f5fa8", "#d98324", "#7b3f98", "#2f7f6f"]

# key of a row with a bar -> what it says on the picture
BARS = [("blocks.szx6.mmsg", "blocks szx 6 / recvmmsg echo"), ("blocks.szx2.mmsg", "blocks szx 2 / recvmmsg echo"),
        ("scale.szx6.100000", "szx 6, 100 k peers / 1 k"), ("scale.szx6.1000000", "szx 6, 1 M peers / 1 k"),
        ("scale.szx2.100000", "szx 2, 100 k peers / 1 k"), ("scale.szx2.1000000", "szx 2, 1 M peers / 1 k"),
        ("rivals.100.x.libcoap", "x libcoap's server, 100 peers"), ("rivals.1000.x.libcoap", "x libcoap's server, 1 k peers"),
        ("slow.p99", "100 k slow devices, p99 ms"), ("slow.rss", "100 k slow devices, RSS MiB"),
        ("workers.ratio.apart", "CPU, 2 workers / 1, two cores"), ("workers.ratio.shared", "CPU, 2 workers / 1, one core"),
        ("poll.ratio", "GET /m 2.03 / recvfrom echo"),
        ("dtls.blocks", "DTLS blocks, 5 k sessions / 200"), ("dtls.hand", "DTLS handshake, 5 k / 200"),
        ("reports.ratio", "durable reports / bare SQLite")]

# curve -> its points: (peers, key of a row in operations for a CPU second)
CURVES = {
    "bare echo, recvmmsg": [(1000, "blocks.szx6.1000.recvmmsg")],
    "bare echo, recvfrom": [(1000, "blocks.szx6.1000.recvfrom")],
    "suitd": [(100, "rivals.100.suitd"), (1000, "scale.szx6.1000.suitd"), (100000, "scale.szx6.100000.suitd"),
              (1000000, "scale.szx6.1000000.suitd")],
    "libcoap's coap-server": [(100, "rivals.100.libcoap"), (1000, "rivals.1000.libcoap"), (5000, "rivals.5000.libcoap")],
    "aiocoap-fileserver": [(100, "rivals.100.aiocoap")],
    "node-coap": [(100, "rivals.100.nodecoap")],
}


def bars(rows):
    """A line of data for each: above 1 is met, whichever way the bar points."""
    lines = []
    for key, label in reversed(BARS):
        if key not in rows:
            continue
        r, y = rows[key], len(lines)
        sign, limit = r["bar"].split()
        limit = float(limit)

        def times(v):
            return v / limit if sign[0] == ">" else limit / max(v, 1e-9)
        low, high = sorted((times(r["min"]), times(r["max"])))
        lines.append('%d %g %g %g %s "%s" "%.3g  (bar %s)"' % (
            y, times(r["median"]), low, high, GREEN if r["met"] else RED, label, r["median"], r["bar"].replace(">=", "≥").replace("<=", "≤")))
    return lines


def script(rows, machine, terminal, out):
    data = bars(rows)
    curves = {}
    for name, points in CURVES.items():
        have = [(n, rows[k]) for n, k in points if k in rows]
        if have:
            curves[name] = ["%d %g %g %g" % (n, r["median"], r["min"], r["max"]) for n, r in have]
    g = ["set terminal " + TERMINAL[terminal], 'set output "%s"' % out, "set encoding utf8",
         'set multiplot layout 1,2 title "make bench, commit %s, %s"' % (machine["commit"], machine["cpu"])]
    if data:
        g += block("BARS", data) + [
            "set logscale x 2", "set xrange [0.25:32]", "set xtics (0.25, 0.5, 1, 2, 4, \"8+\" 8)", "set yrange [-0.7:%g]" % (len(data) - 0.3),
            'set xlabel "times its bar (log; right of 1 is met)"', "set grid x", "set ytics nomirror", "unset key", "set lmargin 34",
            "set style fill solid 0.85 noborder", "set arrow 1 from 1, graph 0 to 1, graph 1 nohead lw 2 lc rgb 'black' front",
            "clip(x) = x < 0.27 ? 0.27 : x > 8 ? 8 : x",  # the rest is for the figures
            "plot $BARS using (1):1:(0.25):(clip($2)):($1-0.35):($1+0.35):5:ytic(6) with boxxyerror lc rgb variable, "
            "'' using (clip($2)):1:(clip($3)):(clip($4)) with xerrorbars pt 0 lc rgb '#303030', "
            "'' using (30):1:7 with labels right tc rgb 'black'",
            "unset arrow 1", "set lmargin -1", "unset logscale x", "set xtics auto"]
    if curves:
        for i, lines in enumerate(curves.values()):
            g += block("C%d" % i, lines)
        g += ["set logscale xy", "set xrange [70:1500000]", "set yrange [1000:500000]", "set ytics auto mirror", "set grid x y",
              "set format x '10^{%T}'", "set format y '%.0s %c'", 'set xlabel "peers"', "set key bottom right",
              'set ylabel "blocks of 1024 bytes for a second of server CPU"',
              "plot " + ", ".join("$C%d using 1:2:3:4 with yerrorbars pt %d ps 1.3 lw 1.5 lc rgb '%s' title '%s', "
                                  "'' using 1:2 with lines lw 1.5 lc rgb '%s' notitle"
                                  % (i, 5 + 2 * (i % 3), COLORS[i], name.replace("'", "''"), COLORS[i]) for i, name in enumerate(curves))]
    return "\n".join(g + ["unset multiplot"]) + "\n" if data or curves else None


def block(name, lines):
    return ["$%s << EOD" % name] + lines + ["EOD"]


def draw(path, kind="svg"):
    """Returns the files that it wrote: one, or none when there is nothing to draw or no gnuplot."""
    with open(path) as f:
        j = json.load(f)
    out = re.sub(r"\.json$", "." + kind, path)
    text = script({r["key"]: r for r in j["rows"] if "key" in r}, j["machine"], kind, out)
    if text is None:
        return []
    try:
        subprocess.run(["gnuplot"], input=text, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as e:
        print("no picture: %s" % e)
        return []
    return [out]


if __name__ == "__main__":
    print(" ".join(os.path.relpath(p) for p in draw(*sys.argv[1:])))
