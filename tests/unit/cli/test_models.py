"""`q8chat models` and the question of `q8chat rm`, in real processes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from q8chat.core import paths, settings
from tests.unit.cli.test_cli import COMMAND, q8chat
from tests.unit.library.model_files import write_model


def test_the_table(starter_model: Path) -> None:
    write_model(paths.models_dir() / "me" / "tiny" / "Tiny-Q4_0.gguf")
    done = q8chat("models")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["NAME", "FAMILY", "PARAMS", "QUANT", "SIZE", "CONTEXT", "SOURCE"]
    assert [line.split()[0] for line in lines[1:]] == ["SmolLM2-135M-Instruct.Q4_1", "Tiny-Q4_0"]
    assert "135M" in lines[1]
    assert lines[2].endswith("Q8 Chat")


def test_json_and_details(starter_model: Path) -> None:
    data = json.loads(q8chat("models", "--json").stdout)
    assert [m["path"] for m in data["models"]] == [str(starter_model)]
    assert data["models"][0]["quantization"] == "Q4_1"
    more = json.loads(q8chat("models", "--details", starter_model.name, "--json").stdout)
    assert "<|im_start|>" in more["template"]
    text = q8chat("models", "--details", "HuggingFaceTB/SmolLM2-135M-Instruct:Q4_1").stdout
    assert "134,515,008" in text
    done = q8chat("models", "--details", "nothing")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)


def test_folders_that_were_chosen_and_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_model(tmp_path / ".lmstudio/models/me/tiny/Theirs.gguf")
    mine = write_model(tmp_path / "mine" / "Mine.gguf")
    (mine.parent / "bad.gguf").write_bytes(b"bad")
    settings.save(settings.Settings(model_folders=(str(mine.parent), str(tmp_path / "gone"))))
    done = q8chat("models")
    assert "Mine" in done.stdout
    assert "Theirs" not in done.stdout
    assert "bad.gguf is not a usable model" in done.stderr
    assert f"{tmp_path / 'gone'} is not there." in done.stderr
    assert "Theirs" in q8chat("models", "--all-folders").stdout


def test_names_of_strangers_do_not_drive_the_terminal() -> None:
    write_model(paths.models_dir() / "me" / "tiny" / "Ti\x1b[2Jny.gguf", name="\x1b]0;x\x07")
    assert "\x1b" not in q8chat("models").stdout
    assert "\x1b" not in q8chat("models", "--details", "Ti\x1b[2Jny").stdout


@pytest.mark.parametrize(("reply", "code", "gone"), [("y\n", 0, True), ("n\n", 1, False), ("\n", 1, False)])
def test_rm_asks(home: Path, monkeypatch: pytest.MonkeyPatch, reply: str, code: int, gone: bool) -> None:
    monkeypatch.setenv("HOME", str(home))
    path = write_model(paths.models_dir() / "me" / "tiny" / "Tiny.gguf")
    ours, theirs = pty.openpty()
    os.write(ours, reply.encode())
    done = subprocess.run(
        [*COMMAND, "rm", "Tiny"], stdin=theirs, capture_output=True, text=True, timeout=60, check=False
    )
    os.close(ours)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (code, "")
    assert "Move Tiny" in done.stdout
    assert path.exists() is not gone
