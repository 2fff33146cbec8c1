from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tfjs_compat import api
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.results.case_result import Results
from tfjs_compat.system.store import Store

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.real)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One store for all real tests; TFJS_COMPAT_TEST_CACHE keeps it between runs of them."""
    named = os.environ.get("TFJS_COMPAT_TEST_CACHE")
    return Store(Path(named) if named else tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def run_matrix(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Results]:
    """Runs the text of a matrix file: ``run_matrix(text, files, output=…)``; ``files`` lie beside it."""

    def run(text: str, files: dict[str, str] | None = None, **options: Any) -> Results:
        folder = tmp_path_factory.mktemp("matrix")
        for name, content in {"matrix.toml": text, **(files or {})}.items():
            (folder / name).write_text(content, "utf-8")
        options.setdefault("output", folder / "out")
        options.setdefault("store", store)
        return api.run(RunRequest(matrix=str(folder / "matrix.toml"), **options))

    return run
