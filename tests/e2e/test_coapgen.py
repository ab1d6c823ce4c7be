#!/usr/bin/env python3
"""The load generator of tests/bench sees what is wrong: against a server that
answers wrongly on purpose, and against suitd, where nothing may be wrong."""
import base64
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time

from coapraw import ACK, BLOCK2, CON, ETAG, GET, NON, OBSERVE, POST, RST, SIZE2, URI_PATH, URI_QUERY, Msg, block, encode, uint
from fixture import BIN, Skip, Suitd, run

GEN = os.path.join(BIN, "tests", "bench", "coapgen")
IMAGE = os.urandom(5000)  # 79 blocks of 64, the last one short
KEY = "0123456789abcdef"
TIMESTAMPNS = 35  # when the kernel got it, however late it is read


def gen(mode, to, *args, rc=0):
    """Runs coapgen; its JSON. Numbers of a run that ends by itself only."""
    r = subprocess.run([GEN, mode, "--to", to] + [str(a) for a in args], capture_output=True, text=True, timeout=120)
    assert r.returncode == rc, (args, r.returncode, r.stdout, r.stderr)
    return json.loads(r.stdout) if r.stdout else r.stderr


class Server:
    """Serves IMAGE by blocks of 64 bytes; `wrong` may change or drop (None) each answer: wrong(n-th request, Msg, fields)."""
    def __init__(self, wrong=lambda n, m, f: f, family=socket.AF_INET):
        self.s = socket.socket(family, socket.SOCK_DGRAM)
        self.s.setsockopt(socket.SOL_SOCKET, TIMESTAMPNS, 1)
        self.s.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self.to = ("[::1]:%d" if family == socket.AF_INET6 else "127.0.0.1:%d") % self.s.getsockname()[1]
        self.wrong, self.seen, self.peers = wrong, [], set()
        self.caught_up = threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.s.sendto(b"", self.s.getsockname())
        self.thread.join()
        self.s.close()

    def serve(self):
        while True:
            data, anc, _, frm = self.s.recvmsg(2048, 64)
            if not data:
                return
            self.at = next(sum(struct.unpack("qq", v)[i] * (1, 1e-9)[i] for i in (0, 1)) for _, t, v in anc if t == TIMESTAMPNS)
            if data == b"!":
                self.caught_up.set()
                continue
            m = Msg(data)
            self.seen.append(m)
            self.peers.add(frm)
            if m.type not in (CON, NON):
                continue
            f = self.wrong(len(self.seen) - 1, m, self.right(m, frm))
            if f is not None:
                self.send(f)

    def all(self):
        """All messages sent so far, read or still in the socket: the generator does not wait for who reads its last one."""
        self.caught_up.clear()
        self.s.sendto(b"!", self.s.getsockname())
        assert self.caught_up.wait(120)
        return self.seen

    def send(self, f, **other):
        f = dict(f, **other)
        self.s.sendto(encode(f["type"], f["code"], f["mid"], f["token"], f["options"].items(), f["payload"]), f["to"])

    def right(self, m, frm):
        num = m.block2()[0] if m.block2() else 0
        more = (num + 1) * 64 < len(IMAGE)
        o = {ETAG: b"12345678", BLOCK2: block(num, 2, more)}
        if num == 0:
            o[SIZE2] = uint(len(IMAGE))
        return {"to": frm, "type": ACK if m.type == CON else NON, "code": 0x45, "mid": m.mid, "token": m.token, "options": o,
                "payload": IMAGE[num * 64:num * 64 + 64]}


def fw(d):
    """Nothing is lost but what a test loses, so nothing is asked for again before that: whoever wants to wait less says so."""
    return ("--path", "i/x", "--file", d.file("image"), "--szx", 2, "--from-start", "--each", 1, "--ack-timeout", 30000)


def test_every_block_is_right(d):
    with Server() as s:
        g = gen("get", s.to, *fw(d), "--peers", 7, "--size2")
        assert (g["done"], g["bad"], g["images"], g["retransmissions"], g["given_up"]) == (7 * 79, 0, 7, 0, 0), g
        assert g["codes"] == {"205": 7 * 79} and len(s.seen) == 7 * 79, g
        assert len({a for a, _ in s.peers}) == 7, "an address each: %s" % s.peers
        for peer in s.peers:
            assert peer[0].startswith("127.1.0."), peer


