"""A suitd of one's own on loopback in a temporary directory, and suitctl."""
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

B = os.environ.get("B", "build")
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(TOP, B)
HANGS = 60  # seconds; what takes longer on the slowest machine never ends. No test waits so long for what is well


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that with-blocks clean up


def free_port():
    """A port free for UDP and TCP on every loopback address; no other lane of check.sh looks where this one does."""
    least = {"": 20000, "beside": 26000}[os.environ.get("LANE", "")]
    while True:
        p = random.randint(least, least + 5999)
        try:
            for fam, host in ((socket.AF_INET6, "::"),):
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    s = socket.socket(fam, kind)
                    s.bind((host, p))
                    s.close()
            return p
        except OSError:
            continue


class Suitd:
    flags = ["-v"]
    hasty = ["drain_grace=1s"]  # no test waits for devices that do not come
    preexec = None  # runs in the child before suitd does
    env = {}  # on top of ours

    def __init__(self, options=(), start=True):
        self.dir = tempfile.mkdtemp(prefix="suitd-test.")
        self.state = os.path.join(self.dir, "state")
        ports = set()
        while len(ports) < 4:
            ports.add(free_port())
        self.port, self.sport, self.aport, self.hport = ports
        self.options, self.proc = list(options), None
        self.log = os.path.join(self.dir, "suitd.log")
        if start:
            self.start()

    def start(self):
        o = ["listen_coap=[::]:%d" % self.port, "listen_coaps=[::]:%d" % self.sport,
             "listen_tcp=[::]:%d" % self.port, "listen_admin=127.0.0.1:%d" % self.aport,
             "listen_http=127.0.0.1:%d" % self.hport]
        args = [os.path.join(BIN, "suitd"), "-d", self.state] + self.flags
        for kv in o + self.hasty + self.options:
            args += ["-o", kv]
        self.proc = subprocess.Popen(args, stderr=open(self.log, "ab"),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     preexec_fn=self.preexec, env=dict(os.environ, **self.env))
        end = time.monotonic() + HANGS
        while time.monotonic() < end:
            if subprocess.run(self.ctl_args("ping"), capture_output=True).returncode == 0:
                return
            if self.proc.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError("suitd did not start:\n" + open(self.log).read()[-4000:])

    def kill(self, sig=signal.SIGKILL):
        self.proc.send_signal(sig)
        rc = self.proc.wait(HANGS)
        self.proc = None
        return rc

    def stop(self):
        if self.proc is not None:
            rc = self.kill(signal.SIGTERM)
            if rc != 0:
                raise RuntimeError("suitd ended with %d:\n%s" % (rc, open(self.log).read()[-4000:]))

    def close(self):
        try:
            self.stop()
        finally:
            if self.proc is not None:
                self.proc.kill()
                self.proc.wait()
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ctl_args(self, *words):
        return [os.path.join(BIN, "suitctl"), "-d", self.state,
                "--admin", "coaps://127.0.0.1:%d" % self.aport] + [str(w) for w in words]

    def ctl(self, *words, rc=0):
        """Runs suitctl; returns its output; checks the exit code."""
        r = subprocess.run(self.ctl_args(*words), capture_output=True, text=True, timeout=2 * HANGS)
        if rc is not None and r.returncode != rc:
            raise AssertionError("suitctl %s: exit %d, not %d\n%s%s" % (
                " ".join(map(str, words)), r.returncode, rc, r.stdout, r.stderr))
        return r.stdout + r.stderr

    def ctl_json(self, *words):
        r = subprocess.run(self.ctl_args("--json", *words), capture_output=True, text=True, timeout=2 * HANGS)
        if r.returncode != 0:
            raise AssertionError("suitctl %s: exit %d\n%s%s" % (" ".join(map(str, words)), r.returncode, r.stdout, r.stderr))
        return json.loads(r.stdout)

    def events(self, ep):
        """The event log of a device: suitctl prints one JSON value a line."""
        return self.ctl_json("events", "--device", ep)

    def file(self, name, data=None):
        p = os.path.join(self.dir, name)
        if data is not None:
            with open(p, "wb") as f:
                f.write(data)
        return p

    def author(self, kind="ed25519", name="author"):
        self.ctl("key", "new", "--type", kind, "--out", self.file(name + ".pem"),
                 "--public", self.file(name + ".pub"))
        self.ctl("author", "add", name, self.file(name + ".pub"))

    def manifest(self, seq, data, uri, cls="demo", author="author", extra=()):
        """Creates and signs; returns the envelope's and the payload's files."""
        fw = self.file("fw-%s-%d.bin" % (cls, seq), data)
        env = self.file("m-%s-%d.suit" % (cls, seq))
        if os.path.exists(env):
            os.unlink(env)
        self.ctl("manifest", "create", "--sequence", seq, "--vendor", "example.com",
                 "--class", cls, "--component", "00", "--payload", fw, "--uri", uri,
                 *extra, "--key", self.file(author + ".pem"), "--out", env)
        return env, fw

    def uploading(self):
        """Bytes of each upload in the making: files that have no name, where the file system can do that."""
        fds, sizes = "/proc/%d/fd" % self.proc.pid, []
        for fd in os.listdir(fds):
            try:
                if os.readlink(os.path.join(fds, fd)).startswith(os.path.join(self.state, "tmp", "")):
                    sizes.append(os.stat(os.path.join(fds, fd)).st_size)
            except FileNotFoundError:
                pass  # closed meanwhile
        return sizes

    def publish(self, seq, data, uri, cls="demo", rc=0, **kw):
        env, fw = self.manifest(seq, data, uri, cls, **kw)
        return self.ctl("publish", env, "--payload", fw, rc=rc)


