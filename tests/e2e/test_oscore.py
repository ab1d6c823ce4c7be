#!/usr/bin/env python3
"""OSCORE (RFC 8613): devices with a security context, by messages made by
hand, and by clients that nobody here wrote, where they are."""
import hashlib
import json
import os
import signal
import subprocess
import sys
import uuid

from coapraw import ACK, BLOCK2, CON, GET, NON, OBSERVE, POST, RST, Msg, Peer, block, code, encode, uint
from fixture import Skip, Suitd, class_id, free_port, run, wait_for
from oscoreraw import ECHO, OSCORE, Context, Oscore, piv
from test_hostile import ALIVE

DEMO = class_id("demo")
IMAGE = os.urandom(40000)


def start():
    port = free_port()
    d = Suitd(["listen_oscore=[::]:%d" % port])
    d.oport = port
    d.author()
    d.publish(1, IMAGE, "coap://127.0.0.1:%d/fw.bin" % port)
    return d


def context(d, ep, *words):
    """A device and its context; one more if it has one."""
    if not any(x["ep"] == ep for x in d.ctl_json("device", "list")):
        d.ctl("device", "add", ep, "--class", str(uuid.UUID(DEMO)))
    return d.ctl_json("device", "oscore", ep, "--new", *words)


def seen_as(d, ep):
    return d.ctl_json("device", "show", ep)


# --- who asks ---


def test_a_context_speaks_for_its_device_with_grade_l1(d):
    c = Oscore(d.oport, context(d, "one"))
    r = c.ask(POST, "r", payload=ALIVE)
    assert code(r.code) == "2.04" and not r.plain, "%s" % r
    assert d.events("one")[-1]["what"] == "device context set"
    # a name that it does not have is refused; it is known by its context
    r = c.ask(POST, "r", [(15, b"ep=two")], ALIVE)
    assert code(r.code) == "4.03", "%s" % r
    r = c.ask(GET, "m")
    assert code(r.code) == "2.05", "%s" % r
    # and it is told what it has
    assert seen_as(d, "one")["psk"] and seen_as(d, "one")["oscore"] and "identity" not in seen_as(d, "one")
    assert [x.split()[4] for x in d.ctl("device", "list").splitlines() if x.startswith("one ")] == ["oscore"]
    assert d.ctl_json("status")["oscore"].endswith(":%d" % d.oport)
    assert "secret" not in json.dumps(d.ctl_json("device", "credentials", "one"))


def test_who_has_a_context_is_nobody_without_it(d):
    context(d, "closed")
    p = Peer(d.port)
    assert code(p.ask(POST, "r", [(15, b"ep=closed")], ALIVE).code) == "4.01"
    # what is not protected is not served there
    o = Peer(d.oport)
    assert code(o.ask(GET, "m").code) == "4.01"
    assert code(o.ask(GET, ".well-known/core").code) == "4.01"


def test_a_strangers_message_gets_little_and_reaches_nobody(d):
    given = context(d, "strange")
    c, o = Context(given), Peer(d.oport)

    def answer(raw, want):
        o.send(raw)
        r = o.recv(1)
        assert (code(r.code) if r else "-") == want, (raw.hex(), want, "%s" % r)
        if r:
            assert len(r.raw) <= len(raw) and not r.payload
    good, _ = c.protect(CON, POST, 1, b"t", [(11, b"r")], ALIVE)
    other = Context(dict(given, sender="00112233"))
    answer(other.protect(CON, POST, 2, b"t", [(11, b"r")], ALIVE)[0], "4.01")
    wrong = Context(dict(given, secret="00" * 16))
    answer(wrong.protect(CON, POST, 3, b"t", [(11, b"r")], ALIVE)[0], "4.00")
    answer(good[:-1], "4.00")
    answer(good[:good.index(b"\xff") + 4], "4.00")
    # the option: no partial IV, no id, bits that mean nothing, too long, twice
    for v in (b"", b"\x08", b"\x01\x05", b"\x29\x05" + c.sid, b"\x0e" + c.sid, b"\x0a\x00\x05" + c.sid,
              b"\x19\x05\xff" + c.sid, b"\x09\x05" + bytes(8)):
        answer(encode(CON, POST, 4, b"t", [(OSCORE, v)], bytes(20)), "4.02")
    answer(encode(CON, POST, 5, b"t", [(OSCORE, c.option(b"\1")), (OSCORE, b"")], bytes(20)), "4.02")
    # Block1 outside is nobody's word
    answer(c.protect(CON, POST, 6, b"t", [(11, b"r")], ALIVE, outer=[(27, b"\x06")])[0], "4.02")
    answer(encode(CON, POST, 7, b"t", [(OSCORE, c.option(b"\1"))]), "-")
    answer(b"\x40\x00\x12\x34", "0.00")  # a ping
    answer(b"\x60\x00\x12\x34", "-")
    answer(b"\xff" * 60, "-")
    answer(encode(ACK, 0x44, 8, b"t", [(OSCORE, b"")], bytes(20)), "-")
    assert "used" not in d.ctl_json("device", "credentials", "strange")[0] and "seen" not in seen_as(d, "strange")


