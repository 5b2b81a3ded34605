"""Our files compute what transformers computes: its logits were recorded once, in `recorded/logits.json`.

For each case some columns and the argmax of every row. Mostly families whose weights are rearranged, and layouts on
which the reference converter fails or loses something.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from q8chat.convert.conversion import convert
from tests.unit.convert.kit import KIT
from tests.unit.convert.logits import logits
from tests.unit.convert.more_recipes import BEYOND_THE_REFERENCE, RECIPES
from tests.unit.convert.recipes import make

RECORDED = json.loads((Path(__file__).parent / "recorded" / "logits.json").read_text(encoding="utf-8"))
CASES = RECORDED["cases"]
# Largest difference allowed, in standard deviations of the logits. llama.cpp takes GELU from a table in F16.
F32, F16 = 0.004, 0.01
OPT = "kit/opt"
OPT_ALLOWED = {"f32": 0.0005, "f16": 0.005, "bf16": 0.06, "q8_0": 0.15}

pytestmark = pytest.mark.skipif(not KIT.is_dir(), reason="the conformance kit is not beside the repository")


@pytest.fixture(scope="module")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recipes")


def difference(checkpoint: Path, case: str, out_type: str, out: Path) -> tuple[float, int]:
    """Largest difference in standard deviations, and how many argmaxes differ."""
    convert(checkpoint, out, out_type)
    wanted, found = CASES[case], logits(out, RECORDED["tokens"])
    far = np.abs(found[:, wanted["columns"]] - np.array(wanted["rows"])).max()
    return float(far / wanted["spread"]), int((found.argmax(axis=1) != np.array(wanted["argmax"])).sum())


@pytest.mark.parametrize("case", [c for c in CASES if c.startswith("kit/") and c != OPT])
def test_the_kit_s_logits(case: str, kit_checkpoints: Path, tmp_path: Path) -> None:
    far, wrong = difference(kit_checkpoints / case.removeprefix("kit/"), case, "f32", tmp_path / "out.gguf")
    assert far < F32 and not wrong


@pytest.mark.parametrize("out_type", ["f32", "f16"])
@pytest.mark.parametrize("case", [c for c in CASES if not c.startswith("kit/")])
def test_logits_of_what_the_kit_lacks(case: str, out_type: str, recipes: Path, tmp_path: Path) -> None:
    recipe = {**RECIPES, **BEYOND_THE_REFERENCE}[case]
    checkpoint = recipes / case if (recipes / case).is_dir() else make(case, recipe, recipes)
    far, wrong = difference(checkpoint, case, out_type, tmp_path / "out.gguf")
    assert far < (F32 if out_type == "f32" else F16) and not wrong


@pytest.mark.parametrize("out_type", OPT_ALLOWED)
def test_opt_computes_the_same_on_gpt2_s_graph(out_type: str, kit_checkpoints: Path, tmp_path: Path) -> None:
    far, wrong = difference(kit_checkpoints / "opt", OPT, out_type, tmp_path / "out.gguf")
    assert far < OPT_ALLOWED[out_type]
    assert wrong <= (1 if out_type in ("bf16", "q8_0") else 0)


def test_every_layout_beyond_the_reference_has_recorded_logits() -> None:
    assert BEYOND_THE_REFERENCE.keys() <= CASES.keys()
