"""From turns to tokens: what is dropped, what is remembered, what is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from q8chat.core.errors import ContextOverflowError
from q8chat.runtime.fallback_templates import FALLBACKS
from q8chat.runtime.messages import Turn
from q8chat.runtime.model import Model
from q8chat.runtime.prompt import PromptBuilder
from q8chat.runtime.templates import ChatTemplate

SYSTEM = Turn("system", "You are a parrot.")
ROOM = 50


@pytest.fixture(scope="module")
def model(starter_model: Path) -> Iterator[Model]:
    loaded = Model(starter_model)
    yield loaded
    loaded.close()


def builder(model: Model, n_ctx: int = 300, source: str = FALLBACKS["ChatML"]) -> PromptBuilder:
    return PromptBuilder(model, n_ctx, ChatTemplate(source, model.bos, model.eos))


def exchanges(n: int) -> list[Turn]:
    pairs = ((Turn("user", f"Question {k}?"), Turn("assistant", f"Answer number {k}.")) for k in range(n))
    return [turn for pair in pairs for turn in pair]


LAST = Turn("user", "And now?")


def test_all_that_fits_is_kept(model: Model) -> None:
    turns = [SYSTEM, *exchanges(3), LAST]
    prompt = builder(model).fit(turns, "drop_oldest", ROOM)
    assert (prompt.turns, prompt.dropped) == (tuple(turns), 0)
    assert prompt.tokens == model.tokenize(prompt.text)


@pytest.mark.parametrize("system", [[SYSTEM], []])
@pytest.mark.parametrize("n", [15, 40, 200])
def test_as_few_whole_exchanges_as_possible_are_dropped(model: Model, n: int, system: list[Turn]) -> None:
    prompts = builder(model)
    turns = [*system, *exchanges(n), LAST]
    prompt = prompts.fit(turns, "drop_oldest", ROOM)
    assert prompt.dropped % 2 == 0
    assert prompt.dropped > 0
    assert prompt.turns == (*system, *turns[len(system) + prompt.dropped :])
    assert len(prompt.tokens) <= 300 - ROOM
    one_more = (*system, *turns[len(system) + prompt.dropped - 2 :])
    assert len(model.tokenize(prompts.template.render(one_more))) > 300 - ROOM


@pytest.mark.parametrize("name", FALLBACKS)
def test_no_format_breaks_what_is_dropped(model: Model, name: str) -> None:
    prompt = builder(model, source=FALLBACKS[name]).fit([SYSTEM, *exchanges(60), LAST], "drop_oldest", ROOM)
    assert prompt.turns[0] == SYSTEM
    assert prompt.turns[1].role == "user"
    assert prompt.turns[-1] == LAST


def test_stop_drops_nothing(model: Model) -> None:
    with pytest.raises(ContextOverflowError, match=r"The conversation has [\d,]+ tokens.* holds 300"):
        builder(model).fit([SYSTEM, *exchanges(40), LAST], "stop", ROOM)


def test_a_last_message_that_is_too_long_names_both_numbers(model: Model) -> None:
    with pytest.raises(ContextOverflowError, match=r"The message has 1,0\d\d tokens.* holds 300"):
        builder(model).fit([*exchanges(5), Turn("user", "word " * 1000)], "drop_oldest", ROOM)


def test_a_short_answer_is_better_than_none(model: Model) -> None:
    turns = [Turn("user", "word " * 270)]
    prompt = builder(model).fit(turns, "drop_oldest", ROOM)
    assert 300 - ROOM < len(prompt.tokens) < 299


@pytest.mark.parametrize(
    "turns",
    [
        [SYSTEM],
        [Turn("assistant", "Hello!")],
        [SYSTEM, Turn("assistant", "Hello!"), LAST],
        [Turn("assistant", "Hello!"), LAST, Turn("assistant", "Well,")],
        [LAST, LAST, LAST],
        [*exchanges(2), Turn("assistant", "Moreover,")],
    ],
)
def test_odd_conversations_that_fit_are_kept_whole(model: Model, turns: list[Turn]) -> None:
    prompt = builder(model).fit(turns, "drop_oldest", ROOM)
    assert (prompt.turns, prompt.dropped) == (tuple(turns), 0)


def test_an_odd_conversation_that_does_not_fit(model: Model) -> None:
    turns = [SYSTEM, Turn("assistant", "Hello!"), *exchanges(40), Turn("assistant", "Moreover,")]
    prompt = builder(model).fit(turns, "drop_oldest", ROOM)
    assert [t.role for t in prompt.turns[:2]] == ["system", "user"]
    assert prompt.turns[-1] == turns[-1]


def test_tokens_as_they_were_generated_survive(model: Model) -> None:
    """The model may spell a word in other tokens than the tokenizer would."""
    prompts = builder(model)
    first = prompts.fit([LAST], "stop", ROOM)
    spelled = [model.tokenize(letter)[0] for letter in "hello"]
    assert spelled != model.tokenize("hello")
    prompts.remember(first.text + "hello", first.tokens + spelled)
    again = prompts.fit([LAST, Turn("assistant", "hello"), Turn("user", "More.")], "stop", ROOM)
    assert again.tokens[: len(first.tokens) + 5] == first.tokens + spelled
    assert again.tokens[len(first.tokens) + 5 :] == model.tokenize(again.text[len(first.text) + 5 :])


def test_only_a_control_token_is_a_seam(model: Model) -> None:
    prompts = builder(model)
    prompts.remember("hel", model.tokenize("hel"))
    assert prompts.tokenize("hello world") == model.tokenize("hello world")
    assert prompts.tokenize("hel<|im_end|>") == model.tokenize("hel<|im_end|>")


def test_the_beginning_of_text_is_never_doubled(model: Model) -> None:
    prompts = builder(model)
    (bos,) = model.tokenize(model.bos)
    tokens = prompts.tokenize(f"{model.bos}user\nHi")
    assert tokens[:2].count(bos) == 1


def test_a_very_long_history_is_not_read_over_and_over(model: Model) -> None:
    """Dropping from thousands of turns takes about as long as reading them once."""
    long = [Turn(t.role, t.content + " Some more words to make it longer." * 4) for t in exchanges(2000)]
    started = time.process_time()
    model.tokenize("".join(t.content for t in long))
    once = time.process_time() - started
    prompts = builder(model, n_ctx=4096)
    started = time.process_time()
    prompt = prompts.fit([SYSTEM, *long, LAST], "drop_oldest", 512)
    assert prompt.dropped > 3000
    assert time.process_time() - started < 5 * once + 1


def test_five_megabytes_are_measured_on_their_beginning(model: Model) -> None:
    started = time.process_time()
    with pytest.raises(ContextOverflowError, match="about 1,"):
        builder(model).fit([Turn("user", "All work and no play. " * (5_000_000 // 22))], "drop_oldest", ROOM)
    assert time.process_time() - started < 0.5