def udp_ports(d):
    """UDP ports of suitd by address, as /proc/net/udp writes them."""
    fds, inodes = "/proc/%d/fd" % d.proc.pid, set()
    for fd in os.listdir(fds):
        try:
            inodes.add(os.readlink(os.path.join(fds, fd)))
        except FileNotFoundError:
            pass
    with open("/proc/%d/net/udp" % d.proc.pid) as f:
        lines = [x.split() for x in f.readlines()[1:]]
    return [(x[1][:8], int(x[1][9:], 16)) for x in lines if "socket:[%s]" % x[9] in inodes]


def test_nobody_else_on_this_host_speaks_as_a_device(d):
    c = Oscore(d.oport, context(d, "host"))
    assert code(c.ask(POST, "r", payload=ALIVE).code) == "2.04"
    inner = [p for a, p in udp_ports(d) if a == "0100007F" and p != d.aport]
    ours = [p for a, p in udp_ports(d) if a == "00000000"]
    assert len(inner) == 1 and len(ours) == 1, udp_ports(d)
    for port in inner + ours:
        for src in ("127.0.0.1", "127.1.0.1"):
            p = Peer(port, src=(src, 0))
            assert p.ask(GET, ".well-known/core", timeout=0.5) is None
            p.close()


# --- replays ---


def test_REQ_SEC_REPORTING_a_replayed_request_is_refused(d):
    c = Oscore(d.oport, context(d, "replay"))
    assert code(c.ask(POST, "r", payload=ALIVE).code) == "2.04"
    assert code(c.ask(POST, "r", payload=ALIVE).code) == "2.04"
    old = c.last
    # as it was, from where it was: a repetition of the message layer, which does not run again
    c.send(old)
    r = c.recv()
    assert r is not None and r.opt(OSCORE) is not None
    # from elsewhere, with another message ID, or with another token: a replay
    thief = Peer(d.oport)
    thief.send(old)
    assert code(thief.recv().code) == "4.01"
    c.send(old[:2] + b"\x77\x77" + old[4:])
    assert code(c.recv().code) == "4.01"
    c.send(old[:4] + b"abcd" + old[8:])
    assert code(c.recv().code) == "4.01"
    # out of order is fine within the window, once, and too old is not
    seq = c.c.seq
    assert code(c.ask(GET, ".well-known/core", seq=seq + 63).code) == "2.05"
    assert code(c.ask(GET, ".well-known/core", seq=seq).code) == "2.05"
    assert c.ask(GET, ".well-known/core", seq=seq).plain
    assert c.ask(GET, ".well-known/core", seq=seq - 1).plain
    c.c.seq = seq + 64
    assert code(c.ask(POST, "r", payload=ALIVE).code) == "2.04"


def test_a_repeated_request_never_uses_a_nonce_twice(d):
    c = Oscore(d.oport, context(d, "nonce"))
    c.ask(POST, "r", payload=ALIVE)
    r = c.ask(GET, ".well-known/core")
    assert r.own is None
    own = set()
    for _ in range(3):
        c.send(c.last)
        m = c.c.unprotect(c.recv(), r.iv)
        assert m.payload == r.payload and m.own is not None
        own.add(m.own)
    assert len(own) == 3
    # one that writes is not run again: the very same bytes
    c.ask(POST, "r", payload=ALIVE)
    c.send(c.last)
    a = c.recv().raw
    c.send(c.last)
    assert c.recv().raw == a


