"""Releases with planted faults, in an index of our own: packages of a few bytes that fail on import as told."""

from __future__ import annotations

from support.runs import NUMPY, TENSORFLOW, add_module
from support.samples import SmallIndex

IMPORTS = "import importlib\nfor name in {names!r}:\n    importlib.import_module(name)\n{more}\n"


class Planted:
    """An index with a TensorFlow, and a converter that imports the packages that are planted."""

    def __init__(self, index: SmallIndex) -> None:
        self.index, self.names = index, list[str]()
        self.plant("tensorflow", {"2.15.0": TENSORFLOW}, "numpy")
        self.plant("numpy", {"1.26.4": NUMPY})

    def plant(self, name: str, versions: dict[str, str], *requires: str, day: str = "2024-03-01") -> None:
        """Releases of a package: the code of each by its version, all uploaded on a day."""
        for version, code in versions.items():
            self.release(name, version, code, *requires, day=day)

    def release(self, name: str, version: str, code: str, *requires: str, day: str) -> None:
        """One release of a package."""
        add_module(self.index, name, version, code, *requires)
        self.index.days[list(self.index.files[name])[-1]] = day

    def converter(self, *names: str, more: str = "", requires: tuple[str, ...] | None = None) -> None:
        """The converter, which imports these packages in order, and requires them in any version."""
        code = IMPORTS.format(names=names, more=more)
        self.plant("tensorflowjs", {"4.17.0": code}, "tensorflow", *(names if requires is None else requires))


def fine(*versions: str) -> dict[str, str]:
    """Releases that can be imported."""
    return {version: f"__version__ = {version!r}\n" for version in versions}


def broken(message: str, *versions: str) -> dict[str, str]:
    """Releases whose import fails with this message."""
    return dict.fromkeys(versions, f"raise ImportError({message!r})\n")
