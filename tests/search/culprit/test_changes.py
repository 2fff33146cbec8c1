"""Differences between two trials as values, and the trials between them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from support.samples import PYTHON, case, interpreters

from tfjs_compat.engine.plan import Planned
from tfjs_compat.locks.lock import make_lock
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.search.culprit.changes import Change, changes_between, mixture

HASH = " --hash=sha256:" + "0" * 64


def trial(*pins: str, route: str = "layers", variables: dict[str, str] | None = None, **axes: Any) -> Planned:
    python = axes.pop("interpreter", PYTHON)
    stand_ins = axes.get("stand_ins", ())
    text = "".join(f"{pin}{HASH}\n" for pin in ("tensorflow==2.16.1", "tensorflowjs==4.17.0", *pins))
    lock = make_lock(text, python, source_builds=False, stand_ins=stand_ins)
    return Planned(msgspec.structs.replace(case(**axes), route=find_route(route)), python, lock, variables or {})


def test_every_kind_of_difference_is_a_change() -> None:
    good = trial("a==1", "b==1", route="graph+control-flow-v2", variables={"X": "1"}, tfjs_runtime="4.17.0")
    old_python = interpreters("3.10.4")[0]
    bad = trial("b==2", "c==1", route="layers+repair", tfjs_runtime="4.22.0", interpreter=old_python, python="3.10")
    assert changes_between(good, bad) == (
        Change("package", "a", "1", None),
        Change("package", "b", "1", "2"),
        Change("package", "c", None, "1"),
        Change("python", "python", "3.11.7", "3.10.4"),
        Change("process_env", "X", "1", None),
        Change("route", "route", "graph", "layers"),
        Change("option", "control-flow-v2", "control-flow-v2", None),
        Change("option", "repair", None, "repair"),
        Change("runtime", "tensorflow.js", "4.17.0", "4.22.0"),
    )


def test_a_trial_and_itself_differ_in_nothing() -> None:
    assert changes_between(trial("a==1"), trial("a==1")) == ()


def test_the_ends_are_the_mixtures_of_none_and_of_all() -> None:
    good, bad = trial("a==1"), trial("a==2", variables={"X": "1"})
    assert mixture(good, bad, ()) is good
    assert mixture(good, bad, changes_between(good, bad)) is bad


def test_a_mixture_has_what_is_applied_and_its_hashes() -> None:
    good = trial("a==1", "b==1", "gone==1")
    bad = trial("a==2", "b==2", "new==1", variables={"X": "1"}, route="graph")
    applied = [change for change in changes_between(good, bad) if change.name in ("a", "gone", "new", "X")]
    mixed = mixture(good, bad, applied)
    assert mixed is not None
    assert not isinstance(mixed.lock, str)
    assert changes_between(good, mixed) == tuple(applied)
    assert set(changes_between(good, bad)) == {*changes_between(good, mixed), *changes_between(mixed, bad)}
    assert all(pin.hashes for pin in mixed.lock.pins())  # type: ignore[union-attr]
    assert mixed.case.route.name == "layers"
    assert mixed.case.id not in (good.case.id, bad.case.id)


def test_what_stands_in_for_a_package_goes_where_the_package_is_not() -> None:
    good, bad = trial("a==1", "heavy==1"), trial("a==2", stand_ins=("heavy",))
    (a, heavy) = changes_between(good, bad)
    for applied, stand_ins in (((a,), ()), ((heavy,), ("heavy",))):
        mixed = mixture(good, bad, applied)
        assert mixed is not None
        assert mixed.lock.stand_ins == stand_ins  # type: ignore[union-attr]


def test_a_route_without_the_variant_that_it_would_need_is_no_trial() -> None:
    good, bad = trial(route="layers"), trial(route="graph+control-flow-v2")
    option = next(change for change in changes_between(good, bad) if change.kind == "option")
    assert mixture(good, bad, [option]) is None


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Change("package", "a", "1", "2"), "a 1 → 2"),
        (Change("package", "a", None, "2"), "a not installed → 2"),
        (Change("process_env", "X", "1", None), "X 1 → unset"),
        (Change("route", "route", "graph", "layers"), "route graph → layers"),
        (Change("option", "repair", None, "repair"), "option repair off → on"),
    ],
)
def test_a_change_in_words(change: Change, text: str) -> None:
    assert str(change) == text
