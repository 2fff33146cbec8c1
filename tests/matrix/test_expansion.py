from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.samples import ROOT, case, interpreters, model, release

from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.matrix.axes import Axes, Match
from tfjs_compat.matrix.cases import Case, Expectation
from tfjs_compat.matrix.expansion import Expansion, expand, matches, only, packages_needed
from tfjs_compat.matrix.loading import decode, read_matrix
from tfjs_compat.matrix.models import Kind, Model
from tfjs_compat.matrix.schema import Expect, Include, Matrix, Requirements
from tfjs_compat.matrix.versions import version_fits
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.expectations import as_expected

RELEASES = {
    "tensorflow": (
        release("2.13.1", "2023-10-02", "cp38 cp39 cp310 cp311"),
        release("2.14.1", "2024-01-02", "cp39 cp310 cp311"),
        release("2.15.0", "2023-11-15", "cp39 cp310 cp311"),
        release("2.15.1", "2024-03-08", "cp39 cp310 cp311"),
        release("2.16.1", "2024-03-08", "cp39 cp310 cp311 cp312"),
        release("2.17.1", "2024-10-25", "cp39 cp310 cp311 cp312"),
        release("2.18.1", "2025-03-12", "cp39 cp310 cp311 cp312"),
        release("2.19.1", "2025-08-12", "cp39 cp310 cp311 cp312"),
        release("2.20.0", "2025-08-13", "cp39 cp310 cp311 cp312 cp313"),
        release("2.21.0", "2026-03-06", "cp310 cp311 cp312 cp313"),
    ),
    "tensorflowjs": tuple(release(version, "2023-01-01", "py3") for version in ("4.8.0", "4.10.0", "4.17.0", "4.22.0")),
    "keras": tuple(release(version, "2024-01-01", "py3") for version in ("2.15.0", "3.2.1", "3.3.3")),
}
FOUND = interpreters("3.12.1", "3.11.7", "3.10.13")


def find_model(ref: str) -> Model:
    return model(ref, Kind.SAVED_MODEL if ref.endswith("saved") else Kind.BUILDER)


def expanded(matrix: Matrix) -> Expansion:
    return expand(matrix, RELEASES, FOUND, find_model)


def matrix(**content: Any) -> Matrix:
    """A matrix of one case, but for what is given."""
    axes = {"tensorflow": ["2.16.1"], "tensorflowjs": ["4.17.0"], **content.pop("axes", {})}
    return decode({"models": ["zoo:mlp"], **content, "axes": axes}, "test")


def choices(cases: tuple[Case, ...], *fields: str) -> list[tuple[str, ...]]:
    return [tuple(getattr(case.combination, field) for field in fields) for case in cases]


def test_the_seed_matrix_tells_the_story() -> None:
    cases = expanded(read_matrix(ROOT / "envs" / "seed.toml")).cases
    story = [
        (
            case.combination.tensorflow,
            case.combination.as_of,
            case.combination.process_env,
            " ".join(case.combination.constraints),
            str(case.expected.verdict) if case.expected else None,
            case.expected.issue if case.expected else None,
        )
        for case in cases
    ]
    assert story == [
        ("2.15.0", "2024-04-10", "default", "", "works", None),
        ("2.15.0", "today", "default", "", "fails", "pkg-resources-gone"),
        ("2.16.1", "2024-04-10", "default", "", "fails", "duplicate-weight-name"),
        ("2.16.1", "today", "default", "", "fails", "pkg-resources-gone"),
        ("2.16.1", "2024-04-10", "legacy-keras", "", "works", None),
        ("2.16.1", "today", "default", "setuptools<81", "fails", "keras3-batch-shape"),
    ]


def test_the_frontier_matrix_covers_what_it_says() -> None:
    frontier = expanded(read_matrix(ROOT / "envs" / "frontier.toml"))
    newest_patches = ["2.13.1", "2.14.1", "2.15.1", "2.16.1", "2.17.1", "2.18.1", "2.19.1", "2.20.0", "2.21.0"]
    assert list(dict.fromkeys(choices(frontier.cases, "tensorflow"))) == [(version,) for version in newest_patches]
    assert len(frontier.cases) == 9 * 3 * 2 * 3 * 2
    assert not frontier.left_out


