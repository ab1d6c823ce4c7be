#!/usr/bin/env python3
"""Whose word a device's class is: a stranger who moves devices without a key
to another class, or asks for its manifest in their name, against a real
daemon."""
import http.client
import os
import re
import sqlite3
import sys
import uuid

from coapraw import CON, GET, POST, URI_QUERY, Peer, code, encode, path
from fixture import Suitd, class_id, run

DEMO, OTHER = class_id("demo"), class_id("other")


def dashed(h):
    return str(uuid.UUID(h))


def q(*texts):
    return [(URI_QUERY, t.encode()) for t in texts]


def registers(d, ep, cls, *more, peer=None):
    r = (peer or Peer(d.port)).ask(POST, "rd", q("ep=" + ep, "c=" + cls, *more))
    assert code(r.code) == "2.01", str(r)
    return r


def show(d, ep):
    return d.ctl_json("device", "show", ep)


def told(d, ep, what):
    return [e for e in d.events(ep) if e["what"] == what]


def eps(d, where):
    return sorted(m["ep"] for m in d.ctl_json("device", "list", "--where", where))


def claims(d):
    c = http.client.HTTPConnection("127.0.0.1", d.hport, timeout=60)
    c.request("GET", "/metrics")
    body = c.getresponse().read().decode()
    return {k: int(v) for k, v in re.findall(r'^suitd_class_claims_total\{result="(\w+)"\} (\d+)$', body, re.M)}


def test_a_stranger_moves_no_device_whose_class_is_set(d):
    d.ctl("device", "add", "hall-1", "--class", "demo-a")
    was = claims(d)["kept"]
    # as the device itself, as RFC 9176 and as LwM2M have it, by UUID and by alias
    registers(d, "hall-1", DEMO, "seq=1")
    registers(d, "hall-1", OTHER)
    registers(d, "hall-1", "other-a", "lwm2m=1.1", "b=U", "lt=60")
    r = registers(d, "hall-1", OTHER)
    # an update moves no class at all
    where = "/".join(v.decode() for n, v in r.options if n == 8)
    assert code(Peer(d.port).ask(POST, where, q("c=" + OTHER)).code) == "2.04"
    m = show(d, "hall-1")
    assert (m["class"], m["class_set"], m["class_said"]) == (dashed(DEMO), True, dashed(OTHER)), m
    # told once, counted each time
    ev = told(d, "hall-1", "class not taken")
    assert len(ev) == 1 and dashed(OTHER) in ev[0]["detail"] and dashed(DEMO) in ev[0]["detail"], ev
    assert claims(d)["kept"] == was + 3
    assert "SAYS CLASS" in d.ctl("device", "show", "hall-1")
    why = d.ctl("device", "explain", "hall-1")
    assert dashed(OTHER) in why and dashed(DEMO) in why, why
    assert eps(d, "class_said") == ["hall-1"] and "hall-1" in eps(d, "class == demo-a && class_set")
    # and the device has its release
    r = Peer(d.port).ask(GET, "m", q("ep=hall-1"))
    assert code(r.code) == "2.05" and r.payload == open(d.file("m-demo-2.suit"), "rb").read()[:len(r.payload)]
    registers(d, "hall-1", DEMO)
    assert "class_said" not in show(d, "hall-1") and len(told(d, "hall-1", "class as set")) == 1


def test_another_classs_manifest_in_its_name_ends_no_job(d):
    d.ctl("device", "add", "hall-2", "--class", DEMO)
    registers(d, "hall-2", DEMO, "seq=1")
    d.ctl("campaign", "start", 1, "--device", "hall-2", "--name", "spring")
    was, before = show(d, "hall-2")["job"], claims(d)["fetched"]
    assert was["state"] == "queued", was
    # of higher numbers, one with its image in the manifest
    for cls in (OTHER, class_id("whole")):
        assert code(Peer(d.port).ask(GET, "m/" + cls, q("ep=hall-2")).code) == "2.05"
    now = show(d, "hall-2")["job"]
    assert (now["id"], now["state"], now["campaign"]) == (was["id"], "queued", was["campaign"]), now
    assert claims(d)["fetched"] == before + 2
    assert code(Peer(d.port).ask(GET, "m/" + DEMO, q("ep=hall-2")).code) == "2.05"
    now = show(d, "hall-2")["job"]
    assert (now["id"], now["state"]) == (was["id"], "fetching"), now


def test_its_own_word_counts_again_when_the_class_is_unset(d):
    d.ctl("device", "add", "hall-3", "--class", DEMO)
    registers(d, "hall-3", OTHER)
    d.ctl("device", "add", "hall-3", "--unset", "class")
    m = show(d, "hall-3")
    assert m["class"] == dashed(OTHER) and "class_set" not in m and "class_said" not in m, m
    registers(d, "hall-3", DEMO)
    assert show(d, "hall-3")["class"] == dashed(DEMO) and len(told(d, "hall-3", "class changed")) == 1
    d.ctl("device", "add", "hall-3", "--unset", "tags", rc=1)
    assert "unset=class" in "".join(e.get("detail", "") for e in told(d, "hall-3", "device changed"))


