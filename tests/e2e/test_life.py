#!/usr/bin/env python3
"""A life under systemd, which is played by a socket: READY, STATUS, the
watchdog; a reload that drops nobody; a stop that lets downloads end."""
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from coapraw import BLOCK2, ETAG, GET, MAX_AGE, OBSERVE, POST, URI_QUERY, Peer, block, code
from fixture import BIN, HANGS, TOP, Skip, Suitd, class_id, run, wait_for
from test_slow_disk import SlowDisk
from test_slow_disk import register as write

HANG = os.path.join(BIN, "tests/preload/hang.so")
UNAVAILABLE, LATER = "5.03", "4.29"


class Service(Suitd):
    """suitd with a configuration file, started as systemd starts it."""
    flags = []
    hasty = []

    def __init__(self, conf="", options=(), env=()):
        super().__init__(options, start=False)
        self.conf(conf)
        self.flags = ["-c", self.file("suitd.conf")]
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.file("notify"))
        self.heard, self.load = [], None
        self.env = dict(env, NOTIFY_SOCKET=self.file("notify"))
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def _listen(self):
        while data := self.sock.recv(8192):
            self.heard.append(data.decode())

    def conf(self, text):
        self.file("suitd.conf", text.encode())

    def lines(self):
        return [ln for m in list(self.heard) for ln in m.splitlines()]

    def until(self, what, since=0):
        return wait_for(what, lambda: next((m for m in self.heard[since:] if re.search(what, m, re.M)), None))

    def reload(self, text=None):
        """Its own word on what came of it: what `suitctl status` has."""
        if text is not None:
            self.conf(text)
        n = len(self.heard)
        self.proc.send_signal(signal.SIGHUP)
        self.until("^READY=1", n)
        return self.ctl_json("status")

    def text(self):
        with open(self.log) as f:
            return f.read()

    def wait(self, seconds=HANGS):
        rc = self.proc.wait(seconds)
        self.proc = None
        return rc

    def close(self):
        if self.load:
            self.load.stop()
        try:
            super().close()
        finally:
            # it must be gone before the descriptor is another one's
            self.sock.shutdown(socket.SHUT_RD)
            self.listener.join()
            self.sock.close()


def poll(p, ep, options=(), token=b"t"):
    return p.ask(GET, "m", [(URI_QUERY, b"ep=" + ep.encode())] + list(options), token=token)


def register(p, ep, more=()):
    return p.ask(POST, "rd", [(URI_QUERY, q.encode()) for q in ("ep=" + ep, *more)], token=b"r")


# --- what systemd hears ---

def test_ready_status_and_stopping(_):
    with Service() as d:
        assert d.heard[0].startswith("READY=1\nSTATUS=serving 0 devices, 0 campaigns running"), d.heard
        assert "store ok" in d.heard[0]
        d.ctl("device", "add", "one")
        d.until("^STATUS=serving 1 device, ")
        n = len(d.heard)
        assert d.kill(signal.SIGTERM) == 0
        stop = d.until("^STOPPING=1", n)
        assert "EXTEND_TIMEOUT_USEC=70000000" in stop and "STATUS=stopping: 1 device" in stop, stop
        assert len([ln for ln in d.lines() if ln == "READY=1"]) == 1


def test_a_hung_loop_starves_the_watchdog(_):
    env = {"WATCHDOG_USEC": "2000000", "LD_PRELOAD": HANG, "ASAN_OPTIONS": "verify_asan_link_order=0"}
    with Service(env=env) as d:
        d.author()
        d.publish(1, b"x" * 100, "/fw/1.bin")
        d.until("^WATCHDOG=1$")
        n = len(d.heard)
        wait_for("it is fed again", lambda: len(d.heard) >= n + 3)
        assert code(Peer(d.port).ask(GET, "fw/1.bin").code) == "2.05"
        workers = d.ctl_json("status").get("image_workers")
        d.proc.send_signal(signal.SIGUSR2)

        def starves():
            n = len(d.heard)
            time.sleep(4)  # two periods
            return d.heard[n:] == []
        wait_for("it hangs", starves)
        assert Peer(d.port).ask(GET, "m", timeout=0.2) is None
        if workers:  # they have not noticed, and must not feed it either
            assert code(Peer(d.port).ask(GET, "fw/1.bin").code) == "2.05"
        # what systemd does then
        assert d.kill(signal.SIGABRT) == -signal.SIGABRT
        n = len(d.heard)
        d.start()
        d.until("^WATCHDOG=1$", n)


