#!/usr/bin/env python3
"""Who watches a campaign sees bytes on their way, while they are: over the
path of the digest and over the one that the manifest names."""
import base64
import hashlib
import json
import os
import subprocess
import sys
import threading

from coapraw import BLOCK2, GET, URI_QUERY, Peer, block, code
from fixture import Suitd, class_id, run, wait_for

SIZE = 64 * 1024


class Slow(threading.Thread):
    """A device that takes 16 bytes at a time and rests in between."""
    def __init__(self, port, ep, path):
        super().__init__(daemon=True)
        self.port, self.ep, self.path = port, ep, path
        self.num, self.bad, self.enough = 0, None, threading.Event()

    def run(self):
        p, who = Peer(self.port), [(URI_QUERY, b"ep=" + self.ep.encode())]
        while not self.enough.wait(0.1) and (self.num + 1) * 16 < SIZE:
            r = p.ask(GET, self.path, who + [(BLOCK2, block(self.num, 0))])
            if r is None or code(r.code) != "2.05":
                self.bad = str(r)
                break
            self.num += 1
        p.close()


def test_blocks_are_shown_while_they_go_out(_):
    data = os.urandom(SIZE)
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    with Suitd() as d:
        d.author()
        for ep in ("slow-1", "slow-2"):
            d.ctl("device", "add", ep, "--class", class_id("demo"))
        d.publish(1, data, "coap://127.0.0.1:%d/fw/1.bin" % d.port)
        d.ctl("campaign", "start", 1, "--waves", "100%", "--soak", "0s")
        w = subprocess.Popen(d.ctl_args("--json", "campaign", "watch", 1), stdout=subprocess.PIPE, text=True)
        seen = []
        reader = threading.Thread(target=lambda: seen.extend(iter(w.stdout.readline, "")), daemon=True)
        slow = [Slow(d.port, "slow-1", "i/" + digest), Slow(d.port, "slow-2", "fw/1.bin")]
        try:
            reader.start()
            for s in slow:
                s.start()
            wait_for("both are shown", lambda: d.ctl_json("campaign", "show", 1).get("downloads") == 2)
            c = wait_for("bytes move", lambda: (lambda c: c if c.get("bytes_rate") else None)(
                d.ctl_json("campaign", "show", 1)))
            assert c["bytes_total"] == 2 * SIZE and 0 < c["bytes_done"] <= 16 * sum(s.num + 1 for s in slow), c
            assert "2 now" in d.ctl("campaign", "show", 1)
            # watch hears of them by itself, and of bytes that no statement was worth
            done = lambda: [m["bytes_done"] for m in map(json.loads, list(seen)) if m.get("downloads") == 2]
            wait_for("watch shows them move", lambda: len(set(done())) >= 3)
            assert all(s.is_alive() for s in slow), [s.bad for s in slow]
            assert done() == sorted(done()) and done()[-1] < SIZE
            e = d.ctl_json("device", "explain", "slow-1")
            assert e["job"]["state"] == "fetching" and e["job"]["done"] > 0, e
        finally:
            for s in slow:
                s.enough.set()
            w.terminate()
            w.wait()
        reader.join()


if __name__ == "__main__":
    sys.exit(run([v for k, v in list(globals().items()) if k.startswith("test_")], None))
