"""The oracle is only worth asking if it answers as the recorded API server did."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import Answer, Oracle, oracle_or_skip

CONFORMANCE = Path(os.environ.get("POLICYKIT_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance"))

#: Recorded for another case of the same name (the expectation is a bool, the expression an int).
MISRECORDED = {
    ("string_ext", "empty_index", "'tacocat'.indexOf('')"),
    ("string_ext", "string_index", "'tacocat'.indexOf('ac')"),
}

#: The request that the recordings were made with.
REQUEST = {"operation": "CREATE", "userInfo": {"username": "someone"}}
NAMESPACE = {"metadata": {"name": "default"}}


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return oracle_or_skip()


def recorded(name: str) -> list[dict[str, Any]]:
    path = CONFORMANCE / "cel" / name
    if not path.exists():
        pytest.skip(f"no conformance data at {path} (POLICYKIT_CONFORMANCE names the folder)")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def canonical(value: Any) -> Any:
    """Entries of maps in one order; the recordings have no sign on a zero."""
    if isinstance(value, list) and value[:1] == ["map"]:
        return ["map", sorted((canonical(pair) for pair in value[1]), key=json.dumps)]
    if isinstance(value, list):
        return [canonical(item) for item in value]
    return "0.0" if value == "-0.0" else value


def outcome(answer: Answer) -> list[Any]:
    if "compile_error" in answer:
        return ["k8s_nocompile"]
    return ["error"] if "error" in answer else ["value", canonical(answer["value"])]


def test_expressions_of_the_language_specification(oracle: Oracle) -> None:
    cases = [case for case in recorded("spec.jsonl") if "kubernetes" in case]
    answers = oracle.ask({"expr": case["expr"], "typed": case["bind"], "version": "1.36"} for case in cases)
    differing = {
        (case["file"], case["name"], case["expr"])
        for case, answer in zip(cases, answers, strict=True)
        if [outcome(answer), answer.get("type")]
        != [canonical(case["kubernetes"]["result"]), case["kubernetes"]["type"]]
    }
    assert differing == MISRECORDED


def test_policies(oracle: Oracle) -> None:
    units = {unit["unit"]: unit for unit in recorded("units.jsonl")}
    verdicts = recorded("verdicts.jsonl")
    answers = oracle.ask(policy_question(units[verdict["unit"]], verdict) for verdict in verdicts)
    for verdict, answer in zip(verdicts, answers, strict=True):
        # The cost is left out: it depends on the order in which Go visits a map.
        for part in ("compile_errs", "match", "messages", "validations"):
            assert answer[part] == verdict["kubernetes"][part], (verdict, answer)


def policy_question(unit: dict[str, Any], verdict: dict[str, Any]) -> dict[str, Any]:
    policy = {part: unit[part] for part in ("variables", "validations", "matchConditions")}
    if unit["hasParams"]:
        policy["paramKind"] = {"apiVersion": "v1", "kind": "ConfigMap"}
    return {
        "policy": policy,
        "object": verdict["object"],
        "params": verdict["params"],
        "namespaceObject": NAMESPACE,
        "request": REQUEST,
    }


def test_policies_that_do_not_compile(oracle: Oracle) -> None:
    units = recorded("units.jsonl")
    answers = oracle.ask(policy_question(unit, {"object": None, "params": None}) for unit in units)
    for unit, answer in zip(units, answers, strict=True):
        assert sorted(answer["compile_errs"]) == sorted(unit["k8s_errs"])


def test_decisions_follow_the_failure_policy(oracle: Oracle) -> None:
    policy = {
        "validations": [
            {"expression": "object.a == 1", "messageExpression": "'a is ' + string(object.a)", "reason": "Forbidden"},
            {"expression": "object.missing == 1"},
        ],
        "auditAnnotations": [{"key": "k", "valueExpression": "'a=' + string(object.a)"}],
    }
    question = {"policy": policy | {"failurePolicy": "Ignore"}, "object": {"a": 2}}
    (answer,) = oracle.ask([question])
    assert [decision["action"] for decision in answer["decisions"]] == ["deny", "admit"]
    assert answer["decisions"][0]["message"] == "a is 2"
    assert answer["decisions"][0]["reason"] == "Forbidden"
    assert answer["auditAnnotations"] == [{"key": "k", "value": "a=2", "action": "publish", "error": ""}]
    (answer,) = oracle.ask([question | {"policy": policy | {"failurePolicy": "Fail"}}])
    assert [decision["evaluation"] for decision in answer["decisions"]] == ["deny", "error"]


def test_versions_and_declared_types(oracle: Oracle) -> None:
    old, new = oracle.ask({"expr": "isIP('::1')", "version": version} for version in ("1.29", "1.30"))
    assert "undeclared reference to 'isIP'" in old["compile_error"]
    assert new["value"] == ["bool", True]
    typed = {"types": {"Image": {"ref": "string"}}, "variables": {"image": "Image"}, "bind": {"image": {"ref": "a"}}}
    good, bad = oracle.expressions(["image.ref", "image.rfe"], **typed)
    assert good["value"] == ["string", "a"]
    assert "undefined field 'rfe'" in bad["compile_error"]


def test_a_bad_question_does_not_end_the_batch(oracle: Oracle) -> None:
    nonsense, good = oracle.ask([{"neither": 1, "id": 7}, {"expr": "1 + 1"}])
    assert "neither" in nonsense["bad_question"]
    assert nonsense["id"] == 7
    assert good["value"] == ["int", "2"]
