from __future__ import annotations

import sys
from pathlib import Path

import pytest
import starter
from native_build import build_env, misfit, progress
from report import SetUpError

from .conftest import ROOT, executable


def test_progress_is_read_from_what_ninja_prints() -> None:
    assert progress("[61/140] Building CXX object ggml.o") == "building llama.cpp 61/140"
    assert progress("gcc -c x.c") is None


def test_the_build_is_not_told_to_leave_simd_out() -> None:
    env = build_env({"SOURCE_DATE_EPOCH": "0", "PATH": "/bin", "CMAKE_ARGS": "-DGGML_NATIVE=OFF"})
    assert "SOURCE_DATE_EPOCH" not in env
    assert env["CMAKE_ARGS"] == "-DLLAVA_BUILD=OFF"
    assert env["PATH"] == "/bin"
    assert int(env["CMAKE_BUILD_PARALLEL_LEVEL"]) >= 1


def test_the_build_in_this_environment_fits_this_cpu() -> None:
    facts = starter.read_facts(ROOT / "resources" / "starter.json")
    model = Path(sys.prefix) / "share" / "q8chat" / "models" / facts.file
    assert misfit(Path(sys.executable), model) == ""


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("kill -ILL $$", "it dies of signal 4 on this CPU"),
        ("""echo '{"unsafe": ["AVX512"], "missing": []}'""", "it uses AVX512, which this CPU does not have"),
        ("""echo '{"unsafe": [], "missing": ["AVX2", "FMA"]}'""", "it does not use this CPU's AVX2, FMA"),
    ],
)
def test_a_build_for_another_cpu_is_noticed(tmp_path: Path, behaviour: str, reason: str) -> None:
    python = executable(tmp_path / "python", f"#!/bin/sh\n{behaviour}\n")
    assert misfit(python, tmp_path / "model.gguf") == reason


def test_a_build_that_does_not_load_is_an_error(tmp_path: Path) -> None:
    python = executable(tmp_path / "python", "#!/bin/sh\necho 'libgomp.so.1: cannot open' >&2\nexit 1\n")
    with pytest.raises(SetUpError, match=r"libgomp\.so\.1: cannot open"):
        misfit(python, tmp_path / "model.gguf")
