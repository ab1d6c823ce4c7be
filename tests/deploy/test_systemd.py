#!/usr/bin/env python3
"""The life of an installation on a real systemd: install, run, update a fleet, die, hang, reload, stop,
upgrade, remove, purge. The tests go on where the one before has left the machine."""
import glob
import os
import re
import sys
import tempfile
import uuid

from deploy import B, TOP, Skip, packages, run, sh, skip_all, wait_for
from machine import Machine

CLASS = str(uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_DNS, "example.com"), "demo"))
HANG = os.path.join(B, "tests/preload/hang.so")
DROP_IN = "/etc/systemd/system/suitd.service.d/test.conf"
CONF = "/etc/suitd/suitd.conf"
FLEET = ("--key", "/root/author.pub", "--vendor", "example.com", "--class", "demo", "--boot-spread", "1",
         "--server", "coap://127.0.0.1")


def running(m, pid=None):
    """Waits until suitd runs and answers; its pid, another one than `pid`."""
    def check():
        now = m.unit("MainPID")
        up = now not in ("0", pid) and m.unit("ActiveState") == "active"
        return now if up and "suitd" in m.run("suitctl", "ping", rc=None) and m.unit("MainPID") == now else None
    return wait_for("suitd runs", check, 60)


def some(row, keys):
    return {k: row.get(k) for k in keys.split()}


def state(m):
    """What must not be lost; times of the next look and counts of attempts go on meanwhile."""
    return {"devices": [(some(d, "id ep class seq grade version registered created"),
                         some(d["job"], "id release campaign wave state created"))
                        for d in sorted(m.json("device", "list"), key=lambda d: d["ep"])],
            "releases": m.json("release", "list"),
            "campaigns": [some(c, "id release name state select plan by started") for c in m.json("campaign", "list")]}


def publish(m, seq, size=20000):
    m.run("sh", "-c", "head -c %d /dev/urandom >/root/fw-%d.bin" % (size, seq))
    m.run("suitctl", "manifest", "create", "--sequence", seq, "--vendor", "example.com", "--class", "demo",
          "--component", "00", "--payload", "/root/fw-%d.bin" % seq, "--uri", "/fw/demo-%d.bin" % seq,
          "--key", "/root/author.pem", "--out", "/root/fw-%d.suit" % seq)
    m.run("suitctl", "publish", "/root/fw-%d.suit" % seq, "--payload", "/root/fw-%d.bin" % seq)


def test_apt_installs_and_it_runs(m):
    m.apt("install", *m.debs)
    running(m)
    assert m.run("systemctl", "is-enabled", "suitd").strip() == "enabled"
    assert m.unit("Type").startswith("notify") and m.unit("SubState") == "running"
    assert m.unit("NRestarts") == "0" and m.unit("Result") == "success"
    assert m.run("systemctl", "--failed", "--no-legend", "--plain").strip() == ""
    said = m.run("systemctl", "status", "suitd", "--no-pager")
    assert "active (running)" in said and re.search(r'Status: ".*device', said), said
    assert m.run("suitctl", "--version").split()[1] == m.run("suitd", "--version").split()[1]


def test_the_state_is_the_users_alone(m):
    said = m.run("stat", "-c", "%U:%G %a", "/var/lib/suitd").strip()
    assert said == "suitd:suitd 700", said
    assert m.run("stat", "-c", "%U %a", "/var/lib/suitd/admin.psk").strip() == "suitd 600"
    assert m.run("stat", "-c", "%U %a", CONF).strip() == "root 644"
    assert m.run("find", "/var/lib/suitd", "-perm", "/077").strip() == ""


def test_the_sandbox_holds(m):
    m.run("systemd-analyze", "security", "--threshold=13", "--no-pager", "suitd")
    pid = m.unit("MainPID")
    proc = dict(x.split(":\t", 1) for x in m.run("cat", "/proc/%s/status" % pid).splitlines() if ":\t" in x)
    assert proc["NoNewPrivs"] == "1" and proc["Seccomp"] == "2", proc
    assert all(int(proc[c], 16) == 0 for c in ("CapEff", "CapPrm", "CapBnd", "CapAmb")), proc
    assert "0" not in proc["Uid"].split(), proc
    for path in ("/etc/suitd/x", "/usr/x", "/home/x"):
        said = m.run("nsenter", "-t", pid, "-m", "touch", path, rc=1)
        assert "Read-only" in said or "No such file" in said or "Permission" in said, said