def test_a_restart_costs_a_round_trip_and_lets_no_replay_in(d):
    c = Oscore(d.oport, context(d, "restart"))
    assert code(c.ask(POST, "r", payload=ALIVE).code) == "2.04"
    before = c.last
    ahead, _ = c.c.protect(CON, POST, 0x7001, b"late", [(11, b"r")], ALIVE)  # sent, and kept by somebody
    own = [c.ask(GET, "nothing", [(ECHO, b"x" * 8)]).own]
    for sig in (signal.SIGKILL, signal.SIGTERM):
        d.kill(sig)
        d.start()
        for raw in (before, ahead):
            c.send(raw)
            r = c.recv()  # protected: it is asked for a proof, and does nothing
            assert r.opt(OSCORE) is not None
        m = c.c.unprotect(r, piv(int.from_bytes(Msg(ahead).opt(OSCORE)[1:2], "big")))
        assert code(m.code) == "4.01" and len(m.opt(ECHO)) == 8 and m.own is not None
        r = c.ask(POST, "r", payload=ALIVE)
        assert code(r.code) == "2.04" and r.challenged
        assert not hasattr(c.ask(POST, "r", payload=ALIVE), "challenged")
        c.send(before)
        assert code(c.recv().code) == "4.01"
        own.append(m.own)
    assert own[2] > own[1], own  # numbers of ours only go up


def test_an_echo_of_before_is_no_proof(d):
    c = Oscore(d.oport, context(d, "echo"))
    r = c.ask(POST, "r", payload=ALIVE, echo=False)
    assert code(r.code) == "4.01"
    old = r.opt(ECHO)
    d.kill()
    d.start()
    r = c.ask(POST, "r", [(ECHO, old)], ALIVE, echo=False)
    assert code(r.code) == "4.01" and r.opt(ECHO) != old
    assert code(c.ask(POST, "r", payload=ALIVE).code) == "2.04"


# --- blocks and observations ---


def download(c, p, szx=6):
    body, num = b"", 0
    while True:
        r = c.ask(GET, p, [(BLOCK2, block(num, szx))])
        assert code(r.code) == "2.05", "%s" % r
        body += r.payload
        num += 1
        if not r.block2()[1]:
            return body


def test_an_image_comes_in_protected_blocks(d):
    c = Oscore(d.oport, context(d, "blocks"))
    assert download(c, "fw.bin") == IMAGE
    st = d.ctl_json("device", "show", "blocks")
    assert st["ep"] == "blocks"


def test_a_body_goes_up_in_protected_blocks(d):
    c = Oscore(d.oport, context(d, "up"))
    body = ALIVE
    r = c.ask(POST, "r", [(27, block(0, 0, True))], body + bytes(15))
    assert code(r.code) == "2.31", "%s" % r
    r = c.ask(POST, "r", [(27, block(1, 0, False))], b"x")
    assert code(r.code) == "4.00", "%s" % r  # whole, and no map


def test_an_observer_hears_and_acknowledges(d):
    c = Oscore(d.oport, context(d, "obs"))
    r = c.ask(GET, "m", [(OBSERVE, b"")], token=b"observer")
    assert code(r.code) == "2.05" and r.opt(OBSERVE) is not None and r.own is not None, "%s" % r
    iv = r.iv
    d.publish(7, os.urandom(3000), "coap://127.0.0.1:%d/fw7.bin" % d.oport)
    n = c.recv(10)
    assert n.type == CON and n.token == b"observer" and code(n.code) == "2.05"  # outside
    m = c.c.unprotect(n, iv)
    assert code(m.code) == "2.05" and m.own > r.own and m.opt(OBSERVE) == b""
    # not acknowledged: it comes again, under the same ID
    again = c.recv(6)
    assert again.mid == n.mid and c.c.unprotect(again, iv).payload == m.payload
    c.send(encode(ACK, 0, n.mid))
    assert c.recv(6) is None
    # nobody else's reset ends it
    thief = Peer(d.oport)
    thief.send(encode(RST, 0, n.mid))
    d.publish(8, os.urandom(3000), "coap://127.0.0.1:%d/fw8.bin" % d.oport)
    n = c.recv(10)
    c.send(encode(RST, 0, n.mid))
    d.publish(9, os.urandom(3000), "coap://127.0.0.1:%d/fw9.bin" % d.oport)
    assert c.recv(4) is None


