"""Files that are no models, and models whose template is no good: said clearly, and the next one works."""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from q8chat.chat.events import EngineStatus
from q8chat.chat.types import Status
from tests.unit.chat.service_driver import GREEDY, ServiceDriver

MB = 1 << 20
TEMPLATE_KEY = b"tokenizer.chat_template"


def with_template(model: Path, target: Path, source: str) -> Path:
    """A copy of `model` with another chat template, padded with spaces to the length of its own."""
    data = bytearray(model.read_bytes())
    at = data.index(TEMPLATE_KEY) + len(TEMPLATE_KEY) + 4
    (length,) = struct.unpack_from("<Q", data, at)
    new = source.encode().ljust(length)
    assert len(new) == length, "the template is longer than the model's own"
    data[at + 8 : at + 8 + length] = new
    target.write_bytes(data)
    return target


def without_template(model: Path, target: Path) -> Path:
    data = model.read_bytes()
    target.write_bytes(data.replace(TEMPLATE_KEY, b"tokenizer.chat_tempLATE", 1))
    return target


def with_duplicate_token(model: Path, target: Path) -> Path:
    """A copy of `model` in whose vocabulary two entries are the same."""
    data = bytearray(model.read_bytes())
    key = b"tokenizer.ggml.tokens"
    at = data.index(key) + len(key) + 4 + 12
    entries = []
    for _ in range(400):
        (n,) = struct.unpack_from("<Q", data, at)
        entries.append((at + 8, n))
        at += 8 + n
    single = [start for start, n in entries if n == 1]
    data[single[-1]] = data[single[0]]
    target.write_bytes(data)
    return target


def truncated(model: Path, target: Path) -> Path:
    target.write_bytes(model.read_bytes()[: 50 * MB])
    return target


def header_only(model: Path, target: Path) -> Path:
    target.write_bytes(model.read_bytes()[: MB // 2])
    return target


def empty(_model: Path, target: Path) -> Path:
    target.touch()
    return target


def noise(_model: Path, target: Path) -> Path:
    target.write_bytes(random.Random(1).randbytes(MB))
    return target


def gguf_noise(_model: Path, target: Path) -> Path:
    target.write_bytes(b"GGUF\3\0\0\0" + random.Random(1).randbytes(MB))
    return target


def folder(_model: Path, target: Path) -> Path:
    target.mkdir()
    return target


def pipe(_model: Path, target: Path) -> Path:
    os.mkfifo(target)
    return target


def missing(_model: Path, target: Path) -> Path:
    return target


def other_architecture(model: Path, target: Path) -> Path:
    data = model.read_bytes()
    head = data[: 4 * MB].replace(b"llama", b"lLAMa")
    target.write_bytes(head + data[4 * MB :])
    return target


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (truncated, "is cut off: it has 52,428,800 of"),
        (header_only, "ends after 524,288 bytes"),
        (empty, "is empty"),
        (noise, "does not begin like a GGUF file"),
        (gguf_noise, "its header claims"),
        (folder, "is a folder"),
        (pipe, "is not a file"),
        (missing, "There is no file"),
        (other_architecture, "unknown model architecture: 'lLAMa'"),
        (with_duplicate_token, "token_to_id"),
    ],
)
def test_files_that_are_no_models(
    driver: ServiceDriver,
    starter_model: Path,
    tmp_path: Path,
    make: Callable[[Path, Path], Path],
    words: str,
) -> None:
    bad = make(starter_model, tmp_path / "bad.gguf")
    state = driver.load(bad)
    assert state.status is EngineStatus.DEAD
    assert words in state.problem
    assert state.hint
    assert len(state.problem) < 300
    assert "Traceback" not in state.problem


def test_after_a_bad_model_a_good_one_works(driver: ServiceDriver, starter_model: Path, tmp_path: Path) -> None:
    assert driver.load(empty(starter_model, tmp_path / "bad.gguf")).problem
    state = driver.load(starter_model)
    assert (state.status, state.problem) == (EngineStatus.READY, "")
    assert driver.say(driver.conversation(), "Hello.").content


TEMPLATES = {
    "broken": ("{% for m in %}", "is broken in line 1"),
    "raising": ("{{ raise_exception('no way') }}", "refuses this conversation: no way"),
    "failing": ("{{ 1 / 0 }}", "ZeroDivisionError"),
    "endless": (
        "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}"
        "{% endfor %}{% endfor %}{% endfor %}",
        "does not come to an end",
    ),
    "greedy": ("{{ 'a' * 99999999999 }}", "needs too much"),
    "absent": ("", "has no chat template"),
}


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_template_that_is_no_good(driver: ServiceDriver, starter_model: Path, tmp_path: Path, kind: str) -> None:
    source, words = TEMPLATES[kind]
    path = tmp_path / "odd.gguf"
    make = with_template(starter_model, path, source) if source else without_template(starter_model, path)
    state = driver.load(make)
    assert state.status is EngineStatus.READY
    assert state.loaded
    if kind in ("broken", "absent"):
        assert words in state.loaded.template_error
    talk = driver.conversation(GREEDY)
    answer = driver.say(talk, "Hello, who are you?")
    assert answer.status is Status.FAILED
    assert words in answer.error
    assert "built-in templates" in answer.error
    assert driver.texts(talk) == ["Hello, who are you?", ""]
    driver.service.use_template("ChatML")
    driver.service.regenerate(answer.id)
    again = driver.finished()
    assert again.status in (Status.COMPLETE, Status.LENGTH)
    assert again.content
