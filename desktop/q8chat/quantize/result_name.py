"""What the result is called when the user does not say: the source's name with the new quantization in it."""

from __future__ import annotations

import re
from pathlib import Path

from q8chat.gguf_files import naming
from q8chat.quantize.ftypes import COPY, ftype


def result_path(source: Path, wanted: str) -> Path:
    """`Base-Q8_0.gguf` and Q4_K_M give `Base-Q4_K_M.gguf` in the same folder; shards become one file.

    Raises QuantizeError for a quantization that does not exist.
    """
    stem, label = naming.stem(source.name), ftype(wanted).name
    if label == COPY:
        return source.with_name(stem + naming.SUFFIX)
    old = naming.quant_label(stem + naming.SUFFIX)
    found = list(re.finditer(_spellings(old), stem, re.IGNORECASE)) if old else []
    new = f"{stem[: found[-1].start()]}{label}{stem[found[-1].end() :]}" if found else f"{stem}-{label}"
    return source.with_name(new + naming.SUFFIX)


def _spellings(label: str) -> str:
    return re.escape(label).replace("F16", "FP?16").replace("F32", "FP?32")