def test_a_release_reaches_a_fleet(m):
    m.run("suitctl", "key", "new", "--type", "ed25519", "--out", "/root/author.pem", "--public", "/root/author.pub")
    m.run("suitctl", "author", "add", "alice", "/root/author.pub")
    publish(m, 1)
    m.run("suitsim", "-n", "20", "--mix", "poll=10,observe=10", "--seq", "0", "--time-scale", "20", *FLEET)
    devices = m.json("device", "list")
    assert len(devices) == 20 and all(d["seq"] == 1 for d in devices), devices
    wait_for("STATUS tells of them", lambda: "20 devices" in m.unit("StatusText"), 30)


def test_a_campaign_waits_for_its_devices(m):
    publish(m, 2)
    m.run("suitctl", "campaign", "start", 2, "--class", CLASS, "--waves", "100%", "--soak", "1s")
    wait_for("jobs", lambda: len([d for d in m.json("device", "list") if d["job"]["release"] == 2]) == 20)


def again(m, result, do):
    """suitd ends by `do` and is started again with nothing lost."""
    before, pid, starts = state(m), running(m), int(m.unit("NRestarts"))
    do(pid)
    running(m, pid)
    assert int(m.unit("NRestarts")) == starts + 1
    assert any("Failed with result '%s'" % result in x["MESSAGE"] for x in m.journal("-n", "60")), m.journal("-n", "60")
    after = state(m)
    assert after == before, (before, after)


def test_killed_it_is_started_again(m):
    again(m, "signal", lambda pid: m.run("sh", "-c", "kill -9 " + pid))


def test_stopped_the_watchdog_ends_it(m):
    m.write(DROP_IN, "[Service]\nWatchdogSec=2s\nRestartSec=200ms\nLimitCORE=0\n"
            "Environment=LD_PRELOAD=/usr/local/lib/hang.so\n")
    m.copy(os.path.join(TOP, HANG), "/usr/local/lib/hang.so")
    m.run("systemctl", "daemon-reload")
    m.run("systemctl", "restart", "suitd")
    again(m, "watchdog", lambda pid: m.run("sh", "-c", "kill -STOP " + pid))


def test_a_loop_that_hangs_is_ended_by_the_watchdog(m):
    """All threads but the loop's go on, and so does the process: nobody but the watchdog sees it."""
    again(m, "watchdog", lambda pid: m.run("sh", "-c", "kill -USR2 " + pid))


def test_an_idle_loop_is_no_hang(m):
    pid = running(m)
    m.run("sh", "-c", "sleep 5")
    assert running(m) == pid, "more than two watchdog times of idleness"


def test_what_waited_all_the_while_is_done(m):
    m.run("suitsim", "-n", "20", "--mix", "poll=10,observe=10", "--seq", "1", "--time-scale", "20", *FLEET)
    wait_for("the end of the campaign", lambda: m.json("campaign", "list")[0]["state"] == "finished")
    assert all(d["seq"] == 2 and d["job"]["state"] == "done" for d in m.json("device", "list"))


def test_reload_applies_what_can_be(m):
    pid = running(m)
    old = m.run("cat", CONF)
    m.write(CONF, old.replace("log_level = info", "log_level = debug"))
    m.run("systemctl", "reload", "suitd")
    wait_for("the reload", lambda: [x for x in m.journal() if "log_level" in x["MESSAGE"] and "debug" in x["MESSAGE"]])
    assert running(m) == pid and m.unit("ActiveState") == "active"
    m.write(CONF, old.replace("log_level = info", "log_level = loud"))
    m.run("systemctl", "reload", "suitd", rc=1)
    wait_for("the refusal", lambda: [x for x in m.journal("-p", "err") if "reload" in x["MESSAGE"]])
    assert running(m) == pid and "not reloaded" in m.unit("StatusText"), m.unit("StatusText")
    m.write(CONF, old)
    m.run("systemctl", "reload", "suitd")
    wait_for("STATUS is content again", lambda: "not reloaded" not in m.unit("StatusText"))


def test_keys_from_a_credential(m):
    """The drop-in of the examples as it is; a key in a file that suitd itself cannot read."""
    place = os.path.dirname(DROP_IN) + "/credentials.conf"
    m.write("/etc/suitd/admin.psk", m.run("suitctl", "operator", "new", "carol"), 0o600)
    m.run("cp", "/usr/share/doc/suitd/examples/suitd.service.d/credentials.conf.example", place)
    m.run("systemctl", "daemon-reload")
    m.run("systemctl", "restart", "suitd")
    m.run("suitctl", "--psk-file", "/etc/suitd/admin.psk", "ping")
    # the keys in the state directory do not count now
    assert "handshake failed" in m.run("suitctl", "ping", rc=None)
    m.run("rm", place, "/etc/suitd/admin.psk")
    m.run("systemctl", "daemon-reload")
    m.run("systemctl", "restart", "suitd")
    running(m)


