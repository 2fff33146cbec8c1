"""The matrices that ship, for real. "Today" is pinned, so that no test depends on the calendar."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfjs_compat import api
from tfjs_compat.cli.exit_codes import of_results
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.matrices import matrix_path
from tfjs_compat.workflows.plan import cases

pytestmark = pytest.mark.real

TODAY = "2026-11-20"


@pytest.fixture(scope="module")
def seed(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("seed")
    pinned = folder / "seed.toml"
    pinned.write_text(matrix_path("seed").read_text("utf-8").replace('"today"', f'"{TODAY}"'), "utf-8")
    return api.run(RunRequest(matrix=str(pinned), output=folder / "out", store=store))


def case(
    results: Results, tensorflow: str, as_of: str, process_env: str = "default", constrained: bool = False
) -> CaseResult:
    (found,) = [
        result
        for result in results.cases
        if (result.combination.tensorflow, result.combination.as_of) == (tensorflow, as_of)
        and result.combination.process_env == process_env
        and bool(result.combination.constraints) == constrained
    ]
    return found


def test_the_story_is_as_the_seed_declares_it(seed: Results) -> None:
    surprises = [
        (case.id, case.verdict, case.stage, case.issues, case.message) for case in seed.cases if not case.as_expected
    ]
    assert surprises == []
    assert of_results(seed) == 0
    assert len(seed.cases) == 6


@pytest.mark.parametrize(
    ("tensorflow", "as_of", "process_env", "constrained", "verdict", "stage", "issue", "keras"),
    [
        ("2.15.0", "2024-04-10", "default", False, "works", "predict", None, "2.15.0"),
        ("2.15.0", TODAY, "default", False, "fails", "import", "pkg-resources-gone", "2.15.0"),
        ("2.16.1", "2024-04-10", "default", False, "fails", "convert", "duplicate-weight-name", "3.2.1"),
        ("2.16.1", "2024-04-10", "legacy-keras", False, "works", "predict", None, "3.2.1"),
        ("2.16.1", TODAY, "default", False, "fails", "import", "pkg-resources-gone", "3.15.1"),
        ("2.16.1", TODAY, "default", True, "fails", "check", "keras3-batch-shape", "3.15.1"),
    ],
)
def test_each_case(
    seed: Results,
    tensorflow: str,
    as_of: str,
    process_env: str,
    constrained: bool,
    verdict: str,
    stage: str,
    issue: str | None,
    keras: str,
) -> None:
    found = case(seed, tensorflow, as_of, process_env, constrained)
    assert (str(found.verdict), str(found.stage), found.issue) == (verdict, stage, issue)
    assert found.resolved["keras"] == keras
    assert found.resolved["tensorflow"] == tensorflow


def test_legacy_keras_is_what_ran(seed: Results) -> None:
    assert case(seed, "2.16.1", "2024-04-10", "legacy-keras").keras_in_use == "2.16.0"
    assert case(seed, "2.16.1", "2024-04-10").keras_in_use == "3.2.1"


def test_all_reasons_are_named_not_the_first(seed: Results) -> None:
    found = case(seed, "2.16.1", TODAY, constrained=True)
    assert {"keras3-batch-shape", "keras3-weight-prefix"} <= set(found.issues)
    assert all(finding.path.startswith("$") for finding in found.findings)


def test_predictions_agreed_closely_and_could_have_differed(seed: Results) -> None:
    for found in seed.cases:
        if found.verdict is Verdict.WORKS:
            assert found.parity is not None
            assert found.parity.informative
            assert found.parity.max_abs is not None
            assert found.parity.max_abs < 1e-6


def test_cases_of_one_lock_share_an_environment(seed: Results) -> None:
    assert case(seed, "2.16.1", "2024-04-10").lock == case(seed, "2.16.1", "2024-04-10", "legacy-keras").lock
    assert len({found.lock for found in seed.cases}) == 5


def test_a_second_run_takes_what_the_first_found(seed: Results, store: Store, tmp_path: Path) -> None:
    pinned = tmp_path / "seed.toml"
    pinned.write_text(matrix_path("seed").read_text("utf-8").replace('"today"', f'"{TODAY}"'), "utf-8")
    again = api.run(RunRequest(matrix=str(pinned), output=tmp_path / "out", store=store))
    assert all(found.cached for found in again.cases)
    same = [(case.id, case.verdict, case.stage, case.issues, case.signature) for case in seed.cases]
    assert [(case.id, case.verdict, case.stage, case.issues, case.signature) for case in again.cases] == same
    assert all(found.log is None or (tmp_path / "out" / found.log).is_file() for found in again.cases)


def test_frontier_expands_to_what_it_says(store: Store) -> None:
    found = cases(RunRequest(matrix="frontier", store=store))
    minors = {case.combination.tensorflow.rpartition(".")[0] for case in found}
    assert minors == {f"2.{minor}" for minor in range(13, 22)}
    assert {case.combination.tensorflowjs for case in found} == {"4.10.0", "4.17.0", "4.22.0"}
    assert len(found) == 9 * 3 * 2 * 3 * 2
    assert len({case.id for case in found}) == len(found)
