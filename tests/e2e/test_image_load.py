#!/usr/bin/env python3
"""The image plane under load: what a block costs (no memory, no lock, no log
line, no SQL), a burst that nobody reads for a while, a flood that is more than
can be answered, and an interface that takes nothing."""
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time

import counts
from coapraw import BLOCK2, CON, GET, POST, URI_QUERY, Msg, Peer, block, code, encode
from crowd import Crowd
from fixture import HANGS, Skip, Suitd, class_id, run, wait_for
from freeze import workers
from netns import Namespace, ip, sysctl, tc
from planes import IMAGE, client, fill, image_path, seg, suitd

DEMO = class_id("demo")
BURST = 1000


def blocks(d, n, peers=20, options=()):
    """So many blocks, some at a time; every one is compared."""
    socks = [client(d.port, "127.0.0.1" if k % 2 else "::1") for k in range(peers)]
    ep, asked, done = select.epoll(), 0, 0
    at = {s.fileno(): (s, k) for k, s in enumerate(socks)}

    def ask(s):
        nonlocal asked
        s.send(encode(CON, GET, asked & 0xffff, b"", seg(image_path(IMAGE)) + [(BLOCK2, block(asked % 312, 2))] +
                      list(options)))
        asked += 1
    for s in socks:
        s.settimeout(0)
        ep.register(s, select.EPOLLIN)
        ask(s)
    while done < n:
        ready = ep.poll(5)
        assert ready, "%d of %d blocks, then nothing" % (done, n)
        for fd, _ in ready:
            m = Msg(at[fd][0].recv(2048))
            num = m.mid % 312 if asked < 65536 else m.block2()[0]
            assert m.payload == IMAGE[num * 64:(num + 1) * 64], str(m)
            done += 1
            if asked < n:
                ask(at[fd][0])
    ep.close()
    for s in socks:
        s.close()


def strangers(d, n):
    """Who has not shown its address, and knows no Echo; and one with a value that is none."""
    p = Peer(d.port, src=("127.3.3.3", 0))
    for k in range(n):
        r = p.ask(GET, seg(image_path(IMAGE)), [(BLOCK2, block(k % 19, 6))] + ([(252, b"12345678")] if k % 2 else []))
        num, _, szx = r.block2()
        assert szx < 4 and r.payload == IMAGE[num << szx + 4:][:16 << szx], str(r)
    p.close()


def test_a_block_costs_no_memory_lock_log_or_sql(_):
    costs([])


def test_DOS_ECHO_asking_who_it_is_costs_no_memory_lock_log_or_sql(_):
    costs(["trusted_networks=", "stranger_rate=100000"])


def costs(options):
    with Suitd(["image_workers=2"] + options, start=False) as d:
        d.env = counts.environment(d)
        d.start()
        fill(d, [IMAGE])
        for host in ("127.0.0.1", "::1"):  # a connection shows it
            socket.create_connection((host, d.port)).close()
        if options:
            strangers(d, 10)
        blocks(d, 200)  # the image is mapped, every peer has its place
        blocks(d, 200, options=[(URI_QUERY, b"ep=kitchen")])

        def steps():
            return sum(n["steps"] for n in counts.read(d).values())
        # what follows a first block is over
        wait_for("rest", lambda: (lambda was: (time.sleep(1.2), steps() - was < 24)[1])(steps()))
        tids, was, st, log = workers(d), counts.read(d), d.ctl_json("status"), os.path.getsize(d.log)
        assert tids
        assert was[d.proc.pid]["allocs"] > 1000 and was[d.proc.pid]["steps"] > 10, "nothing is counted: %r" % was
        t0 = time.monotonic()
        blocks(d, 10000)
        blocks(d, 2000, options=[(URI_QUERY, b"ep=kitchen")])
        if options:
            strangers(d, 500)
        seconds, now = time.monotonic() - t0, counts.read(d)
        for tid in tids:
            assert now[tid] == was[tid], "a worker asked for something: %r, then %r" % (was[tid], now[tid])
        # what the loop did meanwhile, once a second, is none of a block's
        done = sum(n["steps"] for n in now.values()) - sum(n["steps"] for n in was.values())
        assert done < 60 + 60 * seconds, "%d steps of SQL for 12000 blocks" % done
        after = d.ctl_json("status")
        assert after["blocks"] - st["blocks"] == 12000 + (500 if options else 0), (st, after)
        assert after["commits"] - st["commits"] <= 2 + seconds and after["events"] == st["events"], (st, after)
        said = open(d.log).read()[log:].splitlines()
        assert len(said) < 20, "%d log lines: %s" % (len(said), said[:5])
        print("  12000 blocks: %d steps of SQL, %d log lines, 0 allocations and 0 writes by %d workers" % (
            done, len(said), len(tids)))


