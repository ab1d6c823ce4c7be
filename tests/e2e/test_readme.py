#!/usr/bin/env python3
"""The commands of README.md, run as they stand: every line that begins with
"$ " in a ```console block, in one shell after the other block, in a fresh
directory with build/ beside it, in a network namespace of its own (the walk
uses the default ports). A command that is meant to fail says so
with "# exits N"."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from fixture import BIN, TOP


def blocks():
    text = open(os.path.join(TOP, "README.md")).read()
    for m in re.finditer(r"```console\n(.*?)```", text, re.S):
        cmd, out = None, []
        for line in m.group(1).splitlines():
            if line.startswith("$ "):
                if cmd:
                    yield cmd
                cmd = line[2:]
            elif cmd and cmd.endswith("\\"):
                cmd = cmd[:-1] + line.strip()
            out.append(line)
        if cmd:
            yield cmd


def main():
    if subprocess.run(["unshare", "-n", "-p", "-f", "true"], capture_output=True).returncode != 0:
        print("  SKIPPED README's commands: may not make a network namespace here")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    d = tempfile.mkdtemp(prefix="suitd-readme.")
    env = dict(os.environ, PATH=BIN + ":" + os.environ["PATH"], HOME=d)
    os.symlink(BIN, os.path.join(d, "build"))
    script, cmds = ["set -m", "ip link set lo up || exit 1", "cd " + d], []
    for c in blocks():
        if c.startswith(("make ", "git ", "cd ")):
            continue  # those have a test of their own: the fresh clone
        want = re.search(r"# exits (\d+)$", c)
        n = len(cmds)
        cmds.append((c, int(want.group(1)) if want else 0))
        script.append("{ %s\n} >%d.out 2>&1; echo $? >%d.rc" % (c, n, n))
        if c.rstrip().endswith("&"):
            script.append("suitctl -d state ping --wait 60 >/dev/null 2>&1" if "suitd -d state" in c else "sleep 1")
    script.append("kill $(jobs -p) 2>/dev/null; wait")
    # a process namespace too: whatever hangs ends with it
    p = subprocess.Popen(["unshare", "-n", "-p", "-f", "--kill-child", "bash", "-c", "\n".join(script)], env=env,
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        stderr = p.communicate(timeout=600)[1]
    except subprocess.TimeoutExpired:
        p.kill()
        stderr = p.communicate()[1] + "  not over after 600 s\n"
    passed = failed = 0
    if not os.path.exists(os.path.join(d, "0.rc")):
        print("  FAIL the walk did not begin\n" + stderr)
    for n, (c, want) in enumerate(cmds):
        rc = open(os.path.join(d, "%d.rc" % n)).read().strip() if os.path.exists(os.path.join(d, "%d.rc" % n)) else "none"
        if rc == str(want):
            passed += 1
        else:
            failed += 1
            out = os.path.join(d, "%d.out" % n)
            print("  FAIL $ %s\n  exit %s, not %d\n%s" % (c, rc, want, open(out).read() if os.path.exists(out) else ""))
    if not cmds:
        failed = 1
        print("  FAIL README.md has no commands\n" + stderr)
    shutil.rmtree(d)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
