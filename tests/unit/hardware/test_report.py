from __future__ import annotations

import json
import subprocess
import sys

import pytest

from q8chat.hardware.memory import Memory
from q8chat.hardware.report import MachineReport, machine_report, make_report
from tests.unit.hardware.recorded import NAMES, load

GIB = 1 << 30
MEMORY = Memory(total=64 * GIB, available=48 * GIB, swap_total=8 * GIB, swap_free=8 * GIB)


def report(machine: str, build: str = "") -> MachineReport:
    recorded = load(machine)
    return make_report(recorded.cpu, recorded.topology, MEMORY, load(build or machine).native_build)


def test_a_desktop_in_text() -> None:
    text = report("alder_lake").to_text()
    assert text.splitlines()[:13] == [
        "CPU           12th Gen Intel Core i9-12900K",
        "Architecture  x86_64, Alder Lake (archspec: alderlake)",
        "Cores         8 performance with 2 hardware threads each, 8 efficiency",
        "Caches        L1d 8 x 48 KiB + 8 x 32 KiB, L1i 8 x 64 KiB + 8 x 32 KiB, L2 2 x 2 MiB + 8 x 1.25 MiB,",
        "              L3 30 MiB",
        "NUMA nodes    1",
        "Memory        64 GiB, 48 GiB available",
        "Swap          8 GiB, 8 GiB free",
        "May use       all 24 CPUs",
        "Threads       8 to begin with. One thread for each performance core. Efficiency cores and second",
        "              hardware threads are left out: they would hold the others up.",
        "",
        "              CPU has it  system allows it  llama.cpp uses it",
    ]
    assert "\nAVX-VNNI      yes         yes               yes\n" in text
    assert "\nAVX-512 F     no          -                 no\n" in text
    assert "\nAVX-VNNI: Used for 8-bit and 4-bit models." in text
    assert "\nAVX-512 F, AVX-512 VNNI, AVX-512 BF16, AMX-TILE, AMX-INT8, AMX-BF16: Not in this CPU." in text


@pytest.mark.parametrize("machine", NAMES)
def test_every_machine_can_be_shown_and_stored(machine: str) -> None:
    made = report(machine)
    data = json.loads(json.dumps(made.to_dict()))
    assert data["cpu"]["name"] == made.cpu.name
    assert data["cores"]["physical"] == len(made.topology.cores)
    assert [row["key"] for row in data["features"]] == [row.key for row in made.features]
    assert all(line == line.rstrip() and len(line) <= 100 for line in made.to_text().splitlines())


def test_a_build_for_a_smaller_cpu_is_a_loss() -> None:
    made = report("zen4", build="zen3")
    assert made.missing == ("AVX512", "AVX512_VNNI", "AVX512_BF16")
    assert made.advice == (
        "This build of llama.cpp does not use AVX-512 F, AVX-512 VNNI, AVX-512 BF16 although this CPU could: "
        "rebuild llama.cpp on this machine to make it faster.",
    )


def test_a_build_for_a_bigger_cpu_is_a_danger() -> None:
    made = report("zen3", build="alder_lake")
    assert made.unsafe == ("AVX_VNNI",)
    assert "made for a CPU with AVX-VNNI" in made.advice[0]
    assert [row.name for row in made.features if row.unsafe] == ["AVX-VNNI"]
    assert "AVX-VNNI: This build was compiled for it and can crash here: " in made.to_text()
    assert "! This build" in made.to_text()


def test_refused_amx_is_explained() -> None:
    advice = report("sapphire_rapids_old_kernel").advice
    assert [a for a in advice if "AMX-INT8" in a and "Linux 5.16" in a]
    assert report("sapphire_rapids").advice == ()


def test_an_old_cpu_is_warned_of() -> None:
    assert "AVX2" in report("westmere").advice[0]


def test_limits_are_told() -> None:
    recorded = load("zen3")
    narrow = Memory(total=64 * GIB, available=2 * GIB, swap_total=0, swap_free=0, limit=4 * GIB)
    topology = type(recorded.topology)(
        recorded.topology.cores, numa_nodes=1, allowed=frozenset({0, 1, 2}), quota=1.5
    )
    text = make_report(recorded.cpu, topology, narrow, "").to_text()
    assert "3 of 32 CPUs, for the time of 1.5 CPUs (container limit)" in text
    assert "64 GiB, 2 GiB available; a container limit allows 4 GiB" in text
    assert "Threads       1 to begin with." in text


def test_nothing_is_advised_about_a_build_that_was_not_asked() -> None:
    recorded = load("zen4")
    made = make_report(recorded.cpu, recorded.topology, MEMORY, "")
    assert (made.advice, made.missing, made.unsafe) == ((), (), ())
    assert {row.used.state for row in made.features} == {"unknown", "no"}
    assert "llama.cpp is not loaded" in made.to_text()


def test_the_installed_llama_cpp_fits_this_machine() -> None:
    code = "import llama_cpp; llama_cpp.llama_backend_init(); print(llama_cpp.llama_print_system_info().decode())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    made = machine_report(done.stdout)
    assert made.compiled
    assert made.unsafe == ()
    vectors = "AVX2" if made.cpu.architecture == "x86_64" else "NEON"
    row = next(r for r in made.features if r.name == vectors)
    assert row.used.yes == made.compiled.get(vectors, False)
