#!/usr/bin/env python3
"""Keys of devices: two at a time, one that is taken, and thousands from a
file, against a real daemon and suitctl."""
import csv
import io
import os
import subprocess
import sys
import time
import uuid

from coapraw import POST
from fixture import Suitd, class_id, run, wait_for
from test_hostile import ALIVE, Dtls

DEMO = class_id("demo")


def credentials(d, ep):
    return d.ctl_json("device", "credentials", ep)


def export(d):
    return d.ctl("device", "export")


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


# --- two keys ---


def test_REQ_SEC_KEY_ROTATION_old_and_new_key_are_valid_together(d):
    old = d.ctl_json("device", "add", "rot", "--psk-new")
    new = d.ctl_json("device", "psk", "rot", "--new", "--overlap", "7d")
    assert new["identity"] == "rot#2" and new["key"] != old["key"]
    with Dtls(d.sport, "rot", old["key"]) as a, Dtls(d.sport, "rot#2", new["key"]) as b:
        assert a.ask(POST, "r", payload=ALIVE) == "2.04"
        assert b.ask(POST, "r", payload=ALIVE) == "2.04"
        got = credentials(d, "rot")
        assert [c["identity"] for c in got] == ["rot", "rot#2"]
        assert "ends" in got[0] and "ends" not in got[1]
        assert not any("key" in c or "secret" in c for c in got)
        # one is revoked: its session is over at once, the other's is not
        d.ctl("device", "revoke", "rot", "--credential", "rot")
        assert a.ask(POST, "r", payload=ALIVE, timeout=1) == "-"
        assert b.ask(POST, "r", payload=ALIVE) == "2.04"
    with Dtls(d.sport, "rot", old["key"]) as a:
        assert a.ask(POST, "r", payload=ALIVE, timeout=2) == "-"
    with Dtls(d.sport, "rot#2", new["key"]) as b:
        assert b.ask(POST, "r", payload=ALIVE) == "2.04"
    whats = [e["what"] for e in d.events("rot")]
    assert whats.count("device key set") == 2 and "credential revoked" in whats, whats


def test_a_key_ends_by_the_servers_clock_and_its_session_with_it(d):
    old = d.ctl_json("device", "add", "soon", "--psk-new")
    with Dtls(d.sport, "soon", old["key"]) as a:
        assert a.ask(POST, "r", payload=ALIVE) == "2.04"
        new = d.ctl_json("device", "psk", "soon", "--new", "--overlap", "2s")
        wait_for("its end", lambda: "credential ended" in [e["what"] for e in d.events("soon")])
        assert a.ask(POST, "r", payload=ALIVE, timeout=1) == "-"
    assert [c["identity"] for c in credentials(d, "soon")] == ["soon#2"]
    with Dtls(d.sport, "soon#2", new["key"]) as b:
        assert b.ask(POST, "r", payload=ALIVE) == "2.04"


def test_a_device_with_an_old_key_is_found(d):
    """By who looks into the log, at the device, or asks why; and it is over when the key is right."""
    old = d.ctl_json("device", "add", "stale", "--psk-new")
    new = d.ctl_json("device", "psk", "stale", "--new")
    assert "wrong_key" not in d.ctl_json("device", "show", "stale")
    with Dtls(d.sport, "stale", old["key"]):
        wait_for("what fails", lambda: "wrong_key" in d.ctl_json("device", "show", "stale"), 60)
    assert "wrong key" in d.ctl_json("device", "explain", "stale")["note"]
    assert "WRONG KEY" in d.ctl("device", "show", "stale")
    with open(d.log) as f:
        assert f.read().count("wrong key identity=stale ") == 1
    assert not any("handshake" in e["what"] for e in d.events("stale"))
    with Dtls(d.sport, "stale", new["key"]) as b:
        assert b.ask(POST, "r", payload=ALIVE) == "2.04"
    assert "wrong_key" not in d.ctl_json("device", "show", "stale")


