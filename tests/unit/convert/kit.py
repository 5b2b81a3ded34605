"""The conformance kit beside the repository, and what is done with it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from q8chat.convert.conversion import convert
from q8chat.convert.registry import supported

SHARED = Path(__file__).resolve().parents[4] / "shared"
KIT = SHARED / "conformance"
TYPES = ("f16", "bf16", "f32", "q8_0")


def families() -> list[str]:
    """Families of the kit that the reference converts, and of a class that we do."""
    names = sorted(p.name for p in (KIT / "checkpoints").glob("*")) if KIT.is_dir() else []
    return [name for name in names if expected(name, "f16")["exit_status"] == 0 and _class(name) in supported()]


def _class(name: str) -> str:
    config = json.loads((KIT / "checkpoints" / name / "config.json").read_text(encoding="utf-8"))
    return str(config["architectures"][0])


def expected(name: str, out_type: str) -> dict[str, Any]:
    """What the reference made of it."""
    found: dict[str, Any] = json.loads((KIT / "expected" / f"{name}-{out_type}.json").read_text(encoding="utf-8"))
    return found


def sha256(file: Path) -> str:
    """Of a whole file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def assert_same(checkpoint: Path, name: str, out_type: str, out: Path) -> None:
    """Convert and compare with the reference's file: every byte."""
    made = convert(checkpoint, out, out_type)
    assert out.stat().st_size == made.size
    if sha256(out) == expected(name, out_type)["gguf"]["file_sha256"]:
        return
    command = [sys.executable, KIT / "compare.py", "--order", out, KIT / "expected" / f"{name}-{out_type}.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    pytest.fail(done.stdout[-3000:] + done.stderr[-1000:])
