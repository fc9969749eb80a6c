"""YAML on texts that nobody thought of: one meaning on both ways, spans that cover what they name, no other errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.document import Route, Source
from policykit.errors import ParseError
from policykit.parse.compose import load_project
from policykit.parse.detect import could_be, detect
from policykit.parse.kubernetes import parse_manifests
from policykit.parse.yaml import YamlDocument, parse_yaml
from policykit.parse.yaml_scalars import COMPOSE, KUBERNETES

KEYS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=8)
#: PyYAML leaves texts without quotes that are numbers to everybody else, such as `0E0`.
WORDS = KEYS.filter(lambda text: COMPOSE.plain(text) == text)


def documents(words: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    trees = st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
        max_leaves=20,
    )
    return st.dictionaries(words, trees, min_size=1, max_size=5)


#: Pieces that YAML has a meaning for, to get past the first line of the parser.
PIECES = st.sampled_from(
    [
        *(
            "a",
            "b: ",
            "- ",
            "? ",
            ": ",
            "[",
            "]",
            "{",
            "}",
            ",",
            "\n",
            "\n  ",
            "\n    ",
            "\t",
            " ",
            "\r\n",
            "#",
            '"',
            "'",
        ),
        *("|\n  ", ">\n  ", "&x ", "*x", "!t ", "!!int ", "<<: ", "---\n", "...\n", "%YAML 1.1\n", "{{ x }}", "${X}"),
        *(
            "apiVersion: v1\n",
            "kind: Pod\n",
            "services:\n",
            "image: ",
            "é",
            "😀",
            "\u2028",
            "\x85",
            "\x00",
            "\ufeff",
            "0777",
        ),
    ]
)
TEXTS = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60)


def routes(data: Any, route: Route = ()) -> list[tuple[Route, Any]]:
    found = [(route, data)]
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        found += routes(value, (*route, key))
    return found


@given(documents(WORDS), st.booleans())
@settings(deadline=None)
def test_what_was_dumped_is_read_again(data: dict[str, Any], is_flow: bool) -> None:
    text = yaml.safe_dump(data, default_flow_style=is_flow, allow_unicode=True, sort_keys=False)
    (document,) = parse_yaml(Source("a.yaml", text), COMPOSE)
    assert isinstance(document, YamlDocument), text
    assert document.data == yaml.safe_load(text)
    assert document.root.data() == document.data


@given(documents(KEYS), st.sampled_from([None, 2]))
@settings(deadline=None)
def test_json_is_read_as_json(data: dict[str, Any], indent: int | None) -> None:
    text = json.dumps(data, indent=indent)
    (document,) = parse_yaml(Source("a.json", text), KUBERNETES)
    assert isinstance(document, YamlDocument)
    assert document.data == data
    assert document.root.data() == data


@given(documents(KEYS), st.booleans())
@settings(deadline=None)
def test_spans_cover_the_values(data: dict[str, Any], is_json: bool) -> None:
    text = json.dumps(data, ensure_ascii=False, indent=1)
    (document,) = parse_yaml(Source("a.json" if is_json else "a.yaml", text), COMPOSE)
    assert isinstance(document, YamlDocument)
    lines = text.split("\n")
    for route, value in routes(data):
        span = document.span(route)
        if span.line == span.end_line:
            covered = lines[span.line - 1][span.column - 1 : span.end_column - 1]
        else:
            rest = [lines[span.line - 1][span.column - 1 :], *lines[span.line : span.end_line - 1]]
            covered = "\n".join([*rest, lines[span.end_line - 1][: span.end_column - 1]])
        assert json.loads(covered) == value
        if route and isinstance(route[-1], str):
            key = document.span(route, key=True)
            assert json.loads(lines[key.line - 1][key.column - 1 : key.end_column - 1]) == route[-1]


@pytest.mark.parametrize("rules", [KUBERNETES, COMPOSE], ids=["kubernetes", "compose"])
@given(text=TEXTS)
@settings(max_examples=400, deadline=None)
def test_both_ways_agree_and_only_parse_errors_come_out(rules: Any, text: str) -> None:
    for name in ("a.yaml", "a.json"):
        for document in parse_yaml(Source(name, text), rules):
            if isinstance(document, ParseError):
                assert document.line >= 1
                assert document.column >= 1
                assert document.line <= text.count("\n") + text.count("\r") + 1
            else:
                assert repr(document.root.data()) == repr(document.data)
                for route, _ in routes(document.data):
                    assert document.span((*route, "no such key")).file == name


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_nothing_but_values_comes_out_of_the_parsers(text: str) -> None:
    source = Source("compose.yaml", text)
    assert could_be(source.name)
    assert detect(source.name, text) in ("compose", "kubernetes")
    parse_manifests(source)
    loaded = load_project([source], {"base.yaml": Source("base.yaml", text)}.get)
    assert loaded.project is not None or loaded.problems
