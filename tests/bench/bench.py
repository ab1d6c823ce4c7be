"""make bench: the figures of docs/BENCHMARKS.md, on this machine, in one run.

Prints a table, writes BUILD/bench.json. A bar that is missed is marked and
decides nothing; exit 1 means that something is broken. Arguments choose
parts by name. The server runs on the first core, the load on the last.
"""
import base64
import hashlib
import json
import os
import platform
import random
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import fixture  # noqa: E402
from fixture import BIN, class_id  # noqa: E402

ROUNDS = 3
SERVER, LOAD = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
TOOL = os.path.join(BIN, "tests", "bench")
ROWS = []


class Suitd(fixture.Suitd):
    flags = ["-o", "log_level=warn"]  # not the tests' log of everything


def row(part, name, values, unit, bar=None, note=""):
    """One line: the median of `values`; bar is ("<" or ">", limit)."""
    values = [float(v) for v in values]
    mid = statistics.median(values)
    met = None if bar is None else (mid < bar[1] if bar[0] == "<" else mid > bar[1])
    ROWS.append({"part": part, "name": name, "median": mid, "min": min(values), "max": max(values), "rounds": len(values),
                 "unit": unit, "bar": "%s %g" % bar if bar else None, "met": met, "note": note})
    verdict = "" if met is None else "ok  (bar %s %g)" % bar if met else "MISSED (bar %s %g)" % bar
    print("%-7s %-42s %12s %-14s %-22s %s" % (part, name, fmt(mid), unit, verdict, note), flush=True)


def fmt(v):
    return "%d" % v if v >= 1000 else "%.3g" % v


def tool(name, *args, core=None):
    cmd = [os.path.join(TOOL, name)] + [str(a) for a in args]
    r = subprocess.run(cmd, capture_output=True, text=True, timeout=300, preexec_fn=lambda: pin(core))
    if r.returncode != 0:
        raise RuntimeError("%s: exit %d\n%s%s" % (" ".join(cmd), r.returncode, r.stdout, r.stderr))
    return r.stdout


def pin(core):
    if core is not None:
        os.sched_setaffinity(0, {core})


def cpu(pid):
    """Seconds on a core, of every thread."""
    return sum(int(open("/proc/%d/task/%s/schedstat" % (pid, t)).read().split()[0])
               for t in os.listdir("/proc/%d/task" % pid)) / 1e9


def memory(pid, field):
    for line in open("/proc/%d/status" % pid):
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(field)


def image(d, seq, size, **kw):
    """Publishes a random image; returns its file and its short path."""
    data = os.urandom(size)
    d.publish(seq, data, "coap://127.0.0.1:%d/fw/%d.bin" % (d.port, seq), **kw)
    return d.file("fw-demo-%d.bin" % seq), "i/" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()[:9]).decode()


# --- the parts ---

def bench_start():
    """From exec to READY=1, as systemd sees it, with 100 000 devices."""
    times, cold, rss = [], [], []
    with Suitd(start=False) as d:
        os.mkdir(d.state, 0o700)
        db = os.path.join(d.state, "suitd.db")
        t0 = time.monotonic()
        tool("fill", db, 100000, "bench-", class_id("demo"))
        filled = time.monotonic() - t0
        for i in range(2 * ROUNDS):
            if i % 2:  # the database from the disk
                fd = os.open(db, os.O_RDONLY)
                os.fsync(fd)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(fd)
            s, mib = ready(d)
            (cold if i % 2 else times).append(s)
            rss.append(mib)
        d.start()
        n = d.ctl_json("status")["devices"]
        if n != 100000:
            raise RuntimeError("%d devices" % n)
        after, t0 = "", time.monotonic()
        for _ in range(500):
            page = d.ctl_json("device", "list", "--limit", 200, *(["--after", after] if after else []))
            after = (page["items"] if isinstance(page, dict) else page)[-1]["ep"]
        listed = memory(d.proc.pid, "VmRSS")
        size = os.path.getsize(db) / 2**20
    row("start", "100 000 devices, exec to ready", times, "s", ("<", 2))
    row("start", "  database not in the page cache", cold, "s")
    row("start", "RSS when ready", rss, "MiB", ("<", 64))
    row("start", "RSS after listing all of them", [listed], "MiB", None, "500 pages")
    row("start", "database of 100 000 devices", [size], "MiB", None, "filled in %.1f s" % filled)


