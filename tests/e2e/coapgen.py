"""A grammar of CoAP messages that are wrong in one way each, with what RFC 7252
lets a server make of it: a set of outcomes, "" being silence. Seeded, so that a
failure can be played again."""
import random
import struct

from coapraw import (ACCEPT, ACK, BLOCK1, BLOCK2, CON, CONTENT_FORMAT, ETAG, GET, IF_MATCH, MAX_AGE, NON, OBSERVE, POST,
                     RST, SIZE1, SIZE2, URI_HOST, URI_PATH, URI_PORT, URI_QUERY, _ext, block, uint)

SILENT, RESET = "", "RST"
BAD_FORMAT = {SILENT, RESET}  # 4.2, 4.3: a CON is reset, others may be
REFUSED = {"4.00", "4.02", "4.04", "4.05", "4.06", "4.08", "4.13", "4.15", "4.29"}
FINE = {"2.01", "2.02", "2.03", "2.04", "2.05", "2.31"}
PROXY_URI, PROXY_SCHEME, IF_NONE_MATCH, HOPS, ECHO, NO_RESPONSE = 35, 39, 5, 16, 252, 258

# critical ones that mean something, with lengths that are wrong (table 4)
WRONG_LENGTH = [(IF_MATCH, 9), (URI_HOST, 0), (IF_NONE_MATCH, 1), (URI_PORT, 3), (URI_PATH, 256), (URI_QUERY, 256),
                (ACCEPT, 3), (BLOCK2, 4), (BLOCK1, 4), (PROXY_URI, 0), (PROXY_SCHEME, 0)]
# elective ones: to be ignored, 5.4.1 and 5.4.3; a parser may also call it a format error
WRONG_ELECTIVE = [(ETAG, 9), (ETAG, 0), (OBSERVE, 4), (CONTENT_FORMAT, 3), (MAX_AGE, 5), (SIZE2, 5), (SIZE1, 5)]


def options(opts):
    out, last = b"", 0
    for num, val in sorted(opts, key=lambda o: o[0]):
        d, dx = _ext(num - last)
        n, nx = _ext(len(val))
        out += bytes([d << 4 | n]) + dx + nx + val
        last = num
    return out