def test_without_systemd_nothing_is_needed(_):
    with Suitd(["drain_grace=0s"]) as d:
        d.proc.send_signal(signal.SIGHUP)
        wait_for("it reloads", lambda: d.ctl_json("status").get("reloaded"))
        assert d.kill(signal.SIGINT) == 0


# --- the reload ---

def live_keys():
    """The table's own word."""
    with open(os.path.join(TOP, "lib/conf_key.c")) as f:
        text = f.read()
    keys = {m[0]: m[1] == "LIVE" for m in
            re.findall(r'\{"(\w+)", CONF_\w+,\s*(?:NULL|"[^"]*"),\s*(LIVE|START),', text)}
    for name in re.findall(r'\n\tRETRY\("(\w+)"', text):
        keys.update({"retry_%s_%s" % (name, k): True for k in ("base", "cap", "attempts")})
    assert len(keys) > 40, keys
    return keys


# another value than the default for each
FLIP = {
    "public_uri": '"coap://fw.example"', "envelope_max": "100", "events_keep": "1000", "audit_keep": "5000", "poll_max_age": "77s",
    "notify_rate": "7", "drain_grace": "3s", "unknown_devices": "refuse", "devices_max": "2",
    "register_tags": '"site"', "allow_unsigned": "true", "concurrency": "3", "campaign_policy": '"soak=77s"',
    "four_eyes": '"trust"', "four_eyes_expires": "77s",
    "campaign_approval": "true", "downloads": "1", "downloads_group": "1", "group_tag": '"site"',
    "sequence_step": "5",
    "bytes_per_second": "1", "bytes_per_second_group": "1", "retries": "1", "retries_group": "1",
    "deadline_notify": "7s", "deadline_fetch_idle": "7s", "deadline_fetch_per_kib": "7", "deadline_install": "7s",
    "retry_attempts_total": "7", "retry_give_up_push": "7", "log_level": "debug",
    "cert_endpoint": '"san-uri:urn:dev:* cn"', "client_grace": "7d", "client_pinned": "true",
}
CERT = {"tls_cert": "tls.crt", "tls_key": "tls.key"}  # files of ours
CLIENT = {"client_ca": "tls.crt", "client_crl": "crl"}  # an authority, and an empty folder
FLIP.update({"retry_%s_%s" % (c, k): v for c in ("transport", "integrity", "policy", "execution")
             for k, v in (("base", "7s"), ("cap", "17h"), ("attempts", "17"))})


