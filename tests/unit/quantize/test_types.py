"""Which tensor gets which type: compared with the library for every quantization and many architectures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from q8chat.core.errors import QuantizeError
from q8chat.gguf_files.gguf_source import GgufSource
from q8chat.gguf_files.types import TYPES
from q8chat.quantize.ftypes import FTYPES
from q8chat.quantize.imatrix import Imatrix
from q8chat.quantize.options import Options
from q8chat.quantize.tensor_plan import make_plan
from tests.unit.quantize import reference
from tests.unit.quantize.same import Case
from tests.unit.quantize.small_models import SHAPES, Shape, weights_of, write_model


def ours(path: Path, case: Case) -> dict[str, str] | str:
    """Types by tensor in the order of the result, or why not."""
    try:
        plan = make_plan(GgufSource(path), case.our_options, case.imatrix)
    except QuantizeError as e:
        return e.message
    return {t.source.name: TYPES[t.result.type_id].name for t in plan.tensors}


def compare(path: Path, cases: list[Case], folder: Path) -> tuple[int, int]:
    """How many were the same and how many refused by both."""
    jobs = [case.job(path, "", folder) for case in cases]
    outcomes = reference.run([reference.Job(**{**vars(job), "dry_run": True}) for job in jobs])
    same = refused = 0
    for case, theirs in zip(cases, outcomes, strict=True):
        mine = ours(path, case)
        if isinstance(mine, str):
            assert theirs.code or theirs.needs_imatrix, (case.ftype, case.options, mine)
            refused += 1
        else:
            assert theirs.code == 0, (case.ftype, theirs.log)
            assert not theirs.needs_imatrix, case.ftype
            assert list(mine.items()) == list(theirs.types.items()), (case.ftype, case.options)
            same += 1
    return same, refused


@pytest.mark.parametrize("name", SHAPES)
def test_the_mixes(tmp_path: Path, name: str) -> None:
    path = write_model(tmp_path / "m.gguf", SHAPES[name], zeros=True)
    weights = weights_of(path)
    cases = [Case(f.name, {}, w) for f in FTYPES for w in (None, weights)]
    same, refused = compare(path, cases, tmp_path)
    assert same > refused > 0
    assert same + refused == 2 * len(FTYPES)


OPTIONS = [
    {"pure": True},
    {"leave_output_tensor": True},
    {"output_tensor_type": "q5_0"},
    {"token_embedding_type": "Q5_1"},
    {"token_embedding_type": "f16", "output_tensor_type": "BF16"},
    {"tensor_types": (("attn_v", "q8_0"), ("attn_.", "q5_1"))},
    {"tensor_types": ((r"blk\.[0-3]\.ffn_(up|gate)", "f16"), (r"^output\.weight$", "q4_0"))},
    {"tensor_types": (("ffn_down", "iq4_nl"),), "pure": True},
    {"tensor_types": (("ATTN_V", "q8_0"),)},
    {"tensor_types": (("per_layer_token_embd", "q4_0"),), "token_embedding_type": "q8_0"},
]


@pytest.mark.parametrize("tied", [True, False])
def test_the_options(tmp_path: Path, tied: bool) -> None:
    path = write_model(tmp_path / "m.gguf", Shape(layers=9, tied=tied), zeros=True)
    weights = {**weights_of(path), "token_embd.weight": np.ones(256, np.float32)}
    names = ("Q4_K_M", "Q4_0", "Q3_K_L", "IQ2_XS", "MXFP4_MOE", "F16", "Q8_0")
    cases = [Case(name, options, weights) for name in names for options in OPTIONS]
    assert compare(path, cases, tmp_path) == (len(cases), 0)


NAMES = (
    "blk.0.attn_q_norm.weight", "blk.0.ssm_conv1d.weight", "blk.1.time_mix_w1.weight", "blk.1.attn_rel_b.weight",
    "blk.10.ffn_down.weight", "blk.2.ffn_down.weight", "blk.2.altup_proj.weight", "per_layer_model_proj.weight",
    "token_types.weight", "position_embd.weight", "per_layer_token_embd.weight", "enc.blk.0.attn_v.weight",
    "blk.3.indexer.k_proj.weight", "blk.3.shortconv.conv.weight", "blk.3.ffn_gate_inp.weight", "blk.0.bias",
    "v.position_embd.weight", "a.rvq.codebook.weight", "blk.4.attn_kv_b.weight", "blk.4.attn_v_b.weight", "weight",
    "a.weights", "blk.5.hc_x.weight", "rope_freqs.weight", "blk.6.attn_qkv.weight", "v.patch_embd.weight",
)  # fmt: skip


def test_names_that_are_never_quantized(tmp_path: Path) -> None:
    import gguf

    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(256)
    writer.add_block_count(11)
    writer.add_head_count(4)
    writer.add_layer_norm_rms_eps(1e-5)
    for n, name in enumerate(NAMES):
        writer.add_tensor(name, np.zeros((2, 256) if n % 2 else (2, 4, 256), np.float16))
    writer.add_tensor("blk.7.attn_k.weight", np.zeros((1, 256), np.float16))  # one row: a vector to ggml
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    cases = [Case(f.name) for f in FTYPES]
    same, _refused = compare(path, cases, tmp_path)
    assert same > 25


@pytest.mark.parametrize(
    ("target", "options"),
    [("Q6_K", {"output_tensor_type": "q6_k"}), ("IQ4_XS", {"token_embedding_type": "iq4_xs"})],
)
def test_a_type_the_rows_do_not_fit_is_refused_where_the_library_aborts(
    tmp_path: Path, target: str, options: dict[str, str]
) -> None:
    path = write_model(tmp_path / "m.gguf", Shape(width=96, heads=3, kv_heads=3, layers=1, tied=False), zeros=True)
    with pytest.raises(
        QuantizeError, match=rf"has rows of 96 weights, which {target} \(blocks of 256\) can't hold"
    ):
        make_plan(GgufSource(path), Options(ftype="Q4_0", **options))


def test_low_bits_without_a_matrix_are_refused_where_the_library_aborts(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf", Shape(layers=1, tied=False), zeros=True)
    with pytest.raises(QuantizeError, match="Q4_0 needs an importance matrix"):
        make_plan(GgufSource(path), Options(ftype="Q4_0", token_embedding_type="iq2_xxs"))
    with pytest.raises(QuantizeError, match="IQ1_S needs an importance matrix"):
        make_plan(GgufSource(path), Options(ftype="IQ1_S"))
    weights = weights_of(path, skip="ffn_down")
    with pytest.raises(QuantizeError, match=r"and the one given has nothing for blk\.0\.ffn_down\.weight"):
        make_plan(GgufSource(path), Options(ftype="IQ2_XXS"), Imatrix(weights))
    assert make_plan(GgufSource(path), Options(ftype="IQ2_XXS"), Imatrix(weights_of(path))).requantized == ()


def test_an_expert_in_no_layer_is_refused_as_the_library_does(tmp_path: Path) -> None:
    import gguf

    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_expert_count(8)
    writer.add_tensor("blk.5.ffn_down_exps.weight", np.zeros((8, 2, 256), np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(QuantizeError, match="belongs to no layer of this model, which has 1"):
        make_plan(GgufSource(path), Options(ftype="Q4_K_M"))


@pytest.mark.parametrize(
    ("kind", "data"),
    [("Q8_1", np.zeros((2, 8 * 40), np.uint8)), ("I32", np.zeros((2, 256), np.int32)), ("F64", np.zeros((2, 256)))],
)
def test_tensors_that_are_no_weights(tmp_path: Path, kind: str, data: np.ndarray) -> None:
    import gguf

    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    raw = gguf.GGMLQuantizationType.Q8_1 if kind == "Q8_1" else None
    writer.add_tensor("blk.0.attn_q.weight", data, raw_dtype=raw)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(QuantizeError, match=rf"blk\.0\.attn_q\.weight is {kind}, which can't be quantized"):
        make_plan(GgufSource(path), Options(ftype="Q4_0"))
    assert not make_plan(GgufSource(path), Options(ftype="COPY")).tensors[0].changes


@pytest.mark.parametrize("bad", ["q4", "Q8_K", "i32", ""])
def test_unknown_types(tmp_path: Path, bad: str) -> None:
    path = write_model(tmp_path / "m.gguf", Shape(layers=1), zeros=True)
    with pytest.raises(QuantizeError, match="There is no tensor type"):
        make_plan(GgufSource(path), Options(ftype="Q4_0", tensor_types=(("attn", bad),)))
    with pytest.raises(QuantizeError, match="There is no quantization"):
        make_plan(GgufSource(path), Options(ftype=bad))


def test_a_bad_pattern(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf", Shape(layers=1), zeros=True)
    with pytest.raises(QuantizeError, match=r"'\(' is not a regular expression"):
        make_plan(GgufSource(path), Options(ftype="Q4_0", tensor_types=(("(", "q8_0"),)))
