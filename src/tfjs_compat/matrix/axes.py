"""The axes of a matrix. A new axis is a row of AXES and a field of the three structs below it.

The rest is derived from the table: the checks of a matrix file's values, the product, keys and short names of cases,
columns of reports, the cost of a change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from packaging.requirements import InvalidRequirement, Requirement

from tfjs_compat.system.text import file_name

TODAY, RESOLVED, DEFAULT, AUTO = "today", "resolved", "default", "auto"

Texts = str | list[str]
Value = str | tuple[str, ...]

Kind = Literal["release", "python", "requirements", "packages", "date", "process_env", "choice"]
"""What the values of an axis are: ``release`` versions and ranges; ``python`` versions or ``auto``; ``requirements``
and ``packages`` lists, of which a combination has one; ``date`` ISO dates or ``today``; ``process_env`` names of sets
of variables joined by ``+``; ``choice`` any other text."""


class Axis(msgspec.Struct, frozen=True):
    """One axis: a row of AXES.

    ``default`` is its value where a matrix says nothing (None: the matrix has to name values); an axis that is
    ``shown_always`` is part of every key and name, also at its default. ``cost`` is the price of changing it when two
    ways are compared: the cheaper one is preferred.

    What it is called, by place:

    - ``title`` heads its column in a table; axes with the same title share that column;
    - ``label`` stands before its value elsewhere in a report: ``TensorFlow 2.16.1``;
    - ``prefix`` stands before each of its texts in a report: ``+pandas``;
    - ``mark`` stands before its value in a case's short name and id, so it never changes: ``tf2.16.1``;
    - ``noun`` stands before a value that a remedy sets: ``constraint setuptools<81``. Empty: the remedy is put as
      ``keras 3.2.1 instead of 3.3.3``.

    ``option``, ``metavar`` and ``help`` describe its option of ``run`` and ``plan``; ``option`` is empty where there is
    none. cli/options/runs.py repeats them, because ``--help`` must not load this module; a test compares the two.
    """

    name: str
    kind: Kind
    title: str
    label: str
    default: str | None = ""
    shown_always: bool = False
    prefix: str = ""
    mark: str = ""
    noun: str = ""
    cost: int = 1
    option: str = ""
    metavar: str = "V"
    help: str = ""

    @property
    def is_list(self) -> bool:
        """Whether a combination holds several texts on it."""
        return self.kind in ("requirements", "packages")

    def value(self, combination: Combination) -> Value:
        """The combination's choice: a tuple where the axis is a list, else a text."""
        found: Value = getattr(combination, self.name)
        return found

    def is_default(self, value: Value) -> bool:
        """Whether a key may leave the value out; never for an axis that is always shown."""
        return not self.shown_always and value in ("", (), self.default)

    def words(self, combination: Combination) -> str:
        """The choice as reports show it, its texts joined by spaces; empty at the default."""
        value = self.value(combination)
        if self.is_default(value):
            return ""
        return " ".join(self.prefix + text for text in _texts(value))

    def short(self, combination: Combination) -> list[str]:
        """The choice as parts of a short name, fit for a file name; empty at the default."""
        value = self.value(combination)
        if self.is_default(value):
            return []
        if self.is_list:
            return [self.mark + file_name(text) for text in _texts(value)]
        return [self.mark + file_name(str(value), dashes=True)]

    def canonical(self, combination: Combination) -> Value | None:
        """The choice as it counts for a key: order and spelling of lists do not; None at the default."""
        value = self.value(combination)
        if self.is_default(value):
            return None
        if self.kind == "requirements":
            return tuple(sorted({_requirement(line) for line in _texts(value)}))
        if self.kind == "packages":
            return tuple(sorted({name.lower() for name in _texts(value)}))
        if self.kind == "process_env":
            return "+".join(sorted(set(str(value).split("+"))))
        return value


