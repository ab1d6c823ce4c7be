#!/usr/bin/env python3
"""Alert rules and dashboard, held against promtool, against what a real suitd
exports, and against the pages and mounts that they name."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request

import yaml

from fixture import B, TOP, Skip, Suitd, free_port, run

PROM = os.path.join(TOP, "docker/prometheus")
GRAFANA = os.path.join(TOP, "docker/grafana")
# words of PromQL that are no metrics
WORDS = """absent and avg bool by changes count group_left group_right histogram_quantile ignoring increase max
    max_over_time min offset on or predict_linear quantile_over_time rate sum time topk unless without""".split()
TARGET = {"job", "instance", "le"}  # labels that Prometheus adds, and buckets


def promtool(*words):
    p = subprocess.run(["sh", os.path.join(TOP, "tests/tools/promtool.sh"), os.path.join(TOP, B)],
                       capture_output=True, text=True)
    if p.returncode != 0:
        raise Skip(p.stderr.strip())
    r = subprocess.run([p.stdout.strip(), *words], capture_output=True, text=True)
    return r.returncode, r.stdout + r.stderr


def rules():
    with open(os.path.join(PROM, "suitd.rules.yml")) as f:
        return [r for g in yaml.safe_load(f)["groups"] for r in g["rules"]]


def alerts():
    return [r for r in rules() if "alert" in r]


def dashboard():
    with open(os.path.join(GRAFANA, "dashboards/suitd.json")) as f:
        return json.load(f)


def panels():
    for p in dashboard()["panels"]:
        yield p
        yield from p.get("panels", [])


def queries():
    """Every expression of the dashboard as Grafana would send it."""
    d = dashboard()
    found = [t["expr"] for p in panels() for t in p.get("targets", [])]
    found += [a["expr"] for a in d["annotations"]["list"]]
    found += [re.fullmatch(r"label_values\((\w+), \w+\)", v["definition"]).group(1) for v in d["templating"]["list"]]
    for e in found:
        for name, value in (("$__rate_interval", "1m"), ("$instance", "a|b")):
            e = e.replace(name, value)
        assert "$" not in e, "a variable that nobody defines: " + e
        yield e


def expressions():
    return [r["expr"] for r in rules()] + list(queries())


def known():
    """Of lib/metric.h's table: a sample's name -> its labels."""
    with open(os.path.join(TOP, "lib/metric.h")) as f:
        text = f.read().replace("\\\n", " ")
    found = {}
    for name, kind, l1, l2 in re.findall(
            r'\bM\(\w+,\s*"(\w+)",\s*(\w+),\s*"\w*",\s*(NULL|"\w+"),\s*(NULL|"\w+"),', text):
        labels = {x.strip('"') for x in (l1, l2)} - {"NULL"}
        for suffix in {"COUNTER": ["_total"], "GAUGE": [""], "INFO": ["_info"],
                       "HISTOGRAM": ["_bucket", "_sum", "_count"]}[kind]:
            found[name + suffix] = labels
    assert len(found) > 50, found
    return found


def mentioned(expr):
    """(metric, labels that are asked of it) of an expression."""
    bare = re.sub(r'"[^"]*"', '""', expr)
    for name, inside in re.findall(r"\b([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}", bare):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside))
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", bare)
    bare = re.sub(r"\b(?:by|on|without|ignoring)\s*\([^)]*\)", " ", bare)
    for name in re.findall(r"(?<![\w.])[a-zA-Z_:][\w:]*", bare):
        if name not in WORDS and not re.fullmatch(r"[smhdw]", name):
            yield name, set()


def test_promtool_accepts_configuration_and_rules():
    rc, out = promtool("check", "config", os.path.join(PROM, "prometheus.yml"))
    assert rc == 0, out
    rc, out = promtool("check", "rules", os.path.join(PROM, "suitd.rules.yml"))
    assert rc == 0, out


def test_alerts_fire_when_they_must_and_only_then():
    rc, out = promtool("test", "rules", *sorted(glob.glob(PROM + "/*.test.yml")))
    assert rc == 0, out


def test_every_alert_has_a_case_in_which_it_fires():
    fired = set()
    for name in glob.glob(PROM + "/*.test.yml"):
        with open(name) as f:
            for t in yaml.safe_load(f)["tests"]:
                fired |= {a["alertname"] for a in t.get("alert_rule_test", ()) if a["exp_alerts"]}
                for q in t.get("promql_expr_test", ()):
                    fired |= set(re.findall(r'alertname="(\w+)"', " ".join(s["labels"] for s in q["exp_samples"])))
    missing = {a["alert"] for a in alerts()} - fired
    assert not missing, missing


def test_every_alert_says_what_and_where_to_read_on():
    with open(os.path.join(TOP, "docs/OPERATIONS.md")) as f:
        anchors = {re.sub(r"[^\w -]", "", h.lower()).strip().replace(" ", "-")
                   for h in re.findall(r"(?m)^#+ (.*)$", f.read())}
    names = [a["alert"] for a in alerts()]
    assert len(names) == len(set(names)) >= 11, names
    for a in alerts():
        assert a["labels"]["severity"] in ("critical", "warning"), a
        notes = a["annotations"]
        assert set(notes) == {"summary", "description", "runbook_url"}, a
        assert "$value" in notes["description"] or a["alert"] == "SuitdDown", a
        page, anchor = notes["runbook_url"].split("#")
        assert page == "docs/OPERATIONS.md" and anchor == a["alert"].lower() and anchor in anchors, notes


def test_metrics_and_labels_are_of_the_table():
    table = known()
    table["up"] = table["ALERTS"] = {"alertname", "alertstate"}
    for r in rules():
        if "record" in r:
            table[r["record"]] = {"group"}
    for e in expressions():
        assert list(mentioned(e)), e
        for name, labels in mentioned(e):
            assert name in table, (name, e)
            assert labels <= table[name] | TARGET, (name, labels, e)
        by = re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", e)
        ours = set().union(*(table[n] for n, _ in mentioned(e))) | TARGET
        for words in by:
            assert {w.strip() for w in words.split(",")} <= ours, e


def scrape():
    """Names that a real suitd exports, and {(name, label): values} as far as it has samples."""
    port = free_port()
    with Suitd(options=["listen_http=127.0.0.1:%d" % port]):
        text = urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port, timeout=120).read().decode()
    names, values = set(), {}
    for name, kind in re.findall(r"(?m)^# TYPE (\S+) (\S+)$", text):
        names |= {name + s for s in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
    for name, labels in re.findall(r"(?m)^(\w+)\{(.*)\} ", text):
        for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
            values.setdefault((name, label), set()).add(value)
    return names, values


def test_metrics_and_values_of_labels_are_in_a_real_scrape():
    names, values = scrape()
    asked = 0
    for e in expressions():
        for name, _ in mentioned(e):
            assert name in names or name in ("up", "ALERTS") or name.startswith("suitd:"), (name, e)
        for name, inside in re.findall(r"(\w+)\{([^}]*)\}", e):
            for label, text in re.findall(r'(\w+)(?:=~|!~|!=|=)"([^"]*)"', inside):
                have = values.get((name, label))
                if have is None or label in ("path", "code") or label in TARGET:
                    continue  # what comes with the first request, and Prometheus' own
                asked += 1
                assert set(text.split("|")) <= have, (name, label, text, have)
    assert asked > 10, asked


def test_the_dashboard_is_whole():
    ids = [p["id"] for p in panels()]
    assert len(ids) == len(set(ids)) > 20, ids
    with open(os.path.join(GRAFANA, "provisioning/datasources/suitd.yml")) as f:
        source = yaml.safe_load(f)["datasources"][0]
    places = []
    for p in panels():
        assert p["title"], p
        g = p["gridPos"]
        assert g["x"] + g["w"] <= 24, p
        for x, y, w, h, t in places:
            assert g["x"] >= x + w or g["x"] + g["w"] <= x or g["y"] >= y + h or g["y"] + g["h"] <= y, (p["title"], t)
        places.append((g["x"], g["y"], g["w"], g["h"], p["title"]))
        if p["type"] == "row":
            continue
        assert p["description"] and p["targets"], p
        for t in [p] + p["targets"]:
            assert t["datasource"] == {"type": source["type"], "uid": source["uid"]}, t


def test_a_time_that_is_not_there_has_no_age_of_fifty_years():
    ages = [p for p in panels() if p["type"] == "stat" and any(re.match(r"time\(\) - |.* - time\(\)$", t["expr"]) for t in p["targets"])
            and "process_start" not in p["targets"][0]["expr"]]
    assert ages
    for p in ages:
        d, expr = p["fieldConfig"]["defaults"], p["targets"][0]["expr"]
        never = [m for m in d.get("mappings", []) if m["type"] == "range" and m["options"]["from"] <= 1e9
                 and m["options"]["result"]["text"] == "never"]
        assert never or ("> 0" in expr and d.get("noValue")), p["title"]


def test_queries_of_the_dashboard_parse():
    with tempfile.TemporaryDirectory() as d:
        name = os.path.join(d, "queries.yml")
        with open(name, "w") as f:
            json.dump({"groups": [{"name": "q", "rules": [{"record": "q:%d" % n, "expr": e}
                                                          for n, e in enumerate(queries())]}]}, f)
        rc, out = promtool("check", "rules", name)
    assert rc == 0, out


def mounts(compose, service):
    """Where a path inside the service's container comes from, as far as it is of this tree."""
    with open(compose) as f:
        all_of_it = yaml.safe_load(f)
    s, here, found = all_of_it["services"][service], os.path.dirname(compose), {}
    for v in s.get("volumes", ()):
        source, target = (v["source"], v["target"]) if isinstance(v, dict) else v.split(":")[:2]
        found[target] = os.path.normpath(os.path.join(here, source))
    for c in s.get("configs", ()):
        found[c["target"]] = os.path.normpath(os.path.join(here, all_of_it["configs"][c["source"]]["file"]))
    return found


