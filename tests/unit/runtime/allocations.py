"""Loads a model the way the engine does and prints, as JSON, what llama.cpp allocated. A process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from q8chat.runtime import native
from q8chat.runtime.footprint import KV_TYPES, N_BATCH
from q8chat.runtime.measured_engine import by_part


def main(path: Path, n_ctx: int, kv_type: str, mmap: bool) -> None:
    lib = native.library()
    params = lib.llama_model_default_params()
    params.n_gpu_layers, params.load_mode = 0, int(mmap)
    model = lib.llama_model_load_from_file(bytes(path), params)
    assert model, native.last_error()
    options = lib.llama_context_default_params()
    options.n_ctx, options.n_batch, options.n_ubatch, options.n_outputs_max = n_ctx, N_BATCH, N_BATCH, 1
    options.type_k = options.type_v = KV_TYPES[kv_type]
    assert lib.llama_init_from_model(model, options), native.last_error()
    print(json.dumps(by_part(native.buffers())))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4] == "mmap")
