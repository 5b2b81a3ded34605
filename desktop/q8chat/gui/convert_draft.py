"""What the user has put together so far, and the job it becomes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from q8chat.jobs.convert_types import AskedLevels, LevelRow, Source, Texts
from q8chat.quantize.options import Options

# The levels most people choose from, best first; the others are shown when asked for.
USUAL = (
    *("F16", "BF16", "Q8_0", "Q6_K", "Q5_K_M", "Q5_K_S", "Q4_K_M", "Q4_K_S"),
    *("IQ4_NL", "IQ4_XS", "Q4_1", "Q4_0", "Q3_K_M", "Q2_K"),
)
KINDS = frozenset({"convert", "quantize", "with_imatrix", "imatrix"})  # of jobs, that the panel lists


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the options say. `make`: an importance matrix is to be made of `texts` and, or, the `conversations`.

    `problem`: what is wrong with them, in words; "" if nothing.
    """

    imatrix: Path | None = None
    make: bool = False
    texts: tuple[Path, ...] = ()
    conversations: bool = False
    overrides: tuple[tuple[str, str], ...] = ()
    output_type: str = ""
    embedding_type: str = ""
    pure: bool = False
    keep_output: bool = False
    zero_bad: bool = False
    threads: int = 0
    problem: str = ""

    def options(self, level: str = "") -> Options:
        """For the quantizer."""
        return Options(
            ftype=level,
            tensor_types=self.overrides,
            output_tensor_type=self.output_type,
            token_embedding_type=self.embedding_type,
            pure=self.pure,
            leave_output_tensor=self.keep_output,
            zero_bad_weights=self.zero_bad,
        )

    def matrix(self, folder: Path) -> Texts | None:
        """The matrix to make first. Its name is new, so that no job takes the one of another for its own."""
        if not self.make:
            return None
        out = folder / time.strftime("imatrix-%Y%m%d-%H%M%S.gguf")
        return Texts(out=out, texts=self.texts, conversations=self.conversations, threads=self.threads)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """All that a job needs."""

    source: Source
    row: LevelRow
    wishes: Wishes
    target: Path
    overwrite: bool = False

    @property
    def title(self) -> str:
        """Of the job."""
        return f"{self.source.name} → {self.row.level}"

    @property
    def kind(self) -> str:
        """A key of `jobs.kinds.KINDS`."""
        plain = {"checkpoint": "convert", "model": "quantize"}[self.source.kind]
        return "with_imatrix" if self.wishes.make else plain

    @property
    def params(self) -> dict[str, Any]:
        """What that kind takes."""
        request = {
            {"checkpoint": "folder", "model": "model"}[self.source.kind]: self.source.path,
            "options": self.wishes.options(self.row.level),
            "out": self.target,
            "imatrix": None if self.wishes.make else self.wishes.imatrix,
            "threads": self.wishes.threads,
            "overwrite": self.overwrite,
        }
        texts = self.wishes.matrix(self.target.parent)
        if texts is None:
            return {"request": request}
        name = {"checkpoint": "convert_request", "model": "quantize_request"}[self.source.kind]
        return {"texts": texts, name: request}


def asked(source: Source, levels: tuple[str, ...], wishes: Wishes, n_ctx: int, freed: int) -> AskedLevels:
    """The question for the table of levels."""
    return AskedLevels(
        source=source,
        levels=levels,
        options=wishes.options(),
        imatrix=None if wishes.make else wishes.imatrix,
        texts=wishes.matrix(Path(source.path).parent),
        n_ctx=n_ctx,
        freed=freed,
    )
