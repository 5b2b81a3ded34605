"""Collecting the experts of a mixture, which checkpoints hold one by one, into the 3-D tensors of a GGUF."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from q8chat.convert.rows import Rows, Stacked
from q8chat.core.errors import CheckpointError


class Collector:
    """`pattern`: an expert's matrix, with groups block, expert and matrix; `order`: how the matrices come out."""

    def __init__(self, pattern: str, n_experts: int, order: Sequence[str]) -> None:
        self._pattern, self._n, self._order = re.compile(pattern), n_experts, order
        self._found: dict[int, dict[tuple[str, int], Rows]] = {}

    def matches(self, name: str) -> bool:
        """Whether this is an expert's matrix."""
        return self._pattern.fullmatch(name) is not None

    def add(self, name: str, rows: Rows) -> Iterator[tuple[str, Rows]]:
        """With the last expert of a layer: matrix name and all experts stacked, (n_experts, rows, columns)."""
        match = self._pattern.fullmatch(name)
        if match is None:
            raise CheckpointError(
                f"Tensor {name} is no expert's matrix.", "The checkpoint's layout is not supported."
            )
        layer = self._found.setdefault(int(match["block"]), {})
        layer[match["matrix"], int(match["expert"])] = rows
        if len(layer) < self._n * len(self._order):
            return
        for matrix in self._order:
            parts = [layer[matrix, expert] for expert in range(self._n) if (matrix, expert) in layer]
            shapes = {part.shape for part in parts}
            if len(parts) != self._n or len(shapes) != 1:
                raise CheckpointError(
                    f"The experts' {matrix} in layer {match['block']} do not fit together.",
                    "The checkpoint is damaged: download it again.",
                )
            yield matrix, Stacked(parts, (self._n, *shapes.pop()))
        del self._found[int(match["block"])]

    def check_complete(self) -> None:
        """Raises CheckpointError if a layer lacks experts."""
        for block, layer in self._found.items():
            raise CheckpointError(
                f"Layer {block} has {len(layer)} of {self._n * len(self._order)} expert matrices.",
                "The checkpoint is incomplete: download it again.",
            )
