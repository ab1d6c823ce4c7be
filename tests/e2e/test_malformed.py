#!/usr/bin/env python3
"""Messages that are wrong in every way the grammar of coapgen.py knows, over
UDP (both planes), DTLS and TCP: the answer is one that RFC 7252 allows, suitd
lives, keeps nothing of it, and serves."""
import collections
import os
import random
import socket
import sys
import time

import counts
from coapgen import FINE, REFUSED, Gen, frame
from coapraw import ACK, GET, RST, Msg, Peer, code
from dtls import Session
from fixture import class_id, run, wait_for
from planes import IMAGE, image_path, suitd
from test_flood import HELLO

PATHS = [[b"m", class_id("demo").encode()], [b"m"], [b"r"], [b"rd"], [b"rd", b"1"], [b".well-known", b"core"],
         image_path(IMAGE), [b"fw", b"9.bin"], [b"i", b"x"], [b"none"], []]
UDP, DTLS, TCP = 6000, 1500, 1500
SEED = 20260601


def outcome(m):
    if m.code != 0:
        return code(m.code)
    return "RST" if m.type == RST else ""


class Book:
    """What was sent under which number, what came back."""

    def __init__(self, what):
        self.what, self.sent, self.got, self.owed = what, {}, collections.defaultdict(list), set()

    def note(self, n, rule, raw, allowed):
        self.sent[n] = rule, raw, allowed
        if "" not in allowed:
            self.owed.add(n)

    def heard(self, raw):
        m = Msg(raw)
        n = int.from_bytes(m.token, "big") if len(m.token) == 4 and m.type != ACK and m.type != RST else m.mid
        self.got[n].append(outcome(m))
        self.owed.discard(n)

    def close(self):
        seen = collections.Counter()
        for n, (rule, raw, allowed) in self.sent.items():
            for o in self.got[n] or [""]:
                seen[o] += 1
                # who hears nothing of a CON asks again; loss is no verdict
                assert o in allowed or (o == "" and not self.got[n]), \
                    "%s, %s: %r for %s, not of %s" % (self.what, rule, o, raw.hex(), sorted(allowed))
        lost = [r for n, (r, _, a) in self.sent.items() if not self.got[n] and "" not in a]
        assert len(lost) <= len(self.sent) // 100, "%d without an answer: %r" % (len(lost), lost[:9])
        print("  %s: %d messages, %s" % (self.what, len(self.sent), dict(seen.most_common(14))))


def fds(d):
    return len(os.listdir("/proc/%d/fd" % d.proc.pid))


def rss(d):
    for line in open("/proc/%d/status" % d.proc.pid):
        if line.startswith("VmRSS"):
            return int(line.split()[1])


def lives(d):
    assert d.proc.poll() is None, "suitd ended: " + open(d.log).read()[-2000:]
    r = Peer(d.port).ask(GET, "fw/9.bin")
    assert code(r.code) == "2.05" and r.payload == IMAGE[:1024], str(r)


def by_datagrams(d, what, send, recv, n, seed):
    g, book = Gen(seed, PATHS), Book(what)
    for k in range(1, n + 1):
        rule, raw, allowed = g.datagram(k, k.to_bytes(4, "big"))
        book.note(k, rule, raw, allowed)
        send(raw)
        if k % 25 == 0 or k == n:
            end = time.monotonic() + 5  # then it is lost
            recv(book, 0.01)
            while book.owed and time.monotonic() < end:
                recv(book, 0.05)
            book.owed.clear()
    recv(book, 1)
    book.close()


def keeps_nothing(d, work):
    work(1)  # buffers have grown, images are mapped
    mem, files = rss(d), fds(d)
    work(2)
    lives(d)
    wait_for("%d files open, not %d" % (files, fds(d)), lambda: fds(d) <= files)
    bound = 8192 if not counts.sanitized() else 65536
    assert rss(d) - mem < bound, "%d KiB, then %d" % (mem, rss(d))


def over_udp(d, workers):
    p = Peer(d.port)

    def recv(book, seconds):
        p.s.settimeout(seconds)
        try:
            while True:
                book.heard(p.s.recv(65536))
        except socket.timeout:
            pass
    keeps_nothing(d, lambda s: by_datagrams(d, "udp, %d workers" % workers, p.send, recv, UDP, SEED + s))
    p.close()


