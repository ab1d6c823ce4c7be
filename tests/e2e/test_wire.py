#!/usr/bin/env python3
"""What devices in the field send, and what they must get: one test for each
rule that a real client taught us (docs/PROTOCOL.md, "Rules of the block
path"). The number in a name is the rule's number there. Messages are made by
hand, so that each test says exactly what is on the wire."""
import hashlib
import os
import socket
import struct
import subprocess
import sys
import time

from coapraw import (ACCEPT, ACK, BLOCK2, CON, CONTENT_FORMAT, DELETE, ETAG, FETCH, GET, MAX_AGE, NON,
                     OBSERVE, POST, PUT, REQUEST_TAG, RST, SIZE2, URI_HOST, URI_PATH, URI_PORT,
                     URI_QUERY, VENDOR, Msg, Peer, block, code, encode, path, uint)
from fixture import HANGS, Suitd, class_id, run, wait_for

IMAGE = os.urandom(20000)
DEMO = class_id("demo")


def test_01_any_token_and_no_state(d):
    body, _ = Peer(d.port).download("fw/demo.bin", 6, token=b"")
    assert body == IMAGE
    body, _ = Peer(d.port).download("fw/demo.bin", 6, token=b"12345678")
    assert body == IMAGE
    body, _ = Peer(d.port).download("fw/demo.bin", 6, new_token=True)
    assert body == IMAGE
    # every block from a port that was never seen before, backwards
    got = {}
    for num in reversed(range(20)):
        r = Peer(d.port).ask(GET, "fw/demo.bin", [(BLOCK2, block(num, 6))])
        got[num] = r.payload
    assert b"".join(got[n] for n in range(20)) == IMAGE


def test_02_szx_of_the_client_from_block_0(d):
    p = Peer(d.port)
    for szx in range(7):
        r = p.ask(GET, "fw/demo.bin", [(BLOCK2, block(0, szx))])
        assert r.block2() == (0, True, szx) and r.payload == IMAGE[:16 << szx]
    # M in a request means nothing
    r = p.ask(GET, "fw/demo.bin", [(BLOCK2, block(0, 4, more=True))])
    assert r.block2() == (0, True, 4) and r.payload == IMAGE[:256]
    # a first request in the middle is a resume; sizes shrink on the way
    r = p.ask(GET, "fw/demo.bin", [(BLOCK2, block(5, 6))])
    assert r.payload == IMAGE[5120:6144]
    r = p.ask(GET, "fw/demo.bin", [(BLOCK2, block(24, 4))])
    assert r.block2() == (24, True, 4) and r.payload == IMAGE[6144:6400]
    # past the end: an error with a diagnostic, never an empty 2.05
    last = (len(IMAGE) - 1) // 64
    assert p.ask(GET, "fw/demo.bin", [(BLOCK2, block(last, 2))]).payload == IMAGE[last * 64:]
    r = p.ask(GET, "fw/demo.bin", [(BLOCK2, block(last + 1, 2))])
    assert code(r.code) == "4.00" and r.payload, str(r)
    # szx 7 is reserved (RFC 7959 2.2)
    r = p.ask(GET, "fw/demo.bin", [(BLOCK2, b"\x07")])
    assert code(r.code) in ("4.00", "4.02"), str(r)


def test_03_block2_in_every_answer_to_block2(d):
    p = Peer(d.port)
    r = p.ask(GET, "fw/demo.bin")
    assert r.block2() == (0, True, 6) and len(r.payload) == 1024
    r = p.ask(GET, "m/" + DEMO, [(BLOCK2, block(0, 6))])
    assert r.block2() == (0, False, 6), "a one-block body must carry Block2"


def test_04_piggy_backed_and_quick(d):
    p = Peer(d.port)
    for what in ("fw/demo.bin", "m/" + DEMO):
        r = p.ask(GET, what, [(BLOCK2, block(0, 2))])
        assert r.type == ACK and r.seconds < 2