def class_id(name, vendor="example.com"):
    import uuid
    return uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_DNS, vendor), name).hex


def wait_for(what, check, seconds=HANGS):
    end = time.monotonic() + seconds
    while True:
        r = check()
        if r:
            return r
        if time.monotonic() > end:
            raise AssertionError("not within %d s: %s" % (seconds, what))
        time.sleep(0.1)


class Lossy:
    """A UDP relay on loopback that loses a share of the datagrams, each way."""
    def __init__(self, port, loss, seed=1):
        self.rnd, self.loss, self.up = random.Random(seed), loss, {}
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind(("127.0.0.1", 0))
        self.port, self.to = self.s.getsockname()[1], ("127.0.0.1", port)
        self.lost = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stop.is_set():
            ready, _, _ = select.select([self.s] + list(self.up.values()), [], [], 0.2)
            for s in ready:
                try:
                    data, frm = s.recvfrom(65536)
                except OSError:
                    continue
                self.seen(data, s is self.s)
                data = self.changed(data, s is self.s)
                if data is None or self.rnd.random() < self.loss:
                    self.lost += 1
                elif s is self.s:
                    if frm not in self.up:
                        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                        u.connect(self.to)
                        self.up[frm] = u
                    self.up[frm].send(data)
                else:
                    self.s.sendto(data, next(a for a, u in self.up.items() if u is s))

    def seen(self, data, to_server):
        """For those who listen."""

    def changed(self, data, to_server):
        """For those who bend what passes; None: it does not."""
        return data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        for s in [self.s] + list(self.up.values()):
            s.close()


class Skip(Exception):
    """Raised by a test that cannot run on this machine; says why."""


def run(tests, *args):
    """Runs test functions; prints a line each and the summary; exit code."""
    passed = failed = skipped = 0
    only = sys.argv[1:]
    for t in tests:
        if only and not any(o in t.__name__ for o in only):
            continue
        try:
            t(*args)
            passed += 1
            print("  ok   %s" % t.__name__, flush=True)
        except Skip as e:
            skipped += 1
            print("  SKIPPED %s: %s" % (t.__name__, e), flush=True)
        except Exception:
            failed += 1
            print("  FAIL %s\n%s" % (t.__name__, traceback.format_exc()), flush=True)
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed else 0
