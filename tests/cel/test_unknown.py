"""Values that are not known: how they pass through expressions, and that no answer is a guess."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from policykit.cel import BOOL, DYN, STRING, CompileError, Environment, EvaluationError, ListType, ObjectType
from policykit.unknown import Unknown
from tests.cel.generator import BINDINGS, Generator

if TYPE_CHECKING:
    from collections.abc import Iterator

TAG, USER = Unknown(("`TAG` has no default",)), Unknown(("no USER, and the base image is not known",))
VALUES = {
    "tag": TAG,
    "user": USER,
    "list": ["a", TAG, "b"],
    "map": {"known": "x", "tag": TAG},
    "flag": Unknown(("f",)),
    "yes": True,
    "no": False,
    "text": "abc",
    "count": 3,
}
ENVIRONMENT = Environment(dict.fromkeys(VALUES, DYN))

KNOWN = {
    "no && flag": False,
    "flag && no": False,
    "yes || flag": True,
    "flag || yes": True,
    "no && tag == 'x'": False,
    "tag == 'x' && no": False,
    "no && 1 / 0 == 1": False,
    "flag && 1 / 0 == 1 && no": False,
    "1 / 0 == 1 || flag || yes": True,
    "list.exists(x, x == 'b')": True,
    "list.all(x, x == 'b')": False,
    "'b' in list": True,
    "'tag' in map": True,
    "'other' in map": False,
    "has(map.known)": True,
    "has(map.other)": False,
    "size(list)": 3,
    "list[0]": "a",
    "map.known": "x",
    "yes ? 1 : tag": 1,
    "map.?known.orValue(tag)": "x",
    "[tag].size()": 1,
    "sets.intersects(list, ['b'])": True,
    "list == ['x', 'y', 'z']": False,
    "list == ['a', 'y', 'z']": False,
}
UNKNOWN = {
    "tag": TAG,
    "flag && yes": Unknown(("f",)),
    "yes && flag": Unknown(("f",)),
    "no || flag": Unknown(("f",)),
    "!flag": Unknown(("f",)),
    "flag ? 1 : 2": Unknown(("f",)),
    "flag && 1 / 0 == 1": Unknown(("f",)),
    "1 / 0 == 1 && flag": Unknown(("f",)),
    "1 / 0 == 1 || flag": Unknown(("f",)),
    "tag == 'x'": TAG,
    "tag != 'x'": TAG,
    "'x' != tag": TAG,
    "tag == null": TAG,
    "tag == true": TAG,
    "tag == 1": TAG,
    "tag == text": TAG,
    "tag == user": Unknown((*TAG.reasons, *USER.reasons)),
    "tag < 'x'": TAG,
    "count < tag": TAG,
    "tag + 'x'": TAG,
    "'x' + tag": TAG,
    "text + tag": TAG,
    "tag + user": Unknown((*TAG.reasons, *USER.reasons)),
    "tag + string(1 / 0)": TAG,
    "tag.startsWith('x')": TAG,
    "text.startsWith(tag)": TAG,
    "text.contains(tag)": TAG,
    "tag.contains('x')": TAG,
    "tag.matches('x')": TAG,
    "tag.lowerAscii()": TAG,
    "text.replace('a', tag)": TAG,
    "size(tag)": TAG,
    "string(tag)": TAG,
    "type(tag)": TAG,
    "tag.field": TAG,
    "tag[0]": TAG,
    "map[tag]": TAG,
    "list[tag]": TAG,
    "has(tag.field)": TAG,
    "has(map.tag)": TAG,
    "tag.?field": TAG,
    "tag.?field.orValue(1)": TAG,
    "map.?tag.orValue('x')": TAG,
    "'x' in list": TAG,
    "tag in ['x']": TAG,
    "tag in map": TAG,
    "'x' in tag": TAG,
    "tag.all(x, true)": TAG,
    "tag.map(x, x)": TAG,
    "list.all(x, x != 'x')": TAG,
    "list.exists(x, x == 'x')": TAG,
    "list.exists_one(x, x == 'a')": TAG,
    "list.filter(x, x == 'a')": TAG,
    "list.join(',')": TAG,
    "list == ['a', 'x', 'b']": TAG,
    "'%s'.format([tag])": TAG,
    "'%s'.format([list])": TAG,
    "sets.contains(list, ['x'])": TAG,
    "[1, 2].sum() == count && tag == 'x'": TAG,
    "duration(tag)": TAG,
    "optional.of(tag).value()": TAG,
    "map.transformMap(k, v, v == 'x').tag": TAG,
}


@pytest.mark.parametrize(("expression", "expected"), KNOWN.items(), ids=str)
def test_decided_without_the_unknown(expression: str, expected: Any) -> None:
    assert ENVIRONMENT.compile(expression).evaluate(VALUES) == expected


@pytest.mark.parametrize(("expression", "expected"), UNKNOWN.items(), ids=str)
def test_depends_on_the_unknown(expression: str, expected: Unknown) -> None:
    assert ENVIRONMENT.compile(expression).evaluate(VALUES) == expected


def test_typed_fields_may_be_unknown() -> None:
    image = ObjectType("view.Image", {"tag": STRING, "pinned": BOOL, "layers": ListType(STRING)})
    environment = Environment({"image": image})
    program = environment.compile("image.pinned || image.tag in ['a', 'b'] || image.layers.exists(l, l == image.tag)")
    assert program.evaluate({"image": {"tag": TAG, "pinned": True, "layers": []}}) is True
    assert program.evaluate({"image": {"tag": TAG, "pinned": False, "layers": ["x"]}}) == TAG
    assert program.evaluate({"image": {"tag": "x", "pinned": USER, "layers": [TAG, "x"]}}) is True
    assert program.evaluate({"image": {"tag": "y", "pinned": USER, "layers": [TAG]}}) == Unknown(
        (*USER.reasons, *TAG.reasons)
    )


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _places(item, (*path, key))


def _hidden(path: tuple[Any, ...]) -> dict[str, Any]:
    """The bindings with one value not known."""
    bindings = deepcopy(BINDINGS)
    inner: Any = bindings
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = TAG
    return bindings


def _result(expression: str, bindings: dict[str, Any]) -> Any:
    try:
        return FUZZED.compile(expression).evaluate(bindings)
    except EvaluationError as error:
        return str(error)


FUZZED = Environment(dict.fromkeys(BINDINGS, DYN))


def test_a_known_answer_never_depends_on_what_is_not_known() -> None:
    """What is answered although a value is hidden is the answer with that value."""
    random = Random(7)
    places = list(_places(BINDINGS))
    known = unknown = 0
    for _ in range(1500):
        expression = Generator(random).expression(4)
        try:
            FUZZED.compile(expression)
        except CompileError:
            continue
        for path in random.sample(places, 2):
            result = _result(expression, _hidden(path))
            if isinstance(result, Unknown):
                unknown += 1
            elif "Unknown(" not in repr(result) and not isinstance(result, str):
                whole = _result(expression, BINDINGS)
                if isinstance(whole, str) and not isinstance(result, str):
                    continue  # an unknown stands for a value, and this one leads to an error
                known += 1
                assert repr(result) == repr(whole), (expression, path)
    assert known > 500
    assert unknown > 20
