"""Regular expressions: Go's meaning, Go's errors, and no input that takes long."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policykit.cel import regex
from policykit.cel.errors import BudgetError, EvaluationError
from policykit.cel.library.regex import find, find_all, find_all_limit
from policykit.cel.regex import RegexError
from tests.cel.library.differential import some_examples
from tests.oracle import Oracle, oracle_or_skip

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^a.c$", "abc", True),
        ("a$", "a\n", False),  # Python's `$` would allow the line break
        ("(?m)a$", "a\n", True),
        (r"\d", "٣", False),  # ASCII only
        (r"\w", "é", False),
        (r"\pL", "é", True),
        (r"\p{Greek}", "α", True),
        (r"\p{^Greek}", "α", False),
        (r"[[:^alpha:]]", "a", False),
        ("(?i)k", "\u212a", True),  # the Kelvin sign folds to k
        ("(?i)i", "İ", False),
        (r"\Qa.b\E", "axb", False),
        (r"\B", "", True),
        (r"\z", "\n", True),
        ("a{,2}", "a{,2}", True),  # not a repetition
        ("[^\\x00-\\x{10FFFF}]", "a", False),
        ("x*", "", True),
        ("(?s).", "\n", True),
    ],
)
def test_search(pattern: str, text: str, found: bool) -> None:
    compiled = regex.compile(pattern)
    assert compiled.search(text) is found
    assert compiled._automaton.search(text) is found


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("a(b", "missing closing ): `a(b`"),
        ("a)b", "unexpected ): `a)b`"),
        ("[a", "missing closing ]: `[a`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("*a", "missing argument to repetition operator: `*`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?!a)", "invalid or unsupported Perl syntax: `(?!`"),
        ("(?<=a)", "invalid named capture: `(?<=a)`"),
        (r"(a)\1", r"invalid escape sequence: `\1`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("(a{100}){11}", "invalid repeat count: `{11}`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        (r"\p{Klingon}", r"invalid character class range: `\p{Klingon}`"),
        ("a\\", "trailing backslash at end of expression: ``"),
    ],
)
def test_errors_are_those_of_go(pattern: str, problem: str) -> None:
    with pytest.raises(RegexError) as caught:
        regex.compile(pattern)
    assert str(caught.value) == f"error parsing regexp: {problem}"


def test_find() -> None:
    assert find("abc 123", "[0-9]*") == ""
    assert find("abc 123", "[0-9]+") == "123"
    assert find_all("123 abc 456", "[0-9]+") == ["123", "456"]
    assert find_all_limit("123 abc 456", "[0-9]+", 1) == ["123"]
    assert find_all_limit("123 abc 456", "[0-9]+", 0) == []
    assert find_all("abcab", "b*") == ["", "b", "", "b"]
    with pytest.raises(EvaluationError, match="Illegal regex: error parsing regexp"):
        find("a", "(")


#: Each makes a backtracking engine run for ages, or an automaton grow.
HOSTILE = [
    "(a+)+$",
    "(a|aa)+$",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(.*a){20}c",
    "(a?){30}a{30}",
    "(x+x+)+y",
    "(a|b)*a(a|b){200}$",
    ".*a.{1000}$",
    ".*a.{0,1000}c",
    "(a?){500}b",
    "(([a-b]?){30}c?){30}d$",
    "(((((a*)*)*)*)*)*c",
    "(a.*z|a)",
    r"\b(a+\b)*c",
    "^(((a*)?[^a])){0,61}cc{0,61}d$",
    "^((a*|b*)c?){1,50}d$",
    "[ab]*a[ab]{14}c|[ab]*b[ab]{15}d",
]


@pytest.mark.parametrize("pattern", HOSTILE)
@pytest.mark.parametrize("text", ["a" * 10_000, "ab" * 5_000, "aab" * 3_333, "abc" * 80])
def test_no_pattern_stalls(pattern: str, text: str) -> None:
    compiled = regex.compile(pattern)
    actions: list[Callable[[str], object]] = [compiled.search, compiled.find, compiled.find_all]
    for action in actions:
        start = time.process_time()
        with suppress(BudgetError):
            action(text)
        assert time.process_time() - start < 1.0  # a tenth of that on an idle machine


@pytest.mark.parametrize(
    "pattern", [r"\pL" * 1_000, r"(?i)\pL\PL", r"[\pL]{1000}x", "a?" * 2_000, "(" * 900 + ")" * 900]
)
def test_no_pattern_takes_long_to_compile(pattern: str) -> None:
    start = time.process_time()
    regex.Pattern(pattern).search("é")
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        r"^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?::[\w][\w.-]{0,127})?$",
        r"^(nginx|redis)(:.*)?$",
        r"^v[0-9]+\.[0-9]+\.[0-9]+$",
        r".*:latest$",
    ],
)
def test_expressions_of_every_day_are_left_to_the_faster_engine(pattern: str) -> None:
    assert regex.compile(pattern)._search_limit > 250


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(RegexError, match="expression nests too deeply"):
        regex.compile("(a" * 5_000 + ")*" * 5_000)
    assert regex.compile("(" * 5_000 + "a" + ")" * 5_000).search("a")


def test_the_answer_does_not_depend_on_earlier_texts() -> None:
    fresh, used = regex.Pattern("(a?b?){100}c$"), regex.Pattern("(a?b?){100}c$")
    for length in (10, 100, 1_000):
        used.search("ab" * length)
    assert fresh.search("ab" * 2_000 + "c") is used.search("ab" * 2_000 + "c")


CLASSES = ["a-c", "^b", r"\d", r"\w_", "[:alpha:]", "[:^digit:]", r"\pL", r"^\n", "k-s", "]a", "a-"]
ATOMS = [*"abcks01 _", ".", "é", r"\.", r"\d", r"\W", r"\b", r"\B", "^", "$", r"\A", r"\z", r"\p{Lu}", r"\Qa+\E"]
REPETITIONS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?", "{2,}", "{0}", "{,2}"]
GROUPS = ["(", "(?:", "(?i:", "(?s:", "(?m:", "(?U:", "(?P<n>", "(?i-s:"]


def patterns() -> st.SearchStrategy[str]:
    leaf = st.sampled_from(ATOMS) | st.sampled_from(CLASSES).map("[{}]".format)

    def wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        group = st.builds(
            "{}{})".format, st.sampled_from(GROUPS), st.lists(inner, min_size=1, max_size=3).map("|".join)
        )
        return st.lists(
            st.builds("{}{}".format, group | leaf, st.sampled_from(["", *REPETITIONS])), min_size=0, max_size=4
        ).map("".join)

    broken = st.text("ab()[]{}*?|\\^$-<>:Pxiq0,1", max_size=12)
    return st.recursive(leaf, wider, max_leaves=12) | broken


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return oracle_or_skip()


def error_of(pattern: str) -> str | None:
    try:
        regex.compile(pattern)
    except RegexError as error:
        return str(error)
    return None


@some_examples
@given(st.lists(st.tuples(patterns(), st.text("abckKsS01 _\n.é\u212aÀ", max_size=15)), min_size=20, max_size=40))
def test_as_the_api_server(oracle: Oracle, cases: list[tuple[str, str]]) -> None:
    questions = [
        {"expr": expression, "bind": {"p": pattern, "s": text}}
        for pattern, text in cases
        for expression in ("s.matches(p)", "s.find(p)", "s.findAll(p)")
    ]
    answers = iter(oracle.ask(questions))
    for pattern, text in cases:
        matches, first, every = next(answers), next(answers), next(answers)
        problem = error_of(pattern)
        assert matches.get("error") == problem
        if problem is not None:
            continue
        compiled = regex.compile(pattern)
        assert compiled.search(text) is compiled._automaton.search(text) is matches["value"][1]
        assert (compiled.find(text) or "") == first["value"][1]
        assert compiled.find_all(text) == [item[1] for item in every["value"][1]]
