"""The library in the real window on a virtual screen, reached and used by keys alone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from q8chat.gguf_files import provenance
from q8chat.gguf_files.provenance import Provenance
from tests.e2e.real_window import RealWindow, virtual_screen, wait_until
from tests.fakes import sparse_models as shapes

PICTURES = Path(__file__).resolve().parents[2] / "resources" / "screenshots"


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with virtual_screen() as name:
        yield name


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return PICTURES if os.environ.get("Q8CHAT_PICTURES") else tmp_path


def filled(home: Path, starter: Path, appearance: str) -> Path:
    """A home with models; returns the one that can be chatted with."""
    models = home / "data" / "q8chat" / "models"
    mine = models / "HuggingFaceTB" / "SmolLM2-135M-Instruct-GGUF" / "SmolLM2-135M-Instruct-Q4_1.gguf"
    mine.parent.mkdir(parents=True)
    shutil.copy(starter, mine)
    provenance.write(
        mine,
        Provenance(
            repo="HuggingFaceTB/SmolLM2-135M-Instruct-GGUF",
            revision="4b9f1d6c" * 5,
            file=mine.name,
            date="2026-11-20",
        ),
    )
    shapes.write_sparse(
        models / "Qwen" / "Qwen3-0.6B-GGUF" / "Qwen3-0.6B-Q8_0.gguf", shapes.QWEN_SMALL, shapes.Q8_0
    )
    for label, kind in (("Q4_K_M", shapes.Q4_K), ("Q6_K", shapes.Q6_K)):
        shapes.write_sparse(models / "Qwen" / "Qwen3-8B-GGUF" / f"Qwen3-8B-{label}.gguf", shapes.QWEN, kind)
    other = home / "LLMs"
    shapes.write_sparse(other / "Mistral-Small-24B-Instruct-Q6_K.gguf", shapes.MISTRAL, shapes.Q6_K)
    shapes.write_sparse(other / "Llama-3.3-70B-Instruct-Q4_K_M.gguf", shapes.LLAMA, shapes.Q4_K)
    cut = other / "Phi-4-mini-instruct-Q4_K_M.gguf"
    cut.write_bytes(starter.read_bytes()[: 20 << 20])
    settings = home / "config" / "q8chat" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"model_folders": [str(other)], "appearance": appearance}))
    return mine


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_the_library_by_keys_alone(
    display: str, tmp_path: Path, pictures: Path, starter_model: Path, appearance: str
) -> None:
    model = filled(tmp_path, starter_model, appearance)
    with RealWindow(display, tmp_path, env={**os.environ, "HOME": str(tmp_path)}) as window:
        noted = tmp_path / "data" / "q8chat" / "last-used.json"
        wait_until(noted.exists, "the starter model")
        window.keys("ctrl+2")
        index = tmp_path / "cache" / "q8chat" / "library.json"
        wait_until(index.exists, "the end of the first scan: before it there are no rows for Down to go to")
        window.keys("slash")
        window.type("smollm2 hugging")
        window.keys("Down", "Home", "ctrl+f", "ctrl+a", "BackSpace", "Down")
        window.picture(pictures / ("models.png" if appearance == "light" else "models-dark.png"))
        window.keys("F2")
        window.keys("ctrl+a")
        window.type("My model")
        window.keys("Return")
        renamed = model.with_name("My model.gguf")
        wait_until(renamed.exists, f"the new name; the log says: {window.log}")
        window.keys("Return")
        wait_until(lambda: str(renamed) in noted.read_text(), f"the model to be loaded; the log says: {window.log}")
        window.type("Hello!")
        window.keys("Return")
        window.wait_for_text()
