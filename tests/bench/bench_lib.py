"""What the parts of the bench share: rows, samples and rounds, the daemon
pinned to its core, the load generator, a network namespace."""
import base64
import contextlib
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import fixture  # noqa: E402
from fixture import BIN  # noqa: E402

ROUNDS = 3
SECONDS = 1.5  # of one sample, unless a part says otherwise
ALONE = 0.95  # of the core, both servers: then the wall clock decides
FOREIGN = 0.10  # of the server's core to others: the round is repeated, once
REPEATS = {"left": 60.0}  # seconds for that, in all
CORES = sorted(os.sched_getaffinity(0))
SERVER, LOAD = CORES[0], CORES[-1]
TOOL = os.path.join(BIN, "tests", "bench")
ROWS = []


class Broken(Exception):
    """A wrong byte, a lost report, a device not updated: exit 1."""


class Skip(Exception):
    """This machine has not what the part needs; the reason."""


# --- rows ---

MEETS = {">=": lambda v, b: v >= b, "<=": lambda v, b: v <= b, "<": lambda v, b: v < b, ">": lambda v, b: v > b}


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def row(part, name, values, unit, bar=None, note="", **more):
    """One line of the table: the median of `values`; bar is (sign, limit).
    `more` is for machines, its `key` names the row for the plot."""
    values = [float(v) for v in values]
    r = dict(spread(values), part=part, name=name, unit=unit, rounds=len(values), note=note, bar=None, met=None, **more)
    if bar:
        r["bar"], r["met"] = "%s %g" % bar, MEETS[bar[0]](r["median"], bar[1])
    ROWS.append(r)
    verdict = "" if not bar else "%s (bar %s)" % ("ok" if r["met"] else "MISSED", r["bar"])
    print("%-8s %-50s %9s %-15s %-20s %s" % (part, name, fmt(r["median"]), unit, verdict, note), flush=True)


def fmt(v):
    return "%d" % v if v >= 1000 else "%.3g" % v


def ratio(part, name, pairs, unit, bar=None, note="", full=True, **more):
    """`pairs` of samples, each pair of one round: operations of the first to
    those of the second. The wall clock counts when both servers had their
    core to themselves, and filled it (unless not `full`: they also wait, for
    a disk); CPU time otherwise. The row says which, and has both."""
    wall, cpu = [a.rate / b.rate for a, b in pairs], [a.per_cpu / b.per_cpu for a, b in pairs]
    by, other = "wall", "CPU %s" % fmt(statistics.median(cpu))
    if not all(s.busy >= ALONE if full else s.foreign <= FOREIGN for p in pairs for s in p):
        by, other = "CPU", "wall %s" % fmt(statistics.median(wall))
    row(part, name, wall if by == "wall" else cpu, unit, bar, "by %s; %s%s" % (by, other, "; " + note if note else ""),
        by=by, wall=spread(wall), cpu=spread(cpu), **more)


def rates(part, name, samples, unit="a CPU second", note="", **more):
    """What one server did: operations for a second of its CPU time."""
    row(part, name, [s.per_cpu for s in samples], unit, None, "%.2f us each, %s/s on the wall, core %d %% busy%s%s" % (
        1e6 / statistics.median(s.per_cpu for s in samples), fmt(statistics.median(s.rate for s in samples)),
        100 * statistics.median(s.busy for s in samples), lost(samples), "; " + note if note else ""),
        wall=spread([s.rate for s in samples]), **more)


def lost(samples):
    n = sum(s.g["retransmissions"] for s in samples)
    return ", %d retransmissions" % n if n else ""


# --- samples ---

def cpu_of(pid):
    """Seconds on a core, of every thread, by the scheduler's own account."""
    return sum(int(open("/proc/%d/task/%s/schedstat" % (pid, t)).read().split()[0])
               for t in os.listdir("/proc/%d/task" % pid)) / 1e9


def busy_of(core):
    """Seconds that a core was not idle, or the hypervisor's."""
    for line in open("/proc/stat"):
        f = line.split()
        if f[0] == "cpu%d" % core:
            return (sum(int(v) for v in f[1:9]) - int(f[4]) - int(f[5])) / os.sysconf("SC_CLK_TCK")
    raise Broken("no cpu%d in /proc/stat" % core)


class Sample:
    """One load on one server: what the generator saw, what the server used,
    and which share of the server's core others had meanwhile."""
    def __init__(self, g, cpu, wall, busy):
        self.g, self.done, self.seconds, self.cpu = g, g["done"], g["seconds"], cpu
        self.foreign = max(0.0, busy - cpu) / wall

    rate = property(lambda s: s.done / s.seconds)
    per_cpu = property(lambda s: s.done / s.cpu)
    busy = property(lambda s: s.cpu / s.seconds)  # of a core


