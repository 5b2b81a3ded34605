"""The words a child leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from q8chat.core.child_process import last_words


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", ""),
        ("loading\nall is well\n", ""),
        (
            "/home/x/llama-vocab.cpp:12: GGML_ASSERT(a.size() == b.size()) failed\n(core dumped)\n",
            "llama-vocab.cpp:12: GGML_ASSERT(a.size() == b.size()) failed",
        ),
        ("terminate called after throwing\n  what():  bad alloc\n", "bad alloc"),
        ("Traceback (most recent call last):\n  File x\nValueError: é \n", "ValueError: é"),
        ("x" * 100_000 + "\nMemoryError\n", "MemoryError"),
        ("\udc80\xff\nMemoryError", "MemoryError"),
    ],
)
def testlast_words(tmp_path: Path, log: str, words: str) -> None:
    path = tmp_path / "log"
    path.write_bytes(log.encode("utf-8", "surrogateescape"))
    assert last_words(path) == words


def test_nolast_words(tmp_path: Path) -> None:
    assert last_words(tmp_path / "gone") == ""
