"""The kinds of jobs there are: one line for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Lane = Literal["network", "compute"]


@dataclass(frozen=True, slots=True)
class Kind:
    """`run` and `discard` are "module:function", imported by the job's process only.

    `run` is called with the job's params, `discard` with those of them that it has, converted to the types they are
    annotated with; `progress` and `cancel` are given if asked for. `run` returns a dict, Struct, dataclass or None;
    killed at any moment and called again with the same params it goes on. `discard` removes what an unfinished
    `run` left behind; "": it leaves nothing.
    `resumable`: whether `run` goes on where it was, and not from the start.
    """

    run: str
    lane: Lane
    discard: str = ""
    resumable: bool = True


# How many jobs of a lane run at the same time.
LANES: Mapping[Lane, int] = {"network": 3, "compute": 1}

KINDS: Mapping[str, Kind] = {
    "download": Kind("q8chat.jobs.download:run", "network", "q8chat.jobs.download:discard"),
    "convert": Kind("q8chat.jobs.convert:run", "compute", "q8chat.jobs.convert:discard"),
    "quantize": Kind("q8chat.quantize.request:run", "compute", "q8chat.quantize.request:discard"),
    "imatrix": Kind("q8chat.jobs.imatrix:run", "compute", "q8chat.jobs.imatrix:discard"),
    "with_imatrix": Kind("q8chat.jobs.with_imatrix:run", "compute", "q8chat.jobs.with_imatrix:discard"),
    "measure": Kind("q8chat.jobs.measure:run", "compute", "q8chat.jobs.measure:discard"),
}
