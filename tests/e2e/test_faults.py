#!/usr/bin/env python3
"""What goes wrong on a server: a full disk, a read-only directory, a damaged
database, a damaged or missing image. Each time: a clear error, no crash, the
rest is served, and nothing that was acknowledged is lost."""
import glob
import os
import subprocess
import sys
import tempfile

from coapraw import GET, POST, URI_QUERY, Peer, code
from fixture import BIN, Skip, Suitd, class_id, run, wait_for


def fresh(options=()):
    d = Suitd(options)
    d.author()
    return d


def image_file(d, data):
    import hashlib
    h = hashlib.sha256(data).hexdigest()
    f = glob.glob(os.path.join(d.state, "**", "*" + h), recursive=True)
    assert len(f) == 1, f
    return f[0]


def served(d, path, want):
    return Peer(d.port).download(path, 6)[0] == want


def tmpfs(path):
    r = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", path], capture_output=True, text=True)
    if r.returncode != 0:
        raise Skip("may not mount a tmpfs here: " + r.stderr.strip())


def test_damaged_image(d_):
    with fresh() as d:
        a, b = os.urandom(5000), os.urandom(5000)
        d.publish(1, a, "/fw/a.bin")
        d.publish(2, b, "/fw/b.bin")
        d.stop()
        f = image_file(d, a)
        os.chmod(f, 0o600)
        with open(f, "r+b") as h:
            h.seek(1234)
            h.write(bytes([a[1234] ^ 1]))
        d.start()
        r = Peer(d.port).ask(GET, "fw/a.bin")
        assert code(r.code) == "5.00" and r.payload, str(r)
        assert served(d, "fw/b.bin", b)
        assert "fw/a.bin" in d.ctl("status") + open(d.log).read() or "damaged" in open(d.log).read()


def test_missing_image(d_):
    with fresh() as d:
        a, b = os.urandom(5000), os.urandom(5000)
        d.publish(1, a, "/fw/a.bin")
        d.publish(2, b, "/fw/b.bin")
        d.stop()
        os.unlink(image_file(d, a))
        d.start()
        r = Peer(d.port).ask(GET, "fw/a.bin")
        assert r.code >> 5 in (4, 5) and r.payload, str(r)
        assert served(d, "fw/b.bin", b)
        # published once more it is there again
        env, fw = d.file("m-demo-1.suit"), d.file("fw-demo-1.bin")
        d.ctl("publish", env, "--payload", fw, rc=None)
        assert served(d, "fw/a.bin", a)


def test_damaged_database_page(d_):
    with fresh() as d:
        a = os.urandom(5000)
        d.publish(1, a, "/fw/a.bin")
        for i in range(300):
            assert Peer(d.port).ask(POST, "rd", [(URI_QUERY, b"ep=x%d" % i)]).code == 65
        d.stop()
        db = glob.glob(os.path.join(d.state, "*.db"))[0]
        subprocess.run(["sqlite3", db, "PRAGMA wal_checkpoint(TRUNCATE)"], check=True, capture_output=True)
        root = int(subprocess.run(["sqlite3", db, "SELECT rootpage FROM sqlite_schema WHERE name = 'device'"],
                                  capture_output=True, text=True).stdout or 0)
        assert root > 1, "which page is the device table's?"
        page = int(subprocess.run(["sqlite3", db, "PRAGMA page_size"], capture_output=True, text=True).stdout)
        with open(db, "r+b") as h:
            h.seek((root - 1) * page)
            h.write(os.urandom(page))
        d.start()
        out = d.ctl("device", "list", rc=None)
        assert "damaged" in out or "CORRUPT" in out.upper(), out
        assert served(d, "fw/a.bin", a), "the rest is served"


def test_damage_is_told_before_anybody_meets_it(d_):
    """A page that no start reads: the log and the status have it by themselves, once the tables were looked through."""
    with fresh() as d:
        a = os.urandom(5000)
        d.publish(1, a, "/fw/a.bin")
        d.stop()
        db = glob.glob(os.path.join(d.state, "*.db"))[0]

        def sql(q):
            return subprocess.run(["sqlite3", db, q], check=True, capture_output=True, text=True).stdout
        sql("PRAGMA wal_checkpoint(TRUNCATE)")
        page, root = int(sql("PRAGMA page_size")), int(sql("SELECT rootpage FROM sqlite_schema WHERE name = 'tally'"))
        with open(db, "r+b") as h:
            h.seek((root - 1) * page)
            h.write(os.urandom(page))
        d.start()
        wait_for("the log", lambda: "error store: the database is damaged" in open(d.log).read())
        st = d.ctl_json("status")
        assert st["degraded"] and "damaged" in st["why"], st
        assert served(d, "fw/a.bin", a), "the rest is served"


