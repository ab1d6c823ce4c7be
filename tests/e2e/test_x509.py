#!/usr/bin/env python3
"""Devices that prove themselves with certificates, over DTLS and over TLS: real clients (coap-client, openssl s_client),
the real daemon, suitctl."""
import os
import re
import select
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from coapraw import CON, Peer, encode, path  # noqa: E402
from fixture import BIN, HANGS, free_port, run, wait_for  # noqa: E402
from test_life import Service  # noqa: E402

GET, POST = 1, 2
URI_QUERY = 15


def sh(*args, **kw):
    return subprocess.run(args, check=True, capture_output=True, text=True, **kw).stdout


class Authority:
    """An authority of devices, as an operator would run it with openssl ca."""

    def __init__(self, d, name="devices"):
        self.dir, self.name = os.path.join(d, name), name
        os.mkdir(self.dir)
        for f, text in (("index.txt", ""), ("serial", "10\n"), ("crlnumber", "01\n")):
            with open(self.file(f), "w") as o:
                o.write(text)
        with open(self.file("ca.cnf"), "w") as o:
            o.write("[ca]\ndefault_ca=x\n[x]\ndir=%s\ndatabase=$dir/index.txt\nserial=$dir/serial\ncrlnumber=$dir/crlnumber\n"
                    "certificate=$dir/ca.pem\nprivate_key=$dir/ca.key\nnew_certs_dir=$dir\ndefault_md=sha256\n"
                    "default_crl_days=7\ndefault_days=90\npolicy=p\ncopy_extensions=copy\nunique_subject=no\n"
                    "[p]\ncommonName=supplied\n[e]\nbasicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n" % self.dir)
        sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90", "-subj",
           "/CN=" + name, "-keyout", self.file("ca.key"), "-out", self.file("ca.pem"))

    def file(self, name):
        return os.path.join(self.dir, name)

    def issue(self, ep, name=None, san=None, days=90):
        """Certificate and key in one file."""
        f = self.file((name or ep) + ".pem")
        sh("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + ep,
           *(["-addext", "subjectAltName=" + san] if san else []), "-keyout", f + ".key", "-out", f + ".csr")
        sh("openssl", "ca", "-batch", "-config", self.file("ca.cnf"), "-extensions", "e", "-days", str(days), "-notext",
           "-in", f + ".csr", "-out", f + ".crt")
        with open(f, "w") as o:
            o.write(open(f + ".crt").read() + open(f + ".key").read())
        return f

    def revoke(self, f):
        sh("openssl", "ca", "-config", self.file("ca.cnf"), "-revoke", f + ".crt")

    def crl(self):
        sh("openssl", "ca", "-config", self.file("ca.cnf"), "-gencrl", "-out", self.file("new.crl"))
        os.rename(self.file("new.crl"), self.file("ca.crl"))

    @staticmethod
    def serial(f):
        return sh("openssl", "x509", "-in", f, "-noout", "-serial").strip().split("=")[1]


class Server(Service):
    """suitd with a certificate, an authority, and coaps both ways."""

    def __init__(self, more=""):
        self.tport = free_port()
        self.more = more
        self.ready = False
        Service.__init__(self, "")

    def start(self):
        if not self.ready:
            self.ready = True
            self.ca = Authority(self.dir)
            self.ca.crl()
            sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90",
               "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
               self.file("tls.key"), "-out", self.file("tls.crt"))
            os.chmod(self.file("tls.key"), 0o600)
        self.conf(self.text())
        super().start()

    def text_of(self, more):
        return ('tls_cert = "%s"\ntls_key = "%s"\nclient_ca = "%s"\nclient_crl = "%s"\nlisten_coaps_tcp = "[::]:%d"\n%s'
                % (self.file("tls.crt"), self.file("tls.key"), self.ca.file("ca.pem"), self.ca.file("ca.crl"), self.tport,
                   more))

    def text(self):
        return self.text_of(self.more)

    def log_text(self):
        return open(self.log).read()

    def ask(self, plane, cert, p, *args):
        """What coap-client says, whether it is let in or not."""
        port, scheme = (self.sport, "coaps") if plane == "dtls" else (self.tport, "coaps+tcp")
        r = subprocess.run(["coap-client-openssl", "-B", "60", "-c", cert, "-j", cert, "-C", self.file("tls.crt"), *args,
                            "%s://127.0.0.1:%d/%s" % (scheme, port, p)], capture_output=True, text=True, timeout=120)
        return r.stdout + r.stderr


