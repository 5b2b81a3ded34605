"""What the worker tells about sources, levels and places: the sizes are those of the files that are then made."""

from __future__ import annotations

from pathlib import Path

import pytest

from q8chat.core import paths
from q8chat.core.errors import CheckpointError, ModelFileError, QuantizeError
from q8chat.core.progress import Cancel
from q8chat.jobs import convert, convert_calls
from q8chat.jobs.convert_plan import ConvertRequest
from q8chat.jobs.convert_types import AskedLevels, LevelRow, Levels, Source, Texts
from q8chat.quantize import request as quantizing
from q8chat.quantize.ftypes import FTYPES
from q8chat.quantize.options import Options
from q8chat.quantize.request import Request
from tests.unit.convert import tiny
from tests.unit.quantize.small_models import Shape, write_model

ALL = tuple(f.name for f in FTYPES if f.name != "COPY")
PLAIN = Options(ftype="")


def rows(source: Source, levels: tuple[str, ...], options: Options = PLAIN, **more: object) -> dict[str, LevelRow]:
    return {row.level: row for row in planned(source, levels, options, **more).rows}


def planned(source: Source, levels: tuple[str, ...], options: Options = PLAIN, **more: object) -> Levels:
    asked = AskedLevels(source=source, levels=levels, options=options, **more)  # type: ignore[arg-type]
    return convert_calls.levels(asked, Cancel())


@pytest.mark.parametrize("options", [PLAIN, Options(ftype="", tensor_types=(("ffn_down", "Q8_0"),), pure=True)])
def test_sizes_of_a_model_are_exact(tmp_path: Path, options: Options) -> None:
    source = convert_calls.inspect(str(write_model(tmp_path / "Small-F16.gguf", Shape(layers=3, tied=False))))
    found = rows(source, ALL, options)
    assert list(found) == list(ALL)
    made = 0
    for level, row in found.items():
        if row.problem:
            assert "importance matrix" in row.problem or "block" in row.problem
            continue
        target = tmp_path / f"{level}.gguf"
        wanted = Options(ftype=level, tensor_types=options.tensor_types, pure=options.pure)
        assert quantizing.run(Request(model=Path(source.path), options=wanted, out=target)).size == row.size
        assert target.stat().st_size == row.size
        assert row.memory > row.size
        made += 1
    assert made > 20


def test_sizes_of_a_checkpoint_are_exact(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path / "Tiny")
    source = convert_calls.inspect(str(folder))
    for level, row in rows(source, ("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K_M", "IQ4_NL")).items():
        target = tmp_path / f"{level}.gguf"
        made = convert.run(ConvertRequest(folder=folder, options=Options(ftype=level), out=target))
        assert made.size == row.size == target.stat().st_size, level
        assert Path(row.target) == paths.models_dir() / "local" / "Tiny" / f"Tiny-{level}.gguf"


def test_a_changed_checkpoint_is_read_anew(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path / "Tiny")
    before = rows(convert_calls.inspect(str(folder)), ("F16",))["F16"].size
    tiny.write_json(folder / "config.json", tiny.config(1))
    tiny.write_weights(folder / "model.safetensors", tiny.weights(1))
    assert rows(convert_calls.inspect(str(folder)), ("F16",))["F16"].size < before


def test_what_a_direct_level_can_not_do_is_said_in_its_row(tmp_path: Path) -> None:
    source = convert_calls.inspect(str(tiny.make(tmp_path / "Tiny")))
    found = rows(source, ("Q8_0", "Q4_0"), Options(ftype="", tensor_types=(("attn_v", "Q8_0"),)))
    assert "make no difference" in found["Q8_0"].problem
    assert not found["Q4_0"].problem


def test_a_matrix_that_is_yet_to_be_made_opens_the_low_levels(tmp_path: Path) -> None:
    source = convert_calls.inspect(str(write_model(tmp_path / "Small-F16.gguf", Shape(layers=2))))
    assert "needs an importance matrix" in rows(source, ("IQ2_XXS",))["IQ2_XXS"].problem
    texts = Texts(out=tmp_path / "imatrix-20260101-000000.gguf", texts=(tmp_path / "some.txt",))
    assert not rows(source, ("IQ2_XXS",), texts=texts)["IQ2_XXS"].problem


def test_something_that_is_no_matrix_is_refused(tmp_path: Path) -> None:
    model = write_model(tmp_path / "Small-F16.gguf", Shape(layers=2))
    with pytest.raises(QuantizeError, match="not a usable importance matrix"):
        planned(convert_calls.inspect(str(model)), ("Q4_0",), imatrix=model)


def test_a_level_is_advised_unless_the_source_is_at_a_low_one_already(tmp_path: Path) -> None:
    model = write_model(tmp_path / "Small-F16.gguf", Shape(layers=2))
    assert planned(convert_calls.inspect(str(model)), ("F16", "Q8_0", "Q4_K_M")).recommended == "Q8_0"
    low = quantizing.run(Request(model=model, options=Options(ftype="Q4_0"))).path
    source = convert_calls.inspect(str(low))
    assert source.lossy
    assert planned(source, ("Q8_0", "Q4_K_M", "Q2_K")).recommended == ""


def test_the_folder_of_one_model_is_that_model_and_of_several_is_not(tmp_path: Path) -> None:
    model = write_model(tmp_path / "Small-F16.gguf", Shape(layers=2))
    assert convert_calls.inspect(str(tmp_path)).path == str(model)
    write_model(tmp_path / "Other-F16.gguf", Shape(layers=2))
    with pytest.raises(ModelFileError, match="holds 2 GGUF files"):
        convert_calls.inspect(str(tmp_path))


def test_a_file_of_a_checkpoint_stands_for_it_and_a_pickle_is_never_opened(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path / "Tiny")
    assert convert_calls.inspect(str(folder / "model.safetensors")).path == str(folder)
    alone = tmp_path / "weights.pth"
    alone.write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(CheckpointError, match="is a pickle"):
        convert_calls.inspect(str(alone))


def test_checkpoints_of_our_folder(tmp_path: Path) -> None:
    assert convert_calls.checkpoints() == []
    folder = tiny.make(paths.models_dir() / "someone" / "Tiny")
    assert convert_calls.checkpoints() == [str(folder)]


def test_places(tmp_path: Path) -> None:
    new = convert_calls.place(str(tmp_path / "a" / "b" / "c.gguf"))
    assert (new.exists, new.problem) == (False, "")
    assert new.free > 0
    there = tmp_path / "there.gguf"
    there.touch()
    assert convert_calls.place(str(there)).exists
    assert "end in .gguf" in convert_calls.place(str(tmp_path / "c.bin")).problem
    assert "end in .gguf" in convert_calls.place(str(tmp_path / ".gguf")).problem
    assert "not a folder" in convert_calls.place(str(there / "c.gguf")).problem
