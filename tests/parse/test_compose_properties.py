"""Compose on files that nobody thought of: a project or a problem with a place, and every route leads to a place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policykit.document import Route, Source
from policykit.parse.compose import Options, load_project
from policykit.parse.compose.specification import PROJECT
from tests.parse.test_compose_specification import mappings

TEXTS = st.sampled_from(
    ["${U}", "${U}:80", "${U}=1", "a=${U}", "./${U}:/x", "service:${U}", "${U:-80}", "80:80", "vol:/x"]
)


def replaced(data: Any, texts: list[str]) -> Any:
    """The same data with its texts replaced, in order, while there are some."""
    if isinstance(data, dict):
        return {key: replaced(value, texts) for key, value in data.items()}
    if isinstance(data, list):
        return [replaced(item, texts) for item in data]
    return texts.pop() if isinstance(data, str) and texts else data


def routes(data: Any, route: Route = ()) -> list[Route]:
    found = [route]
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        found += routes(value, (*route, key))
    return found


@pytest.mark.parametrize("options", [Options(), Options(complete=True)], ids=["unsure", "complete"])
@given(data=st.data())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_model(options: Options, data: st.DataObject) -> None:
    files = [data.draw(mappings(PROJECT, 0)) for _ in range(data.draw(st.integers(1, 2)))]
    texts = [json.dumps(replaced(file, data.draw(st.lists(TEXTS, max_size=6))), indent=1) for file in files]
    sources = [Source(f"{number}.yaml", text) for number, text in enumerate(texts)]
    loaded = load_project(sources, lambda _: None, options)
    names = {source.name: source.text.split("\n") for source in sources}
    assert loaded.project is not None or loaded.problems
    for problem in loaded.problems:
        assert problem.column <= len(names[problem.file][problem.line - 1]) + 1
    for route in routes(loaded.project.data) if loaded.project is not None else ():
        for key in (False, True):
            span = loaded.project.span(route, key=key)  # type: ignore[union-attr]
            assert span.column <= len(names[span.file][span.line - 1]) + 1
            assert span[1:3] <= span[3:]
