from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from q8chat.hardware.consent import os_allows, usable
from q8chat.hardware.cpu import CpuDescription
from q8chat.hardware.feature_table import FeatureRow, feature_rows
from q8chat.hardware.features import missing_features, parse_system_info, unsafe_features
from tests.unit.hardware.recorded import NAMES, load

BUILDS = {name: parse_system_info(load(name).native_build) for name in NAMES}


def table(cpu: CpuDescription, compiled: dict[str, bool]) -> dict[str, FeatureRow]:
    return {row.key: row for row in feature_rows(cpu, compiled)}


def states(machine: str) -> dict[str, str]:
    """Three letters for each feature: has it, allowed, used by the machine's own native build."""
    rows = table(load(machine).cpu, BUILDS[machine])
    return {key: "".join(a.state[0] for a in (row.has, row.allowed, row.used)) for key, row in rows.items()}


# ---- what llama.cpp says of itself ------------------------------------------------------------------------------


def test_system_info_is_read() -> None:
    compiled = parse_system_info("CPU : SSE3 = 1 | AVX512_VNNI = 1 | AVX_VNNI = 0 | SVE_CNT = 32 | REPACK = 1 | ")
    assert compiled == {"SSE3": True, "AVX512_VNNI": True, "AVX_VNNI": False, "SVE_CNT": True, "REPACK": True}


def test_features_of_other_devices_are_not_the_cpus() -> None:
    compiled = parse_system_info("CUDA : ARCHS = 890 | F16C = 1 | CPU : AVX2 = 1 | MTL : EMBED_LIBRARY = 1 | ")
    assert compiled == {"AVX2": True}


@given(st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9_]{0,12}", fullmatch=True), st.booleans()))
def test_system_info_round_trip(compiled: dict[str, bool]) -> None:
    text = "CPU : " + "".join(f"{name} = {int(value)} | " for name, value in compiled.items())
    assert parse_system_info(text) == compiled


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    assert all(isinstance(value, bool) for value in parse_system_info(text).values())


# ---- the table on recorded machines -----------------------------------------------------------------------------

X86 = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16")
YES, NO, UNUSED = "yyy", "nnn", "yyn"


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ("westmere", (NO, NO, NO, NO, NO, NO, NO, NO)),
        ("zen3", (YES, NO, NO, NO, NO, NO, NO, NO)),
        ("alder_lake", (YES, NO, NO, NO, YES, NO, NO, NO)),
        ("cascade_lake", (YES, YES, YES, NO, NO, NO, NO, NO)),
        ("ice_lake_server", (YES, YES, YES, NO, NO, NO, NO, NO)),
        ("zen4", (YES, YES, YES, YES, NO, NO, NO, NO)),
        ("sapphire_rapids", (YES, YES, YES, YES, UNUSED, YES, YES, UNUSED)),
        ("sapphire_rapids_old_kernel", (YES, YES, YES, YES, UNUSED, "ynn", "ynn", "ynn")),
    ],
)
def test_x86_machines(machine: str, expected: tuple[str, ...]) -> None:
    assert states(machine) == dict(zip(X86, expected, strict=True))


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ("neoverse_n1", {"neon": YES, "dotprod": YES, "i8mm": NO, "sve": NO}),
        ("graviton3", {"neon": YES, "dotprod": YES, "i8mm": YES, "sve": YES}),
        ("apple_m2", {"neon": YES, "dotprod": YES, "i8mm": YES, "sve": NO}),
    ],
)
def test_arm_machines(machine: str, expected: dict[str, str]) -> None:
    assert states(machine) == expected


def test_the_reasons_say_what_is_in_the_way() -> None:
    rows = table(load("sapphire_rapids_old_kernel").cpu, BUILDS["sapphire_rapids"])
    assert "5.16" in rows["amx_int8"].summary
    assert rows["avx_vnni"].summary == "The AVX-512 VNNI kernels do the same work with more registers."
    rows = table(load("sapphire_rapids").cpu, BUILDS["sapphire_rapids"])
    assert rows["amx_bf16"].summary == "llama.cpp has no kernels for it."
    assert table(load("zen3").cpu, BUILDS["zen3"])["avx512f"].summary == "Not in this CPU."


def test_without_llama_cpp_the_third_column_is_unknown() -> None:
    rows = feature_rows(load("zen4").cpu, {})
    assert {row.name for row in rows if row.used.state == "unknown"} == {row.name for row in rows if row.has.yes}


