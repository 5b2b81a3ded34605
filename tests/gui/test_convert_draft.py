"""What the user has put together becomes the parameters that a job takes; no widgets."""

from __future__ import annotations

from pathlib import Path

import pytest

from q8chat.gui import convert_text
from q8chat.gui.convert_draft import KINDS, USUAL, Order, Wishes, asked
from q8chat.jobs import calling, wire
from q8chat.jobs.convert_plan import ConvertRequest
from q8chat.jobs.convert_types import LevelRow, Levels, Source, Texts
from q8chat.jobs.kinds import KINDS as JOB_KINDS
from q8chat.quantize.request import Request
from q8chat.runtime.kernels import KernelShare

CHECKPOINT = Source(kind="checkpoint", path="/models/Tiny", name="Tiny", size=100)
MODEL = Source(
    kind="model", path="/models/Tiny-F16.gguf", name="Tiny-F16", size=100, lossy=True, architecture="llama"
)
ROW = LevelRow(level="Q4_K_M", size=50)


def order(source: Source, wishes: Wishes) -> Order:
    return Order(source=source, row=ROW, wishes=wishes, target=Path("/models/out/Tiny-Q4_K_M.gguf"))


def received(made: Order) -> dict[str, object]:
    """What the job's function is called with."""
    types = calling.types_of(JOB_KINDS[made.kind].run)
    return {name: wire.convert(value, types[name]) for name, value in wire.as_object(made.params).items()}


def test_a_checkpoint() -> None:
    made = order(CHECKPOINT, Wishes(overrides=(("attn_v", "Q8_0"),), threads=3, imatrix=Path("/m.gguf")))
    assert made.kind == "convert"
    request = received(made)["request"]
    assert isinstance(request, ConvertRequest)
    assert (request.folder, request.out) == (Path("/models/Tiny"), Path("/models/out/Tiny-Q4_K_M.gguf"))
    assert (request.threads, request.imatrix) == (3, Path("/m.gguf"))
    assert request.options.ftype == "Q4_K_M"
    assert request.options.tensor_types == (("attn_v", "Q8_0"),)


def test_a_model() -> None:
    made = order(
        MODEL, Wishes(pure=True, keep_output=True, zero_bad=True, output_type="Q6_K", embedding_type="F16")
    )
    assert made.kind == "quantize"
    request = received(made)["request"]
    assert isinstance(request, Request)
    assert request.model == Path("/models/Tiny-F16.gguf")
    options = request.options
    assert (options.pure, options.leave_output_tensor, options.zero_bad_weights) == (True, True, True)
    assert (options.output_tensor_type, options.token_embedding_type) == ("Q6_K", "F16")


@pytest.mark.parametrize(("source", "name"), [(CHECKPOINT, "convert_request"), (MODEL, "quantize_request")])
def test_with_a_matrix_to_make_first(source: Source, name: str) -> None:
    made = order(source, Wishes(make=True, texts=(Path("/a.txt"),), conversations=True, imatrix=Path("/old.gguf")))
    assert made.kind == "with_imatrix"
    given = received(made)
    assert set(given) == {"texts", name}
    texts = given["texts"]
    assert isinstance(texts, Texts)
    assert texts.out.parent == Path("/models/out")
    assert texts.texts == (Path("/a.txt"),)
    assert texts.conversations
    assert getattr(given[name], "imatrix") is None  # noqa: B009  the type differs


def test_the_panel_lists_the_kinds_it_makes() -> None:
    assert set(JOB_KINDS) >= KINDS
    assert {order(s, w).kind for s in (CHECKPOINT, MODEL) for w in (Wishes(), Wishes(make=True))} <= KINDS
    assert set(USUAL) <= set(convert_text.ALL_LEVELS)


def test_the_question_for_the_table_has_the_matrix_that_will_be_made() -> None:
    question = asked(MODEL, USUAL, Wishes(make=True, conversations=True), 4096, 7)
    assert question.texts is not None
    assert question.texts.dataset == "own conversations"
    assert (question.n_ctx, question.freed, question.imatrix) == (4096, 7, None)


@pytest.mark.parametrize(
    ("text", "pairs", "wrong"),
    [
        ("", (), ""),
        ("attn_v=q8_0\n\n ffn_DOWN=q6_k ", (("attn_v", "Q8_0"), ("ffn_down", "Q6_K")), ""),
        ("attn_v=q8_0\nnonsense", (), "Line 2: 'nonsense' is not PATTERN=TYPE. Example: attn_v=q8_0"),
        ("(=q8_0", (), "Line 1: '(' is not a regular expression"),
    ],
)
def test_overrides(text: str, pairs: tuple[tuple[str, str], ...], wrong: str) -> None:
    found, said = convert_text.overrides(text)
    assert found == pairs
    assert said.startswith(wrong)
    assert bool(said) == bool(wrong)


def test_words_about_a_level() -> None:
    kernels = (KernelShare("AVX2 repacked", ("Q4_K",), 90, 0.9), KernelShare("AVX2", ("Q6_K",), 10, 0.1))
    row = LevelRow(level="Q4_K_M", size=50, memory=80, bits=4.8, types={"Q4_K": 90, "Q6_K": 10}, kernels=kernels)
    bad = LevelRow(level="IQ1_S", problem="IQ1_S needs an importance matrix.", hint="Choose one.")
    found = Levels(path="/a", n_ctx=4096, available=100, rows=(row, bad), recommended="Q4_K_M", reason="Good.")
    first, second = convert_text.rows(found)
    assert convert_text.COLUMNS[0].text(first) == "★ Q4_K_M"
    assert convert_text.spoken(first, convert_text.COLUMNS[0]) == "Q4_K_M, recommended"
    assert convert_text.cpu(first) == "AVX2 repacked 90 %, AVX2 10 %"
    assert "Exactly 50 bytes: Q4_K 90 %, Q6_K 10 %." in convert_text.explained(first)
    assert convert_text.recommendation(found) == "★ Q4_K_M is recommended for this machine. Good."
    assert second.fit is None
    assert convert_text.explained(second) == "IQ1_S needs an importance matrix. Choose one."