def test_axes_multiply_in_the_order_in_which_they_stand() -> None:
    axes = {
        "tensorflow": ["2.16.1", "2.15.0"],
        "tensorflowjs": ["4.22.0", "4.17.0"],
        "as_of": ["today", "2024-04-10"],
        "process_env": ["legacy-keras", "default"],
    }
    cases = expanded(matrix(axes=axes, models=["zoo:b", "zoo:a"], routes=["graph", "layers"])).cases
    assert len(cases) == 2**6
    assert choices(cases[:1], "tensorflow", "tensorflowjs", "as_of", "process_env") == [
        ("2.16.1", "4.22.0", "today", "legacy-keras")
    ]
    assert [(case.model.ref, case.route.name) for case in cases[:4]] == [
        ("zoo:b", "graph"),
        ("zoo:b", "layers"),
        ("zoo:a", "graph"),
        ("zoo:a", "layers"),
    ]


def test_a_range_ends_at_each_date_of_its_own() -> None:
    cases = expanded(matrix(axes={"tensorflow": ["newest"], "as_of": ["2024-02-01", "2024-12-01", "today"]})).cases
    assert choices(cases, "as_of", "tensorflow") == [
        ("2024-02-01", "2.15.0"),
        ("2024-12-01", "2.17.1"),
        ("today", "2.21.0"),
    ]


def test_requirements_of_all_stand_before_those_of_the_axis() -> None:
    given_ = matrix(
        axes={"extra": ["", ["pandas", "scipy"]], "constraints": ["numpy<2"]},
        requirements={"extra": ["h5py"], "constraints": ["setuptools<81"], "overrides": ["protobuf==5"]},
    )
    cases = expanded(given_).cases
    assert choices(cases, "extra", "constraints", "overrides") == [
        (("h5py",), ("setuptools<81", "numpy<2"), ("protobuf==5",)),
        (("h5py", "pandas", "scipy"), ("setuptools<81", "numpy<2"), ("protobuf==5",)),
    ]


@pytest.mark.parametrize(
    ("axis", "value", "combined"),
    [
        ("python", "auto", "3.11"),
        ("python", "3.12", "3.12"),
        ("python", "3.10.13", "3.10.13"),
        ("python", "/pythons/3.12.1/bin/python", "3.12.1"),
        ("keras", "resolved", "resolved"),
        ("keras", "3.2.*", "3.2.1"),
        ("tfjs_runtime", "converter", "4.17.0"),
        ("tfjs_runtime", "4.22.0", "4.22.0"),
        ("tfjs_runtime", "default", "default"),
    ],
)
def test_what_a_value_of_an_axis_becomes(axis: str, value: str, combined: str) -> None:
    cases = expanded(matrix(axes={axis: [value]})).cases
    assert choices(cases, axis) == [(combined,)]


def test_without_a_fitting_interpreter_the_machine_is_at_fault() -> None:
    with pytest.raises(MachineryError) as raised:
        expand(matrix(), RELEASES, interpreters("3.13.0"), find_model)
    assert str(raised.value) == (
        "tensorflow 2.16.1 cannot be installed: it has wheels for Python 3.9, 3.10, 3.11, 3.12, "
        "this machine has Python 3.13.0\nhint: `uv python install 3.12` adds one"
    )
    with pytest.raises(MachineryError, match=r"there is no Python 3\.9"):
        expanded(matrix(axes={"python": ["3.9"]}))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"axes": {"tensorflow": ["2.16.9"]}}, "tensorflow: there is no release '2.16.9'"),
        ({"models": []}, "test: key 'models': missing"),
        ({"exclude": [{"tensorflow": ">=2"}]}, "there is no case to run: its excludes leave nothing"),
        (
            {"models": ["my-saved"], "routes": ["keras-h5"]},
            "my-saved at tf2.16.1-tfjs4.17.0-py3.11: route keras-h5 does not take a saved-model model",
        ),
    ],
)
def test_a_matrix_without_a_case_is_refused_with_the_reason(content: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError) as raised:
        expanded(matrix(name="test", **content))
    assert said in str(raised.value)


