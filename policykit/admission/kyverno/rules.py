"""ClusterPolicy and Policy of kyverno.io with `validate.cel` rules -> admission policies.

Semantics of kyverno `pkg/engine/handlers/validation/validate_cel.go` (rules are judged by the code of
ValidatingAdmissionPolicy) and `pkg/autogen/v1` (rules on Pods are lifted to their controllers).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.admission.form import (
    AdmissionPolicy,
    Binding,
    Expressions,
    Params,
    Rule,
    expressions_of,
    items,
    named,
    problem_at,
    strings,
    validations_of,
)
from policykit.admission.kubernetes import objects_of
from policykit.admission.kyverno.exceptions import exempt
from policykit.admission.kyverno.filters import criterion, filters_of, kind_selector, kinds_of, selector_criteria
from policykit.admission.kyverno.lifting import CONTROLLERS, CRON_JOBS, Lift, rewriter
from policykit.admission.kyverno.lifting import KINDS as CONTROLLER_KINDS
from policykit.views.objects import annotations_of, mapping, sequence, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from policykit.admission.matching import Criterion
    from policykit.document import Route
    from policykit.errors import Problem
    from policykit.finding import Severity
    from policykit.parse.kubernetes import KubernetesObject

GROUP = "kyverno.io"
KINDS = ("ClusterPolicy", "Policy")
_CONTROLLERS_ANNOTATION = "pod-policies.kyverno.io/autogen-controllers"
#: Other ways to validate, in Kyverno's own languages.
_OTHER_WAYS = ("pattern", "anyPattern", "deny", "foreach", "podSecurity", "manifests", "assert")


def read_policy(
    obj: KubernetesObject, exceptions: Sequence[KubernetesObject], objects: Sequence[KubernetesObject]
) -> AdmissionPolicy:
    """A policy; rules that do not validate (`mutate`, `generate`, ...) have nothing to say here."""
    return _Reading(obj, exceptions, objects).policy()


class _Variant(NamedTuple):
    """A rule as it is written, or as it is lifted to a family of controllers."""

    name: str
    match: Criterion
    lift: Lift | None = None


class _Reading:
    """One policy in the making."""

    def __init__(
        self, obj: KubernetesObject, exceptions: Sequence[KubernetesObject], objects: Sequence[KubernetesObject]
    ) -> None:
        self.obj = obj
        self.spec = mapping(obj.data.get("spec"))
        self.exceptions = exceptions
        self.objects = objects
        self.problems: list[Problem] = []
        self.validating = [(at, rule) for at, rule in items(self.spec, ("spec", "rules")) if rule.get("validate")]

    def policy(self) -> AdmissionPolicy:
        controllers = _controllers(self.obj, [rule for _, rule in items(self.spec, ("spec", "rules"))])
        rules = [made for at, rule in self.validating for made in self._rules(at, rule, controllers)]
        aliases = {"kyverno": tuple(dict.fromkeys(text(rule.get("name")) for _, rule in self.validating))}
        return AdmissionPolicy(self.obj.name, self.obj, tuple(rules), aliases, tuple(self.problems))

    def _rules(self, at: Route, rule: Mapping[str, Any], controllers: frozenset[str]) -> Iterator[Rule]:
        validate = mapping(rule.get("validate"))
        cel = mapping(validate.get("cel"))
        for other in _OTHER_WAYS:
            if other in validate:
                message = f"`validate.{other}` is not evaluated here, only `validate.cel`"
                self.problems.append(problem_at(self.obj, (*at, "validate", other), message, "rewrite the rule in CEL"))
        if not cel:
            return
        expressions = self._expressions(at, rule, validate, cel)
        kind = texts(cel.get("paramKind"))
        ref = mapping(cel.get("paramRef"))
        params = Params(kind, ref, objects_of(kind, self.objects)) if kind and ref else None
        bindings = tuple(_bindings(self.spec, validate, params))
        for variant in _variants(rule, controllers):
            yield Rule(
                match=self._match(rule, variant),
                expressions=expressions.rewritten(rewriter(variant.lift)) if variant.lift else expressions,
                bindings=bindings,
                label=text(rule.get("name")) if len(self.validating) > 1 else "",
                params=bool(kind),
            )

    def _match(self, rule: Mapping[str, Any], variant: _Variant) -> Criterion:
        parts = [variant.match, ("not", exempt(self.obj, variant.name, self.exceptions))]
        if self.obj.kind == "Policy":
            parts.append(("namespaces", [self.obj.namespace or "default"]))
        if rule.get("preconditions"):
            parts.append(("unknown", f"the preconditions of rule `{text(rule.get('name'))}` are in JMESPath"))
        return ("all", *parts)

    def _expressions(
        self, at: Route, rule: Mapping[str, Any], validate: Mapping[str, Any], cel: Mapping[str, Any]
    ) -> Expressions:
        here = (*at, "validate", "cel")
        message = text(validate.get("message"))
        validations = validations_of(cel, self.obj, (*here, "expressions"))
        return expressions_of(cel, self.obj, here)._replace(
            conditions=named(rule, self.obj, at, "celPreconditions"),
            validations=tuple(v if v.message else v._replace(message=message) for v in validations),
        )


def _variants(rule: Mapping[str, Any], controllers: frozenset[str]) -> Iterator[_Variant]:
    name, match, exclude = text(rule.get("name")), rule.get("match"), rule.get("exclude")
    yield _Variant(name, ("all", criterion(match), ("not", criterion(exclude))))
    excluded = kinds_of(exclude)
    if not _has_pod(kinds_of(match)) or (excluded and not _has_pod(excluded)):
        return
    for lift in (CONTROLLERS, CRON_JOBS):
        if kinds := [selector for kind, selector in lift.kinds.items() if kind in controllers]:
            about = ("all", criterion(_lifted(match, kinds)), ("not", criterion(_lifted(exclude, kinds))))
            yield _Variant(f"{lift.name}-{name}"[:63], about, lift)


def _lifted(block: Any, kinds: list[str]) -> Mapping[str, Any]:
    """A `match` or `exclude` with other kinds instead of Pod."""
    key = next((key for key in ("any", "all") if mapping(block).get(key)), "any")
    filters = []
    for entry in filters_of(block):
        resources = mapping(entry.get("resources"))
        if _has_pod(strings(resources.get("kinds"))):
            entry = {**entry, "resources": {**resources, "kinds": kinds}}
        filters.append(entry)
    return {key: filters}


def _has_pod(kinds: Sequence[str]) -> bool:
    return any(kind_selector(kind)[2] == "Pod" for kind in kinds)


def _controllers(obj: KubernetesObject, rules: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The kinds that a policy is lifted to: those its annotation names, all of them, or none where it cannot be.

    It cannot where a filter asks for names, labels or annotations, which controllers do not share with their pods, or
    names other kinds beside Pod.
    """
    blocks = [rule.get(key) for rule in rules for key in ("match", "exclude")]
    filters = [mapping(entry.get("resources")) for block in blocks for entry in filters_of(block)]
    kinds = [strings(entry.get("kinds")) for entry in filters]
    if any(rule.get("generate") for rule in rules) or not any({"Pod", *CONTROLLER_KINDS} & set(k) for k in kinds):
        return frozenset()
    if any(entry.get(key) for entry in filters for key in ("name", "names", "selector", "annotations")):
        return frozenset()
    if any(len(k) > 1 and _has_pod(k) for k in kinds):
        return frozenset()
    asked = annotations_of(obj.data).get(_CONTROLLERS_ANNOTATION)
    names = text(asked).replace(" ", "").split(",") if asked is not None else ["all"]
    return frozenset(CONTROLLER_KINDS if "all" in names else names)


def _bindings(spec: Mapping[str, Any], validate: Mapping[str, Any], params: Params | None) -> Iterator[Binding]:
    """The failure action, after those that are overridden for some namespaces; the first that fits counts."""
    action = validate.get("failureAction") or spec.get("validationFailureAction")
    overrides = sequence(validate.get("failureActionOverrides") or spec.get("validationFailureActionOverrides"))
    earlier: list[Criterion] = []
    for override in map(mapping, overrides):
        parts: list[Criterion] = []
        if namespaces := strings(override.get("namespaces")):
            parts.append(("namespaces", namespaces))
        if (selector := override.get("namespaceSelector")) is not None:
            parts += selector_criteria("namespaceLabels", selector)
        here = ("all", *parts)
        yield Binding(_severity(override.get("action")), ("all", here, *earlier), params)
        earlier.append(("not", here))
    yield Binding(_severity(action), ("all", *earlier), params)


def _severity(action: Any) -> Severity:
    return "error" if text(action).lower() == "enforce" else "info"
