"""A compiled admission policy, applied to the objects of a project: bindings, parameters, decisions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from policykit.admission.matching import matches
from policykit.admission.request import Request, create_request
from policykit.admission.validating import Rule, Validator
from policykit.catalogue.outcome import Outcome
from policykit.cel.composition import Composition
from policykit.cel.program import Program
from policykit.document import route_text
from policykit.unknown import Unknown, merge
from policykit.views.objects import follow, mapping, sequence
from policykit.views.selector import selects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.finding import Severity
    from policykit.policy import Policy
    from policykit.views.objects import ApiObject
    from policykit.views.project import Project
    from policykit.views.view import Subject

#: What an API server does about a denial, the gravest first, and how grave that is for us.
_SEVERITIES: Mapping[str, Severity] = {"Deny": "error", "Warn": "warning", "Audit": "info"}
_OBJECT_PATH = re.compile(r"\bobject((?:\.\??[A-Za-z_]\w*(?![\w(]))+)")
#: Authorization is a cluster's to decide.
_AUTHORIZER = Unknown(("what the cluster's authorizer allows",))


def severity_of(actions: list[str]) -> Severity:
    """The severity of a binding's `validationActions`."""
    return next((severity for action, severity in _SEVERITIES.items() if action in actions), "error")


class AdmissionCheck:
    """The check of one ValidatingAdmissionPolicy; see `policykit.admission.policies` for the form of `dump`."""

    def __init__(self, policy: Policy, dump: Mapping[str, Any]) -> None:
        self.policy = policy
        self._dump = dump
        self._validator = validator(dump)

    def judge(self, subject: Subject, project: Project, parameters: Mapping[str, Any]) -> list[Outcome]:  # noqa: ARG002
        """What is held against the object's creation, for each binding that covers it."""
        obj: ApiObject = subject.document  # type: ignore[assignment]  # the view `object` has no other
        request = create_request(obj, project)
        covered = matches(mapping(self._dump["constraints"]), request)
        if covered is False:
            return []
        return [o for b in self._dump["bindings"] for o in self._bound(mapping(b), request, covered, project)]

    def _bound(
        self, binding: Mapping[str, Any], request: Request, covered: bool | Unknown, project: Project
    ) -> Iterator[Outcome]:
        selected = matches(mapping(binding.get("matchResources")), request)
        if selected is False:
            return
        severity = severity_of(binding["validationActions"])
        doubts = [d for d in (covered, selected) if isinstance(d, Unknown)]
        for params in self._params(binding, request, project):
            if isinstance(params, str):
                yield Outcome("fail", params, "", severity)
                continue
            for decision in self._validator.decide(bindings(request, params)):
                at = self._blamed(decision.position, request)
                if decision.action == "unknown" or doubts:
                    message = decision.message
                    if doubts:
                        doubt = doubts[0] if len(doubts) == 1 else merge(*doubts)
                        message = f"cannot be judged: {'; '.join(doubt.reasons)}"
                    yield Outcome("unknown", message, at, severity)
                else:
                    yield Outcome("fail", decision.message, at, severity)

    def _params(self, binding: Mapping[str, Any], request: Request, project: Project) -> list[Any]:
        """The parameter objects a binding refers to; a text instead of one is the denial that their absence means."""
        kind, ref = self._dump["paramKind"], binding.get("paramRef")
        if not kind or not ref:
            return [None]
        namespace = ref.get("namespace") or request.namespace
        found = [
            obj
            for obj in project.objects
            if (obj.api_version, obj.kind) == (kind.get("apiVersion"), kind.get("kind"))
            and (not obj.namespace or obj.namespace == namespace)
        ]
        name, selector = ref.get("name"), ref.get("selector")
        if name:
            found = [obj for obj in found if obj.name == name]
        elif selector is not None:
            found = [obj for obj in found if selects(selector, mapping(follow(obj.data, ("metadata", "labels"))))]
        if found:
            return [obj.data for obj in found]
        if ref.get("parameterNotFoundAction") == "Allow":
            return []
        what = f"`{name}`" if name else "that its selector matches"
        return [Unknown((f"no {kind.get('kind')} {what} is among the files",))]

    def _blamed(self, position: int, request: Request) -> str:
        """The part of the object that a validation is about: the first path into it that its expression names."""
        if position < 0:
            return ""
        for match in _OBJECT_PATH.finditer(self._dump["rules"][position][1]):
            route = tuple(step.removeprefix("?") for step in match[1][1:].split("."))
            while route and follow(request.obj, route) is None:
                route = route[:-1]
            if route:
                return route_text(route)
        return ""


def validator(dump: Mapping[str, Any]) -> Validator:
    """The validator of a dump of `policykit.admission.compiler`."""
    return Validator(
        Composition({name: Program.load(program) for name, program in dump["variables"]}),
        [(name, Program.load(program)) for name, program in dump["conditions"]],
        [
            Rule(Program.load(program), text, message, Program.load(said) if said else None, reason)
            for program, text, message, said, reason in dump["rules"]
        ],
        fails=dump["fails"],
    )


def bindings(request: Request, params: Any) -> dict[str, Any]:
    """The variables of an evaluation."""
    return {
        "object": request.obj,
        "oldObject": request.old,
        "request": request.binding(),
        "namespaceObject": request.namespace_object,
        "params": params,
        "authorizer": _AUTHORIZER,
        "authorizer.requestResource": _AUTHORIZER,
    }


def texts(value: Any) -> list[str]:
    """The texts of a list."""
    return [v for v in sequence(value) if isinstance(v, str)]
