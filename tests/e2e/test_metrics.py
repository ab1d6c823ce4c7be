#!/usr/bin/env python3
"""/metrics, /healthz and /readyz of a real suitd: the values move with real
traffic, both texts keep their formats' rules, and hostile HTTP harms nobody."""
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid

from coapraw import BLOCK2, GET, OBSERVE, POST, URI_QUERY, Peer, block, code
from fixture import HANGS, Skip, Suitd, class_id, run, wait_for
from test_faults import tmpfs
from test_fleet import FAST, add, all_done, end, listed, rel, start, tidy

OPEN = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
SAMPLE = re.compile(r'^([a-z_][a-z0-9_]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


def ask(d, path="/metrics", method="GET", **headers):
    c = http.client.HTTPConnection("127.0.0.1", d.hport, timeout=120)
    c.request(method, path, headers=headers)
    r = c.getresponse()
    body = r.read().decode()
    c.close()
    return r, body


def labels_of(text):
    """{a="x",b="y"} without its braces; every byte of it must be part of a label."""
    found, at = {}, 0
    for m in LABEL.finditer(text or ""):
        assert m.start() == at, text
        assert m.group(1) not in found, text
        found[m.group(1)] = re.sub(r'\\(.)', lambda e: {"n": "\n"}.get(e.group(1), e.group(1)), m.group(2))
        at = m.end()
    assert at == len(text or ""), text
    return found


class Scrape(dict):
    """Samples by (name, labels), and the families with what is said of them."""
    def __init__(self, text):
        self.families, self.order, at = {}, [], None
        for line in text.splitlines():
            if line.startswith("# ") and line != "# EOF":
                _, what, name, rest = line.split(" ", 3)
                if name != at:
                    assert name not in self.families, "family %s comes twice" % name
                    self.families[name], at = {}, name
                assert what in ("TYPE", "HELP", "UNIT") and what not in self.families[name], line
                assert not any(k[0] in self.names(name) for k in self.order), "%s after samples" % line
                self.families[name][what] = rest
            elif line != "# EOF":
                m = SAMPLE.match(line)
                assert m, "no sample: %r" % line
                key = (m.group(1), tuple(sorted(labels_of(m.group(2)).items())))
                assert at and m.group(1) in self.names(at), "%s is none of %s" % (line, at)
                assert key not in self, "twice: %s" % line
                self[key] = float(m.group(3))
                self.order.append(key)

    def names(self, family):
        t = self.families[family].get("TYPE")
        if t == "counter" and not family.endswith("_total"):
            return {family + "_total"}
        if t == "info":
            return {family + "_info"}
        if t == "histogram":
            return {family + s for s in ("_bucket", "_sum", "_count")}
        return {family}

    def of(self, name, **labels):
        return self.get((name, tuple(sorted(labels.items()))), 0)

    def all(self, name, **labels):
        """The sum of all samples that have these labels."""
        return sum(v for (n, have), v in self.items() if n == name and set(labels.items()) <= set(have))


def scrape(d, openmetrics=False):
    r, body = ask(d, Accept=OPEN if openmetrics else "text/plain")
    assert r.status == 200, (r.status, body)
    return Scrape(body)


def promtool():
    tool = "tests/tools/promtool.sh"
    if os.path.exists(tool):
        r = subprocess.run(["sh", tool, os.environ.get("B", "build")], capture_output=True, text=True)
        return r.stdout.strip() if r.returncode == 0 else None
    return shutil.which("promtool")


def surveyed(d):
    """A scrape with what a walk over all devices finds."""
    return wait_for("the devices were walked over", lambda: (lambda s: s if ("suitd_groups", ()) in s else None)(scrape(d)))


def histogram(s, name, **labels):
    """Its buckets only grow, and end with the count."""
    b = [(float(dict(k[1])["le"]), v) for k, v in s.items()
         if k[0] == name + "_bucket" and set(labels.items()) <= set(k[1])]
    assert b == sorted(b) and [v for _, v in b] == sorted(v for _, v in b), b
    assert b[-1] == (float("inf"), s.of(name + "_count", **labels)), b
    assert s.of(name + "_sum", **labels) >= 0
    return b[-1][1]


# --- the texts ---

def test_openmetrics_keeps_its_rules(d):
    r, body = ask(d, Accept=OPEN)
    assert r.getheader("Content-Type") == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert body.endswith("\n# EOF\n") and body.count("# EOF") == 1
    s = Scrape(body)
    for name, f in s.families.items():
        assert set(f) >= {"TYPE", "HELP"}, (name, f)
        assert f["TYPE"] in ("counter", "gauge", "histogram", "info"), (name, f)
        assert not name.endswith(("_total", "_info", "_bucket", "_count", "_sum")), name
        assert "UNIT" not in f or name.endswith("_" + f["UNIT"]), (name, f)
        assert name.endswith(("_seconds", "_bytes")) == ("UNIT" in f), (name, f)
    for (name, _), v in s.items():
        if name.endswith("_total"):
            assert v >= 0, name
    assert s.of("suitd_build_info", **dict(next(k for k in s if k[0] == "suitd_build_info")[1])) == 1


def test_the_old_text_is_the_default_and_says_the_same(d):
    surveyed(d)  # what only a walk tells is there in both
    r, body = ask(d)
    assert r.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    assert "# EOF" not in body and "# UNIT" not in body
    old, new = Scrape(body), scrape(d, True)
    assert {k for k in old} == {k for k in new}, set(old) ^ set(new)
    assert all(n.endswith("_total") == (f["TYPE"] == "counter") for n, f in old.families.items())


def test_every_metric_of_the_table_is_there(d):
    with open("lib/metric.h") as f:
        table = set(re.findall(r'^\tM\(\w+, "(\w+)"', f.read(), re.M))
    assert len(table) > 40 and set(scrape(d, True).families) == table, set(scrape(d, True).families) ^ table


def test_promtool_is_content(d):
    tool = promtool()
    if not tool:
        raise Skip("no promtool on this machine")
    for accept in ("text/plain", "text/plain;q=0.1"):
        r = subprocess.run([tool, "check", "metrics"], input=ask(d, Accept=accept)[1], capture_output=True, text=True)
        assert r.returncode == 0, r.stdout + r.stderr


def test_head_has_no_body_and_others_are_told_what_there_is(d):
    r, body = ask(d, method="HEAD")
    assert r.status == 200 and body == ""
    r, body = ask(d, "/metrics?x=1")
    assert r.status == 200 and "suitd_devices" in body
    for path in ("/", "/metric", "/metrics/", "/../metrics", "/%6detrics", "//metrics"):
        assert ask(d, path)[0].status == 404, path
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        r, _ = ask(d, method=method)
        assert r.status == 405 and r.getheader("Allow") == "GET, HEAD", (method, r.status)


# --- values ---

def test_requests_and_blocks_are_counted_by_what_they_were(d):
    d.author()
    body = os.urandom(5000)
    d.publish(1, body, "/fw/count.bin", cls="count")
    p = Peer(d.port)
    assert p.download("fw/count.bin")[0] == body  # the first may be the loop's
    was = scrape(d)
    assert p.download("fw/count.bin")[0] == body
    for _ in range(3):
        assert code(p.ask(GET, "m/" + class_id("count")).code) == "2.05"
    assert code(p.ask(GET, "no/such").code) == "4.04"
    assert code(p.ask(POST, "m/" + class_id("count")).code) == "4.05"
    assert code(p.ask(GET, ".well-known/core").code) == "2.05"
    now = scrape(d)

    def moved(name, **labels):
        return now.of(name, **labels) - was.of(name, **labels)
    assert moved("suitd_requests_total", path="image", code="2.05") == 5
    assert moved("suitd_requests_total", path="m/{c}", code="2.05") == 3
    assert moved("suitd_requests_total", path="other", code="4.04") == 1
    assert moved("suitd_requests_total", path=".well-known/core", code="2.05") == 1
    assert now.all("suitd_requests_total", code="4.05") - was.all("suitd_requests_total", code="4.05") == 1
    assert now.all("suitd_blocks_total") - was.all("suitd_blocks_total") == 5
    assert now.all("suitd_block_bytes_total") - was.all("suitd_block_bytes_total") == 5000
    assert now.of("suitd_images") == 1 and now.of("suitd_image_bytes") == 5000
    for plane in ("worker", "loop"):
        assert (now.of("suitd_blocks_total", plane=plane) > 0) == (now.of("suitd_block_bytes_total", plane=plane) > 0)


def test_sessions_handshakes_and_observers(d):
    was = scrape(d)
    d.ctl("ping")  # over DTLS
    now = scrape(d)
    assert now.of("suitd_handshakes_total", result="ok") - was.of("suitd_handshakes_total", result="ok") == 1
    bad = d.file("bad.psk", b"admin 00112233445566778899aabbccddeeff\n")
    r = subprocess.run(d.ctl_args("ping")[:1] + ["--psk-file", bad] + d.ctl_args("ping")[3:], capture_output=True)
    assert r.returncode != 0
    p = Peer(d.port)
    r = p.ask(GET, "m/" + class_id("count"), [(OBSERVE, b"")], token=b"obs")
    assert code(r.code) == "2.05"
    assert scrape(d).of("suitd_observers") == was.of("suitd_observers") + 1
    d.publish(2, os.urandom(100), "/fw/count2.bin", cls="count")
    wait_for("it was told", lambda: scrape(d).of("suitd_notifications_total", result="sent") >
             was.of("suitd_notifications_total", result="sent"))


def test_the_store_the_loop_and_the_process(d):
    was = scrape(d)
    for i in range(20):
        assert code(Peer(d.port).ask(POST, "rd", [(URI_QUERY, b"ep=load%d" % i)]).code) == "2.01"
    s = scrape(d)
    assert histogram(s, "suitd_store_seconds", op="commit") > histogram(was, "suitd_store_seconds", op="commit")
    assert histogram(s, "suitd_store_seconds", op="sync") > histogram(was, "suitd_store_seconds", op="sync")
    assert histogram(s, "suitd_loop_turn_seconds") > histogram(was, "suitd_loop_turn_seconds")
    assert 0 < s.of("suitd_loop_turn_recent_max_seconds") < 60
    assert s.of("suitd_store_writable") == 1 and s.all("suitd_write_refusals_total") == 0
    size = sum(os.path.getsize(os.path.join(d.state, f)) for f in ("suitd.db", "suitd.db-wal"))
    assert s.of("suitd_database_bytes") == size, (s.of("suitd_database_bytes"), size)
    disk = os.statvfs(d.state)
    assert s.of("suitd_disk_size_bytes") == disk.f_blocks * disk.f_frsize
    assert abs(s.of("suitd_disk_free_bytes") - disk.f_bavail * disk.f_frsize) < 1 << 30
    with open("/proc/%d/statm" % d.proc.pid) as f:
        resident = int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    assert 0.5 < s.of("process_resident_memory_bytes") / resident < 2
    assert abs(s.of("process_open_fds") - len(os.listdir("/proc/%d/fd" % d.proc.pid))) <= 2
    assert abs(s.of("process_start_time_seconds") - time.time()) < 3600
    assert s.of("process_cpu_seconds_total") > 0
    assert s.of("suitd_log_messages_total", level="info") > 0


def test_devices_classes_and_groups(_):
    with Suitd(["group_tag=site", "register_tags=site"]) as d:
        d.author()
        d.publish(1, os.urandom(100), "/fw/a.bin")
        hostile = 'a"} 1\\'
        for i, site in enumerate(("north", "north", hostile)):
            q = [b"ep=d%d" % i, b"tag.site=" + site.encode(), b"lt=3600"]
            assert code(Peer(d.port).ask(POST, "rd", [(URI_QUERY, v) for v in q]).code) == "2.01"
        d.ctl("device", "add", "idle", "--class", class_id("demo"))
        s = surveyed(d)
        assert s.of("suitd_devices") == len(d.ctl_json("device", "list")), s.of("suitd_devices")
        assert s.of("suitd_devices_registered") == 3
        assert s.of("suitd_groups") == 2 and s.of("suitd_groups_silent") == 0
        assert {dict(k[1])["group"] for k in s if k[0] == "suitd_group_silence_seconds"} == {"site=north", "site=" + hostile}
        assert all(0 <= v < 60 for k, v in s.items() if k[0] == "suitd_group_silence_seconds")
        assert s.of("suitd_devices_ahead") == 0


def test_an_alias_is_no_word_of_ours(_):
    """"other" and "none" mean something here; Scrape fails for what comes twice."""
    for word in ("other", "none"):
        with Suitd(start=False) as d:
            d.flags = ["-c", d.file("suitd.conf", b"alias %s { class = %s }\n" % (word.encode(), class_id("demo").encode()))]
            d.start()
            d.author()
            d.publish(1, os.urandom(100), "/fw/a.bin")
            d.ctl("device", "add", "one", "--class", word)
            d.ctl("campaign", "start", 1)
            wait_for("it has a job", lambda: scrape(d).all("suitd_jobs") == 1)
            s = wait_for("it was walked over", lambda: (lambda s: s if s.all(
                "suitd_jobs_by_class") == 1 else None)(scrape(d)))
            shown = str(uuid.UUID(class_id("demo")))
            assert s.all("suitd_jobs_by_class", **{"class": shown}) == 1


def test_a_campaign_is_seen_from_its_start_to_its_end(_):
    mix = "poll=3,observe=2,trigger=3,manifest=1"
    with Suitd(FAST) as d:
        d.author()
        for dev in listed(d, 9, mix):
            if dev[2] != "-":
                add(d, *dev)
        p = start(d, 9, "--mix", mix, "--linger", 30)
        wait_for("they registered", lambda: d.ctl_json("status")["devices"] >= 9)
        d.publish(5, os.urandom(16384), "coap://127.0.0.1:%d/fw/a.bin" % d.port)
        t0 = time.time()
        d.ctl("campaign", "start", rel(d), "--class", class_id("demo"), "--waves", "100%")
        s = scrape(d)
        assert s.all("suitd_campaigns") == 1
        if s.of("suitd_campaigns", state="running"):
            assert s.all("suitd_campaign_devices", campaign="1") == s.all("suitd_jobs")
            assert s.of("suitd_campaign_progress_timestamp_seconds", campaign="1") >= t0 - 60
        dev = end(p)
        assert all(x["state"] == "updated" for x in dev.values()), dev
        done = all_done(d)["counts"]["done"]
        s = wait_for("the walk saw the end", lambda: (lambda s: s if s.all(
            "suitd_jobs_by_class", state="done") == done else None)(scrape(d)))
        assert s.of("suitd_campaigns", state="finished") == 1 and s.all("suitd_campaigns") == 1
        assert s.of("suitd_jobs", state="done") == done == s.all("suitd_jobs")
        assert s.all("suitd_campaign_devices") == 0, "it is over"
        assert s.all("suitd_pushes_total", driver="trigger", result="delivered") >= 3
        assert s.all("suitd_pushes_total", driver="manifest", result="delivered") >= 1
        # questions what a device runs are no pushes, there and in the status
        assert d.ctl_json("status")["pushes"] == s.all("suitd_pushes_total")
        assert s.of("suitd_admissions_total", result="admitted") >= 9
        assert s.of("suitd_downloads") == 0 and s.of("suitd_downloads_limit") == 500
        assert s.of("suitd_due_jobs") == 0 and s.of("suitd_oldest_due_seconds") == 0
        assert s.of("suitd_groups") == 0, "loopback is no network group"


def test_failures_and_retries_are_seen(_):
    """A device that answers nobody: attempts fail, are retried, and wait out their back-off."""
    with Suitd(["retry_transport_base=1s", "retry_transport_cap=2s", "retry_give_up_push=1000"]) as d:
        d.author()
        d.publish(1, os.urandom(100), "/fw/a.bin")
        d.ctl("device", "add", "gone", "--class", class_id("demo"), "--driver", "trigger",
              "--address", "coap://127.0.0.1:9")  # nobody there: refused by ICMP
        d.ctl("campaign", "start", 1, "--class", class_id("demo"))
        s = wait_for("it was tried again", lambda: (lambda s: s if s.of(
            "suitd_retries_total", failure="transport") >= 1 else None)(scrape(d)), 60)
        assert s.of("suitd_attempt_failures_total", failure="transport") >= 1
        failed = sum(v for k, v in s.items() if k[0] == "suitd_pushes_total" and dict(k[1])["result"] != "delivered")
        assert failed >= 1 and s.of("suitd_pushes_total", driver="trigger", result="delivered") == 0
        wait_for("it waits", lambda: scrape(d).of("suitd_backoff_jobs") == 1)


def test_reloads_backups_and_the_certificate(_):
    with Suitd(start=False) as d:
        cert, key = d.file("cert.pem"), d.file("key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", cert, "-days", "30", "-subj", "/CN=fw.example.org"],
                       check=True, capture_output=True)
        os.chmod(key, 0o600)
        conf = d.file("suitd.conf", b'tls_cert = "%s"\ntls_key = "%s"\n' % (cert.encode(), key.encode()))
        d.flags = ["-v", "-c", conf]
        d.start()
        s = scrape(d)
        left = s.of("suitd_key_expiry_timestamp_seconds", key="tls") - time.time()
        assert 29 * 86400 < left < 31 * 86400, left
        assert s.of("suitd_backup_timestamp_seconds") == 0 and s.all("suitd_reloads_total") == 0
        d.proc.send_signal(signal.SIGHUP)
        wait_for("it was read anew", lambda: scrape(d).of("suitd_reloads_total", result="ok") == 1)
        with open(conf, "a") as f:
            f.write("nonsense = 1\n")
        d.proc.send_signal(signal.SIGHUP)
        wait_for("it was refused", lambda: scrape(d).of("suitd_reloads_total", result="failed") == 1)
        assert scrape(d).of("suitd_reloads_total", result="ok") == 1
        t0 = time.time()
        d.ctl("backup", d.file("backup"))
        assert t0 - 60 < scrape(d).of("suitd_backup_timestamp_seconds") <= time.time()