class Gen:
    """`message` makes one: kind, transport-independent parts, outcomes."""

    def __init__(self, seed, paths):
        self.r, self.paths = random.Random(seed), paths

    def junk(self, most=12):
        return self.r.randbytes(self.r.randrange(most + 1))

    def base(self):
        """A request that is right, and what it may be answered."""
        opts = [(URI_PATH, s) for s in self.r.choice(self.paths)]
        if self.r.random() < 0.3:
            opts.append((BLOCK2, block(self.r.randrange(4), self.r.randrange(7))))
        if self.r.random() < 0.2:
            opts.append((2048 + 2 * self.r.randrange(500), self.junk()))
        return self.r.choice([GET, GET, GET, POST, 3, 4, 5]), opts, FINE | REFUSED

    def critical(self, method, opts):
        n = self.r.choice([9, 13, 19, 21, 25, 33, 37, 41, 251, 269, 2049, 65001])
        return method, opts + [(n, self.junk())], {"4.02", RESET, SILENT}

    def wrong_length(self, method, opts):
        n, size = self.r.choice(WRONG_LENGTH)
        return method, opts + [(n, self.r.randbytes(size))], BAD_FORMAT | {"4.02", "4.00", "5.05", "4.04"}

    def wrong_elective(self, method, opts):
        n, size = self.r.choice(WRONG_ELECTIVE)
        return method, opts + [(n, self.r.randbytes(size))], BAD_FORMAT | FINE | REFUSED

    def reserved_szx(self, method, opts):
        o = [(n, v) for n, v in opts if n != BLOCK2]
        return GET, o + [(BLOCK2, uint(self.r.randrange(1 << 16) << 4 | 7))], {"4.00"}

    def proxy(self, method, opts):
        o = [(n, v) for n, v in opts if n not in (URI_PATH, PROXY_URI)]
        # newer libcoap says itself that a Proxy-Scheme without a host is a bad option
        return method, o + [self.r.choice([(PROXY_SCHEME, b"coap"), (PROXY_URI, b"coap://h/x")])], {"5.05", "4.02"}

    def condition(self, method, opts):
        return method, opts + [self.r.choice([(IF_MATCH, b"x"), (IF_NONE_MATCH, b"")])], {"4.02", "4.12", "4.04", "4.05"}

    def hops(self, method, opts):
        v = self.r.choice([b"\0", b"\1"])
        return method, opts + [(HOPS, v)], {"4.00"} if v == b"\0" else {"5.08"}

    def methods(self, method, opts):
        return self.r.randrange(6, 32), opts, {"4.05", "4.04"}  # libcoap's word where it knows no such path

    def queries(self, method, opts):
        return GET, opts + [(URI_QUERY, b"a=b")] * 17, {"4.29", "4.04"}

    def segments(self, method, opts):
        return GET, [(URI_PATH, b"x")] * 17, {"4.04"}

    def many(self, method, opts):
        return GET, opts + [(2048, b"")] * self.r.randrange(50, 400), FINE | REFUSED

    def nothing(self, method, opts):
        return method, opts, FINE | REFUSED

    def body(self, method, opts):
        return method, opts + [(BLOCK1, block(self.r.randrange(3), self.r.randrange(7), self.r.random() < 0.5)),
                               (SIZE1, uint(self.r.randrange(1 << 32)))], FINE | REFUSED | {"5.03"}

    RULES = [critical, wrong_length, wrong_elective, reserved_szx, proxy, condition, hops, methods, queries, segments,
             many, nothing, body]

    def request(self):
        """(rule, method, options, payload, outcomes)"""
        rule = self.r.choice(self.RULES)
        method, opts, allowed = self.base()
        method, opts, allowed = rule(self, method, opts)
        payload = self.junk(40) if self.r.random() < 0.4 else b""
        if method == 5:  # a FETCH without a Content-Format is newer libcoap's to refuse (RFC 8132 2.2)
            allowed = allowed | {"4.15"}
        return rule.__name__, method, opts, payload, allowed

    # --- as datagrams ---

    def datagram(self, mid, token):
        """(rule, bytes, outcomes)"""
        if self.r.random() < 0.4:
            return self.broken(mid, token)
        rule, method, opts, payload, allowed = self.request()
        kind = self.r.choice([CON, CON, NON])
        raw = header(kind, method, mid, token) + options(opts) + (b"\xff" + payload if payload else b"")
        if len(raw) > 1152:
            allowed = allowed | BAD_FORMAT
        return rule, raw, allowed if kind == CON else allowed | BAD_FORMAT

    def broken(self, mid, token):
        """What is no message, or no request."""
        method, opts, _ = self.base()
        head, o = header(CON, method, mid, token), options(opts)
        rule = self.r.randrange(12)
        if rule == 0:
            return "version", bytes([head[0] & 0x3f | self.r.choice([0, 2, 3]) << 6]) + head[1:] + o, {SILENT}
        if rule == 1:
            return "short", (head + o)[:self.r.randrange(4)], {SILENT}
        if rule == 2:
            return "token", bytes([head[0] & 0xf0 | self.r.randrange(9, 16)]) + head[1:] + o, BAD_FORMAT | {"4.02"}
        if rule == 3:
            return "token cut", header(CON, method, mid, token)[:4 + self.r.randrange(len(token))], BAD_FORMAT
        if rule == 4:
            return "marker", head + o + b"\xff", BAD_FORMAT
        if rule == 5:
            return "delta 15", head + o + bytes([0xf0 | self.r.randrange(15)]) + self.junk(), BAD_FORMAT
        if rule == 6:
            return "length 15", head + o + bytes([self.r.randrange(15) << 4 | 15]) + self.junk(), BAD_FORMAT
        if rule == 7:
            return "overrun", head + o + bytes([0x0c | self.r.randrange(12) << 4]) + b"x" * self.r.randrange(12), BAD_FORMAT
        if rule == 8:
            return "number", head + bytes([0xe0]) + struct.pack("!H", 65535) + bytes([0xe0]) + b"\xff\xff", BAD_FORMAT
        if rule == 9:  # no request: an answer that nobody asked for, reserved classes
            c = self.r.choice([1, 2, 3, 4, 5, 6, 7]) << 5 | self.r.randrange(32)
            return "class", header(CON, c, mid, token) + o, BAD_FORMAT
        if rule == 10:
            kind = self.r.choice([ACK, RST])  # 4.2: no answer; libcoap resets what it cannot read
            return "type", header(kind, self.r.choice([0, method, 69]), mid, b"" if kind == RST else token), (BAD_FORMAT) | ({"4.15"} if method == 5 else set())
        return "empty", header(CON, 0, mid, b"") + self.junk(), BAD_FORMAT

    # --- as bytes of a connection (RFC 8323 3.2) ---

    def frame(self, token):
        """(rule, bytes, outcomes, whether the connection goes on)"""
        rule, method, opts, payload, allowed = self.request()
        return rule, frame(method, token, options(opts) + (b"\xff" + payload if payload else b"")), allowed

    def broken_frame(self):
        what = self.r.randrange(6)
        if what == 0:
            return b"\xf0" + b"\xff" * 4 + b"\x01" + self.junk()  # 4 GiB to come
        if what == 1:
            return bytes([0x0f | self.r.randrange(12) << 4]) + self.junk(40)  # token of 15
        if what == 2:
            return bytes([0xd0, 255, 1]) + self.r.randbytes(30)  # cut short
        if what == 3:
            return frame(1, b"", b"\xf1xyz")
        if what == 4:
            return frame(self.r.choice([0xe1, 0xe2, 0xe4, 0xe5, 0xff]), b"", options([(1, self.junk(4)), (2, self.junk(4))]))
        return self.r.randbytes(self.r.randrange(1, 200))


def header(kind, code, mid, token):
    return bytes([0x40 | kind << 4 | len(token), code]) + struct.pack("!H", mid & 0xffff) + token


def frame(code, token, rest):
    n = len(rest)
    if n < 13:
        head = bytes([n << 4 | len(token)])
    elif n < 269:
        head = bytes([0xd0 | len(token), n - 13])
    else:
        head = bytes([0xe0 | len(token)]) + struct.pack("!H", n - 269)
    return head + bytes([code]) + token + rest
