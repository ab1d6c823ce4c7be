"""Rights over the wire: docs/RIGHTS.txt cell by cell, two persons, a person who is removed, and guessing."""
import os
import re
import subprocess
import sys
import time
import urllib.request

from coapraw import DELETE, GET, POST, PUT
from fixture import TOP, Suitd, run, wait_for
from test_hostile import Dtls

METHOD = {"GET": GET, "POST": POST, "PUT": PUT, "DELETE": DELETE}
ARG = {"ep": "none-such", "id": "999", "name": "none-such", "action": "none", "d": "00" * 32, "part": "0"}
SCOPE = ["--class", "11111111-1111-1111-1111-111111111111"]
ROLES = ["author", "operator", "auditor", "grant"]


def key_of(d, name, *rights):
    """A principal's identity and key."""
    line = d.ctl("principal", "add", name, *(list(rights) + ["--psk-new"]))
    return line.split()[-2:]


def cells():
    lines = [x for x in open(os.path.join(TOP, "docs/RIGHTS.txt")).read().splitlines()]
    at = next(i for i, x in enumerate(lines) if x.startswith("path "))
    columns = lines[at].replace("two persons", "two").split()[2:-1]
    for x in lines[at + 1:]:
        w = x.replace("in it", "in-it").split()
        yield w[0], w[1], dict(zip(columns, w[2:]))


def want(cell, got):
    return got == cell if cell.startswith("4.") else got[0] in "245" and got not in ("4.01", "4.03")


def check(session, column, n):
    for path, method, row in cells():
        p = re.sub(r"{(\w+)}", lambda m: ARG[m.group(1)], path)
        got = session.ask(METHOD[method], p)
        assert want(row[column], got), (path, method, column, row[column], got)
        n[0] += 1


def test_REQ_SEC_ACCESS_CONTROL_every_cell_over_the_wire(d):
    n = [0]
    for role in ROLES:
        with Dtls(d.aport, *key_of(d, "is-" + role, "--role", role)) as s:
            check(s, role, n)
    all_roles = [w for r in ROLES for w in ("--role", r)]
    with Dtls(d.aport, *key_of(d, "scoped", *(all_roles + SCOPE))) as s:
        check(s, "scope", n)
    # who was somebody: after a new key of one's own the session is open, and worth nothing
    with Dtls(d.aport, *key_of(d, "gone", "--role", "operator")) as s:
        assert s.ask(POST, "a/principals/gone/key") == "2.01"
        check(s, "nobody", n)
        assert s.ask(GET, ".well-known/core") == "4.01"
    # a device's key opens nothing here
    key = d.ctl_json("device", "add", "dev-1", "--psk-new")["key"]
    with Dtls(d.aport, "dev-1", key) as s:
        assert s.ask(GET, "a/status", timeout=3) == "-"
    assert n[0] == 6 * len(list(cells())), n


def test_REQ_SEC_KEY_ROTATION_a_line_that_goes_or_has_another_key(d):
    """It takes the sessions with it, those of the old key as well when the name comes back."""
    psk = os.path.join(d.state, "admin.psk")
    text = open(psk).read()
    line, other = d.ctl("operator", "new", "line"), d.ctl("operator", "new", "line")
    for after in (text, text + other):
        with open(psk, "w") as f:
            f.write(text + line)
        with Dtls(d.aport, *line.split()) as s:
            assert s.ask(GET, "a/status") == "2.05"
            with open(psk, "w") as f:
                f.write(after)
            assert s.ask(GET, "a/status") == "4.01"
            wait_for("the end of the session", lambda: s.ask(GET, "a/status", timeout=3) == "-")
    with Dtls(d.aport, *other.split()) as s:
        assert s.ask(GET, "a/status") == "2.05"


def test_rights_change_on_the_next_request(d):
    who = key_of(d, "moves", "--role", "auditor")
    with Dtls(d.aport, *who) as s:
        assert s.ask(GET, "a/devices") == "2.05"
        assert s.ask(POST, "a/campaigns") == "4.03"
        d.ctl("principal", "add", "moves", "--role", "author")
        assert s.ask(GET, "a/devices") == "4.03"
        new = d.ctl("principal", "rotate", "moves", "--overlap", "1h").split()
        assert new[0] == "moves:2", new
        assert s.ask(GET, "a/releases") == "2.05"
        d.ctl("principal", "rotate", "moves")
        assert s.ask(GET, "a/releases", timeout=3) == "-", "its session has ended"
    with Dtls(d.aport, *who) as s:
        assert s.ask(GET, "a/releases", timeout=1) == "-"


