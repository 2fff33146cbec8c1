"""What the distributions in an environment say of themselves."""

from __future__ import annotations

from pathlib import Path

from support.environments import put_environment

from tfjs_compat.environments.distributions import Distribution, distributions
from tfjs_compat.system.store import Store

METADATA = """Metadata-Version: 2.1
Name: Some_Package
Version: 1.2
Requires-Dist: numpy<2
Requires-Dist: pytest; extra == 'test'
Requires-Python: >=3.8
Project-URL: Source, https://github.com/a/b
Home-page: https://a.example

Name: not a header
"""
FILES = ["some/__init__.py", "some/deep/x.py", "single.py", "native.cpython-311.so", "google/some/__init__.py"]


def test_metadata_and_modules(tmp_path: Path) -> None:
    environment = put_environment(Store(tmp_path), "abc")
    info = environment.root / "venv" / "lib" / "python3.11" / "site-packages" / "Some_Package-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA)
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in [*FILES, "../../bin/tool", f"{info.name}/RECORD"]))
    (info.parent / "broken-1.dist-info").mkdir()
    assert distributions(environment) == {
        "some-package": Distribution(
            "some-package",
            "1.2",
            ("numpy<2", "pytest; extra == 'test'"),
            ">=3.8",
            frozenset({"some", "single", "native", "google.some"}),
            {"Source": "https://github.com/a/b", "Homepage": "https://a.example"},
        )
    }
