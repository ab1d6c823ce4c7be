#!/usr/bin/env python3
"""docs/TRUST.md: the ceremony is run as it stands, each machine in a directory
of its own, and the example is decoded. A command that is meant to fail says so
with "# exits N"; a verdict under a command must be its last line."""
import hashlib
import os
import re
import subprocess
import sys
import tempfile

from fixture import BIN, TOP, run

SUITCTL = os.path.join(BIN, "suitctl")


def read(path):
    with open(path, "rb") as f:
        return f.read()


TEXT = read(os.path.join(TOP, "docs/TRUST.md")).decode()


def steps():
    """(machine, command, exit code, last line or None)"""
    found = []
    for block in re.findall(r"```console\n(.*?)```", TEXT, re.S):
        for line in block.splitlines():
            m = re.match(r"(\w+)\$ (.*?)(?: # exits (\d+))?$", line)
            if m:
                found.append([m.group(1), m.group(2), int(m.group(3) or 0), None])
            else:
                found[-1][3] = line
    return found


def walk(d):
    for machine, command, code, last in steps():
        here = os.path.join(d, machine)
        os.makedirs(here, exist_ok=True)
        r = subprocess.run(["sh", "-c", command], cwd=here, capture_output=True, text=True, timeout=120,
                           env=dict(os.environ, PATH=BIN + ":" + os.environ["PATH"]))
        assert r.returncode == code, (machine, command, r.returncode, r.stdout, r.stderr)
        if last:
            assert r.stdout.splitlines()[-1] == last, (command, r.stdout)


def test_the_ceremony_is_what_happens():
    with tempfile.TemporaryDirectory() as d:
        walk(d)
        lists = [f for f in os.listdir(os.path.join(d, "desk")) if f.startswith("trust-")]
        assert sorted(lists) == ["trust-%d" % i for i in range(1, 7)], lists
        sentences = set(re.findall(r"suitctl (trust \w+)", " ".join(c for _, c, _, _ in steps())))
        assert len(sentences) == 10, sentences


def test_REQ_SEC_KEY_PROTECTION_private_keys_stay_where_they_were_made():
    with tempfile.TemporaryDirectory() as d:
        walk(d)
        keys, seen = {}, 0
        for machine in os.listdir(d):
            for f in os.listdir(os.path.join(d, machine)):
                if b"PRIVATE KEY" in read(os.path.join(d, machine, f)):
                    keys[f] = os.path.join(d, machine, f)
                    seen += 1
        assert seen == len(keys) >= 7, keys  # none is in two places
        assert not any("/desk/" in p for p in keys.values()), keys
        for path in keys.values():  # nor its number in any other file
            text = subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-text"], capture_output=True, text=True,
                                  check=True).stdout
            private = bytes.fromhex(re.sub(r"[\s:]", "", re.search(r"priv:(.*?)pub:", text, re.S).group(1)))
            assert len(private) == 32, text
            for machine in os.listdir(d):
                for f in os.listdir(os.path.join(d, machine)):
                    assert private not in read(os.path.join(d, machine, f)), (path, machine, f)


def example():
    block = re.search(r"## 7\..*?```\n(d8 62.*?)```", TEXT, re.S).group(1)
    return bytes.fromhex(re.sub(r";.*", "", block))


def test_the_example_is_a_list():
    e = example()
    assert len(e) == int(re.search(r"floor of 3\. (\d+) bytes", TEXT).group(1))
    with tempfile.NamedTemporaryFile() as f:
        f.write(e)
        f.flush()
        show = subprocess.run([SUITCTL, "trust", "show", f.name], capture_output=True, text=True, check=True).stdout
        assert subprocess.run([SUITCTL, "trust", "verify", f.name], capture_output=True).returncode == 0
        f.seek(len(e) - 1)
        f.write(bytes([e[-1] ^ 1]))
        f.flush()
        assert subprocess.run([SUITCTL, "trust", "verify", f.name], capture_output=True).returncode == 1
    digest = re.search(r"`([0-9a-f]{64})`", TEXT).group(1)
    assert "hash        " + digest in show, show
    at = e.index(b"\x58\xe7\xa6") + 2
    assert hashlib.sha256(e[at:at + 231]).hexdigest() == digest
    for kid in re.findall(r"; ([0-9a-f]{16})$", TEXT, re.M):
        assert kid in show, (kid, show)
    for said in ("alice", "sequences   1 to 999", "at least 3", "115b22b1-e161-5af3-926f-7b269633932c"):
        assert said in show, (said, show)


def test_every_refusal_names_a_section_that_is_here():
    rules = set()
    for f in os.listdir(os.path.join(TOP, "lib")):
        if f.startswith("trust"):
            rules |= set(re.findall(r'"TRUST (\d(?:\.\d)?)', read(os.path.join(TOP, "lib", f)).decode()))
    assert len(rules) > 8, rules
    for r in rules:
        assert re.search(r"^###? %s[. ]" % re.escape(r), TEXT, re.M), r


def test_the_caps_are_those_of_the_code():
    limits = dict(re.findall(r"#define (LIMIT_\w+) (\d+)", read(os.path.join(TOP, "lib/limits.h")).decode()))
    for name, text in (("TRUST_LIST", "at most %s bytes"), ("TRUST_ROOTS", "1*%s cose-key"), ("TRUST_KEYS", "[0*%s key]"),
                       ("TRUST_DENIED", "[0*%s bstr"), ("TRUST_FLOORS", "{ 0*%s class"), ("TRUST_CLASSES", "[1*%s class]"),
                       ("TRUST_COMPONENTS", "[0*%s component]"), ("TRUST_NAME", "{1,%s}"), ("AUTH_BLOCKS", "[1*%s signature]")):
        assert text % limits["LIMIT_" + name] in TEXT, name


if __name__ == "__main__":
    sys.exit(run([v for k, v in list(globals().items()) if k.startswith("test_")]))