def once(change):
    """Spoils the first answer with the 50th block."""
    spoilt = []

    def wrong(n, m, f):
        if m.block2() and m.block2()[0] == 49 and not spoilt:
            spoilt.append(n)
            change(f)
        return f
    return wrong


def test_one_wrong_byte_is_seen(d):
    def change(f):
        p = bytearray(f["payload"])
        p[5] ^= 1
        f["payload"] = bytes(p)
    assert_one_bad(d, change)


def test_each_other_mistake_is_seen(d):
    def options(number, value):
        return lambda f: f["options"].update({number: value})
    for change in (options(BLOCK2, block(48, 2, True)), options(BLOCK2, block(49, 1, True)), options(BLOCK2, block(49, 2)),
                   options(BLOCK2, block(49, 7, True)), options(ETAG, b"12345679"), options(ETAG, b"123456789"),
                   options(SIZE2, uint(4999)), lambda f: f["options"].pop(ETAG), lambda f: f["options"].pop(BLOCK2),
                   lambda f: f.update(payload=f["payload"][:-1]), lambda f: f.update(payload=f["payload"] + b"x"),
                   lambda f: f.update(code=0x44), lambda f: f.update(token=b"wron"), lambda f: f.update(token=b"")):
        assert_one_bad(d, change)


def assert_one_bad(d, change):
    with Server(once(change)) as s:
        g = gen("get", s.to, *fw(d), "--ack-timeout", 50, "--tries", 10, rc=1)
        # a malformed answer is no answer: it is asked for again
        assert g["bad"] == 1 and g["done"] in (78, 79) and g["given_up"] == 0, g
        assert g["images"] == (g["done"] == 79), g
    with Server() as s:  # and it is this change that was wrong
        assert gen("get", s.to, *fw(d))["bad"] == 0


def test_size2_is_insisted_on_when_asked_for(d):
    def no_size2(n, m, f):
        f["options"].pop(SIZE2, None)
        return f
    with Server(no_size2) as s:
        assert gen("get", s.to, *fw(d))["bad"] == 0
        assert gen("get", s.to, *fw(d), "--size2", rc=1)["bad"] == 1


def test_a_reset_is_a_wrong_answer(d):
    with Server(once(lambda f: f.update(type=RST, code=0, token=b"", options={}, payload=b""))) as s:
        assert gen("get", s.to, *fw(d), rc=1)["bad"] == 1


def test_lost_answers_are_asked_for_again(d):
    """Same message ID and token; the gaps grow."""
    when = []

    def wrong(n, m, f):
        if m.block2()[0] != 3:
            return f
        when.append((s.at, m.raw))
        return f if len(when) == 4 else None
    with Server(wrong) as s:
        g = gen("get", s.to, *fw(d), "--ack-timeout", 40, "--tries", 10)
        assert (g["done"], g["bad"], g["given_up"]) == (79, 0, 0), g
        assert g["retransmissions"] == len(s.all()) - 79 >= 3, g
    assert len({raw for _, raw in when}) == 1, "the very same message"
    gaps = [b[0] - a[0] + 0.001 for a, b in zip(when, when[1:])]  # clocks differ
    assert gaps[0] >= 0.04 and gaps[1] >= 0.08 and gaps[2] >= 0.16, gaps
    assert g["max_us"] >= 280000, "from the first transmission on: %s" % g


def test_silence_is_given_up(d):
    with Server(lambda n, m, f: None) as s:
        g = gen("get", s.to, "--path", "x", "--peers", 3, "--each", 1, "--ack-timeout", 10)
        assert (g["done"], g["retransmissions"], g["given_up"]) == (0, 12, 3) and len(s.all()) == 15, g
        g = gen("get", s.to, "--path", "x", "--burst", 30, "--ack-timeout", 10)
        assert (g["retransmissions"], g["given_up"]) == (0, 30) and len(s.all()) == 45, g


