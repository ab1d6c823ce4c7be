#!/usr/bin/env python3
"""The requirements of tests/requirements.tsv and the tests that prove them.

A test proves a requirement when its name has the id in it, with _ for a dot; one id after the other, when it proves
several. C: a static function of cmocka's shape,
which the compiler refuses when no table runs it. Python: a test_ function of an end-to-end suite, which all run.
A requirement without a test fails, and so does a name that speaks of a requirement that does not exist. A line a
requirement; with -v the tests, too.
"""
import glob
import re
import sys

TABLE = "tests/requirements.tsv"
C_TEST = re.compile(r"^(\w+)\(\s*void \*\*state\)", re.M)
PY_TEST = re.compile(r"^def (test_\w+)\(", re.M)


def tests():
    for path in sorted(glob.glob("tests/*/test_*.c")):
        with open(path, encoding="utf-8") as f:
            yield from ((path, name) for name in C_TEST.findall(f.read()))
    for path in sorted(glob.glob("tests/*/test_*.py")):
        with open(path, encoding="utf-8") as f:
            yield from ((path, name) for name in PY_TEST.findall(f.read()))


def rows():
    with open(TABLE, encoding="utf-8") as f:
        for line in f:
            if not line.startswith("#"):
                yield line.rstrip("\n").split("\t")


def main():
    table = list(rows())
    by = {key: [] for key, _, _ in table}
    # the longest first: REQ.SEC.AUTH.IMG_LOC before REQ.SEC.AUTH
    marks = sorted(((key.replace(".", "_"), key) for key in by), key=lambda m: -len(m[0]))
    unknown = []
    for path, name in tests():
        at = re.search(r"(?:^|_)((?:REQ_SEC|MODE|TUF|DOS)_[A-Z]\w*)", name)
        rest, keys = at[1] if at else "", []
        while re.match(r"(?:REQ_SEC|MODE|TUF|DOS)_[A-Z]", rest):
            mark, key = next((m for m in marks if re.match(m[0] + r"(?:_|$)", rest)), (None, None))
            if key is None:
                unknown.append("%s: %s" % (path, name))
                break
            keys.append(key)
            rest = rest[len(mark) + 1:]
        for key in keys:
            by[key].append("%s %s" % (path[len("tests/"):].rsplit(".", 1)[0], rest))
    for key, source, rule in table:
        print("  | %-28s %2d  %s (%s)" % (key, len(by[key]), rule, source))
        for t in by[key] if "-v" in sys.argv else ():
            print("  | %-28s     %s" % ("", t))
    missing = [key for key in by if not by[key]]
    for key in missing:
        print("no test proves %s" % key)
    for name in unknown:
        print("no such requirement: %s" % name)
    failed = len(missing) + len(unknown)
    print("%d passed, %d failed, 0 skipped" % (len(by) - len(missing), failed))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
