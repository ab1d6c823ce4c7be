#!/usr/bin/env python3
"""What three readers of C find in the tree, against the findings that a person has looked at.

analyze.py          gcc -fanalyzer, clang-tidy and cppcheck; exit 1 for a finding that analyze.tsv does not have,
                    and for a row of it that nobody finds any more
analyze.py --rows   prints the findings as rows without a reason

A row is tool, file, check, reason. Lines move, so they are not in it: one row stands for all findings of a check in a
file; with * for a file, in all of them. Another version of a tool sees other things: its findings are shown, and decide
nothing.
"""
import collections
import concurrent.futures
import glob
import os
import re
import shlex
import subprocess
import sys

LAYERS = ("lib", "db", "daemon", "cli", "device")
TABLE = "tests/tools/analyze.tsv"
MADE_WITH = {"gcc": "12.", "clang-tidy": "14.", "cppcheck": "2.10"}
HIT = re.compile(r"^(?P<file>[^:\s]+):(?P<line>\d+):\d+: (?:error|warning|portability|performance|style)"
                 r": (?P<text>.*) \[(?P<check>[^\]]+)\]$")
Hit = collections.namedtuple("Hit", "tool file check line text")


def flags():
    said = subprocess.run(["make", "-s", "--no-print-directory", "flags"], stdout=subprocess.PIPE, text=True, check=True)
    return shlex.split(said.stdout)


def version(tool):
    try:
        said = subprocess.run([tool, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return re.search(r"\d+\.\d+(\.\d+)?", said).group()


def command(tool, source, flag):
    if tool == "gcc":  # -O2 is what it is tried with: less of what the rest of a function rules out is told
        return ["gcc", *flag, "-O2", "-fanalyzer", "-fdiagnostics-plain-output", "-c", source, "-o", os.devnull]
    if tool == "clang-tidy":  # .clang-tidy has the checks, and why which are not among them
        return ["clang-tidy", "--quiet", source, "--", *flag]
    # it reads no headers of the system; without what LIST_HEAD is it would give up the file
    return ["cppcheck", "--quiet", "--std=c11", "--enable=warning,portability,performance", "--inline-suppr",
            *["--include=" + q for q in glob.glob("/usr/include/*/sys/queue.h")],
            "--suppress=missingIncludeSystem", "--template={file}:{line}:{column}: {severity}: {message} [{id}]",
            *[f for f in flag if f[:2] in ("-I", "-D", "-U")], "-D__GNUC__=12", source]


def read(tool, source, flag):
    said = subprocess.run(command(tool, source, flag), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace")
    top = os.getcwd() + "/"
    hits = []
    for line in said.stdout.splitlines():
        line = line.replace(top, "").replace("./", "", 1) if line.startswith((top, "./")) else line
        m = HIT.match(line)
        if m and m["file"].startswith(LAYERS):
            check = re.sub(r"^-W|,-warnings-as-errors$", "", m["check"].split("] [")[-1])
            hits.append(Hit(tool, m["file"], check, int(m["line"]), m["text"]))
        elif re.match(r"cc1: warning", line):  # gcc lost the place, not the file
            hits.append(Hit(tool, source, line.rsplit("[-W", 1)[1][:-1], 0, line))
    return hits


def table():
    rows = {}
    with open(TABLE, encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                tool, file, check, reason = line.rstrip("\n").split("\t")
                assert reason, line
                rows[tool, file, check] = reason
    return rows


def main():
    sources = sorted(s for layer in LAYERS for s in glob.glob(layer + "/*.c"))
    flag, tools = flags(), {t: version(t) for t in MADE_WITH}
    passed = failed = skipped = 0
    for t in [t for t in tools if tools[t] is None]:
        print("  SKIPPED %s: it is not installed" % t)
        skipped += 1
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        work = [pool.submit(read, t, s, flag) for s in sources for t in tools if tools[t]]
        found = {h for w in work for h in w.result()}
    if "--rows" in sys.argv:
        for key in sorted({h[:3] for h in found}):
            for h in sorted(h for h in found if h[:3] == key):
                print("# %d: %s" % (h.line, h.text))
            print("\t".join(key) + "\t")
        return 0
    rows = table()

    def row(h):
        return next((k for k in (h[:3], (h.tool, "*", h.check)) if k in rows), None)
    for t, v in ((t, v) for t, v in tools.items() if v):
        binding, bad = v.startswith(MADE_WITH[t]), 0
        seen = {row(h) for h in found if h.tool == t} - {None}
        for h in sorted(h for h in found if h.tool == t and row(h) is None):
            print("%s:%d: %s [%s %s]" % (h.file, h.line, h.text, t, h.check))
            bad += 1
        for key in sorted(k for k in rows if k[0] == t and k not in seen):
            if binding:
                print("%s: %s does not find %s any more: its row in %s goes" % (key[1], t, key[2], TABLE))
                bad += 1
        print("%-10s %s: %d files, %d kinds of findings that a person has looked at, %d others%s" % (
            t, v, len(sources), len(seen), bad, "" if binding else " (another version: not counted)"))
        passed, failed = passed + (bad == 0 or not binding), failed + (bad > 0 and binding)
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
