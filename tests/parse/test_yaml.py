"""YAML and JSON into data and positions, and what is no YAML into errors that point at it."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest

from policykit.document import Route, Source
from policykit.errors import ParseError
from policykit.parse.yaml import YamlDocument, parse_yaml
from policykit.parse.yaml_nodes import MAX_DEPTH
from policykit.parse.yaml_scalars import COMPOSE, KUBERNETES, Rules


def parse(text: str, rules: Rules = KUBERNETES, name: str = "a.yaml") -> list[YamlDocument | ParseError]:
    return list(parse_yaml(Source(name, text), rules))


def only(text: str, rules: Rules = KUBERNETES, name: str = "a.yaml") -> YamlDocument:
    (document,) = parse(text, rules, name)
    assert isinstance(document, YamlDocument), document
    return document


def outcome(text: str, rules: Rules = KUBERNETES, name: str = "a.yaml") -> list[Any]:
    """Each document's data, or its error as text."""
    return [str(item) if isinstance(item, ParseError) else item.data for item in parse(text, rules, name)]


def written(text: str, *route: str | int, key: bool = False) -> str:
    """The text that a route's span covers."""
    span = only(text).span(route, key=key)
    lines = text.replace("\r\n", "\n").split("\n")[span.line - 1 : span.end_line]
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)


# -- data --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: 1\nb: [x, {c: d}]\n", {"a": 1, "b": ["x", {"c": "d"}]}),
        ("- - - x\n", [[["x"]]]),
        ("a:\nb:\n- \n", {"a": None, "b": [None]}),
        ("a: |\n  x\n  y\nb: >-\n  x\n  y\n", {"a": "x\ny\n", "b": "x y"}),
        ("a: 'it''s'\nb: \"\\u00e9\\n\"\n", {"a": "it's", "b": "é\n"}),
        ("? a\n: b\n", {"a": "b"}),
        ("{a, b: c}\n", {"a": None, "b": "c"}),
        ("plain\n", "plain"),
        ("  a: 1\n  b: 2\n", {"a": 1, "b": 2}),
        ("%YAML 1.1\n---\na: 1\n", {"a": 1}),
        ("%TAG !e! tag:yaml.org,2002:\n---\na: !e!int '3'\n", {"a": 3}),
        ("a:\tb\n", {"a": "b"}),
        ("a: x\u2028b: 2\n", {"a": "x", "b": 2}),
        ("a: 1\r\nb:\r\n  - c\r\n", {"a": 1, "b": ["c"]}),
    ],
)
def test_data(text: str, data: object) -> None:
    assert only(text).data == data
    assert only(text).root.data() == data


def test_documents_of_a_stream() -> None:
    assert outcome("a: 1\n---\n---\nb: 2\n...\n---\n- c\n") == [{"a": 1}, None, {"b": 2}, ["c"]]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "\n\n"])
def test_no_document(text: str) -> None:
    assert outcome(text) == []


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: &x [1]\nb: *x\n", {"a": [1], "b": [1]}),
        ("a: &x 1\nb: &x 2\nc: *x\n", {"a": 1, "b": 2, "c": 2}),
        ("a: &x\nb: *x\n", {"a": None, "b": None}),
        ("&k a: 1\nb: *k\n", {"a": 1, "b": "a"}),
        ("a: &x {p: 1}\nb: &y {p: 2, q: 3}\nc: {<<: [*x, *y]}\n", {"p": 1, "q": 3}),
        ("a: &x {p: 1}\nc:\n  <<: *x\n  p: 2\n", {"p": 2}),
        ("c: {'<<': {a: 1}}\n", {"<<": {"a": 1}}),
        ("c: {<<: {a: 1}, b: 2}\n", {"a": 1, "b": 2}),
    ],
)
def test_anchors_aliases_and_merge_keys(text: str, data: object) -> None:
    loaded = only(text).data
    assert loaded == data if "c" not in loaded or "c: *x" in text else loaded["c"] == data


