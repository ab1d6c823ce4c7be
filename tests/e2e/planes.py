"""Two daemons with the same images: one that serves blocks through libcoap
alone (image_workers = 0), one with the image plane. What one of them answers
the other must answer, byte for byte."""
import base64
import functools
import hashlib
import os
import random
import select
import socket
import struct
import time

from coapraw import ACK, CON, GET, NON, Msg, encode
from fixture import HANGS, Suitd

# sizes at the edges of a block; the last is long enough to shrink sizes in.
# Always the same bytes, and so the same names: a seed says it all.
IMAGES = [random.Random(n).randbytes(n) for n in (1, 15, 16, 17, 64, 1023, 1024, 1025, 20000)]
IMAGE = IMAGES[-1]


def digest(data):
    return hashlib.sha256(data).digest()


def name(data, n=32):
    """What i/{d} calls an image: n bytes of its SHA-256 in base64url."""
    return base64.urlsafe_b64encode(digest(data)[:n]).rstrip(b"=")


# what the workers answer, the loop for them, and libcoap: who has answered all of it has answered what was before
BOTH = [b"i", name(IMAGE)], [b"fw", b"9.bin"], [b"i"], [b".well-known", b"core"]


def image_path(data, n=32):
    return [b"i", name(data, n)]


def suitd(workers, options=(), images=IMAGES, start=True):
    """A daemon with that many image workers that serves these images."""
    d = Suitd(["image_workers=%d" % workers] + list(options), start=start)
    if start:
        try:
            fill(d, images)
        except BaseException:
            d.close()
            raise
    return d


def fill(d, images, first=1):
    if not os.path.exists(d.file("author.pem")):
        d.author()
    for n, data in enumerate(images):
        d.publish(first + n, data, "/fw/%d.bin" % (first + n))


class Pair:
    """Both planes. `ask` sends one datagram to each of the two."""

    def __init__(self, options=(), images=IMAGES):
        self.slow = suitd(0, options, images)
        try:
            self.fast = suitd(2, options, images)
        except BaseException:
            self.slow.close()
            raise
        self.mid = 0
        self.renew()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.fast.close()
        finally:
            self.slow.close()

    def renew(self, host="127.0.0.1"):
        """New ports, which neither daemon knows."""
        self.socks = [client(d.port, host) for d in (self.slow, self.fast)]

    def afresh(self, test):
        """A test that begins with ports of its own."""
        @functools.wraps(test)
        def body(p):
            p.renew()
            test(p)
        return body

    def restart(self):
        for d in (self.slow, self.fast):
            d.stop()
            d.start()

    def next_mid(self):
        self.mid = self.mid + 1 & 0xffff
        return self.mid

    def ask(self, data, what="", patience=3.0):
        """The one answer of both, None if neither answers. Asserts that they
        are the same bytes but for the message id of a NON, which is the
        server's to choose."""
        slow, fast = each(self.socks, data, patience)
        if slow is None or fast is None:
            slow, fast = (r or self.late(s) for r, s in ((slow, self.socks[0]), (fast, self.socks[1])))
        if refused_by_libcoap(data, slow):
            slow = fast
        assert same(slow, fast), "planes differ %s on %s:\nlibcoap %s\nworker  %s" % (
            what, data.hex(), shown(slow), shown(fast))
        if slow is None:
            return None
        m = Msg(slow)
        if data[0] >> 4 & 3 == CON and m.code:
            assert m.type == ACK and m.mid == int.from_bytes(data[2:4], "big"), "not piggy-backed: %s %s" % (what, m)
        return m

    def late(self, s):
        """What comes before the answers to what was sent after it; None: there is none, however slow the machine."""
        r = None
        for path in BOTH:
            raw = encode(CON, GET, self.next_mid(), b"late?", seg(path))
            s.setblocking(True)
            s.settimeout(HANGS)
            s.send(raw)
            while True:
                got = s.recv(65536)
                if got[2:4] == raw[2:4] and got[4:9] == b"late?":
                    break
                assert r is None, "a second answer: " + shown(got)
                r = got
        return r

    def silent(self, data, what=""):
        """Neither answers. What is sent after it is answered by each plane,
        so that an answer would have come before."""
        for s in self.socks:
            s.send(data)
        for path in BOTH:
            self.ask(encode(CON, GET, self.next_mid(), b"after", seg(path)), "after " + what)
        r, _, _ = select.select(self.socks, [], [], 0.1)
        assert not r, "%s is answered: %s %s" % (what, data.hex(), shown(r[0].recv(65536)))

    def get(self, path, options=(), token=b"", mtype=CON, what="", payload=b"", method=GET):
        """A request with these segments; asserts the token."""
        m = self.ask(encode(mtype, method, self.next_mid(), token, seg(path) + list(options), payload), what)
        assert m is None or m.token == token or m.code == 0, "%s: token %r came back as %r" % (what, token, m.token)
        return m


def seg(path):
    return [(11, s) for s in path]


def client(port, host="127.0.0.1"):
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((host, port))
    return s


def one(s, data, patience):
    return each([s], data, patience)[0]


def each(socks, data, patience):
    """The answers to a datagram; nothing else may be waiting."""
    for s in socks:
        s.setblocking(False)
        try:
            raise AssertionError("a second answer: " + shown(s.recv(65536)))
        except BlockingIOError:
            s.send(data)
    out, end = {}, time.monotonic() + patience
    while len(out) < len(socks) and time.monotonic() < end:
        ready, _, _ = select.select([s for s in socks if s not in out], [], [], max(0, end - time.monotonic()))
        for s in ready:
            out[s] = s.recv(65536)
    return [out.get(s) for s in socks]


def same(a, b):
    if a is None or b is None:
        return a is b
    if a[0] >> 4 & 3 == NON:  # not RST: that has the request's
        return a[:2] + a[4:] == b[:2] + b[4:]
    return a == b


REPEATABLE = (1, 4, 8, 11, 15, 20)
PROXY_SCHEME = 39


def refused_by_libcoap(raw, answer):
    """libcoap of Debian 13 refuses some messages before we see them, in words of its own: with an option twice that may
    be there once (RFC 7252 5.4.5 asks for less), and with Proxy-Scheme but no Uri-Host."""
    if answer is None:
        return False
    try:
        n = [k for k, _ in Msg(raw).options]
    except (IndexError, struct.error):
        return False
    if PROXY_SCHEME in n and answer == b"\x60\0" + raw[2:4]:
        return True
    if not any(n.count(k) > 1 for k in n if k not in REPEATABLE) and PROXY_SCHEME not in n:
        return False
    return answer == b"\x70\0" + raw[2:4] or answer[1] == 0x82 and Msg(answer).payload == b"Bad Option"


def shown(b):
    return "nothing" if b is None else "%s  %s" % (b[:120].hex(), Msg(b) if len(b) >= 4 else "")