def test_a_device_that_moves_is_answered_where_it_is(d):
    given = context(d, "moves")
    a = Oscore(d.oport, given)
    assert code(a.ask(POST, "r", payload=ALIVE).code) == "2.04"
    r = a.ask(GET, "m", [(OBSERVE, b"")], token=b"o")
    b = Oscore(d.oport, a.c, src=("127.0.0.9", 0))
    assert code(b.ask(POST, "r", payload=ALIVE).code) == "2.04"
    d.publish(20, os.urandom(3000), "coap://127.0.0.1:%d/fw20.bin" % d.oport)
    n = b.recv(10)
    assert code(b.c.unprotect(n, r.iv).code) == "2.05"
    b.send(encode(ACK, 0, n.mid))


def test_a_device_that_uses_non_and_ipv6(d):
    c = Oscore(d.oport, context(d, "six"), host="::1")
    r = c.ask(POST, "r", payload=ALIVE, mtype=NON)
    assert r.type == NON and code(r.code) == "2.04"


# --- rotation, revocation ---


def test_REQ_SEC_KEY_ROTATION_old_and_new_context_are_valid_together(d):
    old = Oscore(d.oport, context(d, "rot"))
    assert code(old.ask(POST, "r", payload=ALIVE).code) == "2.04"
    new = Oscore(d.oport, context(d, "rot", "--overlap", "7d"))
    assert code(new.ask(POST, "r", payload=ALIVE).code) == "2.04"
    assert code(old.ask(POST, "r", payload=ALIVE).code) == "2.04"
    got = d.ctl_json("device", "credentials", "rot")
    assert [x["kind"] for x in got] == ["oscore"] * 2 and "ends" in got[0] and "ends" not in got[1]
    d.ctl("device", "oscore", "rot", "--new", "--overlap", "1d", rc=1)  # a third one
    # one is revoked: its observation is over at once, the other goes on
    r = old.ask(GET, "m", [(OBSERVE, b"")], token=b"o")
    assert r.opt(OBSERVE) is not None
    d.ctl("device", "revoke", "rot", "--credential", got[0]["identity"])
    assert old.ask(POST, "r", payload=ALIVE).plain
    d.publish(30, os.urandom(3000), "coap://127.0.0.1:%d/fw30.bin" % d.oport)
    assert old.recv(3) is None
    assert code(new.ask(POST, "r", payload=ALIVE).code) == "2.04"
    # another one without an overlap is the end of it; so is the device's
    last = Oscore(d.oport, context(d, "rot"))
    assert new.ask(POST, "r", payload=ALIVE).plain
    assert code(last.ask(POST, "r", payload=ALIVE).code) == "2.04"
    d.ctl("device", "revoke", "rot")
    assert last.ask(POST, "r", payload=ALIVE).plain
    d.ctl("device", "restore", "rot")
    assert code(last.ask(POST, "r", payload=ALIVE).code) == "2.04"
    d.ctl("device", "remove", "rot")
    assert last.ask(POST, "r", payload=ALIVE).plain


def test_a_context_ends_by_the_servers_clock(d):
    old = Oscore(d.oport, context(d, "soon"))
    assert code(old.ask(POST, "r", payload=ALIVE).code) == "2.04"
    context(d, "soon", "--overlap", "2s")
    wait_for("its end", lambda: "credential ended" in [e["what"] for e in d.events("soon")])
    assert old.ask(POST, "r", payload=ALIVE).plain


def test_an_id_context_tells_contexts_apart(d):
    c = Oscore(d.oport, context(d, "idc", "--context", "c0ffee00"))
    assert c.c.context == bytes.fromhex("c0ffee00")
    assert code(c.ask(POST, "r", payload=ALIVE).code) == "2.04"
    c.c.context = None  # the same keys, but it does not say so
    assert c.ask(POST, "r", payload=ALIVE).plain
    for bad in ("", "xy", "00" * 17):
        d.ctl("device", "oscore", "idc", "--new", "--context", bad, rc=2)
    d.ctl("device", "oscore", "idc", rc=2)
    d.ctl("device", "oscore", "nobody", "--new", rc=1)


