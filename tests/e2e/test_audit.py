#!/usr/bin/env python3
"""The audit log: whatever an operator or an author does is in it, in the transaction of what was done; who is refused is in
it, too, and cannot fill it."""
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

from auditlog import entries, fsck, kinds
from coapraw import BLOCK2, CONTENT_FORMAT, DELETE, GET, POST, PUT, URI_QUERY, Peer, block, code, uint
from fixture import BIN, TOP, Suitd, class_id, run, wait_for
from test_hostile import ALIVE, Dtls


def told(d, n, *args):
    """The entries, as soon as there are n: what changes nothing is written a turn later, or a tick."""
    wait_for("%d of %s" % (n, args), lambda: len(entries(d, *args)) >= n)
    return entries(d, *args)


def entries_slowly(d):
    """Of a server that has slowed us as well; there may be none."""
    r = subprocess.run(d.ctl_args("--json", "audit", "list", "--all"), capture_output=True, text=True)
    return json.loads(r.stdout) if r.returncode == 0 else []


def test_everything_that_changes_something_has_its_entry(_):
    """Each sentence of suitctl that changes something, and what the log has of it."""
    with Suitd() as d:
        d.author(name="alice")
        d.ctl("author", "add", "bob", d.file("alice.pub"))
        d.publish(1, b"x" * 3000, "/fw/1.bin", author="alice")
        env, fw = d.manifest(2, b"y" * 3000, "/fw/2.bin", author="alice")
        d.ctl("publish", env, "--payload", fw, "--staged")
        d.ctl("device", "add", "kitchen", "--class", class_id("demo"), "--psk-new")
        d.ctl("device", "add", "kitchen", "--driver", "observe")
        d.ctl("device", "tag", "kitchen", "site=home")
        d.ctl("device", "revoke", "kitchen")
        d.ctl("device", "restore", "kitchen")
        d.ctl("campaign", "start", 2, "--where", 'ep ~ "kit*"')
        c = wait_for("a campaign", lambda: [c for c in d.ctl_json("campaign", "list") if c["state"] == "running"])[0]["id"]
        for action in ("pause", "resume", "abort"):
            d.ctl("campaign", action, c, *(["--hard", "--yes"] if action == "abort" else []))
        d.ctl("job", "retry", "kitchen", rc=None)
        d.ctl("release", "offer", 2, rc=1)  # withdrawn, and so no entry
        env, fw = d.manifest(3, b"y" * 3000, "/fw/2.bin", author="alice")
        d.ctl("publish", env, "--payload", fw, "--staged")
        d.ctl("release", "offer", 3)
        d.ctl("release", "withdraw", 1)
        d.ctl("image", "clean")
        d.ctl("backup", d.file("backup"))
        d.ctl("device", "remove", "kitchen")
        d.ctl("author", "remove", "bob")
        d.proc.send_signal(signal.SIGHUP)
        wait_for("the reload", lambda: "config.reload" in kinds(d))
        mine = [(e["kind"], e["subject"]) for e in entries(d, "--who", "admin")]
        for what in (("author.add", "alice"), ("author.add", "bob"), ("release.publish", "release 1"),
                     ("release.publish", "release 2"), ("image.upload", hashlib.sha256(b"x" * 3000).hexdigest()),
                     ("device.add", "kitchen"), ("device.psk", "kitchen"), ("device.change", "kitchen"),
                     ("device.tag", "kitchen"), ("device.revoke", "kitchen"), ("device.allow", "kitchen"),
                     ("campaign.start", "campaign %d" % c), ("campaign.pause", "campaign %d" % c),
                     ("campaign.resume", "campaign %d" % c), ("campaign.abort", "campaign %d" % c),
                     ("release.offer", "release 3"), ("release.withdraw", "release 1"), ("image.clean", ""),
                     ("backup.begin", ""), ("device.remove", "kitchen"), ("author.remove", "bob"),
                     ("operator.login", "127.0.0.1")):
            assert what in mine, (what, mine)
        assert any(k == "backup" for k, _ in mine) and ("change", "") not in mine, mine
        abort = entries(d, "--kind", "campaign.abort")
        assert [e["detail"] for e in abort] == ["hard, and the release is withdrawn"], abort
        own = kinds(d, "--who", "(suitd)")
        for what in ("start", "campaign.plan", "campaign.start", "campaign.wave", "config.reload"):
            assert what in own, (what, own)
        tag = entries(d, "--kind", "device.tag")
        assert len(tag) == 1 and tag[0]["detail"] == "site=home", tag
        assert [e["subject"] for e in entries(d, "--subject", "kitchen")] == ["kitchen"] * 7
        d.ctl("audit", "verify")
        d.stop()
        fsck(d, 0)
        d.start()
        assert "stop" in kinds(d, "--who", "(suitd)")


