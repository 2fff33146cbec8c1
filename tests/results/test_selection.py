"""One case of a run's results, by a part of its id."""

from __future__ import annotations

import pytest
from support.samples import result, results

from tfjs_compat.errors import RequestError
from tfjs_compat.results.selection import find_case

FOUND = results(result(id="mlp-layers-tf2.15"), result(id="mlp-layers-tf2.15.1", trial="mlp-layers-tf2.15.1/aa"))


@pytest.mark.parametrize("name", ["mlp-layers-tf2.15.1", "tf2.15.1", "TF2.15.1", "mlp-layers-tf2.15.1/aa"])
def test_a_unique_part_is_enough(name: str) -> None:
    assert find_case(FOUND, name).id == "mlp-layers-tf2.15.1"


def test_a_whole_id_counts_more_than_a_part() -> None:
    assert find_case(FOUND, "mlp-layers-tf2.15").id == "mlp-layers-tf2.15"


@pytest.mark.parametrize(
    ("name", "message"), [("mlp", "2 cases have that in their id"), ("lstm", "the results have none")]
)
def test_none_and_several_are_refused(name: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        find_case(FOUND, name)