def test_a_class_that_nobody_has_set_changes_and_its_campaign_shows_it(d):
    registers(d, "hall-4", DEMO, "seq=1")
    assert "class_set" not in show(d, "hall-4")
    d.ctl("campaign", "start", 1, "--device", "hall-4", "--name", "autumn")
    job = show(d, "hall-4")["job"]
    registers(d, "hall-4", OTHER)
    assert show(d, "hall-4")["class"] == dashed(OTHER)
    ev = told(d, "hall-4", "class changed")
    assert [(e["campaign"], e["job"], e["grade"]) for e in ev] == [(job["campaign"], job["id"], 0)], ev
    assert "not for its class" in d.ctl("device", "explain", "hall-4")
    assert "hall-4" in eps(d, "class && !class_set")


def test_a_class_learnt_over_a_key_is_not_overwritten_without(d):
    d.ctl("device", "add", "hall-5", "--psk-new")
    before = claims(d)
    for cls in (DEMO, OTHER):
        assert code(Peer(d.port).ask(POST, "rd", q("ep=hall-5", "c=" + cls)).code) == "4.01"
    assert "class" not in show(d, "hall-5") and claims(d) == before


def test_exports_say_whose_word_it_is(d):
    d.ctl("device", "add", "csv-1", "--class", DEMO)
    registers(d, "csv-2", OTHER)
    d.ctl("device", "add", "csv-3")
    out = d.ctl("device", "export")
    for line in ("csv-1,%s,operator,," % dashed(DEMO), "csv-2,%s,device,," % dashed(OTHER), "csv-3,,,,"):
        assert line in out.splitlines(), out
    with Suitd() as new:
        f = new.file("all.csv", out.encode())
        new.ctl("device", "import", f)
        ours = lambda text: [line for line in text.splitlines() if line.startswith(("csv-", "hall-1,", "hall-4,"))]
        assert ours(new.ctl("device", "export")) == ours(out) != []
        assert ", 0 changed," in new.ctl("device", "import", f)
        # what was set there holds, what was said may change
        registers(new, "csv-1", OTHER)
        registers(new, "csv-2", DEMO)
        assert show(new, "csv-1")["class"] == dashed(DEMO) == show(new, "csv-2")["class"]
        # taken back, and set, for many
        new.ctl("device", "import", new.file("by.csv", b"ep,class_by\ncsv-1,device\ncsv-2,operator\n"))
        assert show(new, "csv-1")["class"] == dashed(OTHER) and "class_set" not in show(new, "csv-1")
        assert show(new, "csv-2")["class_set"] is True
        for bad in (b"csv-3,operator", b"csv-2,me"):
            new.ctl("device", "import", new.file("bad.csv", b"ep,class_by\n" + bad + b"\n"), rc=1)


def test_a_backup_and_a_restart_keep_it(d):
    d.ctl("device", "add", "kept", "--class", DEMO)
    registers(d, "kept", OTHER)
    folder = os.path.join(d.dir, "backup")
    d.ctl("backup", folder)
    db = sqlite3.connect(os.path.join(folder, "suitd.db"))
    row = db.execute("SELECT class_set, class_id, class_said FROM device WHERE ep = 'kept'").fetchone()
    db.close()
    assert row == (1, bytes.fromhex(DEMO), bytes.fromhex(OTHER)), row
    d.stop()
    d.start()
    m = show(d, "kept")
    assert m["class_set"] and m["class"] == dashed(DEMO) and m["class_said"] == dashed(OTHER)
    registers(d, "kept", OTHER)
    assert show(d, "kept")["class"] == dashed(DEMO) and len(told(d, "kept", "class not taken")) == 1


def test_one_who_alternates_is_told_and_nothing_else(d):
    """As many events as changes of what is said: no more than registrations make anyway."""
    d.ctl("device", "add", "noisy", "--class", DEMO)
    p = Peer(d.port)
    for i in range(40):
        p.send(encode(CON, POST, 100 + i, b"x", path("rd") + q("ep=noisy", "c=" + (OTHER, class_id("third"))[i % 2])))
    registers(d, "noisy", DEMO)
    assert show(d, "noisy")["class"] == dashed(DEMO)
    assert 1 <= len(told(d, "noisy", "class not taken")) <= 40


def main():
    with Suitd(start=False) as d:
        aliases = "alias demo-a { class = %s }\nalias other-a { class = %s }\n" % (DEMO, OTHER)
        d.flags = ["-v", "-c", d.file("suitd.conf", aliases.encode())]
        d.start()
        d.author()
        d.publish(2, os.urandom(3000), "/fw/demo.bin")
        d.publish(900, os.urandom(3000), "/fw/other.bin", cls="other")
        env = d.file("whole.suit")
        d.ctl("manifest", "create", "--sequence", 901, "--vendor", "example.com", "--class", "whole", "--component", "00",
              "--payload", d.file("whole.bin", os.urandom(200)), "--integrated", "--key", d.file("author.pem"), "--out", env)
        d.ctl("publish", env)
        return run([v for k, v in globals().items() if k.startswith("test_")], d)


if __name__ == "__main__":
    sys.exit(main())