BOTH = ("dtls", "tls")


class Session:
    """A session that is held open, by openssl s_client."""

    def __init__(self, d, plane, cert, host="127.0.0.1"):
        self.plane = plane
        port = d.sport if plane == "dtls" else d.tport
        self.p = subprocess.Popen(["openssl", "s_client", "-quiet", "-nbio", "-dtls1_2" if plane == "dtls" else "-tls1_2", "-connect",
                                   "127.0.0.1:%d" % port, "-bind", host + ":0", "-cert", cert, "-key", cert], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        os.set_blocking(self.p.stdout.fileno(), False)
        self.mid = 0
        if plane == "tls":
            self.write(bytes([0x00, 0xe1]))  # CSM

    def write(self, b):
        self.p.stdin.write(b)
        self.p.stdin.flush()

    def get(self, p):
        """The answer's code, or None: there is no session any more."""
        self.mid += 1
        m = encode(CON, GET, self.mid, b"", path(p))
        if self.plane == "tls":  # RFC 8323: length and token length, code, options
            opts = m[4:]
            assert len(opts) < 13
            m = bytes([len(opts) << 4, GET]) + opts
        got = b""
        try:
            self.write(m)
        except BrokenPipeError:
            return None
        end = time.time() + HANGS
        while time.time() < end:
            if select.select([self.p.stdout], [], [], 0.2)[0]:
                b = os.read(self.p.stdout.fileno(), 65536)
                if not b:
                    return None
                got += b
                c = self.code(got)
                if c:
                    return c
            elif self.p.poll() is not None:
                return None
        return None

    def code(self, got):
        if self.plane == "dtls":
            return "%d.%02d" % (got[1] >> 5, got[1] & 31) if len(got) >= 4 else None
        while len(got) > 1:  # messages of RFC 8323, the server's CSM first
            n, at = got[0] >> 4, 1
            if n == 13:
                n, at = 13 + got[1], 2
            elif n == 14:
                n, at = 269 + int.from_bytes(got[1:3], "big"), 3
            c = got[at]
            if c >> 5 != 7:
                return "%d.%02d" % (c >> 5, c & 31)
            got = got[at + 1 + (got[0] & 15) + n:]
        return None

    def ended(self):
        """Without a word of ours."""
        return self.p.poll() is not None

    def close(self):
        self.p.kill()
        self.p.wait()
        self.p.stdin.close()
        self.p.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def register(d, plane, cert, ep):
    return d.ask(plane, cert, "rd?ep=%s&lt=600" % ep, "-m", "post")


def device(d, ep):
    return d.ctl_json("device", "show", ep)


def certs(d, ep):
    return [c for c in d.ctl_json("device", "credentials", ep) if c["kind"] == "certificate"]


def test_a_device_is_its_certificate_and_nobody_else_is(_):
    with Server() as d:
        for plane, ep in zip(BOTH, ("a1", "a2")):
            f = d.ca.issue(ep)
            assert "4.0" not in register(d, plane, f, ep), d.log_text()
            assert device(d, ep)["registered"], device(d, ep)
            assert any(e.get("grade") == 1 for e in d.events(ep)), d.events(ep)
            assert len(certs(d, ep)) == 1
            # people are told what it has, in a line that fits a screen
            line = [t for t in d.ctl("device", "list").splitlines() if t.startswith(ep)][0]
            assert line.split()[-3] == "cert", line
            fingerprint = certs(d, ep)[0]["identity"]
            table = d.ctl("device", "credentials", ep)
            assert fingerprint[:16] in table and fingerprint not in table, table
            # from its first word on nobody speaks for it without a credential
            m = Peer(d.port).ask(POST, "rd", [(URI_QUERY, b"ep=" + ep.encode()), (URI_QUERY, b"lt=600")])
            assert m.code == 0x81, m  # 4.01
        # and it speaks for no other one
        assert "4.03" in register(d, "dtls", d.ca.file("a1.pem"), "a2")
        assert "4.03" in register(d, "tls", d.ca.file("a1.pem"), "new")


def test_REQ_SEC_ACCESS_CONTROL_strangers_authorities_do_not_count(_):
    with Server() as d:
        evil = Authority(d.dir, "evil").issue("a1")
        for plane in BOTH:
            register(d, plane, evil, "a1")
            d.ctl("device", "show", "a1", rc=1)
        assert d.ctl_json("status")["devices"] == 0
        assert "certificate entered" not in d.log_text()


def test_a_revoked_one_loses_its_session_at_once(_):
    with Server() as d:
        for plane in BOTH:
            f = d.ca.issue("r-" + plane)
            g = d.ca.issue("s-" + plane)
            register(d, plane, f, "r-" + plane)
            register(d, plane, g, "s-" + plane)
            with Session(d, plane, f) as one, Session(d, plane, g) as other:
                assert one.get("hello")[0] == "4" and other.get("hello")[0] == "4"
                assert "REVOKED" not in d.ctl("device", "credentials", "r-" + plane)
                d.ctl("device", "revoke-cert", "--serial", d.ca.serial(f), "--issuer", "CN=devices", "--reason", "lost")
                assert "REVOKED" in d.ctl("device", "credentials", "r-" + plane)
                assert d.ctl_json("device", "credentials", "r-" + plane)[0]["revoked"] > 0
                assert "REVOKED" not in d.ctl("device", "credentials", "s-" + plane)
                wait_for("its session ends", one.ended)
                assert other.get("hello")[0] == "4"
            assert "4.0" not in register(d, plane, g, "s-" + plane)
            seen = device(d, "r-" + plane)["seen"]
            register(d, plane, f, "r-" + plane)
            assert device(d, "r-" + plane)["seen"] == seen, "it was let in"
        revoked = d.ctl_json("device", "revoked-certs")
        assert len(revoked) == 2 and revoked[0]["reason"] == "lost", revoked
        d.ctl("device", "revoke-cert", "--cert", d.ca.file("r-dtls.pem"), "--undo")
        assert len(d.ctl_json("device", "revoked-certs")) == 1
        with Session(d, "dtls", d.ca.file("r-dtls.pem")) as s:
            assert s.get("hello")[0] == "4"
        assert any("certificate revoked" in str(e) for e in d.ctl_json("events")), "in the log"


def test_an_authority_is_no_device_to_be_revoked(_):
    with Server() as d:
        ca = d.ca.file("ca.pem")
        out = d.ctl("device", "revoke-cert", "--cert", ca, rc=2)
        assert "client_ca" in out and d.ctl_json("device", "revoked-certs") == [], out
        register(d, "dtls", d.ca.issue("still"), "still")
        d.ctl("device", "revoke-cert", "--serial", "ab", "--issuer", "CN=devices")
        d.ctl("device", "revoke-cert", "--cert", ca, "--undo", rc=1)  # what was done before can be undone


def test_revoking_the_device_or_its_credential_ends_it(_):
    with Server() as d:
        for plane, how in zip(BOTH, ("device", "credential")):
            f = d.ca.issue("d-" + plane)
            register(d, plane, f, "d-" + plane)
            with Session(d, plane, f) as s:
                assert s.get("hello")[0] == "4"
                if how == "device":
                    d.ctl("device", "revoke", "d-" + plane)
                else:
                    d.ctl("device", "revoke", "d-" + plane, "--credential", certs(d, "d-" + plane)[0]["identity"])
                wait_for("its session ends", s.ended)
            with Session(d, plane, f) as s:
                assert s.get("hello") is None, "its authority lets it in again"


def test_a_reload_ends_what_is_revoked_and_keeps_the_rest(_):
    with Server() as d:
        f, g = d.ca.issue("x1"), d.ca.issue("x2")
        with Session(d, "dtls", f) as a, Session(d, "tls", f) as b, Session(d, "dtls", g) as c, Session(d, "tls", g) as e:
            for s in (a, b, c, e):
                assert s.get("hello")[0] == "4"
            d.ca.crl()
            assert not d.reload().get("reload_failed")
            for s in (a, b, c, e):
                assert s.get("hello")[0] == "4", "a reload ended it"
            d.ca.revoke(f)
            d.ca.crl()
            assert not d.reload().get("reload_failed")
            wait_for("both end", lambda: a.ended() and b.ended())
            assert c.get("hello")[0] == "4" and e.get("hello")[0] == "4"
            # what is damaged changes nothing
            with open(d.ca.file("ca.crl"), "w") as o:
                o.write("x")
            assert d.reload().get("reload_failed")
            assert c.get("hello")[0] == "4" and e.get("hello")[0] == "4"
        with Session(d, "tls", f) as s:
            assert s.get("hello") is None


def test_two_certificates_at_a_time(_):
    with Server() as d:
        one, two, three = (d.ca.issue("rot", "rot%d" % i) for i in range(3))
        register(d, "dtls", one, "rot")
        register(d, "tls", two, "rot")
        assert len(certs(d, "rot")) == 2
        for plane in BOTH:
            for f in (one, two):
                with Session(d, plane, f) as s:
                    assert s.get("hello")[0] == "4"
        register(d, "dtls", three, "rot")
        assert len(certs(d, "rot")) == 2
        d.ctl("device", "remove", "rot")


def test_pinned_only_what_an_operator_entered(_):
    with Server("client_pinned = true\n") as d:
        f, g = d.ca.issue("p1"), d.ca.issue("p1", "p1-other")
        d.ctl("device", "add", "p1")
        with Session(d, "dtls", f) as s:
            assert s.get("hello") is None
        out = d.ctl("device", "cert", "p1", f)
        assert "CN=devices" in out and "fingerprint" in out, out
        for plane in BOTH:
            with Session(d, plane, f) as s:
                assert s.get("hello")[0] == "4"
            with Session(d, plane, g) as s:
                assert s.get("hello") is None
        d.ctl("device", "cert", "p1", g)
        assert len(certs(d, "p1")) == 2
        d.ctl("device", "cert", "p1", d.ca.issue("p1", "p1-third"), rc=1)


def test_a_copied_certificate_is_told(_):
    with Server() as d:
        f = d.ca.issue("tw")
        register(d, "dtls", f, "tw")
        with Session(d, "dtls", f) as a, Session(d, "tls", f, "127.0.0.2") as b:
            def both_talk():
                a.get("hello")
                b.get("hello")
                return device(d, "tw").get("twin")
            wait_for("two devices with one certificate", both_talk)


def test_unknown_devices_need_a_certificate(_):
    with Server("unknown_devices = certified\ncert_endpoint = \"san-uri:urn:dev:*\"\n") as d:
        m = Peer(d.port).ask(POST, "rd", [(URI_QUERY, b"ep=anon"), (URI_QUERY, b"lt=600")])
        assert m.code == 0x83, m  # 4.03
        f = d.ca.issue("ignored", "u", san="URI:urn:dev:mac:0024befffe804ff1")
        register(d, "dtls", f, "urn:dev:mac:0024befffe804ff1")
        assert device(d, "urn:dev:mac:0024befffe804ff1")["registered"]
        # a name that no rule takes is nobody's
        with Session(d, "tls", d.ca.issue("cn-only")) as s:
            assert s.get("hello") is None
        assert "cert_endpoint: no rule" in d.log_text()


def test_the_check_says_what_is_trusted(_):
    with Server() as d:
        check = [os.path.join(BIN, "suitd"), "-n", "-c", d.file("suitd.conf"), "-d", d.state]
        r = subprocess.run(check, capture_output=True, text=True)
        assert re.search(r"client_ca .*ok .*authorities 1, lists of revoked ones 1", r.stdout), r.stdout
        assert re.search(r"library .*ok .*libcoap .*: dtls psk", r.stdout), r.stdout
        os.unlink(d.ca.file("ca.pem"))
        r = subprocess.run(check, capture_output=True, text=True)
        assert r.returncode == 1 and re.search(r"client_ca .*FAILS", r.stdout), r.stdout
        # what would keep everybody away, or means nothing, is no error and is told
        for key in ("unknown_devices=certified", "client_pinned=true"):
            r = subprocess.run([*check[:2], "-o", key, "-d", d.state], capture_output=True, text=True)
            assert re.search(r"client_ca .*warning .*%s" % key.split("=")[0], r.stdout), r.stdout
        v = sh(os.path.join(BIN, "suitd"), "--version")
        assert "psk" in v and "pki" in v and "oscore" in v and "rpk" in v and "ws" in v, v
        assert "pki" in d.ctl_json("status")["features"], d.ctl_json("status")


def main():
    return run([v for k, v in globals().items() if k.startswith("test_")], None)


if __name__ == "__main__":
    sys.exit(main())
