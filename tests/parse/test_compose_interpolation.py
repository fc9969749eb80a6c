"""Variables of Compose texts and of `.env` files."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.document import Source
from policykit.errors import ParseError
from policykit.parse.compose.dotenv import parse_dotenv
from policykit.parse.compose.interpolation import Environment, InterpolationError, interpolate
from policykit.unknown import HOLE, Unknown

KNOWN = Environment({"A": "a", "EMPTY": ""}, is_complete=True)
UNSURE = Environment({"A": "a", "EMPTY": ""})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("$A ${A}", "a a"),
        ("${A}b$A-$A.", "aba-a."),
        ("$$A $${A}", "$A ${A}"),
        ("$", "$"),
        ("a$ b$1 $.", "a$ b$1 $."),
        ("$X${X}", ""),
        ("${X-d} ${X:-d} ${A-d} ${A:-d}", "d d a a"),
        ("${EMPTY-d}|${EMPTY:-d}", "|d"),
        ("${A+y} ${A:+y} ${EMPTY+y}|${EMPTY:+y}|${X+y}|${X:+y}", "y y y|||"),
        ("${A?no} ${A:?no}|${EMPTY?no}", "a a|"),
        ("${X:-${Y:-$A}}", "a"),
        ("${X-$$}", "$"),
        ("${X:-}", ""),
        ("${X:-a:b-c?d}", "a:b-c?d"),
        ('${X:-{"a": {"b": 1}}} ${A}', '{"a": {"b": 1}} a'),
        ("${X:-{a} b", "{a"),
        ("${A:-unclosed ${X} y}", "a"),
    ],
)
def test_complete(text: str, value: str) -> None:
    if text == "${X:-{a} b":
        value += " b"
    assert interpolate(text, KNOWN) == value


@pytest.mark.parametrize(
    "text", ["${", "${}", "${A", "${1}", "${A!b}", "${ A}", "${A:b}", "${X:-a\n}", "x ${", "${A b}"]
)
def test_invalid(text: str) -> None:
    for environment in (KNOWN, UNSURE):
        with pytest.raises(InterpolationError, match=r"write `\$\$` for a dollar sign"):
            interpolate(text, environment)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${X?}", "required variable X is missing a value"),
        ("${X:?need $A}", "required variable X is missing a value: need a"),
        ("${EMPTY:?set it}", "required variable EMPTY is missing a value: set it"),
    ],
)
def test_required(text: str, message: str) -> None:
    with pytest.raises(InterpolationError) as error:
        interpolate(text, KNOWN)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "pattern", "names"),
    [
        ("${X}", HOLE, "X"),
        ("r/$X:${A}", f"r/{HOLE}:a", "X"),
        ("$X$Y$X", HOLE * 3, "XY"),
        ("${X?no}-${X:?no}", f"{HOLE}-{HOLE}", "X"),
        ("${Y:-${X}}", HOLE, "X"),
    ],
)
def test_unknown(text: str, pattern: str, names: str) -> None:
    value = interpolate(text, UNSURE)
    assert value == Unknown(tuple(f"`{name}` has no value in .env and no default" for name in names), pattern)


def test_what_is_known_without_a_complete_environment() -> None:
    assert interpolate("${A}:${X:-1}:${X+2}:${EMPTY}", UNSURE) == "a:1::"


def test_nested_defaults_do_not_recurse_for_ever() -> None:
    text = "${X:-" * 5_000 + "}" * 5_000
    began = time.perf_counter()
    with pytest.raises(InterpolationError, match="nested too deep"):
        interpolate(text, KNOWN)
    assert time.perf_counter() - began < 2


@given(st.text("$${}AX:-+?\n \x00", max_size=40))
@settings(deadline=None)
def test_any_text(text: str) -> None:
    for environment in (KNOWN, UNSURE):
        try:
            value = interpolate(text, environment)
        except InterpolationError:
            continue
        assert isinstance(value, str) or (environment is UNSURE and HOLE in value.pattern)


# -- .env --------------------------------------------------------------------------------------------------------------


def variables(text: str, environment: Environment = KNOWN) -> dict[str, str]:
    return {name: variable.value for name, variable in parse_dotenv(Source(".env", text), environment).items()}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", {}),
        ("\n# c\n\n", {}),
        ("A=1", {"A": "1"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        (" export  A = 1 # c\n", {"A": "1"}),
        ("A: 1\nb.c-d=2\n", {"A": "1", "b.c-d": "2"}),
        ("A=a#b\nB=\nC= # c\n", {"A": "a#b", "B": "", "C": "# c"}),
        ("A='x # $Y \\n'\n", {"A": "x # $Y \\n"}),
        ('A="x # y\\n$A" # c\n', {"A": "x # y\na"}),
        ("A='1\n2'\nB=3\n", {"A": "1\n2", "B": "3"}),
        ('A="\\"q\\" \\$A"\n', {"A": '"q" $A'}),
        ("B=1\nC=${B}${A}${X:-x}\n", {"B": "1", "C": "1ax"}),
        ("A\nX\nB=1\n", {"A": "a", "B": "1"}),
        ("A=1\nA=2\n", {"A": "2"}),
    ],
)
def test_dotenv(text: str, value: dict[str, str]) -> None:
    assert variables(text) == value


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("A=1\n?=2\n", "2:1: not an assignment, write NAME=value"),
        ("A B=2\n", "1:1: not an assignment, write NAME=value"),
        ("A=1\nB='x\n", "2:3: quoted value has no closing quote"),
        ("A=${\n", "1:3: invalid interpolation `${`, write `$$` for a dollar sign"),
    ],
)
def test_dotenv_error(text: str, error: str) -> None:
    with pytest.raises(ParseError) as caught:
        variables(text)
    assert str(caught.value) == error


def test_dotenv_leaves_out_what_is_unknown() -> None:
    assert variables("B=$X\nC=1\nD=$B\n", UNSURE) == {"C": "1"}


def test_dotenv_positions() -> None:
    found = parse_dotenv(Source(".env", "A=1\n export B='x y' # c\n"), KNOWN)
    assert tuple(found["A"].span) == (".env", 1, 3, 1, 4)
    assert tuple(found["B"].span) == (".env", 2, 11, 2, 16)


@given(st.text("AB=\"'#$\\\n :é", max_size=40))
@settings(deadline=None)
def test_any_dotenv(text: str) -> None:
    try:
        found = variables(text)
    except ParseError:
        return
    assert all(isinstance(value, str) for value in found.values())


@pytest.mark.parametrize(
    "text", ["A" * 1_000_000, "#\n" * 300_000, "".join(f"A{n}=$A\n" for n in range(20_000)), " " * 1_000_000]
)
def test_dotenv_does_not_hang(text: str) -> None:
    began = time.perf_counter()
    variables(text)
    assert time.perf_counter() - began < 5
