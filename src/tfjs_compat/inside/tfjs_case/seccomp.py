"""Keep this process, and all that it starts, from system calls that reach others by their number or their socket.

A filter of the kernel (seccomp(2)) looks at the number of a call and at its plain arguments. Refused with EPERM are

- limits, priorities and schedulers of another process, which only asks for the same user: prlimit(2), setpriority(2),
  ioprio_set(2), sched_setscheduler(2) and the like, unless they name the caller by 0;
- sockets of the file system (AF_UNIX) and to the host of a virtual machine (AF_VSOCK), where the network is not
  allowed: services listen on them. Pairs of sockets go on to be made;
- further namespaces, in which it would have capabilities again: unshare(2), setns(2), clone(2) with such flags;
- the keys that the kernel keeps for the user (keyrings(7));
- leases of files (F_SETLEASE, F_NOTIFY of fcntl(2)): whoever opens such a file waits for the holder, up to a minute;
- System V's shared memory and queues: what is in them is no memory of any process, so that no limit sees it;
- io_uring, whose requests no filter sees, and the calls of other architectures.

Of clone3(2), whose flags no filter sees, the kernel seems to know nothing: C libraries then call clone(2).

Python >= 3.8; imports nothing of tfjs_compat.
"""

import ctypes
import errno
import platform
import struct
import sys

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_ALLOW, _REFUSE, _UNKNOWN = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
# AF_UNIX, and AF_VSOCK, by which a virtual machine reaches its host: it knows no namespaces.
_FAMILIES = (1, 40)
# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET (clone(2)).
_NAMESPACES = 0x7E020000
# F_SETLEASE and F_NOTIFY (linux/fcntl.h).
_LEASES = (1024, 1026)

# By machine: the architecture as the kernel names it (linux/audit.h), and the numbers of calls (asm/unistd_64.h,
# asm-generic/unistd.h). From ``foreign`` on they are those of another interface: x32.
_MACHINES = {
    "x86_64": {
        "architecture": 0xC000003E,
        "foreign": 0x40000000,
        "first_is_process": (302, 142, 144, 314),
        "second_is_process": (141, 251),
        "socket": 41,
        "clone": 56,
        "fcntl": 72,
        "refused": (425, 272, 308, 248, 249, 250, 29, 68),
    },
    "aarch64": {
        "architecture": 0xC00000B7,
        "foreign": None,
        "first_is_process": (261, 118, 119, 274),
        "second_is_process": (140, 30),
        "socket": 198,
        "clone": 220,
        "fcntl": 25,
        "refused": (425, 97, 268, 217, 218, 219, 194, 186),
    },
}
"""``first_is_process``: prlimit64, sched_setparam, sched_setscheduler, sched_setattr; ``second_is_process``:
setpriority, ioprio_set; ``refused``: io_uring_setup, unshare, setns,
add_key, request_key, keyctl, shmget, msgget."""

_CLONE3 = 435


def refuse_calls(libc, network):
    """Refuse those calls from here on; whether that is in force. Raises nothing."""
    known = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or sys.maxsize < 1 << 32 or known is None:
        return False
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    filters = _program(known, network)
    code = ctypes.create_string_buffer(b"".join(filters))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(filters), ctypes.addressof(code)))
    return libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) == 0


def _program(known, network):
    """The instructions (linux/filter.h), each as its eight bytes; a jump counts those that it leaves out."""
    load = [_step(_LOAD, _NUMBER)]
    refuse, allow = [_step(_RETURN, _REFUSE)], [_step(_RETURN, _ALLOW)]
    made = [_step(_LOAD, _ARCHITECTURE), _step(_EQUAL, known["architecture"], 1, 0), *refuse, *load]
    if known["foreign"] is not None:
        made += [_step(_AT_LEAST, known["foreign"], 0, 1), *refuse]
    for number in known["refused"]:
        made += [_step(_EQUAL, number, 0, 1), *refuse]
    made += [_step(_EQUAL, _CLONE3, 0, 1), _step(_RETURN, _UNKNOWN)]
    checked = [_step(_LOAD, _ARGUMENTS), _step(_ANY_BIT, _NAMESPACES, 0, 1), *refuse, *allow]
    made += [_step(_EQUAL, known["clone"], 0, len(checked)), *checked]
    checked = [_step(_LOAD, _ARGUMENTS + 8)]
    for command in _LEASES:
        checked += [_step(_EQUAL, command, 0, 1), *refuse]
    made += [_step(_EQUAL, known["fcntl"], 0, len(checked) + 1), *checked, *allow]
    for place, numbers in enumerate((known["first_is_process"], known["second_is_process"])):
        for number in numbers:
            # A process is named by the lower half of the argument.
            checked = [_step(_LOAD, _ARGUMENTS + 8 * place), _step(_EQUAL, 0, 1, 0), *refuse, *allow]
            made += [_step(_EQUAL, number, 0, len(checked)), *checked]
    if not network:
        checked = [_step(_LOAD, _ARGUMENTS)]
        for family in _FAMILIES:
            checked += [_step(_EQUAL, family, 0, 1), *refuse]
        checked += allow
        made += [_step(_EQUAL, known["socket"], 0, len(checked)), *checked]
    return [*made, *allow]


def _step(code, value, if_true=0, if_false=0):
    return struct.pack("HBBI", code, if_true, if_false, value)
