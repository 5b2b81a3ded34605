"""What was measured is kept whatever happens to the file, and corrects predictions but can't spoil them."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from q8chat.core import paths
from q8chat.gguf_files.header import Header, read_header
from q8chat.runtime import measured
from q8chat.runtime.footprint import N_BATCH, estimate
from q8chat.runtime.footprint_compute import graph
from q8chat.runtime.measured import Measurement, known, measurements, record
from q8chat.runtime.measured_engine import Meter, by_part
from q8chat.runtime.measured_prediction import BELIEVED, LARGEST_OFFSET, Predictor, parts
from tests.unit.runtime.families import transformer

MIB = 1 << 20


@pytest.fixture
def header(tmp_path: Path) -> Header:
    return read_header(transformer(tmp_path / "model.gguf"))


def entry(
    header: Header, more: int = 0, *, n_ctx: int = 512, full: bool = True, scratch: float = 1.0
) -> Measurement:
    """As predicted, but with `more` bytes of base and a compute buffer `scratch` times as large."""
    predicted = estimate(header, n_ctx)
    buffer = graph(header, n_ctx, N_BATCH)
    buffers = {k: v for k, v in parts(predicted).items() if k != "base"} | {"compute": round(scratch * buffer)}
    return Measurement(
        identity=measured.identity([header]),
        n_ctx=n_ctx,
        kv_type="f16",
        mmap=True,
        architecture=header.architecture,
        file=header.path.name,
        build=measured.build(),
        date=measured.now(),
        predicted=parts(predicted),
        graph=buffer,
        buffers=buffers,
        loaded=predicted.total,
        full=predicted.total + more + round((scratch - 1) * buffer) if full else 0,
    )


def test_what_is_recorded_is_found_again(header: Header) -> None:
    assert known() == []
    record(entry(header))
    record(entry(header, 1, n_ctx=1024))
    record(entry(header, 2))
    assert [(m.n_ctx, m.full - sum(m.predicted.values())) for m in measurements([header])] == [(512, 2), (1024, 1)]
    assert json.loads(measured.store().read_text())[0]["file"] == "model.gguf"


def test_loading_again_does_not_forget_the_full_context(header: Header) -> None:
    record(entry(header, 7))
    record(entry(header, full=False))
    assert known()[0].full == entry(header, 7).full


@pytest.mark.parametrize("content", [b"", b"[{", b'{"a": 1}', b'[{"identity": 5}]', b"\xff" * 99, b"[" * (1 << 21)])
def test_a_damaged_file_knows_nothing_and_is_replaced(content: bytes, header: Header) -> None:
    measured.store().write_bytes(content)
    assert known() == []
    record(entry(header))
    assert len(known()) == 1


@pytest.mark.parametrize("part", ["predicted", "buffers"])
def test_an_entry_that_lacks_a_part_is_not_used(part: str, header: Header) -> None:
    record(entry(header))
    text = json.loads(measured.store().read_text())
    del text[0][part]["compute"]
    measured.store().write_text(json.dumps(text))
    assert known() == []


def test_the_file_stays_small(header: Header) -> None:
    for n in range(measured.KEPT + 5):
        record(entry(header, n_ctx=256 + n))
    assert [known()[0].n_ctx, known()[-1].n_ctx, len(known())] == [261, 256 + measured.KEPT + 4, measured.KEPT]


def test_a_folder_that_cannot_be_written_disturbs_nothing(header: Header, monkeypatch: pytest.MonkeyPatch) -> None:
    target = paths.data_dir() / "memory.json"
    target.mkdir()
    record(entry(header))
    assert known() == []


def test_without_measurements_the_estimate_counts(header: Header) -> None:
    told = Predictor(header).at(4096)
    assert (told.source, told.footprint) == ("estimated", estimate(header, 4096))


def test_a_known_configuration_is_as_it_was_measured(header: Header) -> None:
    was = entry(header, 9 * MIB)
    told = Predictor(header, entries=[was]).at(512)
    assert (told.source, told.footprint.total) == ("measured", was.full)
    assert told.footprint.kv == was.buffers["kv"]


def test_other_configurations_are_corrected(header: Header) -> None:
    plain = estimate(header, 4096)
    told = Predictor(header, entries=[entry(header, 9 * MIB)]).at(4096)
    assert (told.source, told.footprint.base - plain.base) == ("corrected", 9 * MIB)
    wider = Predictor(header, entries=[entry(header, scratch=1.5)]).at(4096)
    assert wider.footprint.compute - plain.compute == round(0.5 * graph(header, 4096, N_BATCH))
    assert wider.footprint.base == plain.base


def test_the_same_model_counts_more_than_others(header: Header) -> None:
    others = [msgspec.structs.replace(entry(header, 20 * MIB), identity=f"{n}") for n in range(5)]
    base = estimate(header, 4096).base
    assert Predictor(header, entries=others).at(4096).footprint.base - base == 20 * MIB
    assert Predictor(header, entries=[*others, entry(header, 3 * MIB)]).at(4096).footprint.base - base == 3 * MIB


def test_an_odd_measurement_spoils_nothing(header: Header) -> None:
    plain = estimate(header, 4096)
    good = [entry(header, 2 * MIB, n_ctx=n) for n in (256, 768, 1024)]
    for odd in (10_000 * MIB, -plain.base):
        assert (
            Predictor(header, entries=[*good, entry(header, odd)]).at(4096).footprint.base == plain.base + 2 * MIB
        )
        alone = Predictor(header, entries=[entry(header, odd)])
        assert abs(alone.at(4096).footprint.total - plain.total) <= LARGEST_OFFSET
    unbelievable = int((1 + 2 * BELIEVED) * plain.total)
    assert Predictor(header, entries=[entry(header, unbelievable)]).at(512).source == "corrected"


def test_another_build_of_llama_cpp_tells_nothing(header: Header) -> None:
    other = msgspec.structs.replace(entry(header, 9 * MIB), build="ggml 0.1 abc")
    assert Predictor(header, entries=[other]).at(512).source == "estimated"


def test_buffers_of_the_log_by_part() -> None:
    names = ["CPU_Mapped model", "CPU_REPACK model", "AMX model", "CPU KV", "CPU KV", "CPU RS", "CPU output"]
    found = by_part([(name, 1 << n) for n, name in enumerate([*names, "something else"])])
    assert found["repacked"] == 0b110
    assert found["kv"] == 0b11000
    assert sum(found.values()) == 0b1111111
    assert "base" not in found


def test_a_short_answer_tells_nothing_about_the_full_context(header: Header) -> None:
    meter = Meter([header], 4096, "f16", True)
    meter.loaded([("CPU compute", 20 * MIB), ("CPU KV", MIB)])
    meter.answered(used=100, widest=100, copies=0)
    assert (known()[0].full, known()[0].buffers["kv"]) == (0, MIB)
    meter.answered(used=512, widest=512, copies=0)
    half = known()[0]
    assert half.full > half.peak > 0
    meter.answered(used=4096, widest=512, copies=half.peak // 2)
    assert known()[0].peak < half.peak


def test_weights_that_were_dropped_are_no_measure(header: Header) -> None:
    meter = Meter([header], 512, "f16", True)
    meter.loaded([("CPU_Mapped model", 1 << 40)])  # more than this process can have in memory
    meter.answered(used=512, widest=512, copies=0)
    assert known()[0].full == 0
