"""A package's page of the index and its files, believed only in good form: anything else is a fault of the network."""

from __future__ import annotations

import codecs
import contextlib
import email.message
import functools
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from tfjs_compat.errors import MachineryError
from tfjs_compat.index.address import hide_credentials, index_urls
from tfjs_compat.index.settings import uv_variables
from tfjs_compat.system.interruptible import interruptible
from tfjs_compat.system.text import shown_address

if TYPE_CHECKING:
    from pypi_simple import DistributionPackage, ProjectPage
    from requests import Response

_SECONDS = (10, 60)
"""To connect, and between two packets."""

_WHOLE = 200
_PAGE_SECONDS = 600.0
_PAGE_BYTES = 128 << 20
"""Of one page: those of the largest packages have some MB."""

_JSON, _HTML = "application/vnd.pypi.simple.v1+json", ("application/vnd.pypi.simple.v1+html", "text/html")


def read_page(package: str, url: str) -> ProjectPage | None:
    """The page of a package on the index at ``url``, or None where the index says that it has no such package.

    A login page in its place, half a page, the page of something else: raises MachineryError, as for every other answer
    but a page in the form of PEP 503 or PEP 691.
    """
    import requests
    from pypi_simple import ACCEPT_ANY, UnsupportedRepoVersionError
    from pypi_simple.classes import ProjectPage

    shown, name = shown_address(url), canonicalize_name(package)
    with _answers(shown, package), requests.Session() as session:
        asked = session.get(
            f"{url.rstrip('/')}/{name}/",
            timeout=_SECONDS,
            headers={"Accept": ACCEPT_ANY},
            auth=_credentials(url),
            stream=True,
        )
        with asked as response:
            if response.status_code in (404, 410):
                return None
            response.raise_for_status()
            if response.status_code != _WHOLE:
                raise MachineryError(f"the package index {shown} answered {response.status_code} for {package}")
            content = _read(response, shown, package)
        kind, charset = _content_type(response.headers.get("Content-Type", "text/html"))
        try:
            if kind == _JSON:
                page = ProjectPage.from_json_data(json.loads(content), response.url)
            elif kind in _HTML:
                page = ProjectPage.from_html(name, content, response.url, charset)
            else:
                raise _no_page(shown, package, f"its type is {kind}")
        except UnsupportedRepoVersionError as error:
            raise _no_page(shown, package, hide_credentials(str(error))) from None
        except (KeyError, TypeError, ValueError, AttributeError, LookupError, RecursionError) as error:
            raise _no_page(shown, package, hide_credentials(f"{type(error).__name__}: {error}")) from None
        if canonicalize_name(page.project) != name:
            raise _no_page(shown, package, f"it is that of {page.project}")
        _check_files(page, shown, package)
        if kind in _HTML:
            _check_html(content.decode(charset or "utf-8", "replace"), page, shown, package)
        return page


def _read(response: Response, shown: str, package: str) -> bytes:
    """The content of a page. Raises MachineryError for one without an end."""
    until = time.monotonic() + _PAGE_SECONDS
    content = bytearray()
    for block in response.iter_content(1 << 16):
        content += block
        if len(content) > _PAGE_BYTES:
            raise _no_page(shown, package, f"it has more than {_PAGE_BYTES >> 20} MiB")
        if time.monotonic() > until:
            raise _no_page(shown, package, f"it has no end after {_PAGE_SECONDS:g} s")
    return bytes(content)


def _content_type(header: str) -> tuple[str, str | None]:
    """The type of a content in lower case, and the encoding of its text, where the header names one that there is."""
    message = email.message.Message()
    message["Content-Type"] = header
    charset = message.get_content_charset()
    with contextlib.suppress(LookupError):
        return message.get_content_type(), codecs.lookup(charset).name if charset else None
    return message.get_content_type(), None


def _credentials(url: str) -> tuple[str, str] | None:
    """User and password of an address, as uv and pip send them: a user alone, who is a token, has an empty password.

    None where it has none: those of the user's .netrc count then.
    """
    parts = urlsplit(url)
    return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


def _check_html(text: str, page: ProjectPage, shown: str, package: str) -> None:
    lower = text.lower()
    if "</html>" not in lower and "</body>" not in lower:
        raise _no_page(shown, package, "it has no end")
    # A login page has links, too. PEP 629: a page that lists nothing and says that it is an index's is one.
    if page.repository_version is None and not any(_is_of(file, package) for file in page.packages):
        raise _no_page(shown, package, "it is a web page that lists no file of the package")