def load(pid, mode, port, **options):
    """A sample. It begins when the generator is ready to send: its memory is
    filled, and with DTLS every device has its session (`before`)."""
    before = cpu_of(pid)
    p = subprocess.Popen(gen_args(mode, port, dict(options, gate=True)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, preexec_fn=lambda: pin(LOAD))
    try:
        if p.stdout.readline() != "ready\n":
            raise Broken("coapgen was not ready: %s" % p.stderr.read())
        c0, b0, t0 = cpu_of(pid), busy_of(SERVER), time.monotonic()
        out, err = p.communicate("\n", timeout=300)
    finally:
        p.kill()
        p.wait()
    s = Sample(check(p, out, err), cpu_of(pid) - c0, time.monotonic() - t0, busy_of(SERVER) - b0)
    s.before = c0 - before
    return s


def rounds(contest, n=ROUNDS):
    """`contest`: who -> how to take a sample. They take turns, in the other
    order every second round. A round that others disturbed is played once
    more, and the better one counts. Returns {who: sample} for each round."""
    out = []
    for i in range(n):
        turn = play(contest, i)
        if disturbed(turn) > FOREIGN and REPEATS["left"] > 0:
            t0 = time.monotonic()
            turn = min(turn, play(contest, i), key=disturbed)
            REPEATS["left"] -= time.monotonic() - t0
        out.append(turn)
    return out


def play(contest, i):
    return {who: contest[who]() for who in list(contest)[::-1 if i % 2 else 1]}


def disturbed(turn):
    return max(s.foreign for s in turn.values())


def of(turns, who):
    return [t[who] for t in turns]


def pairs(turns, a, b):
    return [(t[a], t[b]) for t in turns]


# --- tools ---

def tool(name, *args, core=None):
    cmd = [os.path.join(TOOL, name)] + [str(a) for a in args]
    r = subprocess.run(cmd, capture_output=True, text=True, timeout=300, preexec_fn=lambda: pin(core))
    if r.returncode != 0:
        raise Broken("%s: exit %d\n%s%s" % (" ".join(cmd), r.returncode, r.stdout, r.stderr))
    return r.stdout


def alone(name, *args, done):
    """A sample of a tool that is its own load, on the server's core, and
    prints how many a second it did."""
    used, b0, t0 = children(), busy_of(SERVER), time.monotonic()
    rate = float(tool(name, *args, core=SERVER))
    return Sample({"done": done, "seconds": done / rate, "retransmissions": 0}, children() - used, time.monotonic() - t0,
                  busy_of(SERVER) - b0)


def children():
    """CPU time of those who have ended."""
    ru = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ru.ru_utime + ru.ru_stime


def pin(core):
    if core is not None:
        os.sched_setaffinity(0, {core})


def gen(mode, port, **options):
    """The load generator, once, without a look at the server."""
    p = subprocess.run(gen_args(mode, port, options), capture_output=True, text=True, timeout=300, preexec_fn=lambda: pin(LOAD))
    return check(p, p.stdout, p.stderr)


def gen_args(mode, port, options):
    options = dict({"to": "127.0.0.1"}, **options)
    options["to"] += ":%d" % port
    args = [os.path.join(TOOL, "coapgen"), mode]
    for k, v in options.items():
        for each in v if isinstance(v, (list, tuple)) else [v] if v is not False else []:
            args += ["--" + k.replace("_", "-")] + ([] if each is True else [str(each)])
    return args


def check(p, out, err):
    """What the generator says. It has compared every answer."""
    g = json.loads(out) if out else {}
    if p.returncode != 0 or g.get("bad") or not g.get("done"):
        raise Broken("%s: exit %d\n%s%s" % (" ".join(p.args), p.returncode, out, err))
    return g


def memory(pid, field):
    for line in open("/proc/%d/status" % pid):
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise Broken("no %s of process %d" % (field, pid))


# --- the daemon ---

class Suitd(fixture.Suitd):
    flags = ["-o", "log_level=warn"]  # not the tests' log of everything

    def __init__(self, options=(), start=True, cores=None):
        self.cores = cores or {SERVER}
        super().__init__(options, start)

    def start(self):
        mine = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.cores)  # inherited, and asked for by suitd
        try:
            super().start()
        finally:
            os.sched_setaffinity(0, mine)

    @property
    def pid(self):
        return self.proc.pid


def image(d, seq, size):
    """Publishes a random image; returns its file and its short path."""
    data = os.urandom(size)
    d.publish(seq, data, "coap://127.0.0.1:%d/fw/%d.bin" % (d.port, seq))
    return d.file("fw-demo-%d.bin" % seq), "i/" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()[:9]).decode()


def turns_row(part, statuses):
    """How long one turn of the loop kept all others waiting, at worst."""
    worst = [s["lag_max_us"] / 1000 for s in statuses if "lag_max_us" in s]  # optional on the wire
    if worst:
        row(part, "  the longest turn of suitd's loop", worst, "ms", ("<=", 100), "%d of %d turns were longer than that; wall" % (
            sum(s.get("lag_over", 0) for s in statuses), sum(s["lag_turns"] for s in statuses)), key=part + ".turn")


@contextlib.contextmanager
def serving(size=262144, options=(), cores=None):
    """A daemon with one image: (daemon, the generator's options for it)."""
    with Suitd(options, cores=cores) as d:
        d.author()
        file, path = image(d, 1, size)
        yield d, {"file": file, "path": path}


# --- the network ---

def isolate(argv):
    """Goes on in a network namespace of its own where it may: no other's
    firewall, no connection tracking, addresses to give away."""
    if "BENCH_NET" not in os.environ:
        cmd = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-r", "-n"]
        if subprocess.run(cmd + ["true"], stderr=subprocess.DEVNULL).returncode == 0:
            os.execvpe(cmd[0], cmd + [sys.executable] + argv, dict(os.environ, BENCH_NET="own"))
        os.environ["BENCH_NET"] = "host"
        print("no network namespace of its own: in the host's, whose rules and connection tracking count")
    if os.environ["BENCH_NET"] == "own":
        for words in ("ip link set lo up", "ip -6 route add local fd99::/64 dev lo"):
            subprocess.run(words.split(), check=True)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    pin(LOAD)
