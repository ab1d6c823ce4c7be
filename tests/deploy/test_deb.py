#!/usr/bin/env python3
"""Debian packages: what is in them, what lintian says, and that two builds are equal."""
import hashlib
import os
import shutil
import sys
import tempfile

from deploy import Skip, need, packages, run, sh, skip_all

NAMES = {"suitd", "suitctl", "suitsim", "libsuitdev-dev"}


def test_every_package_is_made(debs):
    assert {n for n in debs if not n.endswith("-dbgsym")} == NAMES, sorted(debs)
    for name in NAMES:
        said = sh("dpkg-deb", "--field", debs[name], "Version").strip()
        assert said == sh("bash", "config/deb.sh", "version").strip(), (name, said)


def test_names_of_libraries_come_from_what_is_linked(debs):
    needs = sh("dpkg-deb", "--field", debs["suitd"], "Depends")
    for library in ("libcoap", "libevent-core", "libsqlite3", "libssl3", "libsystemd0"):
        assert library in needs, (library, needs)
    for name in NAMES - {"libsuitdev-dev"}:
        assert "-dev" not in sh("dpkg-deb", "--field", debs[name], "Depends")


def test_the_configuration_is_the_operators(debs):
    assert sh("dpkg-deb", "--info", debs["suitd"], "conffiles").split() == ["/etc/suitd/suitd.conf"]


def test_a_snapshot_is_older_than_its_release(debs):
    version = sh("dpkg-deb", "--field", debs["suitd"], "Version").strip()
    base = version.split("~")[0].split("-")[0]
    if "~" in version:
        sh("dpkg", "--compare-versions", version, "lt", base + "-1")
    sh("dpkg", "--compare-versions", version, "lt", base + ".1")


def test_lintian_has_no_errors_and_no_warnings(debs):
    need("lintian")
    with tempfile.TemporaryDirectory() as td:  # it leaves files where it works
        said = sh("lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0",
                  os.path.join(os.path.dirname(debs["suitd"]), next(
                      f for f in os.listdir(os.path.dirname(debs["suitd"])) if f.endswith(".changes"))),
                  env={"TMPDIR": td})
    assert not [x for x in said.splitlines() if x.startswith(("E:", "W:"))], said


def test_programs_are_hardened(debs):
    with tempfile.TemporaryDirectory() as td:
        for name, path in (("suitd", "usr/sbin/suitd"), ("suitctl", "usr/bin/suitctl"), ("suitsim", "usr/bin/suitsim")):
            sh("dpkg-deb", "-x", debs[name], td)
            said = sh("readelf", "-W", "-h", "-l", "-d", "--dyn-syms", os.path.join(td, path))
            assert "DYN (Position-Independent" in said and "GNU_RELRO" in said and "BIND_NOW" in said, name
            assert "__stack_chk_fail" in said and "_chk@" in said, name


def test_two_builds_are_equal(debs):
    """Another path, zone, umask and language."""
    td = tempfile.mkdtemp(prefix="suitd-again.")
    try:
        deep = os.path.join(td, "another", "and-a-longer", "path")
        os.makedirs(deep)
        sh("sh", "-c", "umask 077; exec bash config/deb.sh", env={
            "B": os.path.join(td, "b"), "TMPDIR": deep, "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"})
        for name, one in debs.items():
            with open(one, "rb") as f, open(os.path.join(td, "b", "deb", os.path.basename(one)), "rb") as g:
                a, b = (hashlib.sha256(x.read()).hexdigest() for x in (f, g))
            assert a == b, name
    finally:
        shutil.rmtree(td)


def main():
    try:
        debs = packages()
    except Skip as e:
        return skip_all(e)
    return run([f for n, f in list(globals().items()) if n.startswith("test_")], debs)


if __name__ == "__main__":
    sys.exit(main())
