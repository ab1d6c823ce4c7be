"""A crowd: 100 000 devices register, report and poll over plain UDP, all of
them at once, while others download. The figures are about the whole; what
must not happen is that something is lost or wrong."""
import contextlib
import os
import sqlite3
import subprocess
import time

from bench_lib import LOAD, SERVER, Broken, Suitd, busy_of, check, cpu_of, gen_args, image, memory, pin, row, turns_row
from coapraw import ETAG, GET, Peer, code
from fixture import class_id

DEVICES, TAKERS, WINDOW = 100000, 1000, 1024
SIZE, WHOLE, THINK = 65536, 2, 100  # each takes the image twice, and rests so many ms after each block
EP = "crowd-%06u"
# {sequence 1, version "1.0"}: docs/PROTOCOL.md
REPORT = "a202010763312e30"
LINKS = b"</suit/trigger>".hex()


def bench_crowd():
    """First they come, then they report and poll; each does each once."""
    with Suitd() as d:
        d.author()
        file, path = image(d, 1, SIZE)
        r = Peer(d.port).ask(GET, "m/" + class_id("demo"))
        if code(r.code) != "2.05":
            raise Broken("the class's manifest: %s" % r)
        cpu, busy, t0 = cpu_of(d.pid), busy_of(SERVER), time.monotonic()
        act("they register", d, file, path, {
            "register": ("post", dict(path="rd", query="ep=%s&lt=86400&c=%s" % (EP, class_id("demo")), body=LINKS, cf=40,
                                      expect=201))})
        act("they report", d, file, path, {
            "report": ("post", dict(path="r", query="ep=" + EP, body=REPORT, cf=60))})
        act("they report and poll", d, file, path, {
            "report": ("post", dict(path="r", query="ep=" + EP, body=REPORT, cf=60)),
            "poll": ("get", dict(path="m", query="ep=" + EP, etag=r.opt(ETAG).hex(), expect=203))})
        st = d.ctl_json("status")
        cpu, busy, t0 = cpu_of(d.pid) - cpu, busy_of(SERVER) - busy, time.monotonic() - t0
        turns_row("crowd", [st])
        row("crowd", "CPU of suitd, all of it", [cpu], "s", None, "%d requests, %d blocks; others had %d %% of its core" % (
            st["requests"], st["blocks"], max(0, 100 * (busy - cpu) / t0)), key="crowd.cpu")
        row("crowd", "peak RSS of suitd", [memory(d.pid, "VmHWM")], "MiB", key="crowd.rss")
        d.stop()
        on_disk(os.path.join(d.state, "suitd.db"))


def act(name, d, file, path, cast):
    """Each of `cast` once for all devices, side by side, and downloads."""
    base = dict(peers=DEVICES, each=1, window=WINDOW)
    cast = dict(cast, take=("get", dict(path=path, query="ep=" + EP, file=file, szx=6, from_start=True, each=WHOLE, peers=TAKERS, window=TAKERS,
                                        think=THINK, base="127.200.0.1")))
    with contextlib.ExitStack() as stack:
        players = {who: stack.enter_context(running(d, mode, **dict(base, **o))) for who, (mode, o) in cast.items()}
        g = {who: check(p, *p.communicate(timeout=300)) for who, p in players.items()}
    take = g.pop("take")
    for who in g:
        tell("%s: %s" % (name, who), g[who], DEVICES)
    tell("  meanwhile blocks to %d peers" % TAKERS, take, TAKERS * WHOLE * SIZE // 1024)
    if take["images"] != TAKERS * WHOLE:
        raise Broken("%d images are whole: %s" % (take["images"], take))


def tell(name, g, least):
    if g["done"] < least or g["given_up"]:
        raise Broken("%s: %s" % (name, g))
    row("crowd", name, [g["rate"]], "per s", None, "p50 %.1f, p99 %.1f, p99.9 %.1f, longest %.0f ms; %d, %d retransmissions" % (
        g["p50_us"] / 1e3, g["p99_us"] / 1e3, g["p999_us"] / 1e3, g["max_us"] / 1e3, g["done"], g["retransmissions"]))


@contextlib.contextmanager
def running(d, mode, **options):
    p = subprocess.Popen(gen_args(mode, d.port, options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         preexec_fn=lambda: pin(LOAD))
    try:
        yield p
    finally:
        p.kill()
        p.wait()


def on_disk(path):
    db = sqlite3.connect(path)
    n, kept = db.execute("SELECT count(*), sum(registered AND seq = 1 AND version = '1.0') FROM device").fetchone()
    db.close()
    if (n, kept) != (DEVICES, DEVICES):
        raise Broken("%d devices are there, %d with their report" % (n, kept))
    row("crowd", "devices registered, with their reports", [kept], "devices", (">=", DEVICES), "read from the disk", key="crowd.kept")
