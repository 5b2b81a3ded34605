"""The same file as llama.cpp's own converter, for families that are not built like Llama and not in the kit.

`recorded/digests.json` holds the sha256 of what that of llama-cpp-python 0.3.36 made (torch 2.13.0, transformers
4.57.6) of the recipes, under the same folder names.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from q8chat.convert.conversion import convert
from q8chat.convert.planning import plan
from q8chat.core.errors import CheckpointError
from tests.unit.convert.kit import KIT, TYPES, sha256
from tests.unit.convert.more_recipes import BEYOND_THE_REFERENCE, FALCON, PHI3, RECIPES, phi3
from tests.unit.convert.more_recipes import falcon as falcon_tensors
from tests.unit.convert.recipes import Recipe, make

DIGESTS = json.loads((Path(__file__).parent / "recorded" / "digests.json").read_text(encoding="utf-8"))
STABLELM_12B = BEYOND_THE_REFERENCE["stablelm-2-12b"]

pytestmark = pytest.mark.skipif(not KIT.is_dir(), reason="the conformance kit is not beside the repository")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recipes")


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("out_type", TYPES)
def test_a_recipe_is_converted_as_the_reference_does(
    name: str, out_type: str, folder: Path, tmp_path: Path
) -> None:
    checkpoint = folder / name if (folder / name).is_dir() else make(name, RECIPES[name], folder)
    convert(checkpoint, tmp_path / "out.gguf", out_type)
    assert sha256(tmp_path / "out.gguf") == DIGESTS[name][out_type]


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (Recipe("falcon-40b", {**FALCON, "alibi": True}, falcon_tensors), "alibi"),
        (Recipe("falcon-40b", {**FALCON, "parallel_attn": False}, falcon_tensors), "parallel_attn"),
        (Recipe("falcon-40b", {**FALCON, "n_head_kv": 3}, falcon_tensors), "4 heads in 3 groups"),
        (Recipe("phi3", {**PHI3, "partial_rotary_factor": 0.5}, phi3), "2 numbers under rope_scaling.long_factor"),
        (Recipe("phi3", {**PHI3, "rope_scaling": {**PHI3["rope_scaling"], "type": "other"}}, phi3), "'other'"),
        (
            Recipe("olmo", {**STABLELM_12B.config, "num_key_value_heads": 4}, STABLELM_12B.shapes),
            "2 norms for 4 heads",
        ),
    ],
)
def test_what_can_t_become_a_working_model_is_refused(recipe: Recipe, said: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        plan(make("checkpoint", recipe, tmp_path), "f16")
    assert said in str(caught.value)


def test_phi3_without_a_sentencepiece_model_still_converts(tmp_path: Path) -> None:
    """Fine-tunes are often saved so; the reference fails on it."""
    recipe = RECIPES["phi3-128k"]
    bare = Recipe(recipe.tokenizer, recipe.config, recipe.shapes, without=("tokenizer.model",))
    made = plan(make("bare", bare, tmp_path), "f16")
    keys = {entry.key: entry for entry in made.source.metadata}
    assert keys["tokenizer.ggml.model"].value() == "llama"
    assert len(keys["tokenizer.ggml.tokens"].value()) == 32064