def test_read_only_state(d_):
    with Suitd(start=False) as d:
        os.makedirs(d.state)
        tmpfs(d.state)
        try:
            d.start()
            d.author()
            d.publish(1, os.urandom(5000), "/fw/a.bin")
            d.stop()
            subprocess.run(["mount", "-o", "remount,ro", d.state], check=True)
            r = subprocess.run([os.path.join(BIN, "suitd"), "-d", d.state, "-o", "listen_coap=",
                                "-o", "listen_coaps=", "-o", "listen_tcp=",
                                "-o", "listen_http=", "-o", "listen_admin=127.0.0.1:%d" % d.aport],
                               capture_output=True, text=True, timeout=120)
            assert r.returncode == 1, (r.returncode, r.stderr)
            assert "read-only" in r.stderr.lower() and d.state in r.stderr, r.stderr
        finally:
            d.stop()
            subprocess.run(["umount", d.state], check=True)


def test_full_disk(d_):
    """State on a tmpfs of 6 MiB: it fills up, says so, and goes on when there is room again."""
    with Suitd(start=False) as d:
        os.makedirs(d.state)
        tmpfs(d.state)
        try:
            d.start()
            d.author()
            a = os.urandom(100000)
            d.publish(1, a, "/fw/a.bin")
            filler = os.path.join(d.state, "filler")
            with open(filler, "wb", buffering=0) as f:
                try:
                    while True:
                        f.write(bytes(65536))
                        f.flush()
                except OSError:
                    pass
            out = d.publish(2, os.urandom(200000), "/fw/b.bin", rc=1)
            assert "space" in out, out
            assert served(d, "fw/a.bin", a)
            acked = []
            refused = 0
            for i in range(2000):
                r = Peer(d.port).ask(POST, "rd", [(URI_QUERY, b"ep=full%d" % i)])
                if r.code == 65:
                    acked.append("full%d" % i)
                else:
                    assert code(r.code) in ("5.00", "5.03") and r.payload, str(r)
                    refused += 1
                    if refused == 5:
                        break
            assert refused, "the disk never got full"
            os.unlink(filler)
            wait_for("writes work again", lambda: Peer(d.port).ask(POST, "rd", [(URI_QUERY, b"ep=again")]).code == 65)
            d.kill()
            d.start()
            for ep in acked[-20:] + ["again"]:
                d.ctl("device", "show", ep)
        finally:
            d.stop()
            subprocess.run(["umount", d.state], check=True)


def test_bad_configuration(d_):
    for o, word in (("listen_coap=nonsense", "listen_coap"), ("no_such_key=1", "no_such_key"),
                    ("image_max=9999G", "image_max")):
        r = subprocess.run([os.path.join(BIN, "suitd"), "-n", "-o", o], capture_output=True, text=True)
        assert r.returncode != 0 and word in r.stderr, (o, r)
    with tempfile.TemporaryDirectory() as state:  # and ports that are free for sure
        own = ["-d", state] + [w for k in ("coap", "coaps", "tcp", "http") for w in ("-o", "listen_%s=" % k)]
        r = subprocess.run([os.path.join(BIN, "suitd"), "-n", "-c", "config/suitd.conf", "-o", "listen_admin=127.0.0.1:0"] + own,
                           capture_output=True, text=True)
    assert r.returncode == 0, r.stdout + r.stderr


def test_second_daemon_on_one_state(d_):
    with fresh() as d:
        r = subprocess.run([os.path.join(BIN, "suitd"), "-d", d.state, "-o", "listen_coap=", "-o", "listen_coaps=",
                            "-o", "listen_tcp=", "-o", "listen_http=", "-o", "listen_admin=127.0.0.1:0"],
                           capture_output=True, text=True, timeout=120)
        assert r.returncode != 0 and d.state in r.stderr, r


def test_REQ_SEC_KEY_PROTECTION_private_key_in_the_state_is_refused(d_):
    with fresh() as d:
        d.stop()
        key = os.path.join(d.state, "oops.pem")
        d.ctl("key", "new", "--type", "p256", "--out", key)
        r = subprocess.run([os.path.join(BIN, "suitd"), "-d", d.state], capture_output=True, text=True, timeout=120)
        assert r.returncode != 0 and "oops.pem" in r.stderr, r
        os.unlink(key)
        d.start()


def test_garbage_does_not_stop_it(d_):
    import random
    rnd = random.Random(3)
    with fresh() as d:
        a = os.urandom(5000)
        d.publish(1, a, "/fw/a.bin")
        p = Peer(d.port)
        for _ in range(5000):
            p.send(rnd.randbytes(rnd.randrange(0, 80)))
        for _ in range(5000):
            p.send(bytes([0x40 | rnd.randrange(0, 16), rnd.randrange(0, 8)]) + rnd.randbytes(rnd.randrange(2, 60)))
        p.close()
        assert served(d, "fw/a.bin", a)
        d.publish(2, os.urandom(10), "/fw/c.bin")


def main():
    return run([f for n, f in sorted(globals().items()) if n.startswith("test_")], None)


if __name__ == "__main__":
    sys.exit(main())