# --- readiness ---

def test_ready_is_no_longer_said_while_it_stops(_):
    with Suitd(["drain_grace=5m"]) as d:
        d.author()
        d.publish(1, os.urandom(200000), "/fw/a.bin")
        assert ask(d, "/readyz")[0].status == 200 and ask(d, "/healthz")[0].status == 200
        p, seen = Peer(d.port), set()
        for num in range(100):  # blocks keep it serving
            p.ask(GET, "fw/a.bin", [(BLOCK2, block(num, 6))])
            if num == 0:
                d.proc.send_signal(signal.SIGTERM)
            r, body = ask(d, "/readyz")
            seen.add(r.status)
            if r.status == 503:
                assert "state: NOT OK, draining" in body, body
                assert ask(d, "/healthz")[0].status == 200, "it is alive"
                break
            time.sleep(0.05)
        assert 503 in seen, seen


def test_ready_is_no_longer_said_while_the_disk_is_full(_):
    if os.geteuid() != 0:
        raise Skip("a file system that fills up needs root")
    with Suitd(start=False) as d:
        os.makedirs(d.state)
        tmpfs(d.state)
        try:
            d.start()
            filler = os.path.join(d.state, "filler")
            with open(filler, "wb", buffering=0) as f:
                try:
                    while True:
                        f.write(bytes(65536))
                        f.flush()
                except OSError:
                    pass
            for i in range(3000):
                r = Peer(d.port).ask(POST, "rd", [(URI_QUERY, b"ep=full%d" % i)])
                if r is not None and code(r.code) == "5.03":
                    break
            r, body = ask(d, "/readyz")
            assert r.status == 503 and "writes: NOT OK" in body, body
            s = scrape(d)
            assert s.of("suitd_store_writable") == 0 and s.of("suitd_write_refusals_total", reason="nospace") >= 1
            assert ask(d, "/healthz")[0].status == 200
            os.unlink(filler)
            wait_for("it writes again", lambda: ask(d, "/readyz")[0].status == 200)
            assert scrape(d).of("suitd_store_writable") == 1
        finally:
            d.stop()
            subprocess.run(["umount", d.state], check=True)


