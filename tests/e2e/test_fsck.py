#!/usr/bin/env python3
"""suitd --fsck: each damage is made for real, in a copy of one state directory; it is found, what is safe is repaired,
what is not is left as it is, and a second look finds no more than that."""
import glob
import hashlib
import os
import pty
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile

from coapraw import GET, POST, URI_QUERY, Peer
from fixture import BIN, Suitd, class_id, run, wait_for

CLEAN, REPAIRED, UNSAFE, FAILED = 0, 1, 2, 3
LIVE, WITHDRAWN = os.urandom(70000), os.urandom(5000)


def make(d):
    """A daemon's state with something in every table, and two images of which one is needed."""
    d.author()
    d.publish(1, WITHDRAWN, "/fw/old.bin")
    d.publish(2, LIVE, "/fw/live.bin")
    d.ctl("release", "withdraw", "1")
    for i in range(20):
        d.ctl("device", "add", "dev%d" % i, "--class", class_id("demo"), "--psk-new")
        d.ctl("device", "tag", "dev%d" % i, "site=%d" % (i % 3))
    assert Peer(d.port).ask(POST, "rd", [(URI_QUERY, b"ep=stranger")]).code == 65
    d.ctl("campaign", "start", 2, "--where", 'ep ~ "dev*"', "--waves", "10,100%", "--soak", "1h")
    wait_for("jobs", lambda: d.ctl_json("status")["jobs"])
    d.stop()


class State:
    """A copy of that, and what fsck says of it."""
    def __init__(self, source):
        self.d = Suitd(start=False)
        shutil.copytree(source, self.d.state, copy_function=shutil.copy2)
        self.dir, self.db = self.d.state, os.path.join(self.d.state, "suitd.db")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.d.close()

    def fsck(self, rc, *args, has=(), no=()):
        r = subprocess.run([os.path.join(BIN, "suitd"), "--fsck", "-d", self.dir, *args],
                           capture_output=True, text=True, timeout=120)
        assert r.returncode == rc, "exit %d, not %d\n%s%s" % (r.returncode, rc, r.stdout, r.stderr)
        lines = [l.split() for l in r.stdout.splitlines()]
        names = {w[2] if w[:2] == ["not", "safe"] else w[1] for w in lines
                 if w and w[0] in ("note", "repaired", "safe", "not") and len(w) > 1}
        assert set(has) <= names and not set(no) & names, (has, no, r.stdout)
        return r.stdout + r.stderr

    def repaired(self, *names):
        """Found, repaired, and gone."""
        self.fsck(REPAIRED, has=names)
        self.fsck(REPAIRED, has=names)  # a look repairs nothing
        self.fsck(REPAIRED, "--repair", has=names)
        self.fsck(CLEAN, no=names)

    def left(self, *names):
        """Found, and neither repaired nor made worse."""
        self.fsck(UNSAFE, has=names)
        before = self.dump()
        self.fsck(UNSAFE, "--repair", has=names)
        assert self.dump() == before, "a repair of what is not safe to repair"
        self.fsck(UNSAFE, has=names)

    def sql(self, text, *args):
        """As a person with sqlite3 would: nothing is enforced."""
        db = sqlite3.connect(self.db)
        db.execute("PRAGMA foreign_keys = OFF")
        rows = []
        for t in text.split(";"):
            if t.strip():
                rows = db.execute(t, args).fetchall()
        db.commit()
        db.close()
        return rows

    def dump(self):
        db = sqlite3.connect(self.db)
        try:
            return list(db.iterdump())
        finally:
            db.close()

    def image(self, data):
        h = hashlib.sha256(data).hexdigest()
        return os.path.join(self.dir, "images", h[:2], h)

    def one(self, text):
        return self.sql(text)[0][0]


def flip(path, at):
    mode = stat.S_IMODE(os.stat(path).st_mode)
    os.chmod(path, 0o600)
    with open(path, "r+b") as f:
        f.seek(at)
        b = f.read(1)
        f.seek(at)
        f.write(bytes([b[0] ^ 1]))
    os.chmod(path, mode)


def contents(top):
    return {p: open(p, "rb").read() for p in glob.glob(os.path.join(top, "**"), recursive=True)
            if os.path.isfile(p) and not p.endswith(("-shm", "-wal"))}


