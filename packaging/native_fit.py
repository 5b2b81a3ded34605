"""Run by the environment's Python: does the installed llama.cpp fit this CPU? Prints one line of JSON."""

from __future__ import annotations

import json
import sys

import llama_cpp

from q8chat.hardware.cpu import read_cpu
from q8chat.hardware.features import missing_features, parse_system_info, unsafe_features


def main(model: str) -> None:
    """Compare what was compiled with what the CPU has; if that is safe, compute with `model` for a moment."""
    cpu = read_cpu()
    compiled = parse_system_info(llama_cpp.llama_print_system_info().decode())
    unsafe = unsafe_features(cpu, compiled)
    if not unsafe:
        # The names cover only what llama.cpp asks for; the compiler was free to use any instruction of its CPU.
        llama_cpp.Llama(model, n_ctx=64, verbose=False).eval([1, 2, 3, 4])
    print(json.dumps({"unsafe": unsafe, "missing": missing_features(cpu, compiled)}))


if __name__ == "__main__":
    main(sys.argv[1])
