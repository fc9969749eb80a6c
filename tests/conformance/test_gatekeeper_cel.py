"""The cases of gatekeeper-library whose templates have CEL: template and constraint as they are, in a policy folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.admission.policies import checks, judge, manifest
from tests.conformance.harness import TABLE, Comparison, read_cases

if TYPE_CHECKING:
    from collections.abc import Mapping

_SOURCE = "gatekeeper-library CEL"
_ENGINE = "K8sNativeValidation"
#: Variables that Gatekeeper itself puts before those of a template.
_OWN = ("anyObject", "params")


def _lower(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key[0].lower() + key[1:]: value for key, value in fields.items() if value}


def template(kind: str, unit: Mapping[str, Any]) -> dict[str, Any]:
    """The ConstraintTemplate that a recorded unit was taken from, as far as it matters."""
    source = {
        "variables": [_lower(v) for v in unit["variables"] if v["Name"] not in _OWN],
        "validations": [_lower(v) for v in unit["validations"]],
        "matchCondition": [_lower(c) for c in unit["matchConditions"]],
    }
    code = [{"engine": "Rego", "source": {"rego": "package x"}}, {"engine": _ENGINE, "source": source}]
    return {
        "apiVersion": "templates.gatekeeper.sh/v1",
        "kind": "ConstraintTemplate",
        "metadata": {"name": kind.lower()},
        "spec": {
            "crd": {"spec": {"names": {"kind": kind}}},
            "targets": [{"target": "admission.k8s.gatekeeper.sh", "code": code}],
        },
    }


def difference(case: Mapping[str, Any], units: Mapping[str, Mapping[str, Any]]) -> str:
    """What differs from the case's verdict: none, some, or a number of violations."""
    unit = units[f"gk/{case['template']}"]
    (check,) = checks(manifest(template(case["rule"], unit)), manifest(case["constraint"]))
    inventory = [other if isinstance(other, str) else manifest(other) for other in case["inventory"]]
    outcomes = judge(check, case["input"], *inventory)
    found = [outcome.message for outcome in outcomes if outcome.verdict == "fail"]
    return "" if bool(found) == bool(case["expect"]["violations"]) else f"{case['expect']}, found {outcomes}"


def test_templates_decide_as_in_gatekeeper() -> None:
    units = {unit["src"]: unit for unit in read_cases("cel/units.jsonl") if unit["kind"] == _ENGINE}
    comparison = Comparison(_SOURCE)
    for case in read_cases("kubernetes/gatekeeper-library.jsonl"):
        if _ENGINE in case["engines"]:
            comparison.record(case, difference(case, units))
    comparison.conclude()
    assert TABLE[_SOURCE]["same"] == TABLE[_SOURCE]["cases"] > 0
