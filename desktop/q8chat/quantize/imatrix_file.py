"""Writing an importance matrix in llama.cpp's GGUF format (source: `IMatrixCollector::save_imatrix`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from q8chat.core.errors import QuantizeError
from q8chat.gguf_files import metadata as kv
from q8chat.gguf_files.layout import layout
from q8chat.gguf_files.source import TensorSpec
from q8chat.gguf_files.writer import GgufWriter
from q8chat.quantize.collect import Collection

F32 = 0


def write_imatrix(path: Path, collected: Collection, *, overwrite: bool = False) -> None:
    """Write `path`, whole or not at all: per weight `<name>.in_sum2` [n_in, n_mat] and `<name>.counts` [1, n_mat].

    Raises QuantizeError if nothing was collected, OutputFileError and DiskFullError.
    """
    if not collected.sums:
        raise QuantizeError("No activations were seen, so there is no importance matrix.", "Try another model.")
    keys = kv.Metadata(
        [
            kv.scalar("general.type", kv.STRING, "imatrix"),
            kv.array("imatrix.datasets", kv.STRING, collected.datasets),
            kv.scalar("imatrix.chunk_count", kv.U32, collected.chunks),
            kv.scalar("imatrix.chunk_size", kv.U32, collected.chunk_size),
        ]
    )
    specs: list[TensorSpec] = []
    data: list[npt.NDArray[np.float32]] = []
    for name in sorted(collected.sums, key=str.encode):  # llama.cpp compares bytes
        sums = collected.sums[name]
        n_counts = len(sums.counts)
        specs.append(TensorSpec(f"{name}.in_sum2", (sums.squares.size // n_counts, n_counts), F32))
        specs.append(TensorSpec(f"{name}.counts", (1, n_counts), F32))
        data += [sums.squares.astype(np.float32), sums.counts.astype(np.float32)]
    with GgufWriter(path, layout(keys, specs), overwrite=overwrite) as writer:
        for values in data[writer.n_done :]:
            writer.write(values.tobytes())
        writer.publish()
