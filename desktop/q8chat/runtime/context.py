"""A llama_context: the KV cache and the evaluation of tokens, one sequence, one reused batch."""

from __future__ import annotations

import ctypes
from typing import Any

from q8chat.core.errors import EngineError, NotEnoughMemoryError
from q8chat.core.units import count
from q8chat.runtime.footprint import KV_TYPES, N_BATCH
from q8chat.runtime.model import Model

ABORTED = 2  # llama_decode's result when the abort callback fired
NO_SLOT = 1  # llama_decode's result when the KV cache is full


class Aborted(Exception):  # noqa: N818  not an error: Stop was asked for
    """The evaluation was stopped; the tokens finished so far are in the cache."""


class Context:
    """Owns a `llama_context`; `tokens` is what its KV cache holds, position by position."""

    def __init__(self, model: Model, n_ctx: int, threads: int, kv_type: str = "f16") -> None:
        """Raises NotEnoughMemoryError if llama.cpp can't make the context."""
        self.model = model
        self.lib = lib = model.lib
        params = lib.llama_context_default_params()
        params.n_ctx = n_ctx
        params.n_batch = params.n_ubatch = N_BATCH
        params.n_outputs_max = 1  # logits are asked for one row at a time; for all of them scratch is large
        params.n_threads = params.n_threads_batch = threads
        params.type_k = params.type_v = KV_TYPES[kv_type]
        # libc's atoi reads the flag without the GIL: "0" goes on, "1" stops. A Python callback would be called
        # for every node of the graph.
        self._abort = ctypes.create_string_buffer(b"0", 2)
        atoi = ctypes.CDLL(None).atoi
        params.abort_callback = ctypes.cast(atoi, type(params.abort_callback))
        params.abort_callback_data = ctypes.cast(self._abort, ctypes.c_void_p)
        self._keep = atoi
        self.handle = lib.llama_init_from_model(model.handle, params)
        if not self.handle:
            raise NotEnoughMemoryError(
                f"There is not enough memory for a context of {count(n_ctx)} tokens with {model.path.name}.",
                "Choose a shorter context or a smaller model.",
            )
        self.n_ctx = int(lib.llama_n_ctx(self.handle))
        self.memory = lib.llama_get_memory(self.handle)
        self.batch = lib.llama_batch_init(N_BATCH, 0, 1)
        for i in range(N_BATCH):
            self.batch.n_seq_id[i] = 1
            self.batch.seq_id[i][0] = 0
        # Attributes of a ctypes struct are made anew at every access; decoding asks for these once per token.
        self._token, self._pos, self._logits = self.batch.token, self.batch.pos, self.batch.logits
        self.tokens: list[int] = []
        self.most_tokens = self.widest = 0  # most tokens in the cache, most evaluated at once, so far
        self.threads = threads

    def close(self) -> None:
        """Free the batch and the context."""
        if self.handle:
            self.lib.llama_batch_free(self.batch)
            self.lib.llama_free(self.handle)
            self.handle = None

    def set_threads(self, n: int) -> None:
        """Use n threads from the next evaluation on."""
        if n != self.threads:
            self.lib.llama_set_n_threads(self.handle, n, n)
            self.threads = n

    def abort(self, on: bool) -> None:
        """From any thread: stop the evaluation in progress and every later one until switched off."""
        self._abort[0] = b"1" if on else b"0"

    def evaluate(self, tokens: list[int]) -> None:
        """Append at most N_BATCH tokens to the cache; logits for the last one.

        Raises Aborted (what was finished is kept) or EngineError.
        """
        batch, start = self.batch, len(self.tokens)
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            self._token[i] = token
            self._pos[i] = start + i
            self._logits[i] = 0
        self._logits[len(tokens) - 1] = 1
        result = self.lib.llama_decode(self.handle, batch)
        if result == 0:
            self.tokens.extend(tokens)
            self.most_tokens = max(self.most_tokens, len(self.tokens))
            self.widest = max(self.widest, len(tokens))
            return
        kept = int(self.lib.llama_memory_seq_pos_max(self.memory, 0)) + 1
        self.tokens.extend(tokens[: max(0, kept - start)])
        if result == ABORTED:
            raise Aborted
        what = "the context is full" if result == NO_SLOT else f"llama_decode returned {result}"
        raise EngineError(f"llama.cpp could not go on: {what}.", "Regenerate the answer or load the model again.")

    def truncate(self, n: int) -> bool:
        """Keep the first n tokens. False (and an empty cache) if the model can't: recurrent state has no past."""
        if n == len(self.tokens):
            return True
        if n > 0 and self.lib.llama_memory_seq_rm(self.memory, 0, n, -1):
            del self.tokens[n:]
            return True
        self.clear()
        return n == 0

    def remove(self, start: int, stop: int) -> bool:
        """Cut tokens start..stop out and move the later ones up (context shift). False if the model can't."""
        lib, memory = self.lib, self.memory
        if not lib.llama_memory_can_shift(memory) or not lib.llama_memory_seq_rm(memory, 0, start, stop):
            return False
        lib.llama_memory_seq_add(memory, 0, stop, -1, start - stop)
        del self.tokens[start:stop]
        return True

    def clear(self) -> None:
        """Forget everything."""
        self.lib.llama_memory_seq_rm(self.memory, 0, -1, -1)
        self.tokens.clear()

    def save(self) -> Any:
        """The cache's content as a ctypes buffer for `load`; about n_tokens x bytes per token of the KV cache."""
        size = self.lib.llama_state_seq_get_size(self.handle, 0)
        buffer = (ctypes.c_uint8 * size)()
        written = self.lib.llama_state_seq_get_data(self.handle, buffer, size, 0)
        return buffer if written else None

    def load(self, state: Any, tokens: list[int]) -> bool:
        """Replace the cache by what `save` returned for `tokens`. False (and an empty cache) if it did not fit."""
        self.clear()
        if not self.lib.llama_state_seq_set_data(self.handle, state, len(state), 0):
            self.clear()
            return False
        self.tokens = list(tokens)
        return True
