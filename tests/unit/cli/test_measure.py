"""`q8chat measure`, and the same as a job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from q8chat.chat.store import Store
from q8chat.cli import run
from q8chat.cli.parser import EXIT_ERROR, EXIT_USAGE
from q8chat.core import paths
from q8chat.core.progress import Cancel, no_report
from q8chat.evaluate import cards
from q8chat.evaluate.types import Options, QualityCard
from q8chat.gguf_files import provenance
from q8chat.gguf_files.provenance import Provenance
from q8chat.jobs import calling, measure
from q8chat.jobs.kinds import KINDS
from tests.unit.quantize.calibration_prose import prose


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "prose.txt"
    path.write_text(prose(30))
    return path


def told(capsys: pytest.CaptureFixture[str], *args: object) -> dict[str, Any]:
    assert run(["measure", *map(str, args), "--threads", "1", "--ctx", "32", "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_json_has_the_numbers_on_top(starter_model: Path, text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, starter_model, "--reference", starter_model, "--text", text, "--chunks", "2")
    assert found["perplexity"] > 1
    assert found["mean_kld"] == pytest.approx(0, abs=1e-6)
    assert found["mean_kld_stderr"] >= 0
    assert (found["top1_agreement"], found["chunks"], found["text"]) == (1, 2, "prose.txt")
    assert found["model"]["name"] == found["reference"]["name"] == starter_model.name
    assert "tasks" not in found
    alone = told(capsys, starter_model, "--alone", "--text", text, "--chunks", "2")
    assert (alone["perplexity"], alone["mean_kld"]) == (found["perplexity"], None)


def test_words_for_people(starter_model: Path, text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["measure", str(starter_model), "--text", str(text), "--chunks", "2", "--ctx", "32", "--threads", "1"]
    assert run([*args, "--reference", str(starter_model)]) == 0
    shown = capsys.readouterr()
    assert f"against {starter_model.name}" in shown.out
    assert "Same first choice      100.000% ± 0.000%" in shown.out
    assert "0 of 2 chunks" in shown.err
    assert run([*args, "--alone"]) == 0
    assert "KL" not in capsys.readouterr().out


def test_tasks_alone_need_no_text(starter_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        json.dumps({"goal": "How do you boil water?", "sol1": "Heat it.", "sol2": "Of of.", "label": 0})
    )
    found = told(capsys, starter_model, "--reference", starter_model, "--tasks", path)
    (result,) = found["tasks"]["results"]
    assert (result["task"], result["acc"], result["acc_norm"]) == ("piqa", 1, 1)
    assert found["compared"] == {"improved": 0, "not_worse": 1, "mean_degradation": 0}
    assert "perplexity" not in found
    assert run(["measure", str(starter_model), "--reference", str(starter_model), "--tasks", str(path)]) == 0
    assert "mean degradation 0.00%" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["--chunks", "-1"], EXIT_USAGE, "can't be negative"),
        (["--precision", "1"], EXIT_USAGE, "below 1"),
        (["--alone", "--reference", "x.gguf"], EXIT_USAGE, "compares with nothing"),
        (["--text", "x", "--conversations"], EXIT_USAGE, "one text only"),
        (["--text", "absent.txt"], EXIT_ERROR, "absent.txt can't be read"),
        (["--reference", "absent.gguf", "--tasks", "absent.jsonl"], EXIT_ERROR, "absent.jsonl can't be read"),
        (["--conversations"], EXIT_ERROR, "no conversations"),
    ],
)
def test_what_makes_no_sense(
    starter_model: Path, capsys: pytest.CaptureFixture[str], args: list[str], code: int, says: str
) -> None:
    assert run(["measure", str(starter_model), *args, "--json"]) == code
    shown = capsys.readouterr()
    assert says in shown.err
    assert not shown.out


def test_the_reference_is_what_the_model_was_made_from(starter_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    model.write_bytes(b"x")
    assert measure.parent(model) is None
    provenance.write(model, Provenance(parent=str(starter_model)))
    assert measure.parent(model) == starter_model
    provenance.write(model, Provenance(parent=str(tmp_path / "gone.gguf")))
    assert measure.parent(model) is None
    provenance.write(model, Provenance(parent="publisher/repo"))
    assert measure.parent(model) is None


def params(model: Path, **others: Any) -> dict[str, Any]:
    given = {
        "model": str(model),
        "reference": None,
        "text": None,
        "conversations": False,
        "task_files": [],
        "options": msgspec.to_builtins(Options(ctx=32, chunks=2, threads=1)),
    }
    return {**given, **others}


def test_as_a_job(starter_model: Path, text: Path) -> None:
    kind = KINDS["measure"]
    given = {"progress": no_report, "cancel": Cancel()}
    made = calling.run(kind.run, params(starter_model, text=str(text)), given)
    assert isinstance(made, measure.Measured)
    assert isinstance(made.quality, QualityCard)
    assert cards.of_model(starter_model)[0] == [made.quality]
    left = paths.cache_dir() / "measure"
    before = sorted(left.iterdir())
    calling.run(kind.discard, params(starter_model, text=str(text)), given, pick=True)
    calling.run(kind.discard, params(starter_model), given, pick=True)  # no text was written: nothing to do
    assert sorted(left.iterdir()) == before


def test_own_conversations(starter_model: Path) -> None:
    with Store(paths.database_path()) as store:
        conversation = store.create_conversation("", "")
        question = store.add_message(conversation.id, None, "user", prose(15))
        store.add_message(conversation.id, question.id, "assistant", prose(15))
    made = calling.run(
        KINDS["measure"].run,
        params(starter_model, conversations=True),
        {"progress": no_report, "cancel": Cancel()},
    )
    assert (made.quality.text, made.quality.chunks) == ("own conversations", 2)
    (kept,) = (paths.data_dir() / "measured" / "quality").iterdir()
    assert "ferry" not in kept.read_text()  # a card has none of what was said