def changing():
    """Path and method of all that is no look, as docs/RIGHTS.txt has it, which is the daemon's table (tests/daemon/test_rights.c)."""
    for line in open(os.path.join(TOP, "docs/RIGHTS.txt")):
        w = line.split()
        if len(w) > 2 and w[0].startswith("a/") and w[1] not in ("GET", "FETCH"):
            yield w[0], w[1]


def admin(d):
    return open(os.path.join(d.state, "admin.psk")).read().split("\n")[0].split()


def op(d, *more):
    return lambda: d.ctl(*more)


def from_now_on(d, option):
    d.stop()
    d.options.append(option)
    d.start()


def asked(d, method, path, query=(), payload=b"", answer="2"):
    """By hand: suitctl does this only in the middle of other things."""
    def ask():
        with Dtls(d.aport, *admin(d)) as s:
            got = s.ask(method, path, query, payload)
            assert got.startswith(answer), (path, got)
    return ask


def walk(d):
    """One of each: what is done, and the kind of its entry. In this order; a row of the table may be there twice."""
    d.ctl("key", "new", "--out", d.file("alice.pem"), "--public", d.file("alice.pub"))
    d.ctl("key", "new", "--out", d.file("boot.pem"), "--public", d.file("boot.pub"))
    bob = d.file("bob.psk", d.ctl("principal", "add", "bob", "--role", "operator", "--psk-new").encode())
    fw, image = d.file("fw.bin", b"x" * 3000), hashlib.sha256(b"x" * 3000).hexdigest()
    env = []
    for seq in (1, 2):
        env.append(d.file("%d.suit" % seq))
        d.ctl("manifest", "create", "--sequence", seq, "--vendor", "example.com", "--class", "demo", "--component", "00",
              "--payload", fw, "--uri", "/fw.bin", "--key", d.file("alice.pem"), "--out", env[-1])
    csv = d.file("more.csv", b"ep,class,tags\nyard,%s,site=yard\n" % class_id("demo").encode())

    def publish(n, *more):
        return op(d, "publish", env[n], "--payload", fw, *more)

    def as_bob(*words):
        return lambda: subprocess.run([os.path.join(BIN, "suitctl"), "--admin", "coaps://127.0.0.1:%d" % d.aport, "--psk-file",
                                       bob] + list(words), check=True, capture_output=True)

    cert = d.file("kitchen.crt")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=kitchen",
                    "-keyout", d.file("kitchen.key"), "-out", cert], check=True, capture_output=True)

    def fails():
        """The device in the yard says that it trusts no such author."""
        p, ep = Peer(d.port), [(URI_QUERY, b"ep=yard")]
        assert code(p.ask(GET, "m", ep + [(BLOCK2, block(0, 6))]).code) == "2.05"
        for said in (b"\xa1\x00\x01", b"\xa2\x00\x05\x01\x0d"):
            assert code(p.ask(POST, "r", [(CONTENT_FORMAT, uint(60))] + ep, said).code) == "2.04"

    four = [("PUT a/trust", "request.ask", asked(d, PUT, "a/trust", payload=b"%d" % i, answer="4.09")) for i in range(3)]
    return [
        ("PUT a/keys/{name}", "author.add", op(d, "author", "add", "alice", d.file("alice.pub"))),
        ("PUT a/devices/{ep}", "device.add", op(d, "device", "add", "kitchen", "--class", class_id("demo"))),
        ("PUT a/devices/{ep}", "device.change", op(d, "device", "add", "kitchen", "--driver", "observe")),
        ("POST a/devices", "device.import", op(d, "device", "import", csv)),
        ("POST a/devices/{ep}/psk", "device.psk", op(d, "device", "psk", "kitchen", "--new")),
        ("PUT a/devices/{ep}/psk", "device.psk", op(d, "device", "psk", "kitchen", "--psk", "33" * 16, "--overlap", "1d")),
        ("POST a/devices/{ep}/oscore", "device.oscore", op(d, "device", "oscore", "kitchen", "--new")),
        ("DELETE a/devices/{ep}/credentials/{id}", "credential.revoke", op(d, "device", "revoke", "kitchen", "--credential", "kitchen")),
        ("PUT a/devices/{ep}/cert", "device.cert", op(d, "device", "cert", "kitchen", cert)),
        ("POST a/revoked", "cert.revoke", op(d, "device", "revoke-cert", "--serial", "0a", "--issuer", "CN=x", "--reason", "lost")),
        ("POST a/revoked", "cert.restore", op(d, "device", "revoke-cert", "--serial", "0a", "--issuer", "CN=x", "--undo")),
        ("PUT a/devices/{ep}/attest", "device.attest", op(d, "device", "attest", "kitchen", d.file("boot.pub"))),
        ("DELETE a/devices/{ep}/attest", "device.unattest", op(d, "device", "attest", "kitchen", "--remove")),
        ("PUT a/devices/{ep}/tags", "device.tag", op(d, "device", "tag", "kitchen", "site=home")),
        ("POST a/devices/{ep}/{action}", "device.revoke", op(d, "device", "revoke", "kitchen")),
        ("POST a/devices/{ep}/{action}", "device.allow", op(d, "device", "restore", "kitchen")),
        ("PUT a/images/{d}", "image.upload", publish(0)),
        ("POST a/releases", "release.publish", publish(1, "--staged")),
        ("POST a/releases/{id}/offer", "release.offer", op(d, "release", "offer", "2")),
        ("POST a/campaigns", "campaign.create", op(d, "campaign", "plan", "2", "--where", 'ep ~ "yard"')),
        ("POST a/campaigns", "campaign.start", op(d, "campaign", "start", "2", "--where", 'ep ~ "yard"')),
        ("POST a/campaigns/{id}/{action}", "campaign.pause", lambda: (wait_for("a campaign", lambda: [
            c for c in d.ctl_json("campaign", "list") if c["state"] == "running"]), d.ctl("campaign", "pause", "2"))),
        ("POST a/campaigns/{id}/{action}", "campaign.resume", op(d, "campaign", "resume", "2")),
        (None, None, fails),
        ("POST a/jobs/{id}/retry", "job.retry", op(d, "job", "retry", "yard")),
        ("POST a/campaigns/{id}/{action}", "campaign.abort", op(d, "campaign", "abort", "2")),
        ("DELETE a/releases/{id}", "release.withdraw", op(d, "release", "withdraw", "1")),
        ("POST a/images", "image.clean", op(d, "image", "clean")),
        ("POST a/backup", "backup.begin", asked(d, POST, "a/backup", ["id=walk"])),
        ("DELETE a/backup/{id}", "backup.cancel", asked(d, DELETE, "a/backup/walk")),
        ("POST a/backup/{id}/{part}", "backup", op(d, "backup", d.file("backup"))),
        ("PUT a/principals/{name}", "principal.add", op(d, "principal", "add", "eve", "--role", "auditor")),
        ("PUT a/principals/{name}", "principal.change", op(d, "principal", "add", "eve", "--role", "operator")),
        ("POST a/principals/{name}/key", "principal.key", op(d, "principal", "rotate", "eve")),
        ("DELETE a/principals/{name}", "principal.remove", op(d, "principal", "remove", "eve")),
        (None, None, lambda: from_now_on(d, "four_eyes=trust")),
        four[0], four[1], four[2],
        ("POST a/requests/{id}/approve", "request.approve", as_bob("approve", "1")),
        ("DELETE a/requests/{id}", "request.deny", as_bob("request", "deny", "2")),
        ("DELETE a/requests/{id}", "request.withdraw", op(d, "request", "deny", "3")),
        ("DELETE a/keys/{name}", "author.remove", op(d, "author", "remove", "alice")),
        ("DELETE a/devices/{ep}", "device.remove", op(d, "device", "remove", "kitchen")),
    ], image