def test_a_look_at_what_is_well_changes_nothing(src):
    with State(src) as s:
        before = contents(s.dir)
        s.fsck(CLEAN, has=["image-unused"])
        assert contents(s.dir) == before
        s.fsck(CLEAN, "--repair")
        assert contents(s.dir) == before
        s.d.start()
        assert Peer(s.d.port).download("fw/live.bin", 6)[0] == LIVE


def test_it_refuses_what_it_cannot_check(src):
    with State(src) as s:
        s.d.start()
        out = s.fsck(FAILED)
        assert s.dir in out, out
        s.fsck(FAILED, "--repair")
        s.d.stop()
        schema = s.one("PRAGMA user_version")
        s.sql("PRAGMA user_version = 4711")
        out = s.fsck(FAILED)
        assert "4711" in out and " %d:" % schema in out, out
        s.sql("PRAGMA user_version = %d" % schema)
        s.sql("PRAGMA application_id = 7")
        s.fsck(FAILED)
        os.unlink(s.db)
        s.fsck(FAILED)
        shutil.rmtree(s.dir)
        s.fsck(FAILED)
        assert not os.path.exists(s.dir), "made what it should check"
    r = subprocess.run([os.path.join(BIN, "suitd"), "--repair"], capture_output=True)
    assert r.returncode == 2, r


def test_a_kill_leaves_nothing_to_repair(src):
    with State(src) as s:
        s.d.start()
        for i in range(50):
            assert Peer(s.d.port).ask(POST, "rd", [(URI_QUERY, b"ep=k%d" % i)]).code == 65
        s.d.kill()
        s.fsck(CLEAN)
        assert s.one("SELECT count(*) FROM device WHERE ep LIKE 'k%'") == 50


def test_counts_are_counted_again(src):
    for name, find in (("device", "tally-devices"), ("ahead", "tally-ahead"),
                       ("campaign", "tally-campaigns"), ("job", "tally-jobs"),
                       ("job_live", "tally-live-jobs")):
        with State(src) as s:
            want = s.one("SELECT n FROM tally WHERE name = '%s'" % name)
            s.sql("UPDATE tally SET n = n + 3 WHERE name = ?", name)
            assert s.fsck(REPAIRED).count(find) == 1, "one damage, one finding"
            s.repaired(find)
            assert s.one("SELECT n FROM tally WHERE name = '%s'" % name) == want
            s.sql("DELETE FROM tally WHERE name = ?", name)
            s.repaired(find)
            assert s.one("SELECT n FROM tally WHERE name = '%s'" % name) == want
    with State(src) as s:
        s.sql("UPDATE tally SET n = 0 WHERE name = 'campaign_id'")
        s.repaired("tally-campaign-id")
        s.sql("UPDATE tally SET n = 99 WHERE name = 'campaign_id'")
        s.fsck(CLEAN)  # campaigns may have been removed


def test_sums_of_campaigns_are_counted_again(src):
    for damage in ("UPDATE job_tally SET attempts = attempts + 1", "DELETE FROM job_tally",
                   "INSERT INTO job_tally VALUES (77, 0, 0, 0, 0, 0, 0, 0, 5, 5)"):
        with State(src) as s:
            want = s.sql("SELECT * FROM job_tally")
            assert want
            s.sql(damage)
            s.repaired("campaign-sums")
            assert s.sql("SELECT * FROM job_tally") == want


def test_devices_are_counted_again_by_their_trust_list(src):
    with State(src) as s:
        s.sql("INSERT INTO attest VALUES ((SELECT min(id) FROM device), x'0102030405060708', x'a0', 1, NULL, 0, 0, 0, 0, 3, 0, 0, NULL, x'',"
              " 0, 0)")
        s.fsck(CLEAN)
        for damage in ("UPDATE list_tally SET n = 2", "DELETE FROM list_tally", "INSERT INTO list_tally VALUES (9, 1)"):
            s.sql(damage)
            s.repaired("tally-lists")
            assert s.sql("SELECT * FROM list_tally") == [(3, 1)]


