"""A loaded model: weights, vocabulary, tokenizer."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from q8chat.core.errors import ModelFileError
from q8chat.runtime import native

LOAD_READ, LOAD_MAPPED = 0, 1  # LLAMA_LOAD_MODE_NONE, LLAMA_LOAD_MODE_MMAP
PIECE_BUFFER = 256  # bytes; grows when a piece is longer (runs of spaces in code)
# Markers of a thinking block: some models have them as control tokens, whose text would otherwise be hidden.
THINK_MARKERS = ("<think>", "</think>")


class Model:
    """Owns a `llama_model`. Not thread-safe; `close()` frees it."""

    def __init__(self, path: Path, progress: Callable[[float], None] | None = None, *, mmap: bool = True) -> None:
        """Load `path`, memory-mapped or read into memory. `progress` gets 0..1.

        Raises ModelFileError with llama.cpp's reason.
        """
        self.lib = lib = native.library()
        self.path = path
        params = lib.llama_model_default_params()
        params.n_gpu_layers = 0
        params.load_mode = LOAD_MAPPED if mmap else LOAD_READ

        def on_progress(fraction: float, _user_data: Any) -> bool:
            if progress:
                progress(fraction)
            return True

        callback = lib.llama_progress_callback(on_progress)  # must outlive the call below
        params.progress_callback = callback
        native.clear_errors()
        self.handle = lib.llama_model_load_from_file(bytes(path), params)
        if not self.handle:
            reason = native.last_error() or "llama.cpp does not say why"
            raise ModelFileError(
                f"{path.name} could not be loaded: {reason}.",
                "The file may be damaged or of a kind this version does not know: choose another model.",
            )
        self.vocab = lib.llama_model_get_vocab(self.handle)
        self.n_vocab = int(lib.llama_vocab_n_tokens(self.vocab))
        self._shown = {t[0] for m in THINK_MARKERS if len(t := self.tokenize(m)) == 1}

    def close(self) -> None:
        """Free the weights."""
        if self.handle:
            self.lib.llama_model_free(self.handle)
            self.handle = None

    def tokenize(self, text: str, *, add_special: bool = False, parse_special: bool = True) -> list[int]:
        """Token ids of `text`; with `parse_special` text of control tokens becomes those tokens.

        `add_special`: with the tokens the model wants at the beginning and end. Lone surrogates become "?".
        """
        data = text.encode("utf-8", "replace")
        room = len(data) + 16
        while True:
            buffer = (ctypes.c_int32 * room)()
            n = self.lib.llama_tokenize(self.vocab, data, len(data), buffer, room, add_special, parse_special)
            if n >= 0:
                return buffer[:n]
            if -n <= room:  # it asks for no more than it had: something else is wrong
                raise ModelFileError(
                    f"{self.path.name}: its tokenizer can't read {len(data):,} bytes of text.", "Try another model."
                )
            room = -n  # a vocabulary with fewer pieces than there are bytes needs several tokens for one

    @lru_cache(maxsize=65536)  # noqa: B019  one model per process
    def piece(self, token: int) -> bytes:
        """The bytes a token stands for; control tokens have none."""
        special = token in self._shown
        room = PIECE_BUFFER
        while True:
            buffer = ctypes.create_string_buffer(room)
            n = self.lib.llama_token_to_piece(self.vocab, token, buffer, room, 0, special)
            if n >= 0:
                return buffer.raw[:n]
            room = -n

    def is_eog(self, token: int) -> bool:
        """Whether the token ends the model's turn."""
        return bool(self.lib.llama_vocab_is_eog(self.vocab, token))

    def is_control(self, token: int) -> bool:
        """Whether the token is a control token (no text of its own)."""
        return bool(self.lib.llama_vocab_is_control(self.vocab, token))

    def token_text(self, token: int) -> str:
        """The vocabulary entry as written in templates: "<|im_end|>"; "" for no token (-1)."""
        if token < 0:
            return ""
        text = self.lib.llama_vocab_get_text(self.vocab, token)
        return bytes(text).decode("utf-8", "replace") if text else ""

    @property
    def bos(self) -> str:
        """Text of the beginning-of-text token."""
        return self.token_text(self.lib.llama_vocab_bos(self.vocab))

    @property
    def eos(self) -> str:
        """Text of the end-of-text token."""
        return self.token_text(self.lib.llama_vocab_eos(self.vocab))

    @property
    def template(self) -> str:
        """The chat template inside the file, "" if it has none."""
        text = self.lib.llama_model_chat_template(self.handle, None)
        return bytes(text).decode("utf-8", "replace") if text else ""

    @property
    def description(self) -> str:
        """llama.cpp's own words: "llama 135M Q4_1"."""
        buffer = ctypes.create_string_buffer(128)
        self.lib.llama_model_desc(self.handle, buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")

    @property
    def n_ctx_train(self) -> int:
        """Context length the model was trained with, in tokens."""
        return int(self.lib.llama_model_n_ctx_train(self.handle))

    @property
    def n_params(self) -> int:
        """Number of weights."""
        return int(self.lib.llama_model_n_params(self.handle))

    @property
    def n_bytes(self) -> int:
        """Size of the weights in bytes."""
        return int(self.lib.llama_model_size(self.handle))