def test_REQ_SEC_ACCESS_CONTROL_every_row_that_changes_something_leaves_an_entry(_):
    """Row by row of the operators' table: a row without a case here fails."""
    with Suitd() as d:
        steps, image = walk(d)
        missing = {m + " " + p for p, m in changing()} - {row for row, _, _ in steps}
        assert not missing and len(list(changing())) > 25, missing
        for row, kind, do in steps:
            last = entries(d)[-1]["n"]
            do()
            if kind is None:
                continue
            new = [e for e in entries(d) if e["n"] > last and e["who"] in ("admin", "bob")]
            assert kind in [e["kind"] for e in new], (row, kind, new)
            assert "change" not in [e["kind"] for e in new], (row, new)  # each has a kind of its own
        assert [e["subject"] for e in entries(d, "--kind", "image.upload")] == [image]
        assert entries(d, "--kind", "cert.revoke")[0]["detail"] == "0a@CN=x: lost"
        d.ctl("audit", "verify")


def test_REQ_SEC_RIGHTS_who_approved_is_in_the_entry_of_what_was_done(_):
    with Suitd() as d:
        d.ctl("key", "new", "--out", d.file("a.pem"), "--public", d.file("a.pub"))
        bob = d.file("bob.psk", d.ctl("principal", "add", "bob", "--role", "operator", "--psk-new").encode())
        from_now_on(d, "four_eyes=author")
        d.ctl("author", "add", "ann", d.file("a.pub"), rc=1)
        subprocess.run([os.path.join(BIN, "suitctl"), "--admin", "coaps://127.0.0.1:%d" % d.aport, "--psk-file", bob, "approve", "1"],
                       check=True, capture_output=True)
        assert not entries(d, "--kind", "author.add")
        d.ctl("author", "add", "ann", d.file("a.pub"))
        e = entries(d, "--kind", "author.add")
        assert len(e) == 1 and e[0]["who"] == "admin" and e[0]["detail"].endswith("approved by bob, request 1"), e
        steps = [(e["kind"], e["who"], e["subject"]) for e in entries(d, "--subject", "request 1")]
        assert steps == [("request.ask", "admin", "request 1"), ("request.approve", "bob", "request 1")], steps


