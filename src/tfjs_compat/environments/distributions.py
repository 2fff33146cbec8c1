"""What the distributions in an environment say of themselves: what they require, which modules they bring, links."""

from __future__ import annotations

import contextlib
import csv
import email.parser
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name

from tfjs_compat.environments.environment import Environment
from tfjs_compat.environments.linking import site_packages


class Distribution(msgspec.Struct, frozen=True):
    """A distribution by its own metadata.

    ``requires`` are its Requires-Dist lines, ``requires_python`` a range (empty: any), ``modules`` the importable names
    that it brings, those of a namespace with their place in it (``google.protobuf``), ``urls`` its links by label.
    """

    name: str
    version: str
    requires: tuple[str, ...] = ()
    requires_python: str = ""
    modules: frozenset[str] = frozenset()
    urls: Mapping[str, str] = {}


def distributions(environment: Environment) -> dict[str, Distribution]:
    """The distributions of an environment by canonical name; what has no readable metadata is left out."""
    found = {}
    for info in sorted(site_packages(environment.root / "venv").glob("*.dist-info")):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            made = _read(info)
            found[made.name] = made
    return found


def _read(info: Path) -> Distribution:
    metadata = email.parser.Parser().parsestr((info / "METADATA").read_text("utf-8", "replace"), headersonly=True)
    links = [line.partition(",") for line in metadata.get_all("Project-URL", [])]
    urls = {label.strip(): url.strip() for label, _, url in links}
    if home := metadata.get("Home-page"):
        urls.setdefault("Homepage", home)
    return Distribution(
        name=canonicalize_name(metadata.get("Name", "")),
        version=metadata.get("Version", ""),
        requires=tuple(metadata.get_all("Requires-Dist", [])),
        requires_python=metadata.get("Requires-Python", ""),
        modules=frozenset(_modules(info)),
        urls=urls,
    )


def _modules(info: Path) -> Iterator[str]:
    """What can be imported of a distribution, by the files that its RECORD lists."""
    with (info / "RECORD").open(newline="", encoding="utf-8") as file:
        paths = [row[0].split("/") for row in csv.reader(file) if row and not row[0].startswith("..")]
    packages = {tuple(path[:-1]) for path in paths if path[-1] == "__init__.py"}
    for path in paths:
        name = path[-1].split(".")[0]
        if len(path) == 1 and path[-1].endswith((".py", ".so", ".pyd")):
            yield name
        elif (path[0],) in packages:
            yield path[0]
        elif len(path) > 2 and tuple(path[:2]) in packages:
            yield ".".join(path[:2])
