"""Start, manifests, planning: figures that need no load."""
import os
import re
import socket
import subprocess
import tempfile
import time

from bench_lib import BIN, ROUNDS, Broken, Suitd, memory, row, tool
from fixture import class_id


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
            if i % 2:
                forget(db)
            s, mib = ready(d)
            (cold if i % 2 else times).append(s)
            rss.append(mib)
        d.start()
        n = d.ctl_json("status")["devices"]
        if n != 100000:
            raise Broken("%d devices" % n)
        listed = list_some(d, 100)
        size = os.path.getsize(db) / 2**20
    row("start", "100 000 devices, exec to ready", times, "s", ("<", 2), key="start.warm")
    row("start", "  database not in the page cache", cold, "s", key="start.cold")
    row("start", "RSS when ready", rss, "MiB", ("<", 64), key="start.rss")
    row("start", "RSS after listing 20 000 of them", [listed], "MiB", None, "100 pages")
    row("start", "database of 100 000 devices", [size], "MiB", None, "filled in %.1f s" % filled)


def forget(path):
    """So that it comes from the disk."""
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def list_some(d, pages):
    after = ""
    for _ in range(pages):
        page = d.ctl_json("device", "list", "--limit", 200, *(["--after", after] if after else []))
        after = (page["items"] if isinstance(page, dict) else page)[-1]["ep"]
    return memory(d.pid, "VmRSS")


def ready(d):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    path = d.file("notify")
    s.bind(path)
    s.settimeout(60)
    t0 = time.monotonic()
    p = subprocess.Popen([os.path.join(BIN, "suitd"), "-d", d.state, "-o", "listen_coap=[::]:%d" % d.port,
                          "-o", "listen_coaps=", "-o", "listen_tcp=", "-o", "listen_http=", "-o", "listen_admin=127.0.0.1:%d" % d.aport],
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
    got = {}
    for _ in range(ROUNDS):
        for line in tool("verify").splitlines():
            got.setdefault(line.split()[0], []).append(line.split()[1])
    for alg, r in got.items():
        row("verify", "parse + verify + walk, " + alg, r, "per CPU s", (">", 2000), key="verify." + alg)


def bench_plan():
    """Only when asked for: a million devices; BENCH_PLAN=100000 for less."""
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
