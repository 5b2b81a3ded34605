"""From the messages of a branch to the turns that the model sees."""

from __future__ import annotations

from collections.abc import Sequence

from q8chat.chat.types import Message
from q8chat.runtime.messages import Turn


def turns_of(system_prompt: str, branch: Sequence[Message]) -> tuple[Turn, ...]:
    """The system prompt, if any, and the exchanges of `branch`, which ends with the user's message to answer.

    An earlier message that never got an answer is left out together with the empty answer, and so is an answer to
    nothing: templates want user and assistant to alternate, and what was refused once would be refused again.
    """
    turns = [Turn("system", system_prompt)] if system_prompt.strip() else []
    question = ""
    for message in branch[:-1]:
        if message.role == "user":
            question = message.content
        elif question and message.content:
            turns += [Turn("user", question), Turn("assistant", message.content)]
            question = ""
    return (*turns, Turn("user", branch[-1].content))