def test_its_own_loss_is_repaired(d):
    with Server() as s:
        g = gen("get", s.to, *fw(d), "--peers", 5, "--loss", 10, "--ack-timeout", 20, "--tries", 10)
        assert g["done"] == 5 * 79 and g["bad"] == 0, g
        again = len(s.all()) - g["done"]  # because an answer was lost
        assert again > 5 and g["retransmissions"] > again + 5, (again, g)


def test_non_is_asked_anew(d):
    with Server(lambda n, m, f: None if n == 2 else dict(f, mid=n + 7)) as s:
        g = gen("get", s.to, *fw(d), "--non", "--ack-timeout", 20, "--tries", 10)
        assert (g["done"], g["bad"], g["retransmissions"]) == (79, 0, len(s.all()) - 79), g
        assert {m.type for m in s.seen} == {NON} and len({m.mid for m in s.seen}) == len(s.seen) >= 80


def test_a_separate_answer_is_acknowledged(d):
    with Server() as s:
        def wrong(n, m, f):
            s.send(f, code=0, token=b"", options={}, payload=b"")
            s.send(f, type=CON, mid=n + 7)
        s.wrong = wrong
        g = gen("get", s.to, *fw(d))
        assert (g["done"], g["bad"], g["retransmissions"]) == (79, 0, 0), g
        mids = [m.mid for m in s.all() if m.type == ACK and m.code == 0]
        assert len(mids) == 79, len(mids)


def test_doubles_and_strangers_are_not_wrong(d):
    with Server() as s, Server() as other:
        def wrong(n, m, f):
            other.send(f, payload=b"?")  # from a port that was not asked
            s.send(f)
            return f
        s.wrong = wrong
        g = gen("get", s.to, *fw(d))
        assert (g["done"], g["bad"]) == (79, 0) and g["strays"] >= 78 and g["strangers"] == 79, g


def test_the_window_is_kept(d):
    """The server answers only when 5 requests wait; a sixth never does."""
    held, more = [], []
    with Server() as s:
        def wrong(n, m, f):
            held.append(f)
            if len(held) < 5:
                return
            time.sleep(0.001)
            try:
                more.append(s.s.recv(9, socket.MSG_DONTWAIT | socket.MSG_PEEK))
            except BlockingIOError:
                pass
            for f in held:
                s.send(f)
            held.clear()
        s.wrong = wrong
        g = gen("get", s.to, *fw(d), "--peers", 20, "--window", 5)
        assert (g["done"], g["window"], more, held) == (20 * 79, 5, [], []), (g, more, held)


def test_posts_carry_their_bodies_and_numbers(d):
    with Server(lambda n, m, f: dict(f, code=0x44, options={}, payload=b"")) as s:
        g = gen("post", s.to, "--path", "r/%u", "--query", "ep=x-%03u&b=%", "--cf", 60, "--body", "a10002", "--body", "a10003",
                "--peers", 2, "--first", 9, "--each", 3)
        assert (g["mode"], g["done"], g["bad"], g["codes"]) == ("post", 6, 0, {"204": 6}), g
        for k in (9, 10):
            mine = [m for m in s.seen if (URI_QUERY, b"ep=x-%03d" % k) in m.options]
            assert [m.payload.hex() for m in mine] == ["a10002", "a10003", "a10002"], mine
            assert all(m.code == POST and m.options == [
                (URI_PATH, b"r"), (URI_PATH, b"%d" % k), (12, b"\x3c"), (URI_QUERY, b"ep=x-%03d" % k), (URI_QUERY, b"b=%")]
                for m in mine), mine[0].options
        assert gen("post", s.to, "--path", "r", "--count", 5, "--peers", 2)["done"] == 5
        assert gen("post", s.to, "--path", "r", "--count", 5, "--expect", "2.01", rc=1)["bad"] == 5


def test_2_03_is_valid_with_the_same_etag_only(d):
    right = {"code": 0x43, "options": {ETAG: b"\1\2"}, "payload": b""}
    args = ("--path", "m", "--etag", "0102", "--expect", 203, "--each", 1)
    for change, bad in (({}, 0), ({"options": {ETAG: b"\1\3"}}, 1), ({"options": {}}, 1), ({"payload": b"x"}, 1),
                        ({"code": 0x45}, 1)):
        with Server(lambda n, m, f: dict(f, **{**right, **change})) as s:
            g = gen("get", s.to, *args, rc=bad)
            assert (g["done"], g["bad"]) == (1 - bad, bad), (change, g)
            assert s.seen[0].opt(ETAG) == b"\1\2" and s.seen[0].opt(BLOCK2) is None


