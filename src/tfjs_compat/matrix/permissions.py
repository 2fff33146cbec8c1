"""What models may do beside being built: the table ``[permissions]`` of a matrix."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

ALL = "*"


class Permissions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the processes that build and convert models may do.

    ``network``: use the network. ``write``: folders that they may write to beside their own. ``confined`` false: let
    them do all that the user may. ``trust``: models (as they are written under ``models``, ``*``: all) whose files may
    bring Python code that is run.
    """

    network: bool = False
    write: tuple[str, ...] = ()
    confined: bool = True
    trust: tuple[str, ...] = ()

    def trusts(self, ref: str) -> bool:
        """Whether the code that the file of this model brings may be run."""
        return ALL in self.trust or ref in self.trust

    def below(self, base: Path) -> Permissions:
        """The same, the names of folders taken from ``base``."""
        write = tuple(os.path.abspath(base / Path(name).expanduser()) for name in self.write)  # noqa: PTH100
        return msgspec.structs.replace(self, write=write)

    def with_more(self, *, network: bool, write: Iterable[str], trust_all: bool) -> Permissions:
        """The same with what the command line adds."""
        return msgspec.structs.replace(
            self,
            network=self.network or network,
            write=tuple(dict.fromkeys((*self.write, *write))),
            trust=(*self.trust, ALL) if trust_all else self.trust,
        )
