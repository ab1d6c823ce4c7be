"""A burst: a thousand devices send at once while suitd is busy (here: while
it is stopped). Nothing is lost, so each hears its answer without repeating
itself. Each has an address of its own, all go out by one socket."""
import os
import select
import signal
import socket
import struct
import sys
import time

from coapraw import (CON, GET, POST, ACK, CONTENT_FORMAT, ETAG, URI_QUERY, Msg, Peer, code, encode, path, uint)
from fixture import HANGS, Skip, Suitd, class_id, run, wait_for

N = 1000
ADDR = 0x7f200001  # 127.32.0.1, and those that follow
IP_PKTINFO = 8  # Python has no name for it


class Many:
    """One socket, any number of addresses in 127.0.0.0/8."""
    def __init__(self, port):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.s.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self.s.bind(("0.0.0.0", 0))
        self.to = ("127.0.0.1", port)

    def send(self, i, data):
        src = struct.pack("!iII", 0, ADDR + i, 0)
        self.s.sendmsg([data], [(socket.IPPROTO_IP, IP_PKTINFO, src)], 0, self.to)

    def answers(self, n, seconds=HANGS):
        """By device: each answer that came, until n have one."""
        got, end = {}, time.monotonic() + seconds
        while len(got) < n and time.monotonic() < end:
            if not select.select([self.s], [], [], 0.5)[0]:
                continue
            data, anc, _, _ = self.s.recvmsg(2048, 256)
            at = next(struct.unpack("!iII", v[:12])[2] for _, t, v in anc if t == IP_PKTINFO)
            got.setdefault(at - ADDR, []).append(Msg(data))
        return got

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()


def stopped(pid):
    return open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0] in "Tt"


def burst(d, message, n=N):
    """n devices send while suitd is stopped; what they hear."""
    if "net.core.rmem_max" in open(d.log).read():
        raise Skip("net.core.rmem_max is too small here, and suitd may not exceed it")
    with Many(d.port) as m:
        os.kill(d.proc.pid, signal.SIGSTOP)
        try:
            wait_for("it is stopped", lambda: stopped(d.proc.pid))
            for i in range(n):
                m.send(i, message(i))
        finally:
            os.kill(d.proc.pid, signal.SIGCONT)
        got = m.answers(n)
    assert len(got) == n, "%d of %d were answered" % (len(got), n)
    return got


def check(got, message, want):
    for i, answers in got.items():
        asked = Msg(message(i))
        for a in answers:
            assert (a.type, a.mid, a.token) == (ACK, asked.mid, asked.token), "%d: %s" % (i, a)
            assert code(a.code) == want, "%d: %s" % (i, a)


def report(i):
    status = b"\xa1\x63seq\x01"  # it runs sequence 1
    return encode(CON, POST, 7000 + i, struct.pack("!H", i), path("r") + [
        (URI_QUERY, b"ep=burst-%d" % i), (CONTENT_FORMAT, uint(60))], status)


def register(i):
    return encode(CON, POST, 20000 + i, struct.pack("!H", i), path("rd") + [
        (URI_QUERY, b"ep=burst-%d" % i), (URI_QUERY, b"lt=86400"), (CONTENT_FORMAT, uint(40))],
        b"</suit/trigger>")


def test_1000_polls_at_once(d):
    etag = Peer(d.port).ask(GET, "m/" + class_id("demo")).opt(ETAG)

    def poll(i):
        return encode(CON, GET, 3000 + i, struct.pack("!H", i), path("m/" + class_id("demo")) + [
            (ETAG, etag), (URI_QUERY, b"ep=burst-%d" % i)])
    check(burst(d, poll), poll, "2.03")


def test_1100_registrations_at_once(d):
    """More than there is room for held answers: the rest waits a turn."""
    check(burst(d, register, 1100), register, "2.01")
    assert d.ctl_json("status")["devices"] >= 1100


def test_1000_reports_at_once(d):
    check(burst(d, report), report, "2.04")
    assert "burst-999" in d.ctl("device", "show", "burst-999")


def main():
    with Suitd() as d:
        d.author()
        d.publish(1, os.urandom(3000), "/fw/demo.bin")
        return run([v for k, v in globals().items() if k.startswith("test_")], d)


if __name__ == "__main__":
    sys.exit(main())