def ready(d):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    path = d.file("notify")
    s.bind(path)
    s.settimeout(60)
    t0 = time.monotonic()
    p = subprocess.Popen([os.path.join(BIN, "suitd"), "-d", d.state, "-o", "listen_coap=[::]:%d" % d.port,
                          "-o", "listen_coaps=", "-o", "listen_tcp=", "-o", "listen_admin=127.0.0.1:%d" % d.aport],
                         env=dict(os.environ, NOTIFY_SOCKET=path), stderr=subprocess.DEVNULL)
    try:
        while b"READY=1" not in s.recv(4096):
            pass
        return time.monotonic() - t0, memory(p.pid, "VmRSS")
    finally:
        p.terminate()
        p.wait(20)
        s.close()
        os.unlink(path)


def bench_verify():
    rates = {}
    for _ in range(ROUNDS):
        for line in tool("verify").splitlines():
            rates.setdefault(line.split()[0], []).append(line.split()[1])
    for alg, r in rates.items():
        row("verify", "parse + verify + walk, " + alg, r, "per CPU s", (">", 2000))


def bench_blocks():
    """Block GETs against the least a UDP server can do, taking turns."""
    with Suitd() as d:
        d.author()
        os.sched_setaffinity(d.proc.pid, {SERVER})
        for szx, size, seq in ((6, 262144, 1), (2, 32768, 2)):
            file, path = image(d, seq, size)
            args = ("--path", path, "--szx", szx, "--peers", 100)
            file = ("--file", file)
            answer = round(gen("get", d.port, *args, *file, "--seconds", 0.3)["answer_bytes"])
            got = {"suitd": [], "echo": []}
            for _ in range(ROUNDS):
                with Echo(answer) as e:
                    got["echo"].append(load(e.pid, "get", e.port, *args, "--bare", "--seconds", 2))
                got["suitd"].append(load(d.proc.pid, "get", d.port, *args, *file, "--seconds", 2))
            name = "szx %d, %d B answers: " % (szx, answer)
            for who in ("suitd", "echo"):
                row("blocks", name + who, [g["done"] / g["seconds"] for g in got[who]], "blocks/s", None,
                    "core %d %% busy, %d lost" % (100 * sum(g["server"] / g["seconds"] for g in got[who]) / ROUNDS,
                                                  sum(g["retransmissions"] for g in got[who])))
            row("blocks", name + "ratio", [(a["done"] / a["seconds"]) / (b["done"] / b["seconds"])
                                           for a, b in zip(got["suitd"], got["echo"])], "of the echo")
            row("blocks", "  server's CPU per block: suitd", [1e6 * g["server"] / g["done"] for g in got["suitd"]], "us")
            row("blocks", "  server's CPU per block: echo", [1e6 * g["server"] / g["done"] for g in got["echo"]], "us")
            row("blocks", "  ratio by CPU", [(b["server"] / b["done"]) / (a["server"] / a["done"])
                                             for a, b in zip(got["suitd"], got["echo"])], "of the echo")


