#!/usr/bin/env python3
"""A flood of DTLS handshakes that come to nothing, 10 000 a second, from forged
addresses and from real ones, in a network namespace of its own: who has a
session goes on, who had one gets another."""
import os
import random
import re
import select
import socket
import struct
import subprocess
import sys
import time
import urllib.request

from coapraw import CON, GET, Msg, code, encode, path
from fixture import Suitd, run, wait_for
from netns import Namespace, ip
from test_image_load import dropped

SERVER = "198.18.0.1"  # of 198.18.0.0/15, which is for tests (RFC 2544)
DEVICE, OTHER = "198.18.7.1", "198.19.9.9"
SECONDS, RATE = 6, 10000
HELLO = (b"\x16\xfe\xfd" + bytes(8) + b"\x00\x38" + b"\x01\x00\x00\x2c" + bytes(5) + b"\x00\x00\x2c" + b"\xfe\xfd" +
         bytes(32) + b"\x00\x00\x00\x04\xc0\xa8\x00\xff\x01\x00")

FLOODER = """
import random, socket, struct, sys, time
port, rate, kind = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
hello = bytes.fromhex(sys.argv[4])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
s.bind(("0.0.0.0", 0))
rnd, sent, t0 = random.Random(1), 0, time.monotonic()
while True:
    while sent < (time.monotonic() - t0) * rate:
        # forged: anywhere; else one network whose hosts are real enough
        host = 0xc6120000 | rnd.getrandbits(17) if kind == "forged" else 0xc6133300 | rnd.getrandbits(8)
        junk = bytearray(hello)
        if kind != "forged":  # a cookie that nobody gave
            junk[60] = 8
            junk[61:61] = rnd.randbytes(8)
            junk[12] += 8; junk[16] += 8; junk[24] += 8
        src = struct.pack("!iII", 0, host, 0)
        try:
            s.sendmsg([bytes(junk)], [(socket.IPPROTO_IP, 8, src)], 0, ("%s", port))
        except OSError:
            pass
        sent += 1
    sys.stdout.write("%%d\\n" %% sent); sys.stdout.flush()
    time.sleep(0.001)
""" % SERVER


class Flood:
    def __init__(self, d, kind):
        self.args = [sys.executable, "-c", FLOODER, str(d.sport), str(RATE), kind, HELLO.hex()]

    def __enter__(self):
        self.out = open("/dev/shm/flood.%d" % os.getpid(), "w+")
        self.p = subprocess.Popen(self.args, stdout=self.out)
        self.t0 = time.monotonic()
        return self

    def __exit__(self, *_):
        self.p.kill()
        self.p.wait()
        self.seconds = time.monotonic() - self.t0
        self.out.seek(0)
        self.sent = int(self.out.read().split()[-1])
        self.out.close()
        os.unlink(self.out.name)


class Device:
    """A device with a session, by openssl s_client."""

    def __init__(self, d, ep, key, host):
        self.p = subprocess.Popen(
            ["openssl", "s_client", "-dtls1_2", "-nbio", "-psk_identity", ep, "-psk", key, "-cipher",
             "PSK-AES128-CCM8:@SECLEVEL=0", "-bind", host + ":0", "-connect", "%s:%d" % (SERVER, d.sport), "-quiet"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.mid = self.late = 0

    def close(self):
        self.p.kill()
        self.p.wait()

    def ask(self, seconds=2):
        """Repeats itself as CoAP does; how many it had to send, 0: no answer."""
        self.mid += 1
        for n in range(1, 21):
            os.write(self.p.stdin.fileno(), encode(CON, GET, self.mid, b"t", path(".well-known/core")))
            while select.select([self.p.stdout], [], [], seconds)[0]:
                b = os.read(self.p.stdout.fileno(), 65536)
                assert b and code(Msg(b).code) == "2.05", b
                if Msg(b).mid == self.mid:
                    return n
                self.late += 1  # to a repetition: nothing was lost
        return 0


def metric(d, name):
    text = urllib.request.urlopen("http://127.0.0.1:%d/metrics" % d.hport).read().decode()
    return int(float(re.search(r"^%s (\S+)" % re.escape(name), text, re.M)[1]))


def rss(d):
    return int(re.search(r"VmRSS:\s+(\d+)", open("/proc/%d/status" % d.proc.pid).read())[1])


def cpu(d):
    """Seconds of the processor that all its threads took."""
    return sum(int(open("/proc/%d/task/%s/schedstat" % (d.proc.pid, t)).read().split()[0])
               for t in os.listdir("/proc/%d/task" % d.proc.pid)) / 1e9


def flood(kind):
    ns = Namespace()
    with ns:
        ip("addr add %s/15 dev lo" % SERVER)
        with Suitd(["trusted_networks=127.0.0.0/8"]) as d:
            keys = {ep: d.ctl_json("device", "add", ep, "--psk-new")["key"] for ep in ("live", "back")}
            live, back = Device(d, "live", keys["live"], DEVICE), Device(d, "back", keys["back"], OTHER)
            assert live.ask() and back.ask(), "no session before the flood"
            back.close()
            mem, used = rss(d), cpu(d)
            with Flood(d, kind) as f:
                wait_for("empty buckets", lambda: metric(d, 'suitd_limits_total{limit="handshakes"}') > 1000)
                end, asked, again = time.monotonic() + SECONDS, 0, 0
                while time.monotonic() < end or asked <= 20:
                    n = live.ask()
                    assert n > 0, "the live session of a known device was not served"
                    asked, again = asked + 1, again + n - 1
                    time.sleep(0.02)
                back = Device(d, "back", keys["back"], OTHER)
                assert back.ask(4) > 0, "who had a session before did not get one"
                d.ctl("status")
                again -= live.late
            seconds, used = f.seconds, cpu(d) - used
            unheard = metric(d, 'suitd_limits_total{limit="handshakes"}') + dropped(d.sport)
            live.close()
            back.close()
            assert d.proc.poll() is None
            assert again <= asked // 10, "%d of %d had to be sent again" % (again, asked)
            assert unheard > f.sent // 2, "%d of %d were not heard" % (unheard, f.sent)
            assert rss(d) - mem < 32768, "%d KiB, then %d" % (mem, rss(d))
            print("  %s: %d hellos/s, %d unheard, %d answers to the live session (%d again), %.1f %% of a core, %+d KiB"
                  % (kind, f.sent / seconds, unheard, asked, again, 100 * used / seconds, rss(d) - mem))
    ns.close()


def test_DOS_HANDSHAKE_forged_hellos_leave_known_devices_served():
    flood("forged")


def test_DOS_HANDSHAKE_hellos_of_one_network_leave_known_devices_served():
    flood("network")


def main():
    return run([v for k, v in list(globals().items()) if k.startswith("test_")])


if __name__ == "__main__":
    sys.exit(main())
