"""With temperature 0 the command gives what llama.cpp itself gives: the same text, token by token."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROMPTS = [
    "Name three colours.",
    "Write a short poem about the sea, with an é and a 👍 in it.",
    "def fibonacci(n):\n    # complete this function in Python\n",
]
N = 64

# A greedy loop that shares no code with ours: a new context per prompt, the whole prompt in one batch, one thread.
REFERENCE = """
import ctypes, json, sys
import jinja2
import llama_cpp.llama_cpp as lib
model_path, n, prompts = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
lib.llama_backend_init()
model = lib.llama_model_load_from_file(model_path.encode(), lib.llama_model_default_params())
vocab = lib.llama_model_get_vocab(model)
source = lib.llama_model_chat_template(model, None).decode()
template = jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(source)
texts = []
for prompt in prompts:
    params = lib.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch = 8192, 512, 512
    params.n_threads = params.n_threads_batch = 1
    context = lib.llama_init_from_model(model, params)
    sampler = lib.llama_sampler_init_greedy()
    data = template.render(messages=[{"role": "user", "content": prompt}], add_generation_prompt=True).encode()
    tokens = (ctypes.c_int32 * 512)()
    count = lib.llama_tokenize(vocab, data, len(data), tokens, 512, False, True)
    out = b""
    for _ in range(n):
        assert lib.llama_decode(context, lib.llama_batch_get_one(tokens, count)) == 0
        token = lib.llama_sampler_sample(sampler, context, -1)
        if lib.llama_vocab_is_eog(vocab, token):
            break
        buffer = ctypes.create_string_buffer(512)
        length = lib.llama_token_to_piece(vocab, token, buffer, 512, 0, False)
        out += buffer.raw[:length]
        tokens, count = (ctypes.c_int32 * 1)(token), 1
    texts.append(out.decode("utf-8", "replace"))
    lib.llama_sampler_free(sampler)
    lib.llama_free(context)
print(json.dumps(texts))
"""


def test_the_same_text_as_llama_cpps_own_greedy_decoding(starter_model: Path) -> None:
    command = [sys.executable, "-c", REFERENCE, str(starter_model), str(N), *PROMPTS]
    reference = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    program = str(Path(sys.executable).parent / "q8chat")
    for prompt, expected in zip(PROMPTS, reference, strict=True):
        options = ["-p", prompt, "--seed", "1", "--temperature", "0", "--max-tokens", str(N)]
        done = subprocess.run([program, "chat", str(starter_model), *options], capture_output=True, check=True)
        assert len(expected) > 20
        assert done.stdout.decode() == expected + "\n"
