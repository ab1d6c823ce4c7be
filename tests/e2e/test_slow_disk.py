#!/usr/bin/env python3
"""A disk that takes long, or fails, when it is told to keep something: no
answer leaves before its commit is kept, nobody else waits for the disk, and
what could not be kept is refused until the disk is well again. What is
put between suitd and the disk is tests/preload/slow_disk.c."""
import os
import signal
import subprocess
import sys
import tempfile
import time

from coapraw import ACK, CON, GET, POST, URI_QUERY, Peer, code, encode, path
from fixture import BIN, HANGS, Suitd, class_id, run, wait_for

PRELOAD = os.path.join(BIN, "tests/preload/slow_disk.so")
WITHIN = HANGS  # for what must come


class SlowDisk(Suitd):
    def __init__(self, options=()):
        self.how = tempfile.NamedTemporaryFile("w", prefix="slow-disk.")
        self.env = {"LD_PRELOAD": PRELOAD, "SLOW_DISK": self.how.name,
                    "ASAN_OPTIONS": "verify_asan_link_order=0"}
        super().__init__(options)

    def start(self):
        old = {k: os.environ.get(k) for k in self.env}
        os.environ.update(self.env)
        try:
            super().start()
        finally:
            for k, v in old.items():
                os.environ.pop(k) if v is None else os.environ.update({k: v})

    def disk(self, word):
        """A short word is written at once: never half of it is read."""
        fd = os.open(self.how.name, os.O_WRONLY)
        os.pwrite(fd, word.ljust(6).encode(), 0)
        os.close(fd)

    def close(self):
        self.disk("well")
        super().close()


def register(p, ep):
    mid = p.next_mid()
    p.send(encode(CON, POST, mid, b"t", path("rd") + [(URI_QUERY, b"ep=" + ep)]))
    return mid


def test_nothing_is_acknowledged_before_the_disk_has_it(_):
    with SlowDisk() as d:
        p, other = Peer(d.port), Peer(d.port)
        assert p.ask(POST, "rd", [(URI_QUERY, b"ep=before")]).code == 65
        d.disk("hang")
        mids = [register(p, b"x%d" % i) for i in range(20)]
        assert p.recv(1) is None, "an answer before the sync"
        # everybody else is served meanwhile, also from the store
        for _ in range(10):
            assert other.ask(GET, ".well-known/core", timeout=WITHIN).code == 69
        assert d.ctl_json("status")["devices"] == 21
        # a repetition is not run again, and not answered either
        p.send(encode(CON, POST, mids[0], b"t", path("rd") + [(URI_QUERY, b"ep=x0")]))
        assert p.recv(0.3) is None
        d.disk("well")
        got = [p.recv(WITHIN) for _ in mids]
        assert sorted(r.mid for r in got) == sorted(mids), [str(r) for r in got]
        assert all(r.code == 65 and r.type == ACK and r.token == b"t" for r in got)
        d.kill()
        d.start()
        assert d.ctl_json("status")["devices"] == 21


def test_what_the_disk_did_not_keep_is_refused(_):
    with SlowDisk() as d:
        p = Peer(d.port)
        assert p.ask(POST, "rd", [(URI_QUERY, b"ep=before")]).code == 65
        d.disk("fail")
        r = p.ask(POST, "rd", [(URI_QUERY, b"ep=lost")], timeout=WITHIN)
        assert code(r.code) in ("5.00", "5.03") and r.payload, str(r)
        st = d.ctl_json("status")
        assert st["degraded"] and st["why"], st
        # its hole in the log is in everything that comes later
        assert p.ask(POST, "rd", [(URI_QUERY, b"ep=more")], timeout=WITHIN).code >> 5 == 5
        assert p.ask(GET, ".well-known/core", timeout=WITHIN).code == 69
        d.disk("well")
        wait_for("the disk to be found well", lambda: not d.ctl_json("status")["degraded"])
        assert p.ask(POST, "rd", [(URI_QUERY, b"ep=after")], timeout=WITHIN).code == 65
        d.kill()
        d.start()
        for ep in ("before", "after"):
            assert d.ctl_json("device", "show", ep)["ep"] == ep


