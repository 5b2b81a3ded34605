"""Headers of files on the hub: the same as of the file on disk, for a few megabytes at most."""

from __future__ import annotations

import struct
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from q8chat.core.errors import HubUnreachableError, ModelFileError
from q8chat.gguf_files.header import read_header
from q8chat.hub import remote_header
from q8chat.hub.remote_header import read_remote_header, read_remote_headers
from tests.fakes.hub_contents import Content
from tests.fakes.hub_server import HubServer
from tests.unit.gguf_files import small_gguf
from tests.unit.gguf_files.small_gguf import gguf, key, text

FILE = "org/m/m.gguf"


class Zeros(Content):
    """A beginning, and then nothing but zeros up to a size no disk has."""

    def __init__(self, begin: bytes, size: int) -> None:
        self.begin, self.size = begin, size

    def read(self, offset: int, n: int) -> bytes:
        n = max(0, min(n, self.size - offset))
        return self.begin[offset : offset + n].ljust(n, b"\0")

    sha256 = "0" * 64
    git_sha1 = "0" * 40


@pytest.mark.parametrize(("ranges", "requests"), [("yes", 5), ("none", 2), ("wrong", 4)])
def test_a_real_file(
    hub: HubServer, starter_model: Path, ranges: Literal["yes", "none", "wrong"], requests: int
) -> None:
    hub.add_repo("org/m", {"m.gguf": starter_model}, gated="auto")
    hub.fault(FILE, ranges=ranges)
    header = read_remote_header("org/m", "m.gguf")
    assert header == replace(read_header(starter_model), path=Path("m.gguf"))
    assert hub.sent(FILE) < 5_000_000
    assert len(hub.requests) == requests
    assert hub.leaks == []
    assert hub.requests[0].authorization  # the hub itself got it


def test_a_small_file_is_two_requests(hub: HubServer) -> None:
    hub.add_repo("org/m", {"m.gguf": gguf()})
    assert read_remote_header("org/m", "m.gguf").metadata["general.name"] == "Tiny é"
    assert [(r.origin, r.method) for r in hub.requests] == [("hub", "HEAD"), ("storage", "GET")]


def test_all_shards(hub: HubServer, tmp_path: Path) -> None:
    names = [f"m-0000{i}-of-00006.gguf" for i in range(1, 7)]
    keys = [[*small_gguf.KEYS, key("split.no", 2, struct.pack("<H", i))] for i in range(6)]
    hub.add_repo("org/m", {name: gguf(k) for name, k in zip(names, keys, strict=True)})
    headers = read_remote_headers("org/m", names)
    assert [h.metadata["split.no"] for h in headers] == list(range(6))
    assert [h.path.name for h in headers] == names


def test_broken_connections_are_made_again(hub: HubServer, starter_model: Path) -> None:
    hub.add_repo("org/m", {"m.gguf": starter_model})
    hub.fault(FILE, reset_after=100_000, times=2)
    assert read_remote_header("org/m", "m.gguf").tensors == read_header(starter_model).tensors


def test_a_connection_that_always_breaks_is_said(hub: HubServer, starter_model: Path) -> None:
    hub.add_repo("org/m", {"m.gguf": starter_model})
    hub.fault(FILE, reset_after=100_000)
    with pytest.raises(HubUnreachableError, match="broke"):
        read_remote_header("org/m", "m.gguf")


def test_an_answer_that_is_cut_off_ends(hub: HubServer, starter_model: Path) -> None:
    hub.add_repo("org/m", {"m.gguf": starter_model})
    hub.fault(FILE, truncate_after=1000)
    with pytest.raises(HubUnreachableError, match="broke"):
        read_remote_header("org/m", "m.gguf")


def _claims(n: int) -> bytes:
    return struct.pack("<Q", n)


LIES = {
    "no model": b"<html>not found</html>",
    "nothing": b"",
    "only the magic": b"GGUF",
    "many keys": gguf(n_keys=1 << 40),
    "many tensors": gguf(n_tensors=60_000),
    "a long text": gguf([key("a", 8, _claims(1 << 60))]),
    "a long array": gguf([key("a", 9, struct.pack("<IQ", 4, 1 << 24))]),
    "an endless array": gguf([key("a", 9, struct.pack("<IQ", 8, 1 << 62))]),
    "an unknown type": gguf([key("a", 99, b"")]),
    "tensors beyond the end": gguf(tensors=[small_gguf.tensor("x", (1 << 20, 1 << 20), 0, 0)]),
    "a far tensor": gguf(tensors=[small_gguf.tensor("x", (32,), 0, 1 << 63)]),
    "no alignment": gguf([key("general.alignment", 4, struct.pack("<I", 0))]),
}


@pytest.mark.parametrize("ranges", ["yes", "none"])
@pytest.mark.parametrize("lie", LIES)
def test_lies(hub: HubServer, lie: str, ranges: Literal["yes", "none"]) -> None:
    hub.add_repo("org/m", {"m.gguf": LIES[lie]})
    hub.fault(FILE, ranges=ranges)
    with pytest.raises(ModelFileError, match=r"m\.gguf"):
        read_remote_header("org/m", "m.gguf")


@pytest.mark.parametrize("ranges", ["yes", "none"])
@pytest.mark.parametrize(
    "array",
    [
        struct.pack("<IQ", 8, 1 << 23),  # eight million empty texts
        struct.pack("<IQ", 8, 1 << 23) + (_claims(300_000) + bytes(300_000)) * 3,
        struct.pack("<IQ", 8, 1000) + _claims(60 << 20),
    ],
)
def test_lies_in_a_huge_file_cost_neither_memory_nor_time(
    hub: HubServer, array: bytes, ranges: Literal["yes", "none"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_header, "MAX_HEADER", 2 << 20)
    begin = gguf([key("a", 9, array)], n_tensors=0, data=0)
    hub.add_repo("org/m", {"m.gguf": Zeros(begin, 1 << 40)})
    hub.fault(FILE, ranges=ranges)
    read_remote_header_of_a_small_file(hub)
    started = time.monotonic()
    tracemalloc.start()
    with pytest.raises(ModelFileError, match="larger than 2 MiB"):
        read_remote_header("org/m", "m.gguf")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 << 20
    assert time.monotonic() - started < 15


def read_remote_header_of_a_small_file(hub: HubServer) -> None:
    """So that what is loaded once does not count."""
    hub.add_repo("org/small", {"m.gguf": gguf()})
    read_remote_header("org/small", "m.gguf")


def test_texts_of_a_header_are_kept(hub: HubServer) -> None:
    template = "{{ 1 }}" * 100_000
    hub.add_repo("org/m", {"m.gguf": gguf([*small_gguf.KEYS, key("tokenizer.chat_template.x", 8, text(template))])})
    assert read_remote_header("org/m", "m.gguf").metadata["tokenizer.chat_template.x"] == template
