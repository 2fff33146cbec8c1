"""Inputs that are not those of the model, as values, and what is said of them."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec

from tfjs_compat.errors import nearest

_NAMED, _LONGEST = 12, 60


class Problem(str, enum.Enum):
    """What of the inputs does not fit.

    ``UNKNOWN``: an array by a name that no input has. ``MISSING``: an input without an array. ``COUNT``: another
    number of arrays, which go by their order. ``SHAPE``, ``DTYPE``: of an array; a dtype fits where it holds the same
    values.
    """

    UNKNOWN = "unknown"
    MISSING = "missing"
    COUNT = "count"
    SHAPE = "shape"
    DTYPE = "dtype"

    def __str__(self) -> str:
        return self.value


class Array(msgspec.Struct, frozen=True):
    """An array that was given, or what a model takes: None stands for a dimension of any size."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    @property
    def kind(self) -> str:
        """Dtype and shape: ``float32 [?, 4]``."""
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape[:_NAMED])
        return f"{self.dtype[:_LONGEST]} [{sizes}]"

    def __str__(self) -> str:
        return f"{self.name[:_LONGEST]} ({self.kind})"


class WrongInputs(msgspec.Struct, frozen=True):
    """The inputs of a request, or of the function beside a builder, that a model does not take.

    ``name`` is the array or the input that ``problem`` is of.
    """

    problem: Problem
    name: str
    given: tuple[Array, ...]
    takes: tuple[Array, ...]

    def reason(self, model: str) -> str:
        """One sentence: the array, and what the model takes."""
        name, takes = self.name[:_LONGEST], f"{model} takes {_listed(self.takes)}"
        array = next((array for array in self.given if array.name == self.name), None)
        if self.problem is Problem.MISSING:
            return f"no array '{name}'; there is {_listed(self.given)}, and {takes}"
        if self.problem is Problem.COUNT:
            return f"arrays by number, {len(self.given)} of them; {takes}"
        if self.problem is Problem.UNKNOWN or array is None:
            return f"array '{name}': no input has this name; {takes}"
        if self.problem is Problem.DTYPE and "string" not in {array.dtype, *(one.dtype for one in self._wanted())}:
            return f"array '{name}': its {array.dtype} values are others in the input's dtype; {takes}"
        return f"array '{name}' is {array.kind}; {takes}"

    def hint(self) -> str:
        """What to do about it: the nearest right name, or the forgotten axis of rows; empty where it goes without."""
        names = [each.name for each in self.takes]
        if self.problem is Problem.UNKNOWN:
            return nearest(self.name[:_LONGEST], names)
        if self.problem is Problem.MISSING:
            extra = ", ".join(f"{name}=…" for name in names[:_NAMED])
            return f"numpy.savez(FILE, {extra})"
        array = next((array for array in self.given if array.name == self.name), None)
        lacks_rows = array is not None and any(_fits(array.shape, wanted.shape[1:]) for wanted in self._wanted())
        if self.problem is Problem.SHAPE and lacks_rows:
            return f"the first axis is that of rows: numpy.savez(FILE, {self.name[:_LONGEST]}=array[None])"
        return ""

    def _wanted(self) -> tuple[Array, ...]:
        """The input that the array is for; all of them where they go by their order."""
        return tuple(each for each in self.takes if each.name == self.name) or self.takes


def _listed(arrays: Sequence[Array]) -> str:
    more = f" and {len(arrays) - _NAMED} more" if len(arrays) > _NAMED else ""
    return ", ".join(str(array) for array in arrays[:_NAMED]) + more if arrays else "nothing"


def _fits(shape: Sequence[int | None], wanted: Sequence[int | None]) -> bool:
    return len(shape) == len(wanted) and all(
        size is None or size == own for own, size in zip(shape, wanted, strict=True)
    )
