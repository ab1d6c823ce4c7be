#!/usr/bin/env python3
"""CoAP over WebSockets (RFC 8323), by libcoap's client; where the library has
none (Debian 12), suitd says so and does not start."""
import os
import random
import socket
import subprocess
import sys

from coapraw import GET, Peer, code
from fixture import BIN, Suitd, free_port, run
from test_hostile import ALIVE

IMAGE = os.urandom(70000)


def can():
    out = subprocess.run([os.path.join(BIN, "suitd"), "--version"], capture_output=True, text=True).stdout
    return " ws" in out.split("no ")[0]


def ask(*words):
    r = subprocess.run(["coap-client-openssl", "-B", "60", *words], capture_output=True, timeout=120)
    return r.stdout, r.stderr


def test_blocks_and_reports_over_websockets(d):
    uri = "coap+ws://127.0.0.1:%d/" % d.wport
    out, err = ask("-m", "get", uri + "fw.bin")
    assert out[:len(IMAGE)] == IMAGE, err
    d.ctl("device", "add", "ws-open")
    out, err = ask("-m", "post", "-f", d.file("alive", ALIVE), uri + "r?ep=ws-open")
    assert err == b"", err
    # no credential, no name that has one
    d.ctl("device", "add", "ws-closed", "--psk-new")
    assert b"4.01" in ask("-m", "post", "-f", d.file("alive", ALIVE), uri + "r?ep=ws-closed")[1]


def test_a_key_over_secure_websockets(d):
    key = bytes.fromhex("112233445566778899a0aabbccddeeff")
    d.ctl("device", "add", "wss", "--psk", key.hex())
    uri = "coaps+ws://127.0.0.1:%d/" % d.wsport
    alive = d.file("alive", ALIVE)
    assert ask("-u", "wss", "-k", key, "-m", "post", "-f", alive, uri + "r") == (b"", b"")
    assert ask("-u", "wss", "-k", key, "-m", "get", uri + "fw.bin")[0][:len(IMAGE)] == IMAGE
    # its client tells of a failed handshake where the body would be
    assert IMAGE[:100] not in ask("-B", "3", "-u", "wss", "-k", b"x" * 16, "-m", "get", uri + "fw.bin")[0]
    d.ctl("device", "revoke", "wss")
    assert IMAGE[:100] not in ask("-B", "3", "-u", "wss", "-k", key, "-m", "get", uri + "fw.bin")[0]


def test_what_is_no_websocket_harms_nobody(d):
    rnd = random.Random(8323)
    upgrade = (b"GET /.well-known/coap HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: coap\r\n"
               b"Sec-WebSocket-Version: 13\r\n\r\n")
    frames = [b"\x82\xff" + b"\xff" * 8 + b"mask", b"\x82\x7f\x7f" + b"\xff" * 7, b"\x82\x85mask", b"\x88\x00",
              b"\x89\x80mask", b"\x00\x80mask", b"\x82\x7e\xff\xff" + b"x" * 2000, b"\xff" * 100]
    said = [b"", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET " + b"a" * 70000, upgrade[:40], b"\0" * 200,
            upgrade.replace(b"coap\r\nSec-WebSocket-V", b"mqtt\r\nSec-WebSocket-V")] + [upgrade + f for f in frames]
    said += [upgrade + bytes(rnd.randrange(256) for _ in range(rnd.randrange(300))) for _ in range(100)]
    left = []
    for port in (d.wport, d.wsport):
        for b in said:
            s = socket.create_connection(("127.0.0.1", port))
            try:
                s.sendall(b)
            except OSError:
                pass
            left.append(s)
    assert code(Peer(d.port).ask(GET, ".well-known/core").code) == "2.05"
    for s in left:
        s.close()
    assert ask("-m", "get", "coap+ws://127.0.0.1:%d/fw.bin" % d.wport)[0][:len(IMAGE)] == IMAGE
    assert d.proc.poll() is None


def test_only_with_a_library_that_has_them(d):
    for key in ("listen_ws", "listen_wss"):
        r = subprocess.run([os.path.join(BIN, "suitd"), "-d", d.file("other"), "-o", "%s=127.0.0.1:0" % key,
                            "-o", "listen_coap=", "-o", "listen_coaps=", "-o", "listen_tcp=",
                            "-o", "listen_admin=127.0.0.1:0", "-n"], capture_output=True, text=True)
        assert (r.returncode == 0) == can(), r.stdout + r.stderr


def main():
    if not can():
        print("  SKIPPED WebSockets: this libcoap has none (Debian 13's has)")
        with Suitd() as d:
            return run([test_only_with_a_library_that_has_them], d)
    w, ws = free_port(), free_port()
    with Suitd(["listen_ws=[::]:%d" % w, "listen_wss=[::]:%d" % ws]) as d:
        d.wport, d.wsport = w, ws
        d.author()
        d.publish(1, IMAGE, "coap://127.0.0.1:%d/fw.bin" % d.port)
        return run([v for k, v in globals().items() if k.startswith("test_")], d)


if __name__ == "__main__":
    sys.exit(main())
