"""How uv is called where it may run code of packages: their builds see no credentials and nothing of the user's home.

What uv has to know of indexes and their passwords it reads once, from a pipe: it is in no variable, no argument and no
file that a build could look into.
"""

from __future__ import annotations

import contextlib
import netrc
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from tfjs_compat.index.address import index_url, without_name
from tfjs_compat.index.settings import PREFIXES, uv_variables

_TOLD_BY_PIPE = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_KEYRING_PROVIDER")


def public_variables() -> dict[str, str]:
    """The honoured settings without addresses and credentials, and where uv's cache is."""
    found = {
        name: value
        for name, value in uv_variables().items()
        if name not in _TOLD_BY_PIPE and not name.startswith(PREFIXES[0])
    }
    if strategy := uv_variables().get("UV_INDEX_STRATEGY"):
        found["UV_INDEX_STRATEGY"] = strategy
    found.setdefault("UV_CACHE_DIR", str(_cache_folder()))
    return found


@contextlib.contextmanager
def configuration_pipe() -> Iterator[int]:
    """The reading end of a pipe that holds a configuration of uv: the indexes with their credentials."""
    reading, writing = os.pipe()
    try:
        # It is far smaller than a pipe's buffer.
        with os.fdopen(writing, "w", encoding="utf-8") as file:
            file.write(index_configuration())
        yield reading
    finally:
        os.close(reading)


def index_configuration() -> str:
    """The indexes as uv.toml has them; the passwords of netrc and of uv's variables are in their addresses."""
    variables = uv_variables()
    further = f"{variables.get('UV_INDEX', '')} {variables.get('UV_EXTRA_INDEX_URL', '')}".split()
    default = variables.get("UV_DEFAULT_INDEX") or index_url()
    lines = []
    if links := variables.get("UV_FIND_LINKS"):
        lines.append(f"find-links = [{', '.join(_text(link) for link in links.split(','))}]")
    for index in (*further, default):
        name = index.partition("=")[0] if without_name(index) != index else None
        lines += ["[[index]]", f"url = {_text(_with_credentials(without_name(index), name))}"]
        lines += [f"name = {_text(name)}"] if name else []
        lines += ["default = true"] if index is default else []
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    # A string of JSON is one of TOML.
    return msgspec.json.encode(value).decode()


def _with_credentials(url: str, name: str | None) -> str:
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.hostname is None:
        return url
    variable = f"UV_INDEX_{name.upper().replace('-', '_')}" if name else ""
    user, password = os.environ.get(f"{variable}_USERNAME"), os.environ.get(f"{variable}_PASSWORD")
    if not name or not (user or password):
        user, password = _of_netrc(parts.hostname)
    if not user and not password:
        return url
    pair = quote(user or "", safe="") + (f":{quote(password, safe='')}" if password else "")
    return urlunsplit(parts._replace(netloc=f"{pair}@{parts.netloc}"))


def _of_netrc(host: str) -> tuple[str | None, str | None]:
    try:
        found = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return None, None
    return (found[0], found[2]) if found is not None else (None, None)


def _cache_folder() -> Path:
    """Where uv keeps its cache without a setting."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", Path.home()), "uv", "cache")
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "uv")