def test_tags_of_nobody_go(src):
    with State(src) as s:
        s.sql("INSERT INTO device_tag VALUES ('site', 'nobody', '1', 9999)")
        s.repaired("tag-index")
        assert s.one("SELECT count(*) FROM device_tag WHERE name = 'site'") == 20


def test_keys_and_requests_that_are_none_go(src):
    with State(src) as s:
        s.sql("INSERT INTO principal VALUES ('al', 'role=operator', 'admin', 1, 2);"
              "INSERT INTO principal_key VALUES ('al:1', 'al', zeroblob(16), 1, 0), ('al:2', 'al', x'00', 1, 0),"
              " ('bo:1', 'al', zeroblob(16), 1, 0);"
              "INSERT INTO request VALUES (1, 1, 'al', 'x', 1, 2, zeroblob(32), '', ''), (2, 0, 'al', 'x', 1, 2, zeroblob(32), '', ''),"
              " (3, 1, 'al', 'x', 1, 2, x'00', '', '')")
        s.repaired("principal-key", "request-state")
        assert s.sql("SELECT identity FROM principal_key") == [("al:1",)]
        assert s.sql("SELECT id FROM request") == [(1,)]


def test_missing_events_are_said_where_they_were(src):
    with State(src) as s:
        n, last = s.sql("SELECT count(*), max(id) FROM event")[0]
        s.sql("DELETE FROM event WHERE id <= 5")  # as the daemon does
        s.fsck(CLEAN)
        s.sql("DELETE FROM event WHERE id IN (9, 12, 13, 14)")
        s.repaired("event-gaps")
        assert s.sql("SELECT id FROM event WHERE what = 'lost' ORDER BY id") == [(9,), (12,), (13,), (14,)]
        s.sql("UPDATE event SET id = id + 20000 WHERE id = ?", last)
        s.left("event-gaps")


def test_modes_are_set_and_leftovers_go(src):
    with State(src) as s:
        folder = os.path.dirname(s.image(LIVE))
        for path, mode in ((s.db, 0o644), (os.path.join(s.dir, "admin.psk"), 0o640), (s.dir, 0o755), (folder, 0o755),
                           (s.image(LIVE), 0o644)):
            os.chmod(path, mode)
        s.repaired("mode")
        for path, mode in ((s.db, 0o600), (os.path.join(s.dir, "admin.psk"), 0o600), (s.dir, 0o700), (folder, 0o700),
                           (s.image(LIVE), 0o444)):
            assert stat.S_IMODE(os.stat(path).st_mode) == mode, path
        part = os.path.join(s.dir, "tmp", "XyZ123")
        snapshot = os.path.join(s.dir, "backup", "suitd.db")
        os.makedirs(os.path.dirname(snapshot), mode=0o700, exist_ok=True)
        for p in (part, snapshot):
            with open(p, "wb") as f:
                f.write(bytes(1000))
        s.repaired("leftover")
        assert not os.path.exists(part) and not os.path.exists(snapshot)


def test_a_damaged_image_that_is_needed(src):
    for how in ("flip", "cut", "empty"):
        with State(src) as s:
            f = s.image(LIVE)
            if how == "flip":
                flip(f, 12345)
            else:
                os.truncate(f, 777 if how == "cut" else 0)
            s.fsck(UNSAFE, has=["image-damaged", "image-missing"])
            assert os.path.exists(f)
            s.fsck(UNSAFE, "--repair", has=["image-damaged", "image-missing"])
            assert not os.path.exists(f)
            assert os.path.exists(os.path.join(s.dir, "damaged", os.path.basename(f)))
            s.fsck(UNSAFE, has=["image-missing"], no=["image-damaged"])
            # what it says one should do
            s.d.start()
            shutil.copytree(src + ".files", s.d.dir, dirs_exist_ok=True)
            s.d.ctl("publish", s.d.file("m-demo-2.suit"), "--payload", s.d.file("fw-demo-2.bin"), rc=None)
            assert Peer(s.d.port).download("fw/live.bin", 6)[0] == LIVE
            s.d.stop()
            s.fsck(CLEAN)


def test_a_damaged_image_that_nobody_needs(src):
    with State(src) as s:
        flip(s.image(WITHDRAWN), 1)
        s.repaired("image-damaged")
        assert os.path.exists(os.path.join(s.dir, "damaged", os.path.basename(s.image(WITHDRAWN))))
        s.fsck(CLEAN, no=["image-unused"])


