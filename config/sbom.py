#!/usr/bin/env python3
"""make sbom: what the programs consist of, as CycloneDX 1.5 (JSON), for who must know where a library is.

sbom.py BUILD-DIR VERSION >FILE

Components are the programs, with their SHA-256; the distribution's packages of the libraries that they load, direct and
through others, with their versions as installed here; and which loads which. Nothing is in it that changes from one
run to the next: no time, and a serial number made of the content.
"""
import functools
import hashlib
import json
import os
import re
import subprocess
import sys
import uuid

PROGRAMS = {"suitd": "firmware server and status tracker", "suitctl": "operators' and authors' tool",
            "suitsim": "simulated devices"}


def sh(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


@functools.lru_cache(None)
def needed(path):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", sh("readelf", "-Wd", path))


@functools.lru_cache(None)
def package(path):
    """(name, architecture) of the package that has this file; /lib may be a link to /usr/lib."""
    for p in (path, os.path.realpath(path), re.sub("^/usr", "", os.path.realpath(path))):
        said = subprocess.run(["dpkg-query", "-S", p], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if said.returncode == 0:
            name = said.stdout.split(": ")[0].split(", ")[0]
            return tuple(name.split(":")) if ":" in name else (name, "all")
    raise SystemExit("sbom: no package has %s" % path)


def loaded(program):
    """Library name -> path, as the loader finds them."""
    return dict(re.findall(r"^\s*(\S+) => (/\S+)", sh("ldd", program), re.M))


def license_of(name):
    """The names that debian/copyright gives, as they are there."""
    try:
        with open("/usr/share/doc/%s/copyright" % name, encoding="utf-8", errors="replace") as f:
            names = sorted(set(re.findall(r"^License:\s*(\S.*?)\s*$", f.read(), re.M)))
    except OSError:
        names = []
    return [{"license": {"name": n}} for n in names]


@functools.lru_cache(None)
def distribution():
    with open("/etc/os-release", encoding="utf-8") as f:
        return dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', f.read(), re.M))


def library(name, arch):
    said = sh("dpkg-query", "-W", "-f", "${Version}\t${source:Package}\t${source:Version}", name + (
        "" if arch == "all" else ":" + arch))
    version, source, source_version = said.split("\t")
    d = distribution()
    purl = "pkg:deb/%s/%s@%s?arch=%s&distro=%s-%s" % (d["ID"], name, version.replace("+", "%2B").replace(":", "%3A"),
                                                     arch, d["ID"], d.get("VERSION_ID", "sid"))
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
            "licenses": license_of(name), "properties": [
                {"name": "debian:source", "value": source}, {"name": "debian:source-version", "value": source_version}]}


def main():
    build, version = sys.argv[1:]
    components, depends = {}, {}
    for name, what in PROGRAMS.items():
        path = os.path.join(build, name)
        with open(path, "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        ref = "suitd:%s@%s" % (name, version)
        components[ref] = {"type": "application", "bom-ref": ref, "name": name, "version": version,
                           "description": what, "licenses": [{"license": {"id": "BSD-2-Clause"}}],
                           "hashes": [{"alg": "SHA-256", "content": digest}]}
        at = loaded(path)
        refs = {}
        for so, lib in at.items():
            c = library(*package(lib))
            components[c["bom-ref"]] = c
            refs[so] = c["bom-ref"]
        for so, lib in [(None, path), *at.items()]:
            mine = depends.setdefault(refs.get(so, ref), set())
            mine |= {refs[n] for n in needed(lib) if n in refs and refs[n] != refs.get(so)}
    root = "suitd@" + version
    depends[root] = {"suitd:%s@%s" % (p, version) for p in PROGRAMS}
    bom = {"$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.5",
           "version": 1,
           "metadata": {"component": {"type": "application", "bom-ref": root, "name": "suitd", "version": version}},
           "components": [components[k] for k in sorted(components)],
           "dependencies": [{"ref": k, "dependsOn": sorted(depends[k])} for k in sorted(depends)]}
    bom["serialNumber"] = "urn:uuid:" + str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bom, sort_keys=True)))
    json.dump(bom, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
