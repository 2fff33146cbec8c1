"""A resolver's explanations, as uv wrote them, shortened."""

from __future__ import annotations

import textwrap

import pytest
from support.samples import DATA

from tfjs_compat.locks.conflicts import explain, resolver_fault

TEXTS = {path.stem: path.read_text("utf-8") for path in (DATA / "resolver").glob("*.txt")}

TFDF = ("tensorflow", "tensorflow-decision-forests", "tensorflowjs")
EXPLAINED: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "tf2.20.0-tfjs4.22.0-py311": (
        TFDF,
        [
            "Because tensorflow-decision-forests==1.10.0 depends on tensorflow==2.17.0 and tensorflowjs>=4.22.0",
            "tensorflow==2.18.0 tensorflow==2.19.0 And because you require tensorflow==2.20.0 and tensorflowjs==4.22.0",
        ],
    ),
    "tf2.18.1-tfjs4.22.0-py311": ((*TFDF, "tf-keras"), ["And because you require tensorflow==2.18.1 and tensorflowjs"]),
    "tf2.20.0-tfjs4.22.0-py312": (
        TFDF,
        ["tensorflow-decision-forests>=1.12.0 depends on tensorflow==2.19.0", "You require CPython 3.12 (`cp312`)"],
    ),
    "tf2.20.0-tfjs4.22.0-py313": (TFDF[1:], ["tensorflow-decision-forests>=1.5.0 cannot be used", "(`cp313`)"]),
    "tf2.16.1-tfjs4.17.0-py312": (TFDF, ["only found wheels for `tensorflow-decision-forests` (v1.11.0)"]),
    "tf2.15.0-tfjs4.17.0-py312": (("tensorflow",), ["has no wheels with a matching Python ABI tag (e.g., `cp312`)"]),
    "tf2.15.0-tfjs4.17.0-windows": (TFDF[1:], ["on the following platforms: `manylinux_2_17_x86_64`"]),
    "tf2.15.0-tfjs4.17.0-linux-arm": (TFDF[1:], ["on the following platforms: `manylinux_2_17_x86_64`"]),
    "tf2.12.1-tfjs4.17.0-py311": (("tensorflow", "tensorflowjs"), ["tensorflowjs==4.17.0 depends on tensorflow>=2.13"]),
    "tf2.12.1-tfjs3.21.0-py311": (
        ("protobuf", "tensorflow", "tensorflowjs"),
        ["tensorflowjs==3.21.0 depends on protobuf>=3.9.2,<3.20 and tensorflow==2.12.1 depends on one of"],
    ),
    "tf2.13.1-tfjs4.0.0-py311": (("protobuf", "tensorflow", "tensorflowjs"), ["depends on protobuf>=3.9.2,<3.20"]),
    "tf2.99-tfjs4.22.0-py311": (("tensorflow",), ["there is no version of tensorflow==2.99"]),
    "keras3-tf2.15.0-py311": (
        ("keras", "tensorflow"),
        ["tensorflow==2.15.0 depends on keras>=2.15.0,<2.16", "you require keras==3.2.1"],
    ),
    "keras2-tf2.16.1-py311": (
        ("keras", "tensorflow"),
        ["tensorflow==2.16.1 depends on keras>=3.0.0", "you require keras==2.15.0"],
    ),
    "numpy2-tf2.16.1-py311": (("numpy", "tensorflow"), ["you require numpy>=2"]),
    "legacy-keras-mismatch-py311": (("tensorflow", "tf-keras"), ["tf-keras==2.16.0 depends on tensorflow>=2.16,<2.17"]),
    "constraint-tfdf-py311": (TFDF, ["tensorflow-decision-forests==1.8.1 depends on tensorflow>=2.15.0,<2.16.dev0"]),
    "asof-before-release-py311": (
        ("tensorflow",),
        ["only include packages uploaded before 2024-01-10", "v2.16.1, was published at 2024-03-09T00:23:14.541Z."],
    ),
    "asof-converter-py311": (("tensorflowjs",), ["v4.22.0, was published at 2024-10-21T21:35:41.663Z."]),
    "asof-constraint-py311": (
        ("setuptools", "tensorflow"),
        ["only setuptools<=69.2.0 is available", "`setuptools` was filtered by `exclude-newer`"],
    ),
    "extra-unknown-package-py311": (
        ("no-such-package-tfjs-compat",),
        ["no-such-package-tfjs-compat was not found in the package registry"],
    ),
}


