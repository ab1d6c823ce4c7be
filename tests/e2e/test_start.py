#!/usr/bin/env python3
"""Starting and stopping: what is wrong is said at once, in plain words."""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

from coapraw import CON, GET, OBSERVE, Peer
from fixture import BIN, HANGS, Suitd, class_id, free_port, run, wait_for

OFF = ["listen_coap=", "listen_coaps=", "listen_tcp=", "listen_admin=", "listen_http="]


def suitd(*args, settings=(), seconds=HANGS):
    """Exit code (None: it runs) and what it said."""
    words = [os.path.join(BIN, "suitd"), *args]
    for kv in settings:
        words += ["-o", kv]
    p = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        out, _ = p.communicate(timeout=seconds)
        return p.returncode, out
    except subprocess.TimeoutExpired:
        p.kill()
        return None, p.communicate()[0]


def test_a_taken_port_is_refused(d):
    with tempfile.TemporaryDirectory() as td:
        for n, listen in enumerate(("listen_coap=[::]:%d" % d.port, "listen_coap=0.0.0.0:%d" % d.port,
                                    "listen_coaps=[::]:%d" % d.sport, "listen_tcp=[::]:%d" % d.port,
                                    "listen_admin=127.0.0.1:%d" % d.aport)):
            rc, out = suitd("-d", os.path.join(td, str(n)), settings=OFF + [listen])
            assert rc == 1 and "another program has that port" in out, (listen, rc, out)
    assert d.ctl("status"), "the first one goes on"


def test_an_address_that_is_not_ours_is_named(d):
    with tempfile.TemporaryDirectory() as td:
        rc, out = suitd("-d", td + "/s", settings=OFF + ["listen_coap=192.0.2.1:%d" % free_port()])
        assert rc == 1 and "192.0.2.1" in out and "assign" in out, (rc, out)


def test_the_log_of_a_first_start_is_short(_):
    class Terse(Suitd):
        flags = []

    with Terse() as d:
        lines = open(d.log).read().splitlines()
        ready = [n for n, line in enumerate(lines) if " ready: " in line]
        assert ready and len(lines) <= 12, lines
        assert any("http: listens on 127.0.0.1:%d, " % d.hport in line for line in lines), lines


def test_one_daemon_per_state_directory(d):
    rc, out = suitd("-d", d.state)
    assert rc == 1 and "another suitd" in out, (rc, out)


def test_wrong_configuration_names_the_line(d):
    for text, said in (("# x\nblock_size = 1\n", "bad.conf:2: block_size"), ("\n\na = 1\n", "bad.conf:3: a: unknown"),
                       ("listen_coap = \"x\n", "bad.conf:1: "), ("state_dir = \"/x\"\0\n", "zero byte"),
                       ("a = 1\nblock_size = 1\nb = 2\n", ".conf:3: b: unknown")):
        rc, out = suitd("-n", "-c", d.file("bad.conf", text.encode()))
        assert rc == 1 and said in out, (text, rc, out)
    assert suitd("-n")[0] == 0
    assert suitd("-n", settings=["block_size=17"])[0] == 1
    assert suitd("--nope")[0] == 2 and suitd("word")[0] == 2
    assert suitd("--help")[0] == 0 and suitd("--version")[0] == 0


def test_it_ends_when_told_and_is_quick(d):
    def took(sig):
        t0 = time.monotonic()
        assert d.kill(sig) == 0
        d.start()
        return time.monotonic() - t0
    for sig in (signal.SIGTERM, signal.SIGINT):
        wait_for("it waits for nothing", lambda: took(sig) < 2)  # the machine may


def test_files_are_for_the_owner_only(d):
    for root, dirs, files in os.walk(d.state):
        for name in dirs + files:
            mode = os.stat(os.path.join(root, name)).st_mode & 0o777
            image = "images" in root and name in files  # read only, in a closed directory
            assert mode == 0o444 if image else mode & 0o077 == 0, (name, oct(mode))


def test_it_ends_well_while_notifications_fly(d):
    p = Peer(d.port)
    for token in (b"1", b"2", b"3"):
        assert p.ask(GET, "m/" + class_id("demo"), [(OBSERVE, b"")], token=token).opt(OBSERVE)
    d.publish(2, os.urandom(3000), "/fw/demo2.bin")
    # never acknowledged, so that the others wait for it (NSTART)
    assert p.recv().type == CON
    assert d.kill(signal.SIGTERM) == 0
    d.start()


def test_ping_waits_for_a_start(d):
    d.stop()
    late = subprocess.Popen(d.ctl_args("ping", "--wait", "60"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    d.start()
    out, err = late.communicate(timeout=120)
    assert late.returncode == 0 and out.startswith("suitd ") and err == "", (out, err)


def test_ping_with_an_end_has_one(d):
    """Nobody there; then somebody who takes everything and says nothing."""
    d.stop()
    try:
        assert d.ctl("ping", "--wait", "1", rc=3).count("suitctl: ") == 1
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", d.aport))
            # which has 10 s for the handshake
            patient = subprocess.Popen(d.ctl_args("ping"), stderr=subprocess.DEVNULL)
            d.ctl("ping", "--wait", "2", rc=3)
            assert patient.poll() is None
            assert patient.wait() == 3
        for wrong in ("0", "3601", "soon", "-1"):
            d.ctl("ping", "--wait=" + wrong, rc=2)
    finally:
        d.start()


def main():
    with Suitd() as d:
        d.author()
        d.publish(1, os.urandom(3000), "/fw/demo.bin")
        return run([v for k, v in globals().items() if k.startswith("test_")], d)


if __name__ == "__main__":
    sys.exit(main())