def test_the_journal_knows_priorities(m):
    by = {}
    for x in m.journal():
        if x.get("_COMM") == "suitd":
            by.setdefault(x["PRIORITY"], []).append(x["MESSAGE"])
    assert any(x.startswith("ready: suitd") for x in by["6"]), by["6"]
    assert any(x.startswith("reload: refused") for x in by["3"]), by
    assert not [x for v in by.values() for x in v if re.match(r"<\d>|(error|warn|info|debug) ", x)], by


def test_stop_lets_a_download_end(m):
    publish(m, 3, 100000)
    before = m.json("status")["blocks"]
    sim = m.start("suitsim", "-n", "1", "--prefix", "slow-", "--mix", "poll=1", "--seq", "0", "--delay", "60", *FLEET)

    def job():
        return next((d["job"] for d in m.json("device", "list") if d["ep"] == "slow-0000" and "job" in d), {})
    try:
        wait_for("a download", lambda: m.json("status")["blocks"] >= before + 10)
        assert job()["state"] == "fetching"
        m.run("systemctl", "stop", "suitd")
        assert m.unit("ActiveState") == "inactive" and m.unit("Result") == "success", m.unit("Result")
        m.run("systemctl", "start", "suitd")
        running(m)
        assert job()["state"] in ("fetched", "installing", "done"), job()
    finally:
        sim.kill()
        sim.wait()


def test_an_upgrade_keeps_state_and_configuration(m):
    mine = m.run("cat", CONF).replace("poll_max_age = 15m", "poll_max_age = 16m")
    m.write(CONF, mine)
    before, pid = state(m), running(m)
    with tempfile.TemporaryDirectory() as td:
        os.mkdir(td + "/up")
        for deb in glob.glob(m.path("/debs/*.deb")):
            name = os.path.basename(deb)
            sh("dpkg-deb", "-R", deb, td + "/" + name)
            sh("sed", "-i", "s/^Version: .*/&.1/", "%s/%s/DEBIAN/control" % (td, name))
            sh("dpkg-deb", "-b", "%s/%s" % (td, name), "%s/up/%s" % (td, name))
        sh("cp", "-r", td + "/up", m.path("/up"))
    m.apt("install", *(d.replace("/debs/", "/up/") for d in m.debs))
    running(m, pid)
    assert m.run("dpkg-query", "-W", "-f", "${Version}", "suitd").endswith(".1")
    assert state(m) == before and m.run("cat", CONF) == mine


def test_removed_it_keeps_its_state(m):
    before = state(m)
    m.apt("remove", "suitd")
    assert m.unit("ActiveState") == "inactive" and m.unit("LoadState") in ("not-found", "masked")
    assert not os.path.exists(m.path("/usr/sbin/suitd"))
    assert os.path.exists(m.path("/var/lib/suitd/admin.psk")) and os.path.exists(m.path(CONF))
    m.apt("install", next(d for d in m.debs if "/suitd_" in d).replace("/debs/", "/up/"))
    running(m)
    assert state(m) == before


def test_purged_nothing_is_left(m):
    uid = m.run("id", "-u", "suitd").strip()
    m.run("rm", "-r", os.path.dirname(DROP_IN))
    m.apt("purge", "suitd", "suitctl", "suitsim")
    left = m.run("find", "/", "-xdev", "(", "-uid", uid, "-o", "-path", "*suitd*", ")", "-not", "-path", "/proc/*",
                 "-not", "-path", "/debs/*", "-not", "-path", "/up/*", "-not", "-path", "/sys/*").split()
    assert not left, left
    assert m.run("systemctl", "--failed", "--no-legend", "--plain").strip() == ""


def main():
    try:
        Machine.possible()
        found = packages()
        wanted = [found[n] for n in ("suitd", "suitctl", "suitsim")]
        sh("make", "-s", "QUIET=1", HANG, env={"MAKEFLAGS": "", "MAKELEVEL": ""})
        machine = Machine(wanted)
    except Skip as e:
        return skip_all(e)
    with machine:
        machine.debs = ["/debs/" + os.path.basename(f) for f in wanted]
        return run([f for n, f in list(globals().items()) if n.startswith("test_")], machine)


if __name__ == "__main__":
    sys.exit(main())
