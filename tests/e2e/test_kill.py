#!/usr/bin/env python3
"""kill -9 at 200 random points of a running campaign (KILLS to change it):
whatever was acknowledged, a registration, a report, a tag, a release, is
there after the restart, and in the end every job is done."""
import os
import random
import subprocess
import sys
import threading
import time

from coapraw import BLOCK2, CONTENT_FORMAT, GET, POST, URI_QUERY, Peer, block, code, uint
from fixture import HANGS, Suitd, class_id, run, wait_for
from test_wire import status

KILLS = int(os.environ.get("KILLS", "200"))
SEED = int(os.environ.get("SEED", "42"))
DEVICES = 60
IMAGE = os.urandom(6000)


class Dead(Exception):
    """The daemon did not answer: it was killed; try again after the restart."""


def ask(d, *a, **kw):
    p, end = Peer(d.port), time.monotonic() + HANGS
    try:
        r = p.ask(*a, timeout=0.2, **kw)
        while r is None and d.proc.poll() is None and time.monotonic() < end:
            r = p.recv(0.2)  # it is slow
    except OSError:
        r = None
    finally:
        p.close()
    if r is None:
        raise Dead()
    return r


def life(d, ep, seq, acked):
    """One device's life as steps; a step that raises Dead is done again."""
    q = [(URI_QUERY, b"ep=" + ep.encode())]

    def register():
        r = ask(d, POST, "rd", q + [(URI_QUERY, b"c=" + class_id("demo").encode())])
        assert r.code == 65, str(r)
        acked["device"].add(ep)

    def manifest():
        r = ask(d, GET, "m", q + [(BLOCK2, block(0, 6))])
        assert code(r.code) == "2.05", str(r)

    def blocks(num):
        r = ask(d, GET, "fw/demo-%d.bin" % seq, [(BLOCK2, block(num, 6))])
        assert r.payload == IMAGE[num * 1024:(num + 1) * 1024], str(r)

    def report(phase):
        r = ask(d, POST, "r", q + [(CONTENT_FORMAT, uint(60))], status(s=phase))
        assert code(r.code) == "2.04", str(r)

    def runs():
        r = ask(d, POST, "r", q + [(CONTENT_FORMAT, uint(60))], status(seq=seq))
        assert code(r.code) == "2.04", str(r)
        acked["done"][ep] = seq
    yield from [register, manifest, lambda: report(1)]
    yield from [lambda n=n: blocks(n) for n in range(6)]
    yield from [lambda: report(2), runs]


def check(d, acked):
    have = {i["ep"]: i for i in d.ctl_json("device", "list")}
    for ep in acked["device"]:
        assert ep in have, "%s was registered and is gone" % ep
    for ep, seq in acked["done"].items():
        assert have[ep].get("seq") == seq, "%s said it runs %d; the store says %r" % (ep, seq, have[ep])
    for ep, sites in acked["tag"].items():  # the last acknowledged, or one tried since
        assert have[ep]["tags"]["site"] in sites, (ep, sites, have[ep])
    seqs = {i["seq"] for i in d.ctl_json("release", "list")}
    assert acked["release"] <= seqs, (acked["release"], seqs)


def test_kill_9(_):
    rnd = random.Random(SEED)
    acked = {"device": set(), "done": {}, "tag": {}, "release": set()}
    with Suitd() as d:
        d.author()
        d.publish(1, IMAGE, "/fw/demo-1.bin")
        acked["release"].add(1)
        eps = ["dev-%03d" % i for i in range(DEVICES)]
        for ep in eps:
            d.ctl("device", "add", ep, "--class", class_id("demo"))
        camp = d.ctl_json("campaign", "start", d.ctl_json("release", "list")[0]["id"],
                          "--class", class_id("demo"), "--concurrency", "1000", "--waves", "100%")["id"]
        queue = [iter(life(d, ep, 1, acked)) for ep in eps]
        pending = [next(q) for q in queue]
        tags, publishes, tried = 0, 0, {}
        for kill in range(KILLS):
            timer = threading.Timer(rnd.random() * 0.12, d.proc.kill)
            timer.start()
            try:
                while True:
                    i = rnd.randrange(len(queue))
                    if pending[i] is not None and rnd.random() < 0.15:
                        pending[i]()
                        pending[i] = next(queue[i], None)
                    elif rnd.random() < 0.5:  # else a later poll or report
                        ask(d, GET, "m", [(URI_QUERY, b"ep=" + eps[i].encode())])
                    elif rnd.random() < 0.05:
                        ep, site = rnd.choice(eps), "s%d" % tags
                        tags += 1
                        tried.setdefault(ep, []).append(site)
                        r = subprocess.run(d.ctl_args("device", "tag", ep, "site=" + site), capture_output=True)
                        if r.returncode == 0:
                            tried[ep] = acked["tag"][ep] = [site]  # one list: later tries join it
                        elif r.returncode == 1:
                            raise AssertionError(r.stderr.decode())
                        else:
                            raise Dead()
                    elif kill % 20 == 10 and publishes <= kill // 20:
                        publishes += 1
                        try:
                            d.publish(publishes, os.urandom(500), "/fw/p%d.bin" % publishes, cls="other")
                            acked["release"].add(publishes)
                        except AssertionError:
                            raise Dead()
            except Dead:
                pass
            timer.join()
            d.proc.wait()
            d.start()
            check(d, acked)
        # in peace: everybody finishes
        for i, q in enumerate(queue):
            while pending[i] is not None:
                pending[i]()
                pending[i] = next(q, None)
        check(d, acked)
        c = wait_for("the campaign is finished",
                     lambda: (lambda c: c if c["state"] == "finished" else None)(d.ctl_json("campaign", "show", camp)))
        assert c["counts"]["done"] == DEVICES, c
        print("  %d kills, %d devices done, %d tags and %d releases acknowledged" %
              (KILLS, DEVICES, len(acked["tag"]), len(acked["release"])))


if __name__ == "__main__":
    sys.exit(run([test_kill_9], None))
