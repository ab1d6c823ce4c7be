"""make bench: the figures of docs/BENCHMARKS.md, on this machine, in one run.

Prints a table, writes BUILD/bench.json and BUILD/bench.svg. A bar that is
missed is marked and decides nothing; exit 1 means that something is broken.
Arguments choose parts by name. The server runs on the first core, the load
on the last.
"""
import json
import os
import platform
import subprocess
import sys
import time

import bench_lib
import parts_control
import parts_crowd
import parts_fleet
import parts_image
import parts_sizing
import parts_store
import peers
import plot
from bench_lib import BIN, LOAD, ROWS, SERVER, Skip

PARTS = {"start": parts_store.bench_start, "verify": parts_store.bench_verify, "blocks": parts_image.bench_blocks,
         "scale": parts_image.bench_scale, "rivals": parts_image.bench_rivals, "slow": parts_image.bench_slow,
         "workers": parts_image.bench_workers, "poll": parts_control.bench_poll, "dtls": parts_control.bench_dtls,
         "reports": parts_control.bench_reports, "campaign": parts_fleet.bench_campaign, "crowd": parts_crowd.bench_crowd}
NAMED = {"plan": parts_store.bench_plan, "fleet": parts_fleet.bench_fleet, "soak": parts_fleet.bench_soak,
         "sizing": parts_sizing.bench_sizing}  # long


def said(*cmd):
    return subprocess.run(cmd, capture_output=True, text=True).stdout.strip()


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    packages = said("dpkg-query", "-W", "-f", "${Package} ${Version}\n", "libcoap3-bin", "libsqlite3-0", "openssl", "nodejs")
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "load_before": os.getloadavg()[0],
            "commit": said("git", "describe", "--always", "--dirty"), "server_core": SERVER, "load_core": LOAD,
            "network": os.environ["BENCH_NET"], "packages": dict(p.split(" ") for p in packages.splitlines()),
            "date": time.strftime("%F %T")}


def run(name):
    """Whether it went well. The other parts still have their say."""
    try:
        dict(PARTS, **NAMED)[name]()
    except Skip as e:
        print("%-8s left out: %s" % (name, e), flush=True)
    except Exception as e:
        ROWS.append({"part": name, "broken": str(e)})
        print("%-8s BROKEN: %s: %s" % (name, type(e).__name__, e), flush=True)
        return False
    return True


def main():
    names = sys.argv[1:] or list(PARTS)
    unknown = [n for n in names if n not in PARTS and n not in NAMED]
    if unknown:
        sys.exit("bench: no part %s; there are %s" % (" ".join(unknown), " ".join(list(PARTS) + list(NAMED))))
    if "rivals" in names and "BENCH_NET" not in os.environ:
        peers.fetch()
    bench_lib.isolate(sys.argv)
    m, t0 = machine(), time.monotonic()
    print("%(cpu)s, %(cores)d cores, Linux %(kernel)s, load %(load_before).2f, commit %(commit)s" % m)
    broken, m["parts"] = 0, {}
    for name in names:
        t1 = time.monotonic()
        broken += not run(name)
        m["parts"][name] = round(time.monotonic() - t1, 1)
    m["seconds"] = round(time.monotonic() - t0)
    path = os.path.join(BIN, "bench.json")
    with open(path, "w") as f:
        json.dump({"machine": m, "rows": ROWS}, f, indent=1)
    drawn = plot.draw(path)
    print("%d figures in %d s, %d missed bars, %d broken parts; %s" % (
        len(ROWS), m["seconds"], sum(r.get("met") is False for r in ROWS), broken,
        ", ".join(os.path.relpath(p) for p in [path] + drawn)))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
