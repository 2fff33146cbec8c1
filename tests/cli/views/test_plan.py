from __future__ import annotations

import msgspec
import pytest
from support.samples import planned

from tfjs_compat.cli.views.plan import keras_to_use
from tfjs_compat.locks.lock import Lock


@pytest.mark.parametrize(
    ("variables", "packages", "version"),
    [
        ({}, {"keras": "3.2.1", "tf-keras": "2.16.0"}, "3.2.1"),
        ({"TF_USE_LEGACY_KERAS": "1"}, {"keras": "3.2.1", "tf-keras": "2.16.0"}, "2.16.0"),
        ({"TF_USE_LEGACY_KERAS": "0"}, {"keras": "3.2.1", "tf-keras": "2.16.0"}, "3.2.1"),
        ({"TF_USE_LEGACY_KERAS": "1"}, {"keras": "2.13.1"}, "2.13.1"),
        ({}, {}, ""),
    ],
)
def test_a_plan_shows_the_keras_that_will_be_in_use(
    variables: dict[str, str], packages: dict[str, str], version: str
) -> None:
    case = planned(1, 5, **variables)
    assert isinstance(case.lock, Lock)
    case = msgspec.structs.replace(case, lock=msgspec.structs.replace(case.lock, packages=packages))
    assert keras_to_use(case) == version
    assert keras_to_use(planned(1, "no network")) == ""
