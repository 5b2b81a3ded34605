"""What the worker can be asked: one line for each method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Method:
    """`target`: "module:function", imported by the worker only. `result`: the type it returns.

    The function's parameters are converted to the types they are annotated with; a parameter named `progress` or
    `cancel` is given by the worker.
    """

    target: str
    result: Any


METHODS: Mapping[str, Method] = {}