@pytest.mark.parametrize("axis", ["tensorflow", "tensorflowjs"])
def test_versions_have_to_be_named(axis: str) -> None:
    named = msgspec.structs.replace(matrix(name="test").axes, **{axis: None})
    with pytest.raises(RequestError, match=f"test: key 'axes.{axis}': missing"):
        expanded(msgspec.structs.replace(matrix(name="test"), axes=named))


def test_what_cannot_be_is_left_out_and_told_once() -> None:
    axes = {"tensorflowjs": ["4.8.0", "4.10.0"], "as_of": ["today", "2024-04-10"]}
    expansion = expanded(matrix(axes=axes, routes=["layers", "keras-v3"], include=[{}]))
    assert sorted({(case.combination.tensorflowjs, case.route.name) for case in expansion.cases}) == [
        ("4.10.0", "keras-v3"),
        ("4.10.0", "layers"),
        ("4.8.0", "layers"),
    ]
    assert [skipped.why for skipped in expansion.left_out] == ["route keras-v3 needs tensorflowjs >=4.10"] * 2
    assert expansion.left_out[0].what == "mlp at tf2.16.1-tfjs4.8.0-py3.11"


def test_an_include_replaces_what_it_names_and_ignores_excludes() -> None:
    given_ = matrix(
        routes=["layers", "graph"],
        axes={"process_env": ["default", "legacy-keras"]},
        exclude=[{"route": "graph"}],
        include=[{"tensorflow": ["2.15.0"], "routes": ["graph"]}],
    )
    story = [
        (case.combination.tensorflow, case.combination.process_env, case.route.name, case.model.ref)
        for case in expanded(given_).cases
    ]
    assert story == [
        ("2.16.1", "default", "layers", "zoo:mlp"),
        ("2.16.1", "legacy-keras", "layers", "zoo:mlp"),
        ("2.15.0", "default", "graph", "zoo:mlp"),
        ("2.15.0", "legacy-keras", "graph", "zoo:mlp"),
    ]


@pytest.mark.parametrize(("today", "expired"), [("2026-11-30", False), ("2026-12-01", True), ("2027-01-01", True)])
def test_an_expectation_expires_on_its_date(today: str, expired: bool) -> None:
    rules = [{"verdict": "fails", "reason": "x", "expires": "2026-12-01", "link": "https://example.org/1"}]
    (case,) = expand(matrix(expect=rules), RELEASES, FOUND, find_model, today).cases
    assert case.expected is not None
    assert (case.expected.expired, case.expected.link) == (expired, "https://example.org/1")
    assert as_expected(case.expected, Stage.PREDICT, Verdict.FAILS, Stage.LOAD, (), None) is not expired
    assert as_expected(case.expected, Stage.PREDICT, Verdict.WORKS, Stage.PREDICT, (), None) is expired


def test_the_last_rule_that_fits_says_what_is_expected() -> None:
    rules = [
        {"verdict": "fails", "stage": "load", "resolved_keras": "3.*", "reason": "general"},
        {"route": "graph", "issue": "unsupported-ops", "reason": "special"},
        {"route": "graph", "model": "zoo:other", "verdict": "works", "reason": "of another model"},
    ]
    cases = expanded(matrix(routes=["layers", "graph"], expect=rules)).cases
    assert [case.expected for case in cases] == [
        Expectation(verdict=Verdict.FAILS, stage=Stage.LOAD, keras="3.*", reason="general", rule=0),
        Expectation(issue="unsupported-ops", reason="special", rule=1),
    ]
    assert expanded(matrix()).cases[0].expected is None


