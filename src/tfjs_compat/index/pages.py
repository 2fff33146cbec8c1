"""A package's page of the index and its files, believed only in good form: anything else is a fault of the network."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from tfjs_compat.errors import MachineryError
from tfjs_compat.index.address import hide_credentials, index_urls
from tfjs_compat.system.interruptible import interruptible
from tfjs_compat.system.text import shown_address

if TYPE_CHECKING:
    from pypi_simple import DistributionPackage, ProjectPage

_SECONDS = (10, 60)
"""To connect, and between two packets."""


def read_page(package: str, url: str) -> ProjectPage | None:
    """The page of a package on the index at ``url``, or None where the index says that it has no such package.

    A login page in its place, half a page, the page of something else: raises MachineryError, as for every other answer
    but a page in the form of PEP 503 or PEP 691.
    """
    import requests
    from pypi_simple import PyPISimple, UnsupportedContentTypeError, UnsupportedRepoVersionError
    from pypi_simple.classes import ProjectPage

    shown = shown_address(url)
    with _answers(shown, package), PyPISimple(url) as client:
        try:
            response = client.s.get(
                client.get_project_url(package), timeout=_SECONDS, headers={"Accept": client.accept}
            )
            if response.status_code in (404, 410):
                return None
            response.raise_for_status()
            page = ProjectPage.from_response(response, canonicalize_name(package))
        except (UnsupportedContentTypeError, UnsupportedRepoVersionError, requests.JSONDecodeError) as error:
            raise _no_page(shown, package, hide_credentials(str(error))) from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _no_page(shown, package, hide_credentials(f"{type(error).__name__}: {error}")) from None
        if canonicalize_name(page.project) != canonicalize_name(package):
            raise _no_page(shown, package, f"it is that of {page.project}")
        if "html" in response.headers.get("Content-Type", "").lower():
            _check_html(response.text, page, shown, package)
        return page


def _check_html(text: str, page: ProjectPage, shown: str, package: str) -> None:
    lower = text.lower()
    if "</html>" not in lower and "</body>" not in lower:
        raise _no_page(shown, package, "it has no end")
    # A login page has links, too. PEP 629: a page that lists nothing and says that it is an index's is one.
    if page.repository_version is None and not any(_is_of(file, package) for file in page.packages):
        raise _no_page(shown, package, "it is a web page that lists no file of the package")


def _is_of(file: DistributionPackage, package: str) -> bool:
    return file.project is not None and canonicalize_name(file.project) == canonicalize_name(package)


def audit(packages: Iterable[str], files: Iterable[tuple[str, str]], stop: threading.Event) -> None:
    """Have the indexes show packages, and files (package, name), in good form; that there is none is an answer too.

    A file is in good form where it has the hash that its page gives. What is no web address is not looked at, nor a
    file that no index lists. Raises MachineryError for any other answer, Interrupted.
    """
    urls = [url for url in index_urls() if url.startswith(("http://", "https://"))]

    def look() -> None:
        for package in packages:
            for url in urls:
                read_page(package, url)
        for package, filename in files:
            for url in urls:
                page = read_page(package, url)
                for file in page.packages if page is not None else ():
                    if file.filename == filename:
                        _check_file(file, package, shown_address(url))

    interruptible(look, stop)


def _check_file(file: DistributionPackage, package: str, shown: str) -> None:
    damaged = f"the package index {shown} sent {file.filename} damaged"
    kind = next((kind for kind in ("sha256", "sha512", "sha384") if kind in file.digests), None)
    if kind is None:
        raise MachineryError(f"{damaged}, and gives no hash to compare it with")
    if _digest(file, kind, package, shown) != file.digests[kind]:
        raise MachineryError(f"{damaged}: it does not have the hash that its page gives")


def _digest(file: DistributionPackage, kind: str, package: str, shown: str) -> str:
    import requests

    digest = hashlib.new(kind)
    with _answers(shown, package), requests.get(file.url, timeout=_SECONDS, stream=True) as response:
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
