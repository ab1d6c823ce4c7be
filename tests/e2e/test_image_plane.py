#!/usr/bin/env python3
"""Which plane answers what, from which address, and what happens where the
kernel will not let suitd have an image plane. To know who answers, the others
are made to stand still."""
import os
import re
import socket
import sys
import time

import refuse
from coapraw import (ACCEPT, BLOCK2, CON, DELETE, ETAG, GET, NON, OBSERVE, POST, SIZE2, URI_HOST, URI_PORT, URI_QUERY,
                     Msg, block, code, encode, uint)
from fixture import HANGS, Skip, Suitd, run, wait_for
from freeze import Frozen, loop, workers
from netns import Namespace, ip
from planes import IMAGE, IMAGES, client, digest, fill, image_path, name, one, seg, suitd
from test_hostile import Dtls

PATH = image_path(IMAGE)
SOON = 0.15  # when there is no answer yet, nobody is at it


def by_worker(d, ask):
    """It is answered while the loop stands still, and not without workers."""
    ask()  # an image is mapped when it is first asked for
    d.ctl("ping")  # the loop is done with that
    with loop(d):
        ask()
    return waits_for_workers(d, ask)


def by_libcoap(d, ask):
    with Frozen(workers(d)):
        ask()
    with loop(d):
        return not ask(SOON)


def waits_for_workers(d, ask):
    with Frozen(workers(d)):
        return not ask(SOON)


def asker(d, path=PATH, options=(), mtype=CON, method=GET, token=b"", host="127.0.0.1", want="2.05"):
    """Asks once and asserts the code. With `soon` there may be no answer in
    that time: false."""
    def ask(soon=None):
        s = client(d.port, host)
        r = one(s, encode(mtype, method, 7, token, seg(path) + list(options)), soon or HANGS)
        s.close()
        assert r is not None or soon, "no answer"
        assert r is None or code(Msg(r).code) in want.split("|"), "%s, not %s" % (Msg(r), want)
        return r is not None
    return ask


def test_workers_answer_plain_gets(d):
    assert len(workers(d)) >= 1, "no image worker runs"
    for what, kw in (
            ("IPv4", {}), ("IPv6", {"host": "::1"}), ("NON", {"mtype": NON}), ("token of 8", {"token": b"12345678"}),
            ("token of 1", {"token": b"1"}),
            ("NON, IPv6, token of 8", {"mtype": NON, "host": "::1", "token": b"87654321"}),
            ("Block2", {"options": [(BLOCK2, block(3, 2))]}), ("Accept", {"options": [(ACCEPT, uint(42))]}),
            ("Size2", {"options": [(SIZE2, b"")]}), ("a query", {"options": [(URI_QUERY, b"ep=kitchen")]}),
            ("a prefix", {"path": image_path(IMAGE, 9)}),
            ("a refusal", {"options": [(BLOCK2, block(9999, 6))], "want": "4.00"}),
            ("an unknown image", {"path": [b"i", name(b"no")], "want": "4.04"}),
            ("its other path", {"path": [b"fw", b"9.bin"]}), ("below it", {"path": [b"fw", b"no"], "want": "4.04"}),
            ("another path below i", {"path": [b"i", b"x", b"y"], "want": "4.04"})):
        ask = asker(d, **kw)
        assert by_worker(d, ask), what


def test_workers_hand_over_what_they_cannot_answer(d):
    ask = asker(d, options=[(URI_QUERY, b"ep=" + b"k" * 60)])
    assert waits_for_workers(d, ask), "a long name"
    with loop(d):
        assert not ask(SOON), "a long name"
    ask()