# --- hostile HTTP ---

def raw(d, data=b"", timeout=5):
    s = socket.create_connection(("127.0.0.1", d.hport), timeout=timeout)
    try:
        s.sendall(data)
    except OSError:
        pass
    return s


def everything(s):
    out = b""
    try:
        while True:
            b = s.recv(65536)
            if not b:
                return out
            out += b
    except OSError:
        return out


def serving(d):
    assert d.proc.poll() is None
    wait_for("a scrape", lambda: "suitd_devices" in ask(d)[1])
    assert code(Peer(d.port).ask(GET, ".well-known/core").code) == "2.05"


def resident(d):
    with open("/proc/%d/statm" % d.proc.pid) as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_nonsense_is_refused(d):
    for data in (b"\0" * 100000, b"GET\r\n\r\n", b"GET /metrics HTTP/9.9\r\n\r\n", b"\r\n" * 1000 + b"x",
                 b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
                 b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
                 b"GET /metrics HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(5000)) + b"\r\n",
                 b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
                 b"POST /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n" + b"a" * 100000,
                 b"GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                 b"BREW /metrics HTTP/1.1\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\n\r\n",
                 b"GET http://[::1/metrics HTTP/1.1\r\n\r\n"):
        s = raw(d, data)
        try:
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it was thrown out already
        out = everything(s)
        s.close()
        assert b"suitd_devices" not in out, data[:60]
        serving(d)


