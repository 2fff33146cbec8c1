"""An HTML page as a browser reads it, for tests that look for what must not be in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from support.samples import ROOT


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data
        elif self.open[-1] == "script":
            self.scripts.append(data)

    def attributes(self, name: str) -> list[str]:
        return [str(attrs[name]) for _, attrs in self.elements if name in attrs]


PAGE_SCRIPT = (ROOT / "src" / "tfjs_compat" / "report" / "page.js").read_text("utf-8")
TAGS = frozenset(
    re.findall(
        r"\w+",
        """html head meta title style body header main section h1 h2 h3 h4 p ul ol li dl dt dd a span strong code pre br
        wbr table caption thead tbody tfoot tr th td details summary div aside button script noscript""",
    )
)
ATTRIBUTES = frozenset(
    re.findall(
        r"[\w-]+",
        """lang charset name content http-equiv class id href rel role tabindex scope colspan aria-label aria-labelledby
        aria-hidden hidden type data-n data-c data-v data-news data-block""",
    )
)


def read_safely(text: str) -> Page:
    """The page, once it is sure that no text has become an element, an attribute or a link of its own."""
    page = Page(text)
    assert {tag for tag, _ in page.elements} <= TAGS
    assert {name for _, attrs in page.elements for name in attrs} <= ATTRIBUTES
    # One script, which is ours, and blocks in base64.
    assert [script for script in page.scripts if not re.fullmatch(r"[A-Za-z0-9+/=]+", script)] == [PAGE_SCRIPT]
    assert not page.unbalanced
    assert not page.open
    for link in page.attributes("href"):
        assert link.startswith(("#", "./", "https://", "http://"))
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)
    text.encode()
    return page
