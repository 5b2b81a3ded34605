"""The text is cut as llama-perplexity cuts it; what is no text is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from q8chat.core.errors import EvaluateError
from q8chat.evaluate.types import Text
from q8chat.evaluate.windows import Windows, cut, read_text
from q8chat.runtime.model import Model
from tests.unit.evaluate.conftest import Measure


@pytest.fixture(scope="module")
def model(starter_model: Path) -> Iterator[Model]:
    loaded = Model(starter_model)
    yield loaded
    loaded.close()


def test_a_window_of_512_scores_255_tokens() -> None:
    windows = Windows(tuple(range(1100)), 512, 2, bos=-1)
    assert (windows.first, windows.scored) == (256, 255)
    assert windows.window(1) == list(range(512, 1024))
    assert windows.targets(1) == list(range(512 + 257, 1024))


def test_the_beginning_token_takes_the_place_of_the_first_one() -> None:
    windows = Windows(tuple(range(100, 132)), 16, 2, bos=1)
    assert windows.window(0) == [1, *range(101, 116)]
    assert windows.window(1) == [1, *range(117, 132)]
    assert windows.targets(1) == list(range(116 + 9, 132))


def test_an_odd_window_scores_what_is_left() -> None:
    windows = Windows(tuple(range(30)), 15, 2, bos=-1)
    assert (windows.first, windows.scored, windows.targets(0)) == (7, 7, list(range(8, 15)))


def test_what_is_left_over_is_not_read(model: Model, text: Text) -> None:
    windows = cut(model, text, 100)
    assert windows.count == len(windows.tokens) // 100
    assert len(windows.tokens) % 100
    same = cut(model, Text("x", text.content.removesuffix("\n"), ""), 100)
    assert same.tokens == windows.tokens  # the last line break is dropped, as -f does it


def test_words_that_look_like_control_tokens_stay_words(model: Model) -> None:
    tokens = cut(model, Text("x", "<|im_start|> " * 40, ""), 8).tokens
    assert model.tokenize("<|im_start|>", parse_special=True)[0] not in tokens


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "bad.txt is empty"),
        (b" \n\t\n", "bad.txt is empty"),
        (b"one\ntwo\0three\n" * 9, "NUL character in line 2"),
        ("Wörter".encode("utf-16"), "NUL character in line 1"),
    ],
)
def test_no_text(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(data)
    with pytest.raises(EvaluateError, match=says) as e:
        read_text(path)
    assert e.value.hint


def test_bytes_that_are_no_utf8_are_read_as_well_as_can_be(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes("Grüße".encode("latin-1"))
    assert read_text(path).content == "Gr\ufffd\ufffde"


@pytest.mark.parametrize("name", ["absent.txt", ".", "a\0b"])
def test_a_text_that_cant_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(EvaluateError, match="can't be read"):
        read_text(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "ctx", "says"),
    [
        ("A few words only.", 512, r"has \d tokens; at least 1,024 are needed"),
        ("word " * 100, 7, "window of 7 tokens is too short"),
        ("word " * 100, 8193, "trained with 8,192 tokens, not 8,193"),
    ],
)
def test_too_little_of_it(starter_model: Path, measure: Measure, content: str, ctx: int, says: str) -> None:
    with pytest.raises(EvaluateError, match=says):
        measure(starter_model, ctx=ctx, of=Text("short.txt", content, "1"))
