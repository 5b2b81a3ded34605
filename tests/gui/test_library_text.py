"""The models on this machine in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtWidgets import QApplication, QLabel

from q8chat.core import paths
from q8chat.gguf_files.provenance import Provenance
from q8chat.gui import fit_text, library_text, model_text, place_text
from q8chat.gui.library_text import COLUMNS, Entry
from q8chat.gui.widgets.copy_button import CopyButton
from q8chat.gui.widgets.model_details_facts import Facts, wrapping_label
from q8chat.jobs.memory_calls import Measured, MemoryReport
from q8chat.library.types import LibraryModel, ModelDetails, Row

GIB = 1 << 30


def model(name: str = "Qwen3-8B-Q4_K_M", **facts: object) -> LibraryModel:
    path = f"/models/{name}.gguf"
    known: dict[str, object] = {"path": path, "files": (path,), "name": name, "size": 5 * GIB, "source": "Q8 Chat"}
    return LibraryModel(**{**known, "folder": "/models", **facts})  # type: ignore[arg-type]


def cell(heading: str, entry: Entry) -> str:
    return next(c for c in COLUMNS if c.heading == heading).text(entry)


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, ""),
        (832, "832"),
        (134_515_008, "135M"),
        (999_700_000, "1B"),
        (1_235_814_432, "1.2B"),
        (70_553_706_496, "71B"),
    ],
)
def test_numbers_of_parameters(n: int, text: str) -> None:
    assert library_text.parameters(n) == text


def test_days_are_said_as_people_do() -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    ago = [library_text.when((now - timedelta(days=d)).isoformat(), now) for d in (0, 1, 2, 6)]
    assert ago == ["today", "yesterday", "2 days ago", "6 days ago"]
    assert library_text.when("2026-01-02T12:00:00Z", now) == "2026-01-02"
    assert library_text.when("", now) == library_text.when("nonsense", now) == ""


def test_a_row_has_every_fact_the_library_knows() -> None:
    entry = Entry(
        model(
            architecture="qwen3",
            parameters=8_190_735_360,
            quantization="Q4_K_M",
            context_length=40960,
            licence="apache-2.0",
            source="LM Studio",
        ),
        fit=fit_text.fit(6 * GIB, 16 * GIB, 8192),
    )
    assert [column.text(entry) for column in COLUMNS] == [
        "Qwen3-8B-Q4_K_M",
        "✓  fits",
        "Q4_K_M",
        "5.0 GiB",
        "8.2B",
        "40,960",
        "Qwen 3",
        "",
        "LM Studio",
        "apache-2.0",
    ]


def test_an_unknown_family_and_a_folder_of_the_users_keep_their_names() -> None:
    entry = Entry(model(architecture="brandnew", source="/home/me/my models"))
    assert (cell("Family", entry), cell("Source", entry)) == ("brandnew", "my models")


@pytest.mark.parametrize(
    ("total", "mark", "tone"),
    [
        (8, "✓  fits", "good"),
        (9, "!  tight", "warning"),
        (11, "✕  too big", "danger"),
        (0, "?  not known", "muted"),
    ],
)
def test_verdicts_have_a_sign_a_word_and_a_colour(total: int, mark: str, tone: str) -> None:
    fit = fit_text.fit(total * GIB, 10 * GIB, 4096)
    assert (fit.mark, fit.tone) == (mark, tone)
    if total:
        assert fit.reason == f"{total}.0 GiB with a context of 4,096 tokens; 10.0 GiB are available."


def test_what_cannot_be_loaded_says_so_in_the_table_and_its_reason_in_the_tooltip() -> None:
    entry = Entry(model(problem="It is cut off."), fit=fit_text.fit(GIB, 10 * GIB, 4096))
    assert cell("Fits", entry) == "✕  unusable"
    assert library_text.tooltip(entry).endswith("It is cut off.")
    assert library_text.spoken(entry, COLUMNS[0]) == "Qwen3-8B-Q4_K_M, It is cut off."


def test_a_screen_reader_hears_headings_and_words_without_signs() -> None:
    entry = Entry(model(), loaded=True, fit=fit_text.fit(GIB, 10 * GIB, 4096))
    spoken = [library_text.spoken(entry, column) for column in COLUMNS]
    assert spoken[:3] == ["Qwen3-8B-Q4_K_M, loaded", "Fits: fits", "Quantization: not known"]


def test_the_line_below_counts_what_is_shown() -> None:
    entries = [Entry(model(name)) for name in ("a", "b", "c")]
    assert library_text.summary(entries, 3) == "3 models, 15.0 GiB"
    assert library_text.summary(entries, 1) == "1 of 3 models"
    assert library_text.summary(entries[:1], 1) == "1 model, 5.0 GiB"


def test_details_tell_where_a_file_came_from_or_how_it_was_made() -> None:
    made = Provenance(
        parent="/models/x-F16.gguf",
        parent_sha256="b" * 64,
        how="q8chat quantize x-F16.gguf Q4_K_M",
        tools={"llama.cpp": "b1"},
    )
    origin = dict(model_text.origin(ModelDetails(model(), provenance=made, sha256="a" * 64)))
    assert (origin["Made from"], origin["How"]) == ("/models/x-F16.gguf", "q8chat quantize x-F16.gguf Q4_K_M")
    assert (origin["SHA-256"], origin["Made with"], origin["Repository"]) == ("a" * 64, "llama.cpp b1", "")


def test_all_properties_leave_out_what_is_said_above() -> None:
    details = ModelDetails(model(), rows=(Row("Layers", "36"), Row("Quantization", "Q4_K_M"), Row("File", "/x")))
    assert model_text.more_facts(details) == (("Layers", "36"),)


def report(**facts: object) -> MemoryReport:
    known: dict[str, object] = {"path": "/x", "n_ctx": 8192, "available": 10 * GIB, "kernels": ""}
    return MemoryReport(**{**known, "parts": {"kv": GIB, "base": GIB, "recurrent": 0}, **facts})  # type: ignore[arg-type]


def test_memory_is_shown_by_part_with_its_sum() -> None:
    view = fit_text.memory_view(report())
    assert [(r.label, r.predicted, r.measured) for r in view.rows] == [
        ("KV cache", "1.0 GiB", ""),
        ("Program and vocabulary", "1.0 GiB", ""),
        ("In all", "2.0 GiB", ""),
    ]
    assert (view.fit.verdict, view.note) == ("fits", "")


def test_what_was_measured_stands_beside_what_had_been_predicted() -> None:
    seen = Measured(
        predicted={"kv": 100 << 20, "base": 110 << 20},
        parts={"kv": 100 << 20, "base": 100 << 20},
        date="2026-11-22T10:00:00+00:00",
        full=True,
    )
    view = fit_text.memory_view(report(measured=seen))
    assert view.rows[-1].predicted == "210 MiB"
    assert view.rows[-1].measured == "200 MiB"
    assert view.note == "Measured 2026-11-22: the prediction was 5.0% above."


def test_memory_that_another_model_gives_back_counts_as_available() -> None:
    tight = report(available=2 * GIB)
    assert fit_text.memory_view(tight).fit.verdict == "tight"
    assert fit_text.memory_view(tight, freed=GIB).fit.verdict == "fits"


def test_paths_below_the_users_own_folder_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert place_text.place("/home/me/models/x.gguf") == "~/models/x.gguf"
    assert place_text.place("/home/me") == "~"
    for other in ("/home/meander/x.gguf", "/home/me.old/x.gguf", "/mnt/home/me/x.gguf", "models/x.gguf"):
        assert place_text.place(other) == other


def test_sentences_name_the_users_own_folder_as_people_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    told = place_text.in_words("/home/me/a b.gguf is not a GGUF file: look into '/home/me' or /home/me.")
    assert told == "~/a b.gguf is not a GGUF file: look into '~' or ~."
    monkeypatch.setenv("HOME", "/")
    assert place_text.in_words("/etc can't be read.") == "/etc can't be read."


def test_what_comes_with_the_application_is_said_so_and_its_real_place_can_be_copied(qapp: QApplication) -> None:
    folder = paths.bundled_models_dir() / "publisher" / "repo"
    assert place_text.place(str(folder / "x.gguf")) == "comes with Q8 Chat"
    shown = Facts()
    shown.show_facts((("Folder", str(folder)),))
    assert [label.text() for label in shown.findChildren(QLabel)] == ["Folder", "comes with Q8 Chat"]
    shown.findChildren(CopyButton)[0].click()
    assert QApplication.clipboard().text() == str(folder)


def test_long_words_break_after_signs_and_checksums_anywhere(qapp: QApplication) -> None:
    shown = wrapping_label("~/models/HuggingFaceTB/x-GGUF").text()
    assert shown.split("\u200b") == ["~/", "models/", "HuggingFaceTB/", "x-", "GGUF"]
    assert wrapping_label("a" * 64).text().split("\u200b") == ["a" * 8] * 8
    assert wrapping_label("a short text").text() == "a short text"
