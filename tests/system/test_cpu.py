"""The features of a CPU that are distinguished, on systems that list them in different forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfjs_compat.system.cpu import cpu_features

X86 = """processor\t: 0
vendor_id\t: GenuineIntel
flags\t\t: fpu sse2 fma avx f16c avx2 avx512f avx512_vnni amx_tile hypervisor

processor\t: 1
flags\t\t: fpu avx
"""
ARM = """processor\t: 0
BogoMIPS\t: 243.75
Features\t: fp asimd sve bf16
CPU implementer\t: 0x41
CPU part\t: 0xd40

processor\t: 1
CPU part\t: 0xd41
"""


def features(tmp_path: Path, text: str) -> tuple[str, ...]:
    # A name of its own: what was read is remembered by path.
    file = tmp_path / f"cpuinfo-{len(list(tmp_path.iterdir()))}"
    file.write_text(text, "utf-8")
    return cpu_features(file)


def test_x86_gives_its_vector_and_matrix_extensions(tmp_path: Path) -> None:
    assert features(tmp_path, X86) == ("amx_tile", "avx", "avx2", "avx512_vnni", "avx512f", "fma")
    assert features(tmp_path, "flags : fpu sse2\n") == ()


def test_arm_gives_features_and_model(tmp_path: Path) -> None:
    assert features(tmp_path, ARM) == ("cpu implementer 0x41", "cpu part 0xd40", "features fp asimd sve bf16")


@pytest.mark.parametrize("flag", ["avx512_vnni", "avx512_bf16", "amx_tile", "avx_vnni", "fma", "avx2", "avx512_fp16"])
def test_each_feature_that_onednn_asks_for_counts(tmp_path: Path, flag: str) -> None:
    assert features(tmp_path, f"flags : fpu avx {flag}\n") != features(tmp_path, "flags : fpu avx\n")


@pytest.mark.parametrize(("old", "new"), [("bf16", "i8mm"), ("0xd40", "0xd0c"), ("0x41", "0xc0")])
def test_another_arm_cpu_is_another(tmp_path: Path, old: str, new: str) -> None:
    assert features(tmp_path, ARM.replace(old, new)) != features(tmp_path, ARM)


@pytest.mark.parametrize("text", [None, "", "no colon", "\0\xff"])
def test_where_the_file_says_nothing_the_name_stands_in(tmp_path: Path, text: str | None) -> None:
    found = cpu_features(tmp_path / "absent") if text is None else features(tmp_path, text)
    assert len(found) == 1
    assert isinstance(found[0], str)
