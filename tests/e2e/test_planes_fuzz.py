#!/usr/bin/env python3
"""Mutated GETs of an image, the same to both planes: equal answers, byte for
byte, or a difference that is in the list with its reason. SEED and CASES
change what is tried; a failure prints the seed and the datagram."""
import os
import random
import select
import sys

from coapraw import (ACCEPT, BLOCK1, BLOCK2, CON, ETAG, GET, NON, OBSERVE, REQUEST_TAG, SIZE2, URI_PATH,
                     URI_QUERY, Msg, block, encode, uint)
from fixture import run
from planes import IMAGE, IMAGES, Pair, client, digest, image_path, name, refused_by_libcoap, same, shown

SEED = int(os.environ.get("SEED", "7"))
CASES = int(os.environ.get("CASES", "6000"))
BATCH = 240  # two sockets each, below the usual 1024 descriptors

RESET = 0x70


def resets(a, b):
    return [len(x) for x in (a, b)] == [1, 1] and a[0][0] == b[0][0] == RESET


# (name, reason, what tells it: datagram, answers of libcoap and of the worker)
DIFFERENCES = [
    ("long", "libcoap does not read a datagram of more than 1152 bytes and resets message 0; a worker resets this one",
     lambda raw, a, b: len(raw) > 1152 and resets(a, b) and a[0][2:] == b"\0\0" and b[0][2:] == raw[2:4]),
    ("refused", "libcoap of Debian 13 refuses it before we see it",
     lambda raw, a, b: len(a) == 1 and refused_by_libcoap(raw, a[0])),
]

NUMBERS = list(range(11, 40)) * 2 + list(range(1, 11)) + [60, 252, 258, 292, 2048, 2049, 65000, 65001, 65535]
VALUES = [b"", b"\0", b"\x06", b"\x07", b"\x0e", b"\x16", b"\xff", b"\0\x06", b"\x2a", b"\x3c", b"ep=k", b"x" * 8,
          b"x" * 9, b"x" * 13, b"x" * 255, b"x" * 256, b"\xff\xff\xff", b"\0\0\0\0", digest(IMAGE)[:8]]


def seeds(rnd):
    data = rnd.choice(IMAGES)
    path = [(URI_PATH, s) for s in image_path(data, rnd.choice((9, 12, 32, 32, 32)))]
    if rnd.random() < 0.1:
        path[1] = (URI_PATH, rnd.choice([b"", b"x", name(b"no"), name(data).lower(), b"%2F", b"=" * 43]))
    if rnd.random() < 0.1:
        path.append((URI_PATH, rnd.choice([b"", b"x"])))
    opts = []
    usual = [(BLOCK2, block(rnd.choice((0, 1, 7, 19, 20, 1249, 1250)), rnd.randrange(7), rnd.random() < 0.2)),
             (ETAG, rnd.choice([digest(data)[:8], b"other"])), (ACCEPT, uint(rnd.choice((42, 60, 0, 40, 257)))),
             (SIZE2, b""), (URI_QUERY, rnd.choice([b"ep=kitchen", b"chunk=1", b"ep=" + b"k" * 40])),
             (OBSERVE, rnd.choice([b"", b"\x01"])), (BLOCK1, block(0, 6)), (REQUEST_TAG, b"t"),
             (258, bytes([rnd.randrange(32)]))]
    opts += rnd.sample(usual, rnd.randrange(4))
    for _ in range(rnd.choice((0, 0, 0, 0, 1, 1, 2, 4))):
        opts.append((rnd.choice(NUMBERS), rnd.choice(VALUES)))
    return encode(rnd.choice((CON, CON, NON)), GET, rnd.randrange(65536), rnd.randbytes(rnd.choice((0, 1, 2, 4, 8))),
                  path + opts, rnd.choice((b"", b"", b"", b"body")))