def test_libcoap_answers_all_else(d):
    for what, kw in (
            ("Uri-Host first", {"options": [(URI_HOST, b"h")]}),
            ("Uri-Port first", {"options": [(URI_PORT, uint(d.port))]}),
            ("ETag first", {"options": [(ETAG, b"x")]}),
            ("ETag known", {"options": [(ETAG, digest(IMAGE)[:8])], "want": "2.03"}),
            ("Observe first", {"options": [(OBSERVE, b"")]}),
            ("If-Match first", {"options": [(1, b"")], "want": "4.02"}),
            ("POST", {"method": POST, "want": "4.05"}), ("DELETE", {"method": DELETE, "want": "4.05"}),
            ("one option", {"path": [b"i/" + PATH[1]]}),
            ("links", {"path": [b".well-known", b"core"]}), ("ii", {"path": [b"ii", PATH[1]], "want": "4.04"}),
            ("no path", {"path": [], "want": "4.04"}), ("a manifest", {"path": [b"m"], "want": "4.04"}),
            ("CoAP ping", {"path": [], "method": 0, "want": "0.00"})):
        ask = asker(d, **kw)
        assert by_libcoap(d, ask), what


def test_dtls_and_tcp_are_not_the_image_planes(d):
    d.ctl("device", "add", "sec", "--psk", b"0123456789abcdef".hex())
    with Dtls(d.sport, "sec", b"0123456789abcdef".hex()) as t:
        assert t.ask(GET, "i/" + name(IMAGES[0]).decode()) == "2.05"
        with Frozen(workers(d)):
            assert t.ask(GET, "i/" + name(IMAGES[0]).decode()) == "2.05", "DTLS"
    s = socket.create_connection(("127.0.0.1", d.port))
    s.settimeout(HANGS)
    s.sendall(b"\x00\xe1")  # CSM (RFC 8323 5.3)
    body = encode(CON, GET, 0, b"", seg(PATH) + [(BLOCK2, block(0, 2))])[4:]
    assert 13 <= len(body) < 269
    with Frozen(workers(d)):
        s.sendall(bytes([0xd0, len(body) - 13, GET]) + body)
        got = b""
        while IMAGE[:64] not in got:
            got += s.recv(4096)
    s.close()


def test_peers_are_spread_over_the_workers(d):
    """Whoever is not answered while a worker stands still is that worker's,
    with all blocks, and nobody is two workers'."""
    if len(workers(d)) < 2:
        raise Skip("one core: one worker")
    peers, owner = [client(d.port, "127.0.0.1" if n % 2 else "::1") for n in range(100)], {}
    for tid in workers(d):
        for s in peers:
            s.setblocking(False)
        with Frozen([tid]):
            for s in peers:
                for num in range(20):
                    s.send(encode(CON, GET, num, b"", seg(PATH) + [(BLOCK2, block(num, 0))]))
            time.sleep(0.5)
            heard = {s: count(s) for s in peers}
        assert set(heard.values()) == {0, 20}, sorted(heard.values())
        for s in peers:
            assert count_all(s, 20 - heard[s]) or heard[s], "lost"
            if heard[s] == 0:
                assert s not in owner, "two workers have one peer"
                owner[s] = tid
    per = sorted(list(owner.values()).count(tid) for tid in workers(d))
    assert sum(per) == 100 and per[0] >= 15, per
    for s in peers:
        s.close()


def count(s):
    n = 0
    try:
        while s.recv(2048):
            n += 1
    except BlockingIOError:
        return n


def count_all(s, n):
    s.settimeout(HANGS)
    for _ in range(n):
        s.recv(2048)
    s.setblocking(False)
    return n


