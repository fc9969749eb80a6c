"""ValidatingPolicy and NamespacedValidatingPolicy of policies.kyverno.io -> admission policies.

Semantics of kyverno `pkg/cel/policies/vpol`: much as ValidatingAdmissionPolicy, in an environment of its own; the
policy itself says what is to be done, and one on Pods alone is lifted to their controllers (`pkg/cel/autogen`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.admission.form import AdmissionPolicy, Binding, Rule, expressions_of, problem_at, strings
from policykit.admission.kubernetes import severity_of
from policykit.admission.kyverno.exceptions import allowances, exempting
from policykit.admission.kyverno.lifting import CONTROLLERS, CRON_JOBS, Lift, rewriter
from policykit.admission.kyverno.lifting import KINDS as CONTROLLER_KINDS
from policykit.admission.matching import NEVER
from policykit.admission.resource_rules import match_resources
from policykit.admission.resources import plural
from policykit.views.objects import mapping, sequence
from policykit.views.selector import selects_everything

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from policykit.admission.matching import Criterion
    from policykit.errors import Problem
    from policykit.parse.kubernetes import KubernetesObject

GROUP = "policies.kyverno.io"
KINDS = ("ValidatingPolicy", "NamespacedValidatingPolicy")
#: What Kyverno lifts these policies to; unlike with ClusterPolicy, no ReplicationController.
_LIFTED = {plural(kind): kind for kind in CONTROLLER_KINDS if kind != "ReplicationController"}


def read_policy(obj: KubernetesObject, exceptions: Sequence[KubernetesObject]) -> AdmissionPolicy:
    """A policy as it is written, and as it is lifted to controllers."""
    spec = mapping(obj.data.get("spec"))
    problems: list[Problem] = []
    if mapping(spec.get("evaluation")).get("mode") == "JSON":
        message = "policies about JSON payloads are not evaluated here, only those about Kubernetes objects"
        problems.append(problem_at(obj, ("spec", "evaluation", "mode"), message, "move it out of this folder"))
    expressions = expressions_of(spec, obj, ("spec",))
    kept = tuple(exempting(obj, exceptions))
    written = Rule(
        match=_within(obj, match_resources(spec["matchConstraints"], exactly=True))
        if spec.get("matchConstraints")
        else NEVER,
        expressions=expressions._replace(conditions=(*kept, *expressions.conditions)),
        bindings=(Binding(severity_of(spec.get("validationActions"))),),
        fails=spec.get("failurePolicy") != "Ignore",
        dialect="kyverno",
        constants={"exceptions": allowances(obj, exceptions)},
    )
    rules = [written]
    for lift, match in _lifts(spec):
        text = expressions.rewritten(rewriter(lift, spare_namespace=True))
        rules.append(
            written._replace(
                match=_within(obj, match_resources(match, exactly=True)),
                expressions=text._replace(conditions=(*kept, *text.conditions)),
            )
        )
    return AdmissionPolicy(obj.name, obj, tuple(rules), {}, tuple(problems))


def _within(obj: KubernetesObject, match: Criterion) -> Criterion:
    if obj.kind == "NamespacedValidatingPolicy":
        return ("all", match, ("namespaces", [obj.namespace or "default"]))
    return match


def _lifts(spec: Mapping[str, Any]) -> Iterator[tuple[Lift, Mapping[str, Any]]]:
    """The families of controllers that a policy is lifted to, each with its matchConstraints."""
    constraints = mapping(spec.get("matchConstraints"))
    if not _is_about_pods(constraints):
        return
    asked = mapping(mapping(spec.get("autogen")).get("podControllers")).get("controllers")
    kinds = [_LIFTED[name] for name in (_LIFTED if asked is None else strings(asked)) if name in _LIFTED]
    operations = mapping(sequence(constraints.get("resourceRules"))[0]).get("operations")
    for lift in (CONTROLLERS, CRON_JOBS):
        rules = [_rule(lift.kinds[kind], plural(kind), operations) for kind in kinds if kind in lift.kinds]
        if rules:
            yield lift, {"resourceRules": rules, "namespaceSelector": constraints.get("namespaceSelector")}


def _rule(selector: str, resource: str, operations: Any) -> Mapping[str, Any]:
    group, version, _ = selector.split("/")
    return {"apiGroups": [group], "apiVersions": [version], "resources": [resource], "operations": operations}


def _is_about_pods(constraints: Mapping[str, Any]) -> bool:
    """Whether it selects Pods and nothing else, and no pod by what its controller does not share with it."""
    rules = [mapping(rule) for rule in sequence(constraints.get("resourceRules"))]
    if len(rules) != 1 or constraints.get("excludeResourceRules"):
        return False
    (rule,) = rules
    wanted = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
    return (
        all(rule.get(key) == value for key, value in wanted.items())
        and not rule.get("resourceNames")
        and selects_everything(constraints.get("objectSelector"))
    )