def test_two_devices_behind_one_address(d):
    a, b = Oscore(d.oport, context(d, "pair-a")), Oscore(d.oport, context(d, "pair-b"))
    b.s.close()
    b.s = a.s
    for _ in range(3):
        assert code(a.ask(POST, "r", payload=ALIVE, token=b"t").code) == "2.04"
        assert code(b.ask(POST, "r", payload=ALIVE, token=b"t").code) == "2.04"


# --- clients that nobody here wrote ---


def libcoap_can():
    """Does libcoap's client here know OSCORE (Debian 13)?"""
    r = subprocess.run(["coap-client-openssl", "-h"], capture_output=True, text=True)
    return "-E oscore_conf_file" in r.stdout + r.stderr


def test_libcoaps_client(d):
    if not libcoap_can():
        raise Skip("its libcoap has no OSCORE (Debian 13's has)")
    given = context(d, "libcoap")
    conf = d.file("oscore.conf", ('master_secret,hex,"%(secret)s"\nmaster_salt,hex,"%(salt)s"\n'
                                  'sender_id,hex,"%(sender)s"\nrecipient_id,hex,"%(recipient)s"\n' % given).encode())

    def ask(*words):
        r = subprocess.run(["coap-client-openssl", "-B", "60", "-E", "%s,%s" % (conf, d.file("seq")), *words],
                           capture_output=True, timeout=120)
        return r.stdout, r.stderr
    uri = "coap://127.0.0.1:%d/" % d.oport
    alive = d.file("alive", ALIVE)
    assert ask("-m", "post", "-f", alive, uri + "r")[1] == b""
    out, err = ask("-m", "get", uri + "fw.bin")
    assert out[:len(IMAGE)] == IMAGE, err
    d.kill()
    d.start()  # it answers the Echo by itself
    assert ask("-m", "post", "-f", alive, uri + "r")[1] == b""


def aiocoap_can():
    return subprocess.run([sys.executable, "-c", "import aiocoap, cbor2, cryptography, filelock"],
                          capture_output=True).returncode == 0


AIOCOAP = """
import asyncio, os, sys, types
from pathlib import Path
for name in ("ge25519", "fe25519", "lakers"):  # for groups, and for EDHOC
    try:
        __import__(name)
    except ImportError:
        sys.modules[name] = types.ModuleType(name)
os.environ["AIOCOAP_CLIENT_TRANSPORT"] = "oscore:udp6"
import aiocoap, aiocoap.oscore
from aiocoap import Code, Message

async def main(base, where):
    ctx = await aiocoap.Context.create_client_context()
    ctx.client_credentials.load_from_dict(
        {base + "/*": {"oscore": {"basedir": where}}})
    r = await ctx.request(Message(code=Code.POST, uri=base + "/r", payload=b"\\xa0")).response
    print(r.code)
    r = await ctx.request(Message(code=Code.GET, uri=base + "/fw.bin")).response
    Path(sys.argv[3]).write_bytes(r.payload)
    print(r.code)
    await ctx.shutdown()

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


def test_aiocoap(d):
    if not aiocoap_can():
        raise Skip("aiocoap, or what it needs for OSCORE, is not installed")
    given, where = context(d, "aiocoap"), os.path.join(d.dir, "aiocoap")
    os.mkdir(where)
    with open(os.path.join(where, "settings.json"), "w") as f:
        json.dump({"algorithm": "AES-CCM-16-64-128", "kdf-hashfun": "sha256", "secret_hex": given["secret"],
                   "salt_hex": given["salt"], "sender-id_hex": given["sender"],
                   "recipient-id_hex": given["recipient"]}, f)
    for _ in range(2):
        r = subprocess.run([sys.executable, "-c", AIOCOAP, "coap://127.0.0.1:%d" % d.oport, where, d.file("got")],
                           capture_output=True, text=True, timeout=120)
        assert r.stdout.split("\n")[:2] == ["2.04 Changed", "2.05 Content"], r.stdout + r.stderr
        with open(d.file("got"), "rb") as f:
            assert f.read() == IMAGE
        d.kill()
        d.start()


def main():
    d = start()
    with d:
        return run([v for k, v in globals().items() if k.startswith("test_")], d)


if __name__ == "__main__":
    sys.exit(main())