def test_a_missing_image(src):
    with State(src) as s:
        os.unlink(s.image(WITHDRAWN))
        s.fsck(CLEAN, no=["image-missing"])
        os.unlink(s.image(LIVE))
        s.left("image-missing")


def test_files_that_suitd_did_not_make_stay(src):
    with State(src) as s:
        f = s.image(LIVE)
        strange = [os.path.join(s.dir, "images", "README"), os.path.join(os.path.dirname(f), "notes"),
                   # not where suitd would look for it
                   os.path.join(os.path.dirname(s.image(WITHDRAWN)), os.path.basename(f))]
        for p in strange:
            shutil.copy(f, p)
        bucket = next(b for b in (os.path.join(s.dir, "images", "%02x" % i) for i in range(256))
                      if not os.path.exists(b))
        strange.append(shutil.copy(f, bucket))  # a file, named as suitd names its folders
        s.fsck(CLEAN, "--repair", has=["strange-file"])
        assert all(os.path.exists(p) for p in strange)
        s.d.start()  # nor does it stop for them
        assert Peer(s.d.port).download("fw/live.bin", 6)[0] == LIVE


def test_a_size_that_is_not_the_images(src):
    with State(src) as s:
        s.sql("UPDATE payload SET size = size + 1 WHERE release = 2")
        s.left("image-size")


def test_devices_with_one_key_are_noted(src):
    with State(src) as s:
        s.fsck(CLEAN, no=["credential-shared"])
        key = s.sql("SELECT hex(secret) FROM credential WHERE identity = 'dev3'")[0][0]
        s.sql("UPDATE credential SET secret = (SELECT secret FROM credential WHERE identity = 'dev3')"
              " WHERE identity IN ('dev4', 'dev5')")
        for args in ((), ("--repair",)):
            out = s.fsck(CLEAN, *args, has=["credential-shared"])
            assert "3, e.g. dev3 and dev5" in out and key not in out.upper(), out


def test_rows_that_cannot_be(src):
    for find, damage in (
            ("reference", "DELETE FROM release_class WHERE release = 2; DELETE FROM release WHERE id = 2"),
            ("reference", "DELETE FROM device WHERE ep = 'dev3'"),
            ("credential-state", "UPDATE credential SET secret = NULL WHERE id = 1"),
            ("credential-state", "UPDATE credential SET kind = 4 WHERE id = 2"),
            ("cert-revoked", "INSERT INTO cert_revoked VALUES ('', 1, '')"),
            ("reference", "UPDATE credential SET device = 999 WHERE id = 1"),
            ("attest-key", "INSERT INTO attest SELECT id, x'00', x'00', 0, NULL, 0, 0, 0, 0, NULL, 0, 0, NULL, x'', 0, 0"
             " FROM device WHERE ep = 'dev5'"),
            ("credential-unused", "UPDATE device SET have_psk = 0 WHERE ep = 'dev4'"),
            ("device-class", "UPDATE device SET class_id = NULL, class_set = 1 WHERE ep = 'dev4'"),
            ("device-class", "UPDATE device SET class_said = class_id WHERE ep = 'dev4'"),
            ("device-class", "UPDATE device SET class_set = 0, class_said = zeroblob(16) WHERE ep = 'dev4'"),
            ("device-class", "UPDATE device SET class_said = x'00' WHERE ep = 'dev4'"),
            ("release-classes", "DELETE FROM release_class WHERE release = 2"),
            ("release-state", "UPDATE release SET state = 7 WHERE id = 1"),
            ("release-state", "UPDATE release SET envelope = x'00' WHERE id = 2"),
            ("job-state", "UPDATE job SET grade = 9 WHERE id = 1"),
            ("job-state", "UPDATE job SET due = -1 WHERE id = 1"),
            ("job-stuck", "UPDATE job SET due = 0, started = 5, attempt = 1 WHERE id = 1"),
            ("job-campaign", "UPDATE job SET release = 1 WHERE id = 1"),
            ("job-campaign", "UPDATE job SET wave = 8 WHERE id = 1"),
            ("campaign-state", "UPDATE campaign SET state = 5"),
            ("campaign-state", "UPDATE campaign SET wave = wave_count + 1"),
            ("campaign-over", "UPDATE campaign SET state = 3"),
            ("campaign-waves", "UPDATE campaign SET waves = zeroblob(128)"),
            ("audit-chain", "DROP TRIGGER audit_no_update; UPDATE audit SET who = 'x' WHERE n = 2"),
            ("audit-chain", "DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE n = (SELECT max(n) FROM audit)"),
            ("principal-rights", "INSERT INTO principal VALUES ('al', 'operator', 'admin', 1, 0)"),
            ("meta", "INSERT INTO meta VALUES ('big', zeroblob(5000))"),
            ("trust-list", "INSERT INTO trust VALUES (0, 0, '', x'00')"),
            ("trust-list", "INSERT INTO trust VALUES (1, 0, '', x'')")):
        with State(src) as s:
            s.sql(damage)
            s.fsck(UNSAFE, has=[find])
            s.fsck(UNSAFE, "--repair", has=[find])
            s.left(find)


