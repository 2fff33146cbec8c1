"""Texts of a page that are read one at a time → blocks that a browser unpacks when one is wanted. Pure."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence

SIZE = 100
"""Texts of a block: one unpacks in some milliseconds, and neighbours share most of their words."""


def packed(texts: Sequence[str]) -> list[str]:
    """The texts in blocks of ``SIZE``: each a JSON list, deflated without a header (RFC 1951), in base64.

    A browser reads it with ``DecompressionStream("deflate-raw")``.
    """
    return [_block(texts[start : start + SIZE]) for start in range(0, len(texts), SIZE)]


def _block(texts: Sequence[str]) -> str:
    deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(deflate.compress(json.dumps(texts, ensure_ascii=False).encode()) + deflate.flush()).decode()
