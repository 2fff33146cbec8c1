"""What a model's code opens while it is built, so that its answer is not taken for that of other files.

Python says what it opens, lists, starts and connects to (audit events, PEP 578). What is opened below Python (HDF5,
TensorFlow's file system) is seen where those libraries are called, and in the builder's own folder by inotify(7).
What only asks whether a file is there, or opens one from C elsewhere, is not seen.

Python >= 3.8; imports nothing of tfjs_compat.
"""

import contextlib
import ctypes
import functools
import importlib.util
import os
import struct
import sys

from tfjs_case import tensorflow_files

_MOST_FILES = 5000
_MOST_FOLDERS = 500
_IN_OPEN, _IN_ONLYDIR, _IN_ISDIR = 0x20, 0x01000000, 0x40000000
_IN_NONBLOCK, _IN_CLOEXEC = 0x800, 0x80000
# Not the model's own, and different each time.
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/run/")
# Where packages of the system are.
LIBRARIES = ("/usr/lib", "/usr/share", "/lib", "/lib64", "/etc")
_PROCESSES = ("subprocess.Popen", "os.system", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.spawn")
_STARTS = "it starts other processes"
_UNSEEN = "its folder cannot be watched (inotify)"
_REMOVES = "shutil.py"
_NETWORK = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname")


class Opened:
    """Collects what is opened from when it is made until ``close``.

    ``but`` are folders that do not count, beside those of this Python. ``folder``: below it, what other code than
    Python's opens is seen too. ``network``: there is one, so that what it says decides as well.
    ``modules``: folders of which every Python file counts anyhow.
    """

    def __init__(self, but, folder=None, network=True, modules=()):
        but = [*but, sys.prefix, *(os.path.join(sys.base_prefix, name) for name in ("lib", "lib64", "Lib"))]
        self._but = tuple(place.rstrip("/") + "/" for place in but if place) + _SYSTEM
        self._network = _NETWORK if network else ()
        self._modules = tuple(os.path.join(os.path.realpath(place), "") for place in modules)
        self._paths = {}
        self._unknown = None
        self._closed = False
        self._watches = {}
        self._inotify = -1
        if folder is not None:
            self._watch(folder)
        sys.addaudithook(self._audit)

    def _watch(self, folder):
        with contextlib.suppress(AttributeError, OSError, TypeError):
            libc = ctypes.CDLL(None, use_errno=True)
            self._inotify = libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
            if self._inotify < 0:
                # The user has no more of them: another case or program took all.
                self._unknown = _UNSEEN
            for place in _folders(folder, self._but) if self._inotify >= 0 else ():
                number = libc.inotify_add_watch(self._inotify, os.fsencode(place), _IN_OPEN | _IN_ONLYDIR)
                if number < 0 and os.path.isdir(place):
                    self._unknown = _UNSEEN
                self._watches[number] = place

    def wrap_libraries(self):
        """See what is opened by calls of HDF5 and TensorFlow, as far as they are loaded."""
        self._wrap("h5py.h5f", "open", 0)
        self._wrap("tensorflow.python.training.py_checkpoint_reader", "NewCheckpointReader", 0)
        files = sys.modules.get("tensorflow.python.lib.io.file_io")
        if files is not None and hasattr(getattr(files, "FileIO", None), "_preread_check"):
            before = files.FileIO._preread_check

            @functools.wraps(before)
            def checked(file, *arguments):
                self._note(file.name)
                return before(file, *arguments)

            files.FileIO._preread_check = checked
        tensorflow_files.watch(self._note, self._say_unknown)

    def _wrap(self, module, name, place):
        found = sys.modules.get(module)
        before = getattr(found, name, None)
        if before is None:
            return

        @functools.wraps(before)
        def called(*arguments, **named):
            if len(arguments) > place:
                self._note(arguments[place])
            return before(*arguments, **named)

        with contextlib.suppress(AttributeError, TypeError):
            setattr(found, name, called)

    def _say_unknown(self, why):
        if not self._closed:
            self._unknown = self._unknown or why

    def forget_processes(self):
        """Call it when the packages are imported: what they start meanwhile asks the machine, and no model ran yet."""
        if self._unknown == _STARTS:
            self._unknown = None

    def close(self):
        """Stop: what was opened, and why that may not be all (None: it is), for the record."""
        self._read_inotify()
        self._closed = True
        paths = sorted({name for path in self._paths for name in _sources(path)})
        return {"paths": [path for path in paths if not path.startswith(self._but)], "unknown": self._unknown}

    def _audit(self, event, arguments):
        if self._closed:
            return
        if event == "open":
            path, mode, flags = arguments
            if mode is None and self._may_be_below(path, flags) and _caller() != _REMOVES:
                self._say_unknown("it opens files by the descriptor of a folder")
            if not (isinstance(flags, int) and flags & os.O_WRONLY):
                self._note(path)
        elif event in ("os.listdir", "os.scandir"):
            place = arguments[0] if arguments and arguments[0] is not None else "."
            # An import lists the folders where a module may be: one that comes there later would be taken.
            if not (sys._getframe(1).f_code.co_filename.startswith("<frozen importlib") and self._is_known(place)):
                self._note(place)
        elif event == "ctypes.dlopen":
            if os.sep in str(arguments[0]):  # else a name that the system looks up
                self._note(arguments[0])
        elif event == "sqlite3.connect":
            self._note_database(arguments[0])
        elif event in _PROCESSES:
            self._unknown = self._unknown or _STARTS
        elif event in self._network:
            self._unknown = self._unknown or "it uses the network"

    def _may_be_below(self, path, flags):
        """Whether ``os.open`` is given a name in another folder than this process's (``dir_fd``), which is not told."""
        with contextlib.suppress(TypeError, ValueError):
            return not (flags & os.O_CREAT or os.path.isabs(path) or os.path.lexists(path))
        return False

    def _is_known(self, place):
        try:
            return os.path.join(os.path.realpath(place), "").startswith(self._modules)
        except (OSError, TypeError, ValueError):
            return False

    def _note(self, path):
        if self._closed:
            return
        if len(self._paths) >= _MOST_FILES:
            self._unknown = self._unknown or "it opens more than %d files" % _MOST_FILES
            return
        with contextlib.suppress(OSError, TypeError, ValueError):
            path = os.path.join(os.getcwd(), os.fsdecode(path))
            # What is above a link is not what is above its name.
            links = os.pardir in path.split(os.sep) or path.startswith("/proc/")
            path = os.path.realpath(path) if links else os.path.normpath(path)
            if not (path + "/").startswith(self._but):
                self._paths[path] = None

    def _note_database(self, name):
        with contextlib.suppress(TypeError):
            name = os.fsdecode(name)
            if name not in ("", ":memory:"):
                self._note(name[5:].partition("?")[0] if name.startswith("file:") else name)

    def _read_inotify(self):
        with contextlib.suppress(OSError):
            while self._inotify >= 0:
                data, at = os.read(self._inotify, 1 << 16), 0
                while at < len(data):
                    number, mask, _, length = struct.unpack_from("iIII", data, at)
                    name = data[at + 16 : at + 16 + length].rstrip(b"\0")
                    at += 16 + length
                    if mask & _IN_OPEN and not mask & _IN_ISDIR and name and number in self._watches:
                        self._note(os.path.join(self._watches[number], os.fsdecode(name)))


def _caller():
    """The file of the code that called what is audited."""
    return os.path.basename(sys._getframe(2).f_code.co_filename)


def _folders(folder, but):
    for number, (place, names, _) in enumerate(os.walk(folder)):
        if number >= _MOST_FOLDERS:
            return
        names[:] = [
            name
            for name in names
            if not name.startswith((".", "__pycache__", "node_modules"))
            and not os.path.join(place, name, "").startswith(but)
            and not os.path.exists(os.path.join(place, name, "pyvenv.cfg"))
        ]
        yield place


def _sources(path):
    """What decides where a path was opened: of bytecode its source, of a checkpoint all of its files."""
    folder, name = os.path.split(path)
    if name.endswith(".pyc"):
        try:
            return [importlib.util.source_from_cache(path)]
        except ValueError:
            return [path]
    if name == "saved_model.pb":
        variables = os.path.join(folder, "variables")
        return [path, *_beside(variables, "")]
    if not os.path.lexists(path):
        # A prefix, as TensorFlow names a checkpoint.
        return [path, *_beside(folder, name + ".")]
    return [path]


def _beside(folder, start):
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder) if name.startswith(start)][:100]
    except OSError:
        return []