def test_every_answer_has_a_reason() -> None:
    for name in NAMES:
        for row in feature_rows(load(name).cpu, BUILDS["sapphire_rapids"]):
            for answer in (row.has, row.allowed, row.used):
                assert answer.reason.endswith(".")


# ---- consent of the operating system ----------------------------------------------------------------------------


def test_registers_that_the_system_keeps_off_forbid_all_features_of_their_width() -> None:
    cpu = load("ice_lake_server").cpu
    assert cpu.os_flags is not None
    cpu = replace(cpu, os_flags=frozenset(f for f in cpu.os_flags if not f.startswith("avx512")))
    row = table(cpu, BUILDS["ice_lake_server"])["avx512_vnni"]
    assert (row.has.state, row.allowed.state, row.used.state) == ("yes", "no", "no")
    assert "512-bit registers" in row.allowed.reason
    assert "can crash here" in row.summary
    assert os_allows(cpu, "avx2").yes
    assert unsafe_features(cpu, BUILDS["ice_lake_server"]) == ("AVX512", "AVX512_VBMI", "AVX512_VNNI")
    assert missing_features(cpu, BUILDS["zen3"]) == ()


def test_a_kernel_too_old_to_name_a_feature_still_allows_it_with_its_registers() -> None:
    cpu = load("alder_lake").cpu
    assert cpu.os_flags is not None
    cpu = replace(cpu, os_flags=cpu.os_flags - {"avx_vnni"})
    assert usable(cpu, "avx_vnni")


def test_a_system_that_was_not_asked_is_unknown_and_not_a_danger() -> None:
    cpu = replace(load("zen4").cpu, system="Windows", os_flags=None, amx=None)
    row = table(cpu, BUILDS["zen4"])["avx512f"]
    assert (row.has.state, row.allowed.state, row.used.state) == ("yes", "unknown", "unknown")
    assert unsafe_features(cpu, BUILDS["zen4"]) == ()


def test_a_cpu_that_nobody_could_ask_is_unknown_throughout() -> None:
    cpu = CpuDescription("Linux", "x86_64", "GenuineIntel")
    for row in feature_rows(cpu, BUILDS["zen3"]):
        assert (row.has.state, row.allowed.state) == ("unknown", "unknown")
    assert unsafe_features(cpu, BUILDS["zen4"]) == missing_features(cpu, {"SSE3": True}) == ()


# ---- does a build fit a CPU -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_native_build_fits_the_machine_it_was_made_on(name: str) -> None:
    cpu = load(name).cpu
    assert unsafe_features(cpu, BUILDS[name]) == ()
    assert missing_features(cpu, BUILDS[name]) == ()


@pytest.mark.parametrize(
    ("build", "machine", "unsafe", "missing"),
    [
        ("zen4", "zen3", ("AVX512", "AVX512_VBMI", "AVX512_VNNI", "AVX512_BF16"), ()),
        ("zen3", "zen4", (), ("AVX512", "AVX512_VNNI", "AVX512_BF16")),
        ("alder_lake", "zen3", ("AVX_VNNI",), ()),
        ("zen3", "alder_lake", (), ("AVX_VNNI",)),
        ("cascade_lake", "ice_lake_server", (), ()),
        ("ice_lake_server", "cascade_lake", ("AVX512_VBMI",), ()),
        ("zen4", "sapphire_rapids", (), ("AMX_INT8",)),
        ("zen4", "sapphire_rapids_old_kernel", (), ()),
        ("sapphire_rapids", "zen4", ("AVX_VNNI",), ()),
        ("zen3", "westmere", ("AVX", "AVX2", "F16C", "FMA", "BMI2"), ()),
        ("westmere", "zen3", (), ("AVX", "AVX2", "F16C", "FMA", "BMI2")),
        ("graviton3", "neoverse_n1", ("MATMUL_INT8", "SVE"), ()),
        ("neoverse_n1", "graviton3", (), ("MATMUL_INT8", "SVE")),
    ],
)
def test_a_build_on_another_machine(
    build: str, machine: str, unsafe: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    cpu = load(machine).cpu
    assert unsafe_features(cpu, BUILDS[build]) == unsafe
    assert missing_features(cpu, BUILDS[build]) == missing


def test_amx_is_a_danger_only_where_llama_cpp_does_not_ask_first() -> None:
    zen4 = load("zen4").cpu
    compiled = BUILDS["zen4"] | {"AMX_INT8": True}
    assert unsafe_features(zen4, compiled) == ()
    assert unsafe_features(replace(zen4, system="Windows"), compiled) == ("AMX_INT8",)
