"""Importance matrices: the values of llama-imatrix, from files and conversations, also after a kill."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import gguf
import numpy as np
import pytest

from q8chat.chat.store import Store
from q8chat.chat.types import Status
from q8chat.core import paths
from q8chat.core.errors import OutputFileError, QuantizeError
from q8chat.core.progress import Cancel, CancelledError, Progress, Report, no_report
from q8chat.jobs.imatrix import own_conversations
from q8chat.quantize.calibration import Calibration, calibration_tokens
from q8chat.quantize.make_imatrix import ImatrixOptions, MadeImatrix, make_imatrix, part_path
from q8chat.runtime.messages import Turn
from q8chat.runtime.model import Model
from tests.unit.quantize.calibration_prose import prose

RECORDED = json.loads((Path(__file__).parent / "llama_imatrix_smollm2.json").read_text())


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "prose.txt"
    path.write_text(prose(90))
    return path


@pytest.fixture
def model(starter_model: Path) -> Iterator[Model]:
    loaded = Model(starter_model)
    yield loaded
    loaded.close()


def made(
    model: Path,
    out: Path,
    text: Path,
    *,
    cancel: Cancel | None = None,
    report: Report = no_report,
    chunk_size: int = 512,
    chunks: int = 0,
    output: bool = False,
) -> MadeImatrix:
    # One thread: with neighbours, two of them wait for each other at every product.
    options = ImatrixOptions(chunk_size, chunks, output, threads=1)
    calibration = Calibration((text,))
    return make_imatrix(model, out, calibration, options, progress=report, cancel=cancel or Cancel())


def tensors(path: Path) -> dict[str, np.ndarray]:
    return {t.name: np.array(t.data, np.float64) for t in gguf.GGUFReader(path).tensors}


def test_the_values_are_those_of_llama_imatrix(starter_model: Path, text: Path, tmp_path: Path) -> None:
    out = tmp_path / "ours.gguf"
    result = made(starter_model, out, text, chunk_size=173, chunks=3)
    assert (result.chunks, result.weights) == (RECORDED["chunks"], len(RECORDED["weights"]))
    found = tensors(out)
    assert set(found) == {f"{n}.{what}" for n in RECORDED["weights"] for what in ("in_sum2", "counts")}
    for name, (total, wave, highest) in RECORDED["weights"].items():
        v = found[f"{name}.in_sum2"].ravel()
        assert v.sum() == pytest.approx(total, rel=1e-3), name
        assert (v * np.cos(np.arange(v.size))).sum() == pytest.approx(wave, abs=1e-3 * total), name
        assert v.max() == pytest.approx(highest, rel=2e-3), name
        assert found[f"{name}.counts"].ravel() == [RECORDED["rows"]], name


def test_the_file_says_what_it_is_but_not_where_the_text_was(
    starter_model: Path, text: Path, tmp_path: Path
) -> None:
    out = tmp_path / "ours.gguf"
    made(starter_model, out, text, chunk_size=32, chunks=2)
    fields = {k: f.contents() for k, f in gguf.GGUFReader(out).fields.items() if not k.startswith("GGUF.")}
    assert fields == {
        "general.type": "imatrix",
        "imatrix.datasets": ["prose.txt"],
        "imatrix.chunk_count": 2,
        "imatrix.chunk_size": 32,
    }


def test_the_output_matrix_is_seen_when_asked_for(starter_model: Path, text: Path, tmp_path: Path) -> None:
    without, with_it = tmp_path / "a.gguf", tmp_path / "b.gguf"
    made(starter_model, without, text, chunk_size=64, chunks=2)
    made(starter_model, with_it, text, chunk_size=64, chunks=2, output=True)
    # SmolLM2's output matrix is its embedding, which llama-imatrix leaves out as well.
    assert set(tensors(with_it)) >= set(tensors(without))


def test_killed_in_the_middle_it_goes_on_and_gives_the_same(
    starter_model: Path, text: Path, tmp_path: Path
) -> None:
    text.write_text(prose(120))
    whole, killed = tmp_path / "whole.gguf", tmp_path / "killed.gguf"
    made(starter_model, whole, text, chunk_size=32, chunks=24)
    script = (
        "import sys; from pathlib import Path; from q8chat.core.progress import *;"
        "from q8chat.quantize.make_imatrix import *; from q8chat.quantize.calibration import *;"
        "make_imatrix(Path(sys.argv[1]), Path(sys.argv[2]), Calibration((Path(sys.argv[3]),)),"
        " ImatrixOptions(32, 24, threads=1), cancel=Cancel(), progress=lambda p: print(p.done, flush=True))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(starter_model), str(killed), str(text)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert child.stdout
    for line in child.stdout:
        if int(line) == 20:
            break
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert not killed.exists()
    result = made(starter_model, killed, text, chunk_size=32, chunks=24)
    assert result.continued == 16  # of the 20 that were read, those up to the last save
    assert killed.read_bytes() == whole.read_bytes()
    assert not part_path(killed).exists()


def test_what_another_text_left_is_not_taken_for_this_one(starter_model: Path, text: Path, tmp_path: Path) -> None:
    text.write_text(prose(120))
    out, cancel = tmp_path / "m.gguf", Cancel()

    def stop_at_20(progress: Progress) -> None:
        if progress.done == 20:
            cancel.set()

    with pytest.raises(CancelledError):
        made(starter_model, out, text, chunk_size=32, chunks=24, cancel=cancel, report=stop_at_20)
    assert part_path(out).exists()
    text.write_text("Something else first.\n" + prose(120))
    assert made(starter_model, out, text, chunk_size=32, chunks=4).continued == 0


def test_a_text_that_is_too_short_says_how_long_it_must_be(starter_model: Path, text: Path, tmp_path: Path) -> None:
    text.write_text("Only this.")
    with pytest.raises(QuantizeError, match=r"has \d tokens; at least 1,024 are needed"):
        made(starter_model, tmp_path / "m.gguf", text)


@pytest.mark.parametrize("content", [b"", b"\x00" * 50_000, bytes(range(256)) * 300])
def test_odd_bytes_are_read_or_refused_but_never_crash(
    starter_model: Path, text: Path, tmp_path: Path, content: bytes
) -> None:
    text.write_bytes(content)
    out = tmp_path / "m.gguf"
    with nullcontext() if content else pytest.raises(QuantizeError, match="0 tokens"):
        assert made(starter_model, out, text, chunk_size=64, chunks=2).chunks == 2


def test_a_missing_text_is_named(starter_model: Path, tmp_path: Path) -> None:
    with pytest.raises(QuantizeError, match=r"nowhere\.txt can't be read"):
        made(starter_model, tmp_path / "m.gguf", tmp_path / "nowhere.txt")


def test_a_file_that_is_there_is_not_replaced(starter_model: Path, text: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.gguf"
    out.write_bytes(b"mine")
    with pytest.raises(OutputFileError, match="exists already"):
        made(starter_model, out, text)
    assert out.read_bytes() == b"mine"


def test_a_folder_gives_all_its_texts_in_order(model: Model, tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("second")
    (tmp_path / "a.md").write_text("first")
    (tmp_path / "c.png").write_bytes(b"no text")
    tokens, names = calibration_tokens(model, Calibration((tmp_path,)))
    assert names == ("a.md", "b.txt")
    assert b"".join(map(model.piece, tokens)) == b"first\nsecond"
    (tmp_path / "empty").mkdir()
    with pytest.raises(QuantizeError, match="no texts"):
        calibration_tokens(model, Calibration((tmp_path / "empty",)))


def test_text_that_looks_like_a_control_token_stays_text_but_conversations_have_real_ones(
    model: Model, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("<|im_start|>user")
    tokens, _ = calibration_tokens(model, Calibration((tmp_path / "a.txt",)))
    assert not any(map(model.is_control, tokens))
    turns = (Turn("user", "Where is the harbour?"), Turn("assistant", "Behind the church."))
    tokens, names = calibration_tokens(model, Calibration(conversations=(turns,)))
    assert names == ("own conversations",)
    assert sum(map(model.is_control, tokens)) >= 4
    assert b"".join(map(model.piece, tokens)).endswith(b"Behind the church.")


@pytest.mark.usefixtures("home")
def test_own_conversations_are_read_from_the_history() -> None:
    with pytest.raises(QuantizeError, match="no conversations"):
        own_conversations()
    with Store(paths.database_path()) as store:
        conversation = store.create_conversation("Harbour")
        asked = store.add_message(conversation.id, None, "user", "Where is it?")
        answer = store.add_message(conversation.id, asked.id, "assistant", "")
        store.update_message(answer.id, content="Behind the church.", status=Status.COMPLETE)
        store.add_message(conversation.id, answer.id, "user", "And the mill?")
    assert own_conversations() == ((Turn("user", "Where is it?"), Turn("assistant", "Behind the church.")),)