def test_05_one_etag_for_one_content(d):
    body, etag = Peer(d.port).download("fw/demo.bin", 6)
    assert etag == hashlib.sha256(IMAGE).digest()[:8]
    assert Peer(d.port).download("fw/demo.bin", 2)[1] == etag
    d.stop()
    d.start()
    p = Peer(d.port)
    assert p.download("fw/demo.bin", 5)[1] == etag
    r = p.ask(GET, "fw/demo.bin", [(ETAG, etag)])
    assert code(r.code) == "2.03" and r.payload == b""
    r = p.ask(GET, "fw/demo.bin", [(ETAG, b"another")])
    assert code(r.code) == "2.05"
    # a path never changes its bytes
    out = d.publish(50, os.urandom(300), "coap://[::1]/fw/demo.bin", rc=1)
    assert "fw/demo.bin" in out, out
    assert Peer(d.port).download("fw/demo.bin", 6)[0] == IMAGE


def test_06_size2_when_asked(d):
    p = Peer(d.port)
    for num in (0, 3):
        r = p.ask(GET, "fw/demo.bin", [(BLOCK2, block(num, 6)), (SIZE2, b"")])
        assert r.uint(SIZE2) == len(IMAGE)


def test_07_options_that_come_along(d):
    p = Peer(d.port)
    for cf in (42, 60, 50, 0):
        r = p.ask(GET, "m/" + DEMO, [(ACCEPT, uint(cf))])
        assert code(r.code) == "2.05", (cf, str(r))
    r = p.ask(GET, "fw/demo.bin", [(ACCEPT, uint(42)), (URI_HOST, b"example.org"), (URI_PORT, uint(d.port))])
    assert code(r.code) == "2.05", str(r)
    r = p.ask(GET, "m/" + DEMO, [(ACCEPT, uint(40))])
    assert code(r.code) == "4.06", str(r)
    # unknown elective options are ignored
    r = p.ask(GET, "fw/demo.bin", [(BLOCK2, block(0, 6)), (VENDOR, b"x"), (REQUEST_TAG, b"t")])
    assert code(r.code) == "2.05", str(r)
    # an unknown critical one is not (RFC 7252 5.4.1)
    r = p.ask(GET, "fw/demo.bin", [(2049, b"x")])
    assert code(r.code) == "4.02", str(r)


def test_08_blocks_never_get_5_03(d):
    d.ctl("device", "add", "t8", "--class", DEMO)
    c = d.ctl_json("campaign", "start", rel(d), "--device", "t8")
    d.ctl("campaign", "pause", c["id"])
    assert Peer(d.port).download("fw/demo.bin", 6)[0] == IMAGE
    d.ctl("campaign", "abort", c["id"])
    assert Peer(d.port).download("fw/demo.bin", 6)[0] == IMAGE


def rel(d):
    return d.ctl_json("release", "list")[0]["id"]


class Endpoint:
    """A device's own server: hands out what it was asked, answers as told."""
    def __init__(self):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind(("127.0.0.1", 0))
        self.uri = "coap://127.0.0.1:%d" % self.s.getsockname()[1]

    def expect(self, timeout=HANGS):
        """The next request; what suitd asks to learn of slots is 4.04."""
        self.s.settimeout(timeout)
        while True:
            try:
                data, self.frm = self.s.recvfrom(65536)
            except socket.timeout:
                return None
            m = Msg(data)
            if m.code != GET:
                return m
            self.answer(m, 0x84)

    def answer(self, m, c, mtype=ACK, payload=b""):
        self.s.sendto(encode(mtype, c, m.mid, m.token if c else b"", payload=payload), self.frm)


def trigger(d, ep, *flags):
    e = Endpoint()
    d.ctl("device", "add", ep, "--class", DEMO, "--driver", "trigger", "--address", e.uri, *flags)
    d.ctl("campaign", "start", rel(d), "--device", ep)
    m = e.expect()
    assert m and m.type == CON and m.code == POST, str(m)
    assert [v for n, v in m.options if n == URI_PATH] == [b"suit", b"trigger"]
    return e, m


def job(d, ep):
    return d.ctl_json("device", "show", ep)["job"]


