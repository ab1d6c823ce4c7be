"""Blocks over plain UDP: against what the kernel can do, at a million peers,
against other servers, by slow devices, with two workers."""
import contextlib
import os

from bench_lib import (CORES, ROUNDS, SECONDS, SERVER, Broken, Skip, gen, load, memory, of, pairs, rates, ratio, rounds, row,
                       serving)
from peers import Aiocoap, Echo, Libcoap, Nodecoap

UNIT = "blocks/CPU s"
SLOW, THINK = 100000, 2000  # devices, ms from an answer to the next request


def taker(server, **options):
    """How to take a sample of a server that stays up."""
    return lambda: load(server.pid, "get", server.port, **dict({"seconds": SECONDS}, **options))


def bench_blocks():
    """Against the least that a UDP server can do, with the same sizes."""
    with serving() as (d, what):
        for szx in (6, 2):
            args = dict(what, szx=szx, peers=1000)
            size = round(gen("get", d.port, seconds=0.2, **args)["answer_bytes"])
            with Echo(size, mmsg=True) as batch, Echo(size) as single:
                contest = {"suitd": taker(d, **args), "recvmmsg": taker(batch, bare=True, **args),
                           "recvfrom": taker(single, bare=True, **args)}
                if os.environ["BENCH_NET"] == "own" and szx == 6:
                    contest["v6"] = taker(d, to="[::1]", **args)  # from fd99::/64
                turns = rounds(contest)
            name = "szx %d, %d B answers, 1 000 peers: " % (szx, size)
            for who in ("suitd", "recvmmsg", "recvfrom"):
                rates("blocks", name + ("" if who == "suitd" else "echo, ") + who, of(turns, who), UNIT,
                      key="blocks.szx%d.1000.%s" % (szx, who))
            ratio("blocks", "  of recvmmsg echo", pairs(turns, "suitd", "recvmmsg"), "", (">=", 0.90), key="blocks.szx%d.mmsg" % szx)
            ratio("blocks", "  of recvfrom echo", pairs(turns, "suitd", "recvfrom"), "", key="blocks.szx%d.recvfrom" % szx)
            if "v6" in contest:
                ratio("blocks", "  over IPv6, of IPv4", pairs(turns, "v6", "suitd"), "", key="blocks.v6")


def bench_scale():
    """The same with more peers, of its own 1 000. Every peer gets a block."""
    with serving() as (d, what):
        for szx in (6, 2):
            args = dict(what, szx=szx)
            contest = {1000: taker(d, peers=1000, **args), 100000: taker(d, peers=100000, **args),
                       1000000: lambda: all_of(d, 1000000, args)}
            turns = rounds(contest)
            for n in sorted(contest):
                rates("scale", "szx %d, %d peers" % (szx, n), of(turns, n), UNIT, key="scale.szx%d.%d.suitd" % (szx, n))
                if n != 1000:
                    ratio("scale", "  of 1 000 peers", pairs(turns, n, 1000), "", (">=", 0.85), key="scale.szx%d.%d" % (szx, n))
        row("scale", "RSS of suitd after a million peers", [memory(d.pid, "VmRSS")], "MiB", key="scale.rss")


def all_of(d, peers, args):
    s = load(d.pid, "get", d.port, peers=peers, each=1, **args)
    if s.done < peers:
        raise Broken("%d of %d peers got their block" % (s.done, peers))
    return s


def bench_rivals():
    """Other people's servers. A server with sessions is started anew for
    each sample, so that it has those of one load only."""
    with serving() as (d, what):
        for peers, others, n in ((100, [Libcoap, Aiocoap, Nodecoap], ROUNDS), (1000, [Libcoap], ROUNDS), (5000, [Libcoap], 1)):
            others = [o for o in others if have(o, what["file"])]
            contest = {o: lambda o=o: fresh(o, what["file"], peers) for o in others}
            contest["suitd"] = taker(d, szx=6, peers=peers, **what)
            turns = rounds(contest, n)
            rates("rivals", "szx 6, %d peers: suitd" % peers, of(turns, "suitd"), UNIT, key="rivals.%d.suitd" % peers)
            for o in others:
                rates("rivals", "szx 6, %d peers: %s" % (peers, o.title), of(turns, o), UNIT, key="rivals.%d.%s" % (peers, o.name))
                bar = {100: (">=", 3), 1000: (">=", 8)}.get(peers) if o is Libcoap else None
                ratio("rivals", "  suitd against it", pairs(turns, "suitd", o), "times", bar, key="rivals.%d.x.%s" % (peers, o.name))


def have(server, file):
    try:
        with server(file):
            return True
    except Skip as e:
        print("rivals   %s left out: %s" % (server.title, e))
        return False


def fresh(server, file, peers):
    with server(file) as s:
        return load(s.pid, "get", s.port, path=s.path, file=file, szx=6, peers=peers, seconds=SECONDS, any_etag=s.any_etag)


def bench_slow():
    """100 000 devices, each of which asks for a block every 2 s."""
    with serving() as (d, what):
        turns = rounds({"suitd": taker(d, szx=6, peers=SLOW, think=THINK, seconds=8, **what)}, 1)
        s = turns[0]["suitd"]
        rss = memory(d.pid, "VmRSS")
        name = "%d devices, a block each 2 s: " % SLOW
        note = "others had %d %% of the server's core" % (100 * s.foreign)
        row("slow", name + "p99", [s.g["p99_us"] / 1000], "ms", ("<", 5), "p50 %.2f, p99.9 %.2f, max %.1f ms; %s" % (
            s.g["p50_us"] / 1000, s.g["p999_us"] / 1000, s.g["max_us"] / 1000, note), key="slow.p99")
        row("slow", "  retransmissions", [s.g["retransmissions"]], "", ("<=", 0), "%d blocks" % s.done, key="slow.again")
        row("slow", "  RSS of suitd", [rss], "MiB", ("<", 96), key="slow.rss")
        row("slow", "  its core, busy with it", [100 * s.busy], "%", None, "%s blocks/s" % round(s.rate), key="slow.busy")


def bench_workers():
    """CPU per block with two workers against one. First both share the
    server's core (what dividing the peers costs), then each has a core, the
    second together with the generator (what sharing memory costs)."""
    if len(CORES) < 2:
        raise Skip("one core")
    with contextlib.ExitStack() as stack:
        what, d = {}, {}
        for who, cores, n in (("one", {SERVER}, 1), ("shared", set(CORES), 2), ("apart", set(CORES), 2)):
            d[who], what[who] = stack.enter_context(serving(options=["image_workers=%d" % n], cores=cores))
        for t in os.listdir("/proc/%d/task" % d["shared"].pid):
            os.sched_setaffinity(int(t), {SERVER})
        turns = rounds({who: taker(d[who], szx=6, peers=1000, **what[who]) for who in d})
        for who in d:
            row("workers", {"one": "CPU per block, one worker", "shared": "  two, both on the server's core",
                            "apart": "  two on two cores, one of them the generator's"}[who],
                [1e6 / s.per_cpu for s in of(turns, who)], "us", key="workers.%s" % who)
        for who in ("apart", "shared"):
            row("workers", "  ratio, " + who, [b.per_cpu / a.per_cpu for a, b in pairs(turns, who, "one")], "of one",
                ("<=", 1.1), key="workers.ratio." + who)
