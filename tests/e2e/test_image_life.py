#!/usr/bin/env python3
"""Images that come, go and break while 50 clients download from the image
plane, and a daemon that is stopped and killed meanwhile. Clients compare every
byte; what is 2.05 must be of the image that was asked for."""
import glob
import os
import signal
import sys
import time

from coapraw import BLOCK2, GET, Peer, block, code
from crowd import Crowd
from fixture import run, wait_for
from freeze import workers
from planes import digest, image_path, name, suitd

A, B = os.urandom(60000), os.urandom(70001)


def seq(d):
    return max([r["seq"] for r in d.ctl_json("release", "list")] or [0]) + 1


def release(d, n):
    return next(r["id"] for r in d.ctl_json("release", "list") if r["seq"] == n)


def progress(c, n=300):
    """They download: so many blocks more."""
    was = c.blocks
    wait_for("%d more blocks" % n, lambda: c.blocks >= was + n)


def file_of(d, data):
    f = glob.glob(os.path.join(d.state, "images", "*", digest(data).hex()))
    assert len(f) == 1, f
    return f[0]


def get(d, data, num=0):
    p = Peer(d.port)
    try:
        return p.ask(GET, [(11, s) for s in image_path(data)], [(BLOCK2, block(num, 6))])
    finally:
        p.close()


def test_published_while_they_download(d):
    with Crowd(d.port, [A, B]) as c:
        progress(c)
        for _ in range(5):
            data = os.urandom(30000)
            assert code(get(d, data).code) == "4.04", "before it is published"
            n = seq(d)
            d.publish(n, data, "/fw/new%d.bin" % n)
            r = get(d, data)
            assert code(r.code) == "2.05" and r.payload == data[:1024], "right after it was published: %s" % r
            c.set_images(c.images + [data])
            wait_for("it is downloaded", lambda: c.done.get(data))
        assert not c.codes, c.codes


def test_withdrawn_while_they_download(d):
    for turn in range(4):
        data, n = os.urandom(200000), seq(d)
        d.publish(n, data, "/fw/old%d.bin" % n)
        with Crowd(d.port, [A, data]) as c:
            progress(c)
            d.ctl("release", "withdraw", release(d, n))
            c.gone[data] = time.monotonic()  # no request from now on gets a block
            r = get(d, data)
            assert code(r.code) == "4.04" and b"withdrawn" in r.payload, str(r)
            wait_for("somebody was told", lambda: c.codes.get((data, "4.04")))
            c.set_images([A])
            progress(c)
            assert set(c.codes) == {(data, "4.04")}, c.codes


def test_replaced_while_they_download(d):
    """The next release of the same class: who is at the old one finishes it."""
    images = [os.urandom(50000)]
    d.publish(seq(d), images[0], "/fw/v0.bin", cls="replaced")
    with Crowd(d.port, images) as c:
        for n in range(1, 6):
            progress(c)
            images.append(os.urandom(50000 + n))
            d.publish(seq(d), images[-1], "/fw/v%d.bin" % n, cls="replaced")
            c.set_images(images)
        wait_for("all of them are downloaded", lambda: all(c.done.get(i) for i in images))
        assert not c.codes, c.codes


def test_restarted_while_they_download(d):
    with Crowd(d.port, [A, B]) as c:
        for sig in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            progress(c)
            rc = d.kill(sig)
            assert sig == signal.SIGKILL or rc == 0, rc
            d.start()
            assert workers(d)
        progress(c)
        was = dict(c.done)
        wait_for("downloads end", lambda: c.done.get(A, 0) > was.get(A, 0) and c.done.get(B, 0) > was.get(B, 0))
        assert not c.codes, c.codes


def test_many_images(d):
    """Three hundred, eight to a release, all served, also right after a start."""
    images = [os.urandom(40) + bytes(n) for n in range(304)]
    with Crowd(d.port, [A]) as c:
        for at in range(0, len(images), 8):
            publish_many(d, images[at:at + 8])
        progress(c)
        c.set_images(images)
        wait_for("each of them was downloaded", lambda: all(c.done.get(i) for i in images))
        assert not c.codes, c.codes
    d.stop()
    d.start()
    for i in images:
        r = get(d, i)
        assert code(r.code) == "2.05" and r.payload == i, str(r)


def publish_many(d, images):
    n = seq(d)
    env, words = d.file("many-%d.suit" % n), []
    for k, data in enumerate(images):
        fw = d.file("many-%d-%d.bin" % (n, k), data)
        words += ["--component", "%02x" % k, "--payload", fw, "--uri", "/many/%d-%d.bin" % (n, k)]
    d.ctl("manifest", "create", "--sequence", n, "--vendor", "example.com", "--class", "many", *words,
          "--key", d.file("author.pem"), "--out", env)
    files = [w for i, w in enumerate(words) if i and words[i - 1] == "--payload"]
    d.ctl("publish", env, *[w for f in files for w in ("--payload", f)])


