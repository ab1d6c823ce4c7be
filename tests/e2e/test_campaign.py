#!/usr/bin/env python3
"""Campaigns with the real daemon, suitctl and fleets of suitsim: plans that
bind, waves that open, gates that trip, operators that approve."""
import hashlib
import json
import os
import subprocess
import sys
import time

from fixture import Suitd, class_id, run, wait_for
from test_fleet import end, rel, start, tidy

# the devices' clocks run 30 times faster: so do the deadlines of their states
FAST = ["deadline_install=6s", "deadline_notify=10s", "retry_transport_base=2s", "retry_execution_base=2s",
        "poll_max_age=60s"]
FW = "coap://127.0.0.1:%d/fw/%d.bin"


def fleet(d, n, *more, seq=1):
    """A fleet that is known, runs release 1, and waits for release 2."""
    d.author()
    d.publish(1, os.urandom(1000), FW % (d.port, 1))
    p = start(d, n, "--seq", seq, "--linger", 60, *more)
    wait_for("they registered", lambda: d.ctl_json("status")["devices"] >= n)
    d.publish(2, os.urandom(8000), FW % (d.port, 2), extra=())
    return p


def staged(d, seq, size=8000):
    env, fw = d.manifest(seq, os.urandom(size), FW % (d.port, seq))
    d.ctl("publish", env, "--payload", fw, "--staged")


def show(d, camp=1):
    return d.ctl_json("campaign", "show", camp)


def until(d, state, camp=1, seconds=240):
    return wait_for("campaign %s is %s" % (camp, state),
                    lambda: (lambda c: c if c["state"] == state else None)(show(d, camp)), seconds)


def explain(d, ep):
    return d.ctl_json("device", "explain", ep)


def test_a_plan_is_started_exactly_or_not_at_all(_):
    with Suitd(FAST) as d:
        d.author()
        d.publish(1, os.urandom(1000), FW % (d.port, 1))
        for i in range(12):
            d.ctl("device", "add", "dev-%02d" % i, "--class", class_id("demo"))
        c = d.ctl_json("campaign", "plan", 1, "--where", 'ep ~ "dev-*"')
        assert c["state"] == "draft" and [w["size"] for w in c["waves"]] == [10, 2], c
        plan = c["plan"]
        assert d.ctl_json("campaign", "plan", 1, "--where", 'ep ~ "dev-*"')["plan"] == plan  # the same again
        d.ctl("device", "remove", "dev-03")
        d.ctl("device", "add", "dev-99", "--class", class_id("demo"))
        out = d.ctl("campaign", "start", "--plan", plan[:12], rc=1)
        assert "fleet has changed" in out and "dev-99" in out, out
        c = d.ctl_json("campaign", "list")[0]
        assert c["state"] == "draft" and c["plan"] != plan
        assert explain(d, "dev-01")["hold"] == "no-campaign"
        d.ctl("campaign", "start", "--plan", plan, rc=1)  # that plan is gone
        d.ctl("campaign", "start", "--plan", c["plan"])
        c = until(d, "running", c["id"])
        assert c["counts"]["queued"] == 12 and c["wave"] == 1, c
        holds = [explain(d, "dev-%02d" % i)["hold"] for i in range(12) if i != 3] + [explain(d, "dev-99")["hold"]]
        assert sorted(holds) == ["contact"] * 10 + ["wave"] * 2, holds
        assert d.ctl("campaign", "plan", 1, "--where", "seq <<7", rc=1).find("column") > 0


def test_waves_open_one_after_the_other(_):
    with Suitd(FAST) as d:
        p = fleet(d, 24, "--mix", "poll=1,observe=1")
        d.ctl("campaign", "start", 2, "--where", "seq < 2", "--waves", "10,100%", "--soak", "2s")
        c = until(d, "finished")
        assert c["counts"]["done"] == 24, c
        opened = [e for e in d.ctl_json("events", "--after", 0, "--campaign", 1) if e["what"] == "wave opened"]
        assert len(opened) == 2 and opened[1]["at"] - opened[0]["at"] >= 2000, opened
        end(p)


