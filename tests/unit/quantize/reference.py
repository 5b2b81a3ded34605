"""What is compared with: `llama_model_quantize` of the pinned library, the function llama-quantize itself calls.

It runs in a process of its own, because it aborts where we refuse. `python -m tests.unit.quantize.reference` reads
jobs as JSON and answers with JSON.
"""

from __future__ import annotations

import ctypes
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

N_TYPES = 43  # GGML_TYPE_COUNT: "not given"
_TENSOR = re.compile(r"\[ *\d+/ *\d+\] +(\S+) +- \[.*?\], type = +(\w+), size = .*?(?:\((\w+)\))?\s*$")
_IMATRIX_NEEDED = "will require an imatrix"


@dataclass(frozen=True)
class Job:
    """One call. `imatrix`: path of a JSON file, name -> values; `imatrix_keys`: what the tool writes about it."""

    source: str
    result: str
    ftype: int
    tensor_types: list[tuple[str, int]] = field(default_factory=list)
    output_type: int = N_TYPES
    embedding_type: int = N_TYPES
    pure: bool = False
    leave_output: bool = False
    copy: bool = False
    dry_run: bool = False
    imatrix: str = ""
    imatrix_keys: dict[str, str | int] = field(default_factory=dict)
    threads: int = 2


@dataclass(frozen=True)
class Outcome:
    """`types`: of the tensors in a dry run, in order. `needs_imatrix`: the dry run says so."""

    code: int
    types: dict[str, str]
    needs_imatrix: bool
    log: str


def run(jobs: Sequence[Job]) -> list[Outcome]:
    """Run them one after the other in one child process."""
    command = [sys.executable, "-m", "tests.unit.quantize.reference"]
    given = json.dumps([asdict(job) for job in jobs])
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [Outcome(**answer) for answer in json.loads(done.stdout.splitlines()[-1])]


def write_imatrix(path: Path, entries: Mapping[str, Sequence[float]]) -> str:
    """What `Job.imatrix` names."""
    path.write_text(json.dumps({name: list(map(float, values)) for name, values in entries.items()}))
    return str(path)


class _Caller:
    def __init__(self) -> None:
        import llama_cpp.llama_cpp as lib

        self.lib, self.log = lib, ""
        self.callback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(self._heard)
        lib.llama_log_set(self.callback, ctypes.c_void_p(0))
        lib.llama_backend_init()
        self.imatrix: tuple[str, Any] = ("", None)

    def _heard(self, _level: int, text: bytes, _data: Any) -> None:
        self.log += text.decode("utf-8", "replace")

    def call(self, job: dict[str, Any]) -> dict[str, Any]:
        self.log = ""
        params = self._params(job)
        code = self.lib.llama_model_quantize(job["source"].encode(), job["result"].encode(), ctypes.byref(params))
        found = (_TENSOR.search(line) for line in self.log.splitlines())
        types = {m[1]: (m[3] or m[2]).upper() for m in found if m} if job["dry_run"] else {}
        return asdict(Outcome(code, types, _IMATRIX_NEEDED in self.log, self.log[-1500:]))

    def _params(self, job: dict[str, Any]) -> Any:
        lib = self.lib
        params = lib.llama_model_quantize_default_params()
        params.nthread, params.ftype, params.allow_requantize = job["threads"], job["ftype"], True
        params.output_tensor_type, params.token_embedding_type = job["output_type"], job["embedding_type"]
        params.pure, params.only_copy, params.dry_run = job["pure"], job["copy"], job["dry_run"]
        params.quantize_output_tensor = not job["leave_output"]
        if job["tensor_types"]:
            pairs = [(pattern.encode(), kind) for pattern, kind in job["tensor_types"]]
            overrides = (lib.llama_model_tensor_override * (len(pairs) + 1))(*pairs, (None, N_TYPES))
            params.tt_overrides = ctypes.cast(overrides, type(params.tt_overrides))
        if job["imatrix"]:
            params.imatrix = ctypes.cast(self._weights(job["imatrix"]), type(params.imatrix))
            params.kv_overrides = ctypes.cast(self._keys(job["imatrix_keys"]), type(params.kv_overrides))
        return params

    def _weights(self, path: str) -> Any:
        if self.imatrix[0] != path:
            items = []
            for name, values in json.loads(Path(path).read_text()).items():
                data = (ctypes.c_float * len(values))(*values)
                items.append((name.encode(), ctypes.cast(data, ctypes.POINTER(ctypes.c_float)), len(values)))
            array = (self.lib.llama_model_imatrix_data * (len(items) + 1))(*items)
            self.imatrix = (path, array)
        return self.imatrix[1]

    def _keys(self, keys: dict[str, str | int]) -> Any:
        array = (self.lib.llama_model_kv_override * (len(keys) + 1))()
        for entry, (name, value) in zip(array, keys.items(), strict=False):
            entry.key = name.encode()
            entry.tag = 3 if isinstance(value, str) else 0
            if isinstance(value, str):
                entry.value.val_str = value.encode()
            else:
                entry.value.val_i64 = value
        return array


def main() -> None:
    """Answer the jobs on standard input."""
    caller = _Caller()
    print(json.dumps([caller.call(job) for job in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
