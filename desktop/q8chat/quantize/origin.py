"""Where a quantized file came from: keys in its metadata, and the sidecar the library shows."""

from __future__ import annotations

import hashlib
import shlex
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from q8chat import __version__
from q8chat.core.progress import Cancel, Progress, Report
from q8chat.gguf_files import provenance
from q8chat.gguf_files.provenance import Provenance
from q8chat.quantize.options import Options

_READ = 4 << 20


def tools() -> dict[str, str]:
    """Names and versions of what made the file."""
    return {"q8chat": __version__, "llama-cpp-python": version("llama-cpp-python")}


def command(parent: str, options: Options) -> str:
    """The command line that would do it again."""
    words = ["q8chat", "quantize", parent, "--to", options.ftype]
    words += [word for pair in options.tensor_types for word in ("--tensor-type", "=".join(pair))]
    texts = {
        "--output-tensor-type": options.output_tensor_type,
        "--token-embedding-type": options.token_embedding_type,
        "--imatrix": options.imatrix_file,
    }
    words += [word for name, text in texts.items() if text for word in (name, text)]
    flags = {
        "--pure": options.pure,
        "--leave-output-tensor": options.leave_output_tensor,
        "--zero-bad-weights": options.zero_bad_weights,
    }
    return shlex.join(words + [name for name, on in flags.items() if on])


def keys(parent: Path, parent_sha256: str, options: Options) -> dict[str, str]:
    """Metadata keys for the result. No time in them, so that the same work gives the same bytes."""
    known = provenance.read(parent)
    found = {
        "q8chat.parent.file": parent.name,
        "q8chat.parent.sha256": parent_sha256,
        "q8chat.parent.repo": known.repo,
        "q8chat.parent.revision": known.revision,
        "q8chat.command": command(parent.name, options),
        **{f"q8chat.tool.{name}": number for name, number in tools().items()},
    }
    return {key: text for key, text in found.items() if text}


def write_sidecar(result: Path, parent: Path, parent_sha256: str, options: Options, sha256: str) -> None:
    """Tell the library. Raises DiskFullError or OSError."""
    known = provenance.read(parent)
    told = Provenance(
        sha256=sha256,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        licence=known.licence,
        parent=str(parent.absolute()),
        parent_sha256=parent_sha256,
        how=command(parent.name, options),
        tools=tools(),
    )
    provenance.write(result, told)


def checksum(path: Path, note: str, progress: Report, cancel: Cancel) -> str:
    """The file's sha256. Raises CancelledError, OSError."""
    whole, done, total = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as f:
        while block := f.read(_READ):
            cancel.check()
            whole.update(block)
            done += len(block)
            progress(Progress(done, total, "bytes", note))
    return whole.hexdigest()