@pytest.mark.parametrize(
    ("axes", "include", "packages"),
    [
        ({}, {}, ("tensorflow", "tensorflowjs")),
        ({"keras": ["resolved"]}, {}, ("tensorflow", "tensorflowjs")),
        ({"keras": ["resolved", "3.2.1"]}, {}, ("tensorflow", "tensorflowjs", "keras")),
        ({}, {"keras": ["3.2.1"]}, ("tensorflow", "tensorflowjs", "keras")),
    ],
)
def test_only_what_is_asked_for_is_looked_up(axes: dict[str, Any], include: dict[str, Any], packages: tuple) -> None:
    assert packages_needed(matrix(axes=axes, include=[include])) == packages


CASE = case(
    route="graph", ref="zoo:lstm", constraints=("setuptools<81", "numpy<2"), process_env="legacy-keras+no-onednn"
)


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (Match(), True),
        (Match(tensorflow="2.16.1"), True),
        (Match(tensorflow="2.16"), False),
        (Match(tensorflow="2.16.*"), True),
        (Match(tensorflow=">=2.16,<2.17"), True),
        (Match(tensorflow=["2.15.0", ">=2.17"]), False),
        (Match(tensorflow=["2.15.0", ">=2.16"]), True),
        (Match(tensorflow=[]), False),
        (Match(tensorflow=">=2.16", route="layers"), False),
        (Match(model="zoo:lstm"), True),
        (Match(model="zoo:*"), True),
        (Match(model="*lstm"), True),
        (Match(model="zoo:lst"), False),
        (Match(route=["layers", "graph"]), True),
        (Match(process_env="legacy-keras"), False),
        (Match(process_env="legacy-keras*"), True),
        (Match(constraints="numpy<2"), True),
        (Match(constraints=""), False),
        (Match(constraints="setuptools<80"), False),
        (Match(keras="resolved"), True),
        (Match(keras=">=3"), False),
        (Match(as_of="today"), True),
        (Match(as_of="2024-*"), False),
        (Match(python="3.11"), True),
        (Match(python=">=3.10"), True),
        (Match(tfjs_runtime="default"), True),
    ],
    ids=repr,
)
def test_which_cases_a_rule_is_about(rule: Match, fits: bool) -> None:
    assert matches(rule, CASE) is fits


def test_a_rule_without_constraints_can_be_asked_for() -> None:
    assert matches(Match(constraints=""), case())
    assert not matches(Match(constraints="setuptools<81"), case())


@pytest.mark.parametrize(
    ("version", "pattern", "fits"),
    [
        ("3.2.1", "3.2.1", True),
        ("3.2.1", "3.*", True),
        ("3.2.1", ">=3.3", False),
        ("3.3.0rc0", ">=3.2", True),
        ("2.15.0", "3.*", False),
        ("3.2", "3.2.0", True),
        ("resolved", ">=3", False),
        ("resolved", "res*", True),
        ("", "setuptools<81", False),
    ],
)
def test_whether_a_version_fits(version: str, pattern: str, fits: bool) -> None:
    assert version_fits(version, pattern) is fits


def test_only_selects_by_case_id_or_combination_name() -> None:
    everything = expanded(matrix(axes={"tensorflow": ["2.15.0", "2.16.1"]}, routes=["layers", "graph"]))
    assert only(everything, ()) == everything
    third = everything.cases[2]
    assert only(everything, [third.id]).cases == (third,)
    assert only(everything, ["tf2.16.1-*"]).cases == everything.cases[2:]
    assert only(everything, ["*-graph-*", "tf2.15.0-tfjs4.17.0-py3.11"]).cases == tuple(
        everything.cases[at] for at in (0, 1, 3)
    )
    with pytest.raises(RequestError, match=r"^--only 2.15.0-tfjs4.17.0: .*\nhint: did you mean 'tf2.15.0-tfjs4"):
        only(everything, ["2.15.0-tfjs4.17.0"])


def some(*choices: Any) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(choices), min_size=1, max_size=3)


