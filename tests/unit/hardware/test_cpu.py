from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path

import archspec.cpu
import pytest

from q8chat.hardware.amx import AmxConsent, ask_for_amx, explain
from q8chat.hardware.cpu import CpuDescription, identify, label_of, read_cpu
from tests.unit.hardware.recorded import NAMES, load

RECOGNISED = [
    ("westmere", "westmere", "Westmere", "Intel Xeon X5650"),
    ("cascade_lake", "cascadelake", "Cascade Lake", "Intel Xeon Platinum 8260M"),
    ("ice_lake_server", "icelake", "Ice Lake", "Intel Xeon Gold 6338"),
    ("sapphire_rapids", "sapphirerapids", "Sapphire Rapids", "Intel Xeon Platinum 8480+"),
    ("sapphire_rapids_old_kernel", "sapphirerapids", "Sapphire Rapids", "Intel Xeon Platinum 8480+"),
    ("alder_lake", "alderlake", "Alder Lake", "12th Gen Intel Core i9-12900K"),
    ("zen3", "zen3", "Zen 3", "AMD Ryzen 9 5950X 16-Core Processor"),
    ("zen4", "zen4", "Zen 4", "AMD EPYC 9654 96-Core Processor"),
    ("neoverse_n1", "neoverse_n1", "Neoverse N1", "Arm Neoverse N1"),
    ("graviton3", "neoverse_v1", "Neoverse V1", "Arm Neoverse V1"),
    ("apple_m2", "m2", "M2", "Apple M2"),
]


@pytest.mark.parametrize(("machine", "archspec_name", "label", "name"), RECOGNISED)
def test_recorded_machines_are_recognised(machine: str, archspec_name: str, label: str, name: str) -> None:
    cpu = load(machine).cpu
    found = identify(cpu)
    assert (found.name, found.looks_like, found.label, cpu.name) == (archspec_name, "", label, name)


def test_every_recording_is_covered_above() -> None:
    assert sorted(machine for machine, *_ in RECOGNISED) == NAMES


def test_a_virtual_machine_that_hides_harmless_features_is_still_recognised_for_what_it_is() -> None:
    zen4 = load("zen4").cpu
    hidden = zen4.flags - {"pku", "flush_l1d", "clwb"} | {"hypervisor"}
    found = identify(replace(zen4, os_flags=hidden, cpuid_flags=hidden))
    assert (found.name, found.looks_like, found.label) == ("x86_64_v4", "zen4", "Zen 4")


def test_a_feature_that_programs_compute_with_is_never_imagined() -> None:
    zen4 = load("zen4").cpu
    hidden = zen4.flags - {"avx512_bf16"}
    found = identify(replace(zen4, os_flags=hidden, cpuid_flags=hidden))
    assert (found.name, found.looks_like, found.label) == ("x86_64_v4", "", "x86-64-v4")


def test_an_unknown_architecture_is_named_and_not_guessed() -> None:
    cpu = CpuDescription("Linux", "riscv128", "nobody")
    assert identify(cpu).name == "riscv128"


@pytest.mark.parametrize(
    ("name", "label"),
    [("x86_64_v3", "x86-64-v3"), ("skylake_avx512", "Skylake (server)"), ("a64fx", "A64FX"), ("zen", "Zen")],
)
def test_labels(name: str, label: str) -> None:
    assert label_of(name) == label


def test_the_live_cpu_is_identified_as_archspec_does() -> None:
    cpu = read_cpu()
    assert cpu.system == platform.system()
    as_listed = cpu if cpu.os_flags is None else replace(cpu, cpuid_flags=None)  # archspec trusts the system's list
    assert identify(as_listed).name == archspec.cpu.host().name
    assert cpu.name
    assert cpu.flags


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="needs Linux")
def test_the_live_flags_are_the_kernels() -> None:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    listed = next(line for line in lines if line.startswith(("flags", "Features"))).partition(":")[2].split()
    os_flags = read_cpu().os_flags
    assert os_flags is not None
    assert os_flags - {"sse3"} == set(listed)


@pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64", reason="only Linux on x86-64 grants AMX"
)
def test_the_live_kernel_is_asked_for_amx_and_agrees_with_its_own_list() -> None:
    consent = ask_for_amx()
    assert consent is not None
    if "amx_tile" not in (read_cpu().os_flags or ()):
        assert not consent.granted
        assert not consent.supported
    assert ask_for_amx() == consent


def test_each_refusal_of_amx_has_its_own_explanation() -> None:
    assert "5.16" in explain(AmxConsent(22))
    assert "switched off" in explain(AmxConsent(95))
    assert "sandbox" in explain(AmxConsent(1))
    assert "stack" in explain(AmxConsent(28))
    assert explain(AmxConsent(12)) == "The kernel refused AMX: Cannot allocate memory."