def test_who_wins_over_a_merge_key_that_comes_later() -> None:
    text = "x: &x {p: 1}\nc:\n  p: 2\n  <<: *x\n"
    assert only(text, KUBERNETES).data["c"] == {"p": 1}  # sigs.k8s.io/yaml goes through the keys in order
    assert only(text, COMPOSE).data["c"] == {"p": 2}


def test_keys_of_kubernetes_are_texts() -> None:
    text = "1: a\n1.5: b\non: c\n0777: d\n1e3: e\n2001-01-01: f\n"
    assert only(text).data == {"1": "a", "1.5": "b", "true": "c", "511": "d", "1000": "e", "2001-01-01": "f"}


def test_keys_of_compose_are_texts_as_written() -> None:
    assert only("on: a\n22:22: b\n", COMPOSE).data == {"on": "a", "22:22": "b"}
    assert outcome("a:\n  1: b\n", COMPOSE) == ["2:3: a key must be a string, put it in quotes: 1"]


def test_local_tags() -> None:
    text = "a: !reset x\nb: !Ref y\n"
    root = only(text, COMPOSE).root
    assert root.data() == {"a": "x", "b": "y"}
    assert {key: entry.node.tag for key, entry in root.value.items()} == {"a": "!reset", "b": None}


@pytest.mark.parametrize(
    "text", ["a: {b: [1, é, 😀]}\n--- x\n", "a: &x [1]\nb: *x\n", "a: [\n---\nb: 1\n", "a: \x07\n"]
)
def test_without_libyaml(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_libyaml = outcome(text)
    monkeypatch.setattr("yaml.__with_libyaml__", False)
    without = outcome(text)
    assert len(without) == len(with_libyaml)
    for one, other in zip(with_libyaml, without, strict=True):
        assert one == other or (isinstance(one, str) and one[:2] == other[:2])  # the words of an error differ


# -- positions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "route", "covered"),
    [
        ("a: b\n", ("a",), "b"),
        ("é: 😀x y # c\n", ("é",), "😀x y"),
        ("a: '😀'\nb: [é, ü]\n", ("b", 1), "ü"),
        ("a:\r\n  b: c\r\n", ("a", "b"), "c"),
        ("a: x\u2028b: 2\nc: 5\n", ("c",), "5"),
        ('a: "x\u0085y"\nc: 5\n', ("c",), "5"),
        ("a: &x !!str foo\n", ("a",), "foo"),
        ("a: &x foo\nb: *x\n", ("b",), "foo"),
        ("a: &x {p: 1}\nb:\n  <<: *x\n", ("b", "p"), "1"),
        ("a: |\n  x\n  y\n\n\nb: 1\n", ("a",), "|\n  x\n  y"),
        ("a:\n- b: 1\n  c: 2\n\n# hi\nd: 3\n", ("a", 0), "b: 1\n  c: 2"),
        ("a: {b: [1, 2]} # x\n", ("a",), "{b: [1, 2]}"),
        ("a: {b: [1, 2]} # x\n", ("a", "b"), "[1, 2]"),
        ("x:\n  a:\n  b: 1\n", ("x", "a"), "a"),
        ('{"a":\t[1, {"é": "x"}]}', ("a", 1, "é"), '"x"'),
        ("---\n# c\n  a: b\n", ("a",), "b"),
        ("a: &x\n  b: c\n", ("a",), "b: c"),
    ],
)
def test_value_span(text: str, route: Route, covered: str) -> None:
    assert written(text, *route) == covered


def test_key_span() -> None:
    assert written("a:\n  'b': c\n", "a", "b", key=True) == "'b'"
    assert written("a:\n- c\n", "a", 0, key=True) == "c"


