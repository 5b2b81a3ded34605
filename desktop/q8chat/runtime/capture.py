"""Looking at what flows into the weights while a model reads text (ggml's `cb_eval`).

Collecting importance matrices needs it, and every method of quantization that looks at activations. For jobs in a
process of their own: it imports numpy.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from q8chat.core.errors import EngineError, NotEnoughMemoryError
from q8chat.core.units import count
from q8chat.runtime.ggml_tensor import MAX_DIMS, GgmlTensor
from q8chat.runtime.model import Model

F32 = 0
SMALLEST_BATCH = 16  # rows; llama-imatrix ignores smaller products, so that a last short batch has no weight
N_UBATCH = 512  # tokens evaluated at once


@dataclass(frozen=True, slots=True)
class Activation:
    """What one matrix product reads. The arrays are views that are valid during the call only.

    `weight`: the tensor's name. `n_matrices`: matrices stacked in it (experts). `x`: float32, (n3, n2, rows, n_in).
    `experts`: for products with chosen experts, int32 (tokens, used), else None; then x is (1, tokens, rows, n_in)
    with rows = used, or 1 if all experts of a token read the same.
    """

    weight: str
    n_matrices: int
    x: npt.NDArray[np.float32]
    experts: npt.NDArray[np.int32] | None


Take = Callable[[Activation], None]


class Capture:
    """A context without a past: every `read` evaluates one window of tokens and shows `take` its activations.

    `wanted` chooses weights by name. What comes after the last wanted product is not computed, which spares the
    output matrix. Not thread-safe. An exception of `take` is raised again by `read`.
    """

    def __init__(self, model: Model, n_ctx: int, threads: int, wanted: Callable[[str], bool], take: Take) -> None:
        """`n_ctx`: the longest window in tokens. Raises NotEnoughMemoryError."""
        self.lib = lib = model.lib
        self.model, self.n_ctx = model, n_ctx
        self._wanted, self._take = wanted, take
        self._operations = _operation_numbers(lib)
        self._seen: list[str] = []  # weights of the first window, in order
        self._last = ""  # the last of them, known from the second window on
        self._error: BaseException | None = None
        params = lib.llama_context_default_params()
        params.n_ctx = params.n_batch = n_ctx
        params.n_ubatch = min(n_ctx, N_UBATCH)
        params.n_threads = params.n_threads_batch = threads
        self._callback = type(params.cb_eval)(self._on_node)  # must live as long as the context
        params.cb_eval = self._callback
        self.handle = lib.llama_init_from_model(model.handle, params)
        if not self.handle:
            raise NotEnoughMemoryError(
                f"There is not enough memory to read {count(n_ctx)} tokens at once with {model.path.name}.",
                "Close other programs, or read shorter pieces.",
            )
        self._batch = lib.llama_batch_init(n_ctx, 0, 1)

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the context."""
        if self.handle:
            self.lib.llama_batch_free(self._batch)
            self.lib.llama_free(self.handle)
            self.handle = None

    def read(self, tokens: Sequence[int]) -> None:
        """Evaluate at most n_ctx tokens from an empty cache. Raises EngineError if llama.cpp can't."""
        lib, batch = self.lib, self._batch
        lib.llama_memory_clear(lib.llama_get_memory(self.handle), True)
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i], batch.pos[i] = token, i
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
            batch.logits[i] = 1  # or the last layer would see only the rows that have outputs
        self._error = None
        result = lib.llama_decode(self.handle, batch)
        if self._error is not None:
            raise self._error
        if result != 0:
            raise EngineError(
                f"{self.model.path.name} can't read the text: llama_decode returned {result}.", "Try another model."
            )
        if self._seen and self._seen.count(self._seen[-1]) == 1:
            self._last = self._seen[-1]

    def _on_node(self, address: int, ask: bool, _user_data: object) -> bool:
        """llama.cpp asks for every node of the graph, and calls again with the data of those it got a True for.

        False at that second call ends the graph there.
        """
        try:
            node = GgmlTensor.from_address(address)
            if ask:
                return self._asked(node)
            if self._error is None:
                self._take(_activation(node, node.op == self._operations["MUL_MAT_ID"]))
                return self._name(node) != self._last
        except BaseException as e:  # noqa: BLE001  an exception can't pass through C; `read` raises it
            self._error = e
        return False

    def _asked(self, node: GgmlTensor) -> bool:
        if self._error is not None or node.op not in self._operations.values():
            return False
        x = node.source(1)
        if node.op == self._operations["MUL_MAT"] and (x.ne[1] < SMALLEST_BATCH or x.type != F32):
            return False
        name = self._name(node)
        wanted = self._wanted(name)
        if wanted and not self._last:
            self._seen.append(name)
        return wanted

    @staticmethod
    def _name(node: GgmlTensor) -> str:
        return str(node.source(0).name.decode("utf-8", "replace"))


def _operation_numbers(lib: ModuleType) -> dict[str, int]:
    """ggml's numbers of the products, by their names; they change from version to version."""
    name_of = lib._lib.ggml_op_name
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.c_int]
    numbers: dict[str, int] = {}
    number = 0
    while len(numbers) < 2:
        name = name_of(number).decode()
        if name in ("MUL_MAT", "MUL_MAT_ID"):
            numbers[name] = number
        number += 1
    return numbers


def _view(tensor: GgmlTensor, dtype: type[Any]) -> npt.NDArray[Any]:
    """The tensor's data as numpy sees it, slowest dimension first. Raises EngineError if it is out of reach."""
    if not tensor.data:
        raise EngineError("The activations of this model can't be read: they are not in memory.")
    sides, steps = tuple(tensor.ne[:MAX_DIMS][::-1]), tuple(tensor.nb[:MAX_DIMS][::-1])
    n_bytes = sum((n - 1) * step for n, step in zip(sides, steps, strict=True)) + np.dtype(dtype).itemsize
    raw = (ctypes.c_char * n_bytes).from_address(tensor.data)
    return np.ndarray(sides, dtype, raw, 0, steps)


def _activation(node: GgmlTensor, with_experts: bool) -> Activation:
    weight, x = node.source(0), node.source(1)
    experts = _view(node.source(2), np.int32)[0, 0] if with_experts else None
    return Activation(
        weight=weight.name.decode("utf-8", "replace"),
        n_matrices=weight.ne[2] * weight.ne[3],
        x=_view(x, np.float32),
        experts=experts,
    )
