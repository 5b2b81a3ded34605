"""Models and texts for measuring: the starter, the same as Q4_0, and copies of it with something wrong."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from q8chat.core.progress import Cancel, Report, no_report
from q8chat.evaluate import quality
from q8chat.evaluate.types import Options, QualityCard, Text
from q8chat.evaluate.windows import read_text
from q8chat.gguf_files.header import read_header
from q8chat.quantize.options import Options as Levels
from q8chat.quantize.request import Request
from q8chat.quantize.request import run as quantize
from tests.unit.quantize.calibration_prose import prose


@pytest.fixture(scope="session")
def starter_q4_0(starter_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `llama-quantize --allow-requantize` makes it."""
    path = tmp_path_factory.mktemp("evaluate") / "starter-Q4_0.gguf"
    quantize(Request(model=starter_model, options=Levels(ftype="Q4_0"), out=path, provenance=False))
    return path


@pytest.fixture
def text(tmp_path: Path) -> Text:
    """About 1,400 tokens."""
    path = tmp_path / "prose.txt"
    path.write_text(prose(90))
    return read_text(path)


Measure = Callable[..., QualityCard]


@pytest.fixture
def measure(text: Text) -> Measure:
    """With one thread: with neighbours, two of them wait for each other at every product."""

    def run(
        model: Path,
        base: Path | None = None,
        *,
        ctx: int = 32,
        chunks: int = 4,
        precision: float = 0.05,
        of: Text = text,
        progress: Report = no_report,
        cancel: Cancel | None = None,
    ) -> QualityCard:
        options = Options(ctx=ctx, chunks=chunks, precision=precision, threads=1)
        return quality.run(model, base, of, options, progress=progress, cancel=cancel or Cancel())

    return run


@pytest.fixture
def broken_model(starter_model: Path, tmp_path: Path) -> Path:
    """It computes NaN for token 0: the scale of a block of its row in the output matrix is one."""
    path = shutil.copy(starter_model, tmp_path / "broken.gguf")
    header = read_header(path)
    matrix = next(t for t in header.tensors if t.name == "token_embd.weight")
    with path.open("r+b") as f:
        f.seek(header.data_offset + matrix.offset)
        f.write(struct.pack("<e", float("nan")))
    return path


@pytest.fixture
def other_vocabulary(starter_model: Path, tmp_path: Path) -> Path:
    """As many tokens, but one has another text."""
    path = shutil.copy(starter_model, tmp_path / "other.gguf")
    with path.open("r+b") as f:
        at = f.read(8 << 20).index(b"<repo_name>")
        f.seek(at)
        f.write(b"<repo_nomen"[:10] + b">")
    return path