def mutate(rnd, raw):
    b = bytearray(raw)
    for _ in range(rnd.choice((0, 0, 0, 1, 1, 2, 3))):
        i = rnd.randrange(4, len(b)) if rnd.random() < 0.9 and len(b) > 4 else rnd.randrange(max(len(b), 1))
        how = rnd.randrange(6)
        if how == 0 and i < len(b):
            b[i] ^= 1 << rnd.randrange(8)
        elif how == 1:
            b[i:i] = rnd.randbytes(rnd.randrange(1, 4))
        elif how == 2:
            del b[i:i + rnd.randrange(1, 4)]
        elif how == 3:
            del b[i:]
        elif how == 4 and i < len(b):
            b[i] = rnd.choice((0, 0x0d, 0x0e, 0x0f, 0xd0, 0xe0, 0xf0, 0xff, 0xdd, 0xee, rnd.randrange(256)))
        elif how == 5:
            b += b[i:]
    return bytes(b)


def steered(b):
    """Does the program on the sockets give this datagram to a worker?"""
    tkl = b[0] & 15 if b else 15
    return b[:1] >= b"\x40" and b[0] < 0x60 and tkl <= 8 and b[1:2] == bytes([GET]) and b[4 + tkl:6 + tkl] == b"\xb1i"


class Case:
    def __init__(self, p, raw):
        self.raw, self.got = raw, ([], [])
        self.socks = [client(d.port) for d in (p.slow, p.fast)]
        for s in self.socks:
            s.send(raw)

    def answers(self):
        return [sorted(g, key=lambda b: b[:2] + b[4:]) for g in self.got]

    def equal(self):
        a, b = self.answers()
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))

    def close(self):
        for s in self.socks:
            s.close()


def collect(cases, quiet):
    """Reads what comes until nothing has for that many seconds."""
    ep, of = select.epoll(), {}
    for c in cases:
        for n, s in enumerate(c.socks):
            of[s.fileno()] = (s, c.got[n])
            ep.register(s, select.EPOLLIN)
    while True:
        ready = ep.poll(quiet)
        if not ready:
            break
        for fd, _ in ready:
            s, got = of[fd]
            try:
                got.append(s.recv(65536))
            except ConnectionRefusedError:
                got.append(b"refused")
    ep.close()


def known(c):
    a, b = c.answers()
    return next((d for d in DIFFERENCES if d[2](c.raw, a, b)), None)


def settled(p, c):
    """A difference that is there again when it is asked alone."""
    for _ in range(3):
        c.close()
        c = Case(p, c.raw)
        collect([c], 1.0)
        if c.equal():
            break
    c.close()
    return c


def complain(c):
    a, b = c.answers()
    return "SEED=%d: planes differ on %s\n  %s\nlibcoap %s\nworker  %s" % (
        SEED, c.raw.hex(), Msg(c.raw).options if len(c.raw) > 4 else "", [shown(x) for x in a], [shown(x) for x in b])


def test_mutations_get_the_same_answer(p):
    rnd, seen, to_worker, listed = random.Random(SEED), {}, 0, {}
    for at in range(0, CASES, BATCH):
        cases = [Case(p, mutate(rnd, seeds(rnd))) for _ in range(min(BATCH, CASES - at))]
        collect(cases, 0.1)
        for c in cases:
            to_worker += steered(c.raw)
            if not c.equal():
                c = settled(p, c)
            if not c.equal():
                d = known(c)
                assert d, complain(c)
                listed[d[0]] = listed.get(d[0], 0) + 1
            kind = c.got[1][0][1] if c.got[1] and len(c.got[1][0]) > 1 else None
            seen[kind] = seen.get(kind, 0) + 1
            c.close()
    print("  %d cases, %d to a worker; answers: %s; listed differences: %s" % (
        CASES, to_worker, ", ".join("%s %d" % ("none" if k is None else "%d.%02d" % (k >> 5, k & 31), n)
                                    for k, n in sorted(seen.items(), key=lambda i: -i[1])), listed or "none"))
    assert to_worker > CASES // 2, "most of them must reach a worker"
    for c in (0x45, 0x43, 0x80, 0x82, 0x84, 0x86, 0):
        assert seen.get(c, 0) >= CASES // 500, "hardly any answer of code %#x" % c


def main():
    with Pair() as p:
        return run([f for n, f in sorted(globals().items()) if n.startswith("test_")], p)


if __name__ == "__main__":
    sys.exit(main())
