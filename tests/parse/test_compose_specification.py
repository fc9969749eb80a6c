"""The specification as shapes against the specification as JSON Schema, as check-jsonschema ships it."""

from __future__ import annotations

import json
import os
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.document import Source
from policykit.parse.compose.shapes import Shape, violations
from policykit.parse.compose.specification import PROJECT
from policykit.parse.yaml import YamlDocument, parse_yaml
from policykit.parse.yaml_scalars import COMPOSE

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

DATA = Path(os.environ.get("POLICYKIT_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance"))
CASES = DATA / "compose" / "compose_go.jsonl"


@cache
def schema() -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    folder = resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    return Draft202012Validator(json.loads((folder / "compose-spec.json").read_text("utf-8")))


def verdict(data: Any) -> tuple[bool, list[str]]:
    """Is it valid to the shapes, and what is wrong."""
    (document,) = parse_yaml(Source("compose.json", json.dumps(data)), COMPOSE)
    assert isinstance(document, YamlDocument)
    found = [error.message for error in violations(document.root, PROJECT)]
    return not found, found


#: Sizes that Compose itself takes with a fraction, and the packaged schema only without.
FRACTIONS = frozenset(("mem_limit", "memswap_limit", "shm_size"))


def whole(data: Any) -> Any:
    """The same without those fractions; those of a build are wrong to both."""
    if isinstance(data, dict):
        return {
            key: int(value) if key in FRACTIONS and isinstance(value, float) else whole(value)
            for key, value in data.items()
            if key != "build"
        } | ({"build": data["build"]} if "build" in data else {})
    return [whole(item) for item in data] if isinstance(data, list) else data


def agree(data: Any) -> None:
    is_valid, problems = verdict(data)
    data = whole(data)
    assert is_valid == schema().is_valid(data), (data, problems, [e.message for e in schema().iter_errors(data)])


SCALARS = st.sampled_from(
    [None, True, False, 0, 1, -1, 101, 1.0, 1.5, "", "x", "a=b", "host", "bind", "all", "always", "z", "rebuild"]
)


def example(shape: Shape, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that a shape allows, more or less: what is random about them stays random."""
    options: list[st.SearchStrategy[Any]] = [SCALARS]
    for kind, strategy in {
        "string": st.sampled_from(shape.choices or ("x", "1", "a=b")),
        "integer": st.integers(-1, 120),
        "number": st.sampled_from([1, 2.5]),
        "boolean": st.booleans(),
        "null": st.none(),
    }.items():
        if kind in shape.kinds:
            options += [strategy] * 2
    if shape.items is not None and depth < 6:
        options += [st.lists(example(shape.items, depth + 1), max_size=3)] * 3
    if shape.fields is not None and depth < 6:
        options += [mappings(shape, depth)] * 4
    return st.one_of(options)


def mappings(shape: Shape, depth: int) -> st.SearchStrategy[Any]:
    fields = dict(shape.fields or {})
    names = st.lists(st.sampled_from([*fields, "x-y", "other", "bad name"]), max_size=3, unique=True)

    def build(chosen: list[str]) -> st.SearchStrategy[Any]:
        keys = {*chosen, *shape.required}
        inner = shape.keys[1] if shape.keys is not None else None
        return st.fixed_dictionaries(
            {key: example(fields.get(key) or inner or Shape(), depth + 1) for key in sorted(keys)}
        )

    return names.flatmap(build)


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_generated_files_agree(data: st.DataObject) -> None:
    agree(data.draw(mappings(PROJECT, 0)))


@pytest.mark.parametrize("section", ["services", "jobs", "networks", "volumes", "secrets", "configs", "models"])
@given(data=st.data())
@settings(max_examples=250, deadline=None)
def test_generated_sections_agree(section: str, data: st.DataObject) -> None:
    assert PROJECT.fields is not None
    keys = PROJECT.fields[section].keys
    assert keys is not None
    agree({section: {"a": data.draw(example(keys[1], 2))}})


def every_shape(shape: Shape, route: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The route of every attribute in the specification."""
    found = [route]
    for name, inner in (shape.fields or {}).items():
        found += every_shape(inner, (*route, name))
    if shape.keys is not None:
        found += every_shape(shape.keys[1], (*route, "a"))
    if shape.items is not None:
        found += every_shape(shape.items, (*route, "[]"))
    return found


def nested(route: tuple[str, ...], value: Any) -> Any:
    for step in reversed(route):
        value = [value] if step == "[]" else {step: value}
    return value


@pytest.mark.parametrize(
    "value", [None, True, 0, -1, 1.5, "x", [], ["x"], {}, {"x": "y"}, {"x-y": 1}, ["x", "x"]], ids=repr
)
def test_every_attribute_agrees(value: Any) -> None:
    routes = every_shape(PROJECT)
    assert len(routes) > 500
    for route in routes:
        agree(nested(route, value))


@pytest.mark.skipif(not CASES.is_file(), reason=f"no conformance data at {CASES} (POLICYKIT_CONFORMANCE)")
def test_conformance_inputs_agree() -> None:
    count = 0
    for line in CASES.read_text("utf-8").splitlines():
        texts = json.loads(line)["input"]
        for text in texts if isinstance(texts, list) else [texts]:
            for document in parse_yaml(Source("compose.yaml", text), COMPOSE):
                if isinstance(document, YamlDocument) and isinstance(document.data, dict):
                    agree(document.data)
                    count += 1
    assert count > 300


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("services:\n  a:\n    image: [x]\n", "3:12: services.a.image must be a string"),
        ("services:\n  a:\n    ports: 80\n", "3:12: services.a.ports must be a list"),
        ("services:\n  a: x\n", "2:6: services.a must be a mapping"),
        ("services:\n- a\n", "2:1: services must be a mapping"),
        ("services:\n  a:\n    image: x\n    nope: 1\n", "4:5: services.a additional properties 'nope' not allowed"),
        ("foo: 1\n", "1:1: the file additional properties 'foo' not allowed"),
        ("services:\n  a b: {}\n", "2:3: services additional properties 'a b' not allowed"),
        ("services:\n  a:\n    cgroup: x\n", "3:13: services.a.cgroup must be one of host, private"),
        ("services:\n  a:\n    cpu_percent: 101\n", "3:18: services.a.cpu_percent must be less than or equal to 100"),
        ("services:\n  a:\n    cap_add: [x, y, x]\n", "3:21: services.a.cap_add items at 0 and 2 are equal"),
        ("models:\n  a:\n    name: x\n", "3:5: models.a missing property 'model'"),
        ("jobs:\n  a:\n    triggers: {x-a: 1}\n", "3:16: jobs.a.triggers missing one of manual, schedule"),
        ("services:\n  a:\n    pull_policy: x\n", "3:18: services.a.pull_policy must match "),
        ("services:\n  a:\n    environment: 5\n", "3:18: services.a.environment must be a list or mapping"),
    ],
)
def test_message(text: str, error: str) -> None:
    (document,) = parse_yaml(Source("compose.yaml", text), COMPOSE)
    assert isinstance(document, YamlDocument)
    (found,) = violations(document.root, PROJECT)
    assert str(found).startswith(error)
    assert found.file == "compose.yaml"