axes_values = {
    "python": some("auto", "3.11", "3.12.1"),
    "tensorflow": some("2.16.1", "2.15.0", ">=2.15,<2.17", "newest", "2.16.*"),
    "tensorflowjs": some("4.8.0", "4.17.0", ">=4.9"),
    "keras": some("resolved", "3.2.1", "3.*"),
    "constraints": some("", "setuptools<81", ["setuptools<81", "numpy<2"]),
    "as_of": some("today", "2025-01-01"),
    "process_env": some("default", "legacy-keras"),
}
named = st.fixed_dictionaries(
    {}, optional={"routes": some("layers", "keras-v3", "graph"), "models": some("zoo:a", "m-saved")}
)
blocks = st.builds(lambda axes, rest: Include(**axes, **rest), st.fixed_dictionaries({}, optional=axes_values), named)
rules = st.fixed_dictionaries(
    {},
    optional={
        "tensorflow": st.sampled_from(["2.16.1", ">=2.16", "2.15.*"]),
        "route": st.sampled_from(["graph", "k*"]),
        "process_env": st.sampled_from(["legacy-keras", ["default", "x"]]),
        "constraints": st.sampled_from(["", "numpy<2"]),
        "model": st.just("zoo:*"),
    },
).map(lambda fields: Match(**fields))
matrices = st.builds(
    Matrix,
    models=some("zoo:a", "zoo:b", "m-saved"),
    routes=some("layers", "keras-v3", "graph"),
    axes=st.builds(
        Axes,
        **{key: axes_values[key] for key in ("tensorflow", "tensorflowjs")},
        **{key: st.none() | value for key, value in axes_values.items() if key not in ("tensorflow", "tensorflowjs")},
    ),
    requirements=st.sampled_from([Requirements(), Requirements(extra=["h5py"])]),
    include=st.lists(blocks, max_size=2),
    exclude=st.lists(rules, max_size=2),
    expect=st.lists(rules.map(lambda rule: Expect(**msgspec.structs.asdict(rule), verdict=Verdict.FAILS)), max_size=1),
)


def cases_of(given_: Matrix) -> tuple[Case, ...]:
    try:
        return expanded(given_).cases
    except RequestError as error:
        if "there is no case to run" not in str(error):
            raise
        return ()


def without(given_: Matrix, *fields: str) -> Matrix:
    return msgspec.structs.replace(given_, **{field: [] for field in fields})


@settings(max_examples=30)
@given(matrices)
def test_no_case_comes_twice_and_no_two_share_an_id(given_: Matrix) -> None:
    cases = cases_of(given_)
    assert len(set(cases)) == len({case.id for case in cases}) == len(cases)


@settings(max_examples=30)
@given(matrices)
def test_expansion_is_deterministic(given_: Matrix) -> None:
    again = msgspec.json.decode(msgspec.json.encode(given_), type=Matrix)
    assert cases_of(given_) == cases_of(again)


@settings(max_examples=30)
@given(matrices)
def test_excludes_hold_and_take_away_nothing_else(given_: Matrix) -> None:
    alone = without(given_, "include")
    left = [
        case for case in cases_of(without(alone, "exclude")) if not any(matches(rule, case) for rule in given_.exclude)
    ]
    assert list(cases_of(alone)) == left


@settings(max_examples=30)
@given(matrices)
def test_an_include_adds_at_the_end_and_moves_nothing(given_: Matrix) -> None:
    before = cases_of(without(given_, "include"))
    assert cases_of(given_)[: len(before)] == before


@settings(max_examples=30)
@given(matrices)
def test_a_choice_less_leaves_the_others_in_their_order(given_: Matrix) -> None:
    alone = without(given_, "include")
    axes = alone.axes
    fewer = msgspec.structs.replace(alone, axes=msgspec.structs.replace(axes, tensorflow=(axes.tensorflow or [])[:1]))
    whole, part = cases_of(alone), cases_of(fewer)
    assert whole[: len(part)] == part


@settings(max_examples=30)
@given(matrices)
def test_expectations_follow_the_rules_and_change_no_case(given_: Matrix) -> None:
    plain = cases_of(without(given_, "expect"))
    cases = cases_of(given_)
    assert [msgspec.structs.replace(found, expected=None) for found in cases] == list(plain)
    for found in cases:
        assert (found.expected is not None) == any(matches(rule, found) for rule in given_.expect)