def replies_from(port, dst, src=None, n=20):
    """The addresses that answers to `dst` come from."""
    s = socket.socket(socket.AF_INET6 if ":" in dst else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(HANGS)
    if src:
        s.bind((src, 0))
    seen = set()
    for mid in range(n):
        s.sendto(encode(CON, GET, mid, b"", seg(PATH) + [(BLOCK2, block(mid, 6))]), (dst, port))
        data, frm = s.recvfrom(65536)
        assert Msg(data).mid == mid and Msg(data).payload == IMAGE[mid * 1024:][:1024]
        seen.add(frm[:2])
    s.close()
    return seen


def test_the_reply_leaves_from_the_address_that_was_asked(d):
    for dst in ("127.0.0.1", "127.0.0.5", "127.200.1.9", "::1"):
        assert replies_from(d.port, dst) == {(dst, d.port)}, dst


def test_a_second_address_of_the_host(_):
    ns = Namespace()
    with ns:
        for a in ("10.9.0.1/24", "10.9.0.2/24", "fd09::1/64", "fd09::2/64"):
            ip("addr add %s dev lo%s" % (a, " nodad" if ":" in a else ""))
        with suitd(2, images=[IMAGE]) as d:
            for dst, src in (("10.9.0.1", "10.9.0.2"), ("10.9.0.2", "10.9.0.1"), ("10.9.0.2", "10.9.0.2"),
                             ("fd09::1", "fd09::2"), ("fd09::2", "fd09::1")):
                assert replies_from(d.port, dst, src) == {(dst, d.port)}, dst
            assert by_worker(d, asker(d, host="fd09::2"))
    ns.close()


def test_link_local_addresses_need_their_interface(_):
    here, there = Namespace(), Namespace()
    here.link("va", there, "vb")
    with here:
        ip("addr add fe80::77/64 dev va nodad")
        d = suitd(2, images=[IMAGE])
    try:
        with there:
            ip("addr add fe80::78/64 dev vb nodad")
            s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            scope = socket.if_nametoindex("vb")
        s.bind(("fe80::78", 0, 0, scope))
        s.settimeout(HANGS)
        for mid in range(20):
            s.sendto(encode(CON, GET, mid, b"", seg(PATH) + [(BLOCK2, block(mid, 6))]), ("fe80::77", d.port, 0, scope))
            data, frm = s.recvfrom(65536)
            assert Msg(data).payload == IMAGE[mid * 1024:][:1024] and frm[0].split("%")[0] == "fe80::77", frm
        s.close()
    finally:
        with here:
            d.close()
        here.close(), there.close()


def test_bound_to_one_address(_):
    for listen, host, not_here in (("127.0.0.2:%d", "127.0.0.2", "127.0.0.3"), ("[::1]:%d", "::1", "127.0.0.1"),
                                   ("0.0.0.0:%d", "127.0.0.4", "::1")):
        with Suitd(start=False) as d:
            d.options = ["image_workers=2", "listen_coap=" + listen % d.port]
            d.start()
            fill(d, [IMAGE])
            assert by_worker(d, asker(d, host=host)), listen
            assert replies_from(d.port, host) == {(host, d.port)}, listen
            s = client(d.port, not_here)
            try:
                assert one(s, encode(CON, GET, 1, b"", seg(PATH)), 0.2) is None, listen
            except ConnectionRefusedError:
                pass


def test_multicast_and_broadcast_get_one_answer_at_most(_):
    """Every socket of the group gets a copy of such a datagram."""
    here, there = Namespace(), Namespace()
    here.link("va", there, "vb")
    with here:
        ip("addr add 10.8.0.1/24 dev va")
        ip("addr add fd08::1/64 dev va nodad")
        d = suitd(2, images=[IMAGE])
    try:
        with there:
            ip("addr add 10.8.0.2/24 dev vb")
            ip("addr add fd08::2/64 dev vb nodad")
            ip("route add default dev vb")
            index = socket.if_nametoindex("vb")
            s6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            s4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s6.bind(("fd08::2", 0))
        s4.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s4.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.8.0.2"))
        for s, dst in ((s6, ("fd08::1", d.port)), (s4, ("10.8.0.1", d.port))):
            wait_for("the link, which is new", lambda: answers_to(s, dst))
            assert answers_to(s, dst) == 1, "a unicast datagram is answered: %r" % (dst,)
        for s, dst in ((s6, ("ff02::1", d.port, 0, index)), (s4, ("224.0.0.1", d.port)), (s4, ("10.8.0.255", d.port)),
                       (s4, ("255.255.255.255", d.port))):
            n = answers_to(s, dst)
            assert n <= 1, "%r: %d answers" % (dst, n)
            print("  %s: %d answers" % (dst[0], n))
        for s, dst in ((s6, ("fd08::1", d.port)), (s4, ("10.8.0.1", d.port))):
            assert answers_to(s, dst) == 1
    finally:
        with here:
            d.close()
        for c in (s4, s6, here, there):
            c.close()


def answers_to(s, dst):
    s.sendto(encode(CON, GET, 5, b"", seg(PATH)), dst)
    n = 0
    s.settimeout(1.0)
    try:
        while True:
            s.recv(65536)
            n += 1
            s.settimeout(0.3)
    except socket.timeout:
        return n


def test_both_planes_are_counted(d):
    st, n = d.ctl_json("status"), 40
    ask = asker(d, options=[(BLOCK2, block(3, 2))])
    slow = asker(d, options=[(URI_HOST, b"h")])
    bad = asker(d, path=[b"i", name(b"no")], want="4.04")
    for _ in range(n):
        ask(), slow(), bad()
    now = d.ctl_json("status")
    assert now["blocks"] - st["blocks"] == 2 * n, (st, now)
    assert now["errors"] - st["errors"] == n, (st, now)
    # and what status itself asks
    assert 3 * n <= now["requests"] - st["requests"] <= 3 * n + 4, (st, now)
    # and what is the image plane's own, of which a zero is not sent
    assert now["image_workers"] == len(workers(d)) and now["images_mapped"] >= 1 and now["image_peers"] >= 1, now
    assert now["image_slow"] >= 1, now  # the first request for the image
    assert not now.get("image_dropped") and not now.get("image_evicted"), now


def refused(preexec, wants):
    """A suitd whose kernel refuses something: it says so in one line, and
    everything is served."""
    with Suitd(["image_workers=2"], start=False) as d:
        d.preexec = preexec
        d.start()
        fill(d, [IMAGE])
        assert workers(d) == [], "nothing was refused"
        said = [line for line in open(d.log) if line.startswith("warn") and "image" in line]
        assert len(said) == 1 and re.search(wants, said[0]), open(d.log).read()
        for host in ("127.0.0.1", "::1"):
            for kw in ({}, {"mtype": NON}, {"token": b"12345678"}, {"options": [(BLOCK2, block(3, 2))]},
                       {"path": [b"i", name(b"no")], "want": "4.04"}, {"path": [b"fw", b"1.bin"]}):
                asker(d, host=host, **kw)()
        # all of them, from many ports: none is lost to a socket that nobody reads
        for n in range(100):
            s = client(d.port)
            assert one(s, encode(CON, GET, n, b"", seg(PATH)), HANGS) is not None
            s.close()
        d.stop()


def test_a_kernel_without_the_program(_):
    refused(refuse.socket_option(refuse.SO_ATTACH_REUSEPORT_CBPF), "CBPF: Operation not permitted")


def test_a_kernel_without_shared_ports(_):
    refused(refuse.socket_option(refuse.SO_REUSEPORT), "Operation not permitted")


def test_a_kernel_without_threads(_):
    refused(refuse.threads(), "thread")


def test_no_workers_wanted(_):
    with suitd(0, images=[IMAGE]) as d:
        assert workers(d) == []
        assert not [line for line in open(d.log) if line.startswith("warn") and "image" in line]
        asker(d)()


def test_no_more_workers_than_cores(_):
    cores = len(os.sched_getaffinity(0))
    with suitd(16, images=[IMAGE]) as d:
        assert len(workers(d)) == min(16, cores), (workers(d), cores)
    with Suitd(["image_workers=4"], start=False) as d:
        d.preexec = lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        d.start()
        assert len(workers(d)) == 1


def main():
    with suitd(2) as d:
        return run([v for k, v in list(globals().items()) if k.startswith("test_")], d)


if __name__ == "__main__":
    sys.exit(main())
