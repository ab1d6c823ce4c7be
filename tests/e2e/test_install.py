#!/usr/bin/env python3
"""make install and make uninstall, and a device made of what is installed."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from fixture import B, TOP, Suitd, run, wait_for

SAN = ["SAN=1"] if B.endswith("san") else []
SAN_FLAGS = ["-fsanitize=address,undefined"] if SAN else []


def make(target, dest, *words):
    # not as a part of the make that runs us
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "B"}
    r = subprocess.run(["make", "-s", "QUIET=1", target, "DESTDIR=" + dest, *SAN, *words],
                       cwd=TOP, env=env, capture_output=True, text=True)
    assert r.returncode == 0, r.stdout + r.stderr
    return r.stdout


def files(top):
    return {os.path.relpath(os.path.join(d, f), top) for d, _, names in os.walk(top) for f in names}


class Tree:
    """The tree, installed below a temporary directory."""

    def __init__(self, *words):
        self.dir, self.words = tempfile.mkdtemp(prefix="suitd-install."), words
        make("install", self.dir, *words)

    def path(self, name):
        return os.path.join(self.dir, name)

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)


def test_everything_has_its_place_and_its_mode(t):
    have = files(t.dir)
    for name in ("usr/sbin/suitd", "usr/bin/suitctl", "usr/bin/suitsim", "usr/share/man/man8/suitd.8",
                 "usr/share/man/man5/suitd.conf.5", "usr/lib/systemd/system/suitd.service",
                 "usr/lib/sysusers.d/suitd.conf", "usr/lib/tmpfiles.d/suitd.conf", "etc/suitd/suitd.conf",
                 "usr/lib/libsuitdev.a", "usr/lib/pkgconfig/suitdev.pc", "usr/include/suitdev/device/suitdev.h",
                 "usr/share/bash-completion/completions/suitctl", "usr/share/doc/suitd/examples/device.c"):
        assert name in have, (name, sorted(have))
    for name in have:
        mode = os.stat(t.path(name)).st_mode & 0o777
        assert mode == (0o755 if "bin/" in name else 0o644), (name, oct(mode))
    assert TOP not in t.read("usr/lib/pkgconfig/suitdev.pc") + t.read("usr/lib/systemd/system/suitd.service")


def test_what_was_built_is_what_was_installed(t):
    said = subprocess.run([t.path("usr/sbin/suitd"), "--version"], capture_output=True, text=True)
    assert said.returncode == 0 and said.stdout.split()[1] in t.read("usr/lib/pkgconfig/suitdev.pc"), said
    said = subprocess.run(["bash", "-c", '. "$1" && complete -p suitctl', "-",
                           t.path("usr/share/bash-completion/completions/suitctl")], capture_output=True, text=True)
    assert "_suitctl" in said.stdout, said


def test_one_version_everywhere(t):
    """The Makefile's is the programs'; the change log and the Debian change log are of the same."""
    def of(name, pattern):
        with open(os.path.join(TOP, name)) as f:
            return re.search(pattern, f.read(), re.M).group(1)
    made = of("Makefile", r"^VERSION := (\S+)$")
    assert of("CHANGELOG.md", r"^## (\S+)") == made
    assert of("debian/changelog", r"\Asuitd \((\S+)-1\) ") == made
    assert "Version: %s\n" % made in t.read("usr/lib/pkgconfig/suitdev.pc")


def test_the_unit_starts_what_this_prefix_has(_):
    with Tree("PREFIX=/opt/suitd", "SYSCONFDIR=/opt/etc") as o:
        unit = o.read("opt/suitd/lib/systemd/system/suitd.service")
        assert "\nExecStart=/opt/suitd/sbin/suitd " in unit and "/usr/sbin" not in unit, unit
        commands = [x for x in unit.splitlines() if x.startswith("Exec") and "suitd" in x]
        assert commands and all(x.endswith(" /opt/etc/suitd/suitd.conf") for x in commands), commands
        assert os.path.exists(o.path("opt/etc/suitd/suitd.conf"))
        assert os.path.exists(o.path("opt/suitd/sbin/suitd"))


def test_uninstall_leaves_nothing(_):
    with Tree("PREFIX=/usr") as o:
        with open(o.path("usr/bin/other"), "w"):
            pass
        make("uninstall", o.dir, "PREFIX=/usr")
        assert files(o.dir) == {"usr/bin/other"}, files(o.dir)
        left = [d for d, _, _ in os.walk(o.dir) if "suitd" in os.path.relpath(d, o.dir)]
        assert not left, left


def test_what_the_documents_point_at_is_there(t):
    doc = t.path("usr/share/doc/suitd")
    for name in ("README.md", "SECURITY.md", "docs/OPERATIONS.md"):
        text = open(os.path.join(doc, name)).read()
        links = set(re.findall(r"\]\((?!http)([^)#]+)", text)) | set(re.findall(r"`(docker/[a-z/.]+\.(?:yml|json))`", text))
        for to in links - {"config/suitd.conf", "HACKING.md"}:  # in /etc; of the source tree
            base = doc if to.startswith("docker/") else os.path.dirname(os.path.join(doc, name))
            found = [os.path.join(base, to), os.path.join(doc, to.replace("docs/", "", 1))]  # examples are beside docs
            assert any(os.path.exists(f) for f in found), (name, to)


def test_a_changed_configuration_stays(_):
    with Tree("PREFIX=/usr") as o:
        with open(o.path("etc/suitd/suitd.conf"), "a") as f:
            f.write("log_level = debug\n")
        mine = o.read("etc/suitd/suitd.conf")
        assert "stays" in make("install", o.dir, "PREFIX=/usr")
        assert o.read("etc/suitd/suitd.conf") == mine
        assert "stays" in make("uninstall", o.dir, "PREFIX=/usr")
        assert files(o.dir) == {"etc/suitd/suitd.conf"} and o.read("etc/suitd/suitd.conf") == mine


def test_every_header_stands_alone(t):
    top = t.path("usr/include/suitdev")
    for name in sorted(files(top)):
        r = subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", top, "-xc", "-"],
                           input="#include <%s>\n" % name, capture_output=True, text=True)
        assert r.returncode == 0, r.stderr


def test_a_device_made_of_the_installed_library_updates(t):
    env = dict(os.environ, PKG_CONFIG_PATH=t.path("usr/lib/pkgconfig"), PKG_CONFIG_SYSROOT_DIR=t.dir)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "suitdev"], env=env, capture_output=True, text=True)
    assert flags.returncode == 0, flags.stderr
    with tempfile.TemporaryDirectory() as td, Suitd() as d:
        exe, store = os.path.join(td, "device"), os.path.join(td, "flash")
        shutil.copy(t.path("usr/share/doc/suitd/examples/device.c"), td)
        r = subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-o", exe, "device.c", *SAN_FLAGS, *flags.stdout.split()],
                           cwd=td, capture_output=True, text=True)
        assert r.returncode == 0, r.stderr
        os.mkdir(store)
        d.author()
        image = os.urandom(30000)
        d.publish(3, image, "/fw/demo-3.bin")
        dev = subprocess.Popen([exe, "127.0.0.1", str(d.port), "kitchen", "example.com", "demo",
                                d.file("author.pub"), store], stdout=subprocess.PIPE, text=True)
        try:
            assert [dev.stdout.readline() for _ in range(2)] == ["runs 0\n", "runs 3\n"]
            wait_for("the report", lambda: [x for x in d.ctl_json("device", "list")
                                            if x["ep"] == "kitchen" and x.get("seq") == 3])
        finally:
            dev.kill()
            dev.wait()
        with open(os.path.join(store, "slot1.part0"), "rb") as f:
            assert f.read() == image


if __name__ == "__main__":
    with Tree("PREFIX=/usr") as tree:
        sys.exit(run([f for n, f in sorted(globals().items()) if n.startswith("test_")], tree))