def test_who_did_what_to_one_thing_since_when(_):
    """Filters are the server's, page by page, so that a long log is no long answer."""
    with Suitd() as d:
        for ep in ("kitchen", "cellar"):
            d.ctl("device", "add", ep, "--class", class_id("demo"))
        n = entries(d)[-1]["n"]
        for i in range(5):
            d.ctl("device", "tag", "kitchen", "i=%d" % i)
        got = entries(d, "--subject", "kitchen", "--who", "admin")
        assert [e["kind"] for e in got] == ["device.add"] + ["device.tag"] * 5, got
        assert [e["n"] for e in entries(d, "--from", n + 1, "--kind", "device.tag")] == [e["n"] for e in got[1:]]
        assert entries(d, "--from", got[-1]["n"] + 1, "--subject", "kitchen") == []
        assert entries(d, "--since", "1h", "--kind", "device.add") == entries(d, "--kind", "device.add")
        day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 2 * 86400))
        assert entries(d, "--since", day) == [] and entries(d, "--since", "2020-01-01") == entries(d)
        assert entries(d, "--since", "9223372036854775807s") == entries(d)
        d.ctl("audit", "list", "--since", "yesterday", rc=2)


def test_what_strangers_and_the_clock_do_is_in_it(_):
    """A changed file of operators, a key that ends, a claim for another device, and guessing."""
    with Suitd() as d:
        line = d.ctl("operator", "new", "zoe")
        with open(os.path.join(d.state, "admin.psk"), "a") as f:
            f.write(line)
        wait_for("the file is told", lambda: entries(d, "--kind", "operators"))
        e = entries(d, "--kind", "operators")
        assert len(e) == 1 and e[0]["who"] == "" and e[0]["detail"] == "added zoe" and line.split()[1] not in str(entries(d)), e
        key = d.ctl_json("device", "add", "lamp", "--psk-new")["key"]
        d.ctl("device", "add", "other", "--psk-new")
        with Dtls(d.sport, "lamp", key) as s:
            assert s.ask(POST, "r", ["ep=other"], ALIVE) == "4.03"
        d.ctl("device", "psk", "lamp", "--new", "--overlap", "2s")
        assert code(Peer(d.port).ask(POST, "r", [(URI_QUERY, b"ep=other")], ALIVE).code) == "4.01"
        claims = [(e["who"], e["subject"], e["detail"].split(",")[0]) for e in told(d, 2, "--kind", "refusal")]
        assert claims == [("lamp", "other", "IMPERSONATION: the credential is of lamp"),
                          ("?", "other", "IMPERSONATION: without its credential")], claims
        wait_for("the old key ends", lambda: entries(d, "--kind", "credential.end"))
        e = entries(d, "--kind", "credential.end")[0]
        assert (e["who"], e["subject"]) == ("", "lamp") and e["detail"].startswith("psk lamp"), e
        for i in range(60):  # with more and more patience
            with Dtls(d.aport, "guess-%d" % i, "00" * 16) as s:
                s.ask(POST, "a/backup", timeout=0.3 * (1 + i // 10))
            if "admin: slowed" in open(d.log).read():
                break
        wait_for("it is told", lambda: [e for e in entries_slowly(d) if e["detail"].startswith("SLOWED")])


def test_each_operator_by_name_and_what_was_approved(_):
    with Suitd(["campaign_approval=true"]) as d:
        with open(os.path.join(d.state, "admin.psk"), "a") as f:
            f.write(d.ctl("operator", "new", "bob"))
        d.author(name="alice")
        d.publish(1, b"x" * 3000, "/fw/1.bin", author="alice")
        d.ctl("device", "add", "kitchen", "--class", class_id("demo"))
        plan = d.ctl_json("campaign", "plan", 1, "--where", 'ep ~ "kit*"')
        plan = plan["plan"] if isinstance(plan, dict) else plan[0]["plan"]
        d.ctl("campaign", "approve", "--plan", plan, rc=1)  # the one who has planned it
        d.ctl("--as", "bob", "campaign", "approve", "--plan", plan)
        refused = told(d, 1, "--kind", "refusal")
        assert [e["detail"].split(":")[0] for e in refused] == ["FORBIDDEN"], refused
        said = entries(d, "--kind", "campaign.approve")
        assert [(e["who"], e["detail"]) for e in said] == [("bob", "plan " + plan[:12])], said
        planned = entries(d, "--kind", "campaign.plan")
        assert planned[0]["who"] == "" and planned[0]["detail"].startswith("plan %s: 1 devices" % plan[:12]), planned
        assert [e["who"] for e in entries(d, "--kind", "campaign.create")] == ["admin"]
        assert {e["who"] for e in entries(d, "--kind", "operator.login")} == {"admin", "bob"}
        d.ctl("audit", "verify")


def test_every_change_has_a_kind_of_its_own(_):
    """Nothing that suitctl changes about devices' credentials and about principals is just a change."""
    with Suitd() as d:
        d.ctl("device", "add", "cellar", "--psk", "00" * 16)
        d.file("devices.csv", b"ep,psk\ncellar,%s\nattic,%s\n" % (b"11" * 16, b"22" * 16))
        d.ctl("device", "import", d.file("devices.csv"))
        d.ctl("device", "revoke", "cellar", "--credential", "cellar")
        d.ctl("key", "new", "--out", d.file("b.key"), "--public", d.file("b.pub"))
        d.ctl("device", "attest", "cellar", d.file("b.pub"))
        d.ctl("device", "attest", "cellar", "--remove")
        d.ctl("device", "revoke-cert", "--serial", "0a")
        d.ctl("device", "revoke-cert", "--serial", "0a", "--undo")
        d.ctl("principal", "add", "nora", "--role", "operator")
        d.ctl("principal", "add", "nora", "--role", "auditor")
        d.ctl("principal", "rotate", "nora")
        d.ctl("principal", "remove", "nora")
        mine = [(e["kind"], e["subject"]) for e in entries(d, "--who", "admin")]
        for what in (("device.import", ""), ("credential.revoke", "cellar"), ("device.attest", "cellar"),
                     ("device.unattest", "cellar"), ("cert.revoke", ""), ("cert.restore", ""), ("principal.add", "nora"),
                     ("principal.change", "nora"), ("principal.key", "nora"), ("principal.remove", "nora")):
            assert what in mine, (what, mine)
        # once when it was added, and once more when the file had another one
        assert mine.count(("device.psk", "cellar")) == 2 and "change" not in [k for k, _ in mine], mine
        d.ctl("audit", "verify")


def test_what_is_not_stored_is_not_audited(_):
    with Suitd() as d:
        told(d, 1, "--kind", "operator.login")
        before = len(entries(d))
        d.ctl("device", "tag", "nobody", "a=b", rc=1)
        d.ctl("campaign", "start", 77, rc=1)
        d.ctl("author", "remove", "nobody", rc=1)
        assert len([e for e in entries(d) if e["kind"] != "refusal"]) == before
        for wrong in (["--kind", "nonsense"], ["--subject", "s" * 129], ["--limit", "0"], ["--all", "--limit", "5"]):
            assert subprocess.run(d.ctl_args("audit", "list", *wrong), capture_output=True).returncode != 0, wrong


def test_REQ_SEC_ACCESS_CONTROL_a_foreign_class_is_refused_and_audited(_):
    with Suitd() as d:
        d.author(name="a")
        d.ctl("author", "add", "a", d.file("a.pub"), "--class", class_id("other"))
        d.publish(1, b"z" * 2000, "/fw/z.bin", author="a", rc=1)
        refused = told(d, 1, "--kind", "refusal")
        assert len(refused) == 1 and refused[0]["who"] == "admin", refused
        assert refused[0]["detail"].startswith("CLASS: ") and refused[0]["subject"] == "POST a/releases", refused


def test_REQ_SEC_AUTHENTIC_a_strangers_signature_is_refused_and_audited(_):
    with Suitd() as d:
        d.author(name="a")
        d.ctl("author", "remove", "a")
        d.publish(1, b"z" * 2000, "/fw/z.bin", author="a", rc=1)
        assert [e["detail"].split(":")[0] for e in told(d, 1, "--kind", "refusal")] == ["SIGNATURE"]
        # and what was published by nobody cannot be replayed as old
        assert not [k for k in kinds(d) if k == "release.publish"]


def test_who_is_refused_again_and_again_cannot_fill_it(_):
    with Suitd() as d:
        d.author(name="a")
        d.ctl("author", "remove", "a")
        env, fw = d.manifest(1, b"z" * 2000, "/fw/z.bin", author="a")
        for _ in range(30):
            d.ctl("publish", env, "--payload", fw, rc=1)
        assert len(told(d, 1, "--kind", "refusal")) == 1 and len(told(d, 1, "--kind", "operator.login")) == 1
        d.stop()  # what was only counted is written then
        d.start()
        refused = told(d, 2, "--kind", "refusal")
        assert len(refused) == 2 and refused[1]["detail"].startswith("29 times, the last: SIGNATURE"), refused
        logins = [int(e["detail"].split()[0]) if e["detail"] else 1 for e in entries(d, "--kind", "operator.login")]
        assert sum(logins[:2]) > 30, logins
        d.ctl("audit", "verify")


def main():
    return run([v for k, v in globals().items() if k.startswith("test_")], None)


if __name__ == "__main__":
    sys.exit(main())