def test_notifications_are_verified_and_acknowledged(d):
    body = d.file("body", b"the new manifest")

    def notified(numbers, payload=b"the new manifest", **other):
        """A registration with number 5, then a notification for each. Who has not heard all of them had too little time."""
        for seconds in (0.3, 3, 30):
            try:
                g, replies = observed(numbers, payload, other, seconds)
                assert g["registered"] == 1 and len(replies) == len(numbers), g
                return g, replies
            except AssertionError:
                if seconds == 30:
                    raise

    def observed(numbers, payload, other, seconds):
        with Server() as s:
            def wrong(n, m, f):
                assert m.opt(OBSERVE) == b"" and m.code == GET
                f["options"] = {OBSERVE: uint(5)}
                s.send(f, payload=b"the old one")
                for i, number in enumerate(numbers):
                    s.send(f, type=CON, mid=100 + i, options={OBSERVE: uint(number)}, payload=payload, **other)
            s.wrong = wrong
            good = numbers == sorted(set(numbers)) and payload == b"the new manifest" and not other
            g = gen("observe", s.to, "--path", "m", "--file", body, "--each", 3, "--seconds", 60 if good else seconds,
                    rc=0 if good or other else 1)
            return g, [(m.type, m.mid) for m in s.all()[1:]]
    g, replies = notified([6, 7, 9])
    assert (g["notifications"], g["bad"]) == (3, 0) and replies == [(ACK, 100), (ACK, 101), (ACK, 102)], (g, replies)
    g, replies = notified([6, 7, 4])
    assert (g["notifications"], g["bad"]) == (2, 1) and replies[2] == (ACK, 102), g
    g, replies = notified([6], payload=b"the old manifest")
    assert (g["notifications"], g["bad"]) == (0, 1), g
    g, replies = notified([6], token=b"????")
    assert (g["notifications"], g["bad"], replies) == (0, 0, [(RST, 100)]), (g, replies)


def test_echo_is_a_server_to_compare_with(d):
    for kind in ([], ["--mmsg"]):
        p = subprocess.Popen([GEN, "echo", "--size", "300", *kind], stdout=subprocess.PIPE, text=True)
        try:
            to = "127.0.0.1:%d" % int(p.stdout.readline())
            g = gen("get", to, "--bare", "--size", 300, "--path", "i/x", "--count", 2000, "--peers", 100)
            assert (g["done"], g["bad"], g["answer_bytes"]) == (2000, 0, 300), g
            assert gen("get", to, "--bare", "--size", 301, "--path", "i/x", "--count", 9, rc=1)["bad"] == 9
        finally:
            p.kill()
            p.wait()
            p.stdout.close()


def test_misuse_is_said(d):
    to = ["--to", "127.0.0.1:1"]
    for args in (["get"], ["get", *to], ["get", "--to", "x", "--path", "y"], [*to, "--path", "y"], ["echo"], ["get", "--nope"],
                 *(["get", *to, "--path", *more] for more in (
                     ("y", "--szx", "7"), ("y", "--etag", "xx"), ("y", "--etag", "010203040506070809"), ("y", "--file", "/nonexistent"),
                     ("y", "--base", "fd99::1"), ("y", "--base", "192.0.2.1"), ("y", "--base", "none", "--peers", "17"),
                     ("y" * 300,), ("y", "--peers", "4000001"), ("y", "--handshakes"), ("y", "--from-start")))):
        r = subprocess.run([GEN] + args, capture_output=True, text=True, timeout=120)
        assert r.returncode == 2 and r.stderr and not r.stdout, (args, r)
    r = subprocess.run([GEN, "--help"], capture_output=True, text=True)
    assert r.returncode == 0 and all(len(line) < 80 for line in r.stdout.splitlines()), r.stdout


# --- suitd: nothing is wrong ---

