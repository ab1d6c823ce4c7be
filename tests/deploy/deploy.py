"""What the suites that need much of a machine share. Of fixture.py: run, Skip."""
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
from fixture import B, TOP, Skip, run, wait_for  # noqa: E402,F401


def release(key):
    with open("/etc/os-release") as f:
        return next(x.split("=")[1].strip().strip('"') for x in f if x.startswith(key + "="))


# For another Debian than this machine's: its name, and where packages that were built on it are.
SUITE = os.environ.get("DEPLOY_SUITE") or release("VERSION_CODENAME")
DEBS = os.environ.get("DEPLOY_DEBS")


def sh(*words, rc=0, env=None, cwd=TOP, seconds=600):
    """Output of a command, both streams; checks the exit code unless rc is None. It and what it has started
    are told to end when the suite is, so that they can remove what they made."""
    p = subprocess.Popen([str(w) for w in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, errors="replace", cwd=cwd, start_new_session=True,
                         env=dict(os.environ, **(env or {})))
    try:
        out, _ = p.communicate(timeout=seconds)
    except BaseException:
        os.killpg(p.pid, signal.SIGTERM)
        try:
            p.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()
        raise
    if rc is not None and p.returncode != rc:
        raise AssertionError("%s: exit %d, not %d\n%s" % (" ".join(map(str, words)), p.returncode, rc, out[-6000:]))
    return out


def need_root():
    if os.geteuid() != 0:
        raise Skip("needs root")


def need(*programs):
    """Skips where a program is missing."""
    for p in programs:
        if shutil.which(p) is None:
            raise Skip("there is no " + p)


def mirror(suite):
    """Where this machine gets packages of that suite from; nothing that belongs into a file."""
    try:
        return sh("sh", "tests/deploy/mirror.sh", suite).strip()
    except AssertionError as e:
        raise Skip(str(e).strip().splitlines()[-1]) from None


def packages():
    """The packages of the last commit, made if need be: name -> file."""
    if not DEBS:
        need("dpkg-buildpackage", "dh")
        sh("bash", "config/deb.sh", env={"B": B})
    top = DEBS or os.path.join(TOP, B, "deb")
    return {f.split("_")[0]: os.path.join(top, f) for f in os.listdir(top) if f.endswith(".deb")}


def skip_all(why):
    """A suite that cannot run here; exit code."""
    print("  SKIPPED %s: %s" % (os.path.basename(sys.argv[0]), why))
    print("0 passed, 0 failed, 1 skipped")
    return 0
