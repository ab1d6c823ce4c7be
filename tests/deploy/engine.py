"""A Docker engine of a test's own: a dockerd in network, mount and process
namespaces, with everything that it keeps in a temporary directory. When the
first process of the namespaces is killed all others are, and all mounts are
gone: nothing of it can be left behind, and nobody else's is touched.

It has no way out but one: a relay from inside to the machine's own Debian
mirror, so that images can be built."""
import glob
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse

from deploy import B, TOP, Skip, mirror, need, need_root, sh, wait_for
from netns import Namespace, ip

DEPLOY = os.path.join(TOP, B, "deploy")
RELAY = "198.51.100.1"  # inside; TEST-NET-2, nobody's


def script(name, *words):
    """What a script of this directory prints."""
    return sh("sh", os.path.join("tests/deploy", name), *words).strip()


def base_tar(suite):
    """base.sh's root; made once, under the build directory."""
    need("mmdebstrap")
    tar = os.path.join(DEPLOY, "base-%s.tar" % suite)
    script("base.sh", suite, tar)
    return tar


def debs(suite, *packages):
    """Packages as files; fetched once, under the build directory."""
    directory = os.path.join(DEPLOY, suite)
    script("fetch.sh", suite, directory, *packages)
    return [glob.glob(os.path.join(directory, p + "_*.deb"))[0] for p in packages]


class Relay:
    """TCP, both ways: listens inside of a namespace, connects from outside."""

    def __init__(self, ns, address, to):
        self.to, self.open = to, True
        with ns:  # a socket stays in the namespace where it was made
            self.sock = socket.create_server((address, to[1]))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                inside, _ = self.sock.accept()
            except OSError:
                return
            try:
                outside = socket.create_connection(self.to, 20)
                outside.settimeout(None)
            except OSError:
                inside.close()
                continue
            for a, b in ((inside, outside), (outside, inside)):
                threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    @staticmethod
    def _pump(a, b):
        try:
            while True:
                data = a.recv(1 << 16)
                if not data:
                    break
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


class Engine:
    def __init__(self):
        need("dockerd", "docker", "containerd", "runc", "iptables", "unshare", "setpriv", "nsenter")
        need_root()
        self.mirror = mirror("trixie")
        self.dir = tempfile.mkdtemp(prefix="suitd-docker.")
        self.name = os.path.basename(self.dir)
        self.ns = self.proc = self.relay = None
        self.log = os.path.join(self.dir, "dockerd.log")
        # the distribution's: another client in the path may be without a builder
        self.docker = "/usr/bin/docker" if os.path.exists("/usr/bin/docker") else shutil.which("docker")
        self.env = dict(os.environ, DOCKER_HOST="unix://" + self.path("docker.sock"), DOCKER_BUILDKIT="1",
                        DOCKER_CONFIG=self.path("config"))
        self.env.pop("DOCKER_CONTEXT", None)
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def _start(self):
        os.makedirs(self.path("config"))
        with open(self.path("daemon.json"), "w") as f:
            f.write("{}")  # not the machine's
        self.ns = Namespace()
        with self.ns:
            ip("addr add %s/32 dev lo" % RELAY)
            words = ["setpriv", "--pdeathsig", "KILL",
                     "unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc",
                     "dockerd", "--config-file", self.path("daemon.json"), "--data-root", self.path("data"),
                     "--exec-root", self.path("run"), "-p", self.path("docker.pid"), "-H", self.env["DOCKER_HOST"],
                     "--cgroup-parent", "/" + self.name, "--experimental", "--ip6tables"]
            self.proc = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=open(self.log, "wb"),
                                         stderr=subprocess.STDOUT)
        for _ in range(300):
            if subprocess.run([self.docker, "info"], env=self.env, capture_output=True).returncode == 0:
                break
            if self.proc.poll() is not None:
                raise Skip("dockerd does not run here: " + self.said())
            time.sleep(0.1)
        else:
            raise Skip("dockerd is not ready within 30 s: " + self.said())
        url = urllib.parse.urlsplit(self.mirror)
        port = url.port or (443 if url.scheme == "https" else 80)
        self.relay = Relay(self.ns, RELAY, (url.hostname, port))
        self.add_host = "--add-host=%s:%s" % (url.hostname, RELAY)

    def said(self):
        with open(self.log, errors="replace") as f:
            return " | ".join(f.read().splitlines()[-3:])

    def run(self, *words, rc=0, seconds=240, **kw):
        """Runs docker; returns what it printed; checks the exit code."""
        r = subprocess.run([self.docker] + [str(w) for w in words], env=self.env, text=True, timeout=seconds,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, **kw)
        if rc is not None and r.returncode != rc:
            raise AssertionError("docker %s: exit %d, not %d\n%s%s" % (
                " ".join(map(str, words)), r.returncode, rc, r.stdout[-3000:], r.stderr[-3000:]))
        return r.stdout if rc == 0 else r.stdout + r.stderr

    def inspect(self, what):
        return json.loads(self.run("inspect", what))[0]

    def healthy(self, name, seconds=60):
        def check():
            state = self.inspect(name)["State"]
            if state["Status"] not in ("running", "restarting"):
                raise AssertionError("%s is %s:\n%s" % (name, state["Status"], self.run("logs", name, rc=None)))
            return state.get("Health", {}).get("Status") == "healthy"
        wait_for("%s is healthy" % name, check, seconds)

    def inside(self, *words):
        """Runs a program of the machine among the engine's processes."""
        pid = open("/proc/%d/task/%d/children" % (self.proc.pid, self.proc.pid)).read().split()[0]
        return subprocess.run(["nsenter", "-t", pid, "-p", "-m", "-n"] + [str(w) for w in words], capture_output=True,
                              text=True, check=True).stdout

    def build(self, tag, *more):
        return self.run("build", "-q", "-t", tag, self.add_host, *more, TOP, "-f", os.path.join(TOP, "docker/Dockerfile"))

    def close(self):
        try:
            if self.proc is not None and self.proc.poll() is None:
                ids = self.run("ps", "-aq", rc=None, seconds=30).split()
                if ids:
                    self.run("rm", "-fv", *ids, rc=None, seconds=60)
        finally:
            self._end()

    def _end(self):
        if self.relay is not None:
            self.relay.close()
        if self.proc is not None:
            self.proc.kill()  # and with it the whole namespace
            self.proc.wait()
        if self.ns is not None:
            self.ns.close()
        for _ in range(50):  # mounts and cgroups of processes that are ending
            shutil.rmtree(self.dir, ignore_errors=True)
            if self._cgroups() == 0 and not os.path.exists(self.dir):
                return
            time.sleep(0.1)
        raise RuntimeError("left behind: " + self.dir)

    def _cgroups(self):
        """Removes ours; how many stay for now."""
        stay = 0
        for ours in glob.glob("/sys/fs/cgroup/**/" + self.name, recursive=True):
            for top, _, _ in os.walk(ours, topdown=False):
                try:
                    os.rmdir(top)
                except OSError:
                    stay += 1
        return stay

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
