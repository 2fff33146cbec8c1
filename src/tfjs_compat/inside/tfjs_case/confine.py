"""Confine this process, and all that it starts, to a few folders and to a network of its own. Linux; no root needed.

Each layer is what the kernel gives, and one that it refuses is left out:

- namespaces (unshare(2)): a network that holds nothing but a loopback, if the network is not allowed; a view of the
  file systems that is read-only but for the folders, with a /dev/shm of its own and without terminals; no System V
  semaphores of others;
- Landlock (landlock(7)): no writing outside the folders, where the kernel is 6.7 or newer no TCP, where it is 6.12 or
  newer no signal to a process that is not confined with it;
- a filter of system calls (seccomp.py): no limits or priorities of other processes, no sockets of the file system;
- no capabilities that root has beyond the files (capabilities(7)), and none to be had by running a program.

What was confined stays so. Reading is not confined. Python >= 3.8; imports nothing of tfjs_compat.
"""

import contextlib
import ctypes
import os
import platform
import struct
import sys

from tfjs_case import seccomp

_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 0x00020000, 0x08000000, 0x10000000, 0x40000000
_MS_REC, _MS_PRIVATE, _MS_BIND, _MS_RDONLY, _MS_NOSUID, _MS_NODEV = 0x4000, 0x40000, 0x1000, 0x1, 0x2, 0x4
_AT_RECURSIVE, _MOUNT_ATTR_RDONLY = 0x8000, 0x1
# The same on every architecture but Alpha (asm-generic/unistd.h): system calls that the C library has no name for.
_MOUNT_SETATTR, _LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 442, 444, 445, 446
_PR_SET_NO_NEW_PRIVS, _PR_CAPBSET_DROP = 38, 24
# CAP_CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID: root goes on to read and own what it likes.
_CAPABILITIES_LEFT = 0b11111
_LAST_CAPABILITY = 63
# All of linux/landlock.h that writes, by the version of the interface that brought it.
_WRITES = {1: 0x1FF2, 2: 1 << 13, 3: 1 << 14}
_OF_FILES = (1 << 1) | (1 << 14)
_TCP, _SCOPES = 0b11, 0b11
_SHARED_MEMORY = "size=1g,mode=1777"
# What programs write to as a matter of course.
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty")


def confine(folders, network, apparent=()):
    """Confine this process, which has one thread. What is in force: names out of ``writes``, ``network``, ``signals``,
    ``processes``.

    ``folders``: absolute paths that it may write to, with all below them. ``network``: whether it may use it.
    ``apparent``: folders that it may not write to and that look as if it might, where Landlock sees to it: Keras keeps
    downloads elsewhere if its own folder looks read-only. The working folder has to be entered again afterwards. Raises
    nothing.
    """
    if sys.platform != "linux" or platform.machine() == "alpha":
        return set()
    libc = ctypes.CDLL(None, use_errno=True)
    in_force = set()
    folders = [folder for folder in folders if os.path.isdir(folder)]
    version = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    apparent = [folder for folder in apparent if os.path.isdir(folder)] if version > 0 else []
    spaces = _CLONE_NEWNS | (0 if network else _CLONE_NEWNET)
    # A kernel may have no namespaces of what is System V's, which outlives its processes.
    if _unshare(libc, spaces | _CLONE_NEWIPC) or _unshare(libc, spaces):
        with contextlib.suppress(OSError):
            _make_read_only(libc, _outermost(folders + apparent))
            in_force.add("writes")
        if not network:
            in_force.add("network")
            with contextlib.suppress(OSError):
                _start_loopback()
    _drop_capabilities(libc)
    in_force |= _landlock(libc, version, folders, network or "network" in in_force)
    # The last: what comes before it makes such calls.
    return in_force | ({"processes"} if seccomp.refuse_calls(libc, network) else set())


def _outermost(folders):
    """The folders that are in no other of them: a mount hides what was mounted below it before."""
    real = sorted({os.path.realpath(folder) for folder in folders})
    return [
        folder
        for folder in real
        if not any(folder != other and folder.startswith(other.rstrip("/") + "/") for other in real)
    ]