def test_a_second_key_is_refused_a_third_one(d):
    d.ctl("device", "add", "three", "--psk-new")
    d.ctl("device", "psk", "three", "--new", "--overlap", "1d")
    d.ctl("device", "psk", "three", "--new", "--overlap", "1d", rc=1)
    for bad in ("0", "-1s", "forever", "4000d"):
        d.ctl("device", "psk", "three", "--new", "--overlap", bad, rc=2)
    d.ctl("device", "psk", "three", rc=2)
    assert d.ctl_json("device", "psk", "three", "--new")["identity"] == "three"
    assert len(credentials(d, "three")) == 1


# --- one key, two devices ---


def alternate(d, ep, sessions, n):
    for i in range(n):
        assert sessions[i % len(sessions)].ask(POST, "r", payload=ALIVE) == "2.04"
    return d.ctl_json("device", "show", ep).get("twin", False)


def test_a_key_that_two_devices_use_is_told(d):
    key = d.ctl_json("device", "add", "twin", "--psk-new")["key"]
    with Dtls(d.sport, "twin", key) as a, Dtls(d.sport, "twin", key, "-bind", "127.0.0.2:0") as b:
        assert not alternate(d, "twin", (a, b), 4)
        assert alternate(d, "twin", (a, b), 8)
    assert [e["what"] for e in d.events("twin")].count("credential used twice") == 1
    assert [x["ep"] for x in d.ctl_json("device", "list", "--where", "twin")] == ["twin"]
    assert d.ctl_json("status")["twins"] == 1
    assert "two devices use" in d.ctl("device", "explain", "twin")
    # another key is the end of it
    new = d.ctl_json("device", "psk", "twin", "--new")["key"]
    assert d.ctl_json("status")["twins"] == 0
    with Dtls(d.sport, "twin", new) as a:
        assert not alternate(d, "twin", (a,), 4)


def test_a_key_that_is_given_to_two_devices_is_told(d):
    key = os.urandom(16).hex()
    assert "shares" not in d.ctl("device", "add", "first", "--psk", key)
    assert "shares" in (out := d.ctl("device", "add", "second", "--psk", key)) and "first" in out, out
    d.ctl("device", "add", "third", "--psk-new")
    assert d.ctl_json("device", "psk", "third", "--psk", key) == {"identity": "third", "shares": "first"}
    f = write(d, "shared.csv", "ep,psk\nfourth,%s\nfifth,%s\n" % (os.urandom(16).hex(), key))
    out = d.ctl("device", "import", f)
    assert "1 with a key that another device has" in out and "shared.csv:3:" in out and "shared.csv:2:" not in out, out
    for ep, n in (("first", 0), ("second", 1), ("third", 1), ("fourth", 0), ("fifth", 1)):
        told = [e["detail"] for e in d.events(ep) if e["what"] == "key shared"]
        assert len(told) == n and all("first" in t and key not in t for t in told), (ep, told)
    # all of them are served: it is told, not refused
    with Dtls(d.sport, "second", key) as s:
        assert s.ask(POST, "r", payload=ALIVE) == "2.04"
    audit = d.ctl("audit", "list", "--kind", "device.twin")
    assert all(ep in audit for ep in ("second", "third", "fifth")) and key not in audit, audit
    log = open(d.log).read()
    assert "ep=third shares its key with first" in log and key not in log


def test_a_device_that_moves_is_one(d):
    key = d.ctl_json("device", "add", "moves", "--psk-new")["key"]
    for host in range(3, 20):
        with Dtls(d.sport, "moves", key, "-bind", "127.0.0.%d:0" % host) as s:
            assert not alternate(d, "moves", (s,), 3)


# --- many devices ---


def write(d, name, text):
    return d.file(name, text.encode())