def test_09_trigger_is_delivery_not_progress(d):
    e, m = trigger(d, "t9a", "--nul-trigger")
    url = m.payload
    assert url.endswith(b"\0") and url.startswith(b"coap://") and len(url) <= 121, url
    assert str(d.port).encode() in url and ("m/" + DEMO).encode() in url, url
    e.answer(m, 0x41)  # 2.01
    wait_for("notified", lambda: job(d, "t9a")["state"] == "notified")
    # a manifest GET by the URL of the trigger: started
    p = Peer(d.port)
    pq = url[:-1].split(b"/", 3)[3].decode().split("?")
    q = [(URI_QUERY, v.encode()) for v in pq[1].split("&")] if len(pq) > 1 else []
    assert code(p.ask(GET, pq[0], q + [(BLOCK2, block(0, 2))]).code) == "2.05"
    wait_for("fetching", lambda: job(d, "t9a")["state"] == "fetching")
    # no trigger while blocks are fetched
    p.ask(GET, "fw/demo.bin", [(BLOCK2, block(0, 2))])
    assert e.expect(3) is None
    # permanent answers are not retried as if they were loss
    for c, name in ((0x84, "4.04"), (0x85, "4.05"), (0x8d, "4.13")):
        ep = "t9-" + name
        e, m = trigger(d, ep)
        assert not m.payload.endswith(b"\0")
        e.answer(m, c)
        wait_for(name + " is final", lambda: job(d, ep)["state"] == "failed")
        assert "due" not in job(d, ep), job(d, ep)


def test_10_back_off_of_90_seconds_at_least(d):
    e, m = trigger(d, "t10")
    before = time.time() * 1000 - 100
    e.answer(m, 0, RST)
    wait_for("back in the queue", lambda: job(d, "t10")["state"] == "queued")
    j = job(d, "t10")
    assert j["due"] >= before + 90000, j
    assert j["failure"] == "transport" and j["fails"] == 1, j


def test_11_MODE_SERVER_ports_change_and_prove_nothing(d):
    d.ctl("device", "add", "t11", "--class", DEMO)
    d.ctl("campaign", "start", rel(d), "--device", "t11")
    assert code(Peer(d.port).ask(POST, "rd", [(URI_QUERY, b"ep=t11")]).code) == "2.01"
    assert code(Peer(d.port).ask(GET, "m", [(URI_QUERY, b"ep=t11"), (BLOCK2, block(0, 6))]).code) == "2.05"
    wait_for("fetching", lambda: job(d, "t11")["state"] == "fetching")
    assert code(Peer(d.port).ask(POST, "r", [(URI_QUERY, b"ep=t11"), (CONTENT_FORMAT, uint(60))],
                                 status(seq=1)).code) == "2.04"
    wait_for("done", lambda: job(d, "t11")["state"] == "done")
    # a name with a credential cannot be taken without it
    d.ctl("device", "add", "t11k", "--class", DEMO, "--psk-new")
    r = Peer(d.port).ask(POST, "rd", [(URI_QUERY, b"ep=t11k")])
    assert code(r.code) == "4.01", str(r)
    r = Peer(d.port).ask(POST, "r", [(URI_QUERY, b"ep=t11k"), (CONTENT_FORMAT, uint(60))], status(seq=1))
    assert code(r.code) == "4.01", str(r)


def status(seq=None, **kw):
    """A compact status map with text keys (docs/PROTOCOL.md)."""
    m = dict(kw)
    if seq is not None:
        m["seq"] = seq
    out = b"\xbf"
    for k, v in m.items():
        out += bytes([0x60 | len(k)]) + k.encode()
        out += (b"\x1a" + struct.pack("!I", v)) if isinstance(v, int) else bytes([0x60 | len(v)]) + v.encode()
    return out + b"\xff"


def test_12_registered_again_without_goodbye(d):
    q = [(URI_QUERY, b"ep=t12"), (URI_QUERY, b"c=" + DEMO.encode()), (URI_QUERY, b"seq=0")]
    a, b = Peer(d.port), Peer(d.port)
    assert code(a.ask(POST, "rd", q).code) == "2.01"
    n = len(d.ctl_json("device", "list"))
    d.ctl("campaign", "start", rel(d), "--device", "t12")
    assert code(a.ask(GET, "m", [(URI_QUERY, b"ep=t12")]).code) == "2.05"
    wait_for("fetching", lambda: job(d, "t12")["state"] == "fetching")
    r = b.ask(POST, "rd", q[:2] + [(URI_QUERY, b"seq=1")])
    assert code(r.code) == "2.01", str(r)
    assert len(d.ctl_json("device", "list")) == n
    wait_for("done", lambda: job(d, "t12")["state"] == "done")


