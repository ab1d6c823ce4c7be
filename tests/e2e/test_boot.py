#!/usr/bin/env python3
"""Signed boot reports from end to end: suitsim's bootloaders, suitd, what suitctl shows, and replays of what was
heard on the way."""
import os
import subprocess
import sys

from coapraw import CONTENT_FORMAT, GET, POST, URI_PATH, URI_QUERY, Msg, Peer, code, encode, uint
from fixture import BIN, Lossy, Suitd, class_id, run, wait_for
from test_fleet import end, start, tidy

COSE_SIGN1 = 18
N = 4


class Tap(Lossy):
    """A relay that keeps every boot report, once each."""
    def __init__(self, port):
        self.reports = []
        super().__init__(port, 0)

    def seen(self, data, to_server):
        m = Msg(data)
        if to_server and m.code == POST and m.uint(CONTENT_FORMAT) == COSE_SIGN1 and m.payload not in self.reports:
            self.reports.append(m.payload)


def bootloaders(d):
    """Keys of the devices, known to suitd; their directory."""
    folder = os.path.join(d.dir, "boot")
    os.makedirs(folder)
    subprocess.run([os.path.join(BIN, "suitsim"), "-n", str(N), "--attest", folder, "--list-devices"], check=True,
                   stdout=subprocess.DEVNULL)
    for i in range(N):
        ep = "sim-%04d" % i
        d.ctl("device", "add", ep, "--class", class_id("demo"))
        d.ctl("device", "attest", ep, os.path.join(folder, ep + ".pub.pem"))
    return folder


def say(d, report):
    p = Peer(d.port)
    r = p.ask(POST, "r", [(CONTENT_FORMAT, uint(COSE_SIGN1))], report)
    p.close()
    return code(r.code)


def campaign(d, *rules):
    rel = d.ctl_json("release", "list")[0]["id"]
    d.ctl("campaign", "start", rel, "--waves", "100%", "--soak", "0", *rules)
    return d.ctl_json("campaign", "list")[0]["id"]


def show(d, ident):
    return d.ctl_json("campaign", "show", ident)


@tidy
def test_a_campaign_that_asks_for_proof_is_done_by_boot_reports(_):
    with Suitd() as d, Tap(d.port) as tap:
        d.author()
        d.publish(2, os.urandom(3000), "/fw/2.bin")
        folder = bootloaders(d)
        d.ctl("device", "add", "without", "--class", class_id("demo"))
        c = campaign(d, "--grade", "L2", "--grade-nonce")
        why = {v["name"]: v["n"] for v in show(d, c)["verdicts"]}
        assert why == {"update": N, "proof": 1}, why
        fleet = end(start(d, N, "--attest", folder, "--attest-nonce", uri="coap://127.0.0.1:%d" % tap.port))
        assert all(x["state"] == "updated" and x["boot_reports"] >= 2 for x in fleet.values()), fleet
        wait_for("the end", lambda: show(d, c)["state"] == "finished")
        m = show(d, c)
        assert m["counts"]["done_l2"] == N and "done_l1" not in m["counts"], m["counts"]
        assert m["waves"][0]["grade"] == "L2", m["waves"]
        assert "done (L2)" in d.ctl("campaign", "show", c)
        dev = d.ctl_json("device", "show", "sim-0000")
        assert (dev["seq"], dev["grade"], dev["attest"]["result"]) == (2, 2, "ok"), dev
        assert dev["attest"]["fresh_at"] > 0
        assert d.ctl_json("status")["done"] == {"l0": 0, "l1": 0, "l2": N}
        assert "signed" in d.ctl("device", "explain", "sim-0000")

        # what was heard on the way says nothing any more, whoever sends it
        before = d.ctl_json("device", "show", "sim-0000")["attest"]
        assert len(tap.reports) >= 2 * N
        for _ in range(5):
            for report in tap.reports:
                assert say(d, report) == "4.09", report.hex()
        after = d.ctl_json("device", "show", "sim-0000")["attest"]
        assert {k: before[k] for k in ("boot_ctr", "report_seq", "at")} == \
            {k: after[k] for k in ("boot_ctr", "report_seq", "at")}
        assert after["refused"] == 1, after
        bent = bytearray(tap.reports[-1])
        bent[-1] ^= 1
        assert say(d, bytes(bent)) == "4.03"


