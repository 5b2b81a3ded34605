"""Lines of task files as questions: field names and prompts of the Language Model Evaluation Harness.

A format is a function here and a line in FORMATS; which one a file has is told by the fields of its first line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from q8chat.core.errors import EvaluateError

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """Each candidate is (what is read, what is scored after it). `right`: its number.

    `lengths`: characters of the candidates, for acc_norm; empty where the harness does not report that.
    With one candidate the question is whether the model would write just that.
    """

    candidates: tuple[tuple[str, str], ...]
    right: int = 0
    lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Format:
    """`fields`: those by which it is known, all must be there."""

    name: str
    fields: frozenset[str]
    question: Callable[[Row], Question]


def _choices(context: str, choices: list[str], right: int) -> Question:
    if not 0 <= right < len(choices):
        raise ValueError(f"the right answer is number {right}, but there are {len(choices)}")
    return Question(tuple((context, f" {c}") for c in choices), right, tuple(len(c) for c in choices))


def _tidy(text: str) -> str:
    """HellaSwag's WikiHow parts have marks of headings and steps in brackets."""
    text = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", text).replace("  ", " ")


def _hellaswag(row: Row) -> Question:
    context = f"{_text(row, 'ctx_a')} {_text(row, 'ctx_b').capitalize()}"
    endings = [_tidy(_is_text(e, "endings")) for e in _list(row, "endings")]
    return _choices(_tidy(f"{_text(row, 'activity_label')}: {context}"), endings, _number(row, "label"))


def _piqa(row: Row) -> Question:
    return _choices(
        f"Question: {_text(row, 'goal')}\nAnswer:", [_text(row, "sol1"), _text(row, "sol2")], _number(row, "label")
    )


def _winogrande(row: Row) -> Question:
    """The option is put into the gap, and what follows the gap is scored."""
    before, gap, after = _text(row, "sentence").partition("_")
    if not gap:
        raise ValueError('"sentence" has no gap ("_")')
    right = _number(row, "answer") - 1
    if right not in (0, 1):
        raise ValueError('"answer" is neither 1 nor 2')
    options = (_text(row, "option1"), _text(row, "option2"))
    return Question(tuple((before + option, f" {after.strip()}") for option in options), right)


def _lambada(row: Row) -> Question:
    context, space, word = _text(row, "text").rpartition(" ")
    if not space or not word or not context:
        raise ValueError('"text" has no last word')
    return Question(((context, f" {word}"),))


FORMATS = (
    Format("hellaswag", frozenset({"ctx_a", "ctx_b", "activity_label", "endings", "label"}), _hellaswag),
    Format("winogrande", frozenset({"sentence", "option1", "option2", "answer"}), _winogrande),
    Format("piqa", frozenset({"goal", "sol1", "sol2", "label"}), _piqa),
    Format("lambada", frozenset({"text"}), _lambada),
)


def read_tasks(path: Path) -> tuple[str, list[Question]]:
    """The format's name and the questions. Raises EvaluateError, naming the line that is wrong."""
    try:
        lines = path.read_bytes().split(b"\n")
    except (OSError, ValueError) as e:
        why = e.strerror if isinstance(e, OSError) else "there is no such name"
        raise EvaluateError(f"{path} can't be read: {why}.", "Choose a JSONL file you can read.") from e
    questions: list[Question] = []
    form: Format | None = None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = _row(line)
            form = form or _format(row)
            questions.append(form.question(row))
        except ValueError as e:
            raise EvaluateError(f"{path.name}, line {number}: {e}.", "Mend or remove that line.") from e
    if form is None:
        raise EvaluateError(f"{path.name} has no tasks.", "Choose a JSONL file with one task in each line.")
    return form.name, questions


def _row(line: bytes) -> Row:
    try:
        row = json.loads(line)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as e:
        where = f" (column {e.colno})" if isinstance(e, json.JSONDecodeError) else ""
        raise ValueError(f"it is no JSON{where}") from e
    if not isinstance(row, dict):
        raise ValueError("it is no JSON object")
    return row


def _format(row: Row) -> Format:
    for form in FORMATS:
        if form.fields <= row.keys():
            return form
    known = "; ".join(f"{f.name}: {', '.join(sorted(f.fields))}" for f in FORMATS)
    raise ValueError(f"its fields are those of no known task ({known})")


def _is_text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f'"{name}" is no text')
    return value


def _text(row: Row, name: str) -> str:
    if name not in row:
        raise ValueError(f'there is no "{name}"')
    return _is_text(row[name], name)


def _list(row: Row, name: str) -> list[Any]:
    value = row.get(name)
    if not isinstance(value, list) or not value:
        raise ValueError(f'"{name}" is no list')
    return value


def _number(row: Row, name: str) -> int:
    """A number, which many files have as text."""
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f'"{name}" is no number')
    try:
        return int(value)
    except ValueError:
        raise ValueError(f'"{name}" is no number') from None