def test_13_observe_as_clients_end_it(d):
    def watch(p, token):
        r = p.ask(GET, "m/" + class_id("watched"), [(OBSERVE, b"")], token=token)
        assert code(r.code) == "2.05" and r.opt(OBSERVE) is not None, str(r)

    def note(p):
        m = p.recv(5)
        assert m is not None and m.type == CON and m.opt(OBSERVE) is not None, str(m)
        return m
    d.publish(1, os.urandom(100), "/fw/w1.bin", cls="watched")
    stays, resets, leaves = Peer(d.port), Peer(d.port), Peer(d.port)
    for p, t in ((stays, b"s"), (resets, b"r"), (leaves, b"l")):
        watch(p, t)
    leaves.ask(GET, "m/" + class_id("watched"), [(OBSERVE, uint(1))], token=b"l")
    d.publish(2, os.urandom(100), "/fw/w2.bin", cls="watched")
    m = note(stays)
    assert m.token == b"s"
    stays.send(encode(ACK, 0, m.mid))
    m = note(resets)
    resets.send(encode(RST, 0, m.mid))
    assert leaves.recv(1) is None
    d.publish(3, os.urandom(100), "/fw/w3.bin", cls="watched")
    m = note(stays)
    stays.send(encode(ACK, 0, m.mid))
    assert resets.recv(1) is None, "RST ends an observation"


def test_14_dtls_psk_suites_without_a_hint(d):
    key = b"0123456789abcdef"
    d.ctl("device", "add", "t14", "--class", DEMO, "--psk", key.hex())
    for suite in ("PSK-AES128-CCM8", "PSK-AES128-CCM", "PSK-AES128-GCM-SHA256"):
        out = s_client(d, suite, key)
        assert "Cipher is " + suite in out, out
        assert "PSK identity hint: None" in out, out
    assert s_client(d, "PSK-AES128-CCM8", b"wrong", 5) is None, "a wrong key must not pass"
    for _ in range(3):  # many short sessions, each with its own handshake
        r = subprocess.run(["coap-client-openssl", "-B", "60", "-u", "t14", "-k", key.decode(),
                            "coaps://127.0.0.1:%d/m/%s" % (d.sport, DEMO)], capture_output=True, timeout=120)
        assert r.stdout == open(d.file("m-demo-1.suit"), "rb").read() + b"\n", r