def test_suitd_serves_right_bytes_on_ipv4(d):
    for szx, n in ((6, 20), (2, 20), (0, 3)):
        g = gen("get", "127.0.0.1:%d" % d.port, "--path", d.short, "--file", d.fw, "--szx", szx, "--peers", n, "--from-start",
                "--each", 1, "--size2")
        blocks = -(-len(d.data) // (16 << szx))
        assert (g["done"], g["bad"], g["images"], g["given_up"]) == (n * blocks, 0, n, 0), g
    g = gen("get", "127.0.0.1:%d" % d.port, "--path", d.short, "--file", d.fw, "--burst", 150, "--ack-timeout", 500)
    assert g["bad"] == 0 and g["done"] + g["given_up"] == 150, g
    g = gen("get", "127.0.0.1:%d" % d.port, "--path", d.short, "--file", d.fw, "--peers", 50, "--think", 50, "--each", 4)
    assert (g["done"], g["bad"]) == (200, 0) and g["seconds"] >= 0.15, g


def test_suitd_serves_right_bytes_on_ipv6(d):
    to = "[::1]:%d" % d.port
    g = gen("get", to, "--base", "none", "--path", d.short, "--file", d.fw, "--peers", 2, "--each", 30)
    assert (g["done"], g["bad"]) == (60, 0), g
    if "COAPGEN_NET" not in os.environ:
        raise Skip("many addresses of IPv6 need a network namespace")
    g = gen("get", to, "--path", d.short, "--file", d.fw, "--peers", 300, "--each", 5, "--sockets", 2)
    assert (g["done"], g["bad"], g["strangers"]) == (1500, 0, 0), g


def test_suitd_serves_right_bytes_by_dtls(d):
    to, key = "127.0.0.1:%d" % d.sport, ("--dtls", "--psk-id", "dev-%02u")
    for k in range(5):
        d.ctl("device", "add", "dev-%02d" % k, "--psk", KEY.encode().hex())
    get = ("--path", d.short, "--file", d.fw, "--peers", 5, "--each", 30)
    g = gen("get", to, *key, "--psk", KEY, *get)
    assert (g["done"], g["bad"], g["handshakes"], g["refused"]) == (150, 0, 5, 0), g
    g = gen("get", to, *key, "--psk", "hex:" + KEY.encode().hex(), "--handshakes", "--peers", 6)
    assert (g["done"], g["handshakes"], g["refused"]) == (0, 5, 1), g
    g = gen("get", to, *key, "--psk", "another key", "--handshakes", "--peers", 5, "--ack-timeout", 20)
    assert (g["handshakes"], g["refused"]) == (0, 5), g
    g = gen("post", to, *key, "--psk", KEY, "--path", "r", "--query", "ep=dev-%02u", "--cf", 60, "--body", "a10002", "--peers", 5,
            "--each", 2, "--loss", 3, "--ack-timeout", 500, "--tries", 8)
    assert (g["done"], g["bad"], g["handshakes"]) == (10, 0, 5), g


def test_the_gate_waits_for_a_line(d):
    p = subprocess.Popen([GEN, "get", "--to", "127.0.0.1:%d" % d.port, "--path", d.short, "--each", "3", "--gate"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline() == "ready\n"
    out, _ = p.communicate("\n", timeout=120)
    assert json.loads(out)["done"] == 3, out


def main():
    with Suitd() as d:
        d.author()
        d.data = os.urandom(20000)
        d.publish(1, d.data, "/fw/demo.bin")
        d.fw = d.file("fw-demo-1.bin")
        d.short = "i/" + base64.urlsafe_b64encode(hashlib.sha256(d.data).digest()[:9]).decode()
        d.file("image", IMAGE)
        return run([v for k, v in globals().items() if k.startswith("test_")], d)


def own_network():
    """Begins anew in a network namespace where fd99::/64 is ours, if it may."""
    for how in (["unshare", "-n"], ["unshare", "-rn"]):
        set_up = ["sh", "-c", 'ip link set lo up && ip -6 route add local fd99::/64 dev lo && exec "$0" "$@"']
        if subprocess.run(how + set_up + ["true"], capture_output=True).returncode == 0:
            os.environ["COAPGEN_NET"] = "1"
            os.execvp(how[0], how + set_up + [sys.executable] + sys.argv)


if __name__ == "__main__":
    if "COAPGEN_NET" not in os.environ:
        own_network()
    sys.exit(main())
