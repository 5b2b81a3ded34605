"""llama.cpp's sampler chain, built from plain settings. Sampling stays in C."""

from __future__ import annotations

import secrets
from typing import Any

from q8chat.runtime import native
from q8chat.runtime.context import Context
from q8chat.runtime.sampling import RANDOM_SEED, Sampling

PENALTY_WINDOW = 64  # tokens the repeat penalty looks back; llama.cpp's default


class Sampler:
    """Owns a sampler chain in llama.cpp's own order: penalties, top-k, top-p, min-p, temperature, draw."""

    def __init__(self, sampling: Sampling, n_vocab: int) -> None:
        self.lib = lib = native.library()
        self.seed = secrets.randbelow(2**32 - 1) if sampling.seed == RANDOM_SEED else sampling.seed
        self.chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        if sampling.repeat_penalty != 1.0:
            self._add(lib.llama_sampler_init_penalties(n_vocab, PENALTY_WINDOW, sampling.repeat_penalty, 0.0, 0.0))
        if sampling.temperature == 0:
            self._add(lib.llama_sampler_init_greedy())
            return
        if sampling.top_k > 0:
            self._add(lib.llama_sampler_init_top_k(sampling.top_k))
        if sampling.top_p < 1:
            self._add(lib.llama_sampler_init_top_p(sampling.top_p, 1))
        if sampling.min_p > 0:
            self._add(lib.llama_sampler_init_min_p(sampling.min_p, 1))
        self._add(lib.llama_sampler_init_temp(sampling.temperature))
        self._add(lib.llama_sampler_init_dist(self.seed))

    def _add(self, sampler: Any) -> None:
        self.lib.llama_sampler_chain_add(self.chain, sampler)

    def accept(self, tokens: list[int]) -> None:
        """Let the penalties see tokens that came before."""
        for token in tokens[-PENALTY_WINDOW:]:
            self.lib.llama_sampler_accept(self.chain, token)

    def sample(self, context: Context) -> int:
        """Draw (and accept) the next token from the logits of the last evaluation."""
        return int(self.lib.llama_sampler_sample(self.chain, context.handle, -1))

    def close(self) -> None:
        """Free the chain."""
        if self.chain:
            self.lib.llama_sampler_free(self.chain)
            self.chain = None
