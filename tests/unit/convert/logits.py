"""A GGUF's logits, computed by the llama.cpp that the product runs on, as exactly as it can."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from q8chat.runtime.model import Model

F32, NO_FLASH_ATTENTION = 0, 0


def logits(path: Path, tokens: Sequence[int]) -> NDArray[np.float32]:
    """(len(tokens), vocabulary), with a key-value cache in F32, whose rounding would otherwise be the largest."""
    model = Model(path)
    lib: Any = model.lib
    params = lib.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = 64
    params.n_threads = params.n_threads_batch = 1
    params.type_k = params.type_v = F32
    params.flash_attn_type = NO_FLASH_ATTENTION
    context = lib.llama_init_from_model(model.handle, params)
    batch = lib.llama_batch_init(len(tokens), 0, 1)
    try:
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i], batch.pos[i], batch.logits[i] = token, i, 1
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
        assert lib.llama_decode(context, batch) == 0
        values = np.ctypeslib.as_array(lib.llama_get_logits(context), (len(tokens), model.n_vocab))
        return values.astype(np.float32)
    finally:
        lib.llama_batch_free(batch)
        lib.llama_free(context)
        model.close()
