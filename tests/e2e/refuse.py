"""A kernel that says no: seccomp filters for a daemon about to start, as an
old kernel or a strict container would refuse. Each is a preexec function."""
import ctypes
import errno
import platform
import struct

from fixture import Skip

# audit architecture, then numbers of setsockopt and clone; clone3 is 435
ARCH = {"x86_64": (0xc000003e, 54, 56), "aarch64": (0xc00000b7, 208, 220)}
CLONE3 = 435
SOL_SOCKET, SO_REUSEPORT, SO_ATTACH_REUSEPORT_CBPF = 1, 15, 51
CLONE_THREAD = 0x10000
LOAD, JEQ, JSET, RET = 0x20, 0x15, 0x45, 0x06
ALLOW, ERRNO = 0x7fff0000, 0x00050000
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, FILTER = 22, 38, 2


def arch():
    if platform.machine() not in ARCH:
        raise Skip("no table of system calls for " + platform.machine())
    return ARCH[platform.machine()]


def arg(n):
    """Where the lower half of an argument is, on a little-endian machine."""
    return 16 + 8 * n


def program(rules):
    """Rules: system call, tests (instruction, offset, value) that must all
    hold, and the error that it then gets."""
    audit, out = arch()[0], []
    out += [(LOAD, 0, 0, 4), (JEQ, 1, 0, audit), (RET, 0, 0, ALLOW)]
    for call, tests, err in rules:
        body = [(LOAD, 0, 0, 0), (JEQ, 0, 2 * len(tests) + 1, call)]
        for n, (op, off, value) in enumerate(tests):
            body += [(LOAD, 0, 0, off), (op, 0, 2 * (len(tests) - n) - 1, value)]
        out += body + [(RET, 0, 0, ERRNO | err)]
    return b"".join(struct.pack("HBBI", *i) for i in out + [(RET, 0, 0, ALLOW)])


def preexec(rules):
    libc, code = ctypes.CDLL(None, use_errno=True), program(rules)
    text = ctypes.create_string_buffer(code, len(code))
    prog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(text)), 16)

    def apply():
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, FILTER, prog, 0, 0):
            raise OSError(ctypes.get_errno(), "seccomp")
    apply.text = text  # keeps it
    return apply


def socket_option(name):
    return preexec([(arch()[1], [(JEQ, arg(1), SOL_SOCKET), (JEQ, arg(2), name)], errno.EPERM)])


def threads():
    """glibc tries clone3 first, whose flags a filter cannot see."""
    return preexec([(CLONE3, [], errno.ENOSYS), (arch()[2], [(JSET, arg(0), CLONE_THREAD)], errno.EPERM)])