_NO_PYTHON = re.compile(r"[^\w.,<>=!~|*+'\" -]")


def _names_pythons(text: str) -> bool:
    """Whether it says for which Pythons a file is: by PEP 440, or as files did before anybody checked it."""
    return not text.strip() or (_NO_PYTHON.search(text) is None and re.search(r"\d", text) is not None)


def _is_version(text: str | None) -> bool:
    try:
        return text is not None and Version(text) is not None
    except InvalidVersion:
        return False


def _check_files(page: ProjectPage, shown: str, package: str) -> None:
    """Raises MachineryError for a page most of whose files make no sense: a single one may be odd by its uploader."""
    for what, odd in (
        ("names no version", [not _is_version(file.version) for file in page.packages]),
        (
            "needs a Python that there is not",
            [not _names_pythons(file.requires_python) for file in page.packages if file.requires_python],
        ),
    ):
        if 2 * sum(odd) > len(odd):
            raise _no_page(shown, package, f"most of its files make no sense: a file {what}")


def _is_of(file: DistributionPackage, package: str) -> bool:
    return file.project is not None and canonicalize_name(file.project) == canonicalize_name(package)


def audit(packages: Iterable[str], files: Iterable[tuple[str, str]], stop: threading.Event) -> tuple[str, ...]:
    """Have the indexes show packages, and files (package, name), in good form; that there is none is an answer too.

    Gives the packages that none of the indexes has (404 or 410), where packages come from these indexes only. A file is
    in good form where it has the hash that its page gives. What is no web address is not looked at, nor a file that no
    index lists. Raises MachineryError for any other answer, Interrupted.
    """
    indexes = index_urls()
    urls = [url for url in indexes if url.startswith(("http://", "https://"))]
    elsewhere = len(urls) < len(indexes) or bool(uv_variables().get("UV_FIND_LINKS"))

    def look() -> tuple[str, ...]:
        denied = []
        for package in packages:
            # Each page is read, also where an index before has the package.
            there = [read_page(package, url) is not None for url in urls]
            if not elsewhere and not any(there):
                denied.append(package)
        for package, filename in files:
            for url in urls:
                page = read_page(package, url)
                for file in page.packages if page is not None else ():
                    if file.filename == filename:
                        _check_file(file, package, url)
        return tuple(denied)

    return interruptible(look, stop)


def _check_file(file: DistributionPackage, package: str, index: str) -> None:
    shown = shown_address(index)
    damaged = f"the package index {shown} sent {file.filename} damaged"
    kind = next((kind for kind in ("sha256", "sha512", "sha384") if kind in file.digests), None)
    if kind is None:
        raise MachineryError(f"{damaged}, and gives no hash to compare it with")
    if _digest(file, kind, package, index) != file.digests[kind]:
        raise MachineryError(f"{damaged}: it does not have the hash that its page gives")


def _digest(file: DistributionPackage, kind: str, package: str, index: str) -> str:
    import requests

    digest = hashlib.new(kind)
    # Credentials are for the host that they were given for.
    same = urlsplit(file.url).netloc.rpartition("@")[2] == urlsplit(index).netloc.rpartition("@")[2]
    credentials = _credentials(index) if same else None
    asked = functools.partial(requests.get, file.url, timeout=_SECONDS, auth=credentials, stream=True)
    with _answers(shown_address(index), package), asked() as response:
        response.raise_for_status()
        for block in response.iter_content(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def _answers(shown: str, package: str) -> Iterator[None]:
    """Turn what requests raises into a MachineryError. None of it is shown: it may hold the address with a password."""
    import requests

    try:
        yield
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else "an error"
        raise MachineryError(f"the package index {shown} answered {status} for {package}") from None
    except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema):
        raise MachineryError(f"the package index {shown} has no usable address") from None
    except (requests.RequestException, UnicodeError) as error:
        raise MachineryError(f"the package index {shown} cannot be reached ({type(error).__name__})") from None


def _no_page(shown: str, package: str, reason: str) -> MachineryError:
    return MachineryError(f"the package index {shown} gave no package page for {package}: {reason}")