def s_client(d, suite, key, seconds=HANGS):
    """What openssl says of the handshake; None when there was none."""
    p = subprocess.Popen(["openssl", "s_client", "-dtls1_2", "-nbio", "-connect", "127.0.0.1:%d" % d.sport,
                          "-psk_identity", "t14", "-psk", key.hex(), "-cipher", suite + ":@SECLEVEL=0"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        out = p.communicate(timeout=seconds)[0].decode("latin-1")
    except subprocess.TimeoutExpired:
        p.kill()
        p.communicate()
        return None
    return out if p.returncode == 0 else None


def test_15_a_request_without_a_path(d):
    p = Peer(d.port)
    r = p.ask(DELETE, "", token=bytes(8))
    assert r is not None and code(r.code) in ("4.04", "4.05"), str(r)
    r = p.ask(GET, "")
    assert r is not None and code(r.code) in ("4.04", "4.05"), str(r)


def test_16_slashes_inside_of_one_option(d):
    p = Peer(d.port)
    r = p.ask(GET, [(URI_PATH, b"fw/demo.bin")], [(BLOCK2, block(1, 6))])
    assert code(r.code) == "2.05" and r.payload == IMAGE[1024:2048], str(r)
    r = p.ask(GET, [(URI_PATH, b"x" * 255)])
    assert code(r.code) == "4.04", str(r)
    r = p.ask(GET, "fw/token", [(URI_QUERY, b"title=a"), (URI_QUERY, b"chunk=3"), (URI_QUERY, b"size=64")])
    assert code(r.code) in ("4.04", "4.00"), str(r)


def test_17_status_as_seen_in_the_field(d):
    p = Peer(d.port)
    q = [(URI_QUERY, b"ep=t17"), (URI_QUERY, b"c=" + DEMO.encode())]
    assert code(p.ask(POST, "rd", q).code) == "2.01"
    golioth = b"\xbf\x61s\x00\x61r\x00\x63pkg\x64main\x61v\x651.2.5\xff"
    r = p.ask(POST, "r", [(URI_QUERY, b"ep=t17"), (CONTENT_FORMAT, uint(60))], golioth)
    assert code(r.code) == "2.04", str(r)
    assert d.ctl_json("device", "show", "t17")["version"] == "1.2.5"
    r = p.ask(POST, "r", [(URI_QUERY, b"ep=t17")], golioth, mtype=NON, token=b"n")
    assert r is not None and r.type == NON and code(r.code) == "2.04", str(r)
    r = p.ask(POST, "r", [(URI_QUERY, b"ep=t17"), (CONTENT_FORMAT, uint(60))], b"\xff\xff")
    assert code(r.code) == "4.00" and r.payload, str(r)


def test_18_manifests_are_opaque_bytes(d):
    fw = b"RIOT" * 64
    env, f = d.manifest(1, fw, "coap://[2001:db8::1]/fw/riot.bin", cls="riot", extra=("--dialect", "riot"))
    d.ctl("publish", env, "--payload", f)
    body, _ = Peer(d.port).download("m/" + class_id("riot"), 2)
    assert body == open(env, "rb").read() and len(body) <= 640
    assert Peer(d.port).download("fw/riot.bin", 2)[0] == fw
    body, _ = Peer(d.port).download("m/" + DEMO, 2)
    assert body == open(d.file("m-demo-1.suit"), "rb").read()


def test_dup_con_gets_the_same_answer(d):
    p = Peer(d.port)
    q = [(URI_QUERY, b"ep=dup"), (URI_QUERY, b"c=" + DEMO.encode())]
    a = p.ask(POST, "rd", q, token=b"a", mid=0x4242)
    b = p.ask(POST, "rd", q, token=b"a", mid=0x4242)
    assert a.raw == b.raw, (str(a), str(b))
    n = len([e for e in d.events("dup") if e["what"].startswith("registered")])
    assert n == 1, n


def test_link_format(d):
    r = Peer(d.port).ask(GET, ".well-known/core", [(BLOCK2, block(0, 6))])
    assert r.uint(CONTENT_FORMAT) == 40 and b"</rd>" in r.payload, str(r)


def test_ipv6(d):
    p = Peer(d.port, "::1")
    assert p.download("fw/demo.bin", 6)[0] == IMAGE


def test_what_is_there_refuses_other_methods_by_4_05(d):
    p, every = Peer(d.port), range(GET, 8)  # GET to iPATCH
    for there, methods in (("m", {GET}), ("m/" + DEMO, {GET}), ("i/x", {GET}), ("r", {GET, POST}), ("rd", {POST}),
                           ("rd/1", {POST, PUT, DELETE}), ("k", {GET}), ("k/1", {GET}), ("k/now", {POST}),
                           ("fw/demo.bin", {GET}), (".well-known/core", {GET})):
        for m in every:  # newer libcoap answers a FETCH of no format by itself
            r = p.ask(m, there, [(CONTENT_FORMAT, b"")] if m == FETCH else [])
            assert (code(r.code) == "4.05") == (m not in methods), (there, m, str(r))


def test_max_age_tells_when_to_ask_again(d):
    p = Peer(d.port)
    assert p.ask(GET, "m/" + DEMO).uint(MAX_AGE) == 900
    etag = p.ask(GET, "m/" + DEMO).opt(ETAG)
    r = p.ask(GET, "m/" + DEMO, [(ETAG, etag)])
    assert code(r.code) == "2.03" and r.uint(MAX_AGE) == 900, str(r)
    r = p.ask(GET, "m/" + "0" * 32)
    assert code(r.code) == "4.04" and r.uint(MAX_AGE) == 900, str(r)


def main():
    with Suitd() as d:
        d.author()
        d.publish(1, IMAGE, "/fw/demo.bin")
        return run([f for n, f in sorted(globals().items()) if n.startswith("test_")], d)


if __name__ == "__main__":
    sys.exit(main())
