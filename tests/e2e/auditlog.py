"""The audit log, as operators and fsck read it."""
import os
import subprocess

from fixture import BIN


def entries(d, *args):
    return d.ctl_json("audit", "list", "--all", *args)[::-1]


def kinds(d, *args):
    return [e["kind"] for e in entries(d, *args)]


def fsck(d, rc, *args):
    r = subprocess.run([os.path.join(BIN, "suitd"), "--fsck", "-d", d.state, *args], capture_output=True, text=True)
    assert r.returncode == rc, (rc, r.returncode, r.stdout, r.stderr)
    assert ("audit-chain" in r.stdout) == (rc == 2), r.stdout
    return r.stdout
