"""When a model was last used."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

from q8chat.library import usage


def test_use_is_remembered_and_moves_with_a_rename() -> None:
    usage.note_used("/m/a.gguf")
    usage.note_used("/m/b.gguf")
    moment = datetime.fromisoformat(usage.read()["/m/a.gguf"])
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 60
    usage.note_renamed("/m/a.gguf", "/m/c.gguf")
    assert list(usage.read()) == ["/m/c.gguf", "/m/b.gguf"]


def test_the_list_does_not_grow_for_ever() -> None:
    old = {f"/m/{n}": "2026-01-01T00:00:00+00:00" for n in range(usage.MAX_ENTRIES)}
    usage.default_path().write_text(json.dumps(old))
    usage.note_used("/m/new")
    assert len(usage.read()) == usage.MAX_ENTRIES
    assert "/m/0" not in usage.read()


def test_a_damaged_list_and_odd_names_cost_nothing() -> None:
    usage.note_used("/m/a.gguf")
    usage.note_used(os.fsdecode(b"/m/\xff.gguf"))
    assert list(usage.read()) == ["/m/a.gguf"]
    usage.default_path().write_text('["no"]')
    assert usage.read() == {}
    usage.note_used("/m/b.gguf")
    assert list(usage.read()) == ["/m/b.gguf"]
