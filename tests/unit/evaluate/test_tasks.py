"""Tasks are read, put to the model and scored as the harness does it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from q8chat.core.errors import EvaluateError
from q8chat.core.progress import Cancel, CancelledError, no_report
from q8chat.evaluate import cards, tasks
from q8chat.evaluate.logits import LogitReader
from q8chat.evaluate.task_formats import read_tasks
from q8chat.evaluate.types import FileId, TaskCard, TaskResult
from q8chat.runtime.model import Model

HELLASWAG = {
    "ind": 4,
    "activity_label": "Baking cookies",
    "ctx_a": "A woman stands at a table. [header] How to bake [title] Cookies",
    "ctx_b": "she",
    "ctx": "not used",
    "endings": [
        "puts the cookies into the oven.",
        "moon [step] wardrobe of.",
        "thirteen very.",
        "swims the the car.",
    ],
    "label": "0",
}
WINOGRANDE = {
    "sentence": "The trophy doesn't fit into the suitcase because the _ is too small.",
    "option1": "suitcase",
    "option2": "trophy",
    "answer": "1",
}
PIQA = {"goal": "How do you boil water?", "sol1": "Heat it in a pot.", "sol2": "Purple sleeps of.", "label": 0}
LAMBADA = {"text": "The capital of France is Paris. I have always loved the city of Paris"}


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_the_prompts_are_the_harnesss(tmp_path: Path) -> None:
    name, (question,) = read_tasks(write(tmp_path / "h.jsonl", HELLASWAG))
    context = "Baking cookies: A woman stands at a table. How to bake. Cookies She"
    assert name == "hellaswag"
    assert question.candidates[0] == (context, " puts the cookies into the oven.")
    assert question.candidates[1] == (context, " moon wardrobe of.")
    assert (question.right, question.lengths[1]) == (0, len("moon wardrobe of."))

    name, (question,) = read_tasks(write(tmp_path / "w.jsonl", WINOGRANDE))
    start = "The trophy doesn't fit into the suitcase because the "
    assert name == "winogrande"
    assert question.candidates == ((f"{start}suitcase", " is too small."), (f"{start}trophy", " is too small."))
    assert (question.right, question.lengths) == (0, ())

    name, (question,) = read_tasks(write(tmp_path / "p.jsonl", PIQA))
    assert name == "piqa"
    assert question.candidates[1] == ("Question: How do you boil water?\nAnswer:", " Purple sleeps of.")
    assert (question.right, question.lengths) == (0, (17, 17))

    name, (question,) = read_tasks(write(tmp_path / "l.jsonl", LAMBADA))
    assert name == "lambada"
    assert question.candidates == (("The capital of France is Paris. I have always loved the city of", " Paris"),)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", r"line 3: it is no JSON"),
        ('"text"', "line 3: it is no JSON object"),
        ("\udcff", "line 3: it is no JSON"),
        ("[" * 100_000, "line 3: it is no JSON"),
        ({**PIQA, "label": "two"}, 'line 3: "label" is no number'),
        ({**PIQA, "label": True}, 'line 3: "label" is no number'),
        ({**PIQA, "label": 2}, "line 3: the right answer is number 2, but there are 2"),
        ({**PIQA, "label": -1}, "line 3: the right answer is number -1"),
        ({**PIQA, "sol1": None}, 'line 3: "sol1" is no text'),
        ({"goal": "x"}, 'line 3: there is no "sol1"'),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: Any, says: str) -> None:
    path = write(tmp_path / "bad.jsonl", PIQA, "")
    row = line if isinstance(line, str) else json.dumps(line)
    with path.open("ab") as f:
        f.write(row.encode("utf-8", "surrogateescape") + b"\n")
    with pytest.raises(EvaluateError, match=rf"bad\.jsonl, {says}"):
        read_tasks(path)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({**HELLASWAG, "endings": "one"}, '"endings" is no list'),
        ({**HELLASWAG, "endings": ["a", 2]}, '"endings" is no text'),
        ({**WINOGRANDE, "sentence": "No gap."}, "has no gap"),
        ({**WINOGRANDE, "answer": "3"}, "neither 1 nor 2"),
        ({"text": "word"}, "has no last word"),
        ({"question": "?"}, "its fields are those of no known task"),
    ],
)
def test_what_a_task_needs(tmp_path: Path, row: dict[str, Any], says: str) -> None:
    with pytest.raises(EvaluateError, match=f"line 1: .*{says}"):
        read_tasks(write(tmp_path / "bad.jsonl", row))


def test_no_tasks_at_all(tmp_path: Path) -> None:
    with pytest.raises(EvaluateError, match="has no tasks"):
        read_tasks(write(tmp_path / "empty.jsonl", "", " "))
    with pytest.raises(EvaluateError, match="can't be read"):
        read_tasks(tmp_path / "absent.jsonl")


def answer(model: Path, *files: Path, limit: int = 0) -> TaskCard:
    return tasks.run(model, files, no_report, Cancel(), limit=limit, threads=1)


def test_the_model_answers(starter_model: Path, tmp_path: Path) -> None:
    wrong = {**PIQA, "label": 1}
    files = (
        write(tmp_path / "h.jsonl", HELLASWAG),
        write(tmp_path / "p.jsonl", PIQA, PIQA, wrong),
        write(tmp_path / "l.jsonl", LAMBADA, {"text": "The capital of France is wardrobe"}),
        write(tmp_path / "w.jsonl", WINOGRANDE),
    )
    card = answer(starter_model, *files)
    hellaswag, piqa, lambada, winogrande = card.results
    assert (hellaswag.acc, hellaswag.acc_norm, hellaswag.examples) == (1, 1, 1)
    assert (piqa.acc, piqa.acc_norm) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert piqa.acc_stderr == pytest.approx(np.std([1, 1, 0], ddof=1) / np.sqrt(3))
    assert (lambada.acc, lambada.acc_norm) == (0.5, None)
    assert lambada.perplexity and lambada.perplexity > 1
    assert (winogrande.acc_norm, winogrande.perplexity) == (None, None)
    assert cards.of_model(starter_model) == ([], [card])
    assert answer(starter_model, *files) == card  # without measuring again: the date is the same
    assert answer(starter_model, files[1], limit=2).results[0].acc == 1


def test_it_is_the_answer_per_character_that_counts_for_acc_norm(starter_model: Path, tmp_path: Path) -> None:
    """A long right answer has many tokens to be wrong in; per character it is by far the likelier."""
    long = "The days of the week are Monday, Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday."
    row = {"goal": "What are the days of the week?", "sol1": long, "sol2": "No.", "label": 0}
    (result,) = answer(starter_model, write(tmp_path / "p.jsonl", row)).results
    assert (result.acc, result.acc_norm) == (0, 1)


@pytest.fixture
def scorer(starter_model: Path) -> Iterator[tasks._Scorer]:
    model = Model(starter_model)
    made = tasks._Scorer(model, 1, Cancel())
    yield made
    made.close()
    model.close()


def test_a_likelihood_is_that_of_its_tokens(scorer: tasks._Scorer) -> None:
    model = scorer.model
    context, candidate = "The ferry leaves the island at", " seven and comes back"
    prefix, rest = model.tokenize(context), model.tokenize(candidate)
    whole = prefix + rest
    with LogitReader(model, 32, 32, 1) as reader:
        x = np.array(reader.read(whole, 0, len(whole), Cancel()), np.float64)
    log_p = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    expected = sum(log_p[len(prefix) + i - 1, token] for i, token in enumerate(rest))
    assert scorer.likelihood(context, candidate).total == pytest.approx(expected, rel=1e-4)


def test_spaces_at_the_end_of_a_context_belong_to_the_candidate(scorer: tasks._Scorer) -> None:
    assert scorer.tokens("the island ", "at") == scorer.tokens("the island", " at")
    whole, n = scorer.tokens("", "island")
    assert len(whole) == n + 1  # something must come before the first token


def test_a_context_that_is_too_long_loses_its_beginning(scorer: tasks._Scorer) -> None:
    long = scorer.likelihood("word " * 1500 + "The capital of France is", " Paris")
    assert long.total < 0
    with pytest.raises(EvaluateError, match="A candidate has"):
        scorer.likelihood("Once", " upon a time" * 200)


def test_a_broken_model_and_a_cancelled_run(broken_model: Path, starter_model: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", PIQA)
    with pytest.raises(EvaluateError, match=r"p\.jsonl, task 1: broken\.gguf computes values that are no numbers"):
        answer(broken_model, path)
    cancel = Cancel()
    cancel.set()
    with pytest.raises(CancelledError):
        tasks.run(starter_model, [path], no_report, cancel)


def card_of(*accs: float) -> TaskCard:
    results = tuple(TaskResult(task="piqa", file="p", examples=9, acc=a, acc_stderr=0.1) for a in accs)
    return TaskCard(model=FileId("m", 1, "0"), build="", results=results, file_sha256=())


def test_what_quantization_did_to_the_tasks() -> None:
    found = tasks.compared(card_of(0.5, 0.4, 0.8, 0.0), card_of(0.6, 0.3, 0.8, 0.1))
    assert found["improved"] == 0.5
    assert found["not_worse"] == 0.75
    assert found["mean_degradation"] == pytest.approx((-0.2 + 0.25 + 0.0) / 3)
