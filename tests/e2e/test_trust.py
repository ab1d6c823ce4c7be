"""The trust list, from the roots' files to devices: a server that was stolen, an author who was revoked, a mirror that holds back what is new.

The roots' machine is a directory of its own; the server gets what is signed there. suitsim's devices are the reference device."""
import json
import os
import random
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from coapraw import BLOCK2, ETAG, GET, MAX_AGE, OBSERVE, POST, Msg, Peer, block
from fixture import BIN, HANGS, Suitd, class_id, run, wait_for

TRUST = 65000
BASE = "127.%d.%d.0" % (random.randint(1, 250), random.randint(0, 250))
CLS = class_id("demo")


class Roots:
    """Three roots, two of whom sign; alice is an author, and there is a freshness key. List n is the file list-n."""
    def __init__(self, fresh=True):
        self.dir, self.n = tempfile.mkdtemp(prefix="suitd-roots."), 1
        for k in ("root1", "root2", "root3", "alice", "bob", "fresh"):
            self.key(k)
        self.ctl("trust", "init", "root1.pub", "root2.pub", "root3.pub", "--out", "list-1")
        self.ctl("trust", "add", "list-1", "alice.pub", "--name", "alice", "--class", "all")
        if fresh:
            self.ctl("trust", "add", "list-1", "fresh.pub", "--name", "now", "--role", "freshness")
        self.sign()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def key(self, name):
        self.ctl("key", "new", "--out", name + ".key", "--public", name + ".pub")

    def ctl(self, *words, rc=0):
        r = subprocess.run([os.path.join(BIN, "suitctl")] + [str(w) for w in words], cwd=self.dir, capture_output=True, text=True)
        assert r.returncode == rc, (words, r.stdout, r.stderr)
        return r.stdout + r.stderr

    def sign(self, roots=("root1", "root3")):
        for r in roots:
            self.ctl("trust", "sign", self.list(), "--key", r + ".key")
        return os.path.join(self.dir, self.list())

    def list(self, n=None):
        return "list-%d" % (n or self.n)

    def path(self, name):
        return os.path.join(self.dir, name)

    def next(self, *edit, roots=("root1", "root3")):
        """The list after the newest, with one sentence of `trust` done to it: verb, then its words."""
        was, self.n = self.list(), self.n + 1
        self.ctl("trust", edit[0], was, *edit[1:], "--out", self.list())
        return self.sign(roots)

    def manifest(self, d, seq, data, uri, who="alice", *more):
        fw, env = d.file("fw-%d.bin" % seq, data), d.file("m-%d-%s.suit" % (seq, who))
        self.ctl("manifest", "create", "--sequence", seq, "--vendor", "example.com", "--class", "demo", "--component", "00",
                 "--payload", fw, "--uri", uri, *more, "--key", who + ".key", "--out", env)
        return env, fw

    def publish(self, d, seq, data, uri, who="alice", *more, rc=0):
        env, fw = self.manifest(d, seq, data, uri, who, *more)
        return d.ctl("publish", env, "--payload", fw, rc=rc)


def server(r, *options, fresh=True):
    """With the list pinned, and the freshness key, which is all that a thief finds."""
    d = Suitd(start=False)
    d.options = ["trust_root=" + d.file("list-1")] + list(options)
    if fresh:
        cred = os.path.join(d.dir, "credentials")
        os.mkdir(cred, 0o700)
        shutil.copy(r.path("fresh.key"), os.path.join(cred, "freshness.key"))
        d.env = {"CREDENTIALS_DIRECTORY": cred}
    shutil.copy(r.path("list-1"), d.file("list-1"))  # not beside the roots' keys
    d.start()
    return d


started = []