def test_a_bricking_release_is_stopped_in_its_first_wave(_):
    with Suitd(FAST + ["retry_execution_attempts=1"]) as d:
        d.author()
        d.publish(1, os.urandom(1000), FW % (d.port, 1))
        p = start(d, 40, "--seq", 1, "--linger", 60, "--mix", "poll=1", "--brick", "100%", "--poll", 30)
        wait_for("they registered", lambda: d.ctl_json("status")["devices"] >= 40)
        staged(d, 2)
        d.ctl("campaign", "start", 2, "--soak", "0s", "--waves", "10,100%")
        c = until(d, "paused")
        assert "broke" in c["cause"], c
        later = [w for w in c["waves"] if w["wave"] > 1]
        assert all(w["fresh"] + w["asleep"] == w["size"] for w in later), c
        lost = sum(1 for x in d.ctl_json("device", "list") if x["seq"] == 1 and x["job"]["attempt"] > 0)
        assert 3 <= lost <= 10, lost
        ep = next(x["ep"] for x in d.ctl_json("device", "list") if x["job"]["wave"] == 2)
        assert explain(d, ep)["hold"] == "paused"
        d.ctl("campaign", "abort", 1, "--hard", "--yes")
        assert d.ctl_json("release", "show", 2)["state"] == "withdrawn"
        p.terminate()
        p.communicate()


def test_REQ_SEC_RIGHTS_a_second_operator_approves(_):
    with Suitd(FAST) as d:
        d.author()
        d.publish(1, os.urandom(1000), FW % (d.port, 1))
        d.ctl("device", "add", "a", "--class", class_id("demo"))
        c = d.ctl_json("campaign", "plan", 1, "--approval")
        d.ctl("campaign", "start", "--plan", c["plan"])
        assert explain(d, "a")["hold"] in ("no-campaign", "approval")
        d.ctl("campaign", "approve", "--plan", c["plan"], rc=1)  # who planned it may not
        line = d.ctl("operator", "new", "bob")
        with open(os.path.join(d.state, "admin.psk"), "a") as f:
            f.write(line)
        d.ctl("--as", "bob", "campaign", "approve", "--plan", c["plan"])
        c = until(d, "running", c["id"])
        assert c["by"] == "admin" and c["approved"] == "bob", c


def test_REQ_SEC_RIGHTS_a_stop_is_for_one_and_the_way_back_for_two(_):
    with Suitd(FAST + ["campaign_approval=true"]) as d:
        bob = d.ctl("operator", "new", "bob")
        with open(os.path.join(d.state, "admin.psk"), "a") as f:
            f.write(bob)
        p = fleet(d, 5)
        # one that does not finish before it is stopped
        c = d.ctl_json("campaign", "start", 2, "--waves", "100%", "--soak", "0", "--continuous")
        d.ctl("--as", "bob", "campaign", "approve", "--plan", c["plan"])
        wait_for("one has begun", lambda: show(d)["counts"]["queued"] < 5)
        staged(d, 3)
        out = d.ctl("campaign", "rollback", 1, 3)
        assert show(d)["state"] == "aborted" and show(d, 2)["state"] == "draft", out
        plan = show(d, 2)["plan"]
        assert "approve --plan " + plan[:16] in out, out
        d.ctl("campaign", "approve", "--plan", plan, rc=1)  # who rolled it back may not
        d.ctl("campaign", "start", "--plan", plan)
        assert show(d, 2)["state"] == "draft"
        d.ctl("--as", "bob", "campaign", "approve", "--plan", show(d, 2)["plan"])
        until(d, "finished", 2)
        p.terminate()
        p.communicate()


def test_staged_releases_reach_their_campaign_only(_):
    with Suitd(FAST) as d:
        p = fleet(d, 4, "--mix", "poll=1", seq=2)
        staged(d, 3)
        time.sleep(3)  # they poll
        assert {x["seq"] for x in d.ctl_json("device", "list")} == {2}
        d.ctl("campaign", "start", 3, "--device", "sim-0001")
        wait_for("it is updated", lambda: {x["ep"] for x in d.ctl_json("device", "list") if x["seq"] == 3} == {"sim-0001"})
        d.ctl("release", "offer", 3)
        wait_for("all are", lambda: {x["seq"] for x in d.ctl_json("device", "list")} == {3})
        p.terminate()
        p.communicate()


