"""The engine: one model, one context, one answer at a time. Lives in the child process."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from q8chat.core.errors import EngineError, TemplateError
from q8chat.hardware.memory import read_memory
from q8chat.hardware.threads import default_threads
from q8chat.hardware.topology import read_topology
from q8chat.runtime import native
from q8chat.runtime.answer import Answer, Means
from q8chat.runtime.context import Context
from q8chat.runtime.fallback_templates import STOP_STRINGS
from q8chat.runtime.governor import ThreadGovernor
from q8chat.runtime.kv_cache import KVCache
from q8chat.runtime.measured_engine import Meter
from q8chat.runtime.memory import choose_context, read_headers, resident_bytes
from q8chat.runtime.messages import Event, Generate, Load, Loaded, Loading
from q8chat.runtime.model import Model
from q8chat.runtime.prompt import PromptBuilder
from q8chat.runtime.templates import choose_template

SNAPSHOT_SHARE = 8  # copies of other branches' KV state may take 1/8 of the memory that is free after loading
WARM_UP_TOKENS = 2
LOADING_EVERY = 0.05  # seconds between two Loading events


class Engine:
    """Loads a model, answers requests, emits events. `cancel` may be called from any thread."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._context: Context | None = None
        self._template_error: TemplateError | None = None

    def load(self, request: Load) -> None:
        """Load the model; emits Loading and Loaded. Raises errors of `core.errors`."""
        started = time.perf_counter()
        path = Path(request.path)
        headers = read_headers(path)
        n_ctx = choose_context(headers, request.n_ctx, kv_type=request.kv_type, mmap=request.mmap)
        self._meter = Meter(headers, n_ctx, request.kv_type, request.mmap)
        native.buffers()
        shown = 0.0

        def progress(fraction: float) -> None:
            nonlocal shown
            now = time.perf_counter()
            if now - shown >= LOADING_EVERY:
                self._emit(Loading(fraction))
                shown = now

        model = Model(path, progress, mmap=request.mmap)
        threads = request.threads or default_threads(read_topology())
        self._governor = ThreadGovernor(threads, adapt=not request.threads)
        self._context = context = Context(model, n_ctx, threads, request.kv_type)
        self._cache = KVCache(context, read_memory().available // SNAPSHOT_SHARE)
        self.use_template(request.template)
        self._warm_up(context)
        self._meter.loaded(native.buffers())
        self._emit(
            Loaded(
                path=str(path),
                name=path.stem,
                description=model.description,
                n_ctx=context.n_ctx,
                n_ctx_train=model.n_ctx_train,
                n_params=model.n_params,
                n_bytes=model.n_bytes,
                has_template=bool(model.template.strip()),
                template_error=str(self._template_error or ""),
                load_seconds=time.perf_counter() - started,
                memory=resident_bytes(),
                predicted=self._meter.prediction.parts(),
                allocated=self._meter.buffers,
            )
        )

    def _warm_up(self, context: Context) -> None:
        """Touch the weights and start the threads now, not in the first answer."""
        token = max(0, context.lib.llama_vocab_bos(context.model.vocab))
        context.evaluate([token] * WARM_UP_TOKENS)
        context.clear()

    def use_template(self, name: str) -> None:
        """From now on use the built-in template `name`, "" for the model's own; a failure is told when needed."""
        context = self._loaded()
        model = context.model
        try:
            template = choose_template(name, model.template, model.bos, model.eos)
        except TemplateError as e:
            self._template_error = e
            return
        self._template_error = None
        prompts = PromptBuilder(model, context.n_ctx, template)
        self._means = Means(prompts, self._cache, self._governor, STOP_STRINGS.get(name, ()))

    def generate(self, request: Generate) -> None:
        """Answer `request`; emits Prefill, Delta, Progress and Done. Raises errors of `core.errors`."""
        context = self._loaded()
        if self._template_error:
            raise self._template_error
        if not request.turns:
            raise EngineError("There is nothing to answer.")
        Answer(request, self._means, self._emit).run()
        self._meter.answered(context.most_tokens, context.widest, self._cache.n_bytes)

    def cancel(self, on: bool) -> None:
        """Stop the answer in progress (True), or allow the next one (False)."""
        if self._context:
            self._context.abort(on)

    def _loaded(self) -> Context:
        if not self._context:
            raise EngineError("No model is loaded.", "Load a model first.")
        return self._context
