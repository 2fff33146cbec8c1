import pytest
from support.samples import model

from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.models import Kind
from tfjs_compat.matrix.routes import ROUTES, find_route, why_unavailable


@pytest.mark.parametrize("name", ROUTES)
def test_a_route_is_found_by_its_name(name: str) -> None:
    assert find_route(name).name == name


def test_an_unknown_route_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(RequestError, match="did you mean 'keras-h5'"):
        find_route("keras_h5")


@pytest.mark.parametrize("route", ["layers", "keras-h5", "keras-v3", "graph"])
@pytest.mark.parametrize(("tensorflow", "tensorflowjs"), [("2.15.0", "4.10.0"), ("2.21.0", "4.22.0")])
def test_today_every_route_exists(route: str, tensorflow: str, tensorflowjs: str) -> None:
    assert why_unavailable(ROUTES[route], tensorflow, tensorflowjs, model()) is None


@pytest.mark.parametrize(
    ("route", "tensorflow", "tensorflowjs", "why"),
    [
        ("keras-v3", "2.12.0", "4.8.0", "needs tensorflowjs >=4.10"),
        ("keras-v3", "2.11.1", "4.10.0", "needs tensorflow >=2.12"),
        ("keras-v3", "2.13.0", "4.10.0rc0", "needs tensorflowjs >=4.10"),
        ("graph", "1.14.0", "4.10.0", "needs tensorflow >=1.15"),
        ("graph", "2.0.0", "0.8.6", "needs tensorflowjs >=1.0"),
    ],
)
def test_a_route_does_not_exist_before_its_time(route: str, tensorflow: str, tensorflowjs: str, why: str) -> None:
    assert why in (why_unavailable(ROUTES[route], tensorflow, tensorflowjs, model()) or "")


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("route", ROUTES)
def test_only_routes_without_a_keras_file_take_a_saved_model(route: str, kind: Kind) -> None:
    refused = kind is Kind.SAVED_MODEL and route in ("keras-h5", "keras-v3")
    why = why_unavailable(ROUTES[route], "2.16.1", "4.17.0", model("m", kind))
    assert why == (f"route {route} does not take a saved-model model" if refused else None)
