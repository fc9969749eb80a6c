"""A compiled admission policy, applied to the objects of a project: matching, bindings, parameters, decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.admission.matching import ALWAYS, matcher
from policykit.admission.parameters import ParameterError, parameters_of
from policykit.admission.request import Request, request_of
from policykit.admission.resources import getter
from policykit.admission.validating import Decision, Validation, Validator, doubtful
from policykit.catalogue.outcome import Outcome
from policykit.cel.composition import Composition
from policykit.cel.program import Program
from policykit.document import route_text
from policykit.unknown import Unknown, merge
from policykit.views.objects import follow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.finding import Severity
    from policykit.policy import Policy
    from policykit.views.objects import ApiObject
    from policykit.views.project import Project
    from policykit.views.view import Subject

#: As many sorts of requests are remembered; there are more only where somebody makes up kinds.
_SORTS = 1024
_GRAVITY = ("error", "warning", "info")


class AdmissionCheck:
    """The check of one admission policy of any engine; its programs are those of `policykit.admission.compiler`."""

    def __init__(self, policy: Policy, programs: Mapping[str, Any]) -> None:
        self.policy = policy
        self._rules = [RuleCheck(rule) for rule in programs["rules"]]
        self._by_sort: dict[tuple[Any, ...], list[tuple[RuleCheck, bool]]] = {}

    def judge(self, subject: Subject, project: Project, parameters: Mapping[str, Any]) -> list[Outcome]:  # noqa: ARG002
        """What is held against the request that an object stands for; see `policykit.catalogue.outcome.Check`."""
        (request,) = project.once(subject.document, _request)
        found: dict[tuple[Any, ...], Outcome] = {}
        for rule, covers_all in self._about(request):
            for outcome in rule.judge(request, project, covered=covers_all):
                # Several bindings may say the same of an object: the gravest counts.
                key = outcome[:3]
                if key not in found or _GRAVITY.index(outcome.severity) < _GRAVITY.index(found[key].severity):
                    found[key] = outcome
        return list(found.values())

    def _about(self, request: Request) -> list[tuple[RuleCheck, bool]]:
        """The rules that are about requests of this sort, all of them or some: of many policies, few are."""
        rules = self._by_sort.get(request.sort)
        if rules is None:
            if len(self._by_sort) > _SORTS:
                self._by_sort.clear()
            verdicts = [(rule, rule.covers_sort(request)) for rule in self._rules]
            rules = [(rule, verdict is True) for rule, verdict in verdicts if verdict is not False]
            self._by_sort[request.sort] = rules
        return rules


def _request(obj: ApiObject, project: Project) -> tuple[Request]:
    return (request_of(obj, project),)


def _kyverno_variables(request: Request, project: Project) -> tuple[dict[str, Any]]:
    from policykit.admission.kyverno import library

    return ({**request.variables, **library.bindings(getter(project))},)


class RuleCheck:
    """One rule with its bindings."""

    def __init__(self, rule: Mapping[str, Any]) -> None:
        self._match = rule["match"]
        self._matches = matcher(rule["match"])
        self._bindings = [
            (severity, None if match == ALWAYS else matcher(match), params)
            for severity, match, params in rule["bindings"]
        ]
        self._validator = _validator(rule)
        self._constants = rule["constants"]
        self._kyverno = rule["dialect"] == "kyverno"
        self._fails: bool = rule["fails"]
        self._label = f"{rule['label']}: " if rule["label"] else ""

    def covers_sort(self, request: Request) -> bool | Unknown:
        """Whether the rule is about requests of this one's sort; Unknown where it is about some."""
        return matcher(self._match, of_sort=True)(request)

    def judge(self, request: Request, project: Project, *, covered: bool) -> Iterator[Outcome]:
        """What is wrong with a request, or cannot be known, under each binding that covers it.

        `covered`: the rule is known to be about it.
        """
        about = covered or self._matches(request)
        if about is False:
            return
        for severity, matches, params in self._bindings:
            selected = matches is None or matches(request)
            if selected is False:
                continue
            doubts = [doubt for doubt in (about, selected) if isinstance(doubt, Unknown)]
            doubt = merge(*doubts) if len(doubts) > 1 else doubts[0] if doubts else None
            for decision in self._decisions(params, request, project):
                yield self._outcome(decision, doubt, severity, request)

    def _decisions(self, params: Any, request: Request, project: Project) -> Iterator[Decision]:
        variables = self._variables(request, project)
        if params is None:
            yield from self._validator.decide(variables, fails=self._fails)
            return
        try:
            found = parameters_of(params, request, project)
        except ParameterError as error:
            if self._fails:
                yield Decision("deny", f"failed to configure binding: {error}", always=True)
            return
        for value in found:
            yield from self._validator.decide({**variables, "params": value}, fails=self._fails)

    def _variables(self, request: Request, project: Project) -> dict[str, Any]:
        if not self._kyverno:
            return request.variables
        (variables,) = project.once(request, _kyverno_variables)
        return {**variables, **self._constants}

    def _outcome(self, decision: Decision, doubt: Unknown | None, severity: Severity, request: Request) -> Outcome:
        at = self._blamed(decision.position, request)
        severity = "error" if decision.always else severity
        if doubt is not None:
            return Outcome("unknown", doubtful(doubt), at, severity)
        return Outcome(
            "unknown" if decision.action == "unknown" else "fail", self._label + decision.message, at, severity
        )

    def _blamed(self, position: int, request: Request) -> str:
        """The part of the object that a validation is about: the first path it reads of which anything is there."""
        if position >= 0:
            for route in self._validator.validations[position].routes:
                while route and follow(request.subject, route) is None:
                    route = route[:-1]
                if route:
                    return route_text((*request.route, *route))
        return route_text(request.route)


def _validator(rule: Mapping[str, Any]) -> Validator:
    return Validator(
        Composition({name: Program.load(program) for name, program in rule["variables"]}),
        [Program.load(program) for program in rule["conditions"]],
        [
            Validation(Program.load(program), message, Program.load(said) if said else None, reason, routes)
            for program, message, said, reason, routes in rule["validations"]
        ],
        [Program.load(program) for program in rule["audit"]],
        rule["dialect"],
    )
