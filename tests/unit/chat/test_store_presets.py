"""Named sampling settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from q8chat.chat.presets import BUILTIN
from q8chat.chat.store import Store
from q8chat.chat.types import Preset
from q8chat.core.errors import NotFoundError, UsageError
from q8chat.runtime.sampling import Sampling


def test_the_built_in_ones_are_valid_and_the_first_is_the_default(store: Store) -> None:
    assert store.presets() == BUILTIN
    assert BUILTIN[0] == Preset("Balanced", Sampling(), builtin=True)
    assert len({p.name for p in BUILTIN}) == len(BUILTIN) == len({p.sampling for p in BUILTIN})
    for preset in BUILTIN:
        assert preset.builtin
        preset.sampling.validated()
    greedy = next(p.sampling for p in BUILTIN if p.name.startswith("Greedy"))
    assert greedy.temperature == 0
    assert greedy.seed >= 0


def test_own_presets_come_after_them_by_name(history: Path) -> None:
    with Store(history) as store:
        store.save_preset("zebra", Sampling(top_k=1))
        store.save_preset("  Über   ", Sampling(top_k=2))
        store.save_preset("Ape", Sampling(top_k=3))
    with Store(history) as store:
        own = store.presets()[len(BUILTIN) :]
    assert [(p.name, p.sampling.top_k, p.builtin) for p in own] == [
        ("Ape", 3, False),
        ("zebra", 1, False),
        ("Über", 2, False),
    ]


def test_saving_again_replaces(store: Store) -> None:
    store.save_preset("mine", Sampling(top_k=1))
    store.save_preset("Mine", Sampling(top_k=2))
    assert store.presets()[len(BUILTIN) :] == (Preset("Mine", Sampling(top_k=2)),)


def test_deleting(store: Store) -> None:
    store.save_preset("mine", Sampling())
    store.delete_preset("mine")
    assert store.presets() == BUILTIN
    with pytest.raises(NotFoundError, match="mine"):
        store.delete_preset("mine")


@pytest.mark.parametrize("name", ["", "  \n", "Balanced", "balanced", " PRECISE "])
def test_names_that_can_not_be_had(store: Store, name: str) -> None:
    with pytest.raises(UsageError):
        store.save_preset(name, Sampling())
    with pytest.raises(UsageError):
        store.delete_preset(name)
    assert store.presets() == BUILTIN


def test_settings_out_of_range_are_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="temperature"):
        store.save_preset("hot", Sampling(temperature=99))
    assert store.presets() == BUILTIN