def test_what_may_have_been_kept_can_be_sent_again(_):
    """What docs/PROTOCOL.md promises of answers that say so: nobody has to guess, and nothing is there twice."""
    with SlowDisk() as d:
        d.author()
        p, ep = Peer(d.port), [(URI_QUERY, b"ep=lamp-1"), (URI_QUERY, b"lt=600")]
        suit, image = d.manifest(1, os.urandom(500), "/fw/1.bin")
        again = [
            lambda **k: d.ctl("device", "add", "lamp-1", "--class", class_id("demo"), **k),
            lambda **k: d.ctl("device", "tag", "lamp-1", "site=north", **k),
            lambda **k: d.ctl("author", "add", "other", d.file("other.pub"), **k),
            lambda **k: d.ctl("publish", suit, "--payload", image, **k),
        ]
        d.ctl("key", "new", "--out", d.file("other.pem"), "--public", d.file("other.pub"))
        for what in again:
            d.disk("fail")
            what(rc=1)
            d.disk("well")
            wait_for("the disk to be found well", lambda: not d.ctl_json("status")["degraded"])
            what()
        d.disk("fail")
        assert p.ask(POST, "rd", ep, timeout=WITHIN).code >> 5 == 5
        d.disk("well")
        wait_for("the disk to be found well", lambda: not d.ctl_json("status")["degraded"])
        r = p.ask(POST, "rd", ep, timeout=WITHIN)
        assert r.code == 65, str(r)
        s = d.ctl_json("status")
        assert (s["devices"], s["releases"], len(d.ctl_json("author", "list"))) == (1, 1, 2), s


def test_a_disk_that_hangs_at_the_end_is_waited_for(_):
    with SlowDisk() as d:
        p = Peer(d.port)
        assert p.ask(POST, "rd", [(URI_QUERY, b"ep=before")]).code == 65
        d.disk("hang")
        mid = register(p, b"last")
        wait_for("the request", lambda: d.ctl_json("status")["devices"] == 2)
        d.proc.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert d.proc.poll() is None and p.recv(0.1) is None
        d.disk("well")
        r = p.recv(WITHIN)
        assert r is not None and r.mid == mid and r.code == 65, str(r)
        assert d.proc.wait(WITHIN) == 0
        d.proc = None


def test_without_synchronous_full_nobody_waits(_):
    with SlowDisk(["synchronous_full=false"]) as d:
        p = Peer(d.port)
        assert p.ask(POST, "rd", [(URI_QUERY, b"ep=before")]).code == 65
        d.disk("hang")
        assert p.ask(POST, "rd", [(URI_QUERY, b"ep=x")], timeout=WITHIN).code == 65


def upload(d, seq):
    env, fw = d.manifest(seq, os.urandom(3 << 20), "/fw/%d.bin" % seq)
    return subprocess.Popen(d.ctl_args("publish", env, "--payload", fw), stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def kept(d):
    return [f for _, _, files in os.walk(os.path.join(d.state, "images")) for f in files]


def test_nobody_waits_for_an_upload_that_the_disk_is_slow_to_keep(_):
    with SlowDisk() as d:
        d.author()
        p = Peer(d.port)
        d.disk("hang")
        up = upload(d, 1)
        wait_for("all of it", lambda: 3 << 20 in d.uploading())
        for _ in range(10):
            assert p.ask(GET, ".well-known/core", timeout=WITHIN).code == 69
        assert d.ctl_json("status")["image_bytes"] == 0
        assert up.poll() is None and not kept(d), "it has its name before the disk has it"
        # the end of the daemon waits for it
        d.proc.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert d.proc.poll() is None
        d.disk("well")
        assert d.proc.wait(WITHIN) == 0
        d.proc = None
        up.kill()
        up.communicate()
        d.start()
        assert len(kept(d)) == 1 and d.ctl_json("status")["image_bytes"] == 3 << 20
        assert "image uploaded" in d.ctl("events")


def test_an_upload_that_the_disk_does_not_keep_is_refused(_):
    with SlowDisk() as d:
        d.author()
        d.disk("fail")
        up = upload(d, 1)
        out = up.communicate(timeout=120)[0]
        assert up.returncode == 1 and "input/output" in out, out
        assert not kept(d) and not os.listdir(os.path.join(d.state, "tmp"))
        d.disk("well")
        wait_for("the disk to be found well", lambda: not d.ctl_json("status")["degraded"])
        up = upload(d, 2)
        assert up.wait(120) == 0, up.communicate()[0]
        up.communicate()
        assert len(kept(d)) == 1


def main():
    return run([f for n, f in sorted(globals().items()) if n.startswith("test_")], None)


if __name__ == "__main__":
    sys.exit(main())
