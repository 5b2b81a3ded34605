"""A matrix made first and used in the same job: killed in the middle it goes on, cancelled it leaves nothing."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from q8chat.core.errors import QuantizeError
from q8chat.core.progress import Cancel, CancelledError, Progress
from q8chat.gguf_files.header import read_header
from q8chat.jobs import convert_calls, kinds, wire, with_imatrix
from q8chat.jobs.convert_plan import ConvertRequest
from q8chat.jobs.convert_types import AskedLevels, Texts
from q8chat.jobs.types import JobState
from q8chat.quantize.options import Options
from q8chat.quantize.request import Request
from tests.unit.convert import tiny
from tests.unit.jobs import queue_driver
from tests.unit.jobs.queue_driver import Queue

WORDS = " ".join(f"w{n % 40}" for n in range(1500))


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    monkeypatch.setattr(queue_driver, "KINDS", kinds.KINDS)
    made = Queue()
    yield made
    made.queue.close()


def tokenizer() -> bytes:
    """The tiny one with a piece for the space, as every real one has it."""
    raw = "\u2581".encode()
    piece = b"\x0a" + bytes([len(raw)]) + raw + b"\x15" + struct.pack("<f", -1.0) + b"\x18\x01"
    return tiny.sentencepiece(tiny.TOKENS - 1) + b"\x0a" + bytes([len(piece)]) + piece


def params(tmp_path: Path, level: str = "IQ4_NL") -> dict[str, Any]:
    """A checkpoint, a text, and where things go."""
    text = tmp_path / "words.txt"
    text.write_text(WORDS)
    folder = tiny.make(tmp_path / "Tiny")
    (folder / "tokenizer.model").write_bytes(tokenizer())
    out = tmp_path / "out"
    texts = Texts(out=out / "imatrix-20260101-000000.gguf", texts=(text,), threads=1)
    request = ConvertRequest(folder=folder, options=Options(ftype=level), out=out / f"Tiny-{level}.gguf")
    return {"texts": texts, "convert_request": request}


def left(tmp_path: Path) -> list[str]:
    return sorted(p.name for p in (tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else []


def test_a_checkpoint_with_a_matrix_of_its_own(jobs: Queue, tmp_path: Path) -> None:
    given = params(tmp_path)
    source = convert_calls.inspect(str(tmp_path / "Tiny"))
    asked = AskedLevels(source=source, levels=("IQ4_NL",), options=Options(ftype=""), texts=given["texts"])
    (row,) = convert_calls.levels(asked, Cancel()).rows
    job = jobs.queue.submit("with_imatrix", "Tiny", given)
    done = jobs.wait(job, JobState.DONE)
    made = Path(done.result["path"])
    assert made.stat().st_size == row.size  # told before there was a matrix
    metadata = read_header(made).metadata
    assert metadata["quantize.imatrix.file"] == "imatrix-20260101-000000.gguf"
    assert metadata["quantize.imatrix.dataset"] == "words.txt"
    with pytest.raises(QuantizeError, match="is an importance matrix, not a model"):
        convert_calls.inspect(str(given["texts"].out))
    assert left(tmp_path) == [
        ".Tiny-IQ4_NL.gguf.q8chat.json",
        "Tiny-IQ4_NL.gguf",
        "imatrix-20260101-000000.gguf",
    ]


def stopped_at(step: str, given: dict[str, Any]) -> None:
    """Run it until a note of that step, as if the process was told to stop there."""
    cancel = Cancel()

    def report(progress: Progress) -> None:
        if progress.note.startswith(step):
            cancel.set()

    with pytest.raises(CancelledError):
        with_imatrix.run(given["texts"], report, cancel, convert_request=given["convert_request"])


@pytest.mark.parametrize("step", ["Step 1 of 3", "Step 2 of 3", "Step 3 of 3"])
def test_interrupted_in_any_step_it_goes_on_and_discarded_it_leaves_nothing(tmp_path: Path, step: str) -> None:
    given = params(tmp_path)
    stopped_at(step, given)
    assert not given["convert_request"].out.exists()
    notes: list[str] = []
    done = with_imatrix.run(
        given["texts"], lambda p: notes.append(p.note), Cancel(), convert_request=given["convert_request"]
    )
    assert done["path"] == str(given["convert_request"].out)
    if step == "Step 3 of 3":
        assert not [note for note in notes if note.startswith("Step 2")]

    again = params(tmp_path, "Q4_0")
    again["texts"] = Texts(out=tmp_path / "out" / "imatrix-2.gguf", texts=again["texts"].texts, threads=1)
    before = left(tmp_path)
    stopped_at(step, again)
    with_imatrix.discard(again["texts"], convert_request=again["convert_request"])
    assert left(tmp_path) == before


def test_params_that_a_window_sends_arrive_as_they_are_meant(tmp_path: Path) -> None:
    given = params(tmp_path)
    plain = wire.as_object(given)
    assert wire.convert(plain["texts"], Texts) == given["texts"]
    assert wire.convert(plain["convert_request"], ConvertRequest | None) == given["convert_request"]
    request = {"model": str(tmp_path / "a.gguf"), "options": {"ftype": "Q4_0", "tensor_types": [["a", "Q8_0"]]}}
    assert wire.convert(request, Request).options.tensor_types == (("a", "Q8_0"),)
