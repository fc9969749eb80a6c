from __future__ import annotations

import pytest

from policykit.unknown import Unknown
from policykit.views.declarations import is_licence
from tests.views.dockerfile_subjects import fields, places

F = "FROM alpine:3.20\n"


def test_variables() -> None:
    text = "ARG A=1\nFROM a\nARG A\nENV B=$A C=x\nENV D y z\n"
    assert fields("variable", text, "keyword", "name", "value", "given") == [
        ("arg", "A", "1", True),
        ("arg", "A", "", False),
        ("env", "B", "1", True),
        ("env", "C", "x", True),
        ("env", "D", "y z", True),
    ]


@pytest.mark.parametrize(
    ("env", "siblings"),
    [
        ("A=1 B=$A", [[], ["A"]]),
        ("A=1 B=${A}/b", [[], ["A"]]),
        ("A=1 B=$AB", [[], []]),
        ("A=1 B='$A'", [[], []]),
        ("A=1 B=\\$A", [[], []]),
        ("A=$A:x B=2", [[], []]),
        ("A=1 A=$A", [[], ["A"]]),
        ("A=$B B=$A", [["B"], ["A"]]),
    ],
)
def test_variables_that_use_each_other(env: str, siblings: list[list[str]]) -> None:
    assert fields("variable", f"{F}ENV {env}\n", "usesSiblings") == siblings


def test_a_variable_that_was_set_before_is_known() -> None:
    assert fields("variable", F + "ENV A=0\nENV A=1 B=$A\n", "usesSiblings") == [[], [], []]


def test_labels() -> None:
    text = F + 'ARG V=1\nLABEL a=$V "b"="c d"\nLABEL $V=x\n'
    assert fields("label", text, "key", "written", "value") == [("a", "a", "1"), ("b", "b", "c d"), ("1", "$V", "x")]
    assert places("label", text, "value")[0] == (3, 9)


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ("80", (80, 80, "", "")),
        ("80/udp", (80, 80, "udp", "")),
        ("80-90/TCP", (80, 90, "TCP", "")),
        ("8080:80", (80, 80, "", "8080")),
        ("127.0.0.1:8080:80/tcp", (80, 80, "tcp", "127.0.0.1:8080")),
        ("[::1]:8080:80", (80, 80, "", "[::1]:8080")),
        ("99999999999999999999", (-1, -1, "", "")),
        ("http", (-1, -1, "", "")),
        ("/usr/src", (-1, -1, "usr/src", "")),
        ("80-", (80, -1, "", "")),
        ("", None),
    ],
)
def test_ports(port: str, expected: tuple[object, ...] | None) -> None:
    found = fields("exposedPort", f"{F}EXPOSE {port}\n", "first", "last", "protocol", "host")
    assert found == ([] if expected is None else [expected])


def test_ports_known_in_part() -> None:
    first, last, protocol = fields("exposedPort", F + "ARG P\nEXPOSE 80-$P/tcp\n", "first", "last", "protocol")[0]
    assert (first, protocol) == (80, "tcp")
    assert isinstance(last, Unknown)


def test_a_variable_may_hold_several_ports() -> None:
    assert fields("exposedPort", F + 'ARG P="80 81"\nEXPOSE $P 82\n', "first") == [80, 81, 82]


@pytest.mark.parametrize(
    "text", ["MIT", "BSD-3-Clause", "GPL-2.0-only WITH Classpath-exception-2.0", "(MIT OR Apache-2.0)"]
)
def test_licences(text: str) -> None:
    assert is_licence(text)


@pytest.mark.parametrize("text", ["", "mine", "MIT Apache-2.0", "MIT OR", "OR", "MIT/X11", "()"])
def test_no_licences(text: str) -> None:
    assert not is_licence(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM alpine\nCOPY $A /x\n", [("A", "copy", False, "")]),
        ("FROM alpine\nARG AB\nCOPY $AC /x\n", [("AC", "copy", False, "")]),
        ("FROM alpine\nARG ABC=1\nCOPY $ABD /x\n", [("ABD", "copy", False, "ABC")]),
        ("FROM alpine\nENV PATH=$PAHT\n", [("PAHT", "env", False, "PATH")]),
        ("FROM python\nENV V=$PYTHON_VERSION\n", [("PYTHON_VERSION", "env", True, "")]),
        ("ARG AA=1\nFROM a:$AB\n", [("AB", "from", False, "AA")]),
        ("FROM --platform=$BULIDPLATFORM a\n", [("BULIDPLATFORM", "from", False, "BUILDPLATFORM")]),
        ("FROM alpine AS x\nARG A=1\nFROM x\nCOPY $A /x\n", []),
        ("FROM alpine\nRUN echo $A\n", []),
        ("FROM scratch\nCOPY $A$A $A /x\n", [("A", "copy", False, "")]),
        ("ARG A\nFROM alpine:$A\n", []),
    ],
)
def test_references(text: str, expected: list[object]) -> None:
    found = fields("reference", text, "name", "keyword", "defined", "suggestion")
    assert [found_ for found_ in found if found_[0] != "PATH"] == expected


def test_an_unknown_image_may_set_anything() -> None:
    assert isinstance(fields("reference", "FROM example.com/a\nCOPY $A /x\n", "defined")[0], Unknown)
    assert places("reference", F + "COPY a$B /x\n") == [(2, 7)]
