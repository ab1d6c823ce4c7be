#!/usr/bin/env python3
"""Who may speak for whom, and what strangers can do: requests that a device
does not make, against a real daemon."""
import os
import random
import select
import subprocess
import sys
import time

from coapraw import (BLOCK1, BLOCK2, CON, ETAG, GET, POST, PUT, RST, SIZE1, URI_QUERY, Msg, Peer,
                     block, code, encode, path, uint)
from fixture import HANGS, Suitd, class_id, run, wait_for

DEMO = class_id("demo")
ALIVE = b"\xa0"  # the empty status map


class Dtls:
    """CoAP over one DTLS session, by openssl s_client: one write, one datagram."""

    def __init__(self, port, identity, key, *more):
        self.p = subprocess.Popen(
            ["openssl", "s_client", "-dtls1_2", "-nbio", "-psk_identity", identity, "-psk", key,
             "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0", "-connect", "127.0.0.1:%d" % port, "-quiet", *more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.mid = 1000

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.kill()
        self.p.wait()

    def ask(self, method, p, query=(), payload=b"", timeout=HANGS):
        """The answer's code, "-" when there is none."""
        self.mid += 1
        opts = [(URI_QUERY, q.encode()) for q in query] + path(p)
        try:
            os.write(self.p.stdin.fileno(), encode(CON, method, self.mid, b"t", opts, payload))
        except BrokenPipeError:
            return "-"
        while select.select([self.p.stdout], [], [], timeout)[0]:
            b = os.read(self.p.stdout.fileno(), 65536)
            if not b:
                break
            if b[2:4] == self.mid.to_bytes(2, "big"):  # not the rest of a long one
                return code(Msg(b).code)
        return "-"


def new_key(d, ep):
    return d.ctl_json("device", "add", ep, "--psk-new")["key"]


def test_REQ_SEC_REPORTING_no_credential_for_a_device_that_has_one(d):
    new_key(d, "locked")
    p, q = Peer(d.port), [(URI_QUERY, b"ep=locked")]
    for method, what in ((GET, "m"), (GET, "m/" + DEMO), (POST, "rd")):
        assert code(p.ask(method, what, q).code) == "4.01", what
    assert code(p.ask(POST, "r", q, ALIVE).code) == "4.01"
    assert code(p.ask(POST, "r", payload=b"\xa1\x09\x66locked").code) == "4.01"
    assert "seen" not in d.ctl_json("device", "show", "locked")


def test_REQ_SEC_REPORTING_a_credential_speaks_for_its_own_device_only(d):
    key = new_key(d, "one")
    d.ctl("device", "add", "two")
    with Dtls(d.sport, "one", key) as s:
        assert s.ask(POST, "rd", ["c=" + DEMO]) == "2.01"
        assert s.ask(GET, "m", ["ep=two"]) == "4.03"
        assert s.ask(POST, "rd", ["ep=two"]) == "4.03"
        assert s.ask(POST, "r", payload=b"\xa1\x09\x63two") == "4.03"
        assert s.ask(GET, "a/status") == "4.04"
    # the admin's key is none on the devices' port, nor a device's on the admin's
    admin = open(os.path.join(d.state, "admin.psk")).read().split()
    for port, who, k in ((d.sport, admin[0], admin[1]), (d.aport, "one", key)):
        with Dtls(port, who, k) as s:
            assert s.ask(GET, ".well-known/core", timeout=3) == "-"


def test_a_new_key_ends_the_sessions_of_the_old_one(d):
    key = new_key(d, "moved")
    with Dtls(d.sport, "moved", key) as s:
        assert s.ask(POST, "rd", ["c=" + DEMO]) == "2.01"
        new = new_key(d, "moved")
        assert s.ask(POST, "r", payload=ALIVE, timeout=3) == "-"
    with Dtls(d.sport, "moved", key) as s:
        assert s.ask(POST, "r", payload=ALIVE, timeout=1) == "-"
    with Dtls(d.sport, "moved", new) as s:
        assert s.ask(POST, "r", payload=ALIVE) == "2.04"
        d.ctl("device", "remove", "moved")
        new_key(d, "moved")
        assert s.ask(POST, "r", payload=ALIVE, timeout=3) == "-"


def test_a_refused_device_is_not_half_added(d):
    for bad in ("00", "00" * 65, "zz"):
        d.ctl("device", "add", "half", "--psk", bad, rc=2)
    d.ctl("device", "add", "half", "--driver", "pigeon", "--psk-new", rc=1)
    d.ctl("device", "show", "half", rc=1)


def test_a_refused_publish_uploads_nothing(d):
    was = d.ctl_json("image", "list")
    d.publish(1, os.urandom(5000), "/fw/old.bin", rc=1)  # not above the current one
    d.publish(2, os.urandom(5000), "/rd", rc=1)
    env, fw = d.manifest(3, os.urandom(5000), "/fw/new.bin")
    d.ctl("publish", env, "--payload", fw, "--dry-run")
    assert d.ctl_json("image", "list") == was
    # an upload that breaks off leaves nothing either
    env, fw = d.manifest(4, os.urandom(20 << 20), "/fw/big.bin")
    p = subprocess.Popen(d.ctl_args("publish", env, "--payload", fw), stdout=subprocess.DEVNULL)
    time.sleep(0.3)
    p.kill()
    p.wait()
    assert d.ctl_json("image", "list") == was
    assert os.listdir(os.path.join(d.state, "tmp")) == []


def test_an_empty_choice_is_not_everybody(d):
    d.ctl("device", "add", "any", "--class", DEMO)
    for option in ("--tag", "--class", "--device"):
        d.ctl("campaign", "start", "1", option, "", rc=2)
        d.ctl("campaign", "start", "1", option + "=", rc=2)
    admin = open(os.path.join(d.state, "admin.psk")).read().split()
    release = b"\x67release\x611"
    with Dtls(d.aport, admin[0], admin[1]) as s:
        for empty in (b"\x67devices\x80", b"\x63tag\x60", b"\x65class\x60"):
            assert s.ask(POST, "a/campaigns", payload=b"\xa2" + release + empty) == "4.00"
    assert d.ctl_json("campaign", "list") == []


def test_a_reset_of_what_was_never_sent_is_nothing(d):
    p = Peer(d.port)
    for mid in range(100):
        p.send(encode(RST, 0, mid))
    assert code(p.ask(GET, "m/" + DEMO).code) == "2.05"


def written(d):
    s = os.stat(os.path.join(d.state, "suitd.db-wal"))
    return s.st_mtime_ns, s.st_size


def test_a_poll_writes_nothing(d):
    p, q = Peer(d.port), [(URI_QUERY, b"ep=poller")]
    r = p.ask(POST, "rd", q + [(URI_QUERY, b"c=" + DEMO.encode()), (URI_QUERY, b"seq=1")])
    assert code(r.code) == "2.01"
    etag = p.ask(GET, "m", q).opt(ETAG)
    was = wait_for("all is written", lambda: (lambda w: (time.sleep(1.5), w == written(d) and w)[1])(written(d)))
    for _ in range(20):
        r = p.ask(GET, "m", q + [(ETAG, etag)])
        assert code(r.code) == "2.03", str(r)
    for _ in range(5):
        assert code(p.ask(POST, "r", q, ALIVE).code) == "2.04"
    p.download("fw/demo.bin", 4)
    time.sleep(2.5)  # the fold of what was downloaded
    assert written(d) == was


def test_TUF_ENDLESS_uploads_that_never_end_are_few_and_small(d):
    p, q = Peer(d.port), [(URI_QUERY, b"ep=x")]
    r = p.ask(POST, "rd", q + [(BLOCK1, block(0, 6, True)), (SIZE1, uint(70000))], b"x" * 1024)
    assert code(r.code) == "4.13" and r.uint(SIZE1) == 65536
    # a Size1 that lies buys nothing
    r = p.ask(POST, "rd", q + [(BLOCK1, block(0, 6, True)), (SIZE1, uint(10))], b"x" * 1024)
    codes = [code(p.ask(POST, "rd", q + [(BLOCK1, block(n, 6, True))], b"x" * 1024).code) for n in range(1, 65)]
    assert codes == ["2.31"] * 63 + ["4.13"]
    peers = [Peer(d.port) for _ in range(60)]
    codes = [code(o.ask(POST, "rd", q + [(BLOCK1, block(0, 6, True))], b"x" * 1024).code) for o in peers]
    # the upload that broke off above may still have its place
    assert codes in (["2.31"] * n + ["5.03"] * (60 - n) for n in (47, 48)), codes
    # whoever has a credential, an operator for one, still gets a place
    d.publish(2, os.urandom(5000), "/fw/place.bin")


def test_noise_is_survived(d):
    rnd, p = random.Random(7), Peer(d.port)
    seeds = [encode(CON, m, 1, b"tok", o, b) for m, o, b in (
        (GET, path("m/" + DEMO) + [(BLOCK2, block(0, 2))], b""),
        (POST, path("rd") + [(URI_QUERY, b"ep=noise"), (URI_QUERY, b"tag.a=b")], b"</suit/trigger>;rt=x"),
        (POST, path("r") + [(URI_QUERY, b"ep=noise")], bytes.fromhex("a3000104050a0800")),
        (PUT, path("fw/demo.bin") + [(BLOCK1, block(0, 6, True)), (SIZE1, b"\x40")], b"x" * 1024))]
    for n in range(8000):
        b = bytearray(rnd.choice(seeds))
        b[2:4] = os.urandom(2)
        for _ in range(rnd.randrange(4)):
            i = rnd.randrange(1, len(b))
            b[i:i + rnd.randrange(2)] = os.urandom(rnd.randrange(3))
        p.send(bytes(b))
        if n % 50 == 0:
            time.sleep(0.005)
    assert d.proc.poll() is None
    assert code(Peer(d.port).ask(GET, "fw/demo.bin").code) == "2.05"


def main():
    with Suitd() as d:
        d.author()
        d.publish(1, os.urandom(3000), "/fw/demo.bin")
        return run([v for k, v in globals().items() if k.startswith("test_")], d)


if __name__ == "__main__":
    sys.exit(main())
