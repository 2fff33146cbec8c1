"""Which of the caller's settings reach uv: where packages come from, who is trusted, where uv keeps things.

``HONOURED`` is the whole list. A setting comes from uv's variable of that name, else from uv's configuration of the
user or the system (or the file that UV_CONFIG_FILE names). Everything else is off: uv is called with UV_NO_CONFIG, so
that no ``[tool.uv]`` or uv.toml of a parent folder, and no exclude-newer, override or constraint of the user's changes
an answer. https://docs.astral.sh/uv/reference/settings/ describes the keys.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import tomli


class Honoured(msgspec.Struct, frozen=True):
    """One setting: uv's variable, the keys of uv's configuration that mean the same, and what their values are.

    Of a ``text`` or ``switch`` the first file that has one counts; ``texts`` of all files are joined.
    """

    variable: str
    keys: tuple[str, ...] = ()
    kind: Literal["text", "texts", "switch"] = "text"


HONOURED = (
    Honoured("UV_FIND_LINKS", ("find-links",), "texts"),
    Honoured("UV_INDEX_STRATEGY", ("index-strategy",)),
    Honoured("UV_KEYRING_PROVIDER", ("keyring-provider",)),
    Honoured("UV_NATIVE_TLS", ("native-tls",), "switch"),
    Honoured("UV_SYSTEM_CERTS", ("system-certs",), "switch"),
    Honoured("UV_INSECURE_HOST", ("allow-insecure-host", "trusted-host"), "texts"),
    Honoured("UV_OFFLINE", ("offline",), "switch"),
    Honoured("UV_CACHE_DIR", ("cache-dir",)),
    Honoured("UV_NO_CACHE", ("no-cache",), "switch"),
    # Which index is the default, and the further ones, are put together below.
    Honoured("UV_DEFAULT_INDEX"),
    Honoured("UV_INDEX"),
    Honoured("UV_EXTRA_INDEX_URL"),
)
PREFIXES = ("UV_INDEX_", "UV_HTTP_", "UV_REQUEST_", "UV_CONCURRENT_")
"""Beginnings of further variables: credentials of a named index, timeouts, how much is done at once."""


def uv_variables() -> dict[str, str]:
    """The honoured settings as variables of uv; UV_DEFAULT_INDEX only where uv itself is configured with one."""
    files = [*configuration_files()]
    found = {name: value for name, value in os.environ.items() if name.startswith(PREFIXES)}
    for setting in HONOURED:
        value = os.environ.get(setting.variable) or _configured(setting, files)
        if value:
            found[setting.variable] = value
    default, further = configured_indexes(files)
    if "UV_INDEX_URL" not in found and default:
        found.setdefault("UV_DEFAULT_INDEX", default)
    if "UV_EXTRA_INDEX_URL" not in found and further:
        found.setdefault("UV_INDEX", " ".join(further))
    return found


def configuration_files() -> Iterator[Mapping[str, Any]]:
    """What uv's configuration files say, the one that counts most first; one that is missing or broken says nothing.

    A section ``[pip]`` counts more than the rest of its file, as it does for ``uv pip``.
    """
    base = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config"))
    named = os.environ.get("UV_CONFIG_FILE")
    # A file that is named takes the place of all others.
    for path in [Path(named)] if named else [base / "uv" / "uv.toml", Path("/etc/uv/uv.toml")]:
        try:
            settings: dict[str, Any] = tomli.loads(path.read_text("utf-8"))
        except (OSError, tomli.TOMLDecodeError, UnicodeDecodeError):
            continue
        pip = settings.get("pip")
        if isinstance(pip, dict):
            yield pip
        yield settings


def configured_indexes(files: list[Mapping[str, Any]]) -> tuple[str | None, tuple[str, ...]]:
    """The default index of uv's configuration, if it has one, and the further ones; each ``URL`` or ``NAME=URL``."""
    defaults: list[str] = []
    further: list[str] = []
    for settings in files:
        listed = settings.get("index")
        for entry in listed if isinstance(listed, list) else []:
            if not isinstance(entry, dict) or not isinstance(entry.get("url"), str) or not entry["url"]:
                continue
            named = f"{entry['name']}={entry['url']}" if isinstance(entry.get("name"), str) else entry["url"]
            if entry.get("default"):
                defaults.append(named)
            elif not entry.get("explicit"):
                # An explicit index serves only what ``[tool.uv.sources]`` assigns to it, which is off.
                further.append(named)
        if isinstance(url := settings.get("index-url"), str) and url:
            defaults.append(url)
        further += _texts(settings.get("extra-index-url"))
    return (defaults[0] if defaults else None), tuple(dict.fromkeys(further))


def _configured(setting: Honoured, files: list[Mapping[str, Any]]) -> str | None:
    values = [settings[key] for settings in files for key in setting.keys if key in settings]
    if setting.kind == "texts":
        separator = "," if setting.variable == "UV_FIND_LINKS" else " "
        return separator.join(text for value in values for text in _texts(value)) or None
    for value in values:
        if setting.kind == "switch" and isinstance(value, bool):
            return "true" if value else None
        if setting.kind == "text" and isinstance(value, str):
            return value
    return None


def _texts(value: object) -> list[str]:
    return [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str) and text]
