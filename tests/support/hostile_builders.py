"""Builders that try to harm more than their own case, as data: what each does, and how its case has to end.

``{outside}`` is a folder of the user with a file ``precious`` in it. Every builder is run where cases are confined and,
unless it says that this needs confinement, where they are not. After each an honest builder has to work, what is
outside has to be as it was, and nothing may run any more.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

End = Literal["works", "fails", "any"]
"""``any``: it may be built or not, but as a case of its own: it is no fault of the machinery."""


class Hostile(NamedTuple):
    """``confined_only``: only confinement contains it; without it, the model may do what the user may."""

    code: str
    end: End = "any"
    confined_only: bool = False


HOSTILE = {
    # its own folder
    "deletes its folder": Hostile("shutil.rmtree(os.getcwd(), ignore_errors=True)"),
    "moves its folder away": Hostile("os.rename(os.getcwd(), os.getcwd() + '-moved')"),
    "puts a link in place of its folder": Hostile(
        "here = os.getcwd(); os.rename(here, here + '-moved'); os.symlink('{outside}', here)"
    ),
    "puts a file in place of its folder": Hostile(
        "here = os.getcwd(); shutil.rmtree(here); os.chdir('/'); open(here, 'w').close()"
    ),
    "takes the rights of its folder": Hostile(
        "os.chmod('artifact', 0) if os.path.exists('artifact') else os.chmod('.', 0)"
    ),
    "nests folders deeper than a path": Hostile(
        """
for _ in range(1500):
    os.mkdir("a-folder-with-a-name")
    os.chdir("a-folder-with-a-name")
"""
    ),
    "makes files for ever": Hostile("[open(str(number), 'w').close() for number in range(20000)]"),
    "writes files for ever": Hostile(
        """
for number in range(10**9):
    with open(str(number), "wb") as file: file.write(b"x" * 4_000_000)
""",
        "fails",
    ),
    "writes a file for ever": Hostile(
        """
with open("file", "wb") as file:
    while True: file.write(b"x" * 1_000_000)
""",
        "fails",
    ),
    "writes a deleted file for ever": Hostile(
        """
with open("file", "wb") as file:
    os.unlink("file")
    while True:
        file.write(b"x" * 1_000_000)
        time.sleep(0.01)
""",
        "fails",
    ),
    "leaves names that no terminal shows": Hostile("open('a\\x1b[2J\\n\\udc80', 'w').close(); os.mkdir('-rf')"),
    # links and pipes where the tool writes or reads afterwards
    **{
        f"puts a link at {name}": Hostile(f"replace({name!r}, lambda path: os.symlink('{{outside}}/precious', path))")
        for name in ("log.txt", "record.jsonl", "job.json", "tfjs-log.txt", "tfjs.jsonl", "tfjs-job.json", "key")
    },
    **{
        f"puts a pipe at {name}": Hostile(f"replace({name!r}, os.mkfifo)")
        for name in ("log.txt", "record.jsonl", "tfjs-log.txt", "tfjs.jsonl", "outputs", "artifact", "home", "key")
    },
    **{
        f"puts a link to a folder at {name}": Hostile(
            f"replace({name!r}, lambda path: os.symlink('{{outside}}', path))"
        )
        for name in ("artifact", "inputs", "expected", "outputs", "converted", "home", "saved_model", "given")
    },
    "puts a hard link at tfjs-log.txt": Hostile(
        "replace('tfjs-log.txt', lambda path: os.link('{outside}/precious', path))"
    ),
    "puts a device at log.txt": Hostile("replace('log.txt', lambda path: os.symlink('/dev/zero', path))"),
    "puts a loop at artifact": Hostile("replace('artifact', lambda path: os.symlink(path, path))"),
    # what is read of it
    "writes a record of 40 MB": Hostile(
        "open('record.jsonl', 'ab').write(b'{\"event\": \"stage\"}\\n' * 2_000_000)", "fails"
    ),
    "writes a record that is one line": Hostile("open('record.jsonl', 'ab').write(b'x' * 3_000_000)", "any"),
    "nests its record": Hostile("open('record.jsonl', 'ab').write(b'[' * 1_000_000 + b'\\n')"),
    "says in its record that it is done": Hostile(
        "open('record.jsonl', 'ab').write(b'{\"event\": \"done\"}\\n'); os._exit(3)", "fails"
    ),
    "says in its record what cannot be": Hostile(
        """
