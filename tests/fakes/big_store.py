"""A chat history as someone has it after a year: many conversations of varied text, written in seconds.

python -m tests.fakes.big_store /tmp/chat.sqlite3 1000 50
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from q8chat.chat.database import connect
from q8chat.chat.migrations import transaction
from q8chat.chat.presets import BUILTIN, sampling_text

YEAR = 365 * 24 * 3600.0

_NOUNS = (
    "apple bread bridge castle coffee cotton dinner engine forest garden harbour island jacket kettle ladder "
    "market mountain needle orange paper pencil quarter river saddle school silver station summer table ticket "
    "village window winter yellow algorithm buffer compiler database exception function gradient iterator "
    "kernel matrix network parser query recursion socket tensor thread vector"
)
_OTHERS = (
    "please explain write compare improve translate the a of to and in that is was for with as on are be this "
    "which from or have an by not but what all when there can quickly slowly carefully usually perhaps naïve "
    "café Zürich façade jalapeño"
)
_WORDS = (*_NOUNS.split(), *_OTHERS.split())
_QUESTIONS = (
    "How do I sort a list of {} by {}?",
    "Explain {} as if I had never seen a {}.",
    "Write a short poem about {} and {}.",
    "What is the difference between {} and {}?",
    "Please correct my text about {}: {}",
    "为什么 {} 比 {} 更快？",
    "اشرح لي {} و {} من فضلك",
    "Plan a weekend with {} 👩‍👩‍👧 and {} 🎉",
)
_EXTRAS = (
    "```python\ndef answer(x: int) -> int:\n    return x * 2  # {}\n```",
    "1. First the {}\n2. then the {}\n3. and **finally** the {}.",
    "| what | how many |\n|---|---|\n| {} | 12 |\n| {} | 7 |",
    "> “{}”, as people say in the {}.",
    "机器学习是人工智能的一个分支。{}",
    "- [ ] {}\n- [x] {}",
)


class _Writer:
    """Text from a small pool of sentences, so that a message costs a few joins."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._sentences = [self._sentence() for _ in range(600)]

    def _sentence(self) -> str:
        return " ".join(self._random.choices(_WORDS, k=self._random.randint(5, 18))).capitalize() + "."

    def _filled(self, patterns: tuple[str, ...]) -> str:
        return self._random.choice(patterns).format(*self._random.choices(_WORDS, k=3))

    def question(self) -> str:
        more = self._random.choices(self._sentences, k=self._random.choice((0, 0, 1, 3)))
        return " ".join([self._filled(_QUESTIONS), *more])

    def answer(self) -> str:
        sentences = self._random.choices(self._sentences, k=self._random.randint(2, 12))
        text = " ".join(sentences[:4]) + "\n\n" + " ".join(sentences[4:])
        if self._random.random() < 0.4:
            text += "\n\n" + self._filled(_EXTRAS)
        return f"<think>\n{sentences[0]}\n</think>\n\n{text}" if self._random.random() < 0.1 else text


def _messages(
    writer: _Writer, conversation_id: int, first_id: int, count: int, at: float
) -> Iterator[tuple[int, int, int | None, str, str, float]]:
    """Rows of one conversation; in every tenth one an answer near the end was generated twice."""
    again = count - 2 if conversation_id % 10 == 0 and count >= 4 and count % 2 == 0 else count
    for n in range(count):
        parent = first_id + n - (2 if n == again else 1) if n else None
        from_user = n % 2 == 0 if n < again else n > again
        role, text = ("user", writer.question()) if from_user else ("assistant", writer.answer())
        yield first_id + n, conversation_id, parent, role, text, at + n * 30.0


def fill(path: Path, conversations: int = 1000, messages: int = 50, seed: int = 0) -> None:
    """Add that many conversations, used over the last year, of that many messages each."""
    writer = _Writer(seed)
    now = time.time()
    with closing(connect(path)) as db, transaction(db):
        first = db.execute("SELECT ifnull(max(id), 0) + 1 FROM conversations").fetchone()[0]
        first_message = db.execute("SELECT ifnull(max(id), 0) + 1 FROM messages").fetchone()[0]
        for n in range(conversations):
            used = now - YEAR * (conversations - 1 - n) / conversations
            at = used - messages * 30.0
            preset = BUILTIN[n % len(BUILTIN)]
            db.execute(
                """INSERT INTO conversations
                (id, title, created, updated, system_prompt, sampling, preset, overflow)
                VALUES (?, ?, ?, ?, ?, ?, ?, 'drop_oldest')""",
                (
                    first + n,
                    writer.question()[:48],
                    at,
                    used,
                    "You are a helpful assistant." if n % 3 else "",
                    sampling_text(preset.sampling),
                    preset.name,
                ),
            )
            head = first_message + (n + 1) * messages - 1
            db.executemany(
                """INSERT INTO messages
                (id, conversation_id, parent_id, role, content, created, status, model, error)
                VALUES (?, ?, ?, ?, ?, ?, 'complete', 'SmolLM2-135M-Instruct.Q4_1.gguf', '')""",
                _messages(writer, first + n, first_message + n * messages, messages, at),
            )
            if messages:
                db.execute("UPDATE conversations SET head_id = ? WHERE id = ?", (head, first + n))


if __name__ == "__main__":
    fill(Path(sys.argv[1]), *map(int, sys.argv[2:4]))
