"""Memory of models as the window asks for it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from q8chat.core.errors import ModelFileError
from q8chat.core.progress import Cancel, CancelledError
from q8chat.gguf_files.header import read_header
from q8chat.jobs.memory_calls import Wanted, needs, report
from q8chat.runtime import measured
from q8chat.runtime.footprint import estimate
from q8chat.runtime.measured import Measurement

AT_ONCE = """
import sys, threading
from q8chat.jobs.memory_calls import Wanted, report
failed = []
def ask():
    try:
        report(Wanted((sys.argv[1],), 2048))
    except ValueError as e:
        failed.append(e)
threads = [threading.Thread(target=ask) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
sys.exit(str(failed) if failed else 0)
"""


def test_a_report_is_the_estimate_by_part_and_says_what_multiplies_the_weights(starter_model: Path) -> None:
    answer = report(Wanted((str(starter_model),), 4096))
    assert sum(answer.parts.values()) == estimate(read_header(starter_model), 4096).total
    assert answer.parts["kv"] == 90 << 20  # 30 layers, 3 heads of 64, keys and values in 2 bytes
    assert answer.available > 0
    assert "Q4_1" in answer.kernels
    assert (answer.corrected, answer.measured) == (False, None)


def test_sums_are_told_for_each_and_a_broken_file_has_none(starter_model: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF")
    wanted = [Wanted((str(starter_model),), 4096), Wanted((str(broken),), 4096)]
    answer = needs(wanted, Cancel())
    assert answer.total == {str(starter_model): estimate(read_header(starter_model), 4096).total, str(broken): 0}
    with pytest.raises(ModelFileError):
        report(wanted[1])


def test_adding_up_can_be_cancelled(starter_model: Path) -> None:
    cancel = Cancel()
    cancel.set()
    with pytest.raises(CancelledError):
        needs([Wanted((str(starter_model),), 4096)], cancel)


def seen(model: Path, n_ctx: int, full: int) -> Measurement:
    header = read_header(model)
    return Measurement(
        identity=measured.identity([header]),
        n_ctx=n_ctx,
        kv_type="f16",
        mmap=True,
        architecture=header.architecture,
        file=model.name,
        build=measured.build(),
        date="2026-11-22T10:00:00+00:00",
        predicted=asdict(estimate(header, n_ctx)),
        graph=22 << 20,
        buffers={
            "weights_mapped": 96 << 20,
            "weights_private": 0,
            "repacked": 0,
            "kv": 90 << 20,
            "recurrent": 0,
            "compute": 22 << 20,
            "outputs": 0,
        },
        loaded=230 << 20,
        full=full,
    )


@pytest.mark.parametrize("full", [0, 250 << 20])
def test_what_was_measured_with_this_context_comes_along(starter_model: Path, full: int) -> None:
    measured.record(seen(starter_model, 4096, full))
    found = report(Wanted((str(starter_model),), 4096)).measured
    assert found is not None
    assert sum(found.parts.values()) == (full or 230 << 20)
    assert (found.predicted["kv"], found.full) == (90 << 20, bool(full))
    assert report(Wanted((str(starter_model),), 2048)).measured is None


def test_several_may_ask_at_once(starter_model: Path) -> None:
    """The first use of llama.cpp loads it; half a library must not be seen by another thread."""
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE, str(starter_model)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