def broken(d, how, n):
    """An image's file is broken while it is downloaded: suitd goes on, says
    so, others are served, and publishing it once more heals it."""
    data = os.urandom(150000)
    d.publish(n, data, "/fw/broken%d.bin" % n)
    env, fw = d.file("m-demo-%d.suit" % n), d.file("fw-demo-%d.bin" % n)
    with Crowd(d.port, [data], n=10, szx=4) as c, Crowd(d.port, [A, B], n=20) as others:
        progress(c)
        f = file_of(d, data)
        os.chmod(f, 0o600)
        how(f)
        wait_for("it is refused", lambda: code(get(d, data).code) == "5.00")
        c.stop.set()
        c.thread.join()
        c.wrong.clear()  # until it was noticed, what the file held
        assert d.proc.poll() is None, "suitd died"
        log = open(d.log).read()
        assert name(data).decode() in log or digest(data)[:8].hex() in log, "the log names it"
        r = get(d, data, 3)
        assert code(r.code) == "5.00" and r.payload, str(r)
        assert set(k[1] for k in c.codes) <= {"5.00"}, c.codes
        progress(others)
        assert not others.codes, others.codes
        d.ctl("publish", env, "--payload", fw, rc=None)
        for num in range(0, 146, 5):
            wait_for("it is served again", lambda: code(get(d, data, num).code) == "2.05")
            r = get(d, data, num)
            assert r.payload == data[num * 1024:(num + 1) * 1024], num
    with Crowd(d.port, [data], n=10) as c:
        wait_for("whole downloads again", lambda: c.done.get(data))
        assert not c.codes, c.codes


def test_truncated_while_it_is_downloaded(d):
    broken(d, lambda f: os.truncate(f, 0), seq(d))
    broken(d, lambda f: os.truncate(f, 70000), seq(d))


def test_REQ_SEC_MFST_CONST_overwritten_while_it_is_downloaded(d):
    def overwrite(f):
        with open(f, "r+b") as h:
            h.seek(5000)
            h.write(os.urandom(50000))
    broken(d, overwrite, seq(d))


def test_REQ_SEC_MFST_CONST_removed_while_it_is_downloaded(d):
    """Who is at it finishes: the bytes are there until nobody has them."""
    n, data = seq(d), os.urandom(150000)
    d.publish(n, data, "/fw/removed.bin")
    with Crowd(d.port, [data], n=10, szx=4) as c, Crowd(d.port, [A, B], n=20) as others:
        progress(c)
        os.unlink(file_of(d, data))
        wait_for("it is refused", lambda: code(get(d, data).code)[0] == "5")
        progress(others)
        assert not others.codes, others.codes
        d.ctl("publish", d.file("m-demo-%d.suit" % n), "--payload", d.file("fw-demo-%d.bin" % n), rc=None)
        wait_for("it is served again", lambda: code(get(d, data, 7).code) == "2.05")
        assert set(k[1] for k in c.codes) <= {"5.00"}, c.codes


def test_REQ_SEC_MFST_CONST_an_image_that_was_broken_at_the_start(d):
    n, data = seq(d), os.urandom(9000)
    d.publish(n, data, "/fw/start.bin")
    d.stop()
    f = file_of(d, data)
    os.chmod(f, 0o600)
    with open(f, "r+b") as h:
        h.seek(8000)
        h.write(bytes([data[8000] ^ 1]))
    d.start()
    for num in range(9):
        assert code(get(d, data, num).code) == "5.00"
    assert get(d, A).payload == A[:1024]
    d.ctl("publish", d.file("m-demo-%d.suit" % n), "--payload", d.file("fw-demo-%d.bin" % n), rc=None)
    wait_for("it is served again", lambda: get(d, data).payload == data[:1024])


def test_stops_promptly_in_the_middle_of_it(d):
    with Crowd(d.port, [A, B], n=100) as c:
        progress(c)

        def took():
            t0 = time.monotonic()
            assert d.kill(signal.SIGTERM) == 0
            seconds = time.monotonic() - t0
            d.start()
            progress(c)
            return seconds
        wait_for("it waits for nothing", lambda: took() < 3)  # the machine may


def main():
    with suitd(2, ["drain_grace=0"], [A, B]) as d:  # the crowd never ends
        return run([v for k, v in list(globals().items()) if k.startswith("test_")], d)


if __name__ == "__main__":
    sys.exit(main())
