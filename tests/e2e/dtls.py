"""A DTLS-PSK client of a test's own, by OpenSSL's library: a datagram is what
it was written as, which the pipes of openssl s_client do not keep."""
import ctypes
import ctypes.util
import select
import socket

from fixture import HANGS, Skip

PSK = ctypes.CFUNCTYPE(ctypes.c_uint, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_uint,
                       ctypes.c_void_p, ctypes.c_uint)
SET_CONNECTED = 32  # BIO_CTRL_DGRAM_SET_CONNECTED
CIPHERS = b"PSK-AES128-CCM8:@SECLEVEL=0"


def library():
    name = ctypes.util.find_library("ssl")
    if name is None:
        raise Skip("no libssl")
    ssl = ctypes.CDLL(name)
    for f in ("DTLS_client_method", "SSL_CTX_new", "SSL_new", "BIO_new_dgram", "BIO_ADDR_new"):
        getattr(ssl, f).restype = ctypes.c_void_p
    return ssl


class Session:
    """`send` and `recv` of whole datagrams, after a handshake."""

    def __init__(self, port, identity, key, host="127.0.0.1"):
        self.ssl, key = library(), bytes.fromhex(key)
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.connect((host, port))

        def psk(_ssl, _hint, id_at, _id_max, key_at, _key_max):
            ctypes.memmove(id_at, identity.encode() + b"\0", len(identity) + 1)
            ctypes.memmove(key_at, key, len(key))
            return len(key)
        self.keep = PSK(psk)
        vp = ctypes.c_void_p
        self.ctx = vp(self.ssl.SSL_CTX_new(vp(self.ssl.DTLS_client_method())))
        assert self.ssl.SSL_CTX_set_cipher_list(self.ctx, CIPHERS) == 1
        self.ssl.SSL_CTX_set_psk_client_callback(self.ctx, self.keep)
        self.h = vp(self.ssl.SSL_new(self.ctx))
        bio = vp(self.ssl.BIO_new_dgram(self.s.fileno(), 0))
        to = vp(self.ssl.BIO_ADDR_new())
        self.ssl.BIO_ADDR_rawmake(to, socket.AF_INET, socket.inet_aton(host), ctypes.c_size_t(4),
                                  ctypes.c_ushort(socket.htons(port)))
        self.ssl.BIO_ctrl(bio, SET_CONNECTED, ctypes.c_long(0), to)
        self.ssl.BIO_ADDR_free(to)
        self.ssl.SSL_set_bio(self.h, bio, bio)
        assert self.ssl.SSL_connect(self.h) == 1, "no handshake with %s" % identity

    def send(self, raw):
        assert not raw or self.ssl.SSL_write(self.h, raw, len(raw)) == len(raw)

    def recv(self, timeout=HANGS):
        """A datagram, or None."""
        b = ctypes.create_string_buffer(65536)
        if self.ssl.SSL_pending(self.h) == 0 and not select.select([self.s], [], [], timeout)[0]:
            return None
        n = self.ssl.SSL_read(self.h, b, len(b))
        assert n > 0, "the session was ended"
        return b.raw[:n]

    def close(self):
        self.ssl.SSL_free(self.h)
        self.ssl.SSL_CTX_free(self.ctx)
        self.s.close()
