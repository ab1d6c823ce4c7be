#!/usr/bin/env python3
"""Backups of a running daemon, and what becomes of them: interrupted on either side they go on, restored they are what
was, damaged they are refused before anything changes, and of old ones the devices that know more are told."""
import fcntl
import hashlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

from coapraw import CONTENT_FORMAT, GET, POST, URI_QUERY, Peer, code, uint
from fixture import BIN, TOP, Skip, Suitd, class_id, run, wait_for
from test_fleet import FAST, rel, start, tidy
from test_wire import status

KILL_AT = os.path.join(BIN, "tests/preload/kill_at.so")
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 30))))


def restore(d, folder, *more, rc=0, state=None):
    r = subprocess.run([os.path.join(BIN, "suitd"), "--restore", folder, "-d", state or d.state, *more],
                       capture_output=True, text=True, timeout=120)
    assert r.returncode == rc, (r.returncode, r.stdout, r.stderr)
    return r.stdout + r.stderr


def kill_at(n):
    return dict(os.environ, LD_PRELOAD=KILL_AT, KILL_AT=str(n), ASAN_OPTIONS="verify_asan_link_order=0")


def killed_at_each_step(args, check):
    """Runs it until it is no longer killed before it has ended; how often it was."""
    for n in range(1, 200):
        r = subprocess.run(args, env=kill_at(n), capture_output=True, text=True, timeout=120)
        if r.returncode == 0:
            return n - 1
        assert r.returncode == -9, (n, r.returncode, r.stdout, r.stderr)
        check(n)
    raise AssertionError("it never ends")


def index(folder):
    with open(os.path.join(folder, "backup.json")) as f:
        return json.load(f)


