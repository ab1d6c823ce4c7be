"""OSCORE made by hand (RFC 8613), a client's half: AES-CCM-16-64-128 and HKDF
with SHA-256, in plain Python, so that a test says exactly what goes over the
wire. Slow, and not for secrets."""
import hashlib
import hmac
import os

from coapraw import ACK, CON, OBSERVE, Msg, Peer, encode, path
from fixture import HANGS

OSCORE, ECHO = 9, 252
POST, FETCH = 2, 5


def _sbox():
    p = q = 1
    box = [0] * 256
    while True:
        p ^= (p << 1) & 0xff ^ (0x1b if p & 0x80 else 0)
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xff
        if q & 0x80:
            q ^= 0x09
        x = q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^ (q << 4 | q >> 4)
        box[p] = (x ^ 0x63) & 0xff
        if p == 1:
            break
    box[0] = 0x63
    return box


SBOX = _sbox()


def _double(x):
    return (x << 1 ^ (0x1b if x & 0x80 else 0)) & 0xff


class Aes:
    """AES-128, one block (FIPS 197)."""
    def __init__(self, key):
        w, rcon = [list(key[i:i + 4]) for i in range(0, 16, 4)], 1
        for i in range(4, 44):
            t = list(w[i - 1])
            if i % 4 == 0:
                t = [SBOX[b] for b in t[1:] + t[:1]]
                t[0] ^= rcon
                rcon = _double(rcon)
            w.append([a ^ b for a, b in zip(w[i - 4], t)])
        self.keys = [sum(w[i:i + 4], []) for i in range(0, 44, 4)]

    def block(self, data):
        s = [a ^ b for a, b in zip(data, self.keys[0])]
        for r in range(1, 11):
            s = [SBOX[s[(i + 4 * (i % 4)) % 16]] for i in range(16)]
            if r < 10:
                m = []
                for c in range(0, 16, 4):
                    col = s[c:c + 4]
                    al = col[0] ^ col[1] ^ col[2] ^ col[3]
                    m += [col[i] ^ al ^ _double(col[i] ^ col[(i + 1) % 4]) for i in range(4)]
                s = m
            s = [a ^ b for a, b in zip(s, self.keys[r])]
        return bytes(s)


def _xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


