#!/usr/bin/env python3
"""A disk that is full, for everything that suitd writes: a real small file system is filled to its last byte. What
would write is refused with 5.03, Max-Age and words that say disk; manifests and images are served; the log says so
once, and once when it is over; suitd goes on by itself when there is room, and fsck finds nothing half done."""
import glob
import os
import signal
import sqlite3
import subprocess
import sys
import time

from coapraw import CONTENT_FORMAT, GET, POST, URI_QUERY, Peer, code, uint
from fixture import BIN, Skip, Suitd, class_id, run, wait_for

MAX_AGE = 14
REFUSED, OVER = "store: cannot be written", "store: can be written again"
STATUS = b"\xa1\x63seq\x01"  # it runs sequence 1


class Small(Suitd):
    """A daemon whose state is on a file system of its own."""
    kind = "a tmpfs"

    def __init__(self, options=(), size="8m", start=True):
        super().__init__(options, start=False)
        os.makedirs(self.state)
        r = self.mount(size)
        self.mounted = r.returncode == 0
        if not self.mounted:
            super().close()
            raise Skip("may not mount %s here: %s" % (self.kind, r.stderr.strip()))
        self.filler, self.reader = os.path.join(self.state, "filler"), None
        try:
            if start:
                self.start()
                self.author()
        except BaseException:
            self.close()
            raise

    def mount(self, size):
        return subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%s,mode=0700" % size, "tmpfs", self.state],
                              capture_output=True, text=True)

    def fill(self):
        """To the last byte."""
        fd = os.open(self.filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for n in (65536, 4096, 1):
            try:
                while True:
                    os.write(fd, bytes(n))
            except OSError:
                pass
        os.close(fd)

    def room(self):
        if self.reader is not None:
            self.reader.close()
        self.reader = None
        os.unlink(self.filler)

    def read(self):
        """Somebody reads the database, so that its log does not begin anew."""
        self.reader = sqlite3.connect("file:%s/suitd.db?mode=ro" % self.state, uri=True, isolation_level=None)
        self.reader.execute("BEGIN")
        self.reader.execute("SELECT count(*) FROM device").fetchall()

    def full(self):
        """Until each write is refused. The reader reads something that is in the log only: of what is in the database
        already the log may begin anew. Where a large write found no room a small one may: that is over when the
        smallest one has been refused, which suitd itself tries once a second."""
        assert self.ask(POST, "rd", b"full").code in (65, 68)
        self.read()
        self.fill()
        for i in range(5000):
            r = self.ask(POST, "rd", b"full%d" % i)
            if r.code == 65:
                continue
            self.refused(r)
            failed = self.ctl_json("status")["commits_failed"]
            for _ in range(30):
                if self.ctl_json("status")["commits_failed"] > failed:
                    self.said = len(self.lines(REFUSED)), len(self.lines(OVER))
                    return
                time.sleep(0.1)  # too short: it is filled once more
        raise AssertionError("the disk never got full")

    def ask(self, method, path, ep, payload=b"", options=()):
        """Somebody who is told that a checkpoint is being ended asks again."""
        for _ in range(50):
            r = Peer(self.port).ask(method, path, [(URI_QUERY, b"ep=" + ep)] + list(options), payload)
            if code(r.code) != "5.03" or b"busy" not in r.payload:
                break
            time.sleep(0.05)
        return r

    def refuses(self, *order):
        for _ in range(50):
            out = self.ctl(*order, rc=1)
            if "busy" not in out:
                break
        assert "disk" in out, (order, out)

    @staticmethod
    def refused(r):
        assert r is not None and code(r.code) == "5.03", str(r)
        assert r.opt(MAX_AGE) and b"disk" in r.payload, str(r)

    def lines(self, word):
        with open(self.log) as f:
            return [l for l in f.read().splitlines() if word in l]

    def well(self):
        """Found by itself: nobody writes."""
        wait_for("writes again", lambda: not self.ctl_json("status")["degraded"])

    def fsck(self):
        r = subprocess.run([os.path.join(BIN, "suitd"), "--fsck", "-d", self.state], capture_output=True, text=True)
        assert r.returncode == 0, r.stdout + r.stderr

    def umount(self):
        subprocess.run(["umount", self.state], check=True)
        self.mounted = False

    def close(self):
        if self.reader is not None:
            self.reader.close()
        try:
            self.stop()
        finally:
            if self.proc is not None:
                self.kill()
            if self.mounted:
                self.umount()
            super().close()


class Blocks(Small):
    """Blocks of a quarter of a page: one byte at the end of a page does not give the page its place on the disk."""
    kind = "an ext4 of small blocks in a file"

    def mount(self, size):
        disk = os.path.join(self.dir, "disk")
        with open(disk, "wb") as f:
            f.truncate(int(size[:-1]) << 20)
        r = subprocess.run("mkfs.ext4 -q -b 1024 -m 0 -O ^has_journal " + disk, shell=True, capture_output=True,
                           text=True)
        if r.returncode == 0:
            r = subprocess.run(["mount", "-o", "loop", disk, self.state], capture_output=True, text=True)
        if r.returncode == 0:
            os.rmdir(os.path.join(self.state, "lost+found"))
            os.chmod(self.state, 0o700)
        return r


def test_every_write_of_devices_is_refused_and_reads_are_served(_):
    with Small() as d:
        image = os.urandom(100000)
        d.publish(1, image, "/fw/a.bin")
        assert d.ask(POST, "rd", b"known").code == 65
        d.full()
        for i in range(20):
            d.refused(d.ask(POST, "rd", b"new%d" % i))
            d.refused(d.ask(POST, "r", b"known", STATUS, [(CONTENT_FORMAT, uint(60))]))
            assert Peer(d.port).ask(GET, "m/" + class_id("demo")).code == 69
        assert Peer(d.port).download("fw/a.bin", 6)[0] == image
        st = d.ctl_json("status")
        assert st["degraded"] and "disk" in st["why"], st
        assert d.said == (len(d.lines(REFUSED)), len(d.lines(OVER))), d.lines("store:")
        d.room()
        d.well()
        assert len(d.lines(OVER)) == d.said[1] + 1
        assert d.ask(POST, "rd", b"again").code == 65
        assert d.ask(POST, "r", b"known", STATUS, [(CONTENT_FORMAT, uint(60))]).code == 68
        assert d.ctl_json("device", "show", "known")["seq"] == 1
        d.ctl("device", "show", "new3", rc=1)
        d.kill()
        d.fsck()


def test_what_was_acknowledged_is_there_after_a_kill(_):
    with Small() as d:
        acked = []
        d.fill()
        for i in range(5000):
            if d.ask(POST, "rd", b"a%d" % i).code != 65:
                break
            acked.append("a%d" % i)
        d.kill()
        d.room()
        d.fsck()
        d.start()
        for ep in acked[-30:]:
            d.ctl("device", "show", ep)
        d.ctl("device", "show", "a%d" % len(acked), rc=1)


def test_uploads_are_refused_and_leave_nothing(_):
    with Small() as d:
        a, b = os.urandom(100000), os.urandom(300000)
        d.publish(1, a, "/fw/a.bin")
        env, fw = d.manifest(2, b, "/fw/b.bin")
        d.fill()
        os.truncate(d.filler, os.path.getsize(d.filler) - 100000)  # full in the middle of it
        out = d.ctl("publish", env, "--payload", fw, rc=1)
        assert "disk" in out, out
        wait_for("it to be said", lambda: d.lines("images: uploads are refused"))
        assert d.ctl_json("status")["degraded"]
        assert not d.uploading() and not glob.glob(os.path.join(d.state, "tmp", "*"))
        for _ in range(3):
            d.ctl("publish", env, "--payload", fw, rc=1)
        assert len(d.lines("images: uploads are refused")) == 1
        assert Peer(d.port).download("fw/a.bin", 6)[0] == a
        d.room()
        d.well()
        assert len(d.lines("images: uploads can be written again")) == 1
        d.ctl("publish", env, "--payload", fw)
        assert Peer(d.port).download("fw/b.bin", 6)[0] == b
        d.stop()
        d.fsck()


def test_a_snapshot_is_given_up_and_leaves_nothing(_):
    """For every amount of room that is too little; and one that fills up meanwhile."""
    with Small() as d:
        a = os.urandom(20000)
        d.publish(1, a, "/fw/a.bin")
        for i in range(2000):
            assert d.ask(POST, "rd", b"dev%d" % i).code == 65
        snapshot, folder = os.path.join(d.state, "backup", "snapshot.db"), d.file("bk")
        d.full()
        d.refuses("backup", folder)
        assert not os.path.exists(snapshot) and not os.path.exists(os.path.join(folder, "backup.json"))
        d.room()
        d.well()
        d.fill()
        refused = 0
        while True:
            r = subprocess.run(d.ctl_args("backup", folder), capture_output=True, text=True, timeout=120)
            if r.returncode == 0:
                break
            refused += 1
            assert "have to stay free" in r.stderr or "disk" in r.stderr, r.stderr
            assert not os.path.exists(snapshot) and not os.path.exists(os.path.join(folder, "backup.json"))
            assert Peer(d.port).download("fw/a.bin", 6)[0] == a
            os.truncate(d.filler, os.path.getsize(d.filler) - (128 << 10))
        assert refused > 3
        assert not os.path.exists(snapshot)
        backup = d.ctl_json("status")["backup"]
        for i in range(5):  # whenever it was filled: there is a backup, or a word, and no snapshot
            d.room()
            d.well()
            p = subprocess.Popen(d.ctl_args("backup", folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            while p.poll() is None and not os.path.exists(snapshot):
                pass
            d.fill()
            out, err = p.communicate(timeout=120)
            assert p.returncode == 0 or "disk" in err or "space" in err, (out, err)
            d.ctl("backup", "--verify", folder)  # this one, or that before
            assert Peer(d.port).download("fw/a.bin", 6)[0] == a
        d.room()
        d.well()
        d.ctl("backup", folder)
        assert d.ctl_json("status")["backup"] > backup
        wait_for("the snapshot to go", lambda: not os.path.exists(snapshot))
        d.stop()
        d.fsck()


def test_a_backup_that_cannot_be_noted_is_one_and_is_noted_later(_):
    with Small() as d:
        d.publish(1, os.urandom(20000), "/fw/a.bin")
        folder = d.file("bk")
        env = dict(os.environ, LD_PRELOAD=os.path.join(BIN, "tests/preload/kill_at.so"), KILL_AT="8",
                   ASAN_OPTIONS="verify_asan_link_order=0")
        r = subprocess.run(d.ctl_args("backup", folder), env=env, capture_output=True)
        assert r.returncode == -9 and os.path.exists(os.path.join(folder, ".snapshot"))
        assert not os.path.exists(os.path.join(folder, "backup.json"))
        d.full()
        d.refuses("backup", folder)
        d.ctl("backup", "--verify", folder)
        assert not d.ctl_json("status").get("backup")
        d.room()
        d.well()
        d.ctl("backup", folder)
        d.ctl("backup", "--verify", folder)
        assert d.ctl_json("status")["backup"]
        d.stop()
        d.fsck()


def test_a_reload_needs_no_room(_):
    """Operators' keys are read anew, with it or without; those that an editor could not write are not."""
    with Small() as d:
        d.publish(1, os.urandom(20000), "/fw/a.bin")
        keys = os.path.join(d.state, "admin.psk")
        with open(keys, "rb") as f:
            mine = f.read()
        bob = d.file("bob.psk", b"bob 00112233445566778899aabbccddeeff\n")
        os.chmod(bob, 0o600)
        with open(keys, "ab") as f:
            f.write(open(bob, "rb").read())
        d.full()

        def reload():
            before = d.ctl_json("status").get("reloaded", 0)
            time.sleep(0.002)  # it is told in milliseconds
            d.proc.send_signal(signal.SIGHUP)
            st = wait_for("a reload", lambda: (lambda s: s.get("reloaded", 0) > before and s)(d.ctl_json("status")))
            assert not st.get("reload_failed"), st
        reload()
        d.ctl("--psk-file", bob, "ping")
        os.truncate(keys, 0)  # what is left by an editor that does not write beside
        good = d.file("admin.psk", mine)
        os.chmod(good, 0o600)
        before = d.ctl_args

        def with_key(*words):
            return before("--psk-file", good, *words)
        d.ctl_args = with_key
        d.ctl("ping")
        assert d.lines("of before stay"), d.lines("operators")
        reload()
        d.ctl("ping")
        d.room()
        d.well()
        with open(keys, "wb") as f:
            f.write(mine)
        reload()
        d.stop()
        d.fsck()


def test_no_half_of_a_pair_of_keys_is_left(_):
    with Small(start=False) as d:
        there = os.path.join(d.state, "there")
        os.mkdir(there)
        d.fill()
        for room in range(6):
            r = subprocess.run(d.ctl_args("key", "new", "--type", "ed25519", "--out", os.path.join(there, "k.pem"),
                                          "--public", os.path.join(there, "k.pub")), capture_output=True, text=True)
            left = sorted(os.listdir(there))
            if r.returncode == 0:
                break
            assert left == [], (room, left, r.stderr)
            os.truncate(d.filler, os.path.getsize(d.filler) - 4096)
        assert room > 1 and left == ["k.pem", "k.pub"], (room, left)


def test_a_limit_of_ours_is_no_trouble_of_the_disk(_):
    with Small(["image_max=120000", "images_total=150000"]) as d:
        d.publish(1, os.urandom(100000), "/fw/a.bin")
        d.publish(2, os.urandom(100000), "/fw/b.bin", rc=1)
        time.sleep(1.5)  # it is looked at once a second; later is no failure of this test
        assert not d.ctl_json("status")["degraded"] and not d.lines("images: uploads")


def test_operators_are_told_and_nothing_is_half_done(_):
    with Small() as d:
        d.publish(1, os.urandom(5000), "/fw/a.bin")
        env, fw = d.manifest(2, os.urandom(500), "/fw/b.bin")
        d.publish(3, os.urandom(500), "/fw/c.bin", cls="other")
        for i in range(30):
            d.ctl("device", "add", "dev%d" % i, "--class", class_id("demo"))
        d.ctl("campaign", "plan", 1, "--where", 'ep ~ "dev*"')
        plan = wait_for("a plan", lambda: d.ctl_json("campaign", "list")[0].get("plan"))
        # the public half of a key
        d.ctl("key", "new", "--type", "p256", "--out", d.file("b.pem"), "--public", d.file("b.pub"))
        d.full()
        orders = (("publish", env, "--payload", fw), ("device", "add", "late"), ("device", "tag", "dev1", "a=b"),
                  ("device", "remove", "dev1"), ("device", "revoke", "dev2"), ("author", "add", "b", d.file("b.pub")),
                  ("author", "remove", "author"), ("release", "withdraw", 2),
                  ("campaign", "plan", 1, "--where", 'ep ~ "dev1*"'), ("campaign", "start", "--plan", plan))
        for o in orders:
            d.refuses(*o)
        assert len(d.lines(REFUSED)) == d.said[0]
        d.room()
        d.well()
        st = d.ctl_json("status")
        assert (st["releases"], st["jobs"]) == (2, 0), st
        assert len(d.ctl_json("device", "list", "--prefix", "dev", "--limit", 200)) == 30
        d.ctl("device", "show", "dev1")
        d.ctl("campaign", "start", "--plan", plan)
        wait_for("jobs", lambda: d.ctl_json("status")["jobs"] == 30)
        d.ctl("publish", env, "--payload", fw)
        d.stop()
        d.fsck()


def test_timers_go_on_when_there_is_room(_):
    """Attempts of a campaign: none is made that was not written down before, and none is lost."""
    with Small(["retry_transport_base=1s", "retry_transport_cap=2s", "retry_transport_attempts=1000",
                "retry_attempts_total=1000", "retry_give_up_push=1000"]) as d:
        d.publish(1, os.urandom(5000), "/fw/a.bin")
        for i in range(5):  # nobody is there
            d.ctl("device", "add", "dev%d" % i, "--class", class_id("demo"), "--driver", "trigger",
                  "--address", "coap://127.0.0.1:1")
        d.ctl("campaign", "start", 1, "--where", 'ep ~ "dev*"', "--unreachable", "100%", "--attempts", "0%")

        def attempts():
            return sum(j["attempt"] for j in (d.ctl_json("device", "show", "dev%d" % i)["job"] for i in range(5)))
        wait_for("attempts", lambda: attempts() >= 5)
        d.full()
        # what an attempt under way may still have written has been
        before = wait_for("no attempt", lambda: (lambda a: (time.sleep(2.5), a == attempts() and a)[1])(attempts()))
        pushes = d.ctl_json("status")["pushes"]
        time.sleep(3)
        assert (attempts(), d.ctl_json("status")["pushes"]) == (before, pushes), "a push that is written nowhere"
        errors = [l for l in d.lines("") if l.startswith("error")]
        assert len(errors) <= 3, errors
        d.room()
        d.well()
        wait_for("attempts go on", lambda: attempts() > before)
        d.kill()
        d.fsck()


def test_old_events_go_when_there_is_room(_):
    with Small(["events_keep=1000"]) as d:
        n = 0
        while d.ctl_json("status")["events"] < 900:
            for _i in range(100):
                assert d.ask(POST, "rd", b"e%d" % n).code == 65
                n += 1
        d.full()
        time.sleep(2)
        assert len([l for l in d.lines("") if l.startswith("error")]) <= 3, d.lines("error")
        d.room()
        d.well()
        for i in range(200):
            assert d.ask(POST, "rd", b"after%d" % i).code == 65
        wait_for("old events to go", lambda: d.ctl_json("status")["events"] <= 1001)
        d.stop()
        d.fsck()


def test_the_log_of_the_database_shrinks_again(_):
    """It takes all the room there is, with no checkpoint while somebody reads."""
    with Small(size="16m") as d:
        with open(d.filler, "wb") as f:
            f.write(bytes(2 << 20))
        d.read()
        wal = os.path.join(d.state, "suitd.db-wal")
        refused = next(r for r in (d.ask(POST, "rd", b"w%d" % i) for i in range(20000)) if r.code != 65)
        d.refused(refused)
        grown = os.path.getsize(wal)
        assert grown > 8 << 20, grown
        d.room()
        d.well()
        wait_for("the log is small", lambda: os.path.getsize(wal) < grown / 8)
        d.stop()
        d.fsck()


def test_a_small_disk_is_not_filled_by_the_log_of_the_database(_):
    with Small(size="6m") as d:
        for i in range(3000):  # pages of 16 MiB and more
            assert d.ask(POST, "rd", b"s%d" % (i % 300)).code in (65, 68), i
        assert not d.lines(REFUSED)
        d.stop()
        d.fsck()


def first_start(d, step):
    """For every amount of room that is too little: the lock, the database, its log, the operators' key."""
    room = 0
    for room in range(0, 1 << 20, step):
        for f in glob.glob(os.path.join(d.state, "*")):
            subprocess.run(["rm", "-rf", f], check=True)
        d.fill()
        os.truncate(d.filler, os.path.getsize(d.filler) - room)
        d.proc = subprocess.Popen([os.path.join(BIN, "suitd"), "-d", d.state, "-o", "listen_coap=", "-o",
                                   "listen_coaps=", "-o", "listen_tcp=", "-o", "listen_admin=127.0.0.1:%d" % d.aport],
                                  stderr=subprocess.PIPE, text=True)
        line = ""
        for line in d.proc.stderr:
            if "ready" in line:
                break
        if "ready" in line:
            break
        assert d.proc.wait(120) == 1 and ("disk" in line or "No space" in line), (room, line, d.proc.returncode)
        d.proc.stderr.close()
        d.proc = None
        psk = os.path.join(d.state, "admin.psk")
        assert not os.path.exists(psk) or os.path.getsize(psk) > 60, "half a key"
    assert room > 0 and "ready" in line, "it never started"
    d.proc.stderr.close()
    d.kill(signal.SIGTERM)
    d.room()
    d.start()
    d.stop()
    d.fsck()


def test_a_first_start_is_refused_and_leaves_nothing_half(_):
    with Small(start=False) as d:
        first_start(d, 4096 * 3)


def test_a_first_start_on_small_blocks_is_refused_not_killed(_):
    """Memory that SQLite maps over a hole is SIGBUS when there is no room to fill it."""
    with Blocks(start=False) as d:
        first_start(d, 3 * 1024)


def test_a_start_on_a_full_disk_serves(_):
    """What the one before has left is enough to go on with."""
    with Small() as d:
        a = os.urandom(5000)
        d.publish(1, a, "/fw/a.bin")
        d.full()
        for sig in (signal.SIGKILL, signal.SIGTERM):
            d.kill(sig)
            d.start()
            assert Peer(d.port).download("fw/a.bin", 6)[0] == a
            assert Peer(d.port).ask(GET, "m/" + class_id("demo")).code == 69
        d.room()
        d.well()
        assert d.ask(POST, "rd", b"again").code == 65
        d.stop()
        d.fsck()


def test_a_running_daemon_on_small_blocks_is_refused_not_killed(_):
    with Blocks() as d:
        a = os.urandom(5000)
        d.publish(1, a, "/fw/a.bin")
        for sig in (signal.SIGKILL, signal.SIGTERM):
            d.full()
            assert Peer(d.port).download("fw/a.bin", 6)[0] == a
            d.room()
            d.well()
            d.kill(sig)
            d.fsck()
            d.start()
        assert d.ask(POST, "rd", b"again").code == 65


def test_a_log_that_cannot_be_written_stops_nobody(_):
    with Small() as d:
        d.stop()
        outside, d.log = d.log, os.path.join(d.state, "suitd.log")
        d.start()
        d.full()
        for i in range(200):
            d.refused(d.ask(POST, "rd", b"q%d" % i))
        d.room()
        d.well()
        assert d.ask(POST, "rd", b"again").code == 65
        assert wait_for("the log to go on", lambda: d.lines("ep=again"))
        d.stop()
        d.log = outside
        d.fsck()


def main():
    return run([f for n, f in sorted(globals().items()) if n.startswith("test_")], None)


if __name__ == "__main__":
    sys.exit(main())
