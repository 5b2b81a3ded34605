"""Where a converted model came from: keys in its metadata, and the sidecar the library shows."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path

from q8chat.gguf_files import provenance
from q8chat.gguf_files.provenance import Provenance
from q8chat.quantize import origin
from q8chat.quantize.options import Options


def command(folder: Path, options: Options) -> str:
    """The command line that would do it again."""
    words = shlex.split(origin.command(folder.resolve().name, options))
    return shlex.join(["q8chat", "convert", *words[2:]])


def keys(folder: Path, options: Options) -> dict[str, str]:
    """Metadata keys for the result. No time in them, so that the same work gives the same bytes."""
    known = _downloaded(folder)
    found = {
        "q8chat.parent.file": folder.resolve().name,
        "q8chat.parent.sha256": known.sha256,
        "q8chat.parent.repo": known.repo,
        "q8chat.parent.revision": known.revision,
        "q8chat.command": command(folder, options),
        **{f"q8chat.tool.{name}": number for name, number in origin.tools().items()},
    }
    return {key: text for key, text in found.items() if text}


def told(folder: Path, options: Options, sha256: str) -> Provenance:
    """What to write beside the result, whose checksum is `sha256`."""
    known = _downloaded(folder)
    return Provenance(
        sha256=sha256,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        licence=known.licence,
        parent=known.repo or str(folder.absolute()),
        parent_sha256=known.sha256,
        how=command(folder, options),
        tools=origin.tools(),
    )


def _downloaded(folder: Path) -> Provenance:
    """What a download noted beside the weights, if one made this folder."""
    known = (provenance.read(path) for path in sorted(folder.glob("*.safetensors")))
    return next((p for p in known if p.repo), Provenance())
