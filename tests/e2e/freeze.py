"""Single threads of a daemon stopped by ptrace, so that it is certain which
of them answers: what is answered while the loop stands still was answered by
a worker. A parent may do this to its child without any privilege."""
import ctypes
import os

from fixture import Skip

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(what, tid):
    if libc.ptrace(what, tid, None, None) != 0:
        raise Skip("may not stop a single thread here: " + os.strerror(ctypes.get_errno()))


class Frozen:
    """`with Frozen(tids):` they stand still."""

    def __init__(self, tids):
        self.tids = list(tids)

    def __enter__(self):
        for tid in self.tids:
            ptrace(SEIZE, tid)
            ptrace(INTERRUPT, tid)
            os.waitpid(tid, WALL)
        return self

    def __exit__(self, *_):
        for tid in self.tids:
            ptrace(DETACH, tid)


def loop(d):
    """The thread that is libcoap's, and decides everything."""
    return Frozen([d.proc.pid])


def threads(d):
    """Name and id of every thread but the loop's."""
    base = "/proc/%d/task" % d.proc.pid
    return sorted((open("%s/%s/comm" % (base, t)).read().strip(), int(t))
                  for t in os.listdir(base) if int(t) != d.proc.pid)


def workers(d):
    return [tid for comm, tid in threads(d) if comm.startswith("images-")]
