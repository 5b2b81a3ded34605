"""Which kernels a CPU has for a model's weights, on recorded machines and on this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from q8chat.gguf_files.header import Tensor, read_header
from q8chat.hardware.features import parse_system_info
from q8chat.runtime.kernels import Kernels, kernel_for, kernel_of, kernel_report, kernels_of, summary, this_machine
from q8chat.runtime.kernels_tensors import is_multiplied, is_table
from tests.unit.hardware import recorded
from tests.unit.runtime.families import TYPE_IDS, transformer


def machine(name: str, more: str = "REPACK = 1") -> Kernels:
    found = recorded.load(name)
    return kernels_of(found.cpu, parse_system_info(f"{found.native_build} | {more}"))


@pytest.mark.parametrize(
    ("name", "kernels"),
    [
        ("sapphire_rapids", ["AMX", "AMX", "AMX", "AMX", "AVX-512 repacked", "AVX-512 VNNI", "AVX-512"]),
        (
            "sapphire_rapids_old_kernel",
            [
                "AVX-512 repacked",
                "AVX-512 repacked",
                "AVX2",
                "AVX-512 VNNI",
                "AVX-512 repacked",
                "AVX-512 VNNI",
                "AVX-512",
            ],
        ),
        ("zen3", ["AVX2 repacked", "AVX2 repacked", "AVX2", "AVX2", "AVX2 repacked", "AVX2", "AVX2"]),
        ("westmere", ["plain"] * 7),
        (
            "graviton3",
            ["NEON repacked", "NEON repacked", "NEON repacked", "NEON repacked", "NEON repacked", "NEON", "NEON"],
        ),
    ],
)
def test_types_on_recorded_machines(name: str, kernels: list[str]) -> None:
    types = ["Q4_0", "Q4_K", "Q6_K", "Q8_0", "IQ4_NL", "Q5_0", "F16"]
    assert [kernel_for(t, machine(name)) for t in types] == kernels


def test_a_build_without_repacking() -> None:
    assert kernel_for("Q4_0", machine("zen4", "REPACK = 0")) == "AVX-512 VNNI"
    assert kernel_for("BF16", machine("zen4")) == "AVX-512 BF16"


@pytest.mark.parametrize(
    ("shape", "type_name", "name", "kernel"),
    [
        ((1024, 64), "Q8_0", "blk.0.ffn_up.weight", "AMX"),
        ((1024, 48), "Q8_0", "blk.0.ffn_up.weight", "AVX-512 VNNI"),  # no multiple of 32
        ((1024, 48), "Q4_0", "blk.0.ffn_up.weight", "AVX-512 repacked"),
        ((1024, 44), "Q4_0", "blk.0.ffn_up.weight", "AVX-512 VNNI"),  # nor of 8
        ((1024, 64, 8), "Q8_0", "blk.0.ffn_up_exps.weight", "AVX-512 VNNI"),  # AMX has no experts
        ((1024, 64, 8), "Q4_K", "blk.0.ffn_up_exps.weight", "AVX-512 repacked"),
        ((1024, 64), "F16", "blk.0.ffn_up.weight", "AVX-512"),
        ((1024, 64), "Q4_K", "blk.0.ffn_up.weight", "AMX"),
    ],
)
def test_a_tensors_shape_may_rule_the_best_kernel_out(
    shape: tuple[int, ...], type_name: str, name: str, kernel: str
) -> None:
    assert kernel_of(Tensor(name, shape, TYPE_IDS[type_name], 0), machine("sapphire_rapids")) == kernel


def test_what_is_multiplied() -> None:
    def roles(name: str, *shape: int) -> tuple[bool, bool]:
        tensor = Tensor(name, shape, 8, 0)
        return is_multiplied(tensor), is_table(tensor)

    assert roles("blk.3.attn_q.weight", 64, 64) == (True, False)
    assert roles("blk.3.attn_q.bias", 64) == (False, False)
    assert roles("blk.3.attn_q_norm.weight", 64, 8) == (False, False)
    assert roles("blk.3.ssm_conv1d.weight", 4, 64) == (False, False)
    assert roles("blk.3.ffn_gate.weight", 64, 1, 1) == (False, False)
    assert roles("token_embd.weight", 64, 999) == (False, True)


def test_the_report_adds_up_and_counts_tied_embeddings_once_as_output(tmp_path: Path) -> None:
    tied = read_header(transformer(tmp_path / "tied.gguf", weights="Q8_0", tied=True))
    untied = read_header(transformer(tmp_path / "untied.gguf", weights="Q8_0"))
    zen4 = machine("zen4")
    (row,) = kernel_report(tied, zen4)
    assert (row.kernel, row.types, row.share) == ("AVX-512 VNNI", ("Q8_0",), 1.0)
    assert row.n_bytes == kernel_report(untied, zen4)[0].n_bytes
    assert summary((row,)) == "AVX-512 VNNI 100 % (Q8_0)"
    assert summary(()) == "nothing to multiply"


def test_the_starter_model_here(starter_model: Path) -> None:
    rows = kernel_report(read_header(starter_model), this_machine())
    assert sum(row.share for row in rows) == pytest.approx(1)
    assert {t for row in rows for t in row.types} == {"Q4_1", "Q8_0"}