@tidy
def test_REQ_SEC_REPORTING_old_failures_sent_again_stop_no_campaign(_):
    with Suitd(["deadline_install=16s"]) as d, Tap(d.port) as tap:
        d.author()
        d.publish(2, os.urandom(3000), "/fw/2.bin")
        folder = bootloaders(d)
        c = campaign(d, "--grade", "L2")
        # the first release breaks devices, and is proven to
        end(start(d, N, "--attest", folder, "--bad-boot", "100%", uri="coap://127.0.0.1:%d" % tap.port))
        wait_for("failures", lambda: sum(f["n"] for f in show(d, c).get("failures", [])) == N)
        m = show(d, c)
        assert {f["name"] for f in m["failures"]} == {"rollback"}, m["failures"]
        assert m["waves"][0]["grade"] == "L2" and m["waves"][0]["broke"] == N, m["waves"]
        assert m["state"] == "paused" and "L2" in m["cause"], m["cause"]
        # the next one meets no failure: those of before, sent as often as one likes, are no news of it
        d.ctl("campaign", "abort", c)
        d.publish(3, os.urandom(3000), "/fw/3.bin")
        c = campaign(d, "--grade", "L2", "--broke", "0%", "--sample", "1")
        for _ in range(20):
            for report in tap.reports:
                assert say(d, report) == "4.09"
        m = show(d, c)
        assert m["state"] == "running" and "failures" not in m, m
        assert m["waves"][0]["broke"] == 0


@tidy
def test_a_device_that_lost_its_memory_waits_for_an_operator(_):
    with Suitd() as d:
        d.author()
        folder = bootloaders(d)
        d.publish(2, os.urandom(3000), "/fw/2.bin")
        end(start(d, N, "--attest", folder))
        assert "pending" not in d.ctl_json("device", "show", "sim-0001")["attest"]
        end(start(d, N, "--attest", folder))  # another epoch
        a = d.ctl_json("device", "show", "sim-0001")["attest"]
        assert a["pending"] != a["epoch"], a
        assert a["pending"] in d.ctl("device", "show", "sim-0001")
        d.ctl("device", "attest", "sim-0001", "--epoch", "00" * 8, rc=1)
        d.ctl("device", "attest", "sim-0001", "--epoch", a["pending"])
        b = d.ctl_json("device", "attest", "sim-0001")
        assert (b["epoch"], b["boot_ctr"], b["gone"]) == (a["pending"], 0, 1), b
        assert [e["what"] for e in d.events("sim-0001") if e["what"].startswith("boot")][-2:] == \
            ["boot epoch", "boot epoch allowed"]


@tidy
def test_keys_are_public_and_one_devices_own(_):
    with Suitd() as d:
        d.author()
        folder = bootloaders(d)
        pub = os.path.join(folder, "sim-0000.pub.pem")
        d.ctl("device", "attest", "sim-0001", pub, rc=1)
        d.ctl("device", "attest", "sim-0000", os.path.join(folder, "sim-0000.pem"), rc=1)
        d.ctl("device", "attest", "sim-0000", pub, "--remove", rc=2)
        d.ctl("device", "attest", "sim-0000", "--epoch", "zz", rc=2)
        d.ctl("device", "attest", "sim-0000", "--remove")
        d.ctl("device", "attest", "sim-0000", rc=1)
        d.ctl("device", "attest", "sim-0001", pub)
        assert "attest" not in d.ctl_json("device", "show", "sim-0000")


@tidy
def test_a_nonce_is_small_and_for_who_is_known(_):
    with Suitd() as d:
        d.ctl("device", "add", "dev", "--class", class_id("demo"))
        p = Peer(d.port)
        r = p.ask(GET, "r", [(URI_QUERY, b"ep=dev")])
        assert code(r.code) == "2.05" and len(r.payload) == 12, r
        assert len(r.raw) <= 3 * len(encode(0, GET, 1, b"", [(URI_PATH, b"r"), (URI_QUERY, b"ep=dev")])), len(r.raw)
        assert code(p.ask(GET, "r", [(URI_QUERY, b"ep=nobody")]).code) == "4.04"
        assert code(p.ask(GET, "r").code) == "4.04"
        for junk in (b"", b"x", b"\xd2\x84\x40\xa0\x40\x40", b"\x84" * 200, b"\xd2" * 600):
            r = p.ask(POST, "r", [(CONTENT_FORMAT, uint(COSE_SIGN1))], junk)
            assert code(r.code) in ("4.00", "4.03", "4.13"), (junk, code(r.code))


if __name__ == "__main__":
    tests = [v for k, v in sorted(globals().items()) if k.startswith("test_")]
    sys.exit(run(tests, None))