def test_who_is_removed_loses_the_session_at_once(d):
    who, other = key_of(d, "leaves", "--role", "operator"), key_of(d, "stays", "--role", "operator")
    with Dtls(d.aport, *who) as s, Dtls(d.aport, *other) as t:
        assert s.ask(GET, "a/status") == t.ask(GET, "a/status") == "2.05"
        d.ctl("principal", "remove", "leaves")
        assert s.ask(GET, "a/status", timeout=3) == "-"
        assert t.ask(GET, "a/status") == "2.05"
        # a new key of one's own: its answer still comes, then the old session is worth nothing
        assert t.ask(POST, "a/principals/stays/key") == "2.01"
        assert t.ask(GET, "a/status") == "4.01"


def as_(d, file, *words, rc=0):
    args = [w for w in d.ctl_args(*words)]
    r = subprocess.run(args[:1] + ["--psk-file", file] + args[1:], capture_output=True, text=True, timeout=120)
    assert r.returncode == rc, (words, r.returncode, r.stdout, r.stderr)
    return r.stdout + r.stderr


def test_a_line_of_suitctl_is_a_file_of_suitctl(d):
    d.ctl("device", "add", "in-north")
    d.ctl("device", "tag", "in-north", "site=north")
    f = d.file("nora.psk", d.ctl("principal", "add", "nora", "--role", "operator", "--tag", "site:north",
                                 "--psk-new").encode())
    assert "in-north" in as_(d, f, "device", "list") and "dev-1" not in as_(d, f, "device", "list")
    as_(d, f, "device", "show", "dev-1", rc=1)
    as_(d, f, "principal", "add", "more", "--role", "operator", rc=1)
    shown = d.ctl_json("principal", "show", "nora")
    assert shown["rights"] == "role=operator tag=site:north" and shown["by"] == "admin", shown
    assert "nora" in d.ctl("principal", "list")
    assert "admin.psk" in d.ctl("principal", "show", "admin")
    assert d.ctl("principal", "add", "nora", rc=2)


def test_REQ_SEC_RIGHTS_two_persons(d):
    d.ctl("key", "new", "--out", d.file("a.pem"), "--public", d.file("a.pub"))
    bob = d.file("bob.psk", d.ctl("principal", "add", "bob", "--role", "operator", "--psk-new").encode())
    eve = d.file("eve.psk", d.ctl("principal", "add", "eve", "--role", "auditor", "--psk-new").encode())
    d.stop()
    d.options.append("four_eyes=author")
    d.start()
    add = ["author", "add", "ann", d.file("a.pub")]
    assert "approve 1" in d.ctl(*add, rc=1)
    assert "ann" not in d.ctl("author", "list")
    d.ctl("approve", "1", rc=1)
    as_(d, eve, "approve", "1", rc=1)
    kid = re.search(r"\b[0-9a-f]{16}\b", d.ctl("key", "show", d.file("a.pub"))).group()
    assert "add author ann, key " + kid in as_(d, eve, "request", "list")
    one = as_(d, eve, "request", "show", "1")
    assert "add author ann, key %s, for every class" % kid in one and "PUT a/keys/ann" in one, one
    assert d.ctl_json("request", "show", 1)["facts"].startswith("add author ann, key " + kid)
    # a crash forgets neither the request nor the word
    d.kill()
    d.start()
    assert "add author ann, key " + kid in as_(d, bob, "approve", "1")
    d.kill()
    d.start()
    d.ctl(*add)
    assert "ann" in d.ctl("author", "list")
    assert d.ctl_json("request", "list") == []
    log = [e for e in d.ctl_json("events", "--kind", "admin") if e["what"] == "author added"]
    assert "by admin, approved by bob" in log[-1]["detail"], log
    # principals are in with it
    d.ctl("principal", "add", "sock", "--role", "operator", rc=1)
    d.ctl("request", "deny", "2")


def test_guessing_slows_down_and_open_sessions_go_on(d):
    admin = open(os.path.join(d.state, "admin.psk")).read().split()[:2]
    with Dtls(d.aport, *admin) as s:
        assert s.ask(GET, "a/status") == "2.05"
        for i in range(120):  # with more and more patience
            with Dtls(d.aport, "guess-%d" % i, "00" * 16) as g:
                g.ask(GET, "a/status", timeout=0.15 * (1 + i // 20))
            if "admin: slowed host=127.0.0.1" in open(d.log).read():
                break
        else:
            raise AssertionError("never slowed")
        assert s.ask(GET, "a/status") == "2.05"
    with open(d.log) as f:
        assert f.read().count("admin: slowed") == 1
    # the right key is refused only until the wait is over
    end = time.time() + 100
    while subprocess.run(d.ctl_args("ping"), capture_output=True).returncode != 0:
        assert time.time() < end
    text = urllib.request.urlopen("http://127.0.0.1:%d/metrics" % d.hport, timeout=120).read().decode()
    assert int(re.search(r'suitd_handshakes_total{result="slowed"} (\d+)', text).group(1)) > 0, text


def main():
    with Suitd() as d:
        return run([v for k, v in globals().items() if k.startswith("test_")], d)


if __name__ == "__main__":
    sys.exit(main())
