"""Families that the kit lacks: the same file as llama.cpp's own converter, by its digest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from q8chat.convert.conversion import convert
from tests.unit.convert.kit import KIT, sha256
from tests.unit.convert.recipes import RECIPES, make

DIGESTS = json.loads((Path(__file__).parent / "reference_digests.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recipes")


@pytest.mark.skipif(not KIT.is_dir(), reason="the conformance kit is not beside the repository")
@pytest.mark.parametrize(("name", "out_type"), [(name, t) for name in RECIPES for t in DIGESTS[name]])
def test_a_recipe_is_converted_as_the_reference_does(
    name: str, out_type: str, folder: Path, tmp_path: Path
) -> None:
    checkpoint = folder / name if (folder / name).is_dir() else make(name, RECIPES[name], folder)
    convert(checkpoint, tmp_path / "out.gguf", out_type)
    assert sha256(tmp_path / "out.gguf") == DIGESTS[name][out_type]
