"""One pass from a checkpoint to any level: the bytes of two passes, and nothing half-made whatever happens."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from q8chat.convert.conversion import convert
from q8chat.core import paths
from q8chat.core.errors import CheckpointError, QuantizeError, UsageError
from q8chat.gguf_files import provenance
from q8chat.gguf_files.header import read_header
from q8chat.jobs import convert as work
from q8chat.jobs import convert_plan
from q8chat.jobs.convert_plan import ConvertRequest
from q8chat.quantize.ftypes import ftype
from q8chat.quantize.options import Options
from tests.unit.convert.conftest import kit_checkpoints, smollm2  # noqa: F401  fixtures
from tests.unit.quantize import reference

KILLS = 20


def request(folder: Path, level: str, out: Path | None = None, **more: object) -> ConvertRequest:
    return ConvertRequest(folder=folder, options=Options(ftype=level), out=out, **more)  # type: ignore[arg-type]


def two_passes(folder: Path, level: str, out: Path, kind: str = "auto") -> None:
    between = out.with_suffix(".between")
    convert(folder, between, kind)
    (outcome,) = reference.run([reference.Job(str(between), str(out), ftype(level).number)])
    assert outcome.code == 0, outcome.log[-500:]


@pytest.mark.parametrize(
    ("family", "level"),
    [
        ("smollm2", "Q4_K_M"),
        ("llama2-spm", "Q4_0"),
        ("qwen2", "IQ4_NL"),
        ("olmo", "Q5_K_S"),
        ("mixtral", "Q3_K_M"),
        ("gpt2", "Q6_K"),
        ("phi3", "Q5_1"),
    ],
)
def test_one_pass_gives_the_bytes_of_two(
    family: str,
    level: str,
    kit_checkpoints: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    folder, one, two = kit_checkpoints / family, tmp_path / "one.gguf", tmp_path / "two.gguf"
    two_passes(folder, level, two)
    planned = convert_plan.plan(request(folder, level, one, provenance=False))
    made = work.run(request(folder, level, one, provenance=False))
    assert one.read_bytes() == two.read_bytes()
    assert one.stat().st_size == planned.size == made.size
    assert list(tmp_path.glob("*.part*")) == []


def test_smollm2_in_one_pass_talks(smollm2: Path, tmp_path: Path) -> None:  # noqa: F811
    out = tmp_path / "SmolLM2-Q4_K_M.gguf"
    program = str(Path(sys.executable).parent / "q8chat")
    command = [program, "convert", str(smollm2), "--to", "q4_k_m", "-o", str(out), "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert told["size"] == out.stat().st_size and told["level"] == "Q4_K_M"
    keys = read_header(out).metadata
    assert keys["q8chat.command"] == "q8chat convert SmolLM2-135M-Instruct --to Q4_K_M"
    assert keys["q8chat.tool.llama-cpp-python"]
    beside = provenance.read(out)
    assert beside.parent == str(smollm2) and len(beside.sha256) == 64
    asked = [program, "chat", str(out), "-p", "Name three colours.", "--temperature", "0", "--max-tokens", "40"]
    answer = subprocess.run(asked, capture_output=True, check=True, text=True).stdout
    assert "blue" in answer.lower() or "red" in answer.lower()


def test_killed_twenty_times_it_is_continued_and_never_half_there(
    smollm2: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    whole, out = tmp_path / "whole.gguf", tmp_path / "out.gguf"
    work.run(request(smollm2, "Q4_K_M", whole, provenance=False))
    script = (
        "import sys; from pathlib import Path; from q8chat.jobs import convert;"
        "from q8chat.jobs.convert_plan import ConvertRequest;"
        "from q8chat.quantize.options import Options; say = lambda p: print(p.done, flush=True);"
        "r = ConvertRequest(folder=Path(sys.argv[1]), options=Options(ftype='Q4_K_M'), out=Path(sys.argv[2]),"
        " provenance=False); notes = []; made = convert.run(r, lambda p: (say(p), notes.append(p.note)));"
        "assert all(f'continued after {made.continued}' in n for n in notes[:9]) or not made.continued, notes[:9];"
        "print('continued', made.continued)"
    )
    command = [sys.executable, "-c", script, str(smollm2), str(out)]
    dice = random.Random(8)  # the points differ by the machine anyway
    size = sum(f.stat().st_size for f in smollm2.glob("*.safetensors"))
    points = sorted(dice.randrange(1, size * 9 // 10) for _ in range(KILLS))
    for point in points:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout
        for line in child.stdout:
            if line.startswith("continued"):
                pytest.fail("it ended before it was killed")
            if int(line) >= point:
                break
        time.sleep(dice.random() / 50)  # into the middle of a block
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert not out.exists()
    last = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(last.rsplit(maxsplit=1)[-1]) > 100, "most of the tensors were there"
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.gguf", "whole.gguf"]


def test_the_result_goes_into_the_library_under_a_name_that_says_what_it_is(
    kit_checkpoints: Path,  # noqa: F811
) -> None:
    made = work.run(request(kit_checkpoints / "smollm2", "Q8_0"))
    assert made.path == paths.models_dir() / "local" / "smollm2" / "smollm2-Q8_0.gguf"
    ours = paths.models_dir() / "HuggingFaceTB" / "SmolLM2"
    ours.mkdir(parents=True)
    assert convert_plan.target(request(ours, "Q4_0"), "Q4_0") == ours / "SmolLM2-Q4_0.gguf"


@pytest.mark.parametrize("level", ["F16", "Q8_0"])
def test_what_needs_no_quantizer_is_what_the_converter_makes(
    level: str,
    kit_checkpoints: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    ours, theirs = tmp_path / "ours.gguf", tmp_path / "theirs.gguf"
    work.run(request(kit_checkpoints / "llama2-spm", level, ours, provenance=False))
    convert(kit_checkpoints / "llama2-spm", theirs, level.lower())
    assert ours.read_bytes() == theirs.read_bytes()
    told = tmp_path / "told.gguf"
    work.run(request(kit_checkpoints / "llama2-spm", level, told))
    plain, with_keys = read_header(ours), read_header(told)
    assert set(with_keys.metadata) - set(plain.metadata) >= {"q8chat.command", "q8chat.parent.file"}
    assert ours.read_bytes()[plain.data_offset :] == told.read_bytes()[with_keys.data_offset :]


def test_what_can_not_be_is_said_before_any_work(kit_checkpoints: Path, tmp_path: Path) -> None:  # noqa: F811
    folder = kit_checkpoints / "llama2-spm"
    with pytest.raises(QuantizeError, match="make no difference"):
        convert_plan.plan(request(folder, "F16", tmp_path / "a.gguf", imatrix=tmp_path / "m.gguf"))
    with pytest.raises(QuantizeError, match="Q9_X"):
        convert_plan.plan(request(folder, "Q9_X", tmp_path / "a.gguf"))
    with pytest.raises(CheckpointError):
        convert_plan.plan(request(tmp_path, "Q4_0", tmp_path / "a.gguf"))
    with pytest.raises(UsageError, match="part of the checkpoint"):
        work.run(request(folder, "Q4_0", folder / "model.safetensors", overwrite=True))
    assert (folder / "model.safetensors").stat().st_size > 1000


def test_discarding_leaves_nothing(smollm2: Path, tmp_path: Path) -> None:  # noqa: F811
    from q8chat.core.progress import Cancel, CancelledError, Progress

    cancel, asked = Cancel(), request(smollm2, "Q4_0", tmp_path / "out.gguf")

    def stop(progress: Progress) -> None:
        if progress.fraction > 0.3:
            cancel.set()

    with pytest.raises(CancelledError):
        work.run(asked, stop, cancel)
    assert list(tmp_path.iterdir())
    work.discard(asked)
    assert list(tmp_path.iterdir()) == []