def test_every_recorded_text_is_looked_at() -> None:
    assert set(EXPLAINED) == set(TEXTS)


@pytest.mark.parametrize("name", EXPLAINED)
def test_an_explanation_names_packages_and_says_why(name: str) -> None:
    packages, parts = EXPLAINED[name]
    short = explain(TEXTS[name])
    assert short.packages == packages
    for part in parts:
        assert part in short.message
    assert short.message.startswith("Because ")
    assert "unsatisfiable" in short.message
    assert "Consider using" not in short.message
    assert "No solution found" not in short.message
    assert len(short.message) < 1200
    assert "\n" not in short.message
    assert short.text == TEXTS[name].strip()


def test_a_source_build_that_fails_names_its_package() -> None:
    text = "error: Failed to build `uvloop==0.22.1`\n  cause: RuntimeError: uvloop does not support Windows\n"
    short = explain(text, ("tensorflowjs==4.22.0",))
    assert "uvloop" in short.packages
    assert "uvloop does not support Windows" in short.message


def test_a_text_without_end_is_clipped() -> None:
    short = explain("No solution found\n cause: Because " + "a==1 depends on b<2 and " * 500)
    assert len(short.message) < 1000
    assert short.message.endswith("…")


REFUSED = {
    "uv 0.13": (
        "error: No solution found when resolving dependencies\n  cause: Because keras was not found in the package"
        " registry and you require keras==3.2.1, we can conclude that your requirements are unsatisfiable.\n\n"
        "hint: An index URL (http://i/simple/) could not be queried due to a lack of valid authentication credentials"
        " (401 Unauthorized).\n"
    ),
    "uv 0.8": (
        "  × No solution found when resolving dependencies:\n"
        "  ╰─▶ Because keras was not found in the package registry and you require\n"
        "      keras==3.2.1, we can conclude that your requirements are unsatisfiable.\n\n"
        "      hint: An index URL (http://127.0.0.1:46793/simple/) could not be queried\n"
        "      due to a lack of valid authentication credentials (403 Forbidden).\n"
    ),
    "uv 0.11": (
        "  × No solution found when resolving dependencies:\n"
        "  ╰─▶ Because keras was not found in the package registry and you require\n"
        "      keras==3.2.1, we can conclude that your requirements are unsatisfiable.\n\n"
        "      hint: An index URL (http://127.0.0.1:46571/simple/) returned a 403\n"
        "      Forbidden error. This could indicate lack of valid authentication\n"
        "      credentials, or the package may not exist on this index.\n"
    ),
}


@pytest.mark.parametrize("version", REFUSED)
def test_an_index_that_refuses_one_package_proves_nothing(version: str) -> None:
    assert "the package index" in (resolver_fault(REFUSED[version]) or "")


@pytest.mark.parametrize("name", EXPLAINED)
def test_a_conflict_is_no_machinery_fault(name: str) -> None:
    assert resolver_fault(TEXTS[name]) is None


@pytest.mark.parametrize("width", [20, 40, 80, 400])
def test_where_lines_break_changes_no_fault(width: int) -> None:
    for text in ("error sending request for url (https://i/simple/x)", "No space left on device (os error 28)"):
        wrapped = "  × It failed\n" + "\n".join(
            textwrap.wrap(text, width, initial_indent="  ╰─▶ ", subsequent_indent="      ")
        )
        assert resolver_fault(wrapped) is not None