class Echo:
    def __init__(self, size):
        self.p = subprocess.Popen([os.path.join(TOOL, "coapgen"), "echo", "--size", str(size)], stdout=subprocess.PIPE, text=True,
                                  preexec_fn=lambda: pin(SERVER))
        self.pid, self.port = self.p.pid, int(self.p.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.kill()
        self.p.wait()
        self.p.stdout.close()


def gen(mode, port, *args):
    g = json.loads(tool("coapgen", mode, "--to", "127.0.0.1:%d" % port, *args, core=LOAD))
    if g["bad"] or not g["done"]:
        raise RuntimeError("coapgen %s: %s" % (args, g))
    return g


def load(pid, *args):
    before = cpu(pid)
    g = gen(*args)
    g["server"] = cpu(pid) - before
    return g


# {phase 1, total 16384}, {2}, {3}, {phase 4, sequence 2}
PHASES = ["--body=a2000106194000", "--body=a10002", "--body=a10003", "--body=a200040202"]


def bench_reports():
    """Durable reports against a bare loop over SQLite that groups by 100."""
    devices, got, bare = 2048, [], []
    for _ in range(ROUNDS):
        with Suitd() as d:
            d.author()
            image(d, 2, 16384)
            d.stop()
            db = os.path.join(d.state, "suitd.db")
            tool("fill", db, devices, "bench-", class_id("demo"), "jobs")
            shutil.copy(db, d.file("bare.db"))
            bare.append(float(tool("rows", d.file("bare.db"), 4 * devices, core=SERVER)))
            d.start()
            os.sched_setaffinity(d.proc.pid, {SERVER})
            before = d.ctl_json("status")
            got.append(load(d.proc.pid, "post", d.port, "--path", "r", "--query", "ep=bench-%06u", "--cf", 60,
                            "--peers", devices, "--window", 64, "--each", len(PHASES), *PHASES))
            after = d.ctl_json("status")
            for k in ("events", "commits"):
                got[-1][k] = after[k] - before[k]
            if got[-1]["events"] < 4 * devices or after["jobs_live"] != 0:
                raise RuntimeError("reports were acked but not kept: %s" % after)
    rate = [g["done"] / g["seconds"] for g in got]
    row("reports", "POST /r, 64 at a time, FULL: suitd", rate, "reports/s", None,
        "%.1f reports a commit, %d %% of a core" % (sum(g["done"] for g in got) / max(1, sum(g["commits"] for g in got)),
                                                   100 * sum(g["server"] for g in got) / sum(g["seconds"] for g in got)))
    row("reports", "the rows alone, 100 a commit: bare SQLite", bare, "reports/s")
    row("reports", "ratio", [a / b for a, b in zip(rate, bare)], "of bare SQLite")
    row("reports", "  suitd's CPU per report", [1e6 * g["server"] / g["done"] for g in got], "us")


def bench_fleet():
    fleet("fleet", 2000)


def bench_soak():
    """Only when asked for: loss, doubles, and kill -9 in the middle."""
    fleet("soak", 2000, "--loss", "1%", "--dup", "1%", kill=True)


def fleet(part, n, *more, kill=False):
    """suitsim carries a whole campaign: who polls, who observes, who is triggered."""
    # the devices' clock runs 30 times faster: they are told to ask again after 2 s of ours
    with Suitd(["poll_max_age=1m"]) as d:
        d.author()
        ru0 = resource.getrusage(resource.RUSAGE_CHILDREN)
        out = open(d.file("sim.json"), "w+")
        t0 = time.monotonic()
        p = subprocess.Popen(
            [os.path.join(BIN, "suitsim"), "-n", str(n), "--mix", "poll=2,observe=1,trigger=1",
             "--server", "coap://127.0.0.1:%d" % d.port, "--key", d.file("author.pub"), "--class", class_id("demo"),
             "--time-scale", "30", "--poll", "60", "--json",
             "--addr-base", "127.%d.0.0" % random.randint(16, 200)] + list(more), stdout=out, stderr=open(d.file("sim.log"), "w"))
        try:
            drive(d, p, n, kill)
            peak = [0, 0]
            while p.poll() is None:
                try:
                    peak = [memory(p.pid, "VmHWM"), memory(d.proc.pid, "VmHWM")]
                except (OSError, RuntimeError):
                    pass  # it has just ended
                if time.monotonic() - t0 > 600:
                    raise RuntimeError("the fleet is not over after 600 s: %s" % d.ctl_json("status"))
                time.sleep(0.2)
        finally:
            if p.poll() is None:
                p.terminate()
                p.wait()
        wall = time.monotonic() - t0
        st = d.ctl_json("status")
        out.seek(0)
        report_fleet(part, d, p, json.load(out)["devices"], st, wall)
        ru1 = resource.getrusage(resource.RUSAGE_CHILDREN)
        server = cpu(d.proc.pid)
        row(part, "suitd: CPU, all of it", [server], "s", None, "%.0f us a request" % (1e6 * server / st["requests"]))
        row(part, "suitsim: CPU", [ru1.ru_utime + ru1.ru_stime - ru0.ru_utime - ru0.ru_stime], "s", None, "suitctl's included")
        row(part, "suitd: peak RSS", [peak[1]], "MiB")
        row(part, "suitsim: peak RSS", [peak[0]], "MiB")


def drive(d, p, n, kill):
    def until(what, check):
        end = time.monotonic() + 120
        while not check():
            if p.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the fleet: %s does not come, suitsim %s: %s" % (
                    what, p.poll(), open(d.file("sim.log")).read()[-400:].strip()))
            time.sleep(0.2)
    until("registration", lambda: d.ctl_json("status")["devices"] == n)
    image(d, 5, 16384)
    rel = d.ctl_json("release", "list")
    rel = (rel["items"] if isinstance(rel, dict) else rel)[0]["id"]
    d.ctl("campaign", "start", rel, "--class", class_id("demo"), "--concurrency", n)
    if kill:
        until("the middle", lambda: d.ctl_json("status")["blocks"] >= 16 * n / 3)
        d.kill()
        time.sleep(1)
        d.start()


