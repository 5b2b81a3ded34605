"""Making the file: the same bytes however it goes, little memory, and what happens when something goes wrong."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest

from q8chat.core.errors import DiskFullError, ModelFileError, OutputFileError, Q8Error, QuantizeError
from q8chat.core.progress import Cancel, CancelledError, Progress
from q8chat.gguf_files import provenance
from q8chat.gguf_files.gguf_source import GgufSource
from q8chat.gguf_files.header import read_header
from q8chat.quantize.options import Options
from q8chat.quantize.pipeline import quantize
from q8chat.quantize.request import Request, discard, levels, prepared, run
from q8chat.quantize.tensor_plan import make_plan
from tests.unit.quantize.same import Case, make
from tests.unit.quantize.small_models import Shape, write_model

MODEL = Shape(layers=3, width=512, ffn=2048, vocab=3000, tied=False)


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def request(model: Path, to: str = "Q8_0", **changes: object) -> Request:
    return replace(Request(model=model, options=Options(ftype=to), provenance=False), **changes)  # type: ignore[arg-type]


def test_threads_and_interruptions_change_nothing(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.gguf", MODEL)
    made = []
    for threads in (1, 2, 7):
        out = tmp_path / f"{threads}.gguf"
        make(model, Case("Q4_K_M"), out, threads=threads)
        made.append(out.read_bytes())
    out = tmp_path / "stopped.gguf"
    rounds = 0
    while not out.exists():
        rounds += 1
        cancel, reports = Cancel(), []

        def stop(progress: Progress, cancel: Cancel = cancel, reports: list[Progress] = reports) -> None:
            reports.append(progress)
            if len(reports) == 12:
                cancel.set()

        try:
            make(model, Case("Q4_K_M"), out, threads=2, progress=stop, cancel=cancel)
        except CancelledError:
            assert not out.exists()
    assert 2 < rounds < 30
    made.append(out.read_bytes())
    assert len(set(made)) == 1


def test_the_size_is_known_and_progress_gets_there(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.gguf", MODEL)
    reports: list[Progress] = []
    wanted = request(model, "Q5_K_M", out=tmp_path / "out.gguf", provenance=True)
    with prepared(wanted) as (source, plan):
        before = plan.size
        assert plan.source_bytes == sum(t.n_bytes for t in source.tensors)
        assert sum(plan.bytes_by_type().values()) == sum(t.result.n_bytes for t in plan.tensors)
    made = run(wanted, reports.append)
    assert made.size == made.path.stat().st_size == before
    done = [p for p in reports if p.note.startswith("Tensor")]
    assert [p.done for p in done] == sorted(p.done for p in done)
    assert (done[-1].fraction, done[-1].note) == (1.0, f"Tensor {made.tensors} of {made.tensors}")
    assert read_header(made.path).metadata["general.file_type"] == 17


def bad_model(path: Path, tensor: str, value: float) -> Path:
    write_model(path, Shape(layers=1, vocab=600, tied=False))
    found = next(t for t in gguf.GGUFReader(path, "r+").tensors if t.name == tensor)
    found.data.reshape(-1)[-3] = value
    found.data.flush()
    return path


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("tensor", ["blk.0.ffn_up.weight", "blk.0.attn_norm.weight"])
def test_weights_that_are_no_numbers(tmp_path: Path, tensor: str, value: float) -> None:
    model = bad_model(tmp_path / "m.gguf", tensor, value)
    with pytest.raises(QuantizeError, match=rf"{tensor} in m\.gguf has weights that are not numbers or infinite"):
        run(request(model, "Q4_0"))
    assert not (tmp_path / "m-Q4_0.gguf").exists()
    discard(request(model, "Q4_0"))
    assert names(tmp_path) == ["m.gguf"]


def test_bad_weights_become_zero_if_wanted(tmp_path: Path) -> None:
    model = bad_model(tmp_path / "m.gguf", "blk.0.ffn_up.weight", np.inf)
    bad = next(t.data.copy() for t in gguf.GGUFReader(model).tensors if t.name == "blk.0.ffn_up.weight")
    made = run(request(model, options=Options(ftype="F32", zero_bad_weights=True)))
    good = next(t.data for t in gguf.GGUFReader(made.path).tensors if t.name == "blk.0.ffn_up.weight")
    bad[~np.isfinite(bad)] = 0
    assert np.array_equal(good, bad.astype(np.float32))


def test_weights_too_large_for_the_type(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_tensor("blk.0.ffn_up.weight", np.full((4, 256), 1e30, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(QuantizeError, match=r"weights of blk\.0\.ffn_up\.weight are too large for Q4_0"):
        run(request(path, "Q4_0"))
    assert run(request(path, "BF16")).tensors == 1


@pytest.mark.parametrize("change", ["shorter", "other time", "gone", "other file"])
def test_a_source_that_changes_meanwhile(tmp_path: Path, change: str) -> None:
    model = write_model(tmp_path / "m.gguf", MODEL)
    changes: dict[str, Callable[[], object]] = {
        "shorter": lambda: os.truncate(model, model.stat().st_size // 2),
        "other time": lambda: os.utime(model, ns=(1, 1)),
        "gone": model.unlink,
        "other file": lambda: write_model(tmp_path / "n.gguf", Shape()).replace(model),
    }
    source, out = GgufSource(model), tmp_path / "out.gguf"
    plan = make_plan(source, Options(ftype="Q8_0"))
    steps = 0

    def once(_progress: Progress) -> None:
        nonlocal steps
        steps += 1
        if steps == 3:
            changes[change]()

    with pytest.raises(ModelFileError, match=r"m\.gguf"):
        quantize(source, plan, out, threads=1, progress=once)
    source.close()
    assert not out.exists()


def test_a_changed_source_is_not_continued(tmp_path: Path) -> None:
    model, cancel = write_model(tmp_path / "m.gguf", MODEL), Cancel()

    def stop(progress: Progress) -> None:
        if progress.fraction > 0.5:
            cancel.set()

    with pytest.raises(CancelledError):
        run(request(model, threads=1), stop, cancel)
    write_model(model, MODEL, seed=2)
    made = run(request(model))
    assert made.continued == 0
    make(model, Case("Q8_0"), tmp_path / "other.gguf")
    assert made.path.read_bytes() == (tmp_path / "other.gguf").read_bytes()


def test_what_is_refused_before_any_work(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.gguf", Shape(layers=1))
    link = tmp_path / "link.gguf"
    link.symlink_to(model)
    cases: list[tuple[Request, type[Q8Error], str]] = [
        (request(model, out=model, overwrite=True), OutputFileError, "is the model itself"),
        (request(model, out=link, overwrite=True), OutputFileError, "is the model itself"),
        (request(model, out=tmp_path), OutputFileError, "is a folder"),
        (request(tmp_path / "none.gguf"), ModelFileError, "There is no file"),
        (request(model, imatrix=tmp_path / "none.dat"), QuantizeError, "can't be read"),
        (request(model, imatrix=model), QuantizeError, "not a usable importance matrix"),
        (
            request(model, imatrix=model, include=("a",), exclude=("b",)),
            QuantizeError,
            "both included and excluded",
        ),
    ]
    for wanted, error, text in cases:
        with pytest.raises(error, match=text):
            run(wanted)
    os.truncate(model, model.stat().st_size - 100)
    with pytest.raises(ModelFileError, match="is cut off"):
        run(request(model))
    assert names(tmp_path) == ["link.gguf", "m.gguf"]


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.gguf", Shape(layers=1))
    (tmp_path / "m-Q8_0.gguf").write_bytes(b"mine")
    with pytest.raises(OutputFileError, match="exists already"):
        run(request(model))
    assert (tmp_path / "m-Q8_0.gguf").read_bytes() == b"mine"
    assert run(request(model, overwrite=True)).size > 4


def test_killed_between_the_name_and_the_word(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.gguf", MODEL)
    wanted = request(model, provenance=True)
    first = run(wanted)
    provenance.sidecar(first.path).unlink()
    bytes_before, written = first.path.read_bytes(), first.path.stat().st_mtime_ns
    again = run(wanted)
    assert (again.continued, again.size, first.continued) == (first.tensors, first.size, 0)
    assert (first.path.read_bytes(), first.path.stat().st_mtime_ns) == (bytes_before, written)
    assert provenance.read(first.path).parent == str(model)
    write_model(model, MODEL, seed=2)  # another parent: now it is somebody else's file
    with pytest.raises(OutputFileError, match="exists already"):
        run(wanted)


def test_every_level_has_its_exact_size(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.gguf", Shape(layers=1))
    wanted = request(model, provenance=True, out=tmp_path / "out.gguf", overwrite=True)
    found = {level.name: level for level in levels(wanted)}
    assert "IQ1_S needs an importance matrix" in found["IQ1_S"].problem
    for name in ("Q8_0", "Q4_K_M", "F32"):
        assert not found[name].problem
        assert run(replace(wanted, options=Options(ftype=name))).size == found[name].size
    assert found["F32"].size > found["Q8_0"].size > found["Q4_K_M"].size


def test_another_alignment_is_kept(tmp_path: Path) -> None:
    """llama-quantize pads to 32 and says 128, which nobody can read then."""
    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_custom_alignment(128)
    writer.add_block_count(1)
    values = np.random.default_rng(1).standard_normal((3, 256)).astype(np.float32)
    for name in ("ffn_up", "ffn_gate", "attn_q"):
        writer.add_tensor(f"blk.0.{name}.weight", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    made = run(request(path, "F16"))
    tensors = gguf.GGUFReader(made.path).tensors
    assert all(np.array_equal(t.data, values.astype(np.float16)) for t in tensors)
    assert {t.data_offset % 128 for t in tensors} == {0}


def test_no_room(tmp_path: Path, small_disk: Path) -> None:
    model = write_model(tmp_path / "m.gguf", MODEL)
    with pytest.raises(DiskFullError, match="needs"):
        run(request(model, out=small_disk / "m.gguf"))
    assert names(small_disk) == []


MEASURED = textwrap.dedent("""
    import json, sys
    from pathlib import Path
    from q8chat.quantize.options import Options
    from q8chat.quantize.request import Request, run
    model, to, out, threads = sys.argv[1:5]
    options = Options(ftype=to)
    wanted = Request(model=Path(model), options=options, out=Path(out), threads=int(threads), provenance=False)
    print("begins", flush=True)
    made = run(wanted)
    status = Path("/proc/self/status")  # getrusage would count the test's memory before the exec too
    lines = status.read_text().splitlines() if status.exists() else []
    peak = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)
    print(json.dumps([made.continued, peak]))
