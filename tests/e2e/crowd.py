"""Many clients that download images at the same time, in a thread of its own:
each asks for one block, checks what comes, and goes on; what is lost is asked
again. They note what goes wrong, and stop when told."""
import random
import select
import threading
import time

from coapraw import BLOCK2, CON, ETAG, GET, Msg, block, code, encode
from planes import client, digest, image_path, seg

AGAIN = 0.3  # seconds until a request is repeated


class Client:
    def __init__(self, crowd, n):
        self.crowd, self.s = crowd, client(crowd.port, crowd.host)
        self.mid, self.rnd = n * 257 & 0xffff, random.Random(n)
        self.begin()

    def begin(self):
        self.data, self.num = self.rnd.choice(self.crowd.images), 0
        self.path = self.crowd.paths[self.data]
        self.next()

    def next(self):
        self.mid, self.asked = self.mid + 1 & 0xffff, time.monotonic()
        self.raw = encode(CON, GET, self.mid, b"", seg(self.path) + [(BLOCK2, block(self.num, self.crowd.szx))])
        self.send()

    def send(self):
        self.sent = time.monotonic()
        try:
            self.s.send(self.raw)
        except OSError:
            pass  # the daemon is being restarted

    def answered(self, m):
        if m.mid != self.mid:
            self.crowd.late += 1  # to a repetition: it was not lost
            return
        c, size = self.crowd, 16 << self.crowd.szx
        if code(m.code) != "2.05":
            c.refused(self, m)
            self.begin()
            return
        want = self.data[self.num * size:(self.num + 1) * size]
        more = (self.num + 1) * size < len(self.data)
        if m.payload != want or m.opt(ETAG) != digest(self.data)[:8] or m.block2() != (self.num, more, c.szx):
            c.wrong.append("block %d/%d of %d bytes: %s" % (self.num, c.szx, len(self.data), m))
        if c.gone.get(self.data, float("inf")) < self.asked:
            c.wrong.append("block %d of an image that is gone: %s" % (self.num, m))
        c.blocks += 1
        self.num += 1
        if more:
            self.next()
        else:
            c.done[self.data] = c.done.get(self.data, 0) + 1
            self.begin()


class Crowd:
    """`with Crowd(...) as c:` they download. `images` may be replaced at any
    time; `gone` says from when on an image must not be served; `codes` counts
    what was not 2.05, by image and code; `wrong` must be empty."""

    def __init__(self, port, images, n=50, szx=6, host="127.0.0.1"):
        self.port, self.host, self.szx, self.n = port, host, szx, n
        self.paths, self.gone, self.done, self.codes, self.wrong = {}, {}, {}, {}, []
        self.blocks = self.repeated = self.late = 0
        self.set_images(images)
        self.stop, self.failed = threading.Event(), None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def set_images(self, images):
        for data in images:
            self.paths.setdefault(data, image_path(data))
        self.images = list(images)

    def refused(self, who, m):
        key = (who.data, code(m.code))
        self.codes[key] = self.codes.get(key, 0) + 1

    def run(self):
        try:
            self.loop()
        except Exception as e:  # shown by __exit__
            self.failed = e

    def loop(self):
        ep = select.epoll()
        clients = {c.s.fileno(): c for c in (Client(self, n) for n in range(self.n))}
        for fd in clients:
            ep.register(fd, select.EPOLLIN)
        while not self.stop.is_set():
            for fd, _ in ep.poll(0.05):
                try:
                    clients[fd].answered(Msg(clients[fd].s.recv(65536)))
                except OSError:
                    pass  # port unreachable: the daemon is being restarted
            now = time.monotonic()
            for c in clients.values():
                if now - c.sent > AGAIN:
                    self.repeated += 1
                    c.send()
        for c in clients.values():
            c.s.close()
        ep.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stop.set()
        self.thread.join()
        if kind is None:
            assert self.failed is None, repr(self.failed)
            assert not self.wrong, "%d wrong answers: %s" % (len(self.wrong), self.wrong[:3])