def report_fleet(part, d, p, devices, st, wall):
    states, n = [x["state"] for x in devices], len(devices)
    counts = d.ctl_json("campaign", "show", 1)["counts"]
    if p.returncode != 0 or states.count("updated") != n:
        raise RuntimeError("suitsim exit %d: %s" % (p.returncode, {s: states.count(s) for s in set(states)}))
    row(part, "devices updated, of %d" % n, [states.count("updated")], "devices", (">", n - 1),
        "campaign %s" % " ".join("%s=%s" % kv for kv in sorted(counts.items()) if kv[1]))
    row(part, "wall time, first contact to last report", [wall], "s")
    row(part, "requests answered", [st["requests"] / wall], "per s", None,
        "%d requests, %d blocks, %d errors" % (st["requests"], st["blocks"], st["errors"]))
    row(part, "attempts a device", [sum(x["attempts"] for x in devices) / n], "", None,
        "%d retransmissions" % sum(x["retransmissions"] for x in devices))


def bench_plan():
    """A million devices; BENCH_PLAN=100000 for less."""
    n = int(os.environ.get("BENCH_PLAN", "1000000"))
    with tempfile.TemporaryDirectory(prefix="suitd-plan-") as where:
        for line in tool("plan", where, n).splitlines():
            m = re.match(r"(.*?)\s+([0-9.]+) ms\s*(?:(\d+) slices, longest\s+([0-9.]+) ms)?(?:, worst ([0-9.]+) ms)?$", line)
            if m is None:
                continue
            what, ms, slices, longest, worst = m.groups()
            if slices:
                bar = ("<", 5) if what.startswith("plan ") else None
                row("plan", what, [float(ms) / 1000], "s", bar, "%d devices, %s slices" % (n, slices))
                row("plan", "  its longest slice", [longest], "ms", ("<", 50))
            else:
                row("plan", what, [worst or ms], "ms", ("<", 50))


PARTS = {"start": bench_start, "verify": bench_verify, "blocks": bench_blocks, "reports": bench_reports,
         "fleet": bench_fleet, "plan": bench_plan, "soak": bench_soak}


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "load_before": os.getloadavg()[0],
            "commit": subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip(),
            "server_core": SERVER, "load_core": LOAD, "date": time.strftime("%F %T")}


def main():
    m, broken = machine(), 0
    print("%(cpu)s, %(cores)d cores, Linux %(kernel)s, load %(load_before).2f, commit %(commit)s" % m)
    for name in sys.argv[1:] or [p for p in PARTS if p != "soak"]:
        try:
            PARTS[name]()
        except Exception as e:  # the other parts still have their say
            broken += 1
            ROWS.append({"part": name, "broken": str(e)})
            print("%-7s BROKEN: %s" % (name, e), flush=True)
    path = os.path.join(BIN, "bench.json")
    with open(path, "w") as f:
        json.dump({"machine": m, "rows": ROWS}, f, indent=1)
    missed = sum(r.get("met") is False for r in ROWS)
    print("%d figures, %d missed bars, %d broken parts; %s" % (len(ROWS), missed, broken, os.path.relpath(path)))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