def certificate(d, name="localhost"):
    """A certificate and its key, which only we may read."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "90", "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", d.file("tls.key"), "-out", d.file("tls.crt")], check=True, capture_output=True)
    os.chmod(d.file("tls.key"), 0o600)


def test_every_live_key_is_applied_and_others_wait(_):
    live = {k for k, v in live_keys().items() if v}
    with Service() as d:
        certificate(d)
        os.mkdir(d.file("crl"))
        flip = dict(FLIP, **{k: '"%s"' % d.file(v) for k, v in list(CERT.items()) + list(CLIENT.items())})
        untried = live - set(flip)
        assert not untried, "no other value is known for %s" % untried
        st = d.reload("".join("%s = %s\n" % (k, flip[k]) for k in sorted(live)))
        assert not st.get("reload_failed") and st["reload"].startswith("%d keys changed" % len(live)), st
        log = d.text()
        for k in live:
            m = re.search(r"reload: key=%s was=(.*) now=(.*)" % k, log)
            assert m and m[2] == flip[k] and m[1] != m[2], (k, m and m[0])
        st = d.reload("synchronous_full = false\nblock_size = 64\n")
        assert "synchronous_full" in st["reload"] and "block_size" in st["reload"], st
        assert "reloaded " in d.ctl("status") and "for the next start: " in d.ctl("status")


def test_what_changed_is_what_counts(_):
    """The effect of keys of every kind, each of which was another one before."""
    with Service("unknown_devices = accept\n") as d:
        d.author()
        d.publish(1, os.urandom(2000), "/fw/1.bin")
        p, cls = Peer(d.port), class_id("demo")
        assert p.ask(GET, "m/" + cls).uint(MAX_AGE) == 900
        assert code(register(p, "a").code) == "2.01"
        assert p.ask(GET, "m/lamp").code == 132
        d.reload("poll_max_age = 77s\nunknown_devices = refuse\nalias lamp { class = %s }\n" % cls)
        assert p.ask(GET, "m/" + cls).uint(MAX_AGE) == 77
        assert code(p.ask(GET, "m/lamp").code) == "2.05"
        assert code(register(p, "b").code)[0] == "4"
        d.reload("devices_max = 1\nregister_tags = \"site\"\n")
        assert p.ask(GET, "m/lamp").code == 132
        assert code(register(p, "b").code)[0] in "45"
        d.reload("register_tags = \"site\"\nconcurrency = 7\ncampaign_policy = \"soak=77s\"\n"
                 "campaign_approval = true\nenvelope_max = 100\nevents_keep = 1000\n")
        assert code(register(p, "b", ["tag.site=x"]).code) == "2.01"
        assert any(t == "site" for t in d.ctl_json("device", "show", "b")["tags"]), d.ctl_json("device", "show", "b")
        c = d.ctl_json("campaign", "plan", 1)
        assert c["concurrency"] == 7 and "soak=77s" in c["policy"] and "approval" in str(c), c
        assert "100" in d.publish(2, b"x" * 500, "/fw/2.bin", rc=1)
        assert "libcoap" not in d.text() and "debug " not in d.text()
        d.reload("log_level = debug\n")
        d.publish(2, b"x" * 500, "/fw/2.bin")
        d.reload("")
        assert p.ask(GET, "m/" + cls).uint(MAX_AGE) == 900


def test_a_full_house_has_room_after_a_reload(_):
    with Service("downloads = 1\n") as d:
        d.author()
        d.publish(1, os.urandom(20000), "/fw/1.bin")
        p, cls = Peer(d.port), class_id("demo")
        for ep in "abc":
            d.ctl("device", "add", ep, "--class", cls)
        d.ctl("campaign", "start", 1, "--waves", "100%", "--soak", "0s")
        wait_for("it runs", lambda: d.ctl_json("campaign", "show", 1)["state"] == "running")
        assert code(poll(p, "a").code) == "2.05"
        assert code(poll(p, "b").code) == LATER
        d.reload("downloads = 2\n")
        assert code(poll(p, "b").code) == "2.05"
        assert code(poll(p, "c").code) == LATER
        d.reload("downloads = 3\n")
        assert code(poll(p, "c").code) == "2.05"


def test_a_bad_file_keeps_the_old_one(_):
    with Service("poll_max_age = 77s\n") as d:
        d.author()
        d.publish(1, os.urandom(2000), "/fw/1.bin")
        p, cls = Peer(d.port), class_id("demo")
        for bad, said in (("poll_max_age = 5s\n\nblock_size = 1\n", "block_size"), ("pol_max_age = 5s\n", "unknown"),
                          ("poll_max_age = 5s\nretry_transport_base = 2h\nretry_transport_cap = 1h\n", "cap"),
                          ("poll_max_age = \"5s\n", "quote")):
            n = len(d.heard)
            st = d.reload(bad)
            assert st["reload_failed"] and said in st["reload"] and "suitd.conf" in st["reload"], (bad, st)
            assert any("not reloaded: " in h for h in d.heard[n:]), d.heard[n:]
            assert p.ask(GET, "m/" + cls).uint(MAX_AGE) == 77, bad
        assert "NOT RELOADED" in d.ctl("status")
        os.unlink(d.file("suitd.conf"))
        assert d.reload()["reload_failed"]
        st = d.reload("poll_max_age = 78s\n")
        assert not st.get("reload_failed"), st
        assert p.ask(GET, "m/" + cls).uint(MAX_AGE) == 78


def test_an_option_stays_above_the_file(_):
    with Service(options=["poll_max_age=33s"]) as d:
        d.reload("poll_max_age = 5s\n")
        d.author()
        d.publish(1, b"x", "/fw/1.bin")
        assert Peer(d.port).ask(GET, "m/" + class_id("demo")).uint(MAX_AGE) == 33


def coap_client(d, url, *more):
    try:
        return subprocess.Popen(["coap-client-openssl", *more, "-u", "dtls1", "-k", "0123456789abcdef",
                                 "coaps://127.0.0.1:%d/%s" % (d.sport, url)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        raise Skip("no coap-client-openssl")


def test_sessions_and_downloads_live_on(_):
    with Service() as d:
        d.author()
        data = os.urandom(200000)
        d.publish(1, data, "/fw/1.bin")
        d.ctl("device", "add", "dtls1", "--class", class_id("demo"), "--psk", b"0123456789abcdef".hex())
        watch = coap_client(d, "m/" + class_id("demo"), "-s", "600", "-B", "600", "-w")
        wait_for("it observes", lambda: d.ctl_json("status")["observers"] == 1)
        load = coap_client(d, "fw/1.bin", "-B", "600", "-b", "16")
        p, num, got = Peer(d.port), 0, b""
        reloads = 0
        while len(got) < len(data):
            r = p.ask(GET, "fw/1.bin", [(BLOCK2, block(num, 6))])
            got, num = got + r.payload, num + 1
            if num % 40 == 20:
                d.reload("poll_max_age = %ds\n" % (100 + num))
                reloads += 1
        assert got == data and reloads == 5
        d.reload("")
        out, err = load.communicate(timeout=600)
        assert out == data + b"\n", (len(out), err)
        # the session that observes is the one of before
        first = os.read(watch.stdout.fileno(), 65536)
        d.publish(2, os.urandom(100), "/fw/2.bin")
        second = os.read(watch.stdout.fileno(), 65536)
        watch.terminate()
        watch.communicate()
        assert first and second and first != second
        assert d.ctl_json("status")["reloaded"]


def shown(d):
    """The name in the certificate that coaps shows."""
    r = subprocess.run(["openssl", "s_client", "-dtls1_2", "-nbio", "-connect", "127.0.0.1:%d" % d.sport],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    m = re.search(r"subject=.*CN ?= ?(\w+)", r.stdout)
    return m and m[1]


def test_a_certificate_is_renewed_under_a_session(_):
    with Service() as d:
        conf = "".join('%s = "%s"\n' % (k, d.file(v)) for k, v in CERT.items())
        assert shown(d) is None
        d.author()
        d.publish(1, os.urandom(100), "/fw/1.bin")
        d.ctl("device", "add", "dtls1", "--class", class_id("demo"), "--psk", b"0123456789abcdef".hex())
        watch = coap_client(d, "m/" + class_id("demo"), "-s", "600", "-B", "600", "-w")
        wait_for("it observes", lambda: d.ctl_json("status")["observers"] == 1)
        for name in ("one", "two"):
            certificate(d, name)
            st = d.reload(conf)
            assert not st.get("reload_failed") and shown(d) == name, (name, st, shown(d))
        d.file("tls.crt", b"rubbish")
        st = d.reload(conf + "poll_max_age = 77s\n")
        assert st["reload_failed"] and "tls_cert" in st["reload"], st
        assert shown(d) == "two"
        assert Peer(d.port).ask(GET, "m/" + class_id("demo")).uint(MAX_AGE) == 900
        first = os.read(watch.stdout.fileno(), 65536)
        d.publish(2, os.urandom(100), "/fw/2.bin")
        second = os.read(watch.stdout.fileno(), 65536)
        watch.terminate()
        watch.communicate()
        assert first and second and first != second


def test_operators_come_and_go(_):
    with Service() as d:
        line = d.ctl("operator", "new", "bob")
        with open(os.path.join(d.state, "admin.psk"), "a") as f:
            f.write(line)
        d.reload()
        assert d.ctl("--as", "bob", "status")


# --- the drain ---

class Loader(threading.Thread):
    """Takes a block every now and then; asks on until told otherwise."""

    def __init__(self, port, name, blocks, pause=0.15):
        super().__init__(daemon=True)
        self.peer, self.name_, self.blocks, self.pause = Peer(port), name, blocks, pause
        self.got, self.failed, self.begun = b"", None, threading.Event()
        self.enough = threading.Event()
        self.start()

    def run(self):
        num = 0
        try:
            while not self.enough.is_set():
                r = self.peer.ask(GET, self.name_, [(BLOCK2, block(num % self.blocks, 6))])
                if r is None or code(r.code) != "2.05":
                    self.failed = "block %d: %s" % (num, r)
                    return
                if num < self.blocks:
                    self.got += r.payload
                num += 1
                if num == 3:
                    self.begun.set()
                time.sleep(self.pause)
        except OSError as e:
            self.failed = str(e)

    def stop(self):
        self.enough.set()
        self.join()


def draining(conf):
    """A daemon with a device, a release, and a download that goes on."""
    d = Service(conf)
    try:
        d.author()
        data = os.urandom(20 * 1024)
        d.publish(1, data, "/fw/1.bin")
        for ep in ("a", "b", "c"):
            d.ctl("device", "add", ep, "--class", class_id("demo"))
        d.load = Loader(d.port, "fw/1.bin", 20)
        assert d.load.begun.wait(120), d.load.failed
        return d, d.load, data
    except BaseException:
        d.close()
        raise


def test_a_slow_download_is_served_to_its_end(_):
    d, load, data = draining("drain_grace = 5m\n")
    with d:
        p = Peer(d.port)
        assert code(poll(p, "a").code) == "2.05"
        d.proc.send_signal(signal.SIGTERM)
        d.until("^STOPPING=1")
        ages = []
        for ep in ("a", "b", "c"):
            r = poll(p, ep)
            assert code(r.code) == UNAVAILABLE and b"stop" in r.payload, r
            ages.append(r.uint(MAX_AGE))
        # when it may be back, and not all at once
        assert all(300 - 20 < a <= 300 + 5 + 60 for a in ages) and len(set(ages)) > 1, ages
        r = poll(p, "a", [(OBSERVE, b"")])
        assert code(r.code) == UNAVAILABLE and r.opt(OBSERVE) is None
        # what does not begin anything is answered as ever
        assert code(p.ask(POST, "r", [(URI_QUERY, b"ep=a"), (12, bytes([60]))], payload=b"\xa1\x00\x01").code)[0] == "2"
        st = d.ctl_json("status")
        assert st["state"] == "draining" and "DRAINING" in d.ctl("status")
        assert d.ctl("campaign", "list") is not None
        wait_for("it has all of it", lambda: len(load.got) == len(data) or load.failed)
        assert load.got == data and d.proc.poll() is None, load.failed
        load.stop()
        assert d.wait() == 0  # by itself, long before drain_grace
        assert "no block was asked for" in d.text() and "sent away: 4" in d.text()
        d.start()
        assert code(poll(Peer(d.port), "a").code) == "2.05"


def test_who_loads_for_ever_ends_with_the_grace(_):
    d, load, _data = draining("drain_grace = 2s\n")
    with d:
        d.proc.send_signal(signal.SIGTERM)
        assert d.wait() == 0
        load.stop()
        assert "drain_grace is over" in d.text()


def test_a_stop_before_the_first_block(_):
    with Service("drain_grace = 5m\n") as d:
        d.author()
        data = os.urandom(3000)
        d.publish(1, data, "/fw/1.bin")
        d.ctl("device", "add", "a", "--class", class_id("demo"))
        p = Peer(d.port)
        assert code(poll(p, "a").code) == "2.05"
        d.proc.send_signal(signal.SIGTERM)
        d.until("^STOPPING=1")
        time.sleep(3)  # it verifies, and erases its flash
        got = b"".join(p.ask(GET, "fw/1.bin", [(BLOCK2, block(i, 6))]).payload for i in range(3))
        assert got == data
        assert d.wait() == 0
        assert "no block was asked for" in d.text()


def test_a_second_signal_ends_at_once(_):
    for first, second in ((signal.SIGTERM, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT)):
        d, load, _data = draining("drain_grace = 10m\n")
        with d:
            d.proc.send_signal(first)
            d.until("^STOPPING=1")
            assert code(poll(Peer(d.port), "a").code) == UNAVAILABLE and not load.failed
            d.proc.send_signal(second)
            assert d.wait() == 0
            load.stop()
            assert "a second signal" in d.text()


def test_a_disk_that_hangs_does_not_keep_it(_):
    """The end waits for the disk; whoever does not want to says so again."""
    with SlowDisk() as d:
        d.disk("hang")
        mid = write(Peer(d.port), b"x")
        assert mid is not None
        wait_for("it is written", lambda: d.ctl_json("status")["devices"] == 1)
        d.proc.send_signal(signal.SIGTERM)
        wait_for("it has heard", lambda: "stop: " in open(d.log).read())
        time.sleep(1)
        assert d.proc.poll() is None, "it did not wait for the disk"
        assert d.kill(signal.SIGTERM) == -signal.SIGTERM
        d.disk("well")
        d.start()
        assert d.ctl_json("status")["releases"] == 0


def test_no_reload_in_a_drain(_):
    d, load, _data = draining("drain_grace = 10m\n")
    with d:
        d.proc.send_signal(signal.SIGTERM)
        d.until("^STOPPING=1")
        d.conf("drain_grace = 0\n")
        d.proc.send_signal(signal.SIGHUP)
        wait_for("it says no", lambda: "reload: not while" in d.text())
        assert d.ctl_json("status")["state"] == "draining"
        load.stop()
        assert d.wait() == 0


def main():
    return run([v for k, v in globals().items() if k.startswith("test_")], None)


if __name__ == "__main__":
    sys.exit(main())
