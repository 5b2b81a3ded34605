"""What is typed and what is shown about the hub, without a window."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from q8chat.gui import card_text, discover_text, offers, quant_text
from q8chat.gui.offers import Offer, State, Surroundings
from q8chat.hub.types import Quantization, RemoteFile, RepoHit, RepoPage
from q8chat.jobs.repo_calls import RepoNeeds, RowNeeds
from q8chat.jobs.types import JobFailure, JobProgress, JobRecord, JobState
from q8chat.library.types import LibraryModel
from q8chat.runtime.kernels import KernelShare

GIB = 2**30
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "repo", "what"),
    [
        ("org/name", "org/name", ""),
        ("  org/name:Q4_K_M ", "org/name", "Q4_K_M"),
        ("https://hub.example/org/name", "org/name", ""),
        ("https://hub.example/org/name/tree/main", "org/name", ""),
        ("hub.example/org/name", "org/name", ""),
        ("https://hub.example/org/name/blob/main/dir/a%20b.gguf?x=1", "org/name", "dir/a b.gguf"),
        ("https://hub.example/org/name/resolve/main/a.gguf", "org/name", "a.gguf"),
    ],
)
def test_what_names_a_repository(text: str, repo: str, what: str) -> None:
    assert discover_text.reference(text) == (repo, what)


@pytest.mark.parametrize(
    "text",
    ["llama", "llama 3 8b", "a/b/c", "/etc/passwd", "https://hub.example/datasets/org/name", "org/na me", "x/"],
)
def test_what_is_only_searched_for(text: str) -> None:
    assert discover_text.reference(text) is None


@pytest.mark.parametrize(
    ("text", "complete"),
    [("org/na", False), ("org/name:Q4_0", True), ("https://hub.example/org/name", True), ("org/name:Q", False)],
)
def test_what_is_opened_before_enter(text: str, complete: bool) -> None:
    assert discover_text.is_complete(text) is complete


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0"), (999, "999"), (1000, "1k"), (54_321, "54k"), (1_834_201, "1.8M")]
)
def test_counts(n: int, text: str) -> None:
    assert discover_text.compact(n) == text


def test_a_hit_in_words() -> None:
    hit = RepoHit(
        repo="org/Model-GGUF",
        kind="gguf",
        downloads=1200,
        likes=1,
        updated="2026-11-20T10:00:00Z",
        gated="manual",
        licence="mit",
        parameters=135_000_000,
    )
    assert discover_text.hit_facts(hit, NOW) == ("135M", "1.2k downloads", "1 like", "updated 2 days ago", "mit")
    assert discover_text.spoken(hit).startswith("Model-GGUF by org, 135M, ")
    assert discover_text.spoken(hit).endswith(", gated")


@pytest.mark.parametrize(
    ("card", "text"),
    [
        ("<div align='center'>\n  <img src=x>\n</div>\n\n# Name", "# Name"),
        ("a<br>b", "a\\\nb"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one\ntwo\n\nthree", "one two\n\nthree"),
        ("- one\n  goes on\n- two\n# Head\ntext", "- one goes on\n- two\n# Head\ntext"),
        ("| a |\n|---|\n| b |\n\nTitle\n===\ntext", "| a |\n|---|\n| b |\n\nTitle\n===\ntext"),
        ("hard  \nbreak", "hard  \nbreak"),
        ("| a<br>b | c |", "| a b | c |"),
        ("<!-- hidden\nstill --> shown", "shown"),
        ("<script>evil()</script>text", "text"),
        ("![chart](https://x.example/a.png)\n\n[![badge](b)](c) text", "text"),
        ("`<b>` and List<String> and <think>", "`<b>` and List<String> and <think>"),
        ("```html\n<b>kept</b>\n```", "```html\n<b>kept</b>\n```"),
        ("<https://example.org>", "<https://example.org>"),
        ("    <p>indented</p>", "indented"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
    ],
)
def test_a_card_without_html_and_images(card: str, text: str) -> None:
    assert card_text.readable_card(card) == text


def quantization(label: str, size: int = GIB, problem: str = "") -> Quantization:
    file = RemoteFile(path=f"m-{label}.gguf", size=size)
    return Quantization(
        label=label, name=f"m-{label}", files=(file,), size=size, bits_per_weight=4.5, problem=problem
    )


PAGE = RepoPage(
    repo="org/m",
    revision="c" * 40,
    quantizations=(
        quantization("Q4_0"),
        quantization("Q8_0", 2 * GIB),
        quantization("Q6_K", problem="1 part is missing"),
    ),
)
KERNELS = (KernelShare("AVX2 repacked", ("Q4_0",), 98, 0.98), KernelShare("AVX2", ("Q6_K",), 2, 0.02))
NEEDS = RepoNeeds(
    n_ctx=8192,
    trained=32768,
    available=4 * GIB,
    rows=(
        RowNeeds(name="m-Q4_0", total=2 * GIB, verdict="fits", kernels=KERNELS),
        RowNeeds(name="m-Q8_0", total=5 * GIB, verdict="too big", about=True),
    ),
    recommended="m-Q4_0",
    reason="It is good.",
)


def rows(*, models: tuple[LibraryModel, ...] = (), records: tuple[JobRecord, ...] = ()) -> dict[str, Offer]:
    around = Surroundings(models, records, "/models")
    return {offer.label: offer for offer in offers.offers(PAGE, NEEDS, around)}


def job(state: JobState, **more: object) -> JobRecord:
    selection = {"repo": "org/m", "name": "m-Q4_0", "revision": "c" * 40}
    return JobRecord("1", "download", "t", {"selection": selection}, state=state, **more)  # type: ignore[arg-type]


def cells(offer: Offer) -> list[str]:
    return [column.text(offer) for column in quant_text.COLUMNS]


def test_the_cells_of_each_row() -> None:
    found = rows()
    assert cells(found["Q4_0"])[:-1] == ["★ Q4_0", "1.0 GiB", "4.50", "2.0 GiB", "✓  fits", "AVX2 repacked 98 %"]
    assert cells(found["Q8_0"])[3:5] == ["about 5.0 GiB", "✕  too big"]
    assert cells(found["Q6_K"])[5:] == ["1 part is missing", "Can't be used"]
    assert quant_text.recommendation(NEEDS, found.values()) == (
        "★ Q4_0 is recommended for this machine. It is good."
    )
    assert quant_text.spoken(found["Q4_0"], quant_text.COLUMNS[0]) == "Q4_0, recommended"


@pytest.mark.parametrize(
    ("record", "state", "says", "action"),
    [
        (None, State.AVAILABLE, "Not on this machine", "Download Q4_0 (1.0 GiB)"),
        (job(JobState.QUEUED), State.WAITING, "Waiting", "Show downloads"),
        (job(JobState.QUEUED, progress=JobProgress(note="Waits")), State.WAITING, "Waits", "Show downloads"),
        (job(JobState.RUNNING, progress=JobProgress(1, 4)), State.RUNNING, "Downloading 25 %", "Show downloads"),
        (job(JobState.PAUSED, progress=JobProgress(1, 4)), State.PAUSED, "Paused at 25 %", "Resume"),
        (job(JobState.FAILED, error=JobFailure("hub", "No.", "Yes.")), State.FAILED, "Failed", "Try again"),
        (job(JobState.CANCELLED), State.AVAILABLE, "Not on this machine", "Download Q4_0 (1.0 GiB)"),
        (
            job(JobState.DONE),
            State.AVAILABLE,
            "Not on this machine",
            "Download Q4_0 (1.0 GiB)",
        ),  # and deleted since
    ],
)
def test_what_a_download_makes_of_a_row(record: JobRecord | None, state: State, says: str, action: str) -> None:
    offer = rows(records=(record,) if record else ())["Q4_0"]
    assert (offer.state, quant_text.state(offer), quant_text.action_label(offer)) == (state, says, action)
    assert rows(records=(record,) if record else ())["Q8_0"].state == State.AVAILABLE


def test_a_failure_is_explained() -> None:
    offer = rows(records=(job(JobState.FAILED, error=JobFailure("hub", "It broke.", "Try again.")),))["Q4_0"]
    assert "It broke. Try again." in quant_text.explained(offer)


def test_a_file_that_is_here_can_be_chatted_with() -> None:
    path = "/models/org/m/m-Q4_0.gguf"
    model = LibraryModel(path=path, files=(path,), name="m", size=GIB, source="Q8 Chat", folder="/models")
    offer = rows(models=(model,))["Q4_0"]
    assert (offer.state, offer.path, quant_text.action_label(offer)) == (State.HERE, path, "Chat with Q4_0")


def test_a_checkpoint_is_offered_as_a_whole() -> None:
    files = (RemoteFile(path="config.json", size=10), RemoteFile(path="model.safetensors", size=GIB))
    page = RepoPage(repo="org/m", revision="c" * 40, checkpoint=files)
    (offer,) = offers.offers(page, None, Surroundings((), (), "/models"))
    assert offer.label == offers.CHECKPOINT
    assert quant_text.cpu(offer) == "Weights to convert to GGUF"
    chosen = offers.selection(page, offer)
    assert (chosen.label, chosen.name, chosen.files, chosen.size) == ("", "m", files, GIB + 10)


def test_contexts_to_choose_from() -> None:
    assert [n for _, n in offers.contexts(131072)] == [4096, 8192, 16384, 32768, 131072]
    assert offers.contexts(8192) == (("4,096", 4096), ("8,192 (longest)", 8192))
    assert [n for _, n in offers.contexts(0)] == [4096, 8192, 16384, 32768]
