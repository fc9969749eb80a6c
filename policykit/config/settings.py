"""The configurations around a file, farthest first, into what holds for it: the nearer one has the last word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from policykit.catalogue.rules import RuleSettings
from policykit.errors import Problem, UsageError
from policykit.suppress.own_rules import OWN_RULES
from policykit.views.project import Facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from policykit.catalogue import Catalogue
    from policykit.config.model import Config, RuleOptions
    from policykit.document import Span
    from policykit.finding import Severity
    from policykit.policy import Policy
    from policykit.suppress.exceptions import PolicyException


FailOn = Literal["error", "warning", "info", "never"]
FAIL_ON: tuple[FailOn, ...] = ("error", "warning", "info", "never")
_KUBERNETES_VERSION = re.compile(r"v?(\d{1,4})\.(\d{1,4})(?:\.\d+)?")


def kubernetes_version(text: str) -> tuple[int, int] | None:
    """Major and minor number of a version like `1.34` or `v1.34.2`; None for anything else."""
    match = _KUBERNETES_VERSION.fullmatch(text)
    return (int(match[1]), int(match[2])) if match else None


class Name(NamedTuple):
    """A rule, a category or a peer's id, as written; no span on the command line."""

    text: str
    span: Span | None = None


class Choice(NamedTuple):
    """What the command line says about rules."""

    select: tuple[Name, ...] = ()
    ignore: tuple[Name, ...] = ()


class InForce(NamedTuple):
    """The rules in force with their settings, and the severities of those that are about suppressions."""

    rules: Mapping[str, RuleSettings]
    own: Mapping[str, Severity]


class Settings(NamedTuple):
    """The configurations that hold for a directory, the farthest first."""

    chain: tuple[Config, ...] = ()

    @property
    def policies(self) -> tuple[Path, ...]:
        return tuple(path for config in self.chain for path in config.policies)

    @property
    def exceptions(self) -> tuple[PolicyException, ...]:
        return tuple(exception for config in self.chain for exception in config.exceptions)

    @property
    def fail_on(self) -> FailOn:
        return next((config.fail_on for config in reversed(self.chain) if config.fail_on), "error")

    def facts(self, build_args: Mapping[str, str]) -> Facts:
        """What the run is told; `build_args` come from the command line."""
        given: dict[str, Any] = {}
        for config in self.chain:
            if config.namespace:
                given["namespace"] = config.namespace
            if config.kubernetes_version:
                given["kubernetes_version"] = config.kubernetes_version
            if config.user:
                given["user"] = config.user
        return Facts(
            build_args={k: v for config in self.chain for k, v in config.build_args.items()} | dict(build_args),
            base_images=tuple(image for config in reversed(self.chain) for image in config.base_images),
            built_images=tuple(image for config in reversed(self.chain) for image in config.built_images),
            **given,
        )

    def in_force(self, catalogue: Catalogue, choice: Choice) -> InForce:
        """UsageError where a name stands for no rule of `catalogue`."""
        names = _Names(catalogue)
        enabled = {policy.id for policy in catalogue.policies if policy.enabled} | OWN_RULES.keys()
        options: list[tuple[tuple[str, ...], RuleOptions]] = []
        for config in self.chain:
            if config.select is not None:
                enabled = names.all_of(config.select) | OWN_RULES.keys()
            enabled -= names.all_of(config.ignore)
            for name, said in config.rules.items():
                ids = names.of(name)
                options.append((ids, said))
                if said.enabled is not None:
                    enabled = enabled | set(ids) if said.enabled else enabled - set(ids)
        if choice.select:
            enabled = names.all_of(choice.select) | OWN_RULES.keys()
        enabled -= names.all_of(choice.ignore)
        if names.problems:
            raise UsageError(*names.problems)
        said_of: dict[str, list[RuleOptions]] = {}
        for ids, said in options:
            for rule in ids:
                said_of.setdefault(rule, []).append(said)
        return InForce(
            {p.id: _settings(p, said_of.get(p.id, ())) for p in catalogue.policies if p.id in enabled},
            {
                rule: next((said.severity for said in reversed(said_of.get(rule, ())) if said.severity), own.severity)
                for rule, own in OWN_RULES.items()
                if rule in enabled
            },
        )


def _settings(policy: Policy, options: Iterable[RuleOptions]) -> RuleSettings:
    severity, on_unknown, parameters = policy.severity, policy.on_unknown, policy.defaults()
    for said in options:
        severity = said.severity or severity
        on_unknown = said.on_unknown or on_unknown
        parameters.update(said.parameters)
    return RuleSettings(severity, on_unknown or ("warn" if severity == "error" else "ignore"), parameters)


class _Names:
    """Resolves names of rules, and gathers those of nothing."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.problems: list[Problem] = []

    def of(self, name: Name) -> tuple[str, ...]:
        if name.text in OWN_RULES:
            return (name.text,)
        ids = self._catalogue.resolve(name.text)
        if not ids:
            where = f"{name.span.file}:{name.span.line}:{name.span.column}" if name.span else ""
            known = [policy.id for policy in self._catalogue.policies]
            from policykit.config.reader import suggestion

            hint = suggestion(name.text, [*known, *OWN_RULES])
            hint = hint if hint.startswith("did") else "`policykit rules` lists them"
            self.problems.append(Problem(f"no rule, category or equivalent is called `{name.text}`", where, hint))
        return ids

    def all_of(self, names: Iterable[Name]) -> set[str]:
        return {rule for name in names for rule in self.of(name)}
