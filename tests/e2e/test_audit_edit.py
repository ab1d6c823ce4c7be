#!/usr/bin/env python3
"""No edit of the audit log, of an export or of a backup of it, and no end of it that was cut off, passes for the whole."""
import hashlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys

from auditlog import entries, fsck, kinds
from fixture import BIN, Suitd, run, wait_for

ZERO = "0" * 64
TRIGGERS = ("audit_no_update", "audit_no_delete", "audit_no_gap")


def head(d):
    return d.ctl("audit", "head").strip()


def export(d, name="export.jsonl"):
    path = d.file(name)
    d.ctl("audit", "export", path)
    return open(path).read().splitlines()


def lines_say(d, lines, *args, rc=0):
    d.file("given.jsonl", "".join(line + "\n" for line in lines).encode())
    return d.ctl("audit", "verify", d.file("given.jsonl"), *args, rc=rc)


def cbor(v):
    """RFC 8949 4.2.1, by a program that shares nothing with suitd."""
    def number(major, n):
        for size, short in ((0, 24), (1, 1 << 8), (2, 1 << 16), (4, 1 << 32), (8, 1 << 64)):
            if n < short:
                more = [n, 24, 25, None, 26, None, None, None, 27][size]
                return bytes([major << 5 | more]) + (n.to_bytes(size, "big") if size else b"")
    if isinstance(v, int):
        return number(0, v)
    if isinstance(v, bytes):
        return number(2, len(v)) + v
    if isinstance(v, str):
        return number(3, len(v.encode())) + v.encode()
    return number(4, len(v)) + b"".join(map(cbor, v))


def chain(entry, prev):
    return hashlib.sha256(cbor([1, bytes.fromhex(prev), entry["n"], entry["at"], entry["who"], entry["kind"],
                                entry["subject"], entry["detail"]])).hexdigest()


def sql(d, *texts):
    """As somebody who can write to the file, and drops what is in his way."""
    db = sqlite3.connect(os.path.join(d.state, "suitd.db"))
    for t in ["DROP TRIGGER IF EXISTS " + t for t in TRIGGERS] + list(texts):
        db.execute(t)
    db.commit()
    db.close()


def test_an_export_is_proven_without_the_server(_):
    with Suitd() as d:
        for i in range(205):  # more than a page
            d.ctl("device", "add", "d%d" % i)
        d.ctl("device", "tag", "d1", *["t%d=\u00e4\u2028\"\\" % i for i in range(9)])
        kept = head(d)
        lines = export(d)
        prev = ZERO
        for n, line in enumerate(lines):
            e = json.loads(line)
            assert e["n"] == n + 1 and e["prev"] == prev and e["hash"] == chain(e, prev), line
            prev = e["hash"]
        assert kept == "%d:%s" % (len(lines), prev)
        assert kept in lines_say(d, lines) and kept in lines_say(d, lines, "--head", kept)
        d.ctl("device", "add", "later")
        assert kept in d.ctl("audit", "verify", d.file("given.jsonl"), "--head", kept)
        # only what came since is asked for, and joins
        more = d.ctl("audit", "export", "--after", len(lines)).splitlines()
        more = [line for line in more if line.startswith("{")]
        assert json.loads(more[0])["prev"] == prev
        lines_say(d, lines + more, "--head", kept)
        lines_say(d, more, "--head", kept)
        lines_say(d, more, rc=1)
        d.ctl("audit", "verify", "--head", kept)


def test_no_edit_of_an_export_passes(_):
    with Suitd() as d:
        for i in range(6):
            d.ctl("device", "add", "d%d" % i)
        lines, kept = export(d), head(d)
        n = len(lines)
        rnd = random.Random(7)
        for i in range(n):
            if i + 1 < n:
                lines_say(d, lines[:i] + lines[i + 1:], rc=1)  # one is missing
                lines_say(d, lines[:i] + [lines[i + 1], lines[i]] + lines[i + 2:], rc=1)
            lines_say(d, lines[:i + 1] + lines[i:], rc=1)  # one twice
            lines_say(d, lines[:i], "--head", kept, rc=1)  # the end is missing
            at = rnd.randrange(len(lines[i]))
            lines_say(d, lines[:i] + [lines[i][:at] + chr(ord(lines[i][at]) ^ 1) + lines[i][at + 1:]] + lines[i + 1:], rc=1)
        lines_say(d, lines[:3])  # without a head that cannot be known
        # all of it made anew, with hashes that fit
        forged, prev = [], ZERO
        for line in lines:
            e = json.loads(line)
            e["prev"], e["subject"] = prev, e["subject"].replace("d3", "d9")
            e["hash"] = prev = chain(e, prev)
            forged.append(json.dumps(e, separators=(",", ":"), ensure_ascii=False))
        lines_say(d, forged)
        lines_say(d, forged, "--head", kept, rc=1)
        for wrong in ("", "7", "0:" + ZERO, kept + "0", "x" + kept):
            lines_say(d, lines, "--head", wrong, rc=2)


