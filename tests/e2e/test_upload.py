#!/usr/bin/env python3
"""An image of 60 MiB is uploaded, and hashed after a start, while others ask: all get what they asked for. How long
the loop was kept is printed, and decides nothing."""
import hashlib
import os
import subprocess
import sys
import threading
import time

from coapraw import GET, Peer, code
from fixture import Suitd, run, wait_for

SIZE = 60 << 20
NAME = "/fw/large.bin"


class Asking(threading.Thread):
    """Asks for blocks of a small image and for a manifest, one after the other, until told to stop."""

    def __init__(self, d, want):
        super().__init__(daemon=True)
        self.d, self.want, self.end = d, want, threading.Event()
        self.asked, self.slowest, self.bad = 0, 0.0, []

    def run(self):
        p = Peer(self.d.port)
        try:
            while not self.end.is_set():
                for path in ("fw/small.bin", "m"):
                    t = time.monotonic()
                    r = p.ask(GET, path)
                    self.slowest = max(self.slowest, time.monotonic() - t)
                    self.asked += 1
                    ok = r.payload == self.want[:len(r.payload)] and r.payload if path != "m" else r.code >> 5 in (2, 4)
                    if not ok:
                        self.bad.append(str(r))
        except Exception as e:
            self.bad.append(repr(e))
        finally:
            p.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.join()


def lag(d, what):
    s = d.ctl_json("status")
    print("       %s: longest turn %.1f ms" % (what, s["lag_max_us"] / 1000), flush=True)


def tmp_files(d):
    return os.listdir(os.path.join(d.state, "tmp"))


def test_a_large_upload_and_a_large_hash_beside_others(_):
    small, large = os.urandom(5000), os.urandom(SIZE)
    with Suitd() as d:
        d.author()
        d.publish(1, small, "/fw/small.bin")
        env, fw = d.manifest(2, large, NAME, "large")
        with Asking(d, small) as a:
            d.ctl("publish", env, "--payload", fw)
        assert a.asked and not a.bad, a.bad[:3]
        lag(d, "upload, %d asked beside it, the slowest took %.1f ms" % (a.asked, a.slowest * 1000))
        assert not tmp_files(d)
        h = hashlib.sha256(large).hexdigest()
        with open(os.path.join(d.state, "images", h[:2], h), "rb") as f:
            assert f.read() == large
        d.stop()
        d.start()
        p = Peer(d.port)
        with Asking(d, small) as a:
            r = p.ask(GET, NAME[1:])
            wait_for("all to be hashed", lambda: "hashed since the start" in open(d.log).read().split("ready:")[-1])
        assert code(r.code) == "2.05" and r.payload == large[:len(r.payload)], str(r)
        assert a.asked and not a.bad, a.bad[:3]
        lag(d, "start, %d asked beside it, the slowest took %.1f ms" % (a.asked, a.slowest * 1000))


def test_REQ_SEC_MFST_CONST_a_large_damaged_image_is_named_and_not_served(_):
    large = os.urandom(8 << 20)
    with Suitd() as d:
        d.author()
        env, fw = d.manifest(1, large, NAME)
        d.ctl("publish", env, "--payload", fw)
        d.stop()
        h = hashlib.sha256(large).hexdigest()
        f = os.path.join(d.state, "images", h[:2], h)
        os.chmod(f, 0o600)
        with open(f, "r+b") as out:
            out.seek(len(large) - 1)
            out.write(bytes([large[-1] ^ 1]))
        d.start()
        r = Peer(d.port).ask(GET, NAME[1:])
        assert code(r.code) == "5.00" and b"damaged" in r.payload, str(r)
        assert "digest=%s" % h[:16] in open(d.log).read()


def test_a_kill_in_an_upload_leaves_nothing(_):
    large = os.urandom(SIZE)
    with Suitd() as d:
        d.author()
        env, fw = d.manifest(1, large, NAME)
        up = subprocess.Popen(d.ctl_args("publish", env, "--payload", fw), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        wait_for("some of it", lambda: [n for n in d.uploading() if n > 1 << 20])
        d.kill()
        d.start()
        up.kill()
        up.wait()
        assert not tmp_files(d)
        assert d.ctl_json("status")["image_bytes"] == 0
        d.ctl("publish", env, "--payload", fw)
        r = Peer(d.port).ask(GET, NAME[1:])
        assert code(r.code) == "2.05" and r.payload == large[:len(r.payload)], str(r)


def test_the_room_for_images_counts_uploads(_):
    with Suitd(["image_max=4M", "images_total=5M"]) as d:
        d.author()
        d.publish(1, os.urandom(2 << 20), "/fw/first.bin")
        env, fw = d.manifest(2, os.urandom(4 << 20), NAME)
        out = d.ctl("publish", env, "--payload", fw, rc=1)
        assert "space" in out, out
        assert not tmp_files(d)
        d.publish(3, os.urandom(2 << 20), "/fw/fits.bin")


def main():
    return run([f for n, f in sorted(globals().items()) if n.startswith("test_")], None)


if __name__ == "__main__":
    sys.exit(main())