def test_DOS_LIMITS_udp_by_the_loop(pair):
    over_udp(pair[0], 0)


def test_DOS_LIMITS_udp_by_workers(pair):
    over_udp(pair[1], 2)


def test_DOS_LIMITS_dtls(pair):
    d = pair[1]
    s = Session(d.sport, "mal", d.ctl_json("device", "add", "mal", "--psk-new")["key"])

    def recv(book, seconds):
        raw = s.recv(seconds)
        while raw is not None:
            book.heard(raw)
            raw = s.recv(seconds)
    keeps_nothing(d, lambda k: by_datagrams(d, "dtls", s.send, recv, DTLS, SEED + k))
    s.close()


def frames(buf):
    """(code, token) of each whole frame; the rest."""
    out = []
    while len(buf) >= 2:
        n, tkl, at = buf[0] >> 4, buf[0] & 15, 1
        ext = {13: 1, 14: 2, 15: 4}.get(n, 0)
        if len(buf) < 2 + ext:
            break
        if ext:
            n = int.from_bytes(buf[1:1 + ext], "big") + {1: 13, 2: 269, 4: 65805}[ext]
            at += ext
        if len(buf) < at + 1 + tkl + n:
            break
        out.append((buf[at], buf[at + 1:at + 1 + tkl]))
        buf = buf[at + 1 + tkl + n:]
    return out, buf


def connect(d):
    s = socket.create_connection(("127.0.0.1", d.port))
    s.sendall(frame(0xe1, b"", b""))  # our CSM
    return s


def one_connection(d, g, book, k):
    """Some right frames, then a broken one; cut up at random."""
    s, raw, rnd = connect(d), b"", random.Random(k)
    for i in range(rnd.randrange(1, 8)):
        n = k * 16 + i
        rule, one, allowed = g.frame(n.to_bytes(4, "big"))
        if rule == "reserved_szx":  # it is BERT here (RFC 8323 6)
            allowed = allowed | FINE | REFUSED
        if rule in ("hops", "wrong_elective", "wrong_length"):
            allowed = allowed | {""} | {"4.00", "5.08"}
        book.sent[n] = rule, one, allowed | {"", "RST"}  # a broken one before it ends the connection
        raw += one
    raw += g.broken_frame() if rnd.random() < 0.7 else b""
    try:
        while raw:
            cut = rnd.randrange(1, len(raw) + 1)
            s.sendall(raw[:cut])
            raw = raw[cut:]
    except OSError:
        pass  # it was closed already
    return s


def hears(s, book):
    buf = b""
    s.settimeout(0.02)
    try:
        while True:
            got = s.recv(65536)
            if not got:
                break
            buf += got
    except OSError:
        pass
    for c, token in frames(buf)[0]:
        if len(token) == 4 and c < 0xe0:
            book.got[int.from_bytes(token, "big")].append(code(c))
    s.close()


def by_connections(d, seed):
    g, book = Gen(seed, PATHS), Book("tcp")
    for k in range(1, TCP // 8):
        hears(one_connection(d, g, book, k), book)
    answered = sum(1 for n in book.sent if book.got[n])
    book.close()
    assert answered > len(book.sent) // 2, "%d of %d frames were answered" % (answered, len(book.sent))


def test_DOS_LIMITS_tcp(pair):
    keeps_nothing(pair[1], lambda s: by_connections(pair[1], SEED + s))


def test_DOS_HANDSHAKE_records_that_are_none(pair):
    """Cut, bent and made-up DTLS records."""
    d, rnd = pair[1], random.Random(SEED)

    def work(_):
        for n in range(4000):
            p = bytearray(HELLO if rnd.random() < 0.7 else rnd.randbytes(rnd.randrange(1500)))
            for _ in range(rnd.randrange(5)):
                if p:
                    p[rnd.randrange(len(p))] = rnd.randrange(256)
            s.sendto(bytes(p[:rnd.randrange(len(p) + 1)]), ("127.0.0.1", d.sport))
            if n % 100 == 0:
                time.sleep(0.005)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    keeps_nothing(d, work)
    s.close()
    d.ctl("status")


def main():
    with suitd(0) as slow, suitd(2) as fast:
        return run([v for k, v in list(globals().items()) if k.startswith("test_")], (slow, fast))


if __name__ == "__main__":
    sys.exit(main())