def test_a_report_proves_its_own_bytes(_):
    with Suitd(FAST) as d:
        p = fleet(d, 6, "--mix", "trigger=1,poll=1")
        d.ctl("campaign", "start", 2, "--waves", "100%")
        until(d, "finished")
        out = subprocess.run(d.ctl_args("campaign", "report", 1), capture_output=True).stdout
        body, last = out.rstrip(b"\n").rsplit(b"\n", 1)
        assert hashlib.sha256(body + b"\n").hexdigest().encode() in last, last
        doc = json.loads(subprocess.run(d.ctl_args("--json", "campaign", "report", 1), capture_output=True).stdout)
        assert doc, doc
        p.terminate()
        p.communicate()


def ask(d, ep):
    """The device polls once: what it is given is its job's."""
    subprocess.run(["coap-client-openssl", "-m", "get", "coap://127.0.0.1:%d/m?ep=%s" % (d.port, ep)],
                   capture_output=True, timeout=120)


def three(d):
    """Devices a, b and c that run release 1; release 2 is staged."""
    d.author()
    d.publish(1, os.urandom(1000), FW % (d.port, 1))
    for ep in "abc":
        subprocess.run(["coap-client-openssl", "-m", "post", "coap://127.0.0.1:%d/rd?ep=%s&c=%s&seq=1" % (
            d.port, ep, class_id("demo"))], capture_output=True, timeout=120)
    staged(d, 2)


def test_a_withdrawal_cancels_what_a_soft_abort_has_left(_):
    with Suitd(FAST + ["deadline_notify=1h"]) as d:
        three(d)
        d.ctl("campaign", "start", 2)
        ask(d, "a")
        d.ctl("campaign", "abort", 1)
        assert [explain(d, ep)["hold"] for ep in "ab"] == ["fetching", "cancelled"]
        assert "campaign plan 2 --device b" in explain(d, "b")["advice"]  # an aborted one retries nothing
        d.ctl("release", "withdraw", 2)
        wait_for("its job is cancelled", lambda: explain(d, "a")["job"]["state"] == "cancelled")


def test_long_expressions_and_explain_says_when(_):
    with Suitd(FAST) as d:
        three(d)
        where = " || ".join('ep == "%s%s"' % ("x" * 60, i) for i in range(6)) + ' || ep == "c"'
        assert len(where) > 300 and [x["ep"] for x in d.ctl_json("device", "list", "--where", where)] == ["c"]
        d.ctl("campaign", "start", 2, "--at", "2040-01-01T00:00Z")
        assert "2040-01-01 00:00:00 UTC (in " in d.ctl("device", "explain", "a")


def test_a_list_is_not_continuous(_):
    with Suitd(FAST + ["campaign_policy=continuous=yes"]) as d:
        three(d)
        assert "continuous" in d.ctl("campaign", "plan", 2, "--device", "a", "--continuous", rc=1)
        out = d.ctl("campaign", "start", 2, "--device", "a", "--device", "typo")
        assert "no such device: typo\n" in out and "device: a\n" not in out, out
        d.ctl("device", "revoke", "a")
        until(d, "finished")
        steps = [e["detail"] for e in d.ctl_json("events", "--campaign", 1) if e["kind"] == "campaign"]
        assert "seq-2: 1 devices will be updated, of those named" in steps, steps
        assert not any(s.endswith(": ") for s in steps), steps


def test_two_hundred_devices_lossy_and_killed_twice(_):
    with Suitd(FAST) as d:
        p = fleet(d, 200, "--mix", "poll=3,observe=1", "--loss", "1%")
        d.ctl("campaign", "start", 2, "--waves", "5%:10,50%,100%", "--soak", "1s", "--concurrency", 60)
        for done in (5, 80):
            wait_for("%d are done" % done, lambda: show(d)["counts"]["done"] >= done, 240)
            d.kill()
            d.start()
        c = until(d, "finished")
        assert c["counts"]["done"] == 200, c
        assert {x["seq"] for x in d.ctl_json("device", "list")} == {2}
        p.terminate()
        p.communicate()


if __name__ == "__main__":
    sys.exit(run([tidy(v) for k, v in list(globals().items()) if k.startswith("test_")], None))
