"""Does our file equal the library's, byte for byte?"""

from __future__ import annotations

import filecmp
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from q8chat.gguf_files.gguf_source import GgufSource
from q8chat.quantize.ftypes import COPY, TYPE_IDS, ftype
from q8chat.quantize.imatrix import Imatrix
from q8chat.quantize.options import Options
from q8chat.quantize.pipeline import Made, quantize
from q8chat.quantize.tensor_plan import make_plan
from tests.unit.quantize import reference

DATASET, CHUNKS, FILE = "some text.txt", 7, "folder/matrix.gguf"


@dataclass(frozen=True)
class Case:
    """One quantization, for both sides."""

    ftype: str
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, np.ndarray] | None = None

    @property
    def our_options(self) -> Options:
        file = {"imatrix_file": FILE} if self.weights else {}
        return Options(ftype=self.ftype, **file, **self.options)

    @property
    def imatrix(self) -> Imatrix | None:
        return Imatrix(self.weights, DATASET, CHUNKS) if self.weights else None

    def job(self, source: Path, result: str, folder: Path) -> reference.Job:
        """The same for the library."""
        o = self.our_options
        return reference.Job(
            str(source),
            result,
            ftype(self.ftype).number,
            tensor_types=[(pattern, TYPE_IDS[name.upper()]) for pattern, name in o.tensor_types],
            output_type=TYPE_IDS.get(o.output_tensor_type.upper(), reference.N_TYPES),
            embedding_type=TYPE_IDS.get(o.token_embedding_type.upper(), reference.N_TYPES),
            pure=o.pure,
            leave_output=o.leave_output_tensor,
            copy=self.ftype == COPY,
            imatrix=self._written(folder) if self.weights else "",
            imatrix_keys={
                "quantize.imatrix.file": FILE,
                "quantize.imatrix.dataset": DATASET,
                "quantize.imatrix.entries_count": len(self.weights or ()),
                "quantize.imatrix.chunks_count": CHUNKS,
            },
        )

    def _written(self, folder: Path) -> str:
        path = folder / f"{id(self.weights)}.json"
        return str(path) if path.exists() else reference.write_imatrix(path, self.weights or {})


def make(source: Path, case: Case, result: Path, **options: Any) -> Made:
    """Ours."""
    opened = GgufSource(source)
    try:
        return quantize(opened, make_plan(opened, case.our_options, case.imatrix), result, **options)
    finally:
        opened.close()


def different(source: Path, cases: Sequence[Case], folder: Path, **options: Any) -> list[str]:
    """The cases in which the two files differ; each pair is removed again."""
    jobs = [case.job(source, str(folder / f"theirs-{n}.gguf"), folder) for n, case in enumerate(cases)]
    outcomes = reference.run(jobs)
    bad = []
    for n, (case, outcome) in enumerate(zip(cases, outcomes, strict=True)):
        ours, theirs = folder / f"ours-{n}.gguf", folder / f"theirs-{n}.gguf"
        assert outcome.code == 0, outcome.log
        make(source, case, ours, **options)
        if not filecmp.cmp(ours, theirs, shallow=False):
            bad.append(f"{case.ftype} {dict(case.options)} {'with' if case.weights else 'without'} imatrix")
        ours.unlink()
        theirs.unlink()
    return bad
