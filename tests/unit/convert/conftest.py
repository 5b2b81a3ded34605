"""The kit's checkpoints with their weights, made once per run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.convert.kit import KIT, SHARED


@pytest.fixture(scope="session")
def kit_checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one checkpoint per family. Skips where the kit is not beside the repository."""
    if not (KIT / "gen" / "make.py").is_file():
        pytest.skip("the conformance kit is not beside the repository")
    folder = tmp_path_factory.mktemp("kit")
    command = [sys.executable, "-B", str(KIT / "gen" / "make.py"), "--weights-only", "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


@pytest.fixture(scope="session")
def smollm2(starter_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter model as its publisher's checkpoint would be."""
    tool = SHARED / "tools" / "make_checkpoint.py"
    if not tool.is_file():
        pytest.skip("the tools are not beside the repository")
    folder = tmp_path_factory.mktemp("real") / "SmolLM2-135M-Instruct"
    done = subprocess.run(
        [sys.executable, "-B", tool, starter_model, folder],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder
