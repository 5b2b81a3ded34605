"""What a model predicts: windows of tokens in, rows of logits out. Stopped at once when asked to."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache

import numpy as np
import numpy.typing as npt

from q8chat.core.errors import EvaluateError, NotEnoughMemoryError
from q8chat.core.progress import Cancel, CancelledError
from q8chat.core.units import count
from q8chat.runtime import native
from q8chat.runtime.model import Model

N_UBATCH = 512  # tokens evaluated at once; llama.cpp's default
POLL = 0.05  # seconds between two looks at `cancel`

Entry = tuple[int, int, int, bool]  # token, position, sequence, whether its logits are wanted


@cache
def _thread() -> ThreadPoolExecutor:
    """All evaluations of the process take turns on it: OpenMP starts its threads anew for every caller's thread."""
    return ThreadPoolExecutor(1, "llama_decode")


class LogitReader:
    """A context without a past for windows, or with `sequences` of them for generating side by side.

    `rows`: most logits wanted of one evaluation. Not thread-safe.
    """

    def __init__(self, model: Model, n_ctx: int, rows: int, threads: int, sequences: int = 1) -> None:
        """`n_ctx`: the longest window in tokens. Raises NotEnoughMemoryError."""
        self.lib = lib = model.lib
        self.model, self.n_ctx, self.rows = model, n_ctx, rows
        params = lib.llama_context_default_params()
        params.n_ctx = n_ctx * sequences
        params.n_batch = n_ctx
        params.n_ubatch = min(n_ctx, N_UBATCH)
        params.n_seq_max = sequences
        params.n_outputs_max = rows
        params.n_threads = params.n_threads_batch = threads
        # libc's atoi reads the flag without the GIL: "0" goes on, "1" stops.
        self._abort = ctypes.create_string_buffer(b"0", 2)
        self._atoi = ctypes.CDLL(None).atoi
        params.abort_callback = ctypes.cast(self._atoi, type(params.abort_callback))
        params.abort_callback_data = ctypes.cast(self._abort, ctypes.c_void_p)
        self.handle = lib.llama_init_from_model(model.handle, params)
        if not self.handle:
            raise NotEnoughMemoryError(
                f"There is not enough memory to read {count(n_ctx)} tokens at once with {model.path.name}.",
                "Close other programs, or read shorter windows.",
            )
        self._batch = lib.llama_batch_init(n_ctx, 0, 1)

    def __enter__(self) -> LogitReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the context."""
        if self.handle:
            self.lib.llama_batch_free(self._batch)
            self.lib.llama_free(self.handle)
            self.handle = None

    def read(self, tokens: Sequence[int], first: int, n: int, cancel: Cancel) -> npt.NDArray[np.float32]:
        """Logits of the `n` positions from `first` on of a window: (n, n_vocab), valid until the next evaluation.

        Raises EvaluateError if llama.cpp can't, CancelledError.
        """
        self.forget()
        return self.decode([(t, i, 0, first <= i < first + n) for i, t in enumerate(tokens)], cancel)

    def forget(self, sequence: int = -1) -> None:
        """Empty the cache, or one sequence of it."""
        memory = self.lib.llama_get_memory(self.handle)
        if sequence < 0:
            self.lib.llama_memory_clear(memory, True)
        else:
            self.lib.llama_memory_seq_rm(memory, sequence, -1, -1)

    def decode(self, entries: Sequence[Entry], cancel: Cancel) -> npt.NDArray[np.float32]:
        """Evaluate at most n_ctx tokens; the wanted logits in their order, valid until the next evaluation."""
        cancel.check()
        batch = self._batch
        tokens, positions, logits = batch.token, batch.pos, batch.logits
        batch.n_tokens = len(entries)
        for i, (token, position, sequence, wanted) in enumerate(entries):
            tokens[i], positions[i], logits[i] = token, position, wanted
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, sequence
        self._evaluate(cancel)
        n = sum(wanted for *_, wanted in entries)
        address = ctypes.cast(self.lib.llama_get_logits(self.handle), ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(address, (n, self.model.n_vocab))

    def _evaluate(self, cancel: Cancel) -> None:
        """A window of a large model takes a minute: `cancel` is heeded meanwhile."""
        self._abort[0] = b"0"
        result = _thread().submit(self.lib.llama_decode, self.handle, self._batch)
        while not wait([result], POLL).done:
            if cancel.is_set():
                self._abort[0] = b"1"
                with native.muted():
                    wait([result])
        if cancel.is_set():
            raise CancelledError
        code = result.result()
        if code != 0:
            raise EvaluateError(
                f"{self.model.path.name} can't read the text: llama_decode returned {code}.", "Try another model."
            )