def fleet(r, port, n, *more):
    p = subprocess.Popen(
        [os.path.join(BIN, "suitsim"), "-n", str(n), "--server", "coap://127.0.0.1:%d" % port, "--trust", r.path("list-1"),
         "--class", CLS, "--time-scale", "60", "--addr-base", BASE, "--ack-timeout", "250", "--poll", "60", "--boot-spread", "30",
         "--json"] + [str(m) for m in more], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    started.append(p)
    return p


def end(p, seconds=180):
    try:
        out = p.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        p.terminate()
        raise AssertionError("not over after %d s:\n%s" % (seconds, p.communicate()[0]))
    return json.loads(out)["devices"]


def tidy(test):
    def tested():
        try:
            test()
        finally:
            for p in started:
                if p.poll() is None:
                    p.kill()
                    p.wait()
            started.clear()
    tested.__name__ = test.__name__
    return tested


class Mirror:
    """Stands between devices and servers: each request goes to the server that `choose` says for its first path segment."""
    def __init__(self, choose):
        self.choose, self.up, self.seen = choose, {}, []
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind(("127.0.0.1", 0))
        self.port = self.s.getsockname()[1]
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stop.is_set():
            ready, _, _ = select.select([self.s] + list(self.up.values()), [], [], 0.2)
            for s in ready:
                try:
                    data, frm = s.recvfrom(65536)
                except OSError:
                    continue
                if s is not self.s:
                    self.s.sendto(data, next(k[0] for k, u in self.up.items() if u is s))
                    continue
                m = Msg(data)
                first = next((v.decode() for n, v in m.options if n == 11), "")
                self.seen.append(first)
                port = self.choose(first)
                if (frm, port) not in self.up:
                    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    u.connect(("127.0.0.1", port))
                    self.up[frm, port] = u
                self.up[frm, port].send(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        for s in [self.s] + list(self.up.values()):
            s.close()


def planes(d, path):
    """What a path answers over plain UDP by the workers, and over libcoap's TCP."""
    udp = Peer(d.port).ask(GET, path, [(BLOCK2, block(0, 6))]).code
    with socket.create_connection(("127.0.0.1", d.port), HANGS) as s:
        opts = b"".join(bytes([(0xb0 if i == 0 else 0) | len(x)]) + x.encode() for i, x in enumerate(path.split("/")))
        s.sendall(b"\x00\xe1" + bytes([(len(opts) << 4) if len(opts) < 13 else 0xd0]) + (b"" if len(opts) < 13 else
                  bytes([len(opts) - 13])) + b"\x01" + opts)
        buf, end_ = b"", time.monotonic() + HANGS
        while time.monotonic() < end_:
            buf += s.recv(65536)
            at = 0
            while at < len(buf):
                n, tkl, more = buf[at] >> 4, buf[at] & 15, 0
                if n == 13:
                    n, more = buf[at + 1] + 13, 1
                elif n == 14:
                    n, more = int.from_bytes(buf[at + 1:at + 3], "big") + 269, 2
                whole = at + 1 + more + 1 + tkl + n
                if whole > len(buf):
                    break
                code = buf[at + 1 + more]
                if code >> 5 != 7:
                    return udp, code
                at = whole
            buf = buf[at:]
    raise AssertionError("no answer over TCP")


def test_TUF_KEYCOMPROMISE_a_stolen_server_installs_nothing():
    with Roots() as r, server(r) as d:
        r.publish(d, 2, os.urandom(3000), "/fw/2.bin")
        dev = end(fleet(r, d.port, 3, "--fresh"))
        assert [x["sequence"] for x in dev] == [2] * 3, dev
        # the thief has all that the server has, and makes himself an author of it
        loot = []
        for top, _, files in os.walk(d.dir):
            loot += [os.path.join(top, f) for f in files]
        roles = r.ctl("trust", "show", "list-1")
        assert any(f.endswith("freshness.key") for f in loot) and "alice" in roles
        d.stop()
        d.options = []
        shutil.rmtree(d.state)
        d.start()
        thief = Suitd.author
        thief(d)
        d.publish(9, os.urandom(3000), "/fw/9.bin")
        dev = end(fleet(r, d.port, 3, "--until", "8"))
        assert [(x["state"], x["sequence"]) for x in dev] == [("refused", 1)] * 3, dev
        # nor with the one key that he has found
        shutil.copy(os.path.join(d.dir, "credentials", "freshness.key"), d.file("now.pem"))
        d.ctl("key", "show", d.file("now.pem"))
        shutil.copy(r.path("fresh.pub"), d.file("now.pub"))
        d.ctl("author", "add", "now", d.file("now.pub"))
        d.publish(10, os.urandom(3000), "/fw/10.bin", author="now")
        dev = end(fleet(r, d.port, 3, "--until", "8"))
        assert [(x["state"], x["sequence"]) for x in dev] == [("refused", 1)] * 3, dev


def test_TUF_KEYCOMPROMISE_a_revoked_author_is_served_no_longer_and_comes_back():
    with Roots() as r, server(r) as d:
        r.publish(d, 2, os.urandom(3000), "/fw/2.bin")
        assert planes(d, "fw/2.bin") == (0x45, 0x45)
        p = Peer(d.port)
        a = p.ask(GET, "m/" + CLS)
        assert a.code == 0x45 and a.uint(TRUST) == 1
        assert d.ctl_json("status")["trust"] == 1
        d.ctl("trust", "publish", r.next("revoke", "alice"))
        a = p.ask(GET, "m/" + CLS)
        assert a.code == 0x84 and a.uint(TRUST) == 2, a
        assert planes(d, "fw/2.bin") == (0x84, 0x84)
        st = d.ctl_json("status")
        assert (st["trust"], st["trust_refused"]) == (2, 1)
        assert d.ctl_json("release", "show", 1)["refused"]
        assert "refused" in d.ctl("release", "list")
        r.publish(d, 3, b"x", "/fw/3.bin", rc=1)
        d.ctl("trust", "publish", r.next("add", "alice.pub", "--name", "alice", "--class", "all"))
        assert p.ask(GET, "m/" + CLS).code == 0x45
        assert planes(d, "fw/2.bin") == (0x45, 0x45)
        # all of them stay, a restart included
        d.stop()
        d.start()
        for n in (1, 2, 3):
            got = b""
            while True:
                a = p.ask(GET, "k/%d" % n, [(BLOCK2, block(len(got) // 1024, 6))])
                assert a.code == 0x45 and int.from_bytes(a.opt(ETAG), "big") == n
                got += a.payload
                if a.block2() is None or not a.block2()[1]:
                    break
            assert got == open(r.path("list-%d" % n), "rb").read()


def test_TUF_KEYCOMPROMISE_a_device_that_knows_refuses_the_mirror_that_does_not():
    """alice is revoked. A device that was served by the real server for a moment takes nothing of hers from a mirror, who has
    her release and says that the first list is the newest."""
    with Roots() as r, server(r, "poll_max_age=60s") as d, Suitd() as old:
        shutil.copy(r.path("alice.key"), old.file("alice.pem"))
        shutil.copy(r.path("alice.pub"), old.file("alice.pub"))
        old.ctl("author", "add", "alice", old.file("alice.pub"))
        old.publish(2, os.urandom(3000), "/fw/2.bin", author="alice")
        d.ctl("trust", "publish", r.next("revoke", "alice"))
        to = [d.port]
        with Mirror(lambda first: to[0]) as m:
            p = fleet(r, m.port, 2, "--mix", "plain=1", "--until", "10")
            wait_for("the newer list was fetched", lambda: m.seen.count("k") >= 2)
            time.sleep(1)
            to[0] = old.port
            dev = end(p)
            assert [(x["state"], x["sequence"]) for x in dev] == [("refused", 1)] * 2, dev
        # the same mirror with devices of the first list: they cannot know
        dev = end(fleet(r, old.port, 2))
        assert [x["sequence"] for x in dev] == [2] * 2, dev


def test_REQ_SEC_EXP_TUF_FREEZE_a_nonce_shows_what_is_held_back():
    """The mirror serves an old release, well signed and newer than what devices run, and hides the new one."""
    with Roots() as r, server(r) as d, Suitd() as stale:
        shutil.copy(r.path("alice.key"), stale.file("alice.pem"))
        shutil.copy(r.path("alice.pub"), stale.file("alice.pub"))
        stale.ctl("author", "add", "alice", stale.file("alice.pub"))
        stale.publish(2, os.urandom(3000), "/fw/2.bin", author="alice")
        r.publish(d, 3, os.urandom(3000), "/fw/3.bin")
        with Mirror(lambda first: d.port if first == "k" else stale.port) as m:
            dev = end(fleet(r, m.port, 2, "--fresh", "--until", "8"))
            assert [(x["state"], x["sequence"]) for x in dev] == [("refused", 1)] * 2, dev
            dev = end(fleet(r, m.port, 2))
            assert [x["sequence"] for x in dev] == [2] * 2, "without nonces the trick works: %s" % dev
        with Mirror(lambda first: stale.port) as m:  # nor by keeping silent about nonces
            dev = end(fleet(r, m.port, 2, "--fresh", "--until", "8"))
            assert [x["sequence"] for x in dev] == [1] * 2 and "k" in m.seen, dev
        dev = end(fleet(r, d.port, 2, "--fresh"))
        assert [x["sequence"] for x in dev] == [3] * 2, dev


def test_REQ_SEC_KEY_ROTATION_suitd_knows_how_many_have_the_list():
    """docs/TRUST.md 6.2: the old key goes when the fleet reports the new list; here by signed boot reports."""
    with Roots() as r, server(r) as d:
        folder = d.file("bootloaders")
        os.mkdir(folder)
        subprocess.run([os.path.join(BIN, "suitsim"), "-n", "4", "--attest", folder, "--list-devices"], check=True, capture_output=True)
        for i in range(4):
            d.ctl("device", "add", "sim-%04d" % i, "--class", CLS)
            d.ctl("device", "attest", "sim-%04d" % i, os.path.join(folder, "sim-%04d.pub.pem" % i))
        r.publish(d, 2, os.urandom(3000), "/fw/2.bin")
        assert d.ctl_json("closed")["trust_told"] == 0
        end(fleet(r, d.port, 4, "--attest", folder))

        def has(told, have):
            c = d.ctl_json("closed")
            return (c["trust_told"], c["trust_have"]) == (told, have)
        wait_for("all have told", lambda: has(4, 4))
        assert d.ctl_json("device", "show", "sim-0000")["attest"]["list_seq"] == 1
        d.ctl("trust", "publish", r.next("add", "bob.pub", "--name", "bob", "--class", "all"))
        assert has(4, 0)
        assert "those of trust list 2, 0 of 4 devices" in d.ctl("closed")


def test_REQ_SEC_KEY_ROTATION_new_roots_and_a_new_author_reach_devices():
    with Roots() as r, server(r) as d:
        r.key("root4")
        d.ctl("trust", "publish", r.next("add", "bob.pub", "--name", "bob", "--class", "all"))
        d.ctl("trust", "publish", r.next("root", "--remove", "root1.pub", "--add", "root4.pub", roots=("root2", "root3", "root4")))
        d.ctl("trust", "publish", r.next("revoke", "alice", roots=("root2", "root4")))
        r.publish(d, 2, b"x", "/fw/2.bin", rc=1)
        r.publish(d, 3, os.urandom(3000), "/fw/3.bin", "bob", "--list-min", 4)
        dev = end(fleet(r, d.port, 3, "--fresh"))
        assert [x["sequence"] for x in dev] == [3] * 3, dev


def test_TUF_ROLLBACK_lists_go_forward_one_by_one():
    with Roots() as r, server(r) as d:
        two = r.next("revoke", "alice")
        three = r.next("add", "bob.pub", "--name", "bob", "--class", "all")
        d.ctl("trust", "publish", three, rc=1)
        d.ctl("trust", "publish", two)
        d.ctl("trust", "publish", two)
        d.ctl("trust", "publish", three)
        d.ctl("trust", "publish", two, rc=1)
        assert d.ctl_json("trust", "current")["seq"] == 3
        d.ctl("author", "add", "eve", r.path("bob.pub"), rc=1)


def test_there_is_no_trust_on_first_use():
    with Roots() as r, Suitd() as d:
        d.ctl("trust", "publish", r.path("list-1"), rc=1)
        assert Peer(d.port).ask(GET, "k").code == 0x84
        assert Peer(d.port).ask(GET, "m/" + CLS).opt(TRUST) is None
        assert "none" in d.ctl("status")


def test_observers_of_k_are_told():
    with Roots() as r, server(r) as d:
        p = Peer(d.port)
        a = p.ask(GET, "k", [(OBSERVE, b"")], token=b"k1")
        assert a.code == 0x45 and a.opt(OBSERVE) is not None and a.uint(MAX_AGE) == 900
        d.ctl("trust", "publish", r.next("add", "bob.pub", "--name", "bob", "--class", "all"))
        n = p.recv(5)
        assert n is not None and n.token == b"k1" and int.from_bytes(n.opt(ETAG), "big") == 2, n


def starts(d):
    try:
        d.start()
    except RuntimeError:
        assert d.proc.wait(120) == 1
        d.proc = None
        return False
    d.stop()
    return True


def test_REQ_SEC_KEY_PROTECTION_suitd_does_not_start_beside_a_key_that_may_sign():
    with Roots() as r, server(r) as d:
        d.stop()
        cred = os.path.join(d.dir, "credentials")
        for where in (d.state, cred, d.dir):  # d.dir is where trust_root lies
            for key in ("alice", "root2"):
                lies = os.path.join(where, "notes.txt")
                shutil.copy(r.path(key + ".key"), lies)
                assert not starts(d), (where, key)
                os.unlink(lies)
        lies = os.path.join(d.dir, "alice.pem")
        shutil.copy(r.path("alice.key"), lies)
        check = [os.path.join(BIN, "suitd"), "-n", "-d", d.state, "-o", d.options[0]]
        assert "FAILS" in subprocess.run(check, capture_output=True, text=True).stdout.split("trust_root")[1].split("\n")[0]
        os.unlink(lies)
        assert "list 1, 2 of 3" in subprocess.run(check, capture_output=True, text=True).stdout
        shutil.copy(r.path("bob.key"), os.path.join(cred, "bob"))  # of nobody in the list
        assert starts(d)
        # a list may not make him one while his key is here
        d.start()
        d.ctl("trust", "publish", r.next("add", "bob.pub", "--name", "bob", "--class", "all"), rc=1)
        d.stop()
        shutil.copy(r.path("alice.key"), os.path.join(cred, "freshness.key"))
        assert not starts(d)


def test_another_first_list_stops_the_start():
    with Roots() as r, Roots() as other, server(r) as d:
        d.stop()
        shutil.copy(other.path("list-1"), d.file("list-1"))
        assert not starts(d)
        d.options = []  # without the key the list of the store stays in force
        d.start()
        assert d.ctl_json("trust", "current")["seq"] == 1


def test_nonces_are_answered_and_garbage_is_not():
    with Roots() as r, server(r) as d:
        p = Peer(d.port)
        good = b"\xa2\x01\x48nonce..8\x02\x81\x50" + bytes.fromhex(CLS)
        a = p.ask(POST, "k/now", payload=good)
        assert a.code == 0x45 and b"nonce..8" in a.payload, a
        for bad in (b"", b"\xa0", b"\xa1\x01\x47nonce.7", b"\xa1\x01\x58\x21" + b"n" * 33, good[:-1], good + b"\x00"):
            assert p.ask(POST, "k/now", payload=bad).code in (0x80, 0x8d), bad
        assert p.ask(GET, "k/now").code == 0x85  # no list by the name of now


if __name__ == "__main__":
    sys.exit(run([tidy(v) for k, v in list(globals().items()) if k.startswith("test_")]))
