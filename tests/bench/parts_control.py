"""What libcoap's planes carry: polls, DTLS, durable reports."""
import os

from bench_lib import Broken, Suitd, alone, image, load, of, pairs, rates, ratio, rounds, row, tool, turns_row
from coapraw import ETAG, GET, URI_QUERY, Peer, code
from fixture import class_id
from peers import Echo

DEVICES, REPORTERS = 100000, 16384
KEY = "000102030405060708090a0b0c0d0e0f"
# {phase 1, total 16384}, {2}, {3}, {phase 4, sequence 2}: docs/PROTOCOL.md
PHASES = "a2000106194000", "a10002", "a10003", "a200040202"
REPORTS = len(PHASES) * REPORTERS


def filled(d, seq, n, *what, size=16384):
    """A release `seq` that fill's devices can have, and n of those."""
    d.author()
    file, path = image(d, seq, size)
    d.stop()
    tool("fill", os.path.join(d.state, "suitd.db"), n, "bench-", class_id("demo"), *what)
    return file, path


def bench_poll():
    """GET /m with the ETag of what they run: the bulk of a quiet fleet."""
    with Suitd() as d:
        filled(d, 1, DEVICES)
        d.start()
        ask = Peer(d.port).ask(GET, "m", [(URI_QUERY, b"ep=bench-000000")])
        if code(ask.code) != "2.05":
            raise Broken("GET /m: %s" % ask)
        args = dict(path="m", query="ep=bench-%06u", etag=ask.opt(ETAG).hex(), peers=DEVICES)
        first = load(d.pid, "get", d.port, each=1, expect="2.03", **args)
        rates("poll", "GET /m with ETag, each device once, first time", [first], "polls/CPU s", key="poll.first")
        with Echo(round(first.g["answer_bytes"])) as echo:
            turns = rounds({"suitd": lambda: load(d.pid, "get", d.port, seconds=2, expect="2.03", **args),
                            "echo": lambda: load(echo.pid, "get", echo.port, seconds=2, bare=True, **args)})
        rates("poll", "the same again and again", of(turns, "suitd"), "polls/CPU s", key="poll.suitd")
        rates("poll", "echo, recvfrom", of(turns, "echo"), "polls/CPU s", key="poll.echo")
        ratio("poll", "  of recvfrom echo, 100 000 peers", pairs(turns, "suitd", "echo"), "", (">=", 0.45), key="poll.ratio")
        turns_row("poll", [d.ctl_json("status")])


def bench_dtls():
    """Blocks and handshakes over DTLS-PSK. Each sample has a daemon that was
    just started, so that its sessions are those of one load."""
    few, many = 200, 5000
    with Suitd() as d:
        file, path = filled(d, 1, many, "psk=" + KEY, size=262144)
        args = dict(path=path, file=file, szx=6, dtls=True, psk_id="bench-%06u", psk="hex:" + KEY, seconds=2)
        turns = rounds({n: lambda n=n: anew(d, peers=n, **args) for n in (few, many)})
        for n in (few, many):
            rates("dtls", "blocks, szx 6, %d sessions" % n, of(turns, n), "blocks/CPU s", key="dtls.blocks.%d" % n)
        ratio("dtls", "  %d sessions, of %d" % (many, few), pairs(turns, many, few), "", (">=", 0.6), key="dtls.blocks")
        for n in (few, many):
            row("dtls", "CPU per handshake, %d sessions" % n, [1e6 * s.before / n for s in of(turns, n)], "us", key="dtls.hand.%d" % n)
        row("dtls", "  %d sessions, against %d" % (many, few), [(a.before / many) / (b.before / few) for a, b in
                                                             pairs(turns, many, few)], "times", ("<=", 1.5), key="dtls.hand")


def anew(d, **options):
    d.stop()
    d.start()
    return load(d.pid, "get", d.sport, **options)


def bench_reports():
    """Durable reports against a bare loop over SQLite that groups by 100."""
    turns = rounds({"suitd": reports, "bare": bare})
    rates("reports", "POST /r, 64 at a time, durable", of(turns, "suitd"), "reports/CPU s", "%.1f reports a commit" % (
        sum(s.done for s in of(turns, "suitd")) / sum(s.commits for s in of(turns, "suitd"))), key="reports.suitd")
    rates("reports", "the rows alone, 100 a commit: bare SQLite", of(turns, "bare"), "reports/CPU s", key="reports.bare")
    ratio("reports", "  of bare SQLite", pairs(turns, "suitd", "bare"), "", (">=", 0.5), full=False, key="reports.ratio")
    turns_row("reports", [s.status for s in of(turns, "suitd")])


def bare():
    with Suitd() as d:
        filled(d, 2, REPORTERS, "jobs")
        return alone("rows", os.path.join(d.state, "suitd.db"), REPORTS, done=REPORTS)


def reports():
    """Four reports of each device. All of them must be kept."""
    with Suitd() as d:
        filled(d, 2, REPORTERS, "jobs")
        d.start()
        before = d.ctl_json("status")
        s = load(d.pid, "post", d.port, path="r", query="ep=bench-%06u", body=PHASES, each=len(PHASES), cf=60, peers=REPORTERS,
                 window=64)
        after = d.ctl_json("status")
    s.commits, s.status = after["commits"] - before["commits"], after
    if s.done != REPORTS or after["events"] - before["events"] < REPORTS or after["jobs_live"] != 0:
        raise Broken("reports were acked but not kept: %s" % after)
    return s
