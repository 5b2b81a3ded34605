"""No name from outside leaves its folder or asks the system for something it can't do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from q8chat.hub.file_names import name_problem


@pytest.mark.parametrize(
    "path", ["a.gguf", "Q4_K_M/a-00001-of-00002.gguf", ".gitattributes", "ü (1) [x]+é.gguf", "a..b"]
)
def test_good_names(path: str) -> None:
    assert name_problem(path) == ""


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "empty"),
        ("/etc/passwd.gguf", "absolute"),
        ("C:/x.gguf", "absolute"),
        ("c:x.gguf", "absolute"),
        ("../x.gguf", "leaves"),
        ("a/../../x.gguf", "leaves"),
        ("a//x.gguf", "leaves"),
        ("./x.gguf", "leaves"),
        ("a/", "leaves"),
        ("..\\x.gguf", r"character \\"),
        ("a/x.gguf:stream", "character :"),
        ("what?.gguf", r"character \?"),
        ("a\nb.gguf", "invisible"),
        ("a\x1b[2J.gguf", "invisible"),
        ("model\u202effugg.exe", "invisible"),
        ("\udcff.gguf", "invisible"),
        ("NUL", "NUL"),
        ("con.gguf", "CON"),
        ("a/Com1.tar.gguf", "COM1"),
        ("lpt²", "LPT²"),
        ("a./x.gguf", "dot"),
        ("a.gguf ", "space"),
        ("a" * 236 + ".gguf", "longer than 240"),
        ("é" * 120 + ".gguf", "longer than 240"),
        ("/".join(["abcdefgh"] * 120), "longer than 1024"),
    ],
)
def test_bad_names(path: str, said: str) -> None:
    assert re.search(said, name_problem(path))


PARTS = st.one_of(
    st.sampled_from(["..", ".", "", "a", "CON", "nul.gguf", "C:", "x.gguf", " ", "~", "-", "..."]),
    st.text(max_size=12),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PARTS, min_size=1, max_size=4).map("/".join))
def test_whatever_passes_can_be_written_and_stays_inside(tmp_path: Path, path: str) -> None:
    if name_problem(path):
        return
    target = tmp_path / path
    assert target.resolve().is_relative_to(tmp_path.resolve())
    assert target.resolve() != tmp_path.resolve()
    folder = tmp_path.joinpath(f"run-{hash(path)}")
    inside = folder / path
    inside.parent.mkdir(parents=True, exist_ok=True)
    inside.write_bytes(b"")
    assert inside.is_file()
