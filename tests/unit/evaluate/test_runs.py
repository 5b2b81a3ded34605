"""How a run ends: early, cancelled, killed, with a broken model, or with a card that is found again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from q8chat.core import paths
from q8chat.core.errors import EvaluateError, ModelFileError
from q8chat.core.progress import Cancel, CancelledError, Progress
from q8chat.evaluate import cards, chunk_log, quality
from q8chat.evaluate.quality import LEAST_CHUNKS
from q8chat.evaluate.types import Options, Text
from tests.unit.evaluate.conftest import Measure
from tests.unit.gguf_files.small_gguf import gguf, key
from tests.unit.gguf_files.small_gguf import text as gguf_text


def leftovers() -> list[str]:
    return [p.name for p in (paths.cache_dir() / "measure").glob("chunks-*") if p.suffix != ".lock"]


def test_it_ends_when_the_result_is_certain_enough(
    starter_model: Path, starter_q4_0: Path, measure: Measure
) -> None:
    rough = measure(starter_q4_0, starter_model, chunks=0, precision=0.5)
    assert rough.stopped_early
    assert rough.chunks >= LEAST_CHUNKS
    assert 1.96 * rough.mean_kld_stderr <= 0.5 * rough.mean_kld
    finer = measure(starter_q4_0, starter_model, chunks=0, precision=0.15)
    assert finer.chunks > rough.chunks
    assert abs(finer.mean_kld - rough.mean_kld) < 3 * rough.mean_kld_stderr


def test_a_short_text_is_read_to_its_end(starter_model: Path, measure: Measure, text: Text) -> None:
    short = Text("short", text.content[:400], "short")
    card = measure(starter_model, chunks=0, precision=0.001, of=short)
    assert not card.stopped_early
    asked = measure(starter_model, chunks=1000, of=short)
    assert (asked.chunks, asked.perplexity) == (card.chunks, card.perplexity)


def test_killed_it_goes_on_and_gives_the_same(
    starter_model: Path, starter_q4_0: Path, measure: Measure, text: Text, tmp_path: Path
) -> None:
    path = tmp_path / "same.txt"
    path.write_text(text.content)
    script = (
        "import sys; from pathlib import Path; from q8chat.core.progress import *;"
        "from q8chat.evaluate import quality; from q8chat.evaluate.types import *;"
        "from q8chat.evaluate.windows import read_text; a = [Path(p) for p in sys.argv[1:]];"
        "quality.run(a[0], a[1], read_text(a[2]), Options(ctx=32, chunks=8, threads=1), cancel=Cancel(),"
        " progress=lambda p: print(p.unit, p.done, flush=True))"
    )
    command = [sys.executable, "-c", script, str(starter_q4_0), str(starter_model), str(path)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert child.stdout
    for line in child.stdout:
        if line == "chunks 3\n":
            break
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    (log,) = leftovers()
    with (paths.cache_dir() / "measure" / log).open("ab") as f:
        f.write(b"cut off")  # what a kill in the middle of writing leaves
    card = measure(starter_q4_0, starter_model, chunks=8)
    assert 3 <= card.continued < 8
    assert not leftovers()
    whole = quality.run(
        starter_q4_0,
        starter_model,
        text,
        Options(ctx=32, chunks=8, threads=1, again=True),
        progress=lambda p: None,
        cancel=Cancel(),
    )
    assert whole.continued == 0
    assert (whole.perplexity, whole.mean_kld, whole.max_kld) == (card.perplexity, card.mean_kld, card.max_kld)


def test_cancelled_in_the_middle_of_a_window(
    starter_model: Path, measure: Measure, capfd: pytest.CaptureFixture[str]
) -> None:
    cancel, stopped = Cancel(), []

    def stop() -> None:
        stopped.append(time.monotonic())
        cancel.set()

    def started(progress: Progress) -> None:
        if progress.unit == "chunks":  # a window of 512 takes more than a second with one thread
            threading.Timer(0.4, stop).start()

    with pytest.raises(CancelledError):
        measure(starter_model, ctx=512, chunks=1, progress=started, cancel=cancel)
    assert time.monotonic() - stopped[0] < 1.0
    assert "fail" not in capfd.readouterr().err  # as llama.cpp calls it


def test_cancelled_while_the_file_is_identified(starter_model: Path, measure: Measure) -> None:
    cancel = Cancel()
    cancel.set()
    with pytest.raises(CancelledError):
        measure(starter_model, cancel=cancel)


@pytest.mark.parametrize("role", ["model", "reference"])
def test_a_model_that_computes_nan(starter_model: Path, broken_model: Path, measure: Measure, role: str) -> None:
    pair = (broken_model, starter_model) if role == "model" else (starter_model, broken_model)
    with pytest.raises(EvaluateError, match=r"broken.gguf computes values that are no numbers .* in chunk 1 "):
        measure(*pair)


def test_a_reference_with_other_tokens(starter_model: Path, other_vocabulary: Path, measure: Measure) -> None:
    with pytest.raises(EvaluateError, match=r"can't be compared with other.gguf: their vocabularies differ"):
        measure(starter_model, other_vocabulary)


def test_the_file_is_replaced_in_the_middle(starter_model: Path, measure: Measure, tmp_path: Path) -> None:
    model = shutil.copy(starter_model, tmp_path / "m.gguf")

    def replace(progress: Progress) -> None:
        if (progress.unit, progress.done) == ("chunks", 1):
            shutil.copy(starter_model, tmp_path / "n.gguf").replace(model)

    with pytest.raises(EvaluateError, match=r"m\.gguf was changed or removed while it was measured"):
        measure(model, progress=replace)
    assert cards.of_model(model) == ([], [])


def test_a_card_is_shown_for_the_very_file_only(starter_model: Path, measure: Measure, tmp_path: Path) -> None:
    model = shutil.copy(starter_model, tmp_path / "m.gguf")
    card = measure(model)
    assert cards.of_model(model) == ([card], [])
    assert cards.of_model(starter_model) == ([], [])  # it was never identified
    with model.open("r+b") as f:
        f.seek(-1, os.SEEK_END)
        last = f.read(1)
        f.seek(-1, os.SEEK_END)
        f.write(bytes([last[0] ^ 1]))
    assert cards.of_model(model) == ([], [])
    model.unlink()
    assert cards.of_model(model) == ([], [])


def test_the_same_is_not_measured_twice(starter_model: Path, measure: Measure, text: Text) -> None:
    first, seen = measure(starter_model), []
    assert measure(starter_model, progress=seen.append) == first
    assert not seen
    other = measure(starter_model, of=Text(text.name, text.content + "more", "another hash"))
    assert other.date >= first.date
    assert other.text_sha256 != first.text_sha256
    assert len(cards.of_model(starter_model)[0]) == 2


def test_a_damaged_card_is_none(starter_model: Path, measure: Measure) -> None:
    measure(starter_model)
    (path,) = (paths.data_dir() / "measured" / "quality").iterdir()
    path.write_text("{")
    assert cards.of_model(starter_model) == ([], [])
    assert measure(starter_model).chunks == 4


def test_discarding_an_unfinished_run(starter_model: Path, measure: Measure, text: Text) -> None:
    cancel = Cancel()

    def stop(progress: Progress) -> None:
        if (progress.unit, progress.done) == ("chunks", 2):
            cancel.set()

    with pytest.raises(CancelledError):
        measure(starter_model, progress=stop, cancel=cancel)
    assert len(leftovers()) == 1
    quality.discard(starter_model, None, text, Options(ctx=32, chunks=4))
    assert not leftovers()


def test_a_model_that_is_not_there(measure: Measure, tmp_path: Path) -> None:
    with pytest.raises(EvaluateError, match="There is no model"):
        measure(tmp_path / "absent.gguf")


def test_what_is_no_model_for_writing(measure: Measure, tmp_path: Path) -> None:
    path = tmp_path / "bert.gguf"
    arch = key("general.architecture", 8, gguf_text("bert"))
    path.write_bytes(gguf([arch, key("bert.attention.causal", 7, b"\x00")]))
    with pytest.raises(EvaluateError, match="bert models don't write text"):
        measure(path)
    path.write_bytes(gguf([key("general.architecture", 8, gguf_text("clip"))]))
    with pytest.raises(EvaluateError, match="clip models don't write text"):
        measure(path)
    path.write_bytes(b"no model at all")
    with pytest.raises(ModelFileError, match="does not begin like a GGUF file"):
        measure(path)


def test_cards_are_light() -> None:
    """The window shows them."""
    code = "import sys, q8chat.evaluate.cards; print([n for n in ('numpy', 'llama_cpp') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_two_at_the_same_work(starter_model: Path, measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_log, "PATIENCE", 0.1)
    refused = []

    def again(progress: Progress) -> None:
        if (progress.unit, progress.done) == ("chunks", 1):
            with pytest.raises(EvaluateError, match="Another process is measuring just this"):
                measure(starter_model)
            refused.append(progress)

    card = measure(starter_model, progress=again)
    assert len(refused) == 1
    assert measure(starter_model) == card
