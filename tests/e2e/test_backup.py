#!/usr/bin/env python3
"""Backups of a running daemon: interrupted on either side they go on, whatever happens the last one stands, and of what is
lost or left over they say so."""
import os
import random
import shutil
import subprocess
import sys
import threading

from backups import index, kill_at, killed_at_each_step, listing, restore, right, sha, tmpfs, unmount
from coapraw import GET, Peer, code
from fixture import BIN, Suitd, class_id, run, wait_for
from test_fleet import FAST, rel, start, tidy

SEED = int(os.environ.get("SEED", str(random.randrange(1 << 30))))


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
