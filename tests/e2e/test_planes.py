#!/usr/bin/env python3
"""The rules of the block path (docs/PROTOCOL.md), on both planes: each request
goes to a daemon that answers it from an image worker and to one that has none
and lets libcoap do it. The answers are compared with the rule, and with each
other byte for byte. The number in a name is the rule's number there."""
import os
import sys
import time

from coapraw import (ACCEPT, BLOCK1, BLOCK2, CON, CONTENT_FORMAT, DELETE, ETAG, GET, NON, OBSERVE, POST,
                     PUT, REQUEST_TAG, RST, SIZE1, SIZE2, URI_HOST, URI_PORT, URI_QUERY, VENDOR,
                     Msg, block, code, encode, uint)
from fixture import run
from planes import IMAGE, IMAGES, Pair, digest, image_path, name, one, seg, shown

PATH = image_path(IMAGE)
NO_RESPONSE, HOP_LIMIT, PROXY_URI, PROXY_SCHEME, ECHO = 258, 16, 35, 39, 252
FETCH, PATCH, IPATCH = 5, 6, 7


def is_block(m, data, num, szx, what=""):
    """2.05 with this block of this image, and every option that belongs to it."""
    size = 16 << szx
    want = data[num * size:(num + 1) * size]
    assert m is not None and code(m.code) == "2.05", "%s: %s" % (what, m)
    assert m.block2() == (num, (num + 1) * size < len(data), szx), "%s: %r" % (what, m.block2())
    assert m.payload == want, "%s: wrong bytes" % what
    assert m.opt(ETAG) == digest(data)[:8] and m.uint(CONTENT_FORMAT) == 42, what


def answers(p, cases, path=PATH, **kw):
    """Cases: options and the code that the request gets with them."""
    for what, opts, want in cases:
        m = p.get(path, opts, what=what, **kw)
        got = "nothing" if m is None else code(m.code)
        assert got in want.split("|"), "%s: %s, not %s: %s" % (what, got, want, m)
        if got[0] in "45":
            assert m.opt(ETAG) is None and m.opt(BLOCK2) is None, "%s: %s" % (what, m)


def test_01_any_token_and_no_state(p):
    for mtype in (CON, NON):
        for tkl in range(9):
            m = p.get(PATH, [(BLOCK2, block(3, 6))], token=os.urandom(tkl), mtype=mtype)
            is_block(m, IMAGE, 3, 6, "token of %d" % tkl)
    for num in range(20):  # the same token for all
        is_block(p.get(PATH, [(BLOCK2, block(num, 6))], token=b"12345678"), IMAGE, num, 6)
    for num in reversed(range(20)):  # another one, another port, backwards
        p.renew()
        is_block(p.get(PATH, [(BLOCK2, block(num, 6))], token=os.urandom(4)), IMAGE, num, 6)
    for tkl in range(9, 16):  # RFC 7252 3: a message format error
        head = encode(CON, GET, p.next_mid(), b"", seg(PATH))
        raw = bytes([head[0] | tkl]) + head[1:4] + bytes(tkl) + head[4:]
        m = p.ask(raw, "token of %d" % tkl, patience=0.3)
        assert m is None or m.type == RST, "token of %d: %s" % (tkl, m)


