"""The text an importance matrix is made from: files, folders of texts, conversations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from q8chat.core.errors import QuantizeError, TemplateError
from q8chat.runtime.messages import Turn
from q8chat.runtime.model import Model
from q8chat.runtime.templates import ChatTemplate, choose_template

TEXT_FILES = (".txt", ".md", ".raw", ".rst")  # of a folder; a file that is named may have any ending
CONVERSATIONS = "own conversations"


@dataclass(frozen=True, slots=True)
class Calibration:
    """`paths`: text files and folders of them. `conversations`: each a list of turns that ends with an answer."""

    paths: tuple[Path, ...] = ()
    conversations: tuple[tuple[Turn, ...], ...] = ()


def calibration_tokens(model: Model, calibration: Calibration) -> tuple[list[int], tuple[str, ...]]:
    """Tokens, and the names of the texts for the file: without folders, since the file may be passed on.

    Plain text is tokenized as llama-imatrix does it. A conversation goes through the model's chat template, so that
    the model meets its control tokens where it will meet them. Raises QuantizeError for a text that can't be read.
    """
    text, names = _read(calibration.paths)
    # The line break at the end goes as llama.cpp's -f drops it; text that looks like a control token stays text.
    tokens = model.tokenize(text.removesuffix("\n"), add_special=True, parse_special=False) if text else []
    if calibration.conversations:
        template = _template(model)
        for turns in calibration.conversations:
            tokens += _conversation_tokens(model, template, turns)
        names.append(CONVERSATIONS)
    return tokens, tuple(names)


def _read(paths: Sequence[Path]) -> tuple[str, list[str]]:
    texts, names = [], []
    for path in paths:
        for file in _files(path):
            try:
                texts.append(file.read_bytes().decode("utf-8", "replace"))
            except OSError as e:
                raise QuantizeError(
                    f"{file} can't be read: {e.strerror}.", "Choose a text file you can read."
                ) from e
            names.append(file.name)
    return "\n".join(texts), names


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(f for f in path.rglob("*") if f.suffix.lower() in TEXT_FILES and f.is_file())
    if not found:
        raise QuantizeError(
            f"There are no texts in {path}.", f"Texts are files that end in {', '.join(TEXT_FILES)}."
        )
    return found


def _template(model: Model) -> ChatTemplate | None:
    try:
        return choose_template("", model.template, model.bos, model.eos)
    except TemplateError:
        return None


def _conversation_tokens(model: Model, template: ChatTemplate | None, turns: Sequence[Turn]) -> list[int]:
    """With no usable template, or one that refuses these turns, what was said is read as plain text."""
    try:
        if template:
            text = template.render(turns[:-1]) + turns[-1].content
            bos = model.bos
            return model.tokenize(text, add_special=not (bos and text.startswith(bos)))
    except TemplateError:
        pass
    return model.tokenize("\n\n".join(t.content for t in turns), add_special=True, parse_special=False)