def test_a_file_is_imported_and_again_changes_nothing(d):
    f = write(d, "a.csv", "ep,class,tags,identity,psk\r\n"
              "im1,%s,site=north;floor=1,,00112233445566778899aabbccddeeff\r\n"
              'im2,,"note=a\\;b,c",serial/2,new\r\n'
              "im3,,,,\r\n" % DEMO)
    keys = os.path.join(d.dir, "a.keys")
    assert d.ctl_json("device", "import", f, "--keys", keys)["added"] == 3
    assert os.stat(keys).st_mode & 0o777 == 0o600
    made = rows(open(keys).read())
    assert [(k["ep"], k["identity"]) for k in made] == [("im2", "serial/2")]
    with Dtls(d.sport, "serial/2", made[0]["psk"]) as s:
        assert s.ask(POST, "r", payload=ALIVE) == "2.04"
    with Dtls(d.sport, "im1", "00112233445566778899aabbccddeeff") as s:
        assert s.ask(POST, "r", payload=ALIVE) == "2.04"
        # again: nothing changes, and nobody loses his session
        got = d.ctl_json("device", "import", f, "--keys", keys)
        assert (got["added"], got["changed"], got["same"]) == (0, 0, 3), got
        assert s.ask(POST, "r", payload=ALIVE) == "2.04"
    assert rows(open(keys).read()) == made
    # without the file of keys, a device that has one keeps it
    other = os.path.join(d.dir, "b.keys")
    assert d.ctl_json("device", "import", f, "--keys", other)["same"] == 3
    assert rows(open(other).read()) == []


def test_what_is_exported_is_imported(d):
    write(d, "x.csv", "")
    d.ctl("device", "import", write(d, "e.csv", "ep,class,tags,psk\nex1,%s,a=1;b=2,%s\nex2,,,\n" % (DEMO, "ab" * 16)))
    out = export(d)
    mine = {r["ep"]: r for r in rows(out)}
    assert mine["ex1"] == {"ep": "ex1", "class": str(uuid.UUID(DEMO)), "class_by": "operator", "tags": "a=1;b=2",
                           "identity": "ex1"}, mine["ex1"]
    assert "ab" * 16 not in out
    got = d.ctl_json("device", "import", write(d, "back.csv", out))
    assert got["added"] == got["changed"] == 0 and got["same"] == len(mine), got
    with Suitd() as e:
        got = e.ctl_json("device", "import", write(e, "back.csv", out), "--psk-new", "--keys", os.path.join(e.dir, "k"))
        assert got["added"] == len(mine)
        assert {k: v for k, v in ((r["ep"], r["tags"]) for r in rows(export(e)))} == {k: r["tags"] for k, r in mine.items()}
        assert len(rows(open(os.path.join(e.dir, "k")).read())) == len(mine)


def refused(d, text, *want, rc=1, args=()):
    before = export(d)
    out = d.ctl("device", "import", write(d, "bad.csv", text), *args, rc=rc)
    for w in want:
        assert w in out, (w, out)
    assert export(d) == before


def test_a_batch_is_whole_or_nothing_and_says_which_lines(d):
    d.ctl("device", "add", "taken", "--psk", "cd" * 16)
    many = "".join("no%d,,,,\n" % i for i in range(50))
    refused(d, "ep,class,tags,identity,psk\n" + many + "no50,,,taken,%s\nno51,nosuch,,,\n" % ("ef" * 16),
            "bad.csv:52:", "bad.csv:53:", "lines 2 to 53")
    # what suitctl itself sees, the other lines go on
    out = d.ctl("device", "import", write(d, "bad.csv", "ep,psk\nok1,\n"
                "b d,\nb2,zz\nb3,00\n\"b4,\nb5\nok2,\n"), rc=1)
    for n in (3, 4, 5, 6, 7):
        assert "bad.csv:%d:" % n in out, out
    assert {"ok1", "ok2"} <= {r["ep"] for r in rows(export(d))}
    refused(d, "ep,nonsense\na,b\n", rc=2)
    refused(d, "class\nx\n", rc=2)
    refused(d, "ep,ep\na,b\n", rc=2)
    refused(d, "ep,psk\nx,new\n", "--keys", rc=2)
    refused(d, "ep\n" + "x" * 8192 + "\n", "bad.csv:2:", rc=2)
    refused(d, "ep\n" + "x" * 8191 + "\n", "bad.csv:2: ep: longer", rc=1)
    refused(d, "ep\nx\0y\n", "bad.csv:2:", rc=2)


