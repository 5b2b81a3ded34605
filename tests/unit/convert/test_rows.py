"""Every transformation gives the same rows however they are asked for, and what numpy makes of the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from q8chat.convert.experts import Collector
from q8chat.convert.planning import plan
from q8chat.convert.rows import (
    Fixed,
    Gathered,
    Mapped,
    Reshaped,
    Rows,
    Stacked,
    Transposed,
    pair_halves,
    rows_of,
)
from q8chat.convert.safetensors import read_header
from q8chat.convert.stored import Stored
from q8chat.core.errors import CheckpointError
from tests.unit.convert import tiny

WHOLE = np.arange(24 * 10, dtype=np.float32).reshape(24, 10)
ORDER = np.random.default_rng(0).permutation(24)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    file = tmp_path_factory.mktemp("rows") / "w.safetensors"
    tiny.write_weights(file, {"before": np.ones(3, np.float32), "w": WHOLE})
    return Stored(next(e for e in read_header(file) if e.name == "w"))


def cases(source: Rows) -> list[tuple[Rows, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]]:
    """Transformed rows, and what they must be."""
    paired = WHOLE.reshape(4, 2, 3, 10).swapaxes(1, 2).reshape(24, 10)
    blocks = np.arange(24).reshape(3, 4, 2).swapaxes(0, 1).reshape(-1)
    return [
        (source, WHOLE),
        (Gathered(source, ORDER), WHOLE[ORDER]),
        (Gathered(source, blocks), WHOLE[blocks]),
        (rows_of(source, 5, 17), WHOLE[5:17]),
        (pair_halves(source, 4), paired),
        (Transposed(source), WHOLE.T),
        (Mapped(source, lambda values: values + 1), WHOLE + 1),
        (Stacked([source, rows_of(source, 0, 3), source]), np.concatenate([WHOLE, WHOLE[:3], WHOLE])),
        (Stacked([source, source], (2, 24, 10)), np.stack([WHOLE, WHOLE])),
        (Reshaped(source, (6, 4, 10)), WHOLE.reshape(6, 4, 10)),
        (Reshaped(source, (240,)), WHOLE.reshape(240)),
        (Fixed(WHOLE[0]), WHOLE[0]),
        (Transposed(pair_halves(source, 2)), WHOLE.reshape(2, 2, 6, 10).swapaxes(1, 2).reshape(24, 10).T),
    ]


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_block_of_rows(stored: Rows, data: st.DataObject) -> None:
    rows, expected = data.draw(st.sampled_from(cases(stored)))
    assert rows.shape == expected.shape
    lo = data.draw(st.integers(0, rows.n_rows))
    hi = data.draw(st.integers(lo, rows.n_rows))
    flat = expected.reshape(rows.n_rows, *rows.row_shape)
    assert np.array_equal(rows.read(lo, hi), flat[lo:hi])


def test_a_very_large_matrix_is_transposed_in_strips(stored: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Transposed, "_KEPT", 0)
    monkeypatch.setattr(Transposed, "_STRIP", 100)
    assert np.array_equal(Transposed(stored).read(2, 7), WHOLE.T[2:7])


@pytest.mark.parametrize("heads", [5, 24])
def test_heads_that_do_not_divide_the_rows(stored: Rows, heads: int) -> None:
    with pytest.raises(ValueError, match="heads of even size"):
        pair_halves(stored, heads)


def test_experts_come_out_when_all_are_there(stored: Rows) -> None:
    collector = Collector(r"(?P<block>\d+)\.(?P<expert>\d+)\.(?P<matrix>up|down)", 2, ("down", "up"))
    assert not list(collector.add("0.1.up", stored))
    assert not list(collector.add("0.0.down", stored))
    with pytest.raises(CheckpointError, match="2 of 4"):
        collector.check_complete()
    assert not list(collector.add("0.1.down", stored))
    out = dict(collector.add("0.0.up", Mapped(stored, lambda values: -values)))
    assert list(out) == ["down", "up"]
    assert np.array_equal(out["up"].all(), np.stack([-WHOLE, WHOLE]))
    collector.check_complete()


def test_a_source_gives_the_same_bytes_in_any_blocks(tmp_path: Path) -> None:
    source = plan(tiny.make(tmp_path / "tiny"), "q8_0").source
    for index, spec in enumerate(source.tensors):
        whole, parts = bytearray(spec.n_bytes), bytearray(spec.n_bytes)
        source.read(index, 0, spec.n_rows, memoryview(whole))
        for row in reversed(range(0, spec.n_rows, 7)):
            n = min(7, spec.n_rows - row)
            view = memoryview(parts)[row * spec.row_bytes : (row + n) * spec.row_bytes]
            source.read(index, row, n, view)
        assert whole == parts, spec.name


def test_the_identity_follows_weights_and_options(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path / "tiny")
    first = plan(folder, "f16").source.identity
    assert plan(folder, "f16").source.identity == first
    assert plan(folder, "f32").source.identity != first
    tiny.write_json(folder / "config.json", tiny.config() | {"rope_theta": 5.0})
    changed = plan(folder, "f16").source.identity
    assert changed != first
    tiny.write_weights(folder / "model.safetensors", tiny.weights())
    assert plan(folder, "f16").source.identity != changed