def roomy(s, size=8 << 20):
    """A receive buffer that takes every answer."""
    for opt in (33, socket.SO_RCVBUF):  # SO_RCVBUFFORCE needs a privilege
        try:
            s.setsockopt(socket.SOL_SOCKET, opt, size)
            break
        except OSError:
            continue
    return s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2


def burst(d, paths, ports):
    """Sent while the daemon is stopped; the answers when it goes on."""
    socks = [client(d.port) for _ in range(ports)]
    if min(roomy(s) for s in socks) < BURST // ports * 1024:
        raise Skip("net.core.rmem_max is too small for a burst of answers")
    d.proc.send_signal(signal.SIGSTOP)
    try:
        for n in range(BURST):
            socks[n % ports].send(encode(CON, GET, n, b"", seg(paths[n % len(paths)]) + [(BLOCK2, block(n % 312, 2))]))
    finally:
        d.proc.send_signal(signal.SIGCONT)
    mids = set()
    for s in socks:
        s.settimeout(2)
    while len(mids) < BURST:
        ready, _, _ = select.select(socks, [], [], 3)
        if not ready:
            break
        for s in ready:
            m = Msg(s.recv(2048))
            assert code(m.code) == "2.05", str(m)
            assert m.payload == IMAGE[m.mid % 312 * 64:][:64]
            mids.add(m.mid)
    for s in socks:
        s.close()
    return len(mids)


def needs_room():
    """A small datagram takes 768 bytes of a receive buffer, or more."""
    have = int(open("/proc/sys/net/core/rmem_max").read())
    if have < BURST * 1024 and os.geteuid() != 0:
        raise Skip("net.core.rmem_max is %d" % have)


def test_a_burst_of_a_thousand_blocks_is_answered(d):
    needs_room()
    image = image_path(IMAGE)
    d.stop()
    d.start()  # so that the first burst meets an image that is not mapped yet
    for ports in (1, 50):
        assert burst(d, [image], ports) == BURST, "workers, %d ports" % ports
        assert burst(d, [[b"fw", b"9.bin"]], ports) == BURST, "libcoap, %d ports" % ports
        assert burst(d, [image, [b"fw", b"9.bin"]], ports) == BURST, "both, %d ports" % ports


def rss(d):
    for line in open("/proc/%d/status" % d.proc.pid):
        if line.startswith("VmRSS"):
            return int(line.split()[1])


def dropped(port):
    """What the kernel dropped at the sockets of a port, as it counts."""
    n = 0
    for name in ("udp", "udp6"):
        for line in list(open("/proc/net/" + name))[1:]:
            f = line.split()
            if int(f[1].split(":")[1], 16) == port:
                n += int(f[-1])
    return n


FLOODER = """
import socket, sys
s = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(8)]
raw = [bytes.fromhex(h) for h in sys.argv[2:]]
for x in s:
    x.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    x.connect(("127.0.0.1", int(sys.argv[1])))
    x.setblocking(False)
while True:
    for x in s:
        for r in raw:
            try:
                x.send(r)
            except OSError:
                pass
"""


class Flood:
    """Three programs that send these datagrams as fast as they can."""

    def __init__(self, d, raw):
        self.args = [sys.executable, "-c", FLOODER, str(d.port)] + [r.hex() for r in raw]

    def __enter__(self):
        self.procs = [subprocess.Popen(self.args) for _ in range(3)]

    def __exit__(self, *_):
        for p in self.procs:
            p.kill()
            p.wait()


def shed(raw):
    """More than can be answered: dropped by the kernel, nothing grows, and
    operators and devices are answered meanwhile."""
    with suitd(1) as d:
        p, q, polls = Peer(d.port), [(URI_QUERY, b"ep=poller"), (URI_QUERY, b"c=" + DEMO.encode())], 0
        assert code(p.ask(POST, "rd", q).code) == "2.01"
        wait_for("the image is mapped", lambda: one_or_none(client(d.port)))
        # the worker gets least of the machine, as if others needed it
        for tid in workers(d):
            os.setpriority(os.PRIO_PROCESS, tid, 19)
        before, lost = rss(d), dropped(d.port)
        with Flood(d, raw):
            wait_for("more than it can answer", lambda: dropped(d.port) - lost > 20000)
            end = time.monotonic() + 2
            while time.monotonic() < end or polls < 3:
                for _ in range(20):  # as devices do: asks again
                    r = Peer(d.port).ask(GET, "m", q[:1], timeout=3)
                    if r is not None:
                        break
                assert r is not None and code(r.code) == "2.05", "no answer to a poll: %s" % r
                polls += 1
                d.ctl("status")
            during = rss(d)
        bound = 16384 if not counts.sanitized() else 131072  # which frees late
        assert during - before < bound, "%d KiB, then %d KiB" % (before, during)
        s = client(d.port)
        wait_for("blocks again", lambda: one_or_none(s))
        print("  %d dropped, %d polls meanwhile, RSS %+d KiB" % (dropped(d.port) - lost, polls, during - before))