def test_a_dry_run_changes_nothing(d):
    keys = os.path.join(d.dir, "dry.keys")
    before = export(d)
    f = write(d, "dry.csv", "ep,class,psk\ndry1,%s,new\ndry2,,%s\n" % (DEMO, "01" * 16))
    assert "would be: 2 added" in d.ctl("device", "import", f, "--dry-run", "--keys", keys)
    assert export(d) == before and not os.path.exists(keys)
    refused(d, "ep,class\ndry1,nosuch\n", "bad.csv:2:", args=("--dry-run",))


def test_an_import_that_was_killed_goes_on_with_the_same_keys(d):
    keys = os.path.join(d.dir, "k.keys")
    f = write(d, "k.csv", "ep,psk\n" + "".join("kill%d,new\n" % i for i in range(5000)))
    p = subprocess.Popen(d.ctl_args("device", "import", f, "--keys", keys), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not os.path.exists(keys) or os.path.getsize(keys) < 20000:
        assert time.monotonic() < deadline and p.poll() is None
        time.sleep(0.01)
    p.kill()
    p.wait()
    assert os.stat(keys).st_mode & 0o777 == 0o600
    with open(keys, "a") as k:
        k.write("kill4999,kill")  # cut off
    first = {r["ep"]: r["psk"] for r in rows(open(keys).read()[:-len("kill4999,kill")])}
    got = d.ctl_json("device", "import", f, "--keys", keys)
    assert got["added"] + got["same"] == 5000 and got["added"] > 0, got
    last = {r["ep"]: r["psk"] for r in rows(open(keys).read())}
    assert len(last) == 5000 and all(last[e] == k for e, k in first.items())
    for ep in ("kill0", "kill4999"):
        with Dtls(d.sport, ep, last[ep]) as s:
            assert s.ask(POST, "r", payload=ALIVE) == "2.04", ep


def test_a_file_that_is_none_of_keys_or_that_others_read_is_refused(d):
    for other in (b"-----BEGIN PRIVATE KEY-----", b"ep,psk\nx,new\n", b"\0\0", b"ep,identity,psk"):
        keys = d.file("other.keys", other)
        os.chmod(keys, 0o600)
        refused(d, "ep,psk\nx,new\n", "another file", rc=2, args=("--keys", keys))
        assert open(keys, "rb").read() == other, "left as it is"
    keys = d.file("open.keys", b"ep,identity,psk\n")
    os.chmod(keys, 0o644)
    refused(d, "ep,psk\nx,new\n", "chmod 600", rc=2, args=("--keys", keys))


# --- what is left of a key in memory ---


def copies(pid, what):
    n = 0
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb") as mem:
        for line in maps:
            span, may = line.split()[:2]
            at, end = (int(x, 16) for x in span.split("-"))
            if may.startswith("rw") and end - at < 1 << 30:  # larger is a sanitizer's own
                mem.seek(at)
                n += mem.read(end - at).count(what)
    return n


def test_an_answer_with_a_new_key_is_kept_by_nobody_here(d):
    """As it was answered: the key behind its name. Two copies are others', in memory that is free: libcoap's message and
    OpenSSL's record. One more is ours."""
    for ep, args, name, field in (("wiped", ("psk", "wiped", "--new"), b"ckeyP", "key"),
                                  ("wiped2", ("oscore", "wiped2", "--new"), b"fsecretP", "secret")):
        d.ctl("device", "add", ep)
        key = bytes.fromhex(d.ctl_json("device", *args)[field])
        assert len(key) == 16, "the header of its bytes is P"
        wait_for("two copies", lambda: copies(d.proc.pid, name + key) <= 2, 30)


def main():
    with Suitd() as d:
        return run([v for k, v in globals().items() if k.startswith("test_")], d)


if __name__ == "__main__":
    sys.exit(main())
