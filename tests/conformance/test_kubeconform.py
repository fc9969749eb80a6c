"""kubeconform's own cases: the exit status of a command, with its options as ours."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from policykit import extras
from policykit.views.project import Facts
from tests.conformance.harness import Comparison, check, equivalents, read_cases

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Options that take a value, those in use here.
_WITH_VALUE = {"kubernetes-version", "schema-location", "skip", "reject", "cache", "output", "ignore-filename-pattern"}
#: The oldest version that there are schemas of; what the cases ask of older ones is the same there.
_OLDEST = (1, 25)


class Command(NamedTuple):
    """A call of kubeconform: options without values are there with one that is empty."""

    options: Mapping[str, list[str]]
    files: tuple[str, ...]

    @property
    def version(self) -> tuple[int, int]:
        for text in self.options.get("kubernetes-version", ()):
            major, minor = text.split(".")[:2]
            return max((int(major), int(minor)), _OLDEST) if major == "1" else Facts().kubernetes_version
        return Facts().kubernetes_version

    def reads(self, file: str) -> bool:
        return not any(re.search(pattern, file) for pattern in self.options.get("ignore-filename-pattern", ()))


def command(text: str) -> Command:
    """The call in a line of shell, with the file that is piped into it."""
    words = shlex.split(text)
    if words[0] == "bash":
        words = shlex.split(words[2])
    options: dict[str, list[str]] = {}
    files = []
    waiting = iter(words)
    for word in waiting:
        name = word.lstrip("-")
        if word.startswith("-") and name:
            options.setdefault(name, []).append(next(waiting) if name in _WITH_VALUE else "")
        elif word.endswith((".yaml", ".json")):
            files.append(word.removeprefix("./"))
    return Command(options, tuple(files))


def status(case: Mapping[str, Any]) -> int:
    called = command(case["command"])
    parameters = {
        "strict": "strict" in called.options,
        "ignoreMissingSchemas": "ignore-missing-schemas" in called.options,
    }
    files = {name: case["input"][name] for name in called.files if called.reads(name)}
    rules = equivalents("kubeconform", case["rule"])
    facts = Facts(kubernetes_version=called.version)
    checked = check(files, rules, dict.fromkeys(rules, parameters), facts)
    skipped = called.options.get("skip", ())
    found = [f for f in checked.findings if f.resource and not {f.resource.kind, _versioned(f.resource)} & {*skipped}]
    return int(bool(found or checked.project.problems))


def _versioned(resource: Any) -> str:
    return f"{resource.api_version}/{resource.kind}"


def test_exit_status_is_that_of_kubeconform() -> None:
    if not extras.is_installed("schema"):
        pytest.skip(extras.missing("schema"))
    comparison = Comparison("kubeconform")
    for case in read_cases("schema/kubeconform.jsonl"):
        expected, found = case["expect"]["status"], status(case)
        comparison.record(case, "" if found == expected else f"{case['name']}: expected {expected}, found {found}")
    comparison.conclude()
