"""A machine of one's own: a fresh Debian whose PID 1 is systemd, by systemd-nspawn. It has its own
network, of loopback only, and is gone afterwards."""
import json
import os
import shutil
import subprocess
import tempfile
import time

from deploy import SUITE, mirror, need, need_root, sh, wait_for

SYSTEM = ["systemd", "systemd-sysv", "dbus"]


class Machine:
    def __init__(self, debs):
        """`debs` lie in /debs, and what they depend on is there, so that apt needs no network."""
        self.mirror = self.possible()
        self.dir = tempfile.mkdtemp(prefix="suitd-machine.")
        self.root, self.log, self.nspawn = os.path.join(self.dir, "root"), os.path.join(self.dir, "log"), None
        try:
            self._make(debs)
            self._boot()
        except BaseException:
            self.close()
            raise

    @staticmethod
    def possible():
        """The mirror; skips where there cannot be such a machine."""
        need_root()
        need("systemd-nspawn", "mmdebstrap", "nsenter")
        return mirror(SUITE)

    def _make(self, debs):
        inside = " ".join("/debs/" + os.path.basename(f) for f in debs)
        sh("mmdebstrap", "-q", "--variant=minbase", "--mode=root", "--skip=cleanup/apt",
           "--aptopt=APT::Install-Recommends \"false\"", "--dpkgopt=force-unsafe-io", "--include=" + ",".join(SYSTEM),
           "--customize-hook=mkdir \"$1/debs\" && cp %s \"$1/debs\"" % " ".join(debs),
           "--customize-hook=chroot \"$1\" apt-get install -y -q --no-install-recommends --download-only " + inside,
           SUITE, self.root, self.mirror)
        with open(self.path("/etc/machine-id"), "w"):
            pass

    def _boot(self):
        self.nspawn = subprocess.Popen(
            ["systemd-nspawn", "-q", "-D", self.root, "--register=no", "--keep-unit", "--machine=suitd-test-%d" % os.getpid(),
             "--private-network", "--console=passive", "-b"], stdin=subprocess.DEVNULL, stdout=open(self.log, "wb"),
            stderr=subprocess.STDOUT, start_new_session=True, env=dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1"))
        self.leader = wait_for("PID 1", self._leader)
        try:
            wait_for("the end of the boot", lambda: self.run("systemctl", "is-system-running", rc=None).strip() in
                     ("running", "degraded"), 60)
        except AssertionError:
            with open(self.log, errors="replace") as f:
                raise AssertionError("it does not boot:\n" + f.read()[-4000:]) from None

    def _leader(self):
        if self.nspawn.poll() is not None:
            with open(self.log, errors="replace") as f:
                raise AssertionError("systemd-nspawn: " + f.read()[-2000:])
        with open("/proc/%d/task/%d/children" % (self.nspawn.pid, self.nspawn.pid)) as f:
            for pid in f.read().split():
                with open("/proc/%s/comm" % pid) as c:
                    if c.read().strip() == "systemd":
                        return pid
        return None

    def path(self, name):
        return self.root + name

    def args(self, *words):
        return ["nsenter", "-t", self.leader, "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"] + [str(w) for w in words]

    def run(self, *words, rc=0, seconds=120):
        return sh(*self.args("timeout", seconds, *words), rc=rc, seconds=seconds + 10, env={"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})

    def start(self, *words):
        return subprocess.Popen(self.args(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def write(self, name, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as f:
            f.write(text)
        os.chmod(self.path(name), mode)

    def copy(self, source, name):
        shutil.copy(source, self.path(name))

    def apt(self, *words):
        return self.run("apt-get", "-y", "-q", "--no-install-recommends", *words)

    def unit(self, prop, unit="suitd"):
        return self.run("systemctl", "show", unit, "--value", "-p", prop).strip()

    def journal(self, *words):
        """What suitd and systemd said of the unit."""
        out = self.run("journalctl", "-u", "suitd", "-o", "json", "--no-pager", "-q", *words)
        return [json.loads(x) for x in out.splitlines()]

    def json(self, *words):
        return json.loads(self.run("suitctl", "--json", *words))

    def close(self):
        if self.nspawn is not None and self.nspawn.poll() is None:
            self.nspawn.terminate()  # an orderly power-off
            try:
                self.nspawn.wait(30)
            except subprocess.TimeoutExpired:
                self.nspawn.kill()
                self.nspawn.wait()
        for _ in range(20):
            shutil.rmtree(self.dir, ignore_errors=True)
            if not os.path.exists(self.dir):
                return
            time.sleep(0.1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
