"""The card of a repository as Markdown that can be shown: no HTML, no images, a line for each paragraph."""

from __future__ import annotations

import re

_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_COMMENT = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)
_HIDDEN = re.compile(r"<(script|style)\b.*?(</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_BREAK = re.compile(r"<br\b[^<>]*>", re.IGNORECASE)
_END = re.compile(r"<hr\b[^<>]*>|</(p|div|tr|li|h[1-6])\s*>", re.IGNORECASE)
# Only what is HTML: others, as <think>, are what a card writes about.
_HTML = (
    "a|abbr|audio|b|big|blockquote|body|button|caption|center|code|col|colgroup|dd|del|details|div|dl|dt|em|figcaption"
    "|figure|font|footer|form|head|header|html|i|iframe|img|input|ins|kbd|label|link|main|mark|meta|nav|object|ol"
    "|option|path|picture|pre|q|s|samp|section|select|small|source|span|strike|strong|sub|summary|sup|svg|table|tbody"
    "|td|tfoot|th|thead|title|tt|u|ul|var|video"
)
_TAG = re.compile(rf"</?({_HTML}|h[1-6]|p|li|tr|br|hr)(\s[^<>]*)?/?>", re.IGNORECASE)
_IMAGE = re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)")
# Lines that begin something of their own, and lines that nothing is joined to.
_BLOCK = re.compile(r"\s*([-*+]\s|\d+[.)]\s|#|>|\||```|~~~|(=+|-+|\*{3,}|_{3,})\s*$)|( {4}|\t)")
_CLOSED = re.compile(r"\s*(#|\||```|~~~|(=+|-+|\*{3,}|_{3,})\s*$)|( {4}|\t)")
_EMPTY_LINK = re.compile(r"\[\s*\]\([^)\n]*\)")


def readable_card(card: str) -> str:
    """The Markdown of a card without its HTML and its images, a line for each paragraph; code stays as it is."""
    text = _HIDDEN.sub("", _COMMENT.sub("", card))
    lines: list[str] = []
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1] == fence):
            fence = "" if fence else mark[1]
            lines.append(line)
        elif fence:
            lines.append(line)
        else:
            for part in _without_html(line).split("\n"):
                _append(lines, part)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _append(lines: list[str], line: str) -> None:
    """A line that only goes on is joined: where a text is shown as a chat's is, it would be broken there."""
    last = lines[-1] if lines else ""
    is_open = last.strip() and not last.endswith(("  ", "\\")) and not _CLOSED.match(last)
    if is_open and line.strip() and not _BLOCK.match(line):
        lines[-1] = f"{last.rstrip()} {line.strip()}"
    else:
        lines.append(line)


def _without_html(line: str) -> str:
    """Tags are dropped, but not in `code`; in a table a break must not end the row."""
    in_table = line.lstrip().startswith("|")
    line_break, end = (" ", " ") if in_table else ("\\\\\n", "\n\n")

    def plain(text: str) -> str:
        return _TAG.sub("", _END.sub(end, _BREAK.sub(line_break, text)))

    parts = re.split(r"(`+[^`]*`+)", line)
    text = "".join(part if n % 2 else plain(part) for n, part in enumerate(parts))
    if text != line:  # what was inside of tags is no code because it was indented
        text = "\n".join(part.strip() for part in text.split("\n"))
    return _EMPTY_LINK.sub("", _IMAGE.sub("", text))
