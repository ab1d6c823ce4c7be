#!/usr/bin/env python3
"""Configuration, secrets and certificates: each thing that suitd -n finds is made, and found."""
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile

from fixture import BIN, Skip, Suitd, free_port, run

HEX = "0123456789abcdef" * 4


def openssl(*args):
    r = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True, timeout=120)
    assert r.returncode == 0, (args, r.stderr)


def span(days):
    """The words for a validity of so many days; OpenSSL 3.4 and newer takes no negative ones."""
    if days > 0:
        return ["-days", days]
    r = subprocess.run(["openssl", "x509", "-help"], capture_output=True, text=True, timeout=120)
    if "-not_after" not in r.stdout + r.stderr:
        return ["-days", days]
    return ["-not_before", "20200101000000Z", "-not_after", "20200201000000Z"]


def certificate(folder, name, days=90, issuer=None):
    """NAME.pem and NAME.key; signed by an issuer of before, or by itself."""
    pem, key, csr, ext = (os.path.join(folder, name + e) for e in (".pem", ".key", ".csr", ".ext"))
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name,
            "-keyout", key, "-out", csr)
    os.chmod(key, 0o600)
    with open(ext, "w") as f:
        f.write("basicConstraints=%s\nsubjectAltName=DNS:%s,IP:127.0.0.1\n" % (
            "CA:FALSE" if issuer else "critical,CA:TRUE", name))
    sign = ["-signkey", key] if issuer is None else ["-CA", os.path.join(folder, issuer + ".pem"), "-CAkey",
                                                     os.path.join(folder, issuer + ".key"), "-CAcreateserial"]
    openssl("x509", "-req", "-in", csr, *sign, *span(days), "-extfile", ext, "-out", pem)
    return pem, key


class Place:
    """A folder with a configuration file, and suitd -n on it."""
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="suitd-config.")
        self.keys = {"state_dir": self.path("state"), "listen_coap": "[::]:%d" % free_port(),
                     "listen_coaps": "[::]:%d" % free_port(), "listen_tcp": "[::]:%d" % free_port(),
                     "listen_admin": "127.0.0.1:%d" % free_port()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name, text=None, mode=0o600):
        p = os.path.join(self.dir, name)
        if text is not None:
            with open(p, "w") as f:
                f.write(text)
            os.chmod(p, mode)
        return p

    def write(self, more=""):
        return self.path("suitd.conf", "".join('%s = "%s"\n' % kv for kv in self.keys.items()) + more)

    def check(self, more="", user=None, env=None):
        """The exit code; each line of the table as {what: (result, text)}; stderr."""
        conf = self.write(more)
        if os.path.exists(self.keys["state_dir"]) and os.stat(self.keys["state_dir"]).st_uid != os.geteuid():
            # whoever becomes another user cannot be looked into for leaks
            env = dict(env or {}, ASAN_OPTIONS="detect_leaks=0")
        r = subprocess.run([os.path.join(BIN, "suitd"), "-n", "-c", conf], capture_output=True, text=True, timeout=120,
                           user=user, env=dict(os.environ, **(env or {})))
        rows = {m[1]: (m[2], m[3]) for m in re.finditer(r"(?m)^(\S.*?)  +(ok|warning|FAILS) +(.*)$", r.stdout)}
        return r.returncode, rows, r.stderr

    def fails(self, what, said, **kw):
        rc, rows, err = self.check(**kw)
        assert rc == 1 and rows[what][0] == "FAILS" and said in rows[what][1], (what, said, rc, rows, err)
        assert [w for w, (result, _) in rows.items() if result == "FAILS"] == [what], rows

    def state(self):
        """A state directory that a suitd has used."""
        with Suitd(start=False) as d:
            d.state = self.keys["state_dir"]
            d.start()
            d.stop()


def test_a_good_one_is_left_as_it_is():
    with Place() as p:
        rc, rows, err = p.check()
        assert rc == 0 and not err and {r for r, _ in rows.values()} == {"ok"}, (rc, rows, err)
        assert "will be made" in rows["state_dir"][1] and not os.path.exists(p.keys["state_dir"])
        p.state()
        before = sorted(os.listdir(p.keys["state_dir"]))
        rc, rows, err = p.check()
        assert rc == 0 and {r for r, _ in rows.values()} == {"ok"}, (rc, rows, err)
        assert "schema" in rows["database"][1] and "1 operators" in rows["admin_psk"][1], rows
        assert sorted(os.listdir(p.keys["state_dir"])) == before


