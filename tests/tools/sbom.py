#!/usr/bin/env python3
"""make sbom: everything that the programs ask the loader for is in it, once, and twice the same. sbom.py BUILD-DIR"""
import hashlib
import json
import os
import re
import subprocess
import sys

B = sys.argv[1]
FAILED = []


def made():
    return subprocess.run([sys.executable, "config/sbom.py", B, "1.2.3"], stdout=subprocess.PIPE, check=True).stdout


def ok(what, good):
    if not good:
        FAILED.append(what)
        print("sbom: " + what)
    return 1


def main():
    text = made()
    bom = json.loads(text)
    by = {c["bom-ref"]: c for c in bom["components"]}
    depends = {d["ref"]: d["dependsOn"] for d in bom["dependencies"]}
    n = ok("two of them differ", made() == text)
    n += ok("a component is there twice", len(by) == len(bom["components"]))
    n += ok("a dependency is no component", all(d in by for ds in depends.values() for d in ds))
    n += ok("the root does not have all programs", len(depends[bom["metadata"]["component"]["bom-ref"]]) == 3)
    for name in ("suitd", "suitctl", "suitsim"):
        path, ref = os.path.join(B, name), "suitd:%s@1.2.3" % name
        with open(path, "rb") as f:
            n += ok("%s: not its digest" % name, by[ref]["hashes"][0]["content"] == hashlib.sha256(f.read()).hexdigest())
        has = "".join(subprocess.run(["dpkg-query", "-L", by[d]["name"]], stdout=subprocess.PIPE, text=True).stdout
                      for d in depends[ref])
        for so in re.findall(r"\(NEEDED\).*\[(.*)\]", subprocess.run(
                ["readelf", "-Wd", path], stdout=subprocess.PIPE, text=True, check=True).stdout):
            n += ok("%s: loads %s, which is not in it" % (name, so), "/%s\n" % so in has)
    n += ok("a library has no version", all(c["version"] and c["purl"].count("@") == 1 for c in by.values()
                                             if c["type"] == "library"))
    print("%d passed, %d failed" % (n - len(FAILED), len(FAILED)))
    return bool(FAILED)


if __name__ == "__main__":
    sys.exit(main())
