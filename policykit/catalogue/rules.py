"""The rules in force for a file: policies with their settings, and the digest that names them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.catalogue import Catalogue
    from policykit.finding import Severity
    from policykit.policy import OnUnknown, Policy


class RuleSettings(NamedTuple):
    """How one policy is applied; `parameters` has a value for each of the policy's."""

    severity: Severity
    on_unknown: OnUnknown
    parameters: Mapping[str, Any]


class RuleSet(NamedTuple):
    """`rules` by policy id; `digest` changes with any policy text or setting in force (SHA-256, hexadecimal)."""

    rules: Mapping[str, RuleSettings]
    digest: str


def default_settings(policy: Policy) -> RuleSettings:
    """A policy as its file has it: unknown verdicts of an error are warnings, those of anything less are ignored."""
    on_unknown = policy.on_unknown or ("warn" if policy.severity == "error" else "ignore")
    return RuleSettings(policy.severity, on_unknown, policy.defaults())


def rule_set(catalogue: Catalogue, settings: Mapping[str, RuleSettings]) -> RuleSet:
    """The rules in force. UsageError, with all problems, where a parameter is not what its policy's schema asks for."""
    problems = [p for rule, said in sorted(settings.items()) for p in _problems(catalogue, rule, said)]
    if problems:
        raise UsageError(*problems)
    settings = {rule: _typed(catalogue, rule, said) for rule, said in settings.items()}
    content = [
        (rule, catalogue.digest(rule), said.severity, said.on_unknown, dict(said.parameters))
        for rule, said in sorted(settings.items())
    ]
    text = json.dumps(content, sort_keys=True, default=str)
    return RuleSet(dict(sorted(settings.items())), hashlib.sha256(text.encode()).hexdigest())


def _problems(catalogue: Catalogue, rule: str, said: RuleSettings) -> Iterator[Problem]:
    policy = catalogue.get(rule)
    if policy is None or dict(said.parameters) == policy.defaults():
        return
    from jsonschema import Draft202012Validator

    for name, value in said.parameters.items():
        if name not in policy.parameters:
            known = ", ".join(f"`{p}`" for p in policy.parameters) or "none"
            yield Problem(f"there is no parameter `{name}`", rule, f"its parameters: {known}")
            continue
        for violation in Draft202012Validator(dict(policy.parameters[name])).iter_errors(value):
            yield Problem(f"parameter `{name}`: {violation.message}", rule)


def _typed(catalogue: Catalogue, rule: str, said: RuleSettings) -> RuleSettings:
    """YAML writes a whole number without a point, also where a schema says `number`, which is CEL's double."""
    policy = catalogue.get(rule)
    if policy is None:
        return said
    doubles = {name for name, schema in policy.parameters.items() if schema.get("type") == "number"}
    if doubles.isdisjoint(said.parameters):
        return said
    return said._replace(parameters={n: float(v) if n in doubles else v for n, v in said.parameters.items()})
