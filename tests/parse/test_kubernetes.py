"""Manifest files into objects, templates and problems."""

from __future__ import annotations

import time

import pytest

from policykit.document import Source
from policykit.parse.kubernetes import Manifests, parse_manifests

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: "


def manifests(text: str, name: str = "a.yaml") -> Manifests:
    return parse_manifests(Source(name, text))


def names(text: str) -> list[tuple[str, str]]:
    return [(o.kind, o.name) for o in manifests(text).objects]


def signs(text: str, name: str = "a.yaml") -> list[str]:
    """The text of each template's first sign."""
    found = []
    for item in manifests(text, name).not_evaluated:
        span = item.span
        assert span.line == span.end_line
        found.append(text.split("\n")[span.line - 1][span.column - 1 : span.end_column - 1])
    return found


def test_objects_of_a_stream() -> None:
    deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  generateName: b-\n"
    text = f"{POD}a\n  namespace: ns\n---\n# nothing\n---\n{deployment}"
    first, second = manifests(text).objects
    assert (first.api_version, first.kind, first.name, first.namespace) == ("v1", "Pod", "a", "ns")
    assert (second.api_version, second.kind, second.name, second.namespace) == ("apps/v1", "Deployment", "b-", "")
    assert second.target == "kubernetes"
    assert second.source.name == "a.yaml"
    assert second.span(("kind",))[1:3] == (10, 7)


def test_metadata_may_be_anything() -> None:
    for metadata in ("null", "[]", "x", "{name: 1}", "{name: {a: b}, namespace: []}"):
        (found,) = manifests(f"apiVersion: v1\nkind: Pod\nmetadata: {metadata}\n").objects
        assert (found.name, found.namespace) == ("", "")


def test_list() -> None:
    text = (
        "apiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n"
        "- apiVersion: v1\n  kind: List\n  items:\n  - {apiVersion: v1, kind: Service, metadata: {name: b}}\n"
    )
    first, second = manifests(text).objects
    assert (first.kind, first.name, first.route) == ("Pod", "a", ("items", 0))
    assert (second.kind, second.name, second.route) == ("Service", "b", ("items", 1, "items", 0))
    assert second.span(("metadata", "name"))[1:3] == (8, 54)
    assert second.span(("spec",))[1:3] == (8, 6)


def test_typed_list() -> None:
    text = "apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {name: a}\n"
    (found,) = manifests(text).objects
    assert (found.api_version, found.kind, found.name, found.route) == ("apps/v1", "Deployment", "a", ("items", 0))


def test_a_kind_may_end_in_list_without_being_one() -> None:
    assert names("apiVersion: x/v1\nkind: AllowList\nspec: {}\n") == [("AllowList", "")]


def test_an_item_that_is_no_object_is_a_problem_and_the_others_are_still_there() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- x: 1\n- {apiVersion: v1, kind: Pod}\n- 5\n"
    found = manifests(text)
    assert [o.kind for o in found.objects] == ["Pod"]
    assert [(p.line, p.column) for p in found.problems] == [(4, 3), (6, 3)]


@pytest.mark.parametrize(
    ("head", "error"),
    [
        ("apiVersion: 1\nkind: Pod\n", "1:13: apiVersion must be a non-empty string"),
        ("apiVersion: v1\nkind:\n", "2:1: kind must be a non-empty string"),
        ("apiVersion: v1\nkind: ''\n", "2:7: kind must be a non-empty string"),
        ("apiVersion: v1\nkind: Pod\nkind: Pod\n", "3:1: duplicate key `kind`, first at 2:1"),
    ],
)
def test_problem(head: str, error: str) -> None:
    found = manifests(f"{head}---\n{POD}a\n")
    assert [str(p) for p in found.problems] == [error]
    assert [o.name for o in found.objects] == ["a"]


def test_other_documents_are_left_alone() -> None:
    assert manifests("a: 1\n---\n- x\n") == Manifests()


def test_other_documents_beside_objects_are_said_to_be_not_evaluated() -> None:
    found = manifests(f"a: 1\n---\n{POD}a\n---\n- x\n")
    assert [o.name for o in found.objects] == ["a"]
    assert [(item.span.line, item.reason) for item in found.not_evaluated] == [
        (1, "no Kubernetes object: it has no apiVersion and kind"),
        (8, "no Kubernetes object: it has no apiVersion and kind"),
    ]


