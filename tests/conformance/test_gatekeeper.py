"""The cases of gatekeeper-library: what a constraint says of an object, given its parameters and its inventory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from tests.conformance.gatekeeper_parameters import parameters, rules_for
from tests.conformance.harness import Comparison, check, read_cases

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policykit.finding import Finding

_LISTS = ("initContainers", "containers", "ephemeralContainers")


def difference(case: Mapping[str, Any]) -> str:
    """What differs from the case's verdict: none, some, or a number of violations."""
    found = findings(case)
    if found is None:
        return "no policy stands for this template"
    expected = case["expect"]["violations"]
    wanted = bool(expected)
    if isinstance(expected, bool) or expected is None:
        return "" if bool(found) == wanted else f"violations: {wanted}, found {[f.message for f in found]}"
    return "" if len(found) == expected else f"expected {expected} violations, found {[f.message for f in found]}"


def findings(case: Mapping[str, Any]) -> list[Finding] | None:
    """Our findings about the object under review; None where no policy stands for the template."""
    given = case["constraint"].get("spec", {}).get("parameters") or {}
    rules = rules_for(case["rule"], given)
    if not rules:
        return None
    obj = yaml.safe_load(case["input"])
    if case["is_admission_review"]:
        request = obj["request"]
        # What these templates look at never changes in a pod, so they leave updates alone.
        if request.get("operation") == "UPDATE" and case["rule"].startswith(("K8sPSP", "K8sRequiredProbes")):
            return []
        obj = request["object"]
    if not without_exempt(obj, given.get("exemptImages") or []):
        return []
    files = {"object.yaml": yaml.safe_dump(obj)}
    for index, other in enumerate(case["inventory"]):
        files[f"other{index}.yaml"] = other if isinstance(other, str) else yaml.safe_dump(other)
    mapped = parameters(case["rule"], given)
    return [f for f in check(files, rules, mapped).findings if f.span.file == "object.yaml"]


def without_exempt(obj: dict[str, Any], patterns: list[str]) -> bool:
    """Takes the containers whose images are exempt out of a pod; False where none is left."""
    spec = obj.get("spec")
    if not patterns or not isinstance(spec, dict):
        return True
    for key in _LISTS:
        if key in spec:
            spec[key] = [c for c in spec[key] if not any(_covers(p, c.get("image", "")) for p in patterns)]
    return any(spec.get(key) for key in _LISTS)


def _covers(pattern: str, image: str) -> bool:
    return image.startswith(pattern[:-1]) if pattern.endswith("*") else image == pattern


def test_verdicts_are_those_of_gatekeeper_library() -> None:
    comparison = Comparison("gatekeeper-library")
    for case in read_cases("kubernetes/gatekeeper-library.jsonl"):
        comparison.record(case, difference(case))
    comparison.conclude()
