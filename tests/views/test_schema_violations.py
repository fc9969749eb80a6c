"""Objects against the schemas of their APIs: Kubernetes' own, and those of definitions among the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policykit import extras
from policykit.document import Source
from policykit.unknown import Unknown
from policykit.views import api_schemas
from policykit.views.crd_schemas import json_schema
from policykit.views.project import Facts
from policykit.views.read import read_project
from policykit.views.schema_validation import violations
from policykit.views.schema_violations import schema_violations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.views.view import Subject

CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Shop, plural: shops}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, properties: {spec: %s}}}
"""


def subjects(*texts: str, version: tuple[int, int] = (1, 36)) -> list[Subject]:
    sources = [Source(f"{n}.yaml", text) for n, text in enumerate(texts)]
    project = read_project(sources, Facts(kubernetes_version=version), lambda _name: None)
    assert not project.problems
    return [subject for obj in project.objects for subject in schema_violations(obj, project)]


def said(*texts: str, version: tuple[int, int] = (1, 36)) -> list[str]:
    return [f"{s.locate('').path}: {s.data['keyword']}" for s in subjects(*texts, version=version)]


def spec(schema: str, value: str) -> list[str]:
    shop = f"apiVersion: example.com/v1\nkind: Shop\nmetadata: {{name: a}}\nspec: {value}\n"
    return said(CRD % schema, shop)


def test_an_api_is_judged_by_version() -> None:
    policy = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nspec: {unhealthyPodEvictionPolicy: AlwaysAllow}\n"
    assert said(policy, version=(1, 36)) == []
    assert said(policy, version=(1, 25)) == ["spec.unhealthyPodEvictionPolicy: unknownField"]
    gone = "apiVersion: flowcontrol.apiserver.k8s.io/v1beta2\nkind: FlowSchema\n"
    assert said(gone, version=(1, 28)) == []
    assert said(gone, version=(1, 29)) == ["kind: noSchema"]


def test_a_group_that_begins_alike_is_another_group() -> None:
    assert said("apiVersion: apps.example.com/v1\nkind: Deployment\nspec: 3\n") == ["kind: noSchema"]


@pytest.mark.parametrize("version", [(1, 3), (1, 99), (2, 0)])
def test_a_version_without_schemas_is_unknown_once(version: tuple[int, int]) -> None:
    (only,) = subjects("apiVersion: v1\nkind: Pod\n---\napiVersion: v1\nkind: Pod\n", version=version)
    assert all(isinstance(value, Unknown) for value in only.data.values())
    assert "no schemas of Kubernetes" in only.data["keyword"].reasons[0]


def test_without_the_extra_it_is_unknown_once(monkeypatch: pytest.MonkeyPatch, no_schemas: None) -> None:
    (only,) = subjects("apiVersion: v1\nkind: Pod\nspec: 3\n---\napiVersion: v1\nkind: Pod\n")
    assert only.data["message"].reasons == ("kubernetes-validate is not installed: `pip install policykit[schema]`",)


