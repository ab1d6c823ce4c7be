#!/usr/bin/env python3
"""docs/examples: suitd starts with each configuration as it stands, in a
network namespace that has the example's addresses, and the commands of each
README are run, in their order: a release is published, a device updates. For
the example of Docker, `docker` is a function that runs in place what would run
in a container. (A real engine is a matter of tests/deploy.)"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from fixture import BIN, TOP, Skip, run

HERE = os.path.join(TOP, "docs/examples")
EXAMPLES = sorted(d for d in os.listdir(HERE) if os.path.isdir(os.path.join(HERE, d)))

# docker run IMAGE WORDS, docker compose exec|run SERVICE WORDS: the words are
# run here, with /work for work/. All else of docker does nothing.
DOCKER = """
docker() {
    local entry='' what=''
    while [ $# -gt 0 ]; do
        case $1 in
        --entrypoint) entry=$2; shift ;;
        run|exec) what=$1 ;;
        suitd|ctl|suitsim) [ -z "$what" ] || break ;;
        up|kill|restart) return 0 ;;
        esac
        shift
    done
    [ "$1" = ctl ] && [ -z "$entry" ] && entry=suitctl
    shift
    set -- $entry "${@//\\/work/work}"
    [ "$1" = suitd ] && set -- "$@" -d state
    "${@//\\/etc\\/suitd/.}"
}
"""
START = """
ip link set lo up && ip addr add fd00:5::1/64 dev lo nodad || exit 1
cd "$D" || exit 1
export SUITD_STATE=$D/state PATH=$BIN:$PATH
suitd -c suitd.conf -d state 2>suitd.log &
suitctl ping --wait 60 >/dev/null 2>&1
"""
END = """
suitctl --json device list >devices.json
kill -TERM $(jobs -p) 2>/dev/null
wait
"""


def commands(example):
    with open(os.path.join(HERE, example, "README.md")) as f:
        text = f.read()
    return [line[2:] for block in re.findall(r"```console\n(.*?)```", text, re.S)
            for line in block.splitlines() if line.startswith("$ ")]


def read(*path):
    with open(os.path.join(*path)) as f:
        return f.read()


def need_namespace():
    if subprocess.run(["unshare", "-n", "-p", "-f", "true"], capture_output=True).returncode != 0:
        raise Skip("may not make a network namespace here")


def walk(example):
    need_namespace()
    d = tempfile.mkdtemp(prefix="suitd-example.")
    try:
        shutil.copy(os.path.join(HERE, example, "suitd.conf"), d)
        script, all_of_them = ["set -m", DOCKER, START], commands(example)
        for n, c in enumerate(all_of_them):
            script.append("{ %s\n} >%d.out 2>&1; echo $? >%d.rc" % (c, n, n))
        p = subprocess.Popen(["unshare", "-n", "-p", "-f", "--kill-child", "bash", "-c", "\n".join(script + [END])],
                             env=dict(os.environ, D=d, BIN=BIN, HOME=d), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            err = p.communicate(timeout=600)[1]
        except subprocess.TimeoutExpired:
            p.kill()
            err = p.communicate()[1] + "not over after 600 s"
        for n, c in enumerate(all_of_them):
            want = re.search(r"# exits (\d+)$", c)
            rc = os.path.join(d, "%d.rc" % n)
            assert os.path.exists(rc), "did not come to: " + c + "\n" + err
            assert read(rc).strip() == (want.group(1) if want else "0"), \
                "$ %s\nexit %s%s\n%s" % (c, read(rc), read(d, "%d.out" % n), read(d, "suitd.log")[-2000:])
        assert "publish" in " ".join(all_of_them) and "suitsim" in " ".join(all_of_them)
        devices = json.loads(read(d, "devices.json"))
        assert devices and all(x["job"]["state"] == "done" for x in devices), devices
        assert "error" not in read(d, "suitd.log"), read(d, "suitd.log")
    finally:
        shutil.rmtree(d)


def test_each_example_is_whole():
    assert len(EXAMPLES) == 3, EXAMPLES
    for e in EXAMPLES:
        have = set(os.listdir(os.path.join(HERE, e)))
        assert {"README.md", "suitd.conf", "firewall.nft"} <= have, have
        assert have & {"suitd.service.d", "compose.override.yaml"}, have
        for link in re.findall(r"\]\(([^)#:]+)\)", read(HERE, e, "README.md")):
            assert os.path.exists(os.path.join(HERE, e, link)), (e, link)


def test_each_configuration_passes_the_check():
    need_namespace()  # its ports may be taken here
    for e in EXAMPLES:
        with tempfile.TemporaryDirectory() as d:
            r = subprocess.run(["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh",
                                os.path.join(BIN, "suitd"), "-n", "-c", os.path.join(HERE, e, "suitd.conf"),
                                "-d", os.path.join(d, "state")], capture_output=True, text=True)
            assert r.returncode == 0, (e, r.stdout, r.stderr)


def test_firewalls_are_accepted_by_nft():
    if shutil.which("nft") is None:
        raise Skip("no nft")
    need_namespace()
    for e in EXAMPLES:
        r = subprocess.run(["unshare", "-n", "nft", "-c", "-f", os.path.join(HERE, e, "firewall.nft")],
                           capture_output=True, text=True)
        assert r.returncode == 0, (e, r.stderr)


def test_drop_ins_are_accepted_by_systemd():
    if shutil.which("systemd-analyze") is None:
        raise Skip("no systemd-analyze")
    with tempfile.TemporaryDirectory() as d:
        for e in EXAMPLES:
            dropin = os.path.join(HERE, e, "suitd.service.d")
            if not os.path.isdir(dropin):
                continue
            unit = os.path.join(d, e, "suitd.service")
            shutil.copytree(dropin, unit + ".d")
            with open(unit, "w") as f:  # it wants the programs to be there
                f.write(re.sub(r"(?m)^(Exec\w+)=.*", r"\1=/bin/true", read(TOP, "systemd/suitd.service")))
            r = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", unit],
                               capture_output=True, text=True)
            assert r.returncode == 0, (e, r.stderr)


def test_one_site_behind_a_border_router():
    walk("border-router")


def test_a_fleet_in_docker():
    walk("docker-fleet")


def test_a_public_server_with_dtls():
    walk("public-dtls")


if __name__ == "__main__":
    sys.exit(run([v for k, v in list(globals().items()) if k.startswith("test_")]))
