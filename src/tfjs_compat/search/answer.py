"""Yes, no or unknown: all that a pure search knows of an answer."""

from __future__ import annotations

import enum


class Answer(enum.Enum):
    """Whether something has the property that a search looks for.

    ``NO`` is a fact about versions: it failed, predicted something else, proved nothing, or no lock exists. ``UNKNOWN``
    is none: the network, the disk or the machine failed. Unknown never counts as no, and nothing is blamed for it.
    """

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