# -- templates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        (POD + "{{ .Release.Name }}\n", "{{ .Release.Name }}"),
        (POD + "a-{{ .Release.Name }}\n", "{{ .Release"),
        (POD + '"{{ .Values.name }}"\n', "{{ .Values"),
        (POD + '"{{ app }}"\n', "{{ app }}"),
        (POD + "a-{{ app }}\n", "{{ app }}"),
        (POD + "${NAME}\n", "${NAME}"),
        (POD + "a\nspec:\n  image: reg/${IMAGE:-x}\n", "${IMAGE:-x}"),
        (POD + "a\nspec:\n  containers: {{ toYaml .c | nindent 4 }}\n", "{{ toYaml .c | nindent 4 }}"),
        (POD + "a\nspec:\n{{ toYaml .c }}\n", "{{ toYaml .c }}"),
        (POD + "a\nspec: {{ x\n", None),
        (POD + "a\nspec:\n  a: b: {{ x }}\n", "{{ x }}"),
        ("{{- if .Values.x }}\n" + POD + "a\n{{- end }}\n", "{{- if .Values.x }}"),
        ("{% if x %}\n" + POD + "a\n{% endif %}\n", "{% if x %}"),
        ("<% if x %>\n" + POD + "a\n", None),
        (POD + "#@ data.values.name\n", None),
    ],
)
def test_template(text: str, sign: str | None) -> None:
    found = manifests(text)
    assert (found.objects, found.problems) == ((), ())
    assert "render it" in found.not_evaluated[0].reason
    assert sign is None or signs(text) == [sign]


def test_helm_is_named() -> None:
    assert "Helm" in manifests(POD + "{{ .Values.x }}\n").not_evaluated[0].reason
    assert "Helm" in manifests(POD + 'a\n{{ include "x" . }}\n').not_evaluated[0].reason
    assert "Helm" not in manifests(POD + "{{ x }}\n").not_evaluated[0].reason


@pytest.mark.parametrize(
    "rest",
    [
        'a # {{ x }}\nspec: {a: "{{ x }}"}\n',
        "a\ndata:\n  a: |\n    {{ .Values.x }}\n  b: >\n    ${X}\n",
        'a\nspec:\n  command: [sh, -c, "echo ${HOME} $(X)"]\n',
        "a\nspec: {a: {b: {c: d}}}\n",
    ],
)
def test_no_template(rest: str) -> None:
    found = manifests(POD + rest)
    assert [o.name for o in found.objects] == ["a"]
    assert not found.not_evaluated
    assert not found.problems


@pytest.mark.parametrize("group", ["argoproj.io", "monitoring.coreos.com", "kyverno.io"])
def test_others_have_a_use_for_braces(group: str) -> None:
    text = (
        f"apiVersion: {group}/v1\nkind: X\nmetadata: {{name: a}}\nspec:\n  image: '{{{{ i }}}}'\n  x: a-{{{{ b }}}}\n"
    )
    assert names(text) == [("X", "a")]
    assert signs(text.replace("{{ i }}", "{{ .Values.i }}")) == ["{{ .Values"]


def test_a_chart_folder_holds_templates() -> None:
    assert signs(POD + "a # {{ x }}\n", "chart/templates/pod.yaml") == ["{{ x }}"]
    assert [o.name for o in manifests(POD + "a\n", "chart/templates/pod.yaml").objects] == ["a"]


def test_a_template_hides_no_other_document() -> None:
    text = f"{POD}a\n---\n{POD}{{{{ x }}}}\n---\n{POD}c\n"
    found = manifests(text)
    assert [o.name for o in found.objects] == ["a", "c"]
    assert [item.span.line for item in found.not_evaluated] == [9]
    assert found.objects[1].span(("metadata", "name"))[1:3] == (14, 9)


def test_a_mistake_beside_braces_is_still_a_mistake() -> None:
    found = manifests(POD + 'a\nspec: "{{ x }}\n')
    assert [p.line for p in found.problems] == [6]
    assert not found.not_evaluated


@pytest.mark.parametrize("text", ["{{" * 300_000, "${a" * 300_000, "a: {{ x }\n" * 50_000, "%\n" * 100_000 + "{{ x }}"])
def test_looking_for_templates_does_not_hang(text: str) -> None:
    began = time.perf_counter()
    manifests(text)
    assert time.perf_counter() - began < 5