def mounted(found, path):
    for target, source in found.items():
        if path == target or path.startswith(target.rstrip("/") + "/"):
            return os.path.normpath(source + path[len(target):])
    raise AssertionError("%s is not mounted: %s" % (path, found))


def test_provisioning_fits_the_mounts_of_compose():
    compose = os.path.join(TOP, "docker/compose.yaml")
    prom, grafana = mounts(compose, "prometheus"), mounts(compose, "grafana")
    for path, source in (("/etc/prometheus/prometheus.yml", PROM + "/prometheus.yml"),
                         ("/etc/prometheus/suitd.rules.yml", PROM + "/suitd.rules.yml")):
        assert mounted(prom, path) == source, prom
    for path in ("provisioning/datasources/suitd.yml", "provisioning/dashboards/suitd.yml"):
        assert mounted(grafana, "/etc/grafana/" + path) == os.path.join(GRAFANA, path), grafana
    assert mounted(grafana, "/var/lib/grafana/dashboards/suitd.json") == GRAFANA + "/dashboards/suitd.json", grafana
    with open(os.path.join(GRAFANA, "provisioning/dashboards/suitd.yml")) as f:
        assert yaml.safe_load(f)["providers"][0]["options"]["path"] == "/var/lib/grafana/dashboards"
    with open(os.path.join(PROM, "prometheus.yml")) as f:
        assert yaml.safe_load(f)["scrape_configs"][0]["static_configs"][0]["targets"] == ["suitd:9683"]
    with open(os.path.join(GRAFANA, "provisioning/datasources/suitd.yml")) as f:
        assert yaml.safe_load(f)["datasources"][0]["url"] == "http://prometheus:9090"
    with open(compose) as f:
        assert {"suitd", "prometheus", "grafana"} <= set(yaml.safe_load(f)["services"])


if __name__ == "__main__":
    sys.exit(run([v for k, v in list(globals().items()) if k.startswith("test_")]))
