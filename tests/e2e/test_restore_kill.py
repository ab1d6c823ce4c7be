#!/usr/bin/env python3
"""A restore that is killed at any step leaves the old state, the new one, or no start and a word; over a mount point, too,
and where names are not exchanged."""
import os
import shutil
import subprocess
import sys

from backups import kill_at, killed_at_each_step, listing, restore, tmpfs, unmount
from coapraw import Peer
from fixture import BIN, Skip, Suitd, run


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


if __name__ == "__main__":
    sys.exit(run([v for k, v in sorted(globals().items()) if k.startswith("test_")], None))