def test_every_error_of_a_file_is_told():
    with Place() as p:
        rc, rows, err = p.check("image_max = 0\npol_max_age = 1m\nblock_size = 17\n")
        assert rc == 1 and not rows
        lines = err.splitlines()
        name = p.path("suitd.conf")
        assert lines[0].startswith("suitd: %s:6: image_max: not within 1 .. 64M" % name), lines
        assert lines[1] == "suitd: %s:7: pol_max_age: unknown key; did you mean poll_max_age?" % name, lines
        assert lines[2].startswith("suitd: %s:8: block_size: " % name) and len(lines) == 3, lines


def test_ports_in_use():
    with Place() as p:
        for key, kind in (("listen_coap", socket.SOCK_DGRAM), ("listen_coaps", socket.SOCK_DGRAM),
                          ("listen_tcp", socket.SOCK_STREAM), ("listen_admin", socket.SOCK_DGRAM)):
            s = socket.socket(socket.AF_INET, kind)
            s.bind(("127.0.0.1", int(p.keys[key].rsplit(":", 1)[1])))
            if kind == socket.SOCK_STREAM:
                s.listen()
            p.fails(key, "another program has that port")
            s.close()
        assert p.check()[0] == 0
        # two keys of ours on one port, said in two ways
        was, p.keys["listen_coaps"] = p.keys["listen_coaps"], "127.0.0.1:" + p.keys["listen_coap"].rsplit(":", 1)[1]
        p.fails("listen_coaps", "that port")
        p.keys["listen_coaps"] = "192.0.2.1:5684"
        p.fails("listen_coaps", "assign")
        p.keys["listen_coaps"] = was
        # beside the suitd that has them it is no reason to refuse
        with subprocess.Popen([os.path.join(BIN, "suitd"), "-c", p.write()], stderr=subprocess.PIPE, text=True) as d:
            for line in d.stderr:
                if "ready:" in line:
                    break
            rc, rows, err = p.check()
            d.terminate()
            d.communicate()
        assert rc == 0 and "a suitd runs" in rows["state_dir"][1] and "taken" in rows["listen_tcp"][1], (rc, rows, err)


def test_unreadable_files_and_folders():
    if os.geteuid() != 0:
        raise Skip("only root can give files away")
    with Place() as p:
        os.chmod(p.dir, 0o755)
        p.state()
        state, nobody = p.keys["state_dir"], 65534
        for root, dirs, files in os.walk(state):
            for name in dirs + files + [""]:
                os.chown(os.path.join(root, name), nobody, nobody)
        rc, rows, _ = p.check()
        assert rc == 0 and "who owns" in rows["user"][1], rows  # root looks with his eyes
        for name, what in (("suitd.db", "database"), ("images", "images"), ("tmp", "tmp")):
            os.chown(os.path.join(state, name), 0, 0)
            p.fails(what, "Permission denied")
            os.chown(os.path.join(state, name), nobody, nobody)
        os.chown(os.path.join(state, "admin.psk"), 0, 0)
        p.fails("admin_psk", "Permission denied")
        os.chown(os.path.join(state, "admin.psk"), nobody, nobody)
        os.chmod(os.path.join(state, "images"), 0)
        p.fails("images", "Permission denied")
        os.chmod(os.path.join(state, "images"), 0o700)
        assert p.check()[0] == 0
        p.keys["state_dir"] = p.path("suitd.conf")
        p.fails("state_dir", "Not a directory")
        p.keys["state_dir"] = p.path("closed/state")
        p.fails("state_dir", "No such file")


