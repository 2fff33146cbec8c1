"""Which releases of a package the configured indexes and folders of wheels have."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import msgspec
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from tfjs_compat.errors import MachineryError
from tfjs_compat.index.address import index_urls
from tfjs_compat.index.pages import read_page
from tfjs_compat.index.settings import uv_variables
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import is_fresh, write_whole
from tfjs_compat.system.store import Store
from tfjs_compat.system.text import shown_address

_FRESH_SECONDS = 600.0


class Release(msgspec.Struct, frozen=True):
    """A release of a package. ``yanked``: every file is; ``python_tags``: those of its wheels (``cp311``).

    ``uploaded`` is the UTC date (``2024-03-08``) of its first file, None where the index gives no upload times.
    """

    version: str
    yanked: bool
    python_tags: frozenset[str]
    uploaded: str | None


_RELEASES = Reader[tuple[Release, ...]](tuple[Release, ...])


def fetch_releases(package: str, store: Store, *, fresh: bool = False) -> tuple[Release, ...]:
    """The releases of a package, oldest first, as uv finds them now: on the first index that has it, and among wheels.

    An index's answer is kept for ten minutes, and not looked at where a ``fresh`` one is wanted; folders of wheels
    (``find-links``) are read each time. Raises
    MachineryError when an index cannot be reached or answers with something else than a package page, and where nothing
    has the package.
    """
    wheels = collect(_found_links(package))
    urls = index_urls()
    kept = store.folder("index") / f"{package}-{_short(' '.join(urls))}.json"
    with contextlib.suppress(OSError):  # not there, or damaged: it is fetched
        if not fresh and is_fresh(kept, _FRESH_SECONDS):
            return _together(_RELEASES.read(kept), wheels)
    for url in urls:
        if (releases := _fetch(package, url)) is not None:
            write_whole(kept, msgspec.json.encode(releases))
            return _together(releases, wheels)
    if wheels:
        return wheels
    raise MachineryError(f"the package index {shown_address(urls[-1])} has no package {package}")


def _short(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:12]


def _fetch(package: str, url: str) -> tuple[Release, ...] | None:
    """The releases on one index, None where it has no such package."""
    page = read_page(package, url)
    if page is None:
        return None
    return collect(
        (file.filename, file.version, file.is_yanked, file.upload_time) for file in page.packages if file.version
    )


def _found_links(package: str) -> Iterator[tuple[str, str | None, bool, datetime.datetime | None]]:
    """The wheels of a package in the folders of uv's ``find-links``; web pages among these are not read."""
    for text in re.split(r"[,\s]+", uv_variables().get("UV_FIND_LINKS", "")):
        folder = Path(url2pathname(urlsplit(text).path)) if text.startswith("file:") else Path(text)
        if text and "://" not in text.removeprefix("file://") and folder.is_dir():
            for path in sorted(folder.glob("*.whl")):
                with contextlib.suppress(InvalidWheelFilename):
                    name, version, *_ = parse_wheel_filename(path.name)
                    if name == canonicalize_name(package):
                        yield path.name, str(version), False, None


def _together(indexed: tuple[Release, ...], wheels: tuple[Release, ...]) -> tuple[Release, ...]:
    """The releases of an index with those of folders that it does not have."""
    known = {release.version for release in indexed}
    more = (release for release in wheels if release.version not in known)
    return tuple(sorted((*indexed, *more), key=lambda release: Version(release.version)))


def collect(files: Iterable[tuple[str, str | None, bool, datetime.datetime | None]]) -> tuple[Release, ...]:
    """Releases out of an index's files (name, version, yanked, upload time). Yanked means: every file is."""
    gathered: dict[Version, list[tuple[str, bool, datetime.datetime | None]]] = {}
    for name, text, yanked, uploaded in files:
        try:
            gathered.setdefault(Version(text or ""), []).append((name, yanked, uploaded))
        except InvalidVersion:
            continue
    releases = []
    for version in sorted(gathered):
        rows = gathered[version]
        times = [uploaded for _, _, uploaded in rows if uploaded is not None]
        first = min(times).astimezone(datetime.timezone.utc).date().isoformat() if times else None
        tags = frozenset(tag for name, _, _ in rows for tag in _python_tags(name))
        releases.append(Release(str(version), all(yanked for _, yanked, _ in rows), tags, first))
    return tuple(releases)


def _python_tags(filename: str) -> Iterable[str]:
    if filename.endswith(".whl"):
        try:
            return [tag.interpreter for tag in parse_wheel_filename(filename)[3]]
        except InvalidWheelFilename:
            return []
    return []
