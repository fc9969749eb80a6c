"""The settings around files into the rules that judge them: one catalogue for a run, one rule set for each settings."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from policykit.catalogue import load_catalogue
from policykit.catalogue.rules import RuleSet, rule_set
from policykit.config import Choice, InForce, Name
from policykit.errors import Problem, UsageError
from policykit.views.registry import VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from policykit.catalogue import Catalogue
    from policykit.cli.evaluation import Request
    from policykit.config import Settings
    from policykit.disk import Disk
    from policykit.finding import Severity


class _Judgement(NamedTuple):
    rules: RuleSet
    own: Mapping[str, Severity]


class RulesInForce:
    """What `Settings` mean, worked out once for each."""

    def __init__(self, request: Request, used: Iterable[Settings], disk: Disk) -> None:
        """UsageError with all problems of policies, or of what the settings `used` say about them."""
        self._request = request
        self._disk = disk
        self._choice = Choice(
            tuple(Name(text) for text in request.select), tuple(Name(text) for text in request.ignore)
        )
        self._judgements: dict[int, _Judgement] = {}
        distinct = list({id(settings): settings for settings in used}.values())
        self._directories = self._unique(path for settings in distinct for path in self._directories_of(settings))
        self.catalogue: Catalogue = load_catalogue(self._directories, cache=request.cache, disk=disk)
        problems: dict[Problem, None] = {}
        for settings in distinct:
            try:
                self._judgement(settings)
            except UsageError as error:
                problems.update(dict.fromkeys(error.problems))
        if problems:
            raise UsageError(*problems)

    def of(self, settings: Settings) -> RuleSet:
        return self._judgement(settings).rules

    def own(self, settings: Settings) -> Mapping[str, Severity]:
        """The rules about suppressions that are in force, and their severities."""
        return self._judgement(settings).own

    def extras(self, used: Iterable[Settings]) -> frozenset[str]:
        """The optional parts of the installation that rules in force need."""
        distinct = {id(settings): settings for settings in used}.values()
        policies = (self.catalogue.get(rule) for settings in distinct for rule in self.of(settings).rules)
        return frozenset(VIEWS[policy.for_each].extra for policy in policies if policy) - {""}

    def digest(self, used: Iterable[Settings]) -> str:
        """One name for all policies and parameters in force."""
        digests = sorted({self.of(settings).digest for settings in used})
        if len(digests) == 1:
            return digests[0]
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()

    def _judgement(self, settings: Settings) -> _Judgement:
        judgement = self._judgements.get(id(settings))
        if judgement is None:
            in_force = self._in_force(settings)
            rules = {
                rule: said
                for rule, said in in_force.rules.items()
                if not (self._request.per_file and self._needs_several_files(rule))
            }
            judgement = _Judgement(rule_set(self.catalogue, rules), in_force.own)
            self._judgements[id(settings)] = judgement
        return judgement

    def _in_force(self, settings: Settings) -> InForce:
        """A directory's own policies are in force for the files around it only."""
        directories = self._unique(self._directories_of(settings))
        catalogue = self.catalogue
        if directories != self._directories:
            catalogue = load_catalogue(directories, cache=self._request.cache, disk=self._disk)
        return settings.in_force(catalogue, self._choice)

    def _directories_of(self, settings: Settings) -> tuple[Path, ...]:
        return (*settings.policies, *self._request.policies)

    def _needs_several_files(self, rule: str) -> bool:
        policy = self.catalogue.get(rule)
        return policy is not None and VIEWS[policy.for_each].of_project

    def _unique(self, directories: Iterable[Path]) -> tuple[Path, ...]:
        """Each directory once, however it is said."""
        return tuple({self._disk.real(str(directory)): directory for directory in directories}.values())
