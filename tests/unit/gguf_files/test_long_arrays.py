"""Vocabularies are skipped in blocks; what follows them must be read all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from q8chat.core.errors import ModelFileError
from q8chat.gguf_files.header import BLOCK, SkippedArray, read_header
from tests.unit.gguf_files import small_gguf as small


def with_words(words: list[str]) -> bytes:
    keys = [*small.KEYS[:-3], small.key("words", 9, small.strings(words)), small.key("last", 8, small.text("end"))]
    return small.gguf(keys)


@pytest.mark.parametrize(
    "words",
    [
        ["x" * 100] * 9000,  # several blocks
        ["y" * (BLOCK + 5)] + ["z"] * 1100,  # one word longer than a block
        ["z"] * 1100 + ["y" * (2 * BLOCK)],
        ["x" * (n % 40) for n in range(40_000)],  # block ends at every place of a word and of its length
        [""] * 70_000,
    ],
    ids=["long", "first longer than a block", "last longer than a block", "mixed", "empty"],
)
def test_what_follows_a_long_array_is_read(tmp_path: Path, words: list[str]) -> None:
    path = tmp_path / "words.gguf"
    path.write_bytes(with_words(words))
    header = read_header(path)
    assert header.metadata["words"] == SkippedArray(len(words))
    assert header.metadata["last"] == "end"
    assert [t.name for t in header.tensors] == ["token_embd.weight", "output.weight"]


@pytest.mark.parametrize("cut", [3, 11, BLOCK, BLOCK + 3, 400_000])
def test_a_file_that_ends_inside_a_long_array_is_cut_off(tmp_path: Path, cut: int) -> None:
    data = with_words(["x" * 100] * 9000)
    path = tmp_path / "cut.gguf"
    path.write_bytes(data[: data.index(b"words") + 20 + cut])
    with pytest.raises(ModelFileError, match="its header"):
        read_header(path)


def test_a_length_that_lies_ends_the_reading(tmp_path: Path) -> None:
    data = with_words(["x" * 7] * 2000)
    at = data.index(b"xxxxxxx") - 8
    path = tmp_path / "lie.gguf"
    path.write_bytes(data[:at] + b"\xff" * 8 + data[at + 8 :])
    with pytest.raises(ModelFileError, match="inside its header"):
        read_header(path)
