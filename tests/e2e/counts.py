"""What each thread of a daemon asked for: the counters of
tests/preload/count.c, and the kernel's own."""
import os
import struct

from fixture import BIN, Skip

PRELOAD = os.path.join(BIN, "tests/preload/count.so")
SLOT = struct.Struct("=QQQQQ")
NAMES = ("allocs", "frees", "locks", "steps")


def sanitized():
    return bool(os.environ.get("SAN")) or BIN.endswith("/san")


def environment(d):
    """For Suitd.env: loads the counters."""
    if sanitized():
        raise Skip("the sanitizer counts memory itself")
    if not os.path.exists(PRELOAD):
        raise Skip("not built: " + PRELOAD)
    return {"LD_PRELOAD": PRELOAD, "COUNT_FILE": d.file("count")}


def read(d):
    """Thread id to its counters; a thread that never asked has none but 0."""
    with open(d.file("count"), "rb") as f:
        raw = f.read()
    out = {int(t): dict.fromkeys(NAMES, 0) for t in os.listdir("/proc/%d/task" % d.proc.pid)}
    for at in range(0, len(raw), SLOT.size):
        tid, *n = SLOT.unpack_from(raw, at)
        if tid in out:
            out[tid] = dict(zip(NAMES, n))
    for tid, n in out.items():
        n["writes"] = writes(d, tid)
    return out


def writes(d, tid):
    """write(2) and its like, as the kernel counts them; sockets that are sent
    to are not among them."""
    for line in open("/proc/%d/task/%d/io" % (d.proc.pid, tid)):
        if line.startswith("syscw"):
            return int(line.split()[1])
    raise Skip("this kernel does not count writes")