def _checked(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _unshare(libc, spaces):
    """Enter namespaces of one's own: as root at once, else in a user namespace in which this user is itself."""
    if libc.unshare(spaces) == 0:
        return True
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(spaces | _CLONE_NEWUSER) != 0:
        return False
    with contextlib.suppress(OSError):
        for name, content in (("setgroups", "deny"), ("uid_map", "%d %d 1" % (user, user))):
            with open("/proc/self/" + name, "w") as file:
                file.write(content)
        with open("/proc/self/gid_map", "w") as file:
            file.write("%d %d 1" % (group, group))
    return True


def _make_read_only(libc, folders):
    """Make every file system read-only in this process's view, but for the folders and a /dev/shm of its own."""

    def mount(source, target, kind, flags, data):
        encoded = [value.encode() if value is not None else None for value in (source, target, kind)]
        _checked(libc.mount(*encoded, ctypes.c_ulong(flags), data.encode() if data else None))

    def set_read_only(path, value, flags):
        attributes = struct.pack("QQQQ", *((_MOUNT_ATTR_RDONLY, 0) if value else (0, _MOUNT_ATTR_RDONLY)), 0, 0)
        path = path.encode()
        _checked(libc.syscall(_MOUNT_SETATTR, -100, path, flags, attributes, ctypes.c_size_t(len(attributes))))

    mount("none", "/", None, _MS_REC | _MS_PRIVATE, None)
    for folder in folders:
        mount(folder, folder, None, _MS_BIND, None)
    set_read_only("/", True, _AT_RECURSIVE)
    for folder in folders:
        set_read_only(folder, False, 0)
    if os.path.isdir("/dev/shm"):
        mount("tmpfs", "/dev/shm", "tmpfs", _MS_NOSUID | _MS_NODEV, _SHARED_MEMORY)
    if os.path.isdir("/dev/pts"):
        # The terminals of the user: what is typed there could be read, and be written to as if it were a program's.
        mount("tmpfs", "/dev/pts", "tmpfs", _MS_RDONLY | _MS_NOSUID | _MS_NODEV, "size=4k")


def _start_loopback():
    """Let the processes of this network reach each other as 127.0.0.1."""
    import fcntl
    import socket

    request = struct.pack("16sh14x", b"lo", 0x1 | 0x40)  # IFF_UP | IFF_RUNNING, for SIOCSIFFLAGS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        fcntl.ioctl(connection, 0x8914, request)


def _drop_capabilities(libc):
    for number in range(_LAST_CAPABILITY + 1):
        if not _CAPABILITIES_LEFT >> number & 1:
            libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    header = struct.pack("Ii", 0x20080522, 0)
    now = ctypes.create_string_buffer(24)
    if libc.capget(header, now) == 0:
        sets = enumerate(struct.unpack("6I", now.raw))
        left = [value & _CAPABILITIES_LEFT if place < 3 else 0 for place, value in sets]
        libc.capset(header, struct.pack("6I", *left))


def _landlock(libc, version, folders, network):
    if version < 1 or libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return set()
    writes = sum(rights for since, rights in _WRITES.items() if since <= version)
    tcp = _TCP if version >= 4 and not network else 0
    scopes = _SCOPES if version >= 6 else 0
    rules = struct.pack("QQQ", writes, tcp, scopes)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = libc.syscall(_LANDLOCK_CREATE, rules, ctypes.c_size_t(len(rules)), 0)
    if ruleset < 0:
        return set()
    try:
        for path in [*folders, *_DEVICES, "/dev/shm", "/proc/self"]:
            _allow(libc, ruleset, path, writes)
        if libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0) != 0:
            return set()
    finally:
        os.close(ruleset)
    return {"writes"} | ({"network"} if tcp else set()) | ({"signals"} if scopes else set())


def _allow(libc, ruleset, path, rights):
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, place)
        libc.syscall(_LANDLOCK_ADD, ruleset, 1, rule, 0)
    finally:
        os.close(place)
