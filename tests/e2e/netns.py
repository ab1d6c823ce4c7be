"""Network namespaces of a test's own. They have no name: a descriptor keeps
each alive, so that nothing is left behind, however the test ends."""
import ctypes
import os
import subprocess

from fixture import Skip

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """`with ns:` the calling thread, and what it starts, is inside."""

    def __init__(self):
        self.back = [os.open("/proc/thread-self/ns/net", os.O_RDONLY)]
        if libc.unshare(CLONE_NEWNET) != 0:
            raise Skip("may not make a network namespace: " + os.strerror(ctypes.get_errno()))
        self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self._enter(self.back[0])
        with self:
            ip("link set lo up")

    def _enter(self, fd):
        if libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def __enter__(self):
        self.back.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
        self._enter(self.fd)
        return self

    def __exit__(self, *_):
        fd = self.back.pop()
        self._enter(fd)
        os.close(fd)

    def close(self):
        for fd in [self.fd] + self.back:
            os.close(fd)

    def link(self, name, other, peer):
        """A cable from here to another namespace."""
        with self:
            ip("link add %s type veth peer name %s netns /proc/%d/fd/%d" % (name, peer, os.getpid(), other.fd))
            ip("link set %s up" % name)
        with other:
            ip("link set %s up" % peer)


def run(*words):
    r = subprocess.run(words, capture_output=True, text=True)
    if r.returncode != 0:
        raise Skip("%s: %s" % (" ".join(words), (r.stderr or r.stdout).strip()))


def ip(words):
    run("ip", *words.split())


def tc(words):
    run("tc", *words.split())


def sysctl(name, value):
    with open("/proc/sys/" + name.replace(".", "/"), "w") as f:
        f.write(value)
