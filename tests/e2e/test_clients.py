#!/usr/bin/env python3
"""Clients that nobody here wrote, unmodified: libcoap's coap-client, aiocoap
and node-coap. Each downloads byte for byte, resumes, observes and gets a
clear error for what is wrong."""
import hashlib
import os
import subprocess
import sys

from coapraw import GET, Peer
from fixture import TOP, Lossy, Suitd, class_id, run, wait_for

BIG, SMALL, TINY = os.urandom(256 * 1024), os.urandom(32 * 1024), os.urandom(8 * 1024)
IO = os.path.join(TOP, "tests", "interop")
ENV = dict(os.environ)


def setup():
    out = subprocess.run(["bash", os.path.join(IO, "setup.sh"), os.path.join(TOP, "build", "interop")],
                         capture_output=True, text=True)
    if out.returncode != 0:
        raise RuntimeError("interop clients cannot be had: " + out.stderr)
    ENV.update(line.split("=", 1) for line in out.stdout.split())


def run_coap_client(args, timeout=90):
    """Its body (it adds a newline) and what it said."""
    r = subprocess.run(args, capture_output=True, timeout=timeout)
    return r.stdout[:-1] if r.stdout.endswith(b"\n") else r.stdout, r.stderr.decode("latin-1")


class CoapClient:
    """libcoap's own client."""
    @staticmethod
    def get(uri, szx=None, start=0, timeout=60):
        a = ["coap-client-openssl", "-B", str(timeout), "-m", "get"]
        if szx is not None:
            n = start >> (szx + 4)
            a += ["-b", "%s%d" % ("%d," % n if n else "", 16 << szx)]
        return run_coap_client(a + [uri], timeout + 30)

    @staticmethod
    def observe(uri, n):
        return subprocess.Popen(["coap-client-openssl", "-s", "90", "-B", "90", "-m", "get", uri],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


class Aiocoap:
    CMD = ["python3", os.path.join(IO, "aiocoap_client.py")]

    @classmethod
    def get(cls, uri, szx=None, start=0, timeout=60):
        a = cls.CMD + ["get", uri] + (["--szx", str(szx)] if szx is not None else [])
        r = subprocess.run(a + (["--from", str(start)] if start else []), env=ENV,
                           capture_output=True, timeout=timeout + 30)
        return r.stdout, r.stderr.decode()

    @classmethod
    def observe(cls, uri, n):
        return subprocess.Popen(cls.CMD + ["observe", uri, str(n)], env=ENV,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


class Nodecoap:
    CMD = ["node", os.path.join(IO, "nodecoap_client.js")]

    @classmethod
    def get(cls, uri, szx=None, start=0, timeout=60):
        assert start == 0
        a = cls.CMD + ["get", uri] + ([str(szx)] if szx is not None else [])
        r = subprocess.run(a, env=ENV, capture_output=True, timeout=timeout + 30)
        return r.stdout, r.stderr.decode()

    @classmethod
    def observe(cls, uri, n):
        return subprocess.Popen(cls.CMD + ["observe", uri, str(n)], env=ENV,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def uri(d, p, port=None):
    return "coap://127.0.0.1:%d/%s" % (port or d.port, p)


def downloads(client, d):
    for path, want, szx in (("fw/big.bin", BIG, 6), ("fw/small.bin", SMALL, 2)):
        got, err = client.get(uri(d, path), szx)
        assert got == want, "%s szx %d: %d bytes of %d\n%s" % (path, szx, len(got), len(want), err[-500:])


def under_loss(client, d):
    with Lossy(d.port, 0.05, seed=7) as relay:
        got, err = client.get(uri(d, "fw/tiny.bin", relay.port), 5)
        assert got == TINY, "%d bytes, %d datagrams lost\n%s" % (len(got), relay.lost, err[-500:])


def sees_new_release(client, d, cls):
    d.publish(1, os.urandom(50), "/fw/%s-1.bin" % cls, cls=cls)
    before = d.ctl_json("status")["observers"]  # clients that left are still in it
    p = client.observe(uri(d, "m/" + class_id(cls)), 2)
    try:
        first = Peer(d.port).ask(GET, "m/" + class_id(cls)).payload
        wait_for("the observation", lambda: d.ctl_json("status")["observers"] > before)
        d.publish(2, os.urandom(50), "/fw/%s-2.bin" % cls, cls=cls)
        second = Peer(d.port).ask(GET, "m/" + class_id(cls)).payload
        if client is CoapClient:
            got = os.read(p.stdout.fileno(), 65536)
            while len(got) < len(first) + len(second):
                more = os.read(p.stdout.fileno(), 65536)
                assert more, "ended after %d bytes" % len(got)
                got += more
            assert first in got and second in got
        else:
            out, _ = p.communicate(timeout=120)
            seen = [line.split()[-1] for line in out.decode().splitlines()]
            assert seen == [hashlib.sha256(b).hexdigest() for b in (first, second)], out
    finally:
        p.kill()
        p.wait()
        p.stdout.close()


def errors(client, d):
    for path, code in (("m/" + "0" * 32, "4.04"), ("nothing/here", "4.04"), ("i/AAAAAAAAAAAA", "4.04"),
                       ("i/short", "4.00"), ("rd", "4.05")):
        got, err = client.get(uri(d, path))
        text = (got + err.encode()).decode("latin-1")
        assert code in text, "%s: wanted %s in %r" % (path, code, text)


def test_coap_client_downloads(d): downloads(CoapClient, d)
def test_coap_client_under_loss(d): under_loss(CoapClient, d)
def test_coap_client_sees_new_release(d): sees_new_release(CoapClient, d, "o1")
def test_coap_client_errors(d): errors(CoapClient, d)
def test_aiocoap_downloads(d): downloads(Aiocoap, d)
def test_aiocoap_under_loss(d): under_loss(Aiocoap, d)
def test_aiocoap_sees_new_release(d): sees_new_release(Aiocoap, d, "o2")
def test_aiocoap_errors(d): errors(Aiocoap, d)
def test_nodecoap_downloads(d): downloads(Nodecoap, d)
def test_nodecoap_under_loss(d): under_loss(Nodecoap, d)
def test_nodecoap_sees_new_release(d): sees_new_release(Nodecoap, d, "o3")
def test_nodecoap_errors(d): errors(Nodecoap, d)


def as_stranger(client, modes):
    """From ::1, which suitctl has not shown; nobody is believed."""
    for mode in modes:
        with Suitd(["trusted_networks=", "echo=" + mode]) as d:
            d.author()
            d.publish(1, TINY, "/fw/tiny.bin")
            for szx in (None, 6, 2):
                body, said = client.get("coap://[::1]:%d/fw/tiny.bin" % d.port, szx)
                assert body == TINY, "echo=%s, szx %s: %d bytes: %s" % (mode, szx, len(body), said[-300:])


# libcoap's client sends an Echo back by itself; the others get small blocks
def test_DOS_ECHO_coap_client_is_a_stranger(d): as_stranger(CoapClient, ("amplifying", "always"))
def test_DOS_AMPLIFICATION_aiocoap_is_a_stranger(d): as_stranger(Aiocoap, ("amplifying",))
def test_DOS_AMPLIFICATION_nodecoap_is_a_stranger(d): as_stranger(Nodecoap, ("amplifying",))


def test_aiocoap_resumes_in_the_middle(d):
    got, err = Aiocoap.get(uri(d, "fw/small.bin"), 6, start=16384)
    assert got == SMALL[16384:], err


def test_coap_client_resumes_in_the_middle(d):
    got, err = CoapClient.get(uri(d, "fw/small.bin"), 6, start=16384)
    assert got and SMALL[16384:].startswith(got), err


def test_tcp(d):
    got, err = run_coap_client(["coap-client-openssl", "-B", "60", "coap+tcp://127.0.0.1:%d/fw/big.bin" % d.port])
    assert got == BIG, (len(got), err[-500:])


def test_dtls_psk(d):
    d.ctl("device", "add", "dtls1", "--class", class_id("demo"), "--psk", b"0123456789abcdef".hex())
    got, err = run_coap_client(["coap-client-openssl", "-B", "60", "-u", "dtls1", "-k", "0123456789abcdef",
                                "coaps://127.0.0.1:%d/fw/big.bin" % d.sport])
    assert got == BIG, (len(got), err[-500:])
    for u, k in (("dtls1", "another"), ("nobody", "0123456789abcdef")):
        got, _ = run_coap_client(["coap-client-openssl", "-B", "3", "-u", u, "-k", k,
                                  "coaps://127.0.0.1:%d/fw/big.bin" % d.sport])
        assert got[:32] != BIG[:32], "%s with %s must get nothing" % (u, k)


def test_ipv6(d):
    for u in ("coap://[::1]:%d/fw/small.bin" % d.port, "coap+tcp://[::1]:%d/fw/small.bin" % d.port):
        assert run_coap_client(["coap-client-openssl", "-B", "60", u])[0] == SMALL, u


def main():
    setup()
    with Suitd() as d:
        d.author()
        for n, (name, data) in enumerate((("big", BIG), ("small", SMALL), ("tiny", TINY))):
            d.publish(n + 1, data, "/fw/%s.bin" % name)
        return run([f for n, f in sorted(globals().items()) if n.startswith("test_")], d)


if __name__ == "__main__":
    sys.exit(main())
