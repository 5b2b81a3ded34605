"""From file names to rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from q8chat.hub.file_names import name_problem
from q8chat.hub.quantizations import PREFERENCE, group, is_gguf, is_model, label_of, normal_label, recommend
from q8chat.hub.types import RemoteFile


def _file(path: str, size: int = 1000) -> RemoteFile:
    return RemoteFile(path=path, size=size, problem=name_problem(path))


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("SmolLM2-135M-Instruct-Q4_K_M", "Q4_K_M"),
        ("smollm2-135m-instruct-q4_k_m", "Q4_K_M"),
        ("llama-2-7b-chat.Q5_0", "Q5_0"),
        ("model_q8_0", "Q8_0"),
        ("gemma-3-4b-it-UD-Q4_K_XL", "UD-Q4_K_XL"),
        ("UD-IQ1_M/DeepSeek-R1-UD-IQ1_M", "UD-IQ1_M"),
        ("Qwen3-0.6B-IQ4_XS", "IQ4_XS"),
        ("Qwen3-0.6B.i1-IQ2_XXS", "IQ2_XXS"),
        ("gpt-oss-20b-mxfp4", "MXFP4"),
        ("gpt-oss-20b-MXFP4_MOE", "MXFP4_MOE"),
        ("model-NVFP4", "NVFP4"),
        ("bitnet-TQ1_0", "TQ1_0"),
        ("Model-BF16", "BF16"),
        ("model.fp16", "F16"),
        ("model-F32", "F32"),
        ("model-f16-Q4_K_M", "Q4_K_M"),
        ("model-Q6_K-f16", "Q6_K"),
        ("phi-2-Q4_0_4_8", "Q4_0_4_8"),
        ("Model-Q6_K_L", "Q6_K_L"),
        ("Q3_K_S/model", "Q3_K_S"),
        ("BF16/Model-Q2_K", "Q2_K"),
        ("model", ""),
        ("Q4ever-7B", ""),
        ("iq4_nlp", ""),
        ("Falcon-H1F16x", ""),
    ],
)
def test_labels(name: str, label: str) -> None:
    assert label_of(name) == label


def test_labels_as_typed() -> None:
    assert [normal_label(t) for t in ("q4_k_m", " Q8_0 ", "fp16", "ud-q4_k_xl", "UD_IQ1_S", "x-Q8_0", "")] == [
        "Q4_K_M",
        "Q8_0",
        "F16",
        "UD-Q4_K_XL",
        "UD-IQ1_S",
        "",
        "",
    ]


def test_every_preferred_label_is_one_that_can_be_read() -> None:
    assert [normal_label(label) for label in PREFERENCE] == list(PREFERENCE)
    assert len(set(PREFERENCE)) == len(PREFERENCE)


def test_shards_are_one_row_and_missing_ones_are_named() -> None:
    whole = [_file(f"Q8_0/m-Q8_0-0000{i}-of-00003.gguf", 100 * i) for i in (3, 1, 2)]
    holes = [_file(f"m-Q4_K_M-0000{i}-of-00004.gguf") for i in (1, 4)]
    rows = {row.label: row for row in group([*whole, *holes, _file("mmproj-m-f16.gguf"), _file("imatrix.gguf")])}
    assert set(rows) == {"Q8_0", "Q4_K_M"}
    assert [f.size for f in rows["Q8_0"].files] == [100, 200, 300]
    assert (rows["Q8_0"].size, rows["Q8_0"].name, rows["Q8_0"].problem) == (600, "Q8_0/m-Q8_0", "")
    assert rows["Q4_K_M"].missing == ("m-Q4_K_M-00002-of-00004.gguf", "m-Q4_K_M-00003-of-00004.gguf")
    assert rows["Q4_K_M"].problem == "2 of its 4 parts are missing"


@pytest.mark.parametrize("number", ["00001-of-00000", "00009-of-00003", "00000-of-00003", "00001-of-99999"])
def test_numbers_of_shards_that_make_no_sense(number: str) -> None:
    (row,) = group([_file(f"m-Q4_0-{number}.gguf")])
    assert "make no sense" in row.problem
    assert row.missing == ()


def test_bits_per_weight() -> None:
    rows = group(
        [_file("m-Q4_0.gguf", 4_500), _file("m-F16.gguf", 16_000), _file("m-Q8_0-00001-of-00002.gguf")], 8_000
    )
    assert {row.label: row.bits_per_weight for row in rows} == {"Q4_0": 4.5, "F16": 16.0, "Q8_0": 0.0}


def test_no_bits_where_the_number_of_weights_is_of_another_model() -> None:
    two = [_file("m-1b-Q4_0.gguf", 4_500), _file("m-7b-Q4_0.gguf", 31_500)]
    assert [row.bits_per_weight for row in group(two, 8_000)] == [0.0, 0.0]
    assert group([_file("m-Q4_0.gguf", 10**9)], 8_000)[0].bits_per_weight == 0.0


def test_a_bad_name_is_a_row_that_can_not_be_used() -> None:
    (row,) = group([_file("../m-Q4_0.gguf")])
    assert "leaves its folder" in row.problem
    assert recommend([row]) is None


@pytest.mark.parametrize(
    ("labels", "best"),
    [
        (["Q8_0", "Q4_K_M", "Q4_K_S"], "Q4_K_M"),
        (["Q8_0", "UD-Q4_K_XL", "Q5_K_M"], "UD-Q4_K_XL"),
        (["Q8_0", "Q2_K", "F16"], "Q8_0"),
        (["F16", "Q3_K_M", "BF16"], "Q3_K_M"),
        (["F32", "F16"], "F16"),
        (["IQ4_KS", "F16"], "F16"),
    ],
)
def test_recommended(labels: list[str], best: str) -> None:
    row = recommend(group([_file(f"m-{label}.gguf") for label in labels]))
    assert row is not None
    assert row.label == best


@given(
    base=st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}(-[0-9]{1,2}B)?", fullmatch=True).filter(
        lambda b: not label_of(b)
    ),
    label=st.sampled_from(PREFERENCE),
    separator=st.sampled_from("-._"),
    lower=st.booleans(),
    folder=st.sampled_from(["", "sub/", "F16/"]),
)
def test_a_label_at_the_end_is_found(base: str, label: str, separator: str, lower: bool, folder: str) -> None:
    shown = label.lower() if lower else label
    assert label_of(f"{folder}{base}{separator}{shown}") == label


PATHS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "a/", "../", "x/y/", "/"]),
    st.text(max_size=10),
    st.sampled_from(
        ["", "-Q4_K_M", "-00001-of-00002", "-00002-of-00002", "-99999-of-00001", "-q8_0-00001-of-01001"]
    ),
    st.sampled_from([".gguf", ".GGUF", ".bin", "", ".gguf.part"]),
)


@given(st.lists(PATHS, unique=True, max_size=8), st.integers(min_value=-1, max_value=1 << 62))
def test_every_model_file_is_in_one_row_and_nothing_else_is(paths: list[str], parameters: int) -> None:
    rows = group([_file(p) for p in paths], parameters)
    assert sorted(f.path for row in rows for f in row.files) == sorted(
        p for p in paths if is_gguf(p) and is_model(p)
    )
    for row in rows:
        assert row.problem or not (row.missing or any(f.problem for f in row.files))
        assert len(row.missing) <= 1000