def test_a_flood_is_shed_and_the_rest_goes_on(_):
    shed([encode(CON, GET, n, b"", seg(image_path(IMAGE)) + [(BLOCK2, block(n, 6))]) for n in range(20)])


def test_a_flood_of_what_workers_hand_over_is_shed(_):
    """Another path below i, and names that a worker has no room for."""
    shed([encode(CON, GET, n, b"", seg([b"i", b"slow", b"lane"])) for n in range(4)] +
         [encode(CON, GET, n, b"", seg(image_path(IMAGE)) + [(URI_QUERY, b"ep=" + b"k" * 60)]) for n in range(4)])


def one_or_none(s):
    s.settimeout(0.5)
    s.send(encode(CON, GET, random.randrange(65536), b"", seg(image_path(IMAGE))))
    try:
        return s.recv(2048)
    except OSError:
        return None


def stalled(d, sources, send):
    """They ask for a lot that they will never get; others are served."""
    with Crowd(d.port, [IMAGE], n=20) as c:
        wait_for("a start", lambda: c.blocks > 200)
        for n in range(300):
            for s in sources:
                send(s)
            if n % 50 == 0:
                time.sleep(0.02)
        was, again, end = c.blocks, c.repeated - c.late, time.monotonic() + 2 * HANGS
        while c.blocks - was < 3000 and time.monotonic() < end:
            for s in sources:
                send(s)
            time.sleep(0.005)
        assert c.blocks - was >= 3000, "%d blocks only" % (c.blocks - was)
        lost = c.repeated - c.late - again  # who was late was not
        assert lost <= 40, "%d asked again" % lost
        assert not c.codes, c.codes


def cable():
    here, there = Namespace(), Namespace()
    here.link("va", there, "vb")
    with here:
        ip("addr add 10.7.0.1/24 dev va")
    with there:
        ip("addr add 10.7.0.2/24 dev vb")
    return here, there


def test_a_narrow_interface_does_not_stop_the_others(_):
    """Its queue is long and takes a byte at a time."""
    here, there = cable()
    with here:
        tc("qdisc add dev va root tbf rate 8kbit burst 1600 limit 2000000")
        with suitd(1, images=[IMAGE]) as d, there:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            raw = encode(CON, GET, 1, b"", seg(image_path(IMAGE)) + [(BLOCK2, block(1, 6))])
            with here:
                stalled(d, [s] * 10, lambda s: s.sendto(raw, ("10.7.0.1", d.port)))
            s.close()
    here.close(), there.close()


def test_hosts_that_went_away_do_not_stop_the_others(_):
    """Answers to an address that nobody has any more wait for the kernel to
    give up looking for it; they count as sent by our socket until then."""
    here, there = cable()
    with there:
        sysctl("net.ipv4.conf.all.arp_ignore", "8")  # asked for an address, says nothing
        socks = []
        for n in range(10, 40):
            ip("addr add 10.7.0.%d/24 dev vb" % n)
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(("10.7.0.%d" % n, 0))
            socks.append(s)
        ip("neigh add 10.7.0.1 dev vb lladdr " + address(here, "va"))
    with here:
        with suitd(1, images=[IMAGE]) as d:
            raw = encode(CON, GET, 1, b"", seg(image_path(IMAGE)) + [(BLOCK2, block(1, 6))])
            stalled(d, socks, lambda s: s.sendto(raw, ("10.7.0.1", d.port)))
    for s in socks:
        s.close()
    here.close(), there.close()


def address(ns, dev):
    with ns:
        return subprocess.run(["ip", "-br", "link", "show", dev], capture_output=True, text=True).stdout.split()[2]


def main():
    with suitd(2) as d:
        return run([v for k, v in list(globals().items()) if k.startswith("test_")], d)


if __name__ == "__main__":
    sys.exit(main())