""")


def measured(model: Path, to: str, out: Path, threads: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", MEASURED, str(model), to, str(out), str(threads)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_memory_does_not_grow_with_the_model(tmp_path: Path) -> None:
    path = tmp_path / "big.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    shape = (50_000, 4096)  # 400 MB in one tensor, as a hole in the file
    writer.add_tensor_info("blk.0.ffn_up.weight", shape, np.dtype(np.float16), 2 * 50_000 * 4096)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    end = path.stat().st_size
    os.truncate(path, end + -end % 32 + 2 * 50_000 * 4096)
    with measured(path, "Q8_0", tmp_path / "out.gguf", 4) as process:
        assert process.stdout is not None
        last = process.stdout.read().splitlines()[-1]
    peak = json.loads(last)[1]
    if peak is None:
        pytest.skip("only Linux tells the peak")
    assert peak < 200 << 10  # KiB


def test_killed_at_twenty_points(smollm: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed.gguf"
    whole = tmp_path / "whole.gguf"
    make(smollm, Case("Q4_K_M"), whole)
    part = tmp_path / "killed.gguf.part"
    points = sorted(random.Random(20).uniform(0, 0.98) for _ in range(20))
    for point in points:
        with measured(smollm, "Q4_K_M", out, 2) as process:
            assert process.stdout is not None
            process.stdout.readline()
            while process.poll() is None and not _has(part, int(point * whole.stat().st_size)):
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
        assert not out.exists(), point
    with measured(smollm, "Q4_K_M", out, 2) as process:
        assert process.stdout is not None
        continued = json.loads(process.stdout.read().splitlines()[-1])[0]
    assert out.read_bytes() == whole.read_bytes()
    assert continued > 0
    assert names(tmp_path) == ["killed.gguf", "whole.gguf"]


def _has(part: Path, size: int) -> bool:
    try:
        return part.stat().st_size > size
    except FileNotFoundError:
        return False