@pytest.mark.parametrize(
    ("text", "route", "covered"),
    [
        ("a: 1\nb: 2\n", ("z",), "a"),
        ("s:\n  a: 1\n  b: 2\n", ("s", "z", "y", 0), "a"),
        ("s: {}\n", ("s", "z"), "{}"),
        ("s: x\n", ("s", "z"), "s"),
        ("s: [a]\n", ("s", 3), "[a]"),
        ("m: &m {a: 1}\ns:\n  <<: *m\n  b: 2\n", ("s", "z"), "b"),
        ("- a\n", ("z",), "- a"),
        ("x\n", ("z",), "x"),
    ],
)
def test_span_of_what_is_missing(text: str, route: Route, covered: str) -> None:
    assert written(text, *route) == covered


def test_positions_in_a_later_document() -> None:
    documents = [item for item in parse("a: 1\n---\nb:\n  c: d\n--- {e: f}\n") if isinstance(item, YamlDocument)]
    assert [tuple(d.span(r))[1:] for d, r in zip(documents, [("a",), ("b", "c"), ("e",)], strict=True)] == [
        (1, 4, 1, 5),
        (4, 6, 4, 7),
        (5, 9, 5, 10),
    ]


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: 1\nb: 2\na: 3\n", "3:1: duplicate key `a`, first at 1:1"),
        ("{a: 1, a: 2}\n", "1:8: duplicate key `a`, first at 1:2"),
        ("1: a\n'1': b\n", "2:1: duplicate key `1`, first at 1:1"),
        ("\ta: 1\n", "1:1: a tab cannot indent YAML, use spaces"),
        ("a:\n\tb: 1\n", "2:1: a tab cannot indent YAML, use spaces"),
        ("a: é\x07\n", "1:5: control character U+0007 is not allowed in YAML"),
        ("a: b\x00\n", "1:5: control character U+0000 is not allowed in YAML"),
        ("a: \ud800\n", "1:4: a lone surrogate is not a character"),
        ("a: *x\n", "1:4: alias *x has no anchor &x before it"),
        ("a: &x [*x]\n", "1:8: anchor &x contains itself"),
        ("null: 1\n", "1:1: null cannot be a key"),
        ("? [a]\n: 1\n", "1:3: a mapping or a list cannot be a key"),
        ("? {a: b}\n: 1\n", "1:3: a mapping or a list cannot be a key"),
        ("a: {<<: 1}\n", "1:5: `<<` wants a mapping or a list of mappings"),
        ("a: !!int x\n", "1:4: `x` is not a value of type !!int"),
        ("a: .inf\n", "1:4: infinity and NaN cannot be written as JSON, which Kubernetes turns a manifest into"),
        ("a: b: c\n", "1:5: mapping values are not allowed in this context"),
        ("a: !e!x 1\n", "1:4: found undefined tag handle while parsing a node"),
    ],
)
def test_error(text: str, error: str) -> None:
    assert outcome(text) == [error]


def test_error_names_where_an_open_quote_starts() -> None:
    assert outcome('a: b\nc: "x\n') == [
        "3:1: found unexpected end of stream while scanning a quoted scalar that starts at 2:4"
    ]


def test_two_merge_keys_are_an_error_to_compose_alone() -> None:
    text = "a: {<<: {b: 1}, <<: {c: 2}}\n"
    assert only(text).data == {"a": {"b": 1, "c": 2}}
    assert outcome(text, COMPOSE) == ["1:17: duplicate key `<<`"]


@pytest.mark.parametrize(
    ("broken", "line"),
    [("b: [", 4), ('b: "x', 4), ("b: \x07", 3), ("b: 1\nb: 2", 4), ("\tb: 1", 3), ("b: {{ x }}", 3)],
)
def test_a_broken_document_hides_no_other(broken: str, line: int) -> None:
    first, error, last = parse(f"a: 1\n---\n{broken}\n---\nc: 2\n")
    assert isinstance(first, YamlDocument)
    assert isinstance(last, YamlDocument)
    assert isinstance(error, ParseError)
    assert (first.data, error.line, last.data) == ({"a": 1}, line, {"c": 2})
    assert last.span(("c",)).line == 4 + len(broken.split("\n"))


# -- JSON --------------------------------------------------------------------------------------------------------------