open("record.jsonl", "ab").write(b'{"event": "stage", "stage": "predict", "seconds": -1e999}\\n')
os._exit(3)
""",
        "fails",
    ),
    "empties its record": Hostile("os.truncate('record.jsonl', 0)"),
    "makes a file with a hole of a terabyte": Hostile("open('log.txt', 'wb').truncate(1 << 40)"),
    "makes an artifact with a hole": Hostile(
        "os.mkdir('artifact'); open('artifact/model.json', 'wb').truncate(400 << 20)"
    ),
    "raises with a message of 50 MB": Hostile("raise ValueError('x' * 50_000_000)", "fails"),
    "raises what cannot be shown": Hostile(
        """
class Odd(Exception):
    def __str__(self): raise Odd()
    __repr__ = __str__
raise Odd()
""",
        "fails",
    ),
    "raises a chain of ten thousand": Hostile(
        """
error = None
for _ in range(10_000):
    new = ValueError("x"); new.__cause__ = error; error = new
raise error
""",
        "fails",
    ),
    "prints without end of line": Hostile("sys.stdout.write('x' * 20_000_000); sys.stdout.flush()", "works"),
    "closes its output": Hostile("os.close(1); os.close(2)"),
    # the processes around it
    "kills its parent": Hostile("os.kill(os.getppid(), signal.SIGKILL)", "fails", confined_only=True),
    "stops its parent": Hostile("os.kill(os.getppid(), signal.SIGSTOP)", "fails", confined_only=True),
    "kills all above it": Hostile(
        """
pid = os.getppid()
while pid > 1:
    above = int(open("/proc/%d/stat" % pid).read().rpartition(")")[2].split()[1])
    os.kill(pid, signal.SIGKILL)
    pid = above
""",
        "fails",
        confined_only=True,
    ),
    "kills whatever it may": Hostile("os.kill(-1, signal.SIGKILL)", "any", confined_only=True),
    "leaves a daemon that kills the guard": Hostile(
        """
above = os.getppid()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1.5)
        try: os.kill(above, signal.SIGKILL)
        except OSError: pass
        os.execve(sys.executable, [sys.executable, "-c", "import time; time.sleep(8642)"], {})
    os._exit(0)
time.sleep(3)
""",
        "any",
        confined_only=True,
    ),
    "leaves daemons": Hostile(
        """
for _ in range(20):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve(sys.executable, [sys.executable, "-c", "import time; time.sleep(8642)"], {})
        os._exit(0)
""",
        "works",
    ),
    "forks more than it may": Hostile("[os.fork() for _ in range(8)]; import time; time.sleep(8642)", "fails"),
    "ignores every signal": Hostile(
        """
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
raise SystemExit(3)
""",
        "fails",
    ),
    "traces its parent": Hostile(
        "import ctypes; assert ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0", "fails", confined_only=True
    ),
    "writes into what it inherits": Hostile(
        """
for number in range(3, 256):
    try: os.write(number, b'{"event": "failure", "stage": "import"}\\n')
    except OSError: pass
"""
    ),
    "exits at once": Hostile("os._exit(0)", "fails"),
    "exits with the worker's own code": Hostile("os._exit(70)", "fails"),
    "leaves a thread that never ends": Hostile(
        "import threading, time; threading.Thread(target=time.sleep, args=(8642,)).start()", "works"
    ),
    "registers what hangs at the end": Hostile("import atexit, time; atexit.register(time.sleep, 8642)", "works"),
    "limits the time of its parent": Hostile(
        "import resource; resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))", "fails", confined_only=True
    ),
    "limits the memory of all above it": Hostile(
        """
import resource
pid = os.getppid()
while pid > 1:
    above = int(open("/proc/%d/stat" % pid).read().rpartition(")")[2].split()[1])
    try: resource.prlimit(pid, resource.RLIMIT_AS, (1 << 20, 1 << 20))
    except PermissionError: pass
    else: raise SystemExit(4)
    pid = above
""",
        "works",
        confined_only=True,
    ),
    "slows its parent": Hostile("os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)", "fails", confined_only=True),
    "gives its parent a scheduler": Hostile(
        "os.sched_setscheduler(os.getppid(), os.SCHED_IDLE, os.sched_param(0))", "fails", confined_only=True
    ),
    "makes a namespace": Hostile(
        "import ctypes; assert ctypes.CDLL(None).unshare(0x10020000) == 0", "fails", confined_only=True
    ),
    "clones into a namespace": Hostile(
        """
import ctypes, platform
number = {"x86_64": 56, "aarch64": 220}[platform.machine()]
assert ctypes.CDLL(None).syscall(number, 0x10000000 | 17, None, None, None, None) >= 0
""",
        "fails",
        confined_only=True,
    ),
    "starts threads and processes": Hostile(
        """
import subprocess, threading
thread = threading.Thread(target=print); thread.start(); thread.join()
assert subprocess.run([sys.executable, "-c", ""]).returncode == 0
os.waitpid(os.fork() or os._exit(0), 0)
""",
        "works",
    ),
    "makes shared memory and queues of System V": Hostile(
        """
