"""Where the configured package index is."""

from __future__ import annotations

import configparser
import os
import re
import sys
from pathlib import Path

from tfjs_compat.index.settings import configuration_files, configured_indexes, uv_variables
from tfjs_compat.system.text import redact, shown_address

_PYPI = "https://pypi.org/simple/"


def index_url() -> str:
    """The index that installs on this machine use: uv's configuration, else pip's, else PyPI. May hold credentials."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if value := os.environ.get(name):
            return without_name(value)
    configured, _ = configured_indexes([*configuration_files()])
    if configured is not None:
        return without_name(configured)
    return os.environ.get("PIP_INDEX_URL") or _pip_configured() or _PYPI


def index_urls() -> tuple[str, ...]:
    """All indexes that uv asks, those beside the default one first, as uv does. May hold credentials."""
    variables = uv_variables()
    further = f"{variables.get('UV_INDEX', '')} {variables.get('UV_EXTRA_INDEX_URL', '')}".split()
    return (*(without_name(index) for index in further), index_url())


def shown_index() -> str:
    """The default index as messages name it."""
    return shown_address(index_url())


def hide_credentials(text: str) -> str:
    """A text without any credentials, those of the configured indexes above all."""
    return redact(text, index_urls())


def without_name(index: str) -> str:
    """The address of an index that may be given as ``NAME=URL``."""
    return index.split("=", 1)[-1] if re.match(r"[\w-]+=", index) else index


def _pip_configured() -> str | None:
    """The index of pip's configuration files, which count for ``pip install`` as pip documents it.

    ``PIP_CONFIG_FILE`` counts most and takes the place of the user's own files; as ``/dev/null`` it switches all off.
    The section ``install`` of any file counts more than ``global`` of any.
    """
    named = os.environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return None
    base = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config"))
    users = [base / "pip" / "pip.conf", Path.home() / ".pip" / "pip.conf"]
    if named and Path(named).exists():
        users = []
    files = [*([Path(named)] if named else []), Path(sys.prefix, "pip.conf"), *users, Path("/etc/pip.conf")]
    settings = [_pip_settings(file) for file in files]
    for section in ("install", "global"):
        for parser in settings:
            for key in ("index-url", "index_url"):
                if value := parser.get(section, key, fallback=None):
                    return value.strip()
    return None


def _pip_settings(path: Path) -> configparser.RawConfigParser:
    """A configuration file of pip; empty where it is not there or damaged."""
    settings = configparser.RawConfigParser()
    try:
        settings.read(path, "utf-8")
    except (OSError, configparser.Error, UnicodeDecodeError):
        return configparser.RawConfigParser()
    return settings