def test_json_is_read_by_its_own_rules() -> None:
    text = '{"emoji": "\\ud83d\\ude00", "slash": "\\/",\n\t"n": 1.0, "big": 18446744073709551616}'
    document = only(text, name="a.json")
    assert document.data == {"emoji": "😀", "slash": "/", "n": 1.0, "big": float(2**64)}
    assert isinstance(document.data["n"], float)
    assert document.root.data() == document.data
    assert document.span(("n",))[1:3] == (2, 7)


def test_several_json_values_in_one_file() -> None:
    first, second = parse('{"a": 1}\n{"b": [2]}', name="a.json")
    assert isinstance(first, YamlDocument)
    assert isinstance(second, YamlDocument)
    assert (first.data, second.data) == ({"a": 1}, {"b": [2]})
    assert second.span(("b", 0))[1:3] == (2, 8)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "1:24: duplicate key `c`, first at 1:16"),
        ('{"a": NaN}', "1:7: not JSON: NaN is not JSON"),
        ("[1, 1e999]", "1:5: not JSON: the number 1e999 is out of range"),
        ('{"a": 1,}', "1:9: not JSON: Illegal trailing comma before end of object"),
        ("{a: 1}", "1:2: not JSON: Expecting property name enclosed in double quotes"),
        ("", "1:1: not JSON: Expecting value"),
    ],
)
def test_json_error(text: str, error: str) -> None:
    (problem,) = outcome(text, name="a.json")
    assert problem.split(": ")[0] == error.split(": ", maxsplit=1)[0]
    assert problem.startswith(error) or "property name" in problem


def test_a_yaml_file_in_flow_style_is_yaml() -> None:
    assert only("{a: on}\n").data == {"a": True}
    assert only('{"a": "on", "b": 1}\n').data == {"a": "on", "b": 1}


# -- hostile input -----------------------------------------------------------------------------------------------------


def laughs(levels: int) -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("rules", [KUBERNETES, COMPOSE], ids=["kubernetes", "compose"])
def test_billion_laughs(rules: Rules) -> None:
    tracemalloc.start()
    began = time.perf_counter()
    (problem,) = outcome(laughs(30), rules)
    took = time.perf_counter() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "aliases stand for more than" in problem
    assert took < 1
    assert peak < 100_000_000


def test_a_few_laughs_are_fine() -> None:
    data = only(laughs(3)).data
    assert data["a2"][8][8] == ["lol"] * 9


def test_aliases_cannot_nest_deeper_than_text() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, MAX_DEPTH + 10)]
    (problem,) = outcome("\n".join(lines))
    assert problem.endswith(f"nested deeper than {MAX_DEPTH} levels")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[" * 10_000_000, "a.yaml"),
        ("{" * 1_000_000, "a.yaml"),
        ("{a: " * 1_000_000, "a.yaml"),
        ("- " * 1_000_000, "a.yaml"),
        ("? " * 100_000, "a.yaml"),
        ("[" * 10_000_000, "a.json"),
        ('{"a":' * 1_000_000, "a.json"),
    ],
)
def test_deep_nesting(text: str, name: str) -> None:
    began = time.perf_counter()
    (problem,) = outcome(text, name=name)
    assert problem.endswith(f"nested deeper than {MAX_DEPTH} levels")
    assert time.perf_counter() - began < 2


def test_nesting_up_to_the_limit() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert only(text).root.data() == only(text, name="a.json").data


@pytest.mark.parametrize(
    "text",
    [
        "%\n" * 100_000,
        '"' * 1_000_000,
        "!" * 200_000,
        "&a " * 200_000,
        "a: &a " * 200_000,
        "\n" * 2_000_000,
        "a" * 2_000_000 + ": b",
        "- [[[[" * 100_000,
        "{{" * 200_000,
        "---\n" * 150_000,
    ],
)
def test_nothing_hangs(text: str) -> None:
    began = time.perf_counter()
    for document in parse(text):
        if isinstance(document, YamlDocument):
            document.span(("a", 0))
    assert time.perf_counter() - began < 5