import ctypes
libc = ctypes.CDLL(None)
assert libc.shmget(0x7C0FFEE, 4096, 0o1600) < 0
assert libc.msgget(0x7C0FFEE, 0o1600) < 0
""",
        "works",
        confined_only=True,
    ),
    "takes a lease of a file of the user": Hostile(
        """
import fcntl
with open("{outside}/precious") as file, open("mine", "w") as mine:
    for number, command, value in ((file, 1024, fcntl.F_RDLCK), (os.open("{outside}", os.O_RDONLY), 1026, 1)):
        try: fcntl.fcntl(number, command, value)
        except PermissionError: pass
        else: raise SystemExit(4)
    fcntl.lockf(mine, fcntl.LOCK_EX)
    fcntl.fcntl(mine, fcntl.F_SETFL, fcntl.fcntl(mine, fcntl.F_GETFL) | os.O_APPEND)
""",
        "works",
        confined_only=True,
    ),
    "looks for terminals": Hostile(
        "assert os.listdir('/dev/pts') == [], os.listdir('/dev/pts')", "works", confined_only=True
    ),
    "leaves a key": Hostile(
        """
import ctypes, platform
number = {"x86_64": 248, "aarch64": 217}[platform.machine()]
assert ctypes.CDLL(None).syscall(number, b"user", b"tfjs-compat-test", b"x", ctypes.c_size_t(1), -4) < 0
""",
        "works",
        confined_only=True,
    ),
    "limits itself": Hostile(
        """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
os.nice(1)
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
""",
        "works",
    ),
    "talks to a service": Hostile(
        "import socket; socket.socket(socket.AF_UNIX).connect('{outside}/service')", "fails", confined_only=True
    ),
    "talks to itself": Hostile(
        "import socket; a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'", "works"
    ),
    # other files
    "writes outside": Hostile("open('{outside}/new', 'w').close()", "fails", confined_only=True),
    "empties a file outside": Hostile("open('{outside}/precious', 'w').close()", "fails", confined_only=True),
    "deletes a file outside": Hostile("os.unlink('{outside}/precious')", "fails", confined_only=True),
    "takes the rights of a file outside": Hostile("os.chmod('{outside}/precious', 0)", "fails", confined_only=True),
    "sets the time of a file outside": Hostile("os.utime('{outside}/precious', (0, 0))", "fails", confined_only=True),
    "renames a file outside": Hostile(
        "os.rename('{outside}/precious', '{outside}/other')", "fails", confined_only=True
    ),
    "writes outside by a program": Hostile(
        "assert os.system('echo > {outside}/precious') == 0", "fails", confined_only=True
    ),
    "writes outside by a link of its own": Hostile(
        "os.symlink('{outside}/precious', 'mine'); open('mine', 'w').close()", "fails", confined_only=True
    ),
    "mounts over what is outside": Hostile(
        "assert os.system('mount -t tmpfs none {outside}') == 0", "fails", confined_only=True
    ),
    "undoes what confines it": Hostile(
        """
import ctypes
libc = ctypes.CDLL(None)
libc.mount(None, b"/", None, 0x20 | 0x1000, None)
libc.unshare(0x10020000)
libc.mount(None, b"/", None, 0x20 | 0x1000, None)
open("{outside}/precious", "w").close()
""",
        "fails",
        confined_only=True,
    ),
    "leaves the namespace": Hostile(
        "import ctypes; assert ctypes.CDLL(None).setns(os.open('/proc/1/ns/mnt', os.O_RDONLY), 0) == 0",
        "fails",
        confined_only=True,
    ),
    # memory and what is shared
    "takes more memory than it may": Hostile("kept = b'x' * 800_000_000; import time; time.sleep(8642)", "fails"),
    "fills shared memory": Hostile(
        """
with open("/dev/shm/filled", "wb") as file:
    for _ in range(4000): file.write(b"x" * (1 << 20))
""",
        "fails",
        confined_only=True,
    ),
}
"""Kinds of harm by name."""

PREAMBLE = """
import os, shutil, signal, sys, time
import tensorflow as tf

def replace(name, make):
    path = os.path.join(os.getcwd(), name)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
    make(path)

def good():
    return tf.keras.Model()

"""


def source(outside: str) -> str:
    """A Python file with a builder for each kind, ``harm_0`` and so on, and an honest one, ``good``."""
    builders = []
    for number, hostile in enumerate(HOSTILE.values()):
        lines = hostile.code.replace("{outside}", outside).strip("\n").splitlines()
        body = "\n".join(f"    {line}" for line in lines)
        builders.append(f"def harm_{number}():\n{body}\n    return tf.keras.Model()\n")
    return PREAMBLE + "\n".join(builders)
