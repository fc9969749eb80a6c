"""The expressions of the language specification and real policies, answered as Kubernetes 1.36 answered them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.cel import BOOL, DYN, STRING, CompileError, Composition, Environment, EvaluationError, Program
from policykit.cel.kubernetes import admission_variables
from policykit.unknown import Unknown
from tests.cel.wire import declared, normal, outcome, recorded, value

if TYPE_CHECKING:
    import pytest

#: Cases whose recorded answer is another case's (its type is bool, the expression's is int): expression -> reason.
MISRECORDED = {
    "'tacocat'.indexOf('')": "recorded as `true`; the expression is an int",
    "'tacocat'.indexOf('ac')": "recorded as `true`; the expression is an int",
}


def test_specification(capsys: pytest.CaptureFixture[str]) -> None:
    cases = [case for case in recorded("spec.jsonl") if "kubernetes" in case]
    differing = {}
    for case in cases:
        expected, *rest = case["kubernetes"]["result"]
        kind, content = outcome(_environment(case), case["expr"], {n: value(v) for n, v in case["bind"].items()})
        kind = "k8s_nocompile" if kind == "compile_error" else kind
        if kind != expected or (
            kind == "value" and repr(content) != repr(normal(rest[0])) and not _zero(content, rest)
        ):
            differing[case["expr"]] = (kind, content)
    same = len(cases) - len(differing)
    with capsys.disabled():
        print(f"\ncel/spec.jsonl: {len(cases)} cases, {same} same, {len(differing)} deviations")
        for expression in sorted(differing):
            print(f"    {expression}: {MISRECORDED.get(expression, 'UNEXPLAINED')}")
    assert differing.keys() == MISRECORDED.keys(), differing


def _environment(case: dict[str, Any]) -> Environment:
    types = {name: declared(type_) for name, type_ in case["env"]}
    return Environment(dict.fromkeys(case["bind"], DYN) if case["disable_check"] else types)


def _zero(content: Any, rest: list[Any]) -> bool:
    """The recordings have no sign on a zero."""
    return bool(content[0] == "double" == rest[0][0]) and content[1] == float(rest[0][1]) == 0


class Unit:
    """A policy of the data, compiled."""

    def __init__(self, data: dict[str, Any]) -> None:
        environment = Environment(admission_variables(params=data["hasParams"]))
        variables = [(v["Name"], v["Expression"]) for v in data["variables"]]
        self.composition = Composition.compile(environment, variables)
        self.errors = [f"variable {n}: {e.told}" for n, e in self.composition.errors.items()]
        self.validations = [self.program("validation", v["Expression"]) for v in data["validations"]]
        self.messages = [
            self.program("messageExpression", v["MessageExpression"]) if v["MessageExpression"] else None
            for v in data["validations"]
        ]
        self.conditions = [self.program("matchCondition", v["Expression"]) for v in data["matchConditions"]]

    def program(self, kind: str, expression: str) -> Program | None:
        assert self.composition.environment is not None
        try:
            return self.composition.environment.compile(expression)
        except CompileError as error:
            self.errors.append(f"{kind}: {error.told}")
            return None

    def verdict(self, case: dict[str, Any]) -> dict[str, Any]:
        bound = self.composition.bind(bindings(case))
        return {
            "validations": [_evaluated(p, bound) for p in self.validations],
            "match": [_evaluated(p, bound) for p in self.conditions],
            "messages": [_evaluated(p, bound) for p in self.messages],
        }


def bindings(case: dict[str, Any]) -> dict[str, Any]:
    """What the recordings were made with."""
    metadata = case["object"].get("metadata") or {}
    request = {"operation": "CREATE", "userInfo": {"username": "someone"}, "dryRun": False}
    request |= {key: metadata[key] for key in ("name", "namespace") if metadata.get(key)}
    unknown = Unknown(("who may do what is known in a cluster only",))
    return {
        "object": case["object"],
        "oldObject": None,
        "params": case["params"],
        "request": request,
        "namespaceObject": {"metadata": {"name": "default"}},
        "authorizer": unknown,
        "authorizer.requestResource": unknown,
    }


def _evaluated(program: Program | None, bound: dict[str, Any]) -> dict[str, Any] | None:
    if program is None:
        return None
    try:
        result = program.evaluate(bound)
    except EvaluationError as error:
        return {"err": f"expression '{program.expression}' resulted in error: {error}"}
    return {"bool" if program.type == BOOL else "string": result}


def test_policies_compile_as_in_kubernetes() -> None:
    for data in recorded("units.jsonl"):
        unit = Unit(data)
        assert unit.errors == data["k8s_errs"], data["name"]
        assert all(p is None or p.type == STRING for p in unit.messages), data["name"]


def test_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    units = {data["unit"]: Unit(data) for data in recorded("units.jsonl") if data["k8s_ok"]}
    cases = recorded("verdicts.jsonl")
    differing = []
    for case in cases:
        expected = {key: case["kubernetes"][key] for key in ("validations", "match", "messages")}
        if (found := units[case["unit"]].verdict(case)) != expected:
            differing.append((case["unit"], found, expected))
    with capsys.disabled():
        same = len(cases) - len(differing)
        print(
            f"\ncel/verdicts.jsonl: {len(cases)} cases of {len(units)} units, {same} same, {len(differing)} deviations"
        )
    assert not differing, differing[:3]


def test_policies_survive_a_cache() -> None:
    """Programs that were dumped and loaded give the same verdicts."""
    cases: dict[int, dict[str, Any]] = {}
    for case in recorded("verdicts.jsonl"):
        cases.setdefault(case["unit"], case)
    for data in recorded("units.jsonl"):
        if data["unit"] not in cases:
            continue
        unit = Unit(data)
        expected = unit.verdict(cases[data["unit"]])
        unit.composition = Composition({n: Program.load(p.dump()) for n, p in unit.composition.programs.items()})
        for programs in (unit.validations, unit.conditions, unit.messages):
            programs[:] = [None if p is None else Program.load(p.dump()) for p in programs]
        assert unit.verdict(cases[data["unit"]]) == expected, data["name"]