def test_who_may_not_look_is_told_who_may():
    if os.geteuid() != 0:
        raise Skip("root is asked who may not")
    with Place() as p, socket.socket() as taken:
        os.chmod(p.dir, 0o755)
        p.state()
        p.write()
        os.chmod(p.path("suitd.conf"), 0o644)
        taken.bind(("127.0.0.1", int(p.keys["listen_tcp"].split(":")[-1])))
        taken.listen()
        r = subprocess.run([os.path.join(BIN, "suitd"), "-n", "-c", p.path("suitd.conf")], capture_output=True, text=True,
                           timeout=120, user=65534)
        assert r.returncode == 1 and re.search("state_dir +FAILS .*try as root", r.stdout), r
        assert re.search("listen_tcp +warning .*perhaps", r.stdout), r.stdout
        p.fails("listen_tcp", "another program")  # who may look knows


def test_others_may_look_into_the_state():
    with Place() as p:
        p.state()
        os.chmod(p.keys["state_dir"], 0o755)
        rc, rows, _ = p.check()
        assert rc == 0 and rows["state_dir"][0] == "warning" and "chmod 700" in rows["state_dir"][1], rows
        os.chmod(p.keys["state_dir"], 0o700)
        os.chmod(os.path.join(p.keys["state_dir"], "admin.psk"), 0o644)
        p.fails("admin_psk", "others may read it")


def test_a_private_key_of_an_author():
    with Place() as p:
        p.state()
        openssl("genpkey", "-algorithm", "ed25519", "-out", os.path.join(p.keys["state_dir"], "author.pem"))
        p.fails("private keys", "suitd never holds one")


def test_databases():
    with Place() as p:
        p.state()
        path = os.path.join(p.keys["state_dir"], "suitd.db")

        def set_schema(n):
            db = sqlite3.connect(path)
            was = db.execute("PRAGMA user_version").fetchone()[0]
            db.execute("PRAGMA user_version = %d" % n)
            db.commit()
            db.close()
            return was
        known = set_schema(1)
        rc, rows, _ = p.check()
        assert rc == 0 and "schema 1 will be migrated to %d" % known in rows["database"][1], rows
        set_schema(known + 1)
        p.fails("database", "schema %d is newer than this suitd's %d" % (known + 1, known))
        r = subprocess.run([os.path.join(BIN, "suitd"), "-c", p.write()], capture_output=True, text=True, timeout=120)
        assert r.returncode == 1 and "is newer" in r.stderr, r.stderr
        with open(path, "r+b") as f:
            f.write(b"nonsense" * 100)
        p.fails("database", "not a database")


def test_certificates():
    with Place() as p:
        pem, key = certificate(p.dir, "fw.test")
        p.keys.update(tls_cert=pem, tls_key=key)
        rc, rows, _ = p.check()
        assert rc == 0 and rows["tls_cert"][0] == "ok" and "/CN=fw.test until 2" in rows["tls_cert"][1], rows
        for days, said in ((10, "ends soon"), (-1, "has expired")):  # neither stops suitd
            certificate(p.dir, "short", days)
            p.keys.update(tls_cert=p.path("short.pem"), tls_key=p.path("short.key"))
            rc, rows, _ = p.check()
            assert rc == 0 and rows["tls_cert"][0] == "warning" and said in rows["tls_cert"][1], rows
        p.keys.update(tls_cert=pem)
        p.fails("tls_cert", "not the one of the certificate")
        p.keys.update(tls_key=key)
        os.chmod(key, 0o644)
        p.fails("tls_cert", "others may read it; chmod 600")
        os.chmod(key, 0o600)
        p.keys.update(tls_cert=p.path("none.pem"))
        p.fails("tls_cert", "No such file")
        p.keys.update(tls_cert=p.path("suitd.conf"))
        p.fails("tls_cert", "no certificate")
        p.keys.update(tls_cert=pem)
        del p.keys["tls_key"]
        p.fails("tls_cert", "its key is missing", env={"CREDENTIALS_DIRECTORY": p.dir})
        rc, rows, _ = p.check()  # a shell does not see what the service is given
        assert rc == 0 and rows["tls_cert"][0] == "warning" and "its key is missing" in rows["tls_cert"][1], rows
        # what would stop it, stops it
        p.keys.update(tls_key=p.path("short.key"))
        r = subprocess.run([os.path.join(BIN, "suitd"), "-c", p.write()], capture_output=True, text=True, timeout=120)
        assert r.returncode == 1 and "not the one of the certificate" in r.stderr, r.stderr