def test_the_largest_header_that_is_taken(d):
    lines = [b"GET /healthz HTTP/1.1", b"Connection: close", b"X: "]  # their ends do not count
    for n, good in ((8192, True), (8192 + 1, False)):
        out = everything(raw(d, b"\r\n".join(lines) + b"a" * (n - sum(map(len, lines))) + b"\r\n\r\n", HANGS))
        assert out.startswith(b"HTTP/1.1 200") == good, (n, out[:80])


def test_pipelined_requests_are_answered_one_by_one(d):
    s = raw(d, b"GET /healthz HTTP/1.1\r\n\r\n" * 50 + b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", HANGS)
    assert everything(s).count(b"HTTP/1.1 200") == 51


def test_who_asks_in_a_loop_is_slowed_down(d):
    """Some 50 scrapes a second are made, whoever asks; the others hear when to come back."""
    get = b"GET /metrics HTTP/1.1\r\n\r\n"
    s = raw(d, get * 200 + b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", HANGS)
    t0 = time.monotonic()
    out = everything(s)
    most = 50 * (int(time.monotonic() - t0) + 2)  # it may have begun at the end of a second
    assert out.count(b"HTTP/1.1 200") - 1 <= most and out.count(b"HTTP/1.1 ") == 201, out.count(b"HTTP/1.1 200")
    if most < 200:
        assert out.count(b"Retry-After: 1") >= 200 - most
    wait_for("it is answered again", lambda: ask(d)[0].status == 200)


def test_who_does_not_read_is_not_waited_for(d):
    """Thousands of requests, and no answer taken: what waits is bounded."""
    was = resident(d)
    some = []
    for _ in range(8):
        s = raw(d, timeout=0.5)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            s.sendall(b"GET /metrics HTTP/1.1\r\n\r\n" * 100000)
        except OSError:
            pass
        some.append(s)
    serving(d)
    assert resident(d) - was < 32 << 20, (was, resident(d))
    for s in some:
        s.close()


def test_a_thousand_connections_that_say_nothing(d):
    """Nobody is kept out by them, and they do not use up descriptors."""
    some = []
    for i in range(1000):
        s = raw(d, b"GET /metr" if i % 2 else b"")
        some.append(s)
        if i % 200 == 0:
            serving(d)
    serving(d)
    assert scrape(d).of("process_open_fds") < 400
    for s in some:
        s.close()
    serving(d)


def test_TUF_SLOW_who_is_slow_is_cut_off(d):
    """A byte now and then keeps no connection: 20 s are all there is."""
    s = raw(d, b"GET /metrics HTTP/1.1\r\n", timeout=1)
    t0 = time.monotonic()
    try:
        while time.monotonic() - t0 < 60:
            s.sendall(b"X")
            try:
                if s.recv(1) == b"":
                    break
            except socket.timeout:
                pass
    except OSError:
        pass
    assert 15 < time.monotonic() - t0 < 40, time.monotonic() - t0
    serving(d)


def test_it_can_be_switched_off(_):
    with Suitd(["listen_http="]) as d:
        try:
            raw(d).close()
            raise AssertionError("it listens")
        except ConnectionRefusedError:
            pass
        with Suitd(start=False) as other:
            other.hport = d.hport
            other.start()
            taken = Suitd(["listen_http=127.0.0.1:%d" % d.hport], start=False)
            try:
                taken.start()
                raise AssertionError("it started")
            except RuntimeError as e:
                assert "listen_http" in str(e) and "in use" in str(e), e
            finally:
                taken.proc = None  # it has ended
                taken.close()


if __name__ == "__main__":
    with Suitd() as daemon:
        sys.exit(run([
            test_openmetrics_keeps_its_rules,
            test_the_old_text_is_the_default_and_says_the_same,
            test_every_metric_of_the_table_is_there,
            test_head_has_no_body_and_others_are_told_what_there_is,
            test_requests_and_blocks_are_counted_by_what_they_were,
            test_sessions_handshakes_and_observers,
            test_the_store_the_loop_and_the_process,
            test_devices_classes_and_groups,
            test_an_alias_is_no_word_of_ours,
            tidy(test_a_campaign_is_seen_from_its_start_to_its_end),
            test_failures_and_retries_are_seen,
            test_reloads_backups_and_the_certificate,
            test_promtool_is_content,
            test_ready_is_no_longer_said_while_it_stops,
            test_ready_is_no_longer_said_while_the_disk_is_full,
            test_nonsense_is_refused,
            test_the_largest_header_that_is_taken,
            test_pipelined_requests_are_answered_one_by_one,
            test_who_asks_in_a_loop_is_slowed_down,
            test_who_does_not_read_is_not_waited_for,
            test_a_thousand_connections_that_say_nothing,
            test_TUF_SLOW_who_is_slow_is_cut_off,
            test_it_can_be_switched_off,
        ], daemon))
