"""An importance matrix that is not finished: what was collected so far, exactly, to go on after an interruption."""

from __future__ import annotations

import io
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from q8chat.core import files
from q8chat.quantize.collect import Collection, Sums

_HEAD = "collection"  # name of the entry with key, chunk size and number of chunks


def save_part(path: Path, collected: Collection, key: str) -> None:
    """Write it atomically. `key` says what the sums depend on: model, text, chunk size.

    Raises DiskFullError or OSError.
    """
    head = np.array([key, str(collected.chunk_size), str(collected.chunks)])
    arrays = {_HEAD: head}
    for name, sums in collected.sums.items():
        arrays[f"{name}.squares"], arrays[f"{name}.counts"] = sums.squares, sums.counts
    data = io.BytesIO()
    np.savez(data, allow_pickle=False, **arrays)
    files.publish(path, data.getvalue())


def load_part(path: Path, key: str) -> Collection | None:
    """What was saved under the same key, None if nothing usable was."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            saved_key, chunk_size, chunks = map(str, arrays[_HEAD])
            if saved_key != key:
                return None
            names = [n.removesuffix(".squares") for n in arrays.files if n.endswith(".squares")]
            sums = {n: Sums(arrays[f"{n}.squares"], arrays[f"{n}.counts"]) for n in names}
            return Collection(int(chunk_size), int(chunks), (), sums)
    except (OSError, BadZipFile, KeyError, ValueError, EOFError):
        return None
