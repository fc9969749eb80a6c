"""Cases that other projects wrote, run through our rules: what the adapters of all sources have in common.

A source is a file of cases with the verdicts of its own authors. An adapter names the peer's rule for a case, its
parameters, and reads the verdict; only the policies that list the rule under `equivalents` are run. What differs must
stand in `deviations/<source>.yaml` with its reason, and what stands there must differ.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from policykit.catalogue import load_catalogue
from policykit.catalogue.rules import RuleSettings, rule_set
from policykit.document import Source
from policykit.engine import INVALID_FILE, evaluate
from policykit.suppress import Given, suppress
from policykit.views.project import Facts
from policykit.views.read import read_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from policykit.catalogue import Catalogue
    from policykit.finding import Finding
    from policykit.views.project import Project

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
#: Source -> cases, same, deviations; printed at the end of the run.
TABLE: dict[str, Counter[str]] = {}


@dataclass(frozen=True, slots=True)
class Checked:
    """What the rules say of some files: the findings that stay after suppressions, and the project they are about."""

    findings: tuple[Finding, ...]
    project: Project


@dataclass(slots=True)
class Comparison:
    """One run over the cases of a source; `differing` has what is said of each case that came out otherwise."""

    source: str
    cases: int = 0
    same: int = 0
    agreeing: set[str] = field(default_factory=set)
    differing: dict[str, str] = field(default_factory=dict)

    def record(self, case: Mapping[str, Any], difference: str) -> None:
        """`difference` is empty where the verdicts are the same."""
        self.cases += 1
        if difference:
            self.differing[case_id(case)] = difference
        else:
            self.same += 1
            self.agreeing.add(case_id(case))

    def conclude(self) -> None:
        """Fails where a difference has no reason, or a reason no difference; remembers the figures for the table."""
        known = deviations(self.source)
        unexplained = {case: said for case, said in self.differing.items() if case not in known}
        obsolete = [case for case in known if case in self.agreeing]
        TABLE[self.source] = Counter(cases=self.cases, same=self.same, deviations=self.cases - self.same)
        lines = [f"{case}: {said}" for case, said in unexplained.items()]
        lines += [f"{case}: listed as a deviation, but the verdicts are the same" for case in obsolete]
        assert not lines, "\n".join([f"{self.source}: {self.same} of {self.cases} the same", *lines])


def read_cases(file: str) -> list[dict[str, Any]]:
    """The cases of a file of the conformance folder. Skips the test where the folder is not there."""
    folder = Path(os.environ.get("POLICYKIT_CONFORMANCE", ROOT.parent / "shared" / "conformance"))
    path = folder / file
    if not path.is_file():
        pytest.skip(f"no conformance cases at {path}: set POLICYKIT_CONFORMANCE to the folder that holds them")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]


def case_id(case: Mapping[str, Any]) -> str:
    """The peer's rule and a digest of everything the case is made of: it stays the same when cases are added."""
    content = {key: value for key, value in case.items() if key not in ("name", "file")}
    text = json.dumps(content, sort_keys=True)
    return f"{case['rule']} {hashlib.sha256(text.encode()).hexdigest()[:10]}"


def deviations(source: str) -> dict[str, str]:
    """The reasons for the cases of a source in which we differ on purpose, by `case_id`."""
    path = HERE / "deviations" / f"{source}.yaml"
    listed = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else None
    return {case: group["reason"] for group in listed or () for case in group["cases"]}


@cache
def catalogue() -> Catalogue:
    return load_catalogue()


@cache
def equivalents(peer: str, rule: str) -> tuple[str, ...]:
    """Our rules that stand for a rule of a peer."""
    return tuple(p.id for p in catalogue().policies if rule in p.equivalents.get(peer, ()))


def peer_rules(peer: str) -> dict[str, tuple[str, ...]]:
    """Every rule of a peer that some policy of ours stands for, with those policies."""
    rules = {rule for policy in catalogue().policies for rule in policy.equivalents.get(peer, ())}
    return {rule: equivalents(peer, rule) for rule in sorted(rules)}


def check(
    files: Mapping[str, str],
    rules: Iterable[str],
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    facts: Facts | None = None,
) -> Checked:
    """What some of our rules find in files, given by name; suppressions in the files are honoured."""
    given = parameters or {}
    loaded = catalogue()
    settings = {}
    for rule in rules:
        policy = loaded.get(rule)
        assert policy is not None, rule
        settings[rule] = RuleSettings(policy.severity, "ignore", {**policy.defaults(), **given.get(rule, {})})
    in_force = rule_set(loaded, settings)
    sources = {name: Source(name, text) for name, text in files.items()}
    project = read_project(sources.values(), facts or Facts(), sources.get)
    judged = evaluate(project, loaded, lambda _name: in_force)
    active: Callable[[str], Iterable[str]] = lambda _name: in_force.rules  # noqa: E731
    kept, _ = suppress(judged, Given(loaded, project.documents, sources, active, "2026-01-01"))
    ours = tuple(finding for finding in kept if finding.rule in settings and finding.rule != INVALID_FILE)
    return Checked(ours, project)
