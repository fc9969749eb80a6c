from __future__ import annotations

from typing import Any

import pytest

from policykit.views.selector import keys_of, selects, selects_everything

LABELS = {"app": "web", "tier": "front"}


@pytest.mark.parametrize("selector", [None, {}, {"matchLabels": {}}, {"matchExpressions": []}, {"matchLabels": None}])
def test_no_requirement_selects_everything(selector: Any) -> None:
    assert selects_everything(selector)
    assert selects(selector, {})


@pytest.mark.parametrize(
    ("operator", "key", "values", "matches"),
    [
        ("In", "app", ["web", "api"], True),
        ("In", "app", ["api"], False),
        ("In", "absent", ["web"], False),
        ("NotIn", "app", ["web"], False),
        ("NotIn", "app", ["api"], True),
        ("NotIn", "absent", ["web"], True),
        ("Exists", "app", None, True),
        ("Exists", "absent", None, False),
        ("DoesNotExist", "app", None, False),
        ("DoesNotExist", "absent", None, True),
        ("Near", "app", ["web"], False),
    ],
)
def test_operators(operator: str, key: str, values: list[str] | None, matches: bool) -> None:
    selector = {"matchExpressions": [{"key": key, "operator": operator, "values": values}]}
    assert not selects_everything(selector)
    assert selects(selector, LABELS) is matches


def test_all_requirements_have_to_hold() -> None:
    expression = {"key": "tier", "operator": "Exists"}
    assert selects({"matchLabels": {"app": "web"}, "matchExpressions": [expression]}, LABELS)
    assert not selects({"matchLabels": {"app": "api"}, "matchExpressions": [expression]}, LABELS)


@pytest.mark.parametrize("selector", [{"matchLabels": ["app"]}, {"matchExpressions": "app"}, {"matchExpressions": [1]}])
def test_what_is_malformed_selects_nothing(selector: Any) -> None:
    assert not selects(selector, LABELS)


def test_keys() -> None:
    selector = {"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]}
    assert keys_of(selector) == {"a", "b"}
    assert keys_of({}) == frozenset()
