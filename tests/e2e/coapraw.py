"""CoAP messages made by hand (RFC 7252 3), so that a test says exactly what
goes over the wire: token, message id, options and all."""
import os
import socket
import struct
import time

from fixture import HANGS

CON, NON, ACK, RST = range(4)
GET, POST, PUT, DELETE, FETCH = 1, 2, 3, 4, 5
IF_MATCH, URI_HOST, ETAG, OBSERVE, URI_PORT, LOCATION_PATH, URI_PATH = \
    1, 3, 4, 6, 7, 8, 11
CONTENT_FORMAT, MAX_AGE, URI_QUERY, ACCEPT, BLOCK2, BLOCK1, SIZE2 = \
    12, 14, 15, 17, 23, 27, 28
SIZE1, REQUEST_TAG, VENDOR = 60, 292, 2048


def uint(v):
    return v.to_bytes((v.bit_length() + 7) // 8, "big")


def block(num, szx, more=False):
    return uint(num << 4 | (8 if more else 0) | szx)


def code(c):
    return "%d.%02d" % (c >> 5, c & 31)


def _ext(v):
    if v < 13:
        return v, b""
    if v < 269:
        return 13, bytes([v - 13])
    return 14, struct.pack("!H", v - 269)


def encode(mtype, mcode, mid, token=b"", options=(), payload=b""):
    out = bytes([0x40 | mtype << 4 | len(token), mcode]) + struct.pack("!H", mid) + token
    last = 0
    for num, val in sorted(options, key=lambda o: o[0]):
        d, dx = _ext(num - last)
        n, nx = _ext(len(val))
        out += bytes([d << 4 | n]) + dx + nx + val
        last = num
    return out + (b"\xff" + payload if payload else b"")


class Msg:
    def __init__(self, b):
        self.raw = b
        self.type, tkl = b[0] >> 4 & 3, b[0] & 15
        self.code, self.mid = b[1], struct.unpack("!H", b[2:4])[0]
        self.token, pos, num, self.options = b[4:4 + tkl], 4 + tkl, 0, []
        self.payload = b""

        def ext(n, p):
            if n == 13:
                return b[p] + 13, p + 1
            if n == 14:
                return struct.unpack("!H", b[p:p + 2])[0] + 269, p + 2
            return n, p
        while pos < len(b):
            if b[pos] == 0xff:
                self.payload = b[pos + 1:]
                break
            d, n = b[pos] >> 4, b[pos] & 15
            d, pos = ext(d, pos + 1)
            n, pos = ext(n, pos)
            num += d
            self.options.append((num, b[pos:pos + n]))
            pos += n

    def opt(self, num):
        for n, v in self.options:
            if n == num:
                return v
        return None

    def uint(self, num):
        v = self.opt(num)
        return None if v is None else int.from_bytes(v, "big")

    def block2(self):
        v = self.uint(BLOCK2)
        return None if v is None else (v >> 4, bool(v & 8), v & 7)

    def __str__(self):
        return "%s %s %r" % ("CON NON ACK RST".split()[self.type], code(self.code), self.payload[:80])


def path(p):
    return [(URI_PATH, s.encode()) for s in p.split("/") if s]


class Peer:
    """A UDP socket of its own; use several to have several ports."""
    mid = int.from_bytes(os.urandom(2), "big")

    def __init__(self, port, host="127.0.0.1", src=None):
        fam = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.s = socket.socket(fam, socket.SOCK_DGRAM)
        if src:
            self.s.bind(src)
        self.dst = (host, port)

    def close(self):
        self.s.close()

    def next_mid(self):
        Peer.mid = (Peer.mid + 1) & 0xffff
        return Peer.mid

    def send(self, data):
        self.s.sendto(data, self.dst)

    def recv(self, timeout=HANGS):
        self.s.settimeout(timeout)
        try:
            return Msg(self.s.recv(65536))
        except socket.timeout:
            return None

    def ask(self, method, p="", options=(), payload=b"", token=b"", mtype=CON, mid=None, timeout=HANGS):
        """One exchange; asserts what every answer must have."""
        mid = self.next_mid() if mid is None else mid
        opts = list(options) + (path(p) if isinstance(p, str) else list(p))
        t0 = time.monotonic()
        self.send(encode(mtype, method, mid, token, opts, payload))
        r = self.recv(timeout)
        if r is not None:
            r.seconds = time.monotonic() - t0
            assert r.token == token, "token %r came back as %r" % (token, r.token)
            if mtype == CON:
                assert r.type == ACK and r.mid == mid, "not piggy-backed: %s" % r
        return r

    def download(self, p, szx=6, token=b"", new_token=False, start=0):
        body, num, etags = b"", start >> (szx + 4), set()
        while True:
            t = os.urandom(4) if new_token else token
            r = self.ask(GET, p, [(BLOCK2, block(num, szx))], token=t)
            assert r is not None and code(r.code) == "2.05", "%s" % r
            got, more, s = r.block2()
            assert (got, s) == (num, szx), "asked %d/%d, got %d/%d" % (num, szx, got, s)
            etags.add(r.opt(ETAG))
            body += r.payload
            num += 1
            if not more:
                assert len(etags) == 1, "ETag changed: %r" % etags
                return body, etags.pop()