AXES: tuple[Axis, ...] = (
    Axis(
        "tensorflow",
        "release",
        "TF",
        "TensorFlow",
        default=None,
        shown_always=True,
        mark="tf",
        cost=4,
        option="--tensorflow",
        help="TensorFlow release or range: 2.16.1, '>=2.15,<2.18', newest.",
    ),
    Axis(
        "tensorflowjs",
        "release",
        "tfjs",
        "tensorflowjs",
        default=None,
        shown_always=True,
        mark="tfjs",
        cost=2,
        option="--tensorflowjs",
        help="Converter release or range.",
    ),
    Axis(
        "python",
        "python",
        "Python",
        "Python",
        default=AUTO,
        shown_always=True,
        mark="py",
        option="--python",
        help="Python of the environments: 3.11; 'auto': by TensorFlow's wheels.",
    ),
    Axis(
        "keras",
        "release",
        "Keras requested",
        "Keras",
        default=RESOLVED,
        mark="keras",
        option="--keras",
        help="Keras release or range; 'resolved': what the resolver gives.",
    ),
    Axis("extra", "requirements", "with", "extra packages", prefix="+", noun="package"),
    Axis(
        "constraints",
        "requirements",
        "with",
        "constraints",
        noun="constraint",
        option="--constraint",
        metavar="REQ",
        help="A constraint on every combination: 'setuptools<81'.",
    ),
    Axis("overrides", "requirements", "with", "overrides", prefix="override ", noun="override"),
    Axis(
        "stand_ins",
        "packages",
        "with",
        "stub packages",
        prefix="no-",
        mark="no-",
        noun="an empty module in place of",
        option="--stand-in",
        metavar="PACKAGE",
        help="Leave a package out, with an empty module in its place.",
    ),
    Axis(
        "as_of",
        "date",
        "as of",
        "as of",
        default=TODAY,
        option="--as-of",
        metavar="DATE",
        help="Packages as they were on that date (2024-04-10); 'today'.",
    ),
    Axis(
        "process_env",
        "process_env",
        "with",
        "process variables",
        default=DEFAULT,
        noun="process variables",
        option="--process-env",
        metavar="NAME",
        help="Process variables: default, legacy-keras, no-onednn, joined by +.",
    ),
    Axis(
        "tfjs_runtime",
        "choice",
        "TensorFlow.js",
        "TensorFlow.js",
        default=DEFAULT,
        mark="js",
        option="--tfjs-runtime",
        help="TensorFlow.js that loads the result: a version, default, converter.",
    ),
)
"""In the order of columns and of the parts of a short name."""


class Combination(msgspec.Struct, frozen=True, omit_defaults=False):
    """One choice on every axis, as it was requested; releases are exact by now.

    ``keras`` is ``resolved`` where the resolver decides, ``as_of`` an ISO date or ``today``, ``process_env`` the name
    of a set of variables. ``stand_ins`` are packages that are left out, with an empty module in their place, for what
    imports them and does not use them. ``tfjs_runtime`` is the TensorFlow.js that loads the result: a version, or
    ``default``, the newest known release.
    """

    python: str
    tensorflow: str
    tensorflowjs: str
    keras: str = RESOLVED
    extra: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()
    as_of: str = TODAY
    process_env: str = DEFAULT
    tfjs_runtime: str = DEFAULT

    def slug(self) -> str:
        """A short readable name, ``tf2.16.1-tfjs4.17.0-py3.11``, fit for a file name; not unique."""
        return "-".join(part for axis in AXES for part in axis.short(self))

    def key(self, axes: Sequence[Axis] = AXES) -> list[tuple[str, Value]]:
        """What distinguishes it from others: the canonical choice on each axis that is not at its default, by name.

        An axis that is added later changes no key, as long as nobody uses it.
        """
        choices = ((axis.name, axis.canonical(self)) for axis in axes)
        return sorted((name, value) for name, value in choices if value is not None)


class Axes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The choices on each axis, as a matrix file lists them; None where it says nothing."""

    python: list[str] | None = None
    tensorflow: list[str] | None = None
    tensorflowjs: list[str] | None = None
    keras: list[str] | None = None
    extra: list[Texts] | None = None
    constraints: list[Texts] | None = None
    overrides: list[Texts] | None = None
    stand_ins: list[Texts] | None = None
    as_of: list[str] | None = None
    process_env: list[str] | None = None
    tfjs_runtime: list[str] | None = None


LONGEST_PATTERN = 1000
"""Characters of a shell pattern: what Python makes of one takes time with the square of its brackets."""


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which cases a rule is about: every key given must match; a list matches where one of its values does."""

    python: Texts | None = None
    tensorflow: Texts | None = None
    tensorflowjs: Texts | None = None
    keras: Texts | None = None
    constraints: Texts | None = None
    as_of: Texts | None = None
    process_env: Texts | None = None
    tfjs_runtime: Texts | None = None
    model: Texts | None = None
    route: Texts | None = None


def texts(value: Texts | None) -> tuple[str, ...]:
    """One or several texts as a tuple; an empty text is none.

    >>> texts("setuptools<81"), texts(["a", ""]), texts(None)
    (('setuptools<81',), ('a',), ())
    """
    return tuple(filter(None, [value] if isinstance(value, str) else value or []))


def _texts(value: Value) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _requirement(line: str) -> str:
    try:
        return str(Requirement(line))
    except InvalidRequirement:
        return line.strip()
