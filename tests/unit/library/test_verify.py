"""Verifying what was downloaded, what is in caches of others, and what was damaged since."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from q8chat.core.errors import LibraryError
from q8chat.core.progress import Cancel, CancelledError, Progress
from q8chat.gguf_files import provenance
from q8chat.gguf_files.provenance import Provenance
from q8chat.library.types import Verification
from q8chat.library.verify import verify
from tests.unit.library.model_files import hub_cache, ollama_model, sha256, write_model


def outcome(result: Verification) -> list[bool | None]:
    return [check.passed for check in result.checks]


def flip(path: Path, at: int) -> None:
    """Change one bit."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_file_with_a_known_checksum(tmp_path: Path) -> None:
    path = write_model(tmp_path / "tiny.gguf")
    provenance.write(path, Provenance(sha256=sha256(path)))
    seen: list[Progress] = []
    result = verify(str(path), seen.append)
    assert (result.passed, outcome(result)) == (True, [True, True])
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert seen[-1].done == seen[-1].total == path.stat().st_size
    flip(path, -100)  # among the weights, where no header tells
    result = verify(str(path))
    assert (result.passed, outcome(result)) == (False, [True, False])
    assert "has changed" in result.checks[1].text


def test_without_a_known_checksum_that_is_said(tmp_path: Path) -> None:
    result = verify(str(write_model(tmp_path / "tiny.gguf")))
    assert (result.passed, outcome(result)) == (True, [True, None])
    assert "no checksum is known" in result.checks[1].text


def test_a_file_that_was_cut_off(tmp_path: Path) -> None:
    path = write_model(tmp_path / "tiny.gguf")
    provenance.write(path, Provenance(sha256=sha256(path)))
    os.truncate(path, path.stat().st_size - 1)
    result = verify(str(path))
    assert (result.passed, outcome(result)) == (False, [False, False])
    assert "cut off" in result.checks[0].text


def test_shards_are_checked_each_and_missing_ones_named(tmp_path: Path) -> None:
    files = [write_model(tmp_path / f"Big-0000{n}-of-00003.gguf", shard=(n, 3)) for n in (1, 2, 3)]
    for file in files:
        provenance.write(file, Provenance(sha256=sha256(file)))
    assert outcome(verify(str(files[0]))) == [True] * 6
    flip(files[1], -100)
    assert outcome(verify(str(files[0]))) == [True, True, True, False, True, True]
    files[2].unlink()
    result = verify(str(files[0]))
    assert outcome(result) == [False, True, True, True, False]
    assert result.checks[0].text == "Big-00003-of-00003.gguf is missing."


def test_blobs_of_other_applications_have_their_checksum_as_name(tmp_path: Path) -> None:
    link = hub_cache(tmp_path / "hub", "me/tiny", "tiny.gguf")
    blob = ollama_model(tmp_path / "ollama", "registry.ollama.ai/library/tiny/latest")
    for path in (link, blob):
        assert outcome(verify(str(path))) == [True, True]
        flip(path.resolve(), -100)
        assert outcome(verify(str(path))) == [True, False]


def test_it_can_be_cancelled(tmp_path: Path) -> None:
    path = write_model(tmp_path / "tiny.gguf")
    provenance.write(path, Provenance(sha256=sha256(path)))
    cancel = Cancel()
    cancel.set()
    with pytest.raises(CancelledError):
        verify(str(path), cancel=cancel)


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="There is no model"):
        verify(str(tmp_path / "gone.gguf"))