def test_secrets_are_not_taken_from_the_command_line():
    for kv in ("tls_key=/run/k", "admin_psk=" + HEX):
        r = subprocess.run([os.path.join(BIN, "suitd"), "-n", "-o", kv], capture_output=True, text=True, timeout=120)
        assert r.returncode == 1 and "not on the command line" in r.stderr and HEX not in r.stderr, r.stderr


class Certified(Suitd):
    """A suitd with its certificate and its operators' key from systemd credentials."""
    def __init__(self, days=90):
        super().__init__(start=False)
        self.creds = os.path.join(self.dir, "credentials")
        os.mkdir(self.creds)
        certificate(self.dir, "root")
        self.pem, key = certificate(self.dir, "fw.test", days, "root")
        shutil.copy(key, os.path.join(self.creds, "tls.key"))
        with open(os.path.join(self.creds, "admin.psk"), "w") as f:
            f.write("admin %s\n" % HEX)
        os.chmod(f.name, 0o440)  # as systemd's ACL shows
        os.chmod(os.path.join(self.creds, "tls.key"), 0o440)
        self.options.append("tls_cert=" + self.pem)
        self.env = {"CREDENTIALS_DIRECTORY": self.creds}
        self.start()

    def ctl_args(self, *words):
        return [os.path.join(BIN, "suitctl"), "-d", self.creds, "--admin", "coaps://127.0.0.1:%d" % self.aport,
                *map(str, words)]

    def coap(self, *args, path=".well-known/core"):
        r = subprocess.run(["coap-client-openssl", "-B", "60", *args, "coaps://127.0.0.1:%d/%s" % (self.sport, path)],
                           capture_output=True, text=True, timeout=120)
        return r.stdout + r.stderr

    def verify(self):
        r = subprocess.run(["sh", "-c", "sleep 0.5 | openssl s_client -dtls -nbio -connect 127.0.0.1:%d -CAfile %s/root.pem "
                            "-verify_hostname fw.test -verify_return_error" % (self.sport, self.dir)],
                           capture_output=True, text=True, timeout=120)
        return r.stdout + r.stderr


def test_credentials_and_what_others_can_see():
    with Certified() as d:
        assert not os.path.exists(os.path.join(d.state, "admin.psk")), "the credential goes before"
        assert d.ctl("status"), "suitctl knows it, too"
        with open(os.path.join(d.creds, "tls.key")) as f:
            key = "".join(f.read().split("\n")[1:-2])
        for name in ("cmdline", "environ"):
            with open("/proc/%d/%s" % (d.proc.pid, name), "rb") as f:
                seen = f.read().decode(errors="replace")
            assert HEX not in seen and key not in seen and "PRIVATE" not in seen, name
        log = open(d.log).read()
        assert HEX not in log and key not in log, "nor does the log tell"


def test_clients_verify_the_server_and_keys_work_beside():
    with Certified() as d:
        out = d.verify()
        assert "Verification: OK" in out and "Verified peername: fw.test" in out, out
        assert "</m>" in d.coap("-R", os.path.join(d.dir, "root.pem")), "a device without a credential"
        assert "</m>" not in d.coap("-R", d.pem), "one that trusts another root stays away"
        d.ctl("device", "add", "lamp1", "--psk", b"0123456789abcdef".hex())
        assert "</m>" in d.coap("-u", "lamp1", "-k", "0123456789abcdef")
        assert "</m>" not in d.coap("-u", "lamp1", "-k", "another key 1234")


def test_an_expired_certificate_is_told():
    with Certified(days=-1) as d:
        log = open(d.log).read()
        assert re.search(r"error tls: /CN=fw.test has expired", log), log
        assert "EXPIRED" in d.ctl("status")
        assert "certificate has expired" in d.verify()
        assert d.ctl_json("status")["tls_until"] < d.ctl_json("status")["now"]
    with Certified() as d:
        assert re.search(r"certificate +of coaps: \d+ days left", d.ctl("status")), d.ctl("status")


def main():
    return run([v for k, v in globals().items() if k.startswith("test_")])


if __name__ == "__main__":
    sys.exit(main())
