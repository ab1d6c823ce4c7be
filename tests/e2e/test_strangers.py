#!/usr/bin/env python3
"""Peers that have not shown where they are: what they get of every resource
of the route table on both planes, and how they come to more (RFC 9175)."""
import os
import re
import socket
import sys
import time
import urllib.request

from coapraw import (ACCEPT, BLOCK1, BLOCK2, CON, ETAG, GET, NON, OBSERVE, POST, SIZE2, URI_PATH, URI_QUERY, Msg,
                     Peer, block, code, encode, path)
from fixture import TOP, class_id, run, wait_for
from planes import IMAGE, image_path, seg, suitd

DEMO = class_id("demo")
ECHO = 252
SMALL = ["trusted_networks=", "stranger_rate=0", "echo=amplifying"]
HOST, PROXY, HOPS, NO_RESPONSE = 3, 39, 16, 258


def stranger(d, host=[0]):
    """From an address of its own: suitctl has shown that of the others."""
    host[0] += 1
    return Peer(d.port, src=("127.3.%d.%d" % (host[0] // 250, host[0] % 250 + 1), 0))


def routes():
    """Paths of daemon/routes.c, with something in their braces."""
    with open(os.path.join(TOP, "daemon/routes.c")) as f:
        found = re.findall(r'\{"([^"]+)", ', f.read())
    assert len(found) >= 7, found
    for p in found + [".well-known/core"]:
        if p == "i/{d}":
            yield p, image_path(IMAGE)
        elif p == "{*}":
            yield p, [b"fw", b"9.bin"]
        else:
            yield p, [DEMO.encode() if s.startswith("{") else s.encode() for s in p.split("/")]
    for odd in ([], [b"i"], [b"x"], [b"i", b"x"], [b"m", b"x"], [b"a", b"status"]):
        yield "/".join(o.decode() for o in odd), odd


SHAPES = [  # options beside the path
    ("plain", []), ("observe", [(OBSERVE, b"")]), ("accept", [(ACCEPT, b"\1\1")]), ("size2", [(SIZE2, b"")]),
    ("etag", [(ETAG, b"x")]), ("query", [(URI_QUERY, b"ep=k")]), ("long", [(URI_QUERY, b"ep=" + b"k" * 50)]),
    ("critical", [(9, b"")]), ("proxy", [(PROXY, b"c")]), ("hops", [(HOPS, b"\1")]), ("hops0", [(HOPS, b"\0")]),
    ("block1", [(BLOCK1, block(0, 0))]), ("host", [(HOST, b"h")]), ("stale", [(ECHO, b"12345678")]),
    ("no-response", [(NO_RESPONSE, b"\x1a")]),
]


def requests(known):
    """Every resource, method, shape and block size; a NON and its token."""
    n = 0
    for name, p in known:
        for method in (GET, POST, 3, 4, 5, 8, 31):
            for what, options in SHAPES if method in (GET, POST) else SHAPES[:1]:
                for b2 in (None, 0, 1, 2, 6) if method == GET else (None,):
                    o = seg(p) + options + ([] if b2 is None else [(BLOCK2, block(n % 3, b2))])
                    n += 1
                    kind, token = (NON, b"%08d" % n) if n % 4 == 0 else (CON, b"" if n % 4 == 1 else b"t" * (n % 9))
                    yield (name, method, what, b2), kind, encode(kind, method, n & 0xffff, token, o)


def sweep(d):
    """What came back for each, in bytes of all its answers."""
    p, asked, got = stranger(d), {}, {}

    def listen(seconds):
        p.s.settimeout(seconds)
        try:
            while True:
                m = Msg(p.s.recv(65536))
                key = int(m.token) if m.type == NON and len(m.token) == 8 else m.mid
                got.setdefault(key, []).append(m)
        except socket.timeout:
            pass
    for n, (what, _, raw) in enumerate(requests(list(routes())), 1):
        asked[n] = (what, raw)
        p.send(raw)
        if n % 20 == 0:
            listen(0.005)
            end = time.monotonic() + 1  # whoever is slow gets no more before it has answered most
            while len(got) < n * 0.95 and time.monotonic() < end:
                listen(0.05)
    listen(1)
    p.close()
    assert len(asked) < 65536
    assert len(got) > len(asked) * 0.9, "%d of %d were answered" % (len(got), len(asked))
    for n, answers in got.items():
        what, raw = asked[n]
        size = sum(len(m.raw) for m in answers)
        assert size <= 3 * len(raw), "%s: %d bytes for %d: %s" % (what, size, len(raw), answers[0])
    return {asked[n][0]: a[0] for n, a in got.items()}, len(asked)


def warm(d):
    """Images are hashed before anybody gets one."""
    for _ in range(2):
        for p in (image_path(IMAGE), [b"fw", b"9.bin"]):
            stranger(d).ask(GET, seg(p), [(BLOCK2, block(0, 2)), (URI_QUERY, b"ep=" + b"k" * 60)])


def test_DOS_AMPLIFICATION_no_resource_gives_a_stranger_over_three_times(pair):
    codes = []
    for d in pair:
        warm(d)
        got, n = sweep(d)
        codes.append({what: m.code for what, m in got.items()})
        ok = sum(code(m.code) == "2.05" for m in got.values())
        assert ok > 100 and sum(m.opt(ECHO) is not None for m in got.values()) > 0
        for m in got.values():
            assert m.opt(OBSERVE) is None, "a stranger observes"
        print("  %d requests, %d answers, %d with content" % (n, len(got), ok))
    # one code on both planes, where both answered; newer libcoap says itself that a Proxy-Scheme without a host is a bad option
    for what in codes[0].keys() & codes[1].keys():
        if what[2] == "proxy" and {code(c[what]) for c in codes} == {"5.05", "4.02"}:
            continue
        assert codes[0][what] == codes[1][what], (what, code(codes[0][what]), code(codes[1][what]))


def download(p, where, size, szx):
    body, num = b"", 0
    while len(body) < size:
        r = p.ask(GET, seg(where), [(BLOCK2, block(num, szx))])
        assert code(r.code) == "2.05", str(r)
        got, more, szx = r.block2()
        assert got == num or num == 0
        body += r.payload
        num = len(body) >> (szx + 4)
        assert more == (len(body) < size)
    return body, szx


def test_DOS_AMPLIFICATION_who_knows_no_echo_is_served_small_blocks(pair):
    for d in pair:
        for where in (image_path(IMAGE), [b"fw", b"9.bin"]):
            p = stranger(d)
            body, szx = download(p, where, len(IMAGE), 2)
            assert body == IMAGE and szx <= 2
            p.close()


def test_DOS_ECHO_who_shows_it_gets_what_it_asks_for(pair):
    for d in pair:
        p = stranger(d)
        r = p.ask(GET, "fw/9.bin", [(BLOCK2, block(0, 6))])
        assert len(r.payload) < 64
        r = p.ask(GET, [(URI_PATH, b"fw"), (URI_PATH, b"9.bin")])
        if r.opt(ECHO) is None:
            r = p.ask(GET, ".well-known/core", [(ACCEPT, b"\x28"), (OBSERVE, b"")])
        if r.opt(ECHO) is None:  # who wants to be told of changes is told how
            r = p.ask(GET, "m/" + DEMO, [(OBSERVE, b"")], token=b"12345678")
        assert r.opt(OBSERVE) is None
        echo = r.opt(ECHO)
        assert echo is not None and len(echo) == 8, str(r)
        r = p.ask(GET, "fw/9.bin", [(BLOCK2, block(0, 6)), (ECHO, echo)])
        assert r.payload == IMAGE[:1024], str(r)
        q = Peer(d.port, src=(p.s.getsockname()[0], 0))  # another port of the same host
        r = q.ask(GET, seg(image_path(IMAGE)), [(BLOCK2, block(0, 6))])
        assert r.payload == IMAGE[:1024], str(r)


def test_DOS_ECHO_always_asks_before_anything(_):
    for workers in (0, 2):
        with suitd(workers, ["trusted_networks=", "echo=always"]) as d:
            p, known = stranger(d), None
            for _, where in routes():
                for method in (GET, POST):
                    r = p.ask(method, seg(where))
                    if where and where != [b"i"]:
                        known = r.opt(ECHO)
                        assert code(r.code) == "4.01" and len(known) == 8, (where, str(r))
            r = p.ask(GET, "fw/9.bin", [(ECHO, known)])
            assert code(r.code) == "2.05", str(r)
            assert code(p.ask(POST, "r", payload=b"\xa0").code) != "4.01"


def test_a_restart_forgets_and_a_handshake_shows(pair):
    d = pair[1]
    d.stop()
    d.start()
    warm(d)
    p = stranger(d)
    assert len(p.ask(GET, "fw/9.bin", [(BLOCK2, block(0, 6))]).payload) < 64
    s = socket.create_connection(("127.0.0.1", d.port), source_address=(p.s.getsockname()[0], 0))
    s.recv(16)  # its CSM
    wait_for("it is known", lambda: len(p.ask(GET, "fw/9.bin", [(BLOCK2, block(0, 6))]).payload) == 1024)
    s.close()


def metrics(d):
    return urllib.request.urlopen("http://127.0.0.1:%d/metrics" % d.hport).read().decode()


def test_DOS_LIMITS_depth_at_the_cap_and_one_past_is_counted(pair):
    d, depth = pair[0], int(re.search(r"LIMIT_CBOR_DEPTH (\d+)", open(os.path.join(TOP, "lib/limits.h")).read())[1])
    p, q = Peer(d.port), [(URI_QUERY, b"ep=deep")]
    assert code(p.ask(POST, "rd", q + [(URI_QUERY, b"c=" + DEMO.encode())]).code) == "2.01"
    codes = []
    for n in (depth - 1, depth):  # in the map of the report
        codes.append(code(p.ask(POST, "r", q, b"\xa1\x18\x63" + b"\x81" * n + b"\x00").code))
        assert ('suitd_refusals_total{error="DEPTH"}' in metrics(d)) == (len(codes) == 2), codes
    assert codes == ["2.04", "4.00"], codes
    assert 'suitd_refusals_total{error="DEPTH"} 1' in metrics(d)


def test_DOS_LIMITS_strangers_have_counters(pair):
    for d in pair:
        text = metrics(d)
        for name in ("shrunk", "challenged", "shown"):
            v = re.search(r'suitd_strangers_total\{result="%s"\} (\d+)' % name, text)
            assert v, text
        assert 'suitd_limits_total{limit="handshakes"} 0' in text


def main():
    with suitd(0, SMALL) as slow, suitd(2, SMALL) as fast:
        return run([v for k, v in list(globals().items()) if k.startswith("test_")], (slow, fast))


if __name__ == "__main__":
    sys.exit(main())
