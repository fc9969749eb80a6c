"""The cases of pod-security-admission: pods that a level lets pass, or does not, in each version of Kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.conformance.harness import Comparison, catalogue, check, equivalents, read_cases

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def difference(case: Mapping[str, Any]) -> str:
    """What differs from the case's verdict, in any of its versions."""
    rules = level_rules(case["level"])
    for version in case["versions"]:
        found = {
            finding.rule for finding in check({"pod.yaml": case["input"]}, rules, parameters(rules, version)).findings
        }
        if bool(found) == case["expect"]["allowed"]:
            return f"{version}: allowed is {case['expect']['allowed']}, found {', '.join(found) or 'nothing'}"
        blamed = set(blamable(case)) if case["rule"] != "*" else found
        if found and not found & blamed:
            return f"{version}: {case['rule']} is broken, found {', '.join(found)}"
    return ""


def level_rules(level: str) -> tuple[str, ...]:
    """The policies of a level; `restricted` is `baseline` and more."""
    return equivalents("pss", "baseline") + (equivalents("pss", "restricted") if level == "restricted" else ())


def blamable(case: Mapping[str, Any]) -> Iterable[str]:
    """The policies for the control that a case is about, and for the stricter one that reports in its place."""
    replaced = {"hostPathVolumes": "restrictedVolumes", "capabilities_baseline": "capabilities_restricted"}
    for control in (case["rule"], replaced.get(case["rule"], "")):
        yield from equivalents("pss", control)


def parameters(rules: Iterable[str], version: str) -> dict[str, dict[str, Any]]:
    policies = ((rule, catalogue().get(rule)) for rule in rules)
    return {rule: {"version": version} for rule, policy in policies if policy and "version" in policy.parameters}


def test_verdicts_are_those_of_pod_security_admission() -> None:
    comparison = Comparison("pod-security-admission")
    for case in read_cases("kubernetes/pod-security-admission.distinct.jsonl"):
        comparison.record(case, difference(case))
    comparison.conclude()


def test_the_levels_have_all_their_controls() -> None:
    controls = {control for policy in catalogue().policies for control in policy.equivalents.get("pss", ())}
    assert controls == {
        "baseline",
        "restricted",
        "allowPrivilegeEscalation",
        "appArmorProfile",
        "capabilities_baseline",
        "capabilities_restricted",
        "hostNamespaces",
        "hostPathVolumes",
        "hostPorts",
        "hostProbesAndHostLifecycle",
        "privileged",
        "procMount",
        "procMount_restricted",
        "restrictedVolumes",
        "runAsNonRoot",
        "runAsUser",
        "seLinuxOptions",
        "seccompProfile_baseline",
        "seccompProfile_restricted",
        "sysctls",
        "windowsHostProcess",
    }