@pytest.fixture
def no_schemas(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(extras, "schema_directory", lambda: None)
    api_schemas.builtin_schemas.cache_clear()
    yield
    api_schemas.builtin_schemas.cache_clear()


def test_values_are_never_quoted() -> None:
    secret = "apiVersion: v1\nkind: Secret\ndata: {a: 'hunter 2', b: [hunter2], c: aHVudGVyMg==}\ntype: {a: hunter2}\n"
    found = subjects(secret)
    assert [s.data["keyword"] for s in found] == ["format", "type", "type"]
    assert "hunter" not in "".join(s.data["message"] for s in found)


@pytest.mark.parametrize(
    ("value", "good"),
    [("2147483647", True), ("2147483648", False), ("1.0", True), ("1.5", False), ("true", False), ("null", True)],
)
def test_integers_of_32_bits(value: str, good: bool) -> None:
    text = f"apiVersion: apps/v1\nkind: ReplicaSet\nspec: {{selector: {{}}, replicas: {value}}}\n"
    assert (said(text) == []) is good


@pytest.mark.parametrize("value", ["80", "http", "null"])
def test_integer_or_text(value: str) -> None:
    assert said(f"apiVersion: v1\nkind: Service\nspec: {{ports: [{{port: 80, targetPort: {value}}}]}}\n") == []


def test_items_of_a_list_keep_their_places() -> None:
    text = (
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n- apiVersion: v1\n  kind: Pod\n  spek: {}\n"
    )
    (only,) = subjects(text)
    assert only.locate("").span[1:3] == (7, 3)
    assert only.data["message"] == "`spek` is no field of this API; did you mean `spec`?"


@pytest.mark.parametrize(
    ("schema", "value", "found"),
    [
        ("{type: object}", "{a: 1}", ["spec.a: unknownField"]),
        ("{type: object, x-kubernetes-preserve-unknown-fields: true}", "{a: 1}", []),
        ("{type: object, additionalProperties: true}", "{a: 1}", []),
        ("{type: object, additionalProperties: {type: string}}", "{a: 1, b: c}", ["spec.a: type"]),
        ("{x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}", "80%", []),
        ("{x-kubernetes-int-or-string: true}", "1.5", ["spec: type"]),
        ("{type: string, nullable: true, enum: [a]}", "null", []),
        ("{type: string}", "null", ["spec: type"]),
        ("{type: integer, minimum: 1, exclusiveMinimum: true}", "1", ["spec: exclusiveMinimum"]),
        ("{type: integer, maximum: 1, exclusiveMaximum: false}", "1", []),
        ("{type: string, pattern: '^(a+)+$'}", "a" * 5000 + "!", ["spec: pattern"]),
        ("{type: string, pattern: '(?<=a)b'}", "c", []),
        ("{type: string, maxLength: 2}", "abc", ["spec: maxLength"]),
        (
            "{type: object, x-kubernetes-embedded-resource: true}",
            "{kind: A, metadata: {}, b: 1}",
            ["spec.b: unknownField"],
        ),
        (
            "{type: object, properties: {a: {}, b: {}}, oneOf: [{required: [a]}, {required: [b]}]}",
            "{a: x, b: y}",
            ["spec: oneOf"],
        ),
        (
            "{type: object, required: [a], properties: {a: {type: array, items: {type: string}}}}",
            "{}",
            ["spec.a: required"],
        ),
        ("{type: array, items: {type: object, required: [a]}}", "[{}]", ["spec[0].a: required"]),
    ],
)
def test_definitions_say_what_resources_are(schema: str, value: str, found: list[str]) -> None:
    assert spec(schema, value) == found


def test_definitions_of_v1beta1() -> None:
    definition = """\
apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
spec:
  group: example.com
  names: {kind: Shop}
  version: v1
  validation: {openAPIV3Schema: {type: object, properties: {size: {type: integer}}}}
"""
    _, *found = said(definition, "apiVersion: example.com/v1\nkind: Shop\nsize: a\n")
    assert found == ["size: type"]  # the first is about the definition itself, which is of no API any more


@pytest.mark.parametrize(
    "schema",
    [
        "{$ref: 'http://127.0.0.1:9/x', type: string}",
        "{type: 3, minimum: a, enum: 3, required: 3, properties: 3, items: 3, allOf: {a: 1}, not: 3, pattern: [a]}",
        "{type: [string, 3], pattern: '(', format: [a], multipleOf: true}",
        "{type: object, properties: {a: 3}, additionalProperties: [1], nullable: 3}",
        "3",
    ],
)
def test_hostile_definitions_do_no_harm(schema: str) -> None:
    spec(schema, "{a: [b], c: 3}")
    spec(schema, "text")
    spec(schema, "[1, [2]]")


def test_a_definition_that_repeats_itself_without_end_is_too_large() -> None:
    schema: dict[str, object] = {"type": "object"}
    for _ in range(40):
        schema = {"type": "object", "properties": {"a": schema, "b": schema}}
    assert isinstance(json_schema(schema, {}), Unknown)


def test_what_is_nested_too_deep_is_unknown() -> None:
    deep = "{type: object, properties: {a: " * 100 + "{type: string}" + "}}" * 100
    value = "{a: " * 100 + "x" + "}" * 100
    found = subjects(CRD % deep, f"apiVersion: example.com/v1\nkind: Shop\nspec: {value}\n")
    assert all(isinstance(s.data["message"], (str, Unknown)) for s in found)


def test_order_is_that_of_routes() -> None:
    schema = {"properties": {"b": {"type": "string"}, "a": {"type": "string"}}, "required": ["c"]}
    assert [v.route for v in violations(schema, {"b": 1, "a": 2})] == [("a",), ("b",), ("c",)]
