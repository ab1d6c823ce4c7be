"""suitsim against suitd: fleets of every kind of device, whole updates."""
import json
import os
import random
import subprocess
import sys
import time

from fixture import BIN, Suitd, class_id, run, wait_for

FAST = ["deadline_install=16s", "retry_transport_base=5s"]


def sim_args(d, n, *more, uri=None):
    return [os.path.join(BIN, "suitsim"), "-n", str(n), "--server", uri or "coap://127.0.0.1:%d" % d.port,
            "--key", d.file("author.pub"), "--class", class_id("demo"), "--time-scale", "30",
            "--addr-base", BASE, "--ack-timeout", "250", "--poll", "60", "--json"] + [str(m) for m in more]


# the devices' own addresses: not those of another fleet on this machine
BASE = "127.%d.%d.0" % (random.randint(1, 250), random.randint(0, 250))

started = []


def start(d, n, *more, **kw):
    p = subprocess.Popen(sim_args(d, n, *more, **kw), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    started.append(p)
    return p


def tidy(test):
    """No fleet outlives its test, however that ends."""
    def tested(_):
        try:
            test(_)
        finally:
            for p in started:
                if p.poll() is None:
                    p.kill()
                    p.wait()
            started.clear()
    tested.__name__ = test.__name__
    return tested


def end(proc, seconds=180, rc=0):
    try:
        out = proc.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        proc.terminate()
        out = proc.communicate()[0]
        raise AssertionError("not over after %d s:\n%s" % (seconds, out))
    assert proc.returncode == rc, "exit %d\n%s" % (proc.returncode, out)
    return {x["ep"]: x for x in json.loads(out)["devices"]}


def listed(d, n, mix):
    r = subprocess.run([os.path.join(BIN, "suitsim"), "-n", str(n), "--mix", mix, "--addr-base", BASE, "--list-devices"],
                       capture_output=True, text=True, check=True)
    return [line.split() for line in r.stdout.splitlines()]


def add(d, ep, drv, addr, kind, *more):
    words = ["device", "add", ep, "--class", class_id("demo")] + list(more)
    if addr != "-":
        words += ["--driver", drv, "--address", addr]
    if kind == "riot":
        words += ["--nul-trigger"]
    d.ctl(*words)


def items(d, *words):
    page = d.ctl_json(*words)
    return page["items"] if isinstance(page, dict) else page


def rel(d):
    return items(d, "release", "list")[0]["id"]


def all_done(d, left_out=0):
    def check():
        c = d.ctl_json("campaign", "show", 1)
        return c if c["state"] == "finished" else None
    c = wait_for("the campaign is finished", check)
    assert c["counts"].get("done", 0) > 0 and not c["counts"].get("failed", 0), c
    return c


def test_every_kind_at_one_percent_loss_one_dies_one_is_newer(_):
    mix = "poll=6,observe=5,trigger=4,manifest=2,riot=1"
    with Suitd(FAST) as d:
        d.author()
        for dev in listed(d, 18, mix):
            if dev[2] != "-":
                add(d, *dev)
        p = start(d, 18, "--mix", mix, "--loss", "1%", "--dup", "1%", "--kill", "1@50:1", "--newer", 1,
                  "--linger", 30)
        wait_for("they registered", lambda: d.ctl_json("status")["devices"] >= 17)
        # RIOT's dialect is the one that all of them read; 16 KiB in blocks of 64
        d.publish(5, os.urandom(16384), "coap://127.0.0.1:%d/fw/a.bin" % d.port, extra=("--dialect", "riot"))
        d.ctl("campaign", "start", rel(d), "--class", class_id("demo"), "--waves", "100%")
        dev = end(p)
        states = [x["state"] for x in dev.values()]
        assert states.count("updated") == 17 and states.count("newer") == 1, dev
        assert all(x["sequence"] == 5 for x in dev.values() if x["state"] == "updated")
        dead = [x for x in dev.values() if x["attempts"] == 2]
        assert len(dead) == 1, dev
        # it went on where it was: no block but those since the last journal entry came twice
        assert 16 <= dead[0]["blocks"] <= 16 + 8, dead
        all_done(d)


def test_observers_are_told_and_fetch_at_once(_):
    with Suitd(FAST) as d:
        d.author()
        d.publish(1, os.urandom(1000), "coap://127.0.0.1:%d/fw/1.bin" % d.port)
        p = start(d, 5, "--mix", "observe=1", "--seq", 1)
        wait_for("they observe", lambda: d.ctl_json("status")["observers"] == 5)
        d.publish(2, os.urandom(20000), "coap://127.0.0.1:%d/fw/2.bin" % d.port)
        dev = end(p)
        assert all(x["why"] == "was notified" for x in dev.values()), dev


def test_a_fleet_over_dtls_with_a_key_each(_):
    mix = "poll=3,observe=1,trigger=1,manifest=1"
    with Suitd(FAST) as d:
        d.author()
        with open(d.file("psk"), "w") as f:
            for dev in listed(d, 6, mix):
                key = os.urandom(16).hex()
                f.write("%s %s\n" % (dev[0], key))
                add(d, *dev, "--psk", key)
        p = start(d, 6, "--mix", mix, "--psk-file", d.file("psk"), "--loss", "1%", "--kill", "1@50:1",
                  uri="coaps://127.0.0.1:%d" % d.sport)
        d.publish(5, os.urandom(40000), "/fw/a.bin")
        d.ctl("campaign", "start", rel(d), "--class", class_id("demo"), "--waves", "100%")
        dev = end(p)
        assert all(x["sequence"] == 5 for x in dev.values()), dev
        all_done(d)
        grades = {x["ep"]: x["grade"] for x in items(d, "device", "list")}
        assert set(grades.values()) == {1}, grades


def test_TUF_ARBITRARY_a_release_of_a_stranger_is_refused_by_every_device(_):
    with Suitd(FAST) as d:
        d.author()
        d.author(name="other")
        d.publish(5, os.urandom(2000), "coap://127.0.0.1:%d/fw/a.bin" % d.port, author="other")
        p = start(d, 4, "--mix", "poll=1,observe=1")
        dev = end(p, rc=1)
        assert all(x["state"] == "refused" and x["sequence"] == 1 and x["blocks"] == 0 for x in dev.values()), dev


def test_a_daemon_that_dies_is_waited_for(_):
    with Suitd(FAST) as d:
        d.author()
        d.publish(5, os.urandom(400000), "coap://127.0.0.1:%d/fw/a.bin" % d.port)
        p = start(d, 6, "--mix", "poll=2,observe=1", "--delay", 5)
        wait_for("blocks go out", lambda: d.ctl_json("status")["blocks"] > 100)
        d.kill()
        time.sleep(1)
        d.start()
        dev = end(p)
        assert all(x["sequence"] == 5 for x in dev.values()), dev


def test_MODE_THING_faulty_devices_end_as_their_fault_has_it(_):
    with Suitd(FAST) as d:
        d.author()
        d.publish(5, os.urandom(5000), "coap://127.0.0.1:%d/fw/a.bin" % d.port)
        dev = end(start(d, 40, "--mix", "poll=3,observe=1", "--brick", "20%", "--bad-boot", "20%", "--mute", "20%",
                        "--boot-spread", 30))
        states = [x["state"] for x in dev.values()]
        assert set(states) == {"updated", "bricked", "rolled-back", "muted"}, states
        ends = {"updated": 5, "bricked": 1, "rolled-back": 1, "muted": 1}
        assert all(x["sequence"] == ends[x["state"]] for x in dev.values() if x["state"] != "bricked"), dev


def test_a_device_in_recovery_mode_is_known_as_such(_):
    with Suitd(FAST) as d:
        d.author()
        d.publish(1, os.urandom(1000), "coap://127.0.0.1:%d/fw/1.bin" % d.port)
        p = start(d, 1, "--mix", "observe=1", "--bad-boot", "100%", "--single-slot", "--boot-spread", 30)
        wait_for("it observes", lambda: d.ctl_json("status")["observers"] == 1)
        d.publish(5, os.urandom(5000), "coap://127.0.0.1:%d/fw/a.bin" % d.port)
        d.ctl("campaign", "start", 2, "--class", class_id("demo"))
        dev = list(end(p).values())[0]
        assert dev["state"] == "recovery", dev
        told = d.events("sim-0000")
        assert any("recovery mode" in e["detail"] for e in told), told


def test_sleepers_get_there_as_well(_):
    with Suitd(FAST) as d:
        d.author()
        d.publish(5, os.urandom(20000), "coap://127.0.0.1:%d/fw/a.bin" % d.port)
        dev = end(start(d, 10, "--sleep", "30/60", "--boot-spread", 30))
        assert all(x["sequence"] == 5 for x in dev.values()), dev


if __name__ == "__main__":
    sys.exit(run([tidy(v) for k, v in list(globals().items()) if k.startswith("test_")], None))