def page_of(s, table):
    return s.one("SELECT rootpage FROM sqlite_schema WHERE name = '%s'" % table), s.one("PRAGMA page_size")


def test_a_damaged_database_is_told_and_left(src):
    for table in ("event", "device", "job_live"):
        with State(src) as s:
            s.sql("PRAGMA wal_checkpoint(TRUNCATE)")
            page, size = page_of(s, table)
            subprocess.run(["dd", "if=/dev/urandom", "of=" + s.db, "bs=%d" % size, "seek=%d" % (page - 1), "count=1",
                            "conv=notrunc"], check=True, capture_output=True)
            before = contents(s.dir)
            out = s.fsck(UNSAFE, has=["database-damaged", "readable"])
            assert "table release: all 2 rows" in out and "--restore" in out, out
            s.fsck(UNSAFE, "--repair", has=["database-damaged"])
            assert contents(s.dir) == before


def test_a_file_that_is_no_database_any_more(src):
    for head in (b"\0" * 4096, os.urandom(4096)):
        with State(src) as s:
            with open(s.db, "r+b") as f:
                f.write(head)
            before = contents(s.dir)
            s.fsck(UNSAFE, "--repair", has=["database-damaged"])
            assert contents(s.dir) == before
    with State(src) as s:
        os.truncate(s.db, os.path.getsize(s.db) // 4096 // 2 * 4096)
        s.fsck(UNSAFE, has=["database-damaged"])


def test_root_leaves_no_file_of_its_own(src):
    if os.geteuid() != 0:
        return
    with State(src) as s:
        os.unlink(os.path.join(s.dir, "lock"))
        subprocess.run(["chown", "-R", "nobody", s.dir], check=True)
        uid = os.stat(s.dir).st_uid
        s.sql("UPDATE tally SET n = 0")
        subprocess.run("chown nobody %s/*" % s.dir, shell=True, check=True)
        s.fsck(REPAIRED, "--repair")
        for p in glob.glob(os.path.join(s.dir, "*")):
            assert os.stat(p).st_uid == uid, p
        os.chown(s.db, 0, -1)
        s.left("owner")


def test_a_terminal_is_told_how_far_it_is(src):
    with State(src) as s:
        ours, theirs = pty.openpty()
        r = subprocess.run([os.path.join(BIN, "suitd"), "--fsck", "-d", s.dir], stdout=subprocess.PIPE, stderr=theirs)
        os.close(theirs)
        assert r.returncode == CLEAN and b"images" in os.read(ours, 65536)
        os.close(ours)
        assert "\r" not in s.fsck(CLEAN)


def main():
    with tempfile.TemporaryDirectory(prefix="suitd-fsck.") as top:
        src = os.path.join(top, "state")
        with Suitd() as d:
            make(d)
            shutil.copytree(d.state, src, copy_function=shutil.copy2)
            os.chmod(src, 0o700)
            os.mkdir(src + ".files")
            for f in ("m-demo-2.suit", "fw-demo-2.bin"):
                shutil.copy(d.file(f), src + ".files")
        return run([f for n, f in sorted(globals().items()) if n.startswith("test_")], src)


if __name__ == "__main__":
    sys.exit(main())
