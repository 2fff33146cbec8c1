"""What of this machine must not leave it: paths, user and host names, addresses of private indexes, tokens.

Texts that this tool writes are cleaned of it; files that it copies are searched for it, also inside archives and in
base64, and are not handed over with it.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import getpass
import gzip
import io
import os
import re
import socket
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tfjs_compat.index.address import index_url
from tfjs_compat.system.text import redact

_ANYBODY = frozenset(
    (
        *("root", "user", "users", "admin", "ubuntu", "debian", "runner", "docker", "build", "builder", "nobody"),
        *("default", "python", "jovyan", "vagrant", "test", "localhost", "localdomain", "home", "host", "guest"),
        *("keras", "model"),
    )
)
"""Names of users and hosts that say nothing about whose they are, and stand in every second file."""

_PUBLIC = frozenset(["pypi.org", "files.pythonhosted.org", "registry.npmjs.org", "test.pypi.org"])
_SHORTEST_NAME = 4
_SHORTEST_TOKEN = 8
_TOKENS = re.compile(r"TOKEN|SECRET|PASSW|API_?KEY|CREDENTIAL|AUTH", re.IGNORECASE)
_DEEPEST = 4
_MOST_UNPACKED = 1 << 30
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{4}\\?\n){10,}(?:[A-Za-z0-9+/]{2,3}={0,2})?")
_ABSOLUTE = re.compile(r"(?<![\w<./:…\\])(?:[A-Za-z]:)?(?:[\\/][\w.@+~-]+){2,}[\\/]?")


class Private(NamedTuple):
    """A text of this machine: a regular expression over bytes, and what it is, in words."""

    pattern: re.Pattern[bytes]
    what: str


class Leak(NamedTuple):
    """A file, by its name in the folder (and in the archive), that holds what is private: ``what``, in words."""

    file: str
    what: str


def of_this_machine(folders: Iterable[Path] = (), environ: Mapping[str, str] | None = None) -> tuple[Private, ...]:
    """All that is private here: the user's home, ``folders`` and where this runs; names; addresses; tokens."""
    environ = os.environ if environ is None else environ
    found: dict[bytes, Private] = {}

    def add(pattern: str, what: str) -> None:
        found.setdefault(pattern.encode(), Private(re.compile(pattern.encode()), what))

    paths = [Path.home(), Path(environ.get("HOME") or Path.home()), Path.cwd(), Path(sys.prefix), *folders]
    for path in dict.fromkeys(each for given in paths for each in (given.absolute(), given.resolve())):
        if len(path.parts) > 2 or path == Path.home():
            # Without its first separator a path of several parts is still one; a single part is any word.
            optional = "" if len(path.parts) == 2 else "?"
            add(rf"(?<![\w.])[\\/]{optional}{_separated(path)}(?![\w-])", "a path of this machine")
    for name, what in _names(environ):
        if len(name) >= _SHORTEST_NAME and name.lower() not in _ANYBODY:
            add(rf"(?i:(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9]))", what)
    for host in _hosts(environ):
        add(re.escape(host), "the address of a package index")
    for name, value in environ.items():
        if _TOKENS.search(name) and len(value) >= _SHORTEST_TOKEN and not Path(value).is_absolute():
            add(_token(value), f"the value of {name}")
    return tuple(found.values())


def _token(value: str) -> str:
    """A pattern of a token, also as a signature has it: with ``<n>`` in the place of numbers."""
    letters = re.sub(r"\d+", "", value)
    numbered = re.sub(r"\d+", lambda number: f"(?:{number[0]}|<n>)", re.escape(value))
    return numbered if len(letters) >= _SHORTEST_TOKEN else re.escape(value)


def _separated(path: Path) -> str:
    """A pattern of a path, whichever way its parts are separated."""
    return r"[\\/]+".join(re.escape(part.strip("\\/")) for part in path.parts if part.strip("\\/"))


def _names(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    with contextlib.suppress(OSError, KeyError, ImportError):
        yield getpass.getuser(), "the user's name"
    for variable in ("USER", "LOGNAME", "USERNAME"):
        yield environ.get(variable, ""), "the user's name"
    yield Path.home().name, "the user's name"
    with contextlib.suppress(OSError):
        yield socket.gethostname(), "the host's name"
        yield socket.gethostname().partition(".")[0], "the host's name"


def _hosts(environ: Mapping[str, str]) -> Iterator[str]:
    urls = [index_url(), *(value for name, value in environ.items() if re.search(r"(?i)index|registry|proxy", name))]
    for url in urls:
        with contextlib.suppress(ValueError):
            host = urlsplit(url.partition("=")[2] if re.match(r"[\w-]+=", url) else url).hostname
            if host and "." in host and host not in _PUBLIC:
                yield host


def cleaned(text: str, private: Iterable[Private]) -> str:
    """A text without what is private: absolute paths keep their last part, credentials and names become ``***``.

    Of a path into an environment all that follows ``site-packages`` stays.

    >>> cleaned("File /home/ann/env/lib/site-packages/keras/x.py, at /home/ann/m.py", ())
    'File …/site-packages/keras/x.py, at …/m.py'
    """
    data = _ABSOLUTE.sub(_shortened, redact(text)).encode()
    for entry in private:
        data = entry.pattern.sub(b"***", data)
    return data.decode("utf-8", "replace")


def _shortened(found: re.Match[str]) -> str:
    parts = re.split(r"[\\/]", found[0].rstrip("\\/"))
    start = parts.index("site-packages") if "site-packages" in parts else len(parts) - 1
    return "/".join(["…", *parts[start:]])


def leaks(folder: Path, private: Iterable[Private]) -> Iterator[Leak]:
    """What in the files of a folder, and in their names, is private; in archives and base64 too. Raises OSError."""
    private = tuple(private)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        yield from (Leak(name, what) for what in _in(name.encode(), private))
        if path.is_file():
            yield from _in_content(name, path.read_bytes(), private, 0)


def _in_content(name: str, data: bytes, private: tuple[Private, ...], depth: int) -> Iterator[Leak]:
    # Without zeros: texts of an array are UTF-32, those of a Windows program UTF-16.
    spellings = [data, data.replace(b"\0", b"")] if b"\0" in data else [data]
    yield from (Leak(name, what) for what in dict.fromkeys(what for each in spellings for what in _in(each, private)))
    if depth >= _DEEPEST:
        return
    if data[:2] == b"PK" and zipfile.is_zipfile(io.BytesIO(data)):
        unreadable = contextlib.suppress(zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error)
        with unreadable, zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                inner = f"{name}!{entry.filename}"
                yield from (Leak(inner, what) for what in _in(entry.filename.encode() + entry.comment, private))
                if entry.file_size <= _MOST_UNPACKED:
                    yield from _in_content(inner, archive.read(entry), private, depth + 1)
    elif data[:2] == b"\x1f\x8b":
        with contextlib.suppress(OSError, EOFError, zlib.error):
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
                unpacked = packed.read(_MOST_UNPACKED)
            yield from _in_content(f"{name}!", unpacked, private, depth + 1)
    for encoded in _BASE64.findall(data):
        # Keras keeps the code of a Lambda layer so, and with it the path of its file.
        with contextlib.suppress(binascii.Error, ValueError):
            text = re.sub(rb"\\n|\s", b"", encoded)
            decoded = base64.b64decode(text[: len(text) // 4 * 4])
            yield from (Leak(name, f"{what}, in base64") for what in _in(decoded, private))


def _in(data: bytes, private: tuple[Private, ...]) -> Iterator[str]:
    for entry in private:
        if entry.pattern.search(data):
            yield entry.what