def test_02_size_of_the_client_from_block_0(p):
    for data in IMAGES:
        for szx in range(7):
            size = 16 << szx
            last = (len(data) - 1) // size
            for num in {0, last, last // 2}:
                m = p.get(image_path(data), [(BLOCK2, block(num, szx))])
                is_block(m, data, num, szx, "%d bytes, block %d/%d" % (len(data), num, szx))


def test_02_more_in_a_request_means_nothing(p):
    for num, szx in ((0, 4), (3, 4), (19, 6)):
        is_block(p.get(PATH, [(BLOCK2, block(num, szx, more=True))]), IMAGE, num, szx)


def test_02_sizes_shrink_on_the_way(p):
    off = 0
    for szx in (6, 5, 4, 3, 2, 1, 0, 6):
        p.renew()  # the first request of a port may be for the middle
        off = off >> szx + 4 << szx + 4
        is_block(p.get(PATH, [(BLOCK2, block(off >> szx + 4, szx))]), IMAGE, off >> szx + 4, szx)
        off += 16 << szx


def test_02_past_the_end(p):
    for data in IMAGES:
        for szx in range(7):
            last = (len(data) - 1) // (16 << szx)
            for num in (last + 1, last + 1000, (1 << 20) - 1):
                m = p.get(image_path(data), [(BLOCK2, block(num, szx))])
                assert code(m.code) == "4.00" and m.payload, "%d/%d of %d bytes: %s" % (num, szx, len(data), m)


def test_02_reserved_and_odd_block_options(p):
    answers(p, [
        ("szx 7", [(BLOCK2, b"\x07")], "4.00|4.02"),
        ("szx 7 in the middle", [(BLOCK2, b"\x17")], "4.00|4.02"),
        ("szx 7, three bytes", [(BLOCK2, b"\x00\x00\x17")], "4.00|4.02"),
        ("of four bytes", [(BLOCK2, b"\0\0\0\x06")], "4.00|4.02|0.00|nothing"),
        ("of no byte: 0/0/16", [(BLOCK2, b"")], "2.05"),
        ("leading zeros", [(BLOCK2, b"\0\0\x16")], "2.05"),
        ("twice", [(BLOCK2, block(0, 6)), (BLOCK2, block(1, 6))], "2.05|4.02"),
        ("twice, the second reserved", [(BLOCK2, block(0, 6)), (BLOCK2, b"\x07")], "4.00|4.02"),
    ])


def test_03_without_block2(p):
    for data in IMAGES:
        m = p.get(image_path(data))
        if len(data) > 1024:
            is_block(m, data, 0, 6)
        else:  # whole, and no option that nobody asked for
            assert m.payload == data and m.opt(BLOCK2) is None, "%d bytes: %s" % (len(data), m)
        m = p.get(image_path(data), [(BLOCK2, block(0, 6))])
        is_block(m, data, 0, 6, "a block of the whole must carry Block2")


def test_03_without_block2_in_the_size_of_the_file(_):
    with Pair(["block_size=64"]) as p:
        for data in IMAGES:
            m = p.get(image_path(data))
            assert m.payload == data[:64], "%d bytes: %s" % (len(data), m)
            if len(data) > 64:
                is_block(m, data, 0, 2)
            is_block(p.get(image_path(data), [(BLOCK2, block(0, 6))]), data, 0, 6)


def test_04_piggy_backed_and_quick(p):
    t0 = time.monotonic()
    for n in range(50):  # `ask` asserts the ACK and its message id
        is_block(p.get(PATH, [(BLOCK2, block(n % 20, 6))]), IMAGE, n % 20, 6)
    assert time.monotonic() - t0 < 50, "a second a block"


def test_05_one_etag_for_one_content(p):
    for turn in range(2):
        for szx in range(7):
            m = p.get(PATH, [(BLOCK2, block(1, szx))])
            assert m.opt(ETAG) == digest(IMAGE)[:8], str(m)
        assert p.get([b"fw", b"9.bin"]).opt(ETAG) == digest(IMAGE)[:8], "by its path"
        if turn == 0:
            p.restart()


def test_05_etags_in_a_request(p):
    ours, other = digest(IMAGE)[:8], b"12345678"
    cases = [
        ("ours", [ours], "2.03"),
        ("another", [other], "2.05"),
        ("a part of ours", [ours[:7]], "2.05"),
        ("ours, second", [other, ours], "2.03"),
        ("ours, fourth", [other, b"a", b"bc", ours], "2.03"),
        ("ours, eighth", [other] * 7 + [ours], "2.03|2.05"),
        ("ours, thirtieth", [other] * 29 + [ours], "2.03|2.05"),
        ("of no byte", [b""], "2.05|0.00|nothing"),
        ("of nine bytes", [ours + b"x"], "2.05|0.00|nothing"),
        ("a bad one, then ours", [ours + b"x", ours], "2.03|2.05|0.00|nothing"),
    ]
    for more in ([], [(BLOCK2, block(0, 6))], [(BLOCK2, block(7, 2))], [(SIZE2, b"")], [(ACCEPT, uint(42))]):
        answers(p, [(w, [(ETAG, e) for e in tags] + more, c) for w, tags, c in cases])
    m = p.get(PATH, [(ETAG, ours)])
    assert m.payload == b"" and m.opt(ETAG) == ours and m.opt(BLOCK2) is None, str(m)
    # known content of a block that is not there: both planes decide alike
    p.get(PATH, [(ETAG, ours), (BLOCK2, block(4000, 6))])


def test_06_size2_when_asked_and_on_the_first_block(p):
    for num, ask, want in ((0, [], len(IMAGE)), (3, [], None), (0, [(SIZE2, b"")], len(IMAGE)),
                           (3, [(SIZE2, b"")], len(IMAGE)), (3, [(SIZE2, uint(77))], len(IMAGE)),
                           (3, [(SIZE2, b""), (SIZE2, b"")], len(IMAGE)), (3, [(SIZE2, b"\0\0\0\0")], len(IMAGE))):
        m = p.get(PATH, [(BLOCK2, block(num, 6))] + ask)
        assert code(m.code) == "2.05" and m.uint(SIZE2) == want, "%d %r: %s" % (num, ask, m)
    assert p.get(image_path(IMAGES[0]), [(SIZE2, b"")]).uint(SIZE2) == 1
    answers(p, [("of five bytes", [(SIZE2, b"\0\0\0\0\0")], "2.05|0.00|nothing")])


def test_07_what_accept_satisfies(p):
    answers(p, [("Accept %d" % cf, [(ACCEPT, uint(cf))], c) for cf, c in
                ((42, "2.05"), (60, "2.05"), (50, "2.05"), (0, "2.05"), (40, "4.06"), (41, "4.06"), (257, "4.06"),
                 (65535, "4.06"))])
    answers(p, [
        ("Accept with a leading zero", [(ACCEPT, b"\0\x2a")], "2.05"),
        ("Accept of three bytes", [(ACCEPT, b"\0\0\x2a")], "4.02|0.00|nothing"),
        ("Accept twice", [(ACCEPT, uint(42)), (ACCEPT, uint(40))], "2.05|4.06|4.02"),
        ("Accept twice", [(ACCEPT, uint(40)), (ACCEPT, uint(42))], "2.05|4.06|4.02"),
    ])
    # an error in the form that was asked for (RFC 9290)
    for path in ([b"i", name(b"never published")], [b"i"], [b"i", b"!"]):
        m = p.get(path, [(ACCEPT, uint(257))])
        assert code(m.code)[0] == "4" and m.uint(CONTENT_FORMAT) == 257, str(m)
        p.get(path, [(ACCEPT, uint(42))])


def test_07_options_that_come_along(p):
    b2 = (BLOCK2, block(1, 4))
    answers(p, [
        ("a vendor's", [b2, (VENDOR, b"x")], "2.05"),
        ("a long one", [b2, (VENDOR, b"x" * 300)], "2.05"),
        ("Request-Tag", [b2, (REQUEST_TAG, b"t")], "2.05"),
        ("Request-Tag, empty", [b2, (REQUEST_TAG, b"")], "2.05"),
        ("Request-Tag of nine bytes", [b2, (REQUEST_TAG, b"123456789")], "2.05|0.00"),
        ("many", [b2] + [(2048 + 2 * n, b"v") for n in range(40)], "2.05"),
        ("Echo", [b2, (ECHO, b"echo")], "2.05"),
        ("the highest number", [b2, (65534, b"")], "2.05"),
        ("Content-Format", [b2, (CONTENT_FORMAT, uint(42))], "2.05"),
        ("Max-Age", [b2, (14, uint(60))], "2.05"),
        ("Size1", [b2, (SIZE1, uint(4))], "2.05"),
        ("Location-Query", [b2, (20, b"x=y")], "2.05"),
        ("Uri-Host", [b2, (URI_HOST, b"example.org")], "2.05"),
        ("Uri-Host and Uri-Port", [b2, (URI_HOST, b"example.org"), (URI_PORT, uint(5683))], "2.05"),
        ("If-Match", [b2, (1, b"")], "4.02"),
        ("If-None-Match", [b2, (5, b"")], "4.02"),
    ])
    answers(p, [("unknown, critical, %d" % n, [b2, (n, b"x")], "4.02") for n in (13, 25, 2049, 65535)])
    answers(p, [("unknown, critical, two", [b2, (2049, b"x"), (2051, b"yy"), (2050, b"")], "4.02")])
    answers(p, [("hop limit %d" % n, [b2, (HOP_LIMIT, bytes([n]))], c) for n, c in
                ((0, "4.00"), (1, "5.08"), (2, "2.05"), (255, "2.05"))])  # RFC 8768
    for opt in ((PROXY_URI, b"coap://example.org/x"), (PROXY_SCHEME, b"coap")):
        m = p.get(PATH, [b2, opt])
        assert m is not None and code(m.code)[0] in "245", str(m)
    for n in (9, 17, 19, 21, 31):  # critical ones that others know
        p.get(PATH, [b2, (n, b"\x06")], what="option %d" % n)


def test_07_unknown_critical_in_a_non(p):
    for n in (13, 2049):  # RFC 7252 5.4.1: rejected, not answered
        m = p.ask(encode(NON, GET, p.next_mid(), b"tok", seg(PATH) + [(n, b"x")]), patience=0.3)
        assert m is None or m.type == RST or code(m.code) == "4.02", str(m)


def test_08_blocks_are_never_refused_for_load(p):
    seen = set()
    for n in range(600):
        seen.add(code(p.get(PATH, [(BLOCK2, block(n % 300, 2))]).code))
    assert seen == {"2.05"}, seen


def test_11_ports_and_names_change_nothing(p):
    b2 = (BLOCK2, block(2, 5))
    whole = p.get(PATH, [b2], token=b"t").raw[4:]
    for q in (b"ep=kitchen", b"ep=" + b"k" * 22, b"ep=" + b"k" * 23, b"ep=" + b"k" * 63, b"ep=" + b"k" * 64,
              b"ep=", b"ep", b"ep=a/b", b"ep=\xff\0", b"ep=" + b"k" * 200, b"e", b"EP=kitchen"):
        p.renew()
        m = p.get(PATH, [b2, (URI_QUERY, q)], token=b"t")
        assert m.raw[4:] == whole, "%r: %s" % (q, m)
    assert p.get(PATH, [b2, (URI_QUERY, b"ep=a"), (URI_QUERY, b"ep=b")], token=b"t").raw[4:] == whole


def test_11_over_ipv6(p):
    for host in ("::1", "127.0.0.9"):
        p.renew(host)
        for mtype in (CON, NON):
            for num in range(20):
                is_block(p.get(PATH, [(BLOCK2, block(num, 6))], token=b"six", mtype=mtype), IMAGE, num, 6)
            answers(p, [("hop limit 1", [(HOP_LIMIT, b"\x01")], "5.08"),
                        ("past the end", [(BLOCK2, block(99, 6))], "4.00"), ("critical", [(2049, b"")], "4.02|0.00")], mtype=mtype)


def test_15_something_is_answered_without_a_name(p):
    answers(p, [("i", [], "4.00|4.04")], path=[b"i"])
    answers(p, [("i/", [], "4.00|4.04")], path=[b"i", b""])
    answers(p, [("i//", [], "4.00|4.04")], path=[b"i", b"", b""])
    answers(p, [("i/NAME/", [], "4.00|4.04")], path=PATH + [b""])
    answers(p, [("i/NAME/x", [], "4.00|4.04")], path=PATH + [b"x"])
    answers(p, [("i//NAME", [], "4.00|4.04")], path=[b"i", b"", PATH[1]])
    answers(p, [("no path", [], "4.04|4.05")], path=[])
    answers(p, [("I/NAME", [], "4.04")], path=[b"I", PATH[1]])
    answers(p, [("j/NAME", [], "4.04")], path=[b"j", PATH[1]])


def test_16_slashes_and_long_paths(p):
    answers(p, [("one option", [(BLOCK2, block(1, 6))], "2.05")], path=[b"i/" + PATH[1]])
    answers(p, [("/ in the name", [], "4.00|4.04")], path=[b"i", PATH[1][:10] + b"/" + PATH[1][10:]])
    answers(p, [("/NAME", [], "2.05|4.00|4.04")], path=[b"i", b"/" + PATH[1]])
    answers(p, [("NAME/", [], "2.05|4.00|4.04")], path=[b"i", PATH[1] + b"/"])
    for what in (b"%2F", b"%2f", b"%25", b"%", b"%4", b"%41", b"\0", b"\x80\xff", b"?", b"#", b" "):
        for path in ([b"i" + what + PATH[1]], [b"i", what + PATH[1]], [b"i", PATH[1] + what], [b"i", what]):
            m = p.get(path, what=repr(path))
            assert m is not None and code(m.code) in ("2.05", "4.00", "4.04"), "%r: %s" % (path, m)
    for n in (43, 44, 100, 250, 251, 252, 253, 254, 255):
        m = p.get([b"i", b"A" * n], what="%d bytes" % n)
        assert code(m.code) in ("4.00", "4.04"), str(m)
    m = p.ask(encode(CON, GET, p.next_mid(), b"", seg([b"i", b"A" * 256])), "over 255", patience=0.3)
    assert m is None or m.code == 0 or code(m.code)[0] == "4", str(m)
    for n in (14, 15, 16, 17, 40, 120):
        answers(p, [("%d segments" % n, [], "4.04|4.00")], path=[b"i"] + [b"x"] * (n - 1))
        answers(p, [("%d empty segments" % n, [], "4.04|4.00")], path=[b"i"] + [b""] * (n - 1))
    answers(p, [("bytes at the cap", [], "4.04|4.00")], path=[b"i"] + [b"y" * 25] * 10)


def test_16_queries_of_other_servers(p):
    b2 = (BLOCK2, block(1, 3))
    for q in ([b"chunk=3", b"size=64", b"title=a"], [b"x" * 255], [b"q"] * 15, [b"q"] * 16):
        answers(p, [("%d queries" % len(q), [b2] + [(URI_QUERY, v) for v in q], "2.05")])
    answers(p, [("an empty one", [b2, (URI_QUERY, b"")], "2.05|0.00")])  # libcoap 4.3.1: malformed
    for n in (17, 60):
        answers(p, [("%d queries" % n, [b2] + [(URI_QUERY, b"q")] * n, "4.29|4.00|4.02")])
    m = p.ask(encode(CON, GET, p.next_mid(), b"", seg(PATH) + [(URI_QUERY, b"x" * 256)]), patience=0.3)
    assert m is None or m.code == 0 or code(m.code)[0] == "4", str(m)


def test_names_of_images(p):
    full = name(IMAGE)
    for n in range(9, 33):  # whole bytes, as the paths of manifests have them
        is_block(p.get(image_path(IMAGE, n), [(BLOCK2, block(1, 6))]), IMAGE, 1, 6, "%d bytes" % n)
    for n in range(1, 60):  # every number of characters
        m = p.get([b"i", (full + b"A" * 20)[:n]], what="%d characters" % n)
        assert code(m.code) in (("2.05",) if n in (12, 43) else ("2.05", "4.00", "4.04")), "%d: %s" % (n, m)
        assert n >= 12 or code(m.code) in ("4.00", "4.04"), "%d: %s" % (n, m)
    wrong = [b"!" * 43, full + b"=", full[:-1] + b"=", full.swapcase(), b"+" * 43, b"/" * 43,
             full[:20] + b"\0" + full[21:], full.replace(b"-", b"+").replace(b"_", b"/") + b"=",
             digest(IMAGE).hex().encode(), digest(IMAGE), name(b"no")]
    for w in wrong:
        m = p.get([b"i", w], what=repr(w))
        assert m is not None and code(m.code) in ("4.00", "4.04"), "%r: %s" % (w, m)
        assert m.payload, "a diagnostic"
    for last in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef0189-_":  # bits beyond the digest
        p.get([b"i", full[:-1] + bytes([last])], what="last character %c" % last)
        p.get([b"i", full[:12] + bytes([last])], what="thirteenth character %c" % last)


def test_no_response(p):
    """RFC 7967: what is not wanted is acknowledged at most."""
    for value in (b"", b"\0", b"\x02", b"\x08", b"\x10", b"\x1a", b"\xff", b"\0\x02", b"\0\0\0\x02"):
        for path in (PATH, [b"i", name(b"no")]):
            for mtype in (CON, NON):
                raw = encode(mtype, GET, p.next_mid(), b"nr", seg(path) + [(NO_RESPONSE, value)])
                m = p.ask(raw, "No-Response %r" % value, patience=0.3)
                assert m is None or m.code == 0 or code(m.code) in ("2.05", "4.04"), str(m)
    m = p.ask(encode(CON, GET, p.next_mid(), b"nr", seg(PATH) + [(NO_RESPONSE, b"\x02")]))
    assert m.code == 0 and m.payload == b"", "a CON is acknowledged all the same: %s" % m


def test_observe_on_an_image(p):
    for value in (b"", b"\0", b"\x01", b"\x02", b"\0\0\0", b"\0\0\0\0"):
        m = p.ask(encode(CON, GET, p.next_mid(), b"ob", seg(PATH) + [(OBSERVE, value)]), patience=0.5)
        assert m is None or m.code == 0 or m.opt(OBSERVE) is None, "an image never changes: %s" % m
        if len(value) < 4:
            is_block(m, IMAGE, 0, 6)


def test_block1_and_a_body_in_a_get(p):
    is_block(p.get(PATH, payload=b"body"), IMAGE, 0, 6, "a body")
    for value in (block(0, 2), block(0, 6), block(0, 2, more=True), block(1, 2), block(1, 2, more=True), b"\x07"):
        p.renew()
        m = p.get(PATH, [(BLOCK1, value)], payload=b"x" * 64, what="Block1 %s" % value.hex())
        assert m is not None and code(m.code) in ("2.05", "2.31", "4.08", "4.00", "4.02"), str(m)


def test_other_methods(p):
    for method in (POST, PUT, DELETE, FETCH, PATCH, IPATCH):
        for path in (PATH, [b"i"], [b"i", name(b"no")]):
            m = p.get(path, method=method)
            # 4.15: libcoap of Debian 13 wants a FETCH to say what it carries
            assert code(m.code) in ("4.04", "4.05", "4.02") + (("4.15",) if method in (FETCH, PATCH, IPATCH) else ()), "%d %r: %s" % (method, path, m)
    for method in (8, 31):
        m = p.ask(encode(CON, method, p.next_mid(), b"", seg(PATH)), patience=0.3)
        assert m is None or m.code == 0 or code(m.code)[0] in "45", str(m)


def test_what_is_no_request(p):
    m = p.ask(encode(CON, 0, 0x1234))
    assert m.type == RST and m.mid == 0x1234 and len(m.raw) == 4, "CoAP ping: %s" % m
    for mtype in (NON, 2, RST):
        p.silent(encode(mtype, 0, 0x1235), "empty, type %d" % mtype)
    for c in (0x45, 0x84, 0xa0, 0x20, 0xe1):  # answers, and reserved classes
        for mtype in range(4):
            m = p.ask(encode(mtype, c, p.next_mid(), b"", seg(PATH)), "code %s" % code(c), patience=0.2)
            assert m is None or m.code == 0 or code(m.code)[0] in "45", str(m)
    for mtype in (2, RST):  # libcoap answers the first of them
        p.ask(encode(mtype, GET, p.next_mid(), b"t", seg(PATH)), "GET of type %d" % mtype, patience=0.3)
    for raw in (b"", b"\x40", b"\x40\x01", b"\x40\x01\x00"):
        p.silent(raw, "%d bytes" % len(raw))


def test_versions(p):
    raw = encode(CON, GET, 77, b"t", seg(PATH))
    for version in (0, 2, 3):  # RFC 7252 3: ignored; libcoap resets
        m = p.ask(bytes([raw[0] & 0x3f | version << 6]) + raw[1:], "version %d" % version, patience=0.3)
        assert m is None or m.type == RST, "version %d: %s" % (version, m)


def test_malformed_options(p):
    head = encode(CON, GET, 0, b"t", seg(PATH))
    tails = {"a marker and nothing": b"\xff", "delta 15": b"\xf1x", "length 15": b"\x0fx", "overrun": b"\x0axx",
             "no second byte of a delta": b"\xd0", "no extended length": b"\x0d", "half of one": b"\x0e\x01",
             "beyond the last number": b"\xe0\xff\xff\xe0\xff\xff", "number 65536": b"\xe0" + b"\xfe\xe8",
             "length of 64 k": b"\x0e\xff\xffx"}
    for what, tail in tails.items():
        for mtype in (CON, NON):
            raw = bytes([head[0] & 0xcf | mtype << 4, GET]) + p.next_mid().to_bytes(2, "big") + head[4:] + tail
            m = p.ask(raw, what, patience=0.3)
            assert m is None or m.type == RST or code(m.code)[0] == "4", "%s: %s" % (what, m)


def test_repeated(p):
    for mtype in (CON, NON):
        raw = encode(mtype, GET, 0x7777, b"tok", seg(PATH) + [(BLOCK2, block(4, 4))])
        a = p.ask(raw)
        for _ in range(3):
            b = p.ask(raw)
            assert a.raw[:2] + a.raw[4:] == b.raw[:2] + b.raw[4:]
        # the same message id with another token, as Nordic's downloader does
        b = p.ask(encode(mtype, GET, 0x7777, b"other", seg(PATH) + [(BLOCK2, block(4, 4))]))
        assert b.token == b"other" and b.payload == a.payload, str(b)


def test_large_datagrams(p):
    for n in (900, 1100, 1152, 1280, 1400, 1440, 1472, 1473, 1600, 4096, 9000, 65000):
        raw = encode(CON, GET, p.next_mid(), b"t", seg(PATH) + [(BLOCK2, block(0, 0))])
        raw += b"\xff" + bytes(n - len(raw) - 1)
        if n <= 1152:  # RFC 7252 4.6
            is_block(p.ask(raw, "%d bytes" % n), IMAGE, 0, 0, "%d bytes" % n)
            continue
        # refused by both: libcoap's reset has the message id 0
        for s in p.socks:
            r = one(s, raw, 0.4)
            assert r is None or Msg(r).type == RST, "%d bytes: %s" % (n, shown(r))


def main():
    with Pair() as p:
        return run([p.afresh(f) for n, f in sorted(globals().items()) if n.startswith("test_")], p)


if __name__ == "__main__":
    sys.exit(main())
