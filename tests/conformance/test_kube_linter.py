"""kube-linter's own cases: how many objects of a file break a check."""

from __future__ import annotations

from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import yaml

from policykit.cel import DYN, Environment, EvaluationError, ListType
from tests.conformance.harness import Comparison, check, equivalents, read_cases

if TYPE_CHECKING:
    from collections.abc import Mapping

#: kube-linter's settings of a built-in check, as parameters of ours.
BUILT_IN: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "cluster-admin-role-binding": {"cluster-admin-binding": {"wildcards": False}},
    "dnsconfig-options": {"dns-ndots-missing": {"value": "2"}},
    "env-var-secret": {"secret-in-environment": {"names": "(?i)secret", "except": "^$", "harmless": "^$"}},
    "drop-net-raw-capability": {"net-raw-not-dropped": {"whenUnset": False}},
    "liveness-port": {"probe-port-not-exposed": {"probes": ["liveness"], "unlisted": True}},
    "readiness-port": {"probe-port-not-exposed": {"probes": ["readiness"], "unlisted": True}},
    "startup-port": {"probe-port-not-exposed": {"probes": ["startup"], "unlisted": True}},
    "minimum-three-replicas": {"too-few-replicas": {"min": 3}},
    "hpa-minimum-three-replicas": {"hpa-minimum-too-low": {"min": 3}},
    "no-rolling-update-strategy": {"recreate-strategy": {"anywhere": True}},
    "no-anti-affinity": {"pod-anti-affinity-missing": {"spread": False}},
    "non-isolated-pod": {"pod-network-policy-missing": {"anyDirection": True}},
    "privilege-escalation-container": {"privilege-escalation-requested": {"implied": True}},
    "required-annotation-email": {
        "required-annotation-missing": {"required": [r"email=[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+"]}
    },
    "required-label-owner": {"required-label-missing": {"required": ["owner"]}},
    "unsafe-sysctls": {
        "unsafe-sysctl": {"forbidden": ["kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue.", "net."]}
    },
    "unset-cpu-requirements": {"resource-requests-missing": {"memory": False}},
    "unset-memory-requirements": {"resource-limits-missing": {"cpu": False}},
}
DEPLOYMENT_LIKE = frozenset(
    {
        "CronJob",
        "DaemonSet",
        "Deployment",
        "DeploymentConfig",
        "Job",
        "Pod",
        "ReplicaSet",
        "ReplicationController",
        "StatefulSet",
    }
)
#: Our policies for kube-linter's templates, of which its users make checks of their own.
TEMPLATES: Mapping[str, str] = {
    "forbidden-annotation": "forbidden-annotation",
    "kubeconform": "api-schema-violation",
    "statefulset-volumeclaimtemplate-annotation": "volume-claim-annotation-missing",
}


def difference(case: Mapping[str, Any]) -> str:
    """What differs from the number of reports that kube-linter's test expects; None there means any number."""
    found = count(case)
    if found is None:
        return "no policy stands for this check"
    expected = case["expect"]["count"]
    if expected is None:
        return "" if found else "expected a finding"
    return "" if found == expected else f"expected {expected} findings, found {found}"


def count(case: Mapping[str, Any]) -> int | None:
    """How often our rules report; None where none stands for the check."""
    rule = case["rule"]
    if case["config"]:
        found = [custom(case["input"], one) for one in yaml.safe_load(case["config"])["customChecks"]]
        return None if None in found else sum(number or 0 for number in found)
    rules = equivalents("kube-linter", rule)
    return len(check({"objects.yaml": case["input"]}, rules, BUILT_IN.get(rule)).findings) if rules else None


def custom(text: str, config: Mapping[str, Any]) -> int | None:
    """Findings for a check made of a template; None for a template that no policy stands for."""
    rule, params = TEMPLATES.get(config["template"]), config["params"]
    if config["template"] == "cel-expression":
        return own_expression(text, params["check"], config["scope"]["objectKinds"])
    if rule is None:
        return None
    if config["template"] == "forbidden-annotation":
        given = {"forbidden": [f"{params['key']}={params['value'].strip()}"]}
    else:
        given = dict(params)
    return len(check({"objects.yaml": text}, [rule], {rule: given}).findings)


def own_expression(text: str, expression: str, kinds: list[str]) -> int:
    """How many objects a check in CEL has something to say about; one that has no value for an object says nothing."""
    environment = Environment({"object": DYN, "objects": ListType(DYN)})
    program = environment.compile(expression)
    # kube-linter's reader takes the last of two equal keys, and one of its cases counts on that.
    objects = [item for item in yaml.safe_load_all(text) if item]
    like = DEPLOYMENT_LIKE if "DeploymentLike" in kinds else frozenset[str]()
    wanted = [item for item in objects if item["kind"] in kinds or item["kind"] in like]
    found = 0
    for obj in wanted:
        with suppress(EvaluationError):
            found += program.evaluate({"object": obj, "objects": objects}) != ""
    return found


def test_verdicts_are_those_of_kube_linter() -> None:
    comparison = Comparison("kube-linter")
    schemas = find_spec("kubernetes_validate") is not None  # the extra `schema`
    for case in read_cases("kubernetes/kube_linter.jsonl"):
        if schemas or case["rule"] not in ("schema-validation", "template-kubeconform"):
            comparison.record(case, difference(case))
    comparison.conclude()
