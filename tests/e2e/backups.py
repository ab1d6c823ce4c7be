"""Backups and restores, as the suites of both make them and look at them."""
import hashlib
import json
import os
import sqlite3
import subprocess

from fixture import BIN, Skip

KILL_AT = os.path.join(BIN, "tests/preload/kill_at.so")


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


def listing(folder):
    return sorted((os.path.relpath(os.path.join(at, n), folder), os.stat(os.path.join(at, n)).st_size)
                  for at, _, names in os.walk(folder) for n in names if n != "lock")


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
