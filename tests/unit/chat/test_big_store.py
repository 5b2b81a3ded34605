"""The generator of big histories makes what it says, in a shape the store could have made."""

from __future__ import annotations

from pathlib import Path

from q8chat.chat.store import Store
from tests.fakes.big_store import fill


def test_conversations_and_messages_are_there(history: Path) -> None:
    fill(history, conversations=20, messages=10)
    fill(history, conversations=1, messages=0)
    with Store(history) as store:
        newest, *conversations = store.conversations()
        assert (len(conversations), store.path(newest.id)) == (20, ())
        branches = {c.id: store.path(c.id) for c in conversations}
        assert sorted(map(len, branches.values())) == [9] * 2 + [10] * 18  # every tenth has a branch
        for branch in branches.values():
            assert [p.message.role for p in branch] == (["user", "assistant"] * 5)[: len(branch)]
        (regenerated,) = {p.message.id for p in branches[conversations[-10].id] if p.count == 2}
        assert store.message(regenerated).role == "assistant"
        assert store.search("compiler")
        store.add_message(conversations[0].id, conversations[0].head_id, "user", "goes on")


def test_the_same_seed_gives_the_same_text(tmp_path: Path) -> None:
    texts = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        fill(tmp_path / name, conversations=1, messages=6, seed=seed)
        with Store(tmp_path / name) as store:
            texts.append([p.message.content for p in store.path(1)])
    assert texts[0] == texts[1] != texts[2]
