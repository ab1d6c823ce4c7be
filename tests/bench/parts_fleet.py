"""Whole campaigns: suitsim's devices register, poll or are triggered,
download, report and restart. Each must end with the new version."""
import json
import os
import random
import statistics
import subprocess
import time

from bench_lib import BIN, Broken, Suitd, children, cpu_of, image, memory, row, turns_row
from fixture import class_id

SIZE = 16384  # of the image, bytes


def bench_campaign():
    """10 000 devices while 1 % of all datagrams are lost."""
    fleet("campaign", 10000, "--loss", "1%")


def bench_fleet():
    """Only when asked for: 2 000 devices, nothing is lost."""
    fleet("fleet", 2000)


def bench_soak():
    """Only when asked for: loss, doubles, and kill -9 in the middle."""
    fleet("soak", 2000, "--loss", "1%", "--dup", "1%", kill=True)


def fleet(part, n, *more, kill=False):
    # the devices' clock runs 30 times faster: they are told to ask again after 2 s of ours
    with Suitd(["poll_max_age=1m", "downloads=%d" % n, "retries=0", "notify_rate=0"]) as d:
        d.author()
        used, t0 = children(), time.monotonic()
        f = Fleet(d, n, more)
        try:
            f.drive(kill)
            f.watch()
        finally:
            f.end()
        st, wall = d.ctl_json("status"), time.monotonic() - t0
        devices = f.result()
        report(part, d, devices, st, wall)
        if not kill:
            row(part, "requests answered while most download", f.sustained(st), "per s", None, "median of seconds; %d at most" %
                max(f.sustained(st)), key=part + ".sustained")
        turns_row(part, [st])
        row(part, "suitd: CPU, all of it", [cpu_of(d.pid)], "s", None, "%.0f us a request" % (1e6 * cpu_of(d.pid) / st["requests"]),
            key=part + ".cpu")
        row(part, "suitsim: CPU", [children() - used], "s", None, "suitctl's included")
        row(part, "suitd: peak RSS", [f.peak[1]], "MiB", key=part + ".rss")
        row(part, "suitsim: peak RSS", [f.peak[0]], "MiB")


class Fleet:
    def __init__(self, d, n, more):
        self.d, self.n, self.t0, self.peak, self.seen = d, n, time.monotonic(), [0, 0], []
        self.out = open(d.file("sim.json"), "w+")
        self.p = subprocess.Popen(
            [os.path.join(BIN, "suitsim"), "-n", str(n), "--mix", "poll=2,observe=1,trigger=1",
             "--server", "coap://127.0.0.1:%d" % d.port, "--key", d.file("author.pub"), "--class", class_id("demo"),
             "--time-scale", "30", "--poll", "60", "--json", "--linger", "2",  # for the last answers
             "--addr-base", "127.%d.0.0" % random.randint(16, 200)] + list(more),
            stdout=self.out, stderr=open(d.file("sim.log"), "w"))

    def drive(self, kill):
        d = self.d
        self.until("registration", lambda: d.ctl_json("status")["devices"] == self.n)
        image(d, 5, SIZE)
        rel = d.ctl_json("release", "list")
        rel = (rel["items"] if isinstance(rel, dict) else rel)[0]["id"]
        d.ctl("campaign", "start", rel, "--class", class_id("demo"), "--concurrency", self.n, "--waves", "100%")
        if kill:
            self.until("the middle", lambda: d.ctl_json("status")["blocks"] >= SIZE / 1024 * self.n / 3)
            d.kill()
            time.sleep(1)
            d.start()

    def until(self, what, check):
        end = time.monotonic() + 120
        while not check():
            if self.p.poll() is not None or time.monotonic() > end:
                raise Broken("the fleet: %s does not come, suitsim %s: %s" % (
                    what, self.p.poll(), open(self.d.file("sim.log")).read()[-400:].strip()))
            time.sleep(0.2)

    def watch(self):
        """Until suitsim has ended. A look each second at what was answered."""
        while self.p.poll() is None:
            if time.monotonic() - self.t0 > 600:
                raise Broken("the fleet is not over after 600 s: %s" % self.d.ctl_json("status"))
            try:
                self.peak = [memory(self.p.pid, "VmHWM"), memory(self.d.pid, "VmHWM")]
            except (OSError, Broken):
                break  # it has just ended
            st = self.d.ctl_json("status")
            self.seen.append((time.monotonic(), st["requests"], st["blocks"]))
            time.sleep(1)
        self.p.wait()

    def sustained(self, st):
        """Requests a second between the first and the last tenth of the blocks."""
        steps = [((b[1] - a[1]) / (b[0] - a[0]), a[2]) for a, b in zip(self.seen, self.seen[1:])]
        return [r for r, blocks in steps if 0.1 <= blocks / st["blocks"] <= 0.9] or [max(r for r, _ in steps)]

    def result(self):
        self.out.seek(0)
        devices = json.load(self.out)["devices"]
        states = [x["state"] for x in devices]
        if self.p.returncode != 0 or states.count("updated") != self.n:
            raise Broken("suitsim exit %d: %s" % (self.p.returncode, {s: states.count(s) for s in set(states)}))
        return devices

    def end(self):
        if self.p.poll() is None:
            self.p.terminate()
            self.p.wait()


def report(part, d, devices, st, wall):
    n, counts = len(devices), d.ctl_json("campaign", "show", 1)["counts"]
    row(part, "devices updated, of %d" % n, [n], "devices", (">=", n),
        "campaign %s" % " ".join("%s=%s" % kv for kv in sorted(counts.items()) if kv[1]))
    row(part, "until the last device has it, from its first contact", [max(x["seconds"] for x in devices)], "s", None,
        "half of them within %.1f s" % statistics.median(x["seconds"] for x in devices), key=part + ".wall")
    row(part, "requests answered, all the time", [st["requests"] / wall], "per s", None,
        "%d requests, %d blocks, %d errors" % (st["requests"], st["blocks"], st["errors"]), key=part + ".rate")
    row(part, "attempts a device", [sum(x["attempts"] for x in devices) / n], "", None,
        "%d retransmissions" % sum(x["retransmissions"] for x in devices))
