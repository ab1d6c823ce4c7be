#!/usr/bin/env python3
"""What becomes of backups: restored they are what was, damaged they are refused before anything changes, and of old ones the
devices that know more are told."""
import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time

from backups import index, listing, restore, right, sha, tmpfs
from coapraw import CONTENT_FORMAT, POST, URI_QUERY, Peer, code, uint
from fixture import BIN, TOP, Skip, Suitd, class_id, run, wait_for
from test_fleet import FAST, rel, start, tidy
from test_wire import status


def rows(db):
    c = sqlite3.connect("file:%s?mode=ro" % db, uri=True)
    tables = [r[0] for r in c.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    all_ = {t: sorted(map(repr, c.execute('SELECT * FROM "%s"' % t))) for t in tables}
    c.close()
    return all_


def runs(d, ep, seq):
    r = Peer(d.port).ask(POST, "r", [(URI_QUERY, b"ep=" + ep.encode()), (CONTENT_FORMAT, uint(60))], status(seq=seq))
    assert code(r.code) == "2.04", str(r)


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


if __name__ == "__main__":
    sys.exit(run([v for k, v in sorted(globals().items()) if k.startswith("test_")], None))