class Ccm:
    """AES-CCM with a tag of 8 bytes and a nonce of 13 (RFC 3610)."""
    def __init__(self, key):
        self.aes = Aes(key)

    def _tag(self, nonce, data, aad):
        blocks = bytes([0x40 | 3 << 3 | 1]) + nonce + len(data).to_bytes(2, "big")
        a = len(aad).to_bytes(2, "big") + aad
        blocks += a + bytes(-len(a) % 16) + data + bytes(-len(data) % 16)
        x = bytes(16)
        for i in range(0, len(blocks), 16):
            x = self.aes.block(_xor(x, blocks[i:i + 16]))
        return _xor(x, self.aes.block(bytes([1]) + nonce + b"\0\0"))[:8]

    def _stream(self, nonce, data):
        out = b""
        for i in range(0, len(data), 16):
            out += _xor(data[i:i + 16], self.aes.block(bytes([1]) + nonce + (i // 16 + 1).to_bytes(2, "big")))
        return out

    def seal(self, nonce, data, aad):
        return self._stream(nonce, data) + self._tag(nonce, data, aad)

    def open(self, nonce, data, aad):
        plain = self._stream(nonce, data[:-8])
        assert self._tag(nonce, plain, aad) == data[-8:], "not sealed by this key"
        return plain


def _bstr(b):
    return (bytes([0x40 | len(b)]) if len(b) < 24 else bytes([0x58, len(b)])) + b


def _hkdf(secret, salt, info, n):
    prk = hmac.new(salt, secret, hashlib.sha256).digest()
    return hmac.new(prk, info + b"\1", hashlib.sha256).digest()[:n]


def piv(seq):
    return seq.to_bytes(max(1, (seq.bit_length() + 7) // 8), "big")


class Context:
    """What suitctl --json printed."""
    def __init__(self, m):
        self.sid, self.rid = bytes.fromhex(m["sender"]), bytes.fromhex(m["recipient"])
        self.context = bytes.fromhex(m["context"]) if "context" in m else None
        secret, salt = bytes.fromhex(m["secret"]), bytes.fromhex(m.get("salt", ""))

        def key(id, kind, n):
            info = b"\x85" + _bstr(id) + (b"\xf6" if self.context is None else _bstr(self.context))
            return _hkdf(secret, salt, info + b"\x0a" + bytes([0x60 | len(kind)]) + kind + bytes([n]), n)
        self.mine, self.theirs = Ccm(key(self.sid, b"Key", 16)), Ccm(key(self.rid, b"Key", 16))
        self.iv, self.seq = key(b"", b"IV", 13), 0

    def nonce(self, id, p):
        return _xor(bytes([len(id)]) + bytes(7 - len(id)) + id + bytes(5 - len(p)) + p, self.iv)

    def aad(self, p):
        return b"\x83" + b"\x68Encrypt0" + b"\x40" + _bstr(
            b"\x85\x01\x81\x0a" + _bstr(self.sid) + _bstr(p) + b"\x40")

    def option(self, p):
        flags = len(p) | 8 | (0x10 if self.context is not None else 0)
        ctx = b"" if self.context is None else bytes([len(self.context)]) + self.context
        return bytes([flags]) + p + ctx + self.sid

    def protect(self, mtype, method, mid, token, options, payload, seq=None, outer=()):
        """A sealed request, and what its answer needs."""
        if seq is None:
            seq = self.seq
            self.seq += 1
        p = piv(seq)
        inner = encode(0, method, 0, b"", options, payload)
        sealed = self.mine.seal(self.nonce(self.sid, p), inner[1:2] + inner[4:], self.aad(p))
        observe = [o for o in options if o[0] == OBSERVE]
        return encode(mtype, FETCH if observe else POST, mid, token,
                      observe + [(OSCORE, self.option(p))] + list(outer), sealed), p

    def unprotect(self, r, p):
        """The answer to the request of this partial IV, as if it had been plain."""
        o = r.opt(OSCORE)
        assert o is not None, "not protected: %s" % r
        n = o[0] & 7 if o else 0
        own = o[1:1 + n] if n else None
        nonce = self.nonce(self.rid, own) if own is not None else self.nonce(self.sid, p)
        plain = self.theirs.open(nonce, r.payload, self.aad(p))
        m = Msg(r.raw[:1] + plain[:1] + r.raw[2:4] + r.token + plain[1:])
        m.own = None if own is None else int.from_bytes(own, "big")
        return m


class Oscore(Peer):
    """A device with a context."""
    def __init__(self, port, given, host="127.0.0.1", src=None):
        super().__init__(port, host, src)
        self.c = given if isinstance(given, Context) else Context(given)

    def ask(self, method, p="", options=(), payload=b"", token=None, mtype=CON, seq=None, timeout=HANGS, echo=True):
        token = os.urandom(4) if token is None else token
        opts = list(options) + path(p)
        mid = self.next_mid()
        self.last, iv = self.c.protect(mtype, method, mid, token, opts, payload, seq)
        self.send(self.last)
        r = self.recv(timeout)
        if r is None:
            return None
        assert r.token == token and (mtype != CON or (r.type == ACK and r.mid == mid)), "%s" % r
        if r.opt(OSCORE) is None:
            r.plain = True
            return r
        m = self.c.unprotect(r, iv)
        m.plain, m.iv = False, iv
        if echo and m.code == 0x81 and m.opt(ECHO) is not None:
            m = self.ask(method, p, list(options) + [(ECHO, m.opt(ECHO))], payload, token, mtype, None, timeout, False)
            m.challenged = True
        return m