def sha(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def right(folder):
    """What backup.json says is so, looked at by other code than suitctl's."""
    j = index(folder)
    assert sha(os.path.join(folder, "suitd.db")) == j["database"]["sha256"]
    for i in j["images"]:
        assert sha(os.path.join(folder, "images", i["sha256"])) == i["sha256"]
    for f in [folder] + [os.path.join(folder, n) for n in ("suitd.db", "backup.json")]:
        assert os.stat(f).st_mode & 0o077 == 0, f
    db = sqlite3.connect("file:%s/suitd.db?mode=ro" % folder, uri=True)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    # every image of a release that the snapshot knows is there
    named = {r[0].hex() for r in db.execute("SELECT digest FROM payload WHERE external = 0")}
    db.close()
    assert named <= {i["sha256"] for i in j["images"]}, "a release without its image"
    return j


def rows(db):
    c = sqlite3.connect("file:%s?mode=ro" % db, uri=True)
    tables = [r[0] for r in c.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    all_ = {t: sorted(map(repr, c.execute('SELECT * FROM "%s"' % t))) for t in tables}
    c.close()
    return all_


def listing(folder):
    return sorted((os.path.relpath(os.path.join(at, n), folder), os.stat(os.path.join(at, n)).st_size)
                  for at, _, names in os.walk(folder) for n in names if n != "lock")


def runs(d, ep, seq):
    r = Peer(d.port).ask(POST, "r", [(URI_QUERY, b"ep=" + ep.encode()), (CONTENT_FORMAT, uint(60))], status(seq=seq))
    assert code(r.code) == "2.04", str(r)


class Uploading(threading.Thread):
    """Publishes one release after the other until told to stop."""

    def __init__(self, d):
        super().__init__(daemon=True)
        self.d, self.end, self.n, self.bad = d, threading.Event(), 0, None

    def run(self):
        try:
            while not self.end.is_set():
                self.n += 1
                self.d.publish(self.n, os.urandom(30000), "/fw/up-%d.bin" % self.n, "upload")
        except Exception as e:
            self.bad = e

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.join()


@tidy
def test_while_a_campaign_runs_and_images_come(_):
    with Suitd(FAST) as d:
        d.author()
        start(d, 40, "--linger", 60)
        wait_for("they registered", lambda: d.ctl_json("status")["devices"] >= 40)
        d.publish(5, os.urandom(20000), "coap://127.0.0.1:%d/fw/a.bin" % d.port)
        d.ctl("campaign", "start", rel(d), "--class", class_id("demo"), "--waves", "10%,100%", "--soak", "1s")
        with Uploading(d) as up:
            wait_for("something was uploaded", lambda: up.n > 2)
            for i in range(6):
                folder = d.file("b%d" % i)
                d.ctl("backup", folder)
                right(folder)
                d.ctl("backup", "--verify", folder)
        assert up.bad is None, up.bad
        assert up.n > 6
        s = d.ctl_json("status")
        assert s["backup"] == index(folder)["created"] and not s["commits_failed"], s
        print("       longest turn %.1f ms, %d releases beside 6 backups" % (s["lag_max_us"] / 1000, up.n))


@tidy
def test_restored_it_is_what_it_was(_):
    with Suitd(FAST) as d:
        d.author()
        start(d, 20, "--linger", 5)
        wait_for("they registered", lambda: d.ctl_json("status")["devices"] >= 20)
        d.publish(5, os.urandom(5000), "coap://127.0.0.1:%d/fw/a.bin" % d.port)
        d.publish(1, os.urandom(70000), "/fw/b.bin", "other")
        d.ctl("release", "withdraw", rel(d))  # its image belongs to the backup, too
        d.ctl("device", "add", "keyed", "--psk-new")
        d.ctl("campaign", "start", 1, "--class", class_id("demo"), "--waves", "100%")
        wait_for("it is over", lambda: d.ctl_json("campaign", "show", 1)["state"] == "finished")
        time.sleep(1)
        d.stop()
        d.start()  # nobody speaks with it any more
        folder = d.file("bk")
        d.ctl("backup", folder)
        j = right(folder)
        assert len(j["images"]) == 2 and "operators" in j
        devices = d.ctl_json("device", "list")
        d.stop()
        was = rows(os.path.join(d.state, "suitd.db"))
        out = restore(d, folder, rc=1)
        assert "--force" in out, out
        restore(d, folder, "--force")
        assert os.path.exists(os.path.join(d.dir, "state.before-restore.1", "suitd.db"))
        now = rows(os.path.join(d.state, "suitd.db"))
        assert set(was) == set(now)
        for t in was:
            if t not in ("audit", "event", "meta", "sqlite_sequence", "sqlite_stat1"):
                assert was[t] == now[t], t
        assert set(now["event"]) <= set(was["event"]) and len(was["event"]) - len(now["event"]) <= 2
        assert set(now["audit"]) <= set(was["audit"])
        number, head = j["audit"].split(":")
        assert any(r.startswith("(%s," % number) and r.endswith(repr(bytes.fromhex(head)) + ")") for r in now["audit"])
        for i in j["images"]:
            h = i["sha256"]
            assert sha(os.path.join(d.state, "images", h[:2], h)) == h
        assert os.stat(os.path.join(d.state, "admin.psk")).st_mode & 0o777 == 0o600
        assert sha(os.path.join(d.state, "admin.psk")) == sha(os.path.join(folder, "admin.psk"))
        r = subprocess.run([os.path.join(BIN, "suitd"), "--fsck", "-d", d.state], capture_output=True, text=True)
        assert r.returncode == 0, r.stdout + r.stderr
        d.start()
        s = d.ctl_json("status")
        assert s["restored_from"] == j["created"] and s["devices"] == 21, s
        assert [x["ep"] for x in devices] == [x["ep"] for x in d.ctl_json("device", "list")]
        assert Peer(d.port).download("fw/a.bin", 6)[0], "images are served"
        assert any(e["what"] == "restored" for e in d.ctl_json("events", "--after", 0))
        assert not os.path.exists(os.path.join(d.state, "restored"))
        # and once more, over an empty folder and over none
        d.stop()
        for make in (os.mkdir, lambda _: None):
            shutil.rmtree(d.state)
            make(d.state)
            restore(d, folder)
            assert rows(os.path.join(d.state, "suitd.db")) == now
        assert not os.path.exists(os.path.join(d.dir, "state.before-restore.2"))


def test_REQ_SEC_SEQUENCE_devices_that_know_more_are_told_and_settled(_):
    with Suitd() as d:
        d.author()
        d.publish(1, os.urandom(500), "/fw/1.bin")
        for ep in ("old", "new"):
            d.ctl("device", "add", ep, "--class", class_id("demo"))
            runs(d, ep, 1)
        folder = d.file("bk")
        d.ctl("backup", folder)
        d.publish(2, os.urandom(500), "/fw/2.bin")
        runs(d, "new", 2)
        assert d.ctl_json("status")["ahead"] == 0
        d.stop()
        restore(d, folder, "--force")
        d.start()
        for ep in ("old", "new"):
            d.ctl("device", "show", ep)
        assert "ahead" not in d.ctl("status"), "nobody has said so yet"
        runs(d, "old", 1)
        runs(d, "new", 2)
        runs(d, "new", 2)
        assert d.ctl_json("status")["ahead"] == 1
        assert "ahead        1 devices run newer than this server knows" in d.ctl("status")
        assert [x["ep"] for x in d.ctl_json("device", "list", "--where", "ahead")] == ["new"]
        assert "2 L0 ahead" in d.ctl("device", "list")
        x = d.ctl_json("device", "explain", "new")
        assert x["hold"] == "ahead" and "above 2" in x["advice"], x
        assert len([e for e in d.events("new") if e["what"] == "ahead"]) == 1
        # the number is taken, and nobody here remembers by what
        out = d.publish(2, os.urandom(501), "/fw/2b.bin")
        assert "refuse this" in out, out
        assert d.ctl_json("device", "explain", "new")["hold"] != "ahead" or d.ctl_json("status")["ahead"] == 1
        wait_for("a number that is not below settles it", lambda: d.ctl_json("status")["ahead"] == 0)
        out = d.publish(3, os.urandom(502), "/fw/3.bin")
        assert "refuse" not in out, out
        d.stop()
        d.start()
        assert d.ctl_json("status")["ahead"] == 0 and d.ctl_json("status")["restored"]


def test_suitctl_is_killed_again_and_again(_):
    rnd = random.Random(SEED)
    print("       SEED=%d" % SEED)
    with Suitd() as d:
        d.author()
        for i in range(1, 9):
            d.publish(i, os.urandom(4 << 20), "/fw/%d.bin" % i)
        folder, kept, killed = d.file("bk"), {}, 0
        while killed < 8:
            p = subprocess.Popen(d.ctl_args("backup", folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                p.wait(rnd.uniform(0.01, 0.4))
            except subprocess.TimeoutExpired:
                killed += 1
            p.kill()
            p.wait()
            if os.path.exists(os.path.join(folder, "backup.json")):
                right(folder)  # whenever it was killed
            images = os.path.join(folder, "images")
            for n in os.listdir(images) if os.path.isdir(images) else []:
                if not n.endswith(".part"):
                    st = os.stat(os.path.join(images, n))
                    assert sha(os.path.join(images, n)) == n
                    assert kept.setdefault(n, st.st_ino) == st.st_ino, "fetched twice"
        out = d.ctl("backup", folder)
        for n, ino in kept.items():
            assert os.stat(os.path.join(folder, "images", n)).st_ino == ino, "fetched twice"
        assert len(right(folder)["images"]) == 8
        assert not [n for n in os.listdir(folder) if n.endswith(".part") or n.startswith(".")], os.listdir(folder)
        assert not os.listdir(os.path.join(d.state, "backup")), out
        # the next one is of what is new
        d.publish(9, os.urandom(1000), "/fw/9.bin")
        assert "fetched      1 images" in d.ctl("backup", folder)
        right(folder)


def test_suitctl_is_killed_at_every_step_of_its_end(_):
    """What backup.json says is there, keys included; and but for the last steps there is a backup at any time."""
    with Suitd() as d:
        d.author()
        d.publish(1, os.urandom(3000), "/fw/a.bin")
        good, folder, none = d.file("good"), d.file("bk"), []
        d.ctl("backup", good)
        d.publish(2, os.urandom(3000), "/fw/b.bin")
        with open(os.path.join(d.state, "admin.psk"), "ab") as f:
            f.write(b"bob 00112233445566778899aabbccddeeff\n")

        # it has begun, and knows the snapshot's name
        r = subprocess.run(d.ctl_args("backup", good), env=kill_at(5), capture_output=True)
        assert r.returncode == -9 and os.path.exists(os.path.join(good, ".snapshot"))

        def check(n):
            if os.path.exists(os.path.join(folder, "backup.json")):
                right(folder)
                d.ctl("backup", "--verify", folder)
            else:
                none.append(n)
            shutil.rmtree(folder)  # each from the same beginning, and of one snapshot
            shutil.copytree(good, folder)
        shutil.copytree(good, folder)
        n = killed_at_each_step(d.ctl_args("backup", folder), check)
        assert n > 4 and 0 < len(none) <= 4, (n, none)
        assert len(right(folder)["images"]) == 2
        assert sha(os.path.join(folder, "admin.psk")) == sha(os.path.join(d.state, "admin.psk"))


def test_the_daemon_is_killed_meanwhile(_):
    with Suitd() as d:
        d.author()
        d.publish(1, os.urandom(1000), "/fw/1.bin")
        folder = d.file("bk")
        d.ctl("backup", folder)
        before = index(folder)
        d.publish(2, os.urandom(20 << 20), "/fw/2.bin")
        p = subprocess.Popen(d.ctl_args("backup", folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_for("an image is under way", lambda: any(n.endswith(".part") for n in
                                                      os.listdir(os.path.join(folder, "images"))))
        d.kill()
        p.communicate(timeout=120)
        assert p.returncode == 3, p.returncode
        # the last one is still there, and whole
        assert index(folder) == before
        d.ctl("backup", "--verify", folder)
        assert os.listdir(os.path.join(d.state, "backup")), "it was killed while there was a snapshot"
        d.start()
        assert not os.listdir(os.path.join(d.state, "backup"))
        d.ctl("backup", folder)
        assert len(right(folder)["images"]) == 2


def tmpfs(path, size):
    os.makedirs(path, exist_ok=True)
    r = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", path], capture_output=True, text=True)
    if r.returncode != 0:
        raise Skip("may not mount a tmpfs here: " + r.stderr.strip())


def unmount(d, mounted):
    """Whatever became of the daemon."""
    try:
        d.stop()
    finally:
        for m in mounted:
            subprocess.run(["umount", m], check=True)


def test_a_disk_that_is_full_is_told_on_either_side(_):
    with Suitd(start=False) as d:
        tmpfs(d.state, "8m")
        there = d.file("there")
        mounted = [d.state]
        try:
            d.start()
            d.author()
            a = os.urandom(300000)
            d.publish(1, a, "/fw/a.bin")
            # the daemon's: not a byte more than what has to stay free
            filler = os.path.join(d.state, "filler")
            with open(filler, "wb") as f:
                f.write(bytes(os.statvfs(d.state).f_bavail * os.statvfs(d.state).f_frsize - 400000))
            folder = d.file("bk")
            out = d.ctl("backup", folder, rc=1)
            assert "5.03" in out and "have to stay free" in out, out
            assert not os.path.exists(os.path.join(folder, "backup.json"))
            assert not os.path.exists(os.path.join(d.state, "backup", "snapshot.db"))
            assert Peer(d.port).download("fw/a.bin", 6)[0] == a, "it is served all the same"
            os.unlink(filler)
            d.ctl("backup", folder)
            right(folder)
            # suitctl's
            tmpfs(there, "400k")
            mounted.append(there)
            out = d.ctl("backup", there, rc=1)
            assert "space" in out.lower(), out
            assert not os.path.exists(os.path.join(there, "backup.json"))
            # and where it is restored to
            d.stop()
            os.mkdir(d.file("small"))
            tmpfs(d.file("small"), "300k")
            mounted.append(d.file("small"))
            out = restore(d, folder, rc=1, state=os.path.join(d.file("small"), "state"))
            assert os.listdir(d.file("small")) == [], out
        finally:
            unmount(d, mounted)


def test_the_last_backup_stands_until_the_next_is_all_there(_):
    """For every amount of room that is too little where it is written to."""
    with Suitd() as d:
        folder = d.file("there")
        tmpfs(folder, "4m")
        os.chmod(folder, 0o700)
        try:
            d.author()
            d.publish(1, os.urandom(3000), "/fw/a.bin")
            d.ctl("backup", folder)
            d.publish(2, os.urandom(3000), "/fw/b.bin")
            with open(os.path.join(d.state, "admin.psk"), "ab") as f:
                f.write(b"bob 00112233445566778899aabbccddeeff\n")
            filler = os.path.join(folder, "filler")
            fs, failures = os.statvfs(folder), 0
            with open(filler, "wb") as f:
                f.write(bytes(fs.f_bavail * fs.f_frsize))
            while True:
                r = subprocess.run(d.ctl_args("backup", folder), capture_output=True, text=True, timeout=120)
                if r.returncode == 0:
                    break
                failures += 1
                assert "space" in r.stderr.lower(), r.stderr
                assert len(right(folder)["images"]) == 1
                d.ctl("backup", "--verify", folder)
                os.truncate(filler, os.path.getsize(filler) - 4096)
            assert failures > 10 and len(right(folder)["images"]) == 2, failures
            d.ctl("backup", "--verify", folder)
            assert sha(os.path.join(folder, "admin.psk")) == sha(os.path.join(d.state, "admin.psk"))
            assert not [n for n in listing(folder) if n[0].endswith(".part")], listing(folder)
        finally:
            unmount(d, [folder])


def test_what_is_damaged_is_refused_and_changes_nothing(_):
    with Suitd() as d:
        d.author()
        d.publish(1, os.urandom(30000), "/fw/a.bin")
        good = d.file("bk")
        d.ctl("backup", good)
        d.stop()
        was = listing(d.state)
        image = os.path.join("images", index(good)["images"][0]["sha256"])

        def flip(name, at):
            with open(os.path.join(bad, name), "r+b") as f:
                f.seek(at)
                b = f.read(1)
                f.seek(at)
                f.write(bytes([b[0] ^ 1]))

        def change(**kw):
            j = dict(index(bad), **kw)
            with open(os.path.join(bad, "backup.json"), "w") as f:
                json.dump(j, f)

        def redo_db(*sql):
            db = sqlite3.connect(os.path.join(bad, "suitd.db"))
            for q in sql:
                db.execute(q)
            db.commit()
            db.close()
            p = os.path.join(bad, "suitd.db")
            change(database={"sha256": sha(p), "size": os.stat(p).st_size})

        cases = [
            (lambda: flip("suitd.db", 5000), "damaged", True),
            (lambda: flip(image, 29999), "damaged", True),
            (lambda: flip("admin.psk", 10), "damaged", True),
            (lambda: os.unlink(os.path.join(bad, image)), "missing", True),
            (lambda: os.unlink(os.path.join(bad, "suitd.db")), "missing", True),
            (lambda: os.unlink(os.path.join(bad, "backup.json")), "no backup", True),
            (lambda: os.truncate(os.path.join(bad, "backup.json"), 50), "backup.json", True),
            (lambda: change(format=2), "format 2", True),
            (lambda: change(schema=3), "schema 3", False),
            (lambda: redo_db("PRAGMA user_version = 9999"), "newer", False),
            (lambda: redo_db("PRAGMA application_id = 1"), "not a store", False),
            (lambda: redo_db("DELETE FROM release"), "refer to nothing", False),
        ]
        for damage, word, seen in cases:
            bad = d.file("bad")
            shutil.copytree(good, bad)
            damage()
            out = restore(d, bad, "--force", rc=1)
            assert word in out, (word, out)
            assert listing(d.state) == was, word
            assert not [n for n in os.listdir(d.dir) if "restor" in n], os.listdir(d.dir)
            if seen:
                d.ctl("backup", "--verify", bad, rc=1)
            shutil.rmtree(bad)
        d.start()


def test_what_an_enemy_made_is_refused_and_fills_no_disk(_):
    with Suitd() as d:
        d.author()
        d.publish(1, os.urandom(3000), "/fw/a.bin")
        good = d.file("bk")
        d.ctl("backup", good)
        d.stop()
        tmpfs(d.file("small"), "4m")
        try:
            image = os.path.join("images", index(good)["images"][0]["sha256"])
            for name in ("suitd.db", "admin.psk", image):
                bad = d.file("bad")
                shutil.copytree(good, bad)
                os.truncate(os.path.join(bad, name), 64 << 20)  # and a hole, here
                out = restore(d, bad, rc=1, state=os.path.join(d.file("small"), "state"))
                assert "damaged" in out, out
                assert os.listdir(d.file("small")) == [], out
                os.unlink(os.path.join(bad, name))
                for make in (os.mkfifo, os.mkdir, lambda p: os.symlink(os.path.join(good, name), p)):
                    make(os.path.join(bad, name))
                    restore(d, bad, rc=1, state=os.path.join(d.file("small"), "state"))
                    assert os.listdir(d.file("small")) == []
                    (os.rmdir if make is os.mkdir else os.unlink)(os.path.join(bad, name))
                shutil.rmtree(bad)
            shutil.copytree(good, d.file("bad"))
            os.unlink(os.path.join(d.file("bad"), "backup.json"))
            os.mkfifo(os.path.join(d.file("bad"), "backup.json"))
            assert "no file" in restore(d, d.file("bad"), rc=1, state=os.path.join(d.file("small"), "state"))
        finally:
            subprocess.run(["umount", d.file("small")], check=True)


def test_names_with_odd_characters(_):
    with Suitd() as d:
        d.author()
        d.publish(1, os.urandom(3000), "/fw/a.bin")
        folder = d.file("a %41?b#c 'd' \"e\"\n")
        d.ctl("backup", folder)
        d.ctl("backup", "--verify", folder)
        d.stop()
        d.state = folder + "2"
        restore(d, folder, state="/" + d.state)
        d.start()
        d.ctl("backup", folder)
        d.kill()
        restore(d, folder, "--force")
        r = subprocess.run([os.path.join(BIN, "suitd"), "--fsck", "-d", d.state], capture_output=True, text=True)
        assert r.returncode == 0, r.stdout + r.stderr
        d.start()
        assert d.ctl_json("status")["releases"] == 1


def test_a_backup_of_an_older_schema_is_migrated(_):
    with Suitd(start=False) as d:
        folder = d.file("bk")
        os.mkdir(folder)
        p = os.path.join(folder, "suitd.db")
        db = sqlite3.connect(p)
        for name in sorted(os.listdir(os.path.join(TOP, "db", "schema"))):
            if name < "0004":
                db.executescript(open(os.path.join(TOP, "db", "schema", name)).read())
        db.executescript("PRAGMA application_id = 0x53554954; PRAGMA user_version = 3")
        db.close()
        with open(os.path.join(folder, "backup.json"), "w") as f:
            json.dump({"format": 1, "suitd": "0.1.0", "schema": 3, "created": 1, "missing": 0, "images": [],
                       "database": {"sha256": sha(p), "size": os.stat(p).st_size}}, f)
        assert "makes a new one" in restore(d, folder)
        d.start()
        assert d.ctl_json("status")["restored_from"] == 1


def test_a_mount_point_is_filled_and_half_of_it_does_not_start(_):
    with Suitd(start=False) as d:
        tmpfs(d.state, "16m")
        try:
            d.start()
            d.author()
            d.publish(1, os.urandom(3000), "/fw/a.bin")
            folder = d.file("bk")
            d.ctl("backup", folder)
            d.publish(2, os.urandom(3000), "/fw/b.bin")
            d.stop()
            restore(d, folder, "--force")
            aside = os.path.join(d.state, "before-restore.1")
            assert os.path.exists(os.path.join(aside, "suitd.db"))
            assert sorted(n for n in os.listdir(d.state) if n != "lock") == ["admin.psk", "before-restore.1", "images",
                                                                              "restored", "suitd.db"]
            d.start()
            assert d.ctl_json("status")["releases"] == 1
            d.stop()
            # as if it had been interrupted between two moves
            os.mkdir(os.path.join(d.state, ".restore-moving"))
            os.rename(os.path.join(d.state, "images"), os.path.join(d.state, ".restore-moving", "images"))
            try:
                d.start()
                raise AssertionError("it started on half a state directory")
            except RuntimeError as e:
                assert "--restore was interrupted" in str(e), e
                d.proc = None
            restore(d, folder, rc=1)
            restore(d, folder, "--force")
            d.start()
            assert d.ctl_json("status")["releases"] == 1
            assert Peer(d.port).download("fw/a.bin", 6)[0]
        finally:
            unmount(d, [d.state])


def restore_killed(d, mount):
    """At each change of a name. There is the old state, or the new one, or no start and a word; then it is done again,
    and nothing of the first try is left."""
    d.start()
    d.author()
    d.publish(1, os.urandom(3000), "/fw/a.bin")
    folder, old = d.file("bk"), d.file("old")
    d.ctl("backup", folder)
    d.publish(2, os.urandom(3000), "/fw/b.bin")
    d.stop()
    shutil.copytree(d.state, old)
    seen = set()

    def begin():
        for n in os.listdir(d.dir):
            if ".before-restore." in n:
                shutil.rmtree(d.file(n))
        for n in os.listdir(d.state):
            p = os.path.join(d.state, n)
            shutil.rmtree(p) if os.path.isdir(p) else os.unlink(p)
        shutil.copytree(old, d.state, dirs_exist_ok=True)

    def check(n):
        assert os.path.isdir(d.state), "no state directory, %d" % n
        try:
            d.start()
            seen.add(d.ctl_json("status")["releases"])
            d.stop()
        except RuntimeError as e:
            assert "--restore was interrupted" in str(e).splitlines()[-1], e
            d.proc = None
            seen.add("no start")
        restore(d, folder, "--force")
        d.start()
        assert d.ctl_json("status")["releases"] == 1
        assert Peer(d.port).download("fw/a.bin", 6)[0]
        d.stop()
        left = [p for at in (d.dir, d.state) for p in os.listdir(at) if ".restor" in p]
        assert not left, left
        begin()
    begin()
    n = killed_at_each_step([os.path.join(BIN, "suitd"), "--restore", folder, "--force", "-d", d.state], check)
    assert seen == {2, "no start"} if mount else seen == {2}, seen
    d.start()
    assert d.ctl_json("status")["releases"] == 1
    d.stop()
    print("       killed %d times" % n)


def test_a_restore_is_killed_at_every_step(_):
    with Suitd(["drain_grace=0s"], start=False) as d:
        restore_killed(d, False)


def test_a_restore_over_a_mount_point_is_killed_at_every_step(_):
    with Suitd(["drain_grace=0s"], start=False) as d:
        tmpfs(d.state, "16m")
        try:
            os.chmod(d.state, 0o700)
            restore_killed(d, True)
        finally:
            unmount(d, [d.state])


def test_a_restore_where_names_are_not_exchanged(_):
    with Suitd() as d:
        d.author()
        d.publish(1, os.urandom(3000), "/fw/a.bin")
        folder = d.file("bk")
        d.ctl("backup", folder)
        d.publish(2, os.urandom(3000), "/fw/b.bin")
        d.stop()
        was = listing(d.state)
        order = [os.path.join(BIN, "suitd"), "--restore", folder, "--force", "-d", d.state]
        r = subprocess.run(order, env=dict(kill_at(999), NO_EXCHANGE="1"), capture_output=True, text=True)
        assert r.returncode == 0, r.stderr
        assert listing(d.state + ".before-restore.1") == was
        assert sorted(n for n in os.listdir(d.dir) if "state" in n) == ["state", "state.before-restore.1"]
        d.start()
        assert d.ctl_json("status")["releases"] == 1


def test_a_folder_that_is_mounted_is_a_mount_point(_):
    """Of the same file system: it can not be renamed either."""
    with Suitd() as d:
        d.author()
        d.publish(1, os.urandom(3000), "/fw/a.bin")
        folder = d.file("bk")
        d.ctl("backup", folder)
        d.publish(2, os.urandom(3000), "/fw/b.bin")
        d.stop()
        r = subprocess.run(["mount", "--bind", d.state, d.state], capture_output=True, text=True)
        if r.returncode != 0:
            raise Skip("may not mount here: " + r.stderr.strip())
        try:
            restore(d, folder, "--force")
            d.start()
            assert d.ctl_json("status")["releases"] == 1
            assert os.path.exists(os.path.join(d.state, "before-restore.1", "suitd.db"))
        finally:
            unmount(d, [d.state])


def test_one_at_a_time_and_not_beside_a_daemon(_):
    with Suitd() as d:
        d.author()
        d.publish(1, os.urandom(40 << 20), "/fw/a.bin")
        folder = d.file("bk")
        p = subprocess.Popen(d.ctl_args("backup", folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for("it fetches the image", lambda: os.path.exists(os.path.join(folder, "images")) and
                     os.listdir(os.path.join(folder, "images")))
            out = d.ctl("backup", folder, rc=1)
            assert "another suitctl" in out, out
            out = d.ctl("backup", d.file("bk2"), rc=1)
            assert "one at a time" in out, out
            assert "backup is being made" in d.ctl("image", "clean", rc=1)
            assert p.wait(120) == 0
        finally:
            p.kill()
            p.wait()
        right(folder)
        d.ctl("image", "clean")
        assert "stop it" in restore(d, folder, "--force", rc=1)
        os.mkdir(d.file("other"))
        open(os.path.join(d.file("other"), "letter.txt"), "w").close()
        assert "no backup" in d.ctl("backup", d.file("other"), rc=1)
        assert os.listdir(d.file("other")) == ["letter.txt"]


def test_two_restores_at_once_are_one(_):
    with Suitd() as d:
        d.ctl("device", "add", "lamp-1")
        folder, new = d.file("bk"), d.file("new")
        d.ctl("backup", folder)
        os.mkdir(new + ".restoring")
        open(os.path.join(new + ".restoring", "suitd.db"), "w").close()
        other = os.open(new + ".restoring", os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(other, fcntl.LOCK_EX)
        restore(d, folder, rc=1, state=new)
        assert os.listdir(new + ".restoring") == ["suitd.db"] and not os.path.exists(new)
        os.close(other)  # what it left is nobody's
        restore(d, folder, state=new)
        assert not os.path.exists(new + ".restoring")
        assert sorted(os.listdir(new)) == ["admin.psk", "images", "restored", "suitd.db"]


def owners(folder):
    got = [folder] + [os.path.join(at, n) for at, dirs, files in os.walk(folder) for n in dirs + files]
    return {os.lstat(n).st_uid for n in got}


def test_what_root_restores_is_the_services(_):
    if os.geteuid() != 0:
        raise Skip("not root")
    with Suitd() as d:
        d.author()
        d.publish(1, os.urandom(3000), "/fw/a.bin")
        folder, there, new = d.file("bk"), d.file("there"), d.file("new")
        d.ctl("backup", folder)
        os.mkdir(there)
        os.chown(there, 1234, 1234)
        restore(d, folder, state=there)
        assert owners(there) == {1234}
        # where there was none it is the user's that the package makes
        users = d.file("passwd", b"root:x:0:0::/root:/bin/sh\nsuitd:x:4321:4321::/:/bin/false\n")
        r = subprocess.run(["unshare", "-m", "sh", "-c", "mount --bind \"$1\" /etc/passwd && shift && exec \"$@\"", "-", users,
                            os.path.join(BIN, "suitd"), "--restore", folder, "-d", new], capture_output=True, text=True)
        if "unshare" in r.stderr or "mount" in r.stderr:
            raise Skip(r.stderr.strip())
        assert r.returncode == 0, (r.stdout, r.stderr)
        assert owners(new) == {4321}


def test_operators_keys_stay_where_they_are(_):
    with Suitd() as d:
        mine = d.file("mine.psk", b"bob 00112233445566778899aabbccddeeff\n")
        os.chmod(mine, 0o600)
        with open(os.path.join(d.state, "admin.psk"), "ab") as f:
            f.write(open(mine, "rb").read())
        folder = d.file("bk")
        d.ctl("backup", folder)
        assert "operators" in index(folder)
        out = d.ctl("--psk-file", mine, "backup", folder)
        assert "are not in it" in out and "operators" not in index(folder), out
        assert not os.path.exists(os.path.join(folder, "admin.psk"))
        # devices, and whoever has no key, get nothing of it
        p = Peer(d.port)
        for path in ("a/backup", "a/backup/0123456789abcdef/0", "a/images/%s/data" % ("0" * 64)):
            assert code(p.ask(GET, path).code) in ("4.04", "4.01"), path
        d.stop()
        restore(d, folder, "--force")
        assert not os.path.exists(os.path.join(d.state, "admin.psk"))
        d.start()  # with a new one
        assert b"bob" not in open(os.path.join(d.state, "admin.psk"), "rb").read()


def test_what_no_backup_names_is_pruned_when_the_next_one_stands(_):
    with Suitd() as d:
        d.author()
        d.publish(1, os.urandom(3000), "/fw/a.bin")
        d.publish(2, os.urandom(4000), "/fw/b.bin")
        folder = d.file("bk")
        images = os.path.join(folder, "images")
        d.ctl("backup", folder)
        first = index(folder)
        old = [i["sha256"] for i in first["images"] if i["size"] == 3000][0]
        d.ctl("release", "withdraw", 1)
        d.ctl("image", "clean")
        strange = ["0" * 63, "0" * 65, "F" * 64, "0" * 64 + ".part2", "a letter"]
        for n in strange + ["e" * 64 + ".part", "f" * 64]:
            open(os.path.join(images, n), "w").close()
        # without it all stays; and no other than the folder's own goes
        d.ctl("backup", folder)
        assert old in os.listdir(images) and "f" * 64 in os.listdir(images)
        out = d.ctl("backup", "--prune", folder)
        assert sorted(os.listdir(images)) == sorted(strange + [i["sha256"] for i in index(folder)["images"]]), out
        assert "pruned       3 images" in out, out
        d.ctl("backup", "--verify", folder)
        d.ctl("backup", "--verify", "--prune", folder, rc=2)
        # one that does not come to its end prunes nothing
        open(os.path.join(images, "f" * 64), "w").close()
        d.kill()
        d.ctl("backup", "--prune", folder, rc=None)
        assert "f" * 64 in os.listdir(images)
        d.start()
        # nor one of a daemon that has lost what may be among it
        os.unlink(os.path.join(d.state, "images", index(folder)["images"][0]["sha256"][:2],
                               index(folder)["images"][0]["sha256"]))
        shutil.copytree(folder, d.file("bk2"))
        os.unlink(os.path.join(d.file("bk2"), "images", index(folder)["images"][0]["sha256"]))
        out = d.ctl("backup", "--prune", d.file("bk2"), rc=None)
        assert "f" * 64 in os.listdir(os.path.join(d.file("bk2"), "images")), out
        # nor when it has started since, and never knew of the image
        d.stop()
        d.start()
        out = d.ctl("backup", "--prune", d.file("bk2"), rc=1)
        assert "MISSING      1 images" in out and "f" * 64 in os.listdir(os.path.join(d.file("bk2"), "images")), out


def test_an_image_that_the_daemon_has_lost_is_named(_):
    with Suitd() as d:
        d.author()
        d.publish(1, os.urandom(3000), "/fw/a.bin")
        d.publish(2, os.urandom(3000), "/fw/b.bin")
        folder = d.file("bk")
        d.ctl("backup", d.file("first"))
        lost = index(d.file("first"))["images"][0]["sha256"]
        os.unlink(os.path.join(d.state, "images", lost[:2], lost))
        out = d.ctl("backup", folder, rc=1)
        assert lost in out and "MISSING      1" in out, out
        j = index(folder)
        assert j["missing"] == 1 and len(j["images"]) == 1
        d.ctl("backup", "--verify", folder)


if __name__ == "__main__":
    sys.exit(run([v for k, v in sorted(globals().items()) if k.startswith("test_")], None))