def test_an_edit_of_the_database_is_found(_):
    """By whom it is asked, and by fsck. What a head elsewhere is for: the last two."""
    for damage in ("UPDATE audit SET who = 'mallory' WHERE n = 3", "UPDATE audit SET at = at + 1 WHERE n = 2",
                   "UPDATE audit SET detail = detail || ' ' WHERE n = 4", "DELETE FROM audit WHERE n = 3",
                   "DELETE FROM audit WHERE n < 4", "UPDATE audit SET hash = zeroblob(32) WHERE n = 4",
                   "UPDATE audit SET subject = printf('%.300c', 'x') WHERE n = 4",
                   "UPDATE audit SET n = n + 100 WHERE n > 4"):
        with Suitd() as d:
            for i in range(4):
                d.ctl("device", "add", "d%d" % i)
            d.stop()
            fsck(d, 0)
            sql(d, damage)
            fsck(d, 2)
            fsck(d, 2, "--repair")
            d.start()  # it goes on, and says so
            wait_for("a line of the log", lambda: "audit: the log is not whole" in open(d.log).read())
            d.ctl("audit", "verify", rc=1)


def test_a_lost_end_is_found(_):
    with Suitd() as d:
        for i in range(4):
            d.ctl("device", "add", "d%d" % i)
        kept = head(d)
        d.stop()
        assert "audit: head=" in open(d.log).read()
        sql(d, "DELETE FROM audit WHERE n > 4")
        fsck(d, 2)  # SQLite remembers the number
        sql(d, "UPDATE sqlite_sequence SET seq = 4 WHERE name = 'audit'")
        fsck(d, 0)  # now nothing in the file does
        fsck(d, 2, "--audit-head", kept)
        d.start()
        d.ctl("audit", "verify")
        d.ctl("audit", "verify", "--head", kept, rc=1)
        for i in range(8):
            d.ctl("device", "add", "e%d" % i)  # other entries in their place
        d.ctl("audit", "verify", "--head", kept, rc=1)


def test_a_change_and_its_entry_are_one(_):
    """Killed at any moment: what was done is audited, what is audited was done."""
    with Suitd() as d:
        rnd = random.Random(3)
        for lap in range(6):
            procs = [subprocess.Popen(d.ctl_args("device", "add", "l%d-%d" % (lap, i)), stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL) for i in range(12)]
            for p in procs[:rnd.randrange(12)]:
                p.wait()
            d.kill()
            for p in procs:
                p.kill()
                p.wait()
            d.start()
            there = {x["ep"] for x in d.ctl_json("device", "list")}
            assert there == {e["subject"] for e in entries(d, "--kind", "device.add")}, lap
            d.ctl("audit", "verify")


def test_a_restore_is_in_it_and_kept_heads_say_so(_):
    with Suitd() as d:
        d.ctl("device", "add", "before")
        d.ctl("backup", d.file("backup"))
        d.ctl("device", "add", "after")
        kept = head(d)
        d.stop()
        subprocess.run([os.path.join(BIN, "suitd"), "--restore", d.file("backup"), "--force", "-d", d.state], check=True,
                       capture_output=True)
        d.start()
        assert "restore" in kinds(d) and "after" not in [e["subject"] for e in entries(d)]
        d.ctl("audit", "verify")
        d.ctl("audit", "verify", "--head", kept, rc=1)


def backup_of(d, name, *sqls):
    """A backup whose database somebody changed, and its digest with it, who could not change the head (it is elsewhere, too)."""
    folder = d.file(name)
    shutil.copytree(d.file("backup"), folder)
    path, index = os.path.join(folder, "suitd.db"), os.path.join(folder, "backup.json")
    db = sqlite3.connect(path)
    for t in ["DROP TRIGGER IF EXISTS " + t for t in TRIGGERS] + list(sqls):
        db.execute(t)
    db.commit()
    db.close()
    with open(index) as f:
        text = f.read()
    old = hashlib.sha256(open(os.path.join(d.file("backup"), "suitd.db"), "rb").read()).hexdigest()
    data = open(path, "rb").read()
    text = text.replace(old, hashlib.sha256(data).hexdigest())
    was = os.path.getsize(os.path.join(d.file("backup"), "suitd.db"))
    with open(index, "w") as f:
        f.write(text.replace('"size": %d' % was, '"size": %d' % len(data), 1))
    return folder


def test_a_restore_compares_the_log_with_the_backups_head(_):
    with Suitd() as d:
        for i in range(4):
            d.ctl("device", "add", "d%d" % i)
        d.ctl("backup", d.file("backup"))
        d.stop()

        def restored(folder):
            r = subprocess.run([os.path.join(BIN, "suitd"), "--restore", folder, "--force", "-d", d.state], capture_output=True, text=True)
            assert r.returncode == 0, r.stdout + r.stderr
            return r.stdout
        assert "audit log: whole" in restored(d.file("backup"))
        for i, damage in enumerate((["UPDATE audit SET who = 'mallory' WHERE n = 3"], ["DELETE FROM audit WHERE n = 3"],
                                    ["DELETE FROM audit WHERE n > 4", "UPDATE sqlite_sequence SET seq = 4 WHERE name = 'audit'"])):
            assert "LOOK AT THE AUDIT LOG" in restored(backup_of(d, "changed%d" % i, *damage)), damage
        d.start()  # it is the operator's to decide


def main():
    return run([v for k, v in globals().items() if k.startswith("test_")], None)


if __name__ == "__main__":
    sys.exit(main())
