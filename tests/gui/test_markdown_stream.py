"""Markdown in pieces gives what the whole text gives, and nothing of the text is lost."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from q8chat.gui.widgets import markdown_stream
from q8chat.gui.widgets.markdown_leaves import BOLD, CODE, Code, Leaf, Rule, Span, Table, Text
from q8chat.gui.widgets.markdown_stream import MarkdownStream

LINES = [
    "para **bold** `x`", "", "", "- item", "- [x] done", "  - sub", "1. one", "2. two", "   ```py", "   code",
    "   ```", "```python", "x = 1", "```", "````", "~~~", "> quote", "> - q", "| a | b |", "|---|:-:|",
    "| 1 | **2** |", "# head", "---", "===", "    indented", "<br>", "List<String> x", "[r]: http://x.y", "[r]",
    "***", "\tt", "10) ten", "11) el", "  text", "* star", "word " * 30,
]  # fmt: skip
texts = st.lists(st.sampled_from(LINES), max_size=40).map("\n".join)


def whole(text: str) -> list[Leaf]:
    stream = MarkdownStream()
    stream.feed(text)
    stream.close()
    return stream.closed


def piecewise(text: str, sizes: list[int]) -> list[Leaf]:
    stream = MarkdownStream()
    at = i = 0
    while at < len(text):
        n = sizes[i % len(sizes)]
        stream.feed(text[at : at + n])
        stream.tail()
        at, i = at + n, i + 1
    stream.close()
    return stream.closed


def shown(leaves: list[Leaf]) -> str:
    """All text in the leaves."""
    out = []
    for leaf in leaves:
        if isinstance(leaf, Text):
            out.append(leaf.marker + "".join(s.text for s in leaf.spans))
        elif isinstance(leaf, Code):
            out.append(leaf.text)
        elif isinstance(leaf, Table):
            out += ["".join(s.text for s in cell) for row in leaf.rows for cell in row]
    return "\n".join(out)


@given(texts, st.lists(st.sampled_from([1, 2, 3, 7, 50, 300]), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_pieces_give_what_the_whole_gives(text: str, sizes: list[int]) -> None:
    assert piecewise(text, sizes) == whole(text)


@given(texts, st.lists(st.sampled_from([1, 3, 50]), min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_also_where_blocks_are_too_long(text: str, sizes: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markdown_stream, "TEXT_LIMIT", 40)
        patch.setattr(markdown_stream, "BLOCK_LIMIT", 90)
        patch.setattr(markdown_stream, "TABLE_ROWS", 2)
        assert piecewise(text, sizes) == whole(text)


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text_is_accepted(text: str) -> None:
    piecewise(text, [1])
    assert piecewise(text, [5]) == whole(text)


@pytest.mark.parametrize(
    "odd", ["<br>", "List<String>", "<think>", "</div>", "<img src='file:///etc/passwd'>", "<!-- x"]
)
def test_tags_in_the_text_swallow_nothing(odd: str) -> None:
    text = shown(whole(f"Before {odd} after\n\n- item {odd} rest\n\n| a {odd} | b |\n|--|--|\n| c | d |\n\nlast"))
    assert f"Before {odd} after" in text
    assert f"item {odd} rest" in text
    assert f"a {odd}" in text
    assert text.endswith("last")


def test_lists_keep_their_numbers_when_items_are_closed_one_by_one() -> None:
    leaves = piecewise("3. c\n4. d\n   - x\n5. e\n\ntext\n\n1. a\n1. b\n", [1])
    assert [leaf.marker for leaf in leaves if isinstance(leaf, Text)] == ["3.", "4.", "•", "5.", "", "1.", "2."]


def test_code_inside_of_an_item_stays_code_and_the_list_goes_on() -> None:
    leaves = whole("1. one\n   ```sh\n   ls\n   ```\n2. two")
    assert leaves[1] == Code("ls", "sh", depth=1)
    assert isinstance(leaves[2], Text)
    assert leaves[2].marker == "2."


def test_a_fence_is_code_before_it_ends_and_its_closing_line_never_flashes_up() -> None:
    stream = MarkdownStream()
    stream.feed("```python\nx = 1\n``")
    assert stream.tail() == [Code("x = 1", "python", open=True)]
    stream.feed("`")
    assert stream.tail() == [Code("x = 1", "python", open=True)]
    stream.feed("\nafter")
    assert stream.closed == [Code("x = 1", "python")]
    assert stream.tail() == [Text((Span("after"),))]


def test_a_long_table_comes_in_parts_with_the_same_columns() -> None:
    rows = "".join(f"| {i} | text {i} |\n" for i in range(100))
    parts = [leaf for leaf in whole("| n | t |\n|--:|---|\n" + rows) if isinstance(leaf, Table)]
    assert [part.part for part in parts] == [0, 1, 2, 3, 4]
    assert len({part.weights for part in parts}) == 1
    assert sum(len(part.rows) for part in parts) == 101
    assert parts[1].rows[0][0] == (Span("20"),)
    assert parts[0].aligns == ("right", "")


def test_links_to_the_web_only() -> None:
    (leaf,) = whole("[a](https://x.y/z) [b](file:///etc/passwd) [c](javascript:x) [d](ftp://x) http://e.f/g, ok")
    assert isinstance(leaf, Text)
    assert [s.href for s in leaf.spans if s.href] == ["https://x.y/z", "http://e.f/g"]


def test_an_image_is_only_a_link() -> None:
    (leaf,) = whole("![cat](http://x.y/cat.png) ![dog](ftp://x.y/dog.png)")
    assert isinstance(leaf, Text)
    assert leaf.spans == (Span("[cat]", 0, "http://x.y/cat.png"), Span(" "), Span("[dog]"))


def test_styles_rules_and_late_definitions() -> None:
    leaves = whole("**a `b`** [c]\n\n---\n\n[c]: http://x.y\n")
    assert leaves[0] == Text((Span("a ", BOLD), Span("b", BOLD | CODE), Span(" "), Span("c", 0, "http://x.y")))
    assert leaves[1] == Rule()


def test_the_open_end_stays_cheap_in_a_long_message() -> None:
    """Parsing per piece must not grow with the message: 2,000 items take about as long each as 20 do."""
    stream = MarkdownStream()
    item = "- an item with **bold** text and `code`\n"
    for _ in range(2000):
        stream.feed(item)
    assert len(stream.closed) == 1999
    start = time.perf_counter()
    for _ in range(10):
        stream.feed(item)
        stream.tail()
    assert (time.perf_counter() - start) / 10 < 0.05
