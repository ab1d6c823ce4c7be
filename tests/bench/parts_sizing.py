"""What a fleet costs, for the table "Sizing" of docs/OPERATIONS.md: memory,
disk and CPU by the number of devices and of downloads."""
import os
import sqlite3

from bench_lib import Broken, Suitd, image, load, memory, row
from coapraw import ETAG, GET, Peer
from fixture import class_id
from parts_control import KEY, filled
from parts_crowd import EP, LINKS, REPORT

SIZE = 262144  # of the image
STEPS = (10000, 50000, 100000)  # devices in all
SESSIONS = 5000
DOWNLOADS = 1000


def bench_sizing():
    """Only when asked for: about a minute."""
    plain()
    sessions()


def plain():
    with Suitd(["unknown_devices=accept"]) as d:
        d.author()
        row("sizing", "memory with no device, just started", [memory(d.pid, "VmRSS")], "MiB", key="sizing.empty")
        file, path = image(d, 1, SIZE)
        tag = Peer(d.port).ask(GET, "m/" + class_id("demo")).opt(ETAG).hex()
        before, had = (memory(d.pid, "VmRSS"), used(d)), 0
        for n in STEPS:
            common = dict(peers=n - had, first=had, each=1, window=64)
            cost = {"registration": load(d.pid, "post", d.port, path="rd", query="ep=%s&lt=86400&c=%s" % (EP, class_id("demo")),
                                         body=LINKS, cf=40, expect=201, **common),
                    "report": load(d.pid, "post", d.port, path="r", query="ep=" + EP, body=REPORT, cf=60, **common),
                    "poll": load(d.pid, "get", d.port, path="m", query="ep=" + EP, etag=tag, expect=203, **common)}
            for what, s in cost.items():
                if s.done != n - had:
                    raise Broken("%d of %d: %s" % (s.done, n - had, what))
                row("sizing", "CPU for 10 000 times a %s, %d devices" % (what, n), [1e4 * s.cpu / s.done], "s",
                    key="sizing.%s.%d" % (what, n))
            had = n
            grown = (memory(d.pid, "VmRSS") - before[0], used(d) - before[1])
            for what, mib in zip(("memory", "database"), grown):
                row("sizing", "%s for 10 000 devices, of %d" % (what, n), [1e4 * mib / n], "MiB", key="sizing.%s.%d" % (what, n))
        s = load(d.pid, "get", d.port, path=path, file=file, szx=6, peers=DOWNLOADS, each=1, from_start=True, window=DOWNLOADS)
        row("sizing", "CPU for 1 000 downloads of 256 KiB, plain UDP", [s.cpu], "s", None, "%d blocks in %.1f s" % (s.done, s.seconds),
            key="sizing.udp")


def sessions():
    with Suitd() as d:
        file, path = filled(d, 1, SESSIONS, "psk=" + KEY, size=SIZE)
        d.start()
        before = memory(d.pid, "VmRSS")
        s = load(d.pid, "get", d.sport, path=path, file=file, szx=6, dtls=True, psk_id="bench-%06u", psk="hex:" + KEY,
                 peers=SESSIONS, count=SESSIONS * 16)
        row("sizing", "memory for 1 000 DTLS sessions", [(memory(d.pid, "VmRSS") - before) * 1000 / SESSIONS], "MiB", key="sizing.session")
        row("sizing", "CPU for 1 000 DTLS handshakes", [s.before * 1000 / SESSIONS], "s", key="sizing.handshake")
        blocks = SIZE // 1024 * 1000
        row("sizing", "CPU for 1 000 downloads of 256 KiB, DTLS", [blocks * s.cpu / s.done], "s", None,
            "reckoned from %d blocks of %d sessions" % (s.done, SESSIONS), key="sizing.dtls")


def used(d):
    """Bytes of the database, without what its log has on top."""
    path = os.path.join(d.state, "suitd.db")
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    pages, size = db.execute("PRAGMA page_count").fetchone()[0], db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    return pages * size / 1048576
