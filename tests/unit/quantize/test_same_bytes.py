"""The whole file equals the library's, for every quantization on small models and for many on real ones."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from q8chat.core.errors import QuantizeError
from q8chat.quantize.ftypes import FTYPES
from tests.unit.quantize.same import Case, different, make
from tests.unit.quantize.small_models import Shape, weights_of, write_model

SMALL = Shape(layers=1, kv_heads=1, vocab=16, tied=False)
WITH_MATRIX_ONLY = {"IQ3_XS", "IQ3_XXS", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M", "IQ1_M", "IQ1_S", "Q2_K_S"}
NO_FALLBACK = "Q1_0"  # for rows that are no multiple of 128


def test_every_quantization(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf", SMALL)
    weights = weights_of(path)
    cases = [Case(f.name, {}, weights) for f in FTYPES]
    cases += [Case(f.name) for f in FTYPES if f.name not in WITH_MATRIX_ONLY]
    assert different(path, cases, tmp_path, threads=2) == []


def test_experts_have_their_own_part_of_the_matrix(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf", Shape(layers=1, ffn=64, experts=8, tied=False))
    weights = weights_of(path)
    assert len(weights["blk.0.ffn_up_exps.weight"]) == 8 * 256
    cases = [Case(name, {}, weights) for name in ("Q4_0", "Q4_K_M", "IQ4_XS", "IQ3_XXS", "MXFP4_MOE", "Q8_0")]
    assert different(path, cases, tmp_path, threads=3) == []


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_rows_that_do_not_fit(tmp_path: Path, dtype: type) -> None:
    path = write_model(tmp_path / "m.gguf", Shape(layers=2, width=160, heads=5, kv_heads=1, ffn=48), dtype=dtype)
    names = [f.name for f in FTYPES if f.name not in WITH_MATRIX_ONLY and f.name != NO_FALLBACK]
    assert different(path, [Case(name) for name in names], tmp_path) == []


def test_from_quantized_and_back(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf", SMALL)
    for name in ("Q4_K_M", "IQ4_XS", "Q5_1", "BF16"):
        again = tmp_path / f"{name}.gguf"
        make(path, Case(name), again)
        cases = [Case(n) for n in ("F16", "F32", "Q8_0", "Q4_0", "Q4_K_M", "COPY")]
        assert different(again, cases, tmp_path) == []


def test_a_matrix_with_holes(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf", SMALL)
    weights = weights_of(path, skip="ffn_")
    weights["of.another.tensor"] = np.ones(3, np.float32)
    weights["token_embd.weight"] = np.ones(7, np.float32)  # of a wrong size: that one is let through
    assert different(path, [Case("Q4_K_M", {}, weights), Case("Q4_0", {}, weights)], tmp_path) == []
    weights["blk.0.attn_q.weight"] = np.ones(7, np.float32)
    with pytest.raises(QuantizeError, match=r"has 7 values for blk\.0\.attn_q\.weight, which needs 256"):
        make(path, Case("Q4_0", {}, weights), tmp_path / "x.gguf")
    assert not list(tmp_path.glob("x.gguf*"))


def test_shards_become_one_file(tmp_path: Path) -> None:
    whole = write_model(tmp_path / "m.gguf", SMALL)
    first = shards(whole, tmp_path)
    assert different(first, [Case("Q4_K_M"), Case("COPY")], tmp_path) == []


def shards(whole: Path, folder: Path) -> Path:
    """The model in three parts, written by the `gguf` package."""
    reader = gguf.GGUFReader(whole)
    base = folder / "parts"
    writer = gguf.GGUFWriter(base, "llama", split_max_tensors=5)
    for field in reader.fields.values():
        if not field.name.startswith(("GGUF.", "general.architecture")):
            kind, inner = field.types[0], field.types[-1] if len(field.types) > 1 else None
            writer.add_key_value(field.name, field.contents(), kind, inner)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data)
    writer.write_header_to_file(base.with_suffix(".gguf"))
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    first, *others = sorted(folder.glob("parts-*-of-*.gguf"))
    assert others
    return first


REAL = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K_M", "Q5_K_S", "Q6_K", "Q2_K", "Q4_K_S", "BF16")


def test_smollm(smollm: Path, tmp_path: Path) -> None:
    weights = weights_of(smollm)
    cases = [Case(name) for name in REAL]
    cases += [Case(name, {}, weights) for name in ("Q4_0", "Q4_K_M")]
    cases += [Case("Q4_K_M", {"pure": True}), Case("Q4_0", {"tensor_types": (("ffn_down", "q8_0"),)})]
    assert different(smollm, cases, tmp_path, threads=2) == []


def test_gemma(gemma: Path, tmp_path: Path) -> None:
    weights = weights_of(gemma)
    cases = [
        Case(name) for name in ("F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q5_K_M", "Q6_K", "BF16", "COPY")
    ]
    cases += [Case("Q4_0", {}, weights)]
    assert different(gemma, cases, tmp_path, threads=2) == []
