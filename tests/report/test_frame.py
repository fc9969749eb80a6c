"""The line under a finding: what a terminal shows, and where the caret stands."""

from __future__ import annotations

import pytest

from policykit.document import Source, Span
from policykit.report.frame import frame, visible


def shown(text: str, line: int, column: int, end_line: int, end_column: int) -> str:
    found = frame(Source("f", text), Span("f", line, column, end_line, end_column))
    assert found is not None
    return f"{found.text}\n{' ' * found.indent}{'^' * found.width}"


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("a: bc", (1, 4, 1, 6), "a: bc\n   ^^"),
        ("x\r\n\ta:\tb", (2, 5, 2, 6), "    a:    b\n          ^"),
        ("a: b\n  c", (1, 4, 2, 4), "a: b\n   ^"),
        ("a: b", (1, 5, 1, 5), "a: b\n    ^"),
        ("a", (1, 9, 1, 12), "a\n ^"),
        ("値段: x", (1, 5, 1, 6), "値段: x\n      ^"),
        ("e\u0301: x", (1, 5, 1, 6), "e\u0301: x\n   ^"),
        ("x: 値段", (1, 4, 1, 6), "x: 値段\n   ^^^^"),
        ("", (1, 1, 1, 1), "\n^"),
    ],
)
def test_the_caret_stands_under_the_span(text: str, span: tuple[int, int, int, int], expected: str) -> None:
    assert shown(text, *span) == expected


def test_a_long_line_is_cut_around_the_span() -> None:
    text, caret = shown("a" * 5000 + "bcd" + "e" * 5000, 1, 5001, 1, 5004).split("\n")
    assert len(text) < 120
    assert text.startswith("…aaa")
    assert text.endswith("eee…")
    assert text[caret.index("^") : len(caret)] == "bcd"


def test_a_long_span_is_cut() -> None:
    text, caret = shown("x: " + "a" * 5000, 1, 4, 1, 5004).split("\n")
    assert text == "x: " + "a" * 100 + "…"
    assert caret == "   " + "^" * 101


@pytest.mark.parametrize("line", [0, 3])
def test_no_such_line(line: int) -> None:
    assert frame(Source("f", "a\nb"), Span("f", line, 1, line, 1)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31m", "␛[31m"),
        ("\x7f", "␡"),
        ("a\u202eb", "a\ufffdb"),
        ("\x9b1m", "\ufffd1m"),
        ("äö値", "äö値"),
        ("\udcff", "\ufffd"),
    ],
)
def test_nothing_steers_the_terminal(text: str, expected: str) -> None:
    assert visible(text) == expected
