"""Gatekeeper's ConstraintTemplates with CEL, and their constraints -> admission policies.

Semantics of gatekeeper `pkg/mutation/match` (what a constraint is about) and `pkg/drivers/k8scel` (how it is judged).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.admission.form import (
    AdmissionPolicy,
    Binding,
    Expression,
    Expressions,
    Params,
    Rule,
    items,
    named,
    problem_at,
    selector_of,
    strings,
    validations_of,
)
from policykit.admission.matching import ALWAYS, NEVER
from policykit.views.objects import mapping, sequence, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from policykit.admission.matching import Criterion
    from policykit.document import Route
    from policykit.errors import Problem
    from policykit.finding import Severity
    from policykit.parse.kubernetes import KubernetesObject

_TEMPLATES, _CONSTRAINTS = "templates.gatekeeper.sh", "constraints.gatekeeper.sh"
_ENGINE = "K8sNativeValidation"
_SEVERITIES: Mapping[str, Severity] = {"deny": "error", "warn": "warning", "dryrun": "info"}
#: What Gatekeeper puts before a template's own variables.
_OWN_VARIABLES = {
    "anyObject": 'has(request.operation) && request.operation == "DELETE" && object == null ? oldObject : object',
    "params": "!has(params.spec) ? null : !has(params.spec.parameters) ? null : params.spec.parameters",
}


def read_policies(objects: Sequence[KubernetesObject]) -> tuple[list[AdmissionPolicy], list[Problem]]:
    """Every template among `objects` with its constraints, and constraints of no template."""
    templates = {_kind(obj): obj for obj in objects if _group(obj) == _TEMPLATES}
    constraints: dict[str, list[KubernetesObject]] = {kind: [] for kind in templates}
    problems: list[Problem] = []
    for obj in objects:
        if _group(obj) == _CONSTRAINTS:
            if obj.kind in constraints:
                constraints[obj.kind].append(obj)
            else:
                message = f"there is no ConstraintTemplate for {obj.kind}"
                problems.append(problem_at(obj, ("kind",), message, "put it into this folder"))
    return [_policy(template, constraints[kind]) for kind, template in templates.items()], problems


def knows(obj: KubernetesObject) -> bool:
    """Whether an object is a template or a constraint."""
    return _group(obj) in (_TEMPLATES, _CONSTRAINTS)


def _group(obj: KubernetesObject) -> str:
    return obj.api_version.partition("/")[0]


def _kind(template: KubernetesObject) -> str:
    names = mapping(mapping(mapping(mapping(template.data.get("spec")).get("crd")).get("spec")).get("names"))
    return text(names.get("kind"))


def _policy(template: KubernetesObject, constraints: Sequence[KubernetesObject]) -> AdmissionPolicy:
    route, source = _source(template)
    problems = []
    if not source:
        message = f"{template.kind} `{template.name}` has no {_ENGINE} code"
        problems.append(problem_at(template, ("spec", "targets"), message, "Rego is not evaluated here"))
    if not constraints:
        message = f"no constraint puts `{_kind(template)}` in force"
        problems.append(problem_at(template, ("kind",), message, "put one into this folder"))
    rule = Rule(
        match=ALWAYS,
        expressions=_expressions(template, route, source),
        bindings=tuple(binding for constraint in constraints for binding in _bindings(constraint)),
        fails=source.get("failurePolicy") != "Ignore",
        params=True,
    )
    aliases = {"gatekeeper": (_kind(template),)}
    return AdmissionPolicy(template.name, template, (rule,), aliases, tuple(problems))


def _source(template: KubernetesObject) -> tuple[Route, Mapping[str, Any]]:
    """The CEL code of a template, with its route; empty where it has none."""
    spec = mapping(template.data.get("spec"))
    for at, target in items(spec, ("spec", "targets")):
        for route, code in items(target, (*at, "code")):
            if code.get("engine") == _ENGINE:
                return (*route, "source"), mapping(code.get("source"))
    return (), {}


def _expressions(template: KubernetesObject, route: Route, source: Mapping[str, Any]) -> Expressions:
    own = tuple(Expression(code, template, route, name) for name, code in _OWN_VARIABLES.items())
    return Expressions(
        variables=own + named(source, template, route, "variables"),
        conditions=named(source, template, route, "matchCondition"),
        validations=validations_of(source, template, (*route, "validations")),
    )


def _bindings(constraint: KubernetesObject) -> Iterator[Binding]:
    """A constraint, for each of its enforcement actions; it is the parameters itself."""
    spec = mapping(constraint.data.get("spec"))
    action = text(spec.get("enforcementAction")) or "deny"
    actions = [action]
    if action == "scoped":
        scoped = map(mapping, sequence(spec.get("scopedEnforcementActions")))
        actions = [text(entry.get("action")) for entry in scoped]
    for known in actions:
        if known in _SEVERITIES:
            yield Binding(_SEVERITIES[known], _match(mapping(spec.get("match"))), Params({}, value=constraint.data))


def _match(match: Mapping[str, Any]) -> Criterion:
    """All parts of a constraint's `match`; a part that is not there, or empty, holds."""
    if match.get("source") == "Generated":
        return NEVER  # it is about objects that Gatekeeper makes up, of which none is in a file
    parts: list[Criterion] = []
    if kinds := [mapping(entry) for entry in sequence(match.get("kinds"))]:
        parts.append(("groups", [(strings(k.get("apiGroups")), strings(k.get("kinds"))) for k in kinds]))
    if (scope := match.get("scope")) in ("Cluster", "Namespaced"):
        parts.append(("scope", scope))
    anywhere = ("all", ("scope", "Cluster"), ("not", ("groups", [([""], ["Namespace"])])))
    if namespaces := strings(match.get("namespaces")):
        parts.append(("any", anywhere, ("namespaces", namespaces)))
    if excluded := strings(match.get("excludedNamespaces")):
        parts.append(("any", anywhere, ("not", ("namespaces", excluded))))
    if (selector := match.get("labelSelector")) is not None:
        parts.append(("labels", selector_of(selector)))
    if (selector := match.get("namespaceSelector")) is not None:
        parts.append(("any", anywhere, ("namespaceLabels", selector_of(selector))))
    if name := text(match.get("name")):
        parts.append(("names", [name]))
    return ("all", *parts) if parts else ALWAYS
