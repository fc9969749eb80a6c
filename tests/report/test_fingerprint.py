"""Fingerprints: the same violation keeps its own while lines move, a new one gets another."""

from __future__ import annotations

from policykit.document import Source, Span
from policykit.finding import Finding, Resource
from policykit.report.fingerprint import fingerprints

TEXT = "FROM a:latest\nFROM b:latest\n"
FINDING = Finding(
    "rule", "error", "fail", "m", Span("Dockerfile", 1, 6, 1, 14), "stages[0].base", "dockerfile", None, ""
)


def marks(text: str, *findings: Finding) -> list[str]:
    return fingerprints(findings, {"Dockerfile": Source("Dockerfile", text)})


def at(line: int, **changes: object) -> Finding:
    return FINDING._replace(span=Span("Dockerfile", line, 6, line, 14), **changes)  # type: ignore[arg-type]


def test_stable_under_lines_and_stages_above() -> None:
    shifted = at(3, path="stages[2].base", message="worded otherwise")
    assert marks(TEXT, FINDING) == marks(f"# new\n\n{TEXT}", shifted)


def test_the_value_counts() -> None:
    assert marks(TEXT, at(1)) != marks(TEXT, at(2))


def test_rule_file_and_resource_count() -> None:
    pods = [FINDING._replace(resource=Resource("v1", "Pod", "n", name)) for name in "ab"]
    others = [FINDING._replace(rule="other"), FINDING._replace(span=FINDING.span._replace(file="x")), *pods]
    assert len({mark for finding in (FINDING, *others) for mark in marks(TEXT, finding)}) == 5


def test_a_second_one_of_the_same_kind_is_new() -> None:
    text = "FROM a:latest\nFROM a:latest\n"
    first, second = marks(text, at(1), at(2))
    assert first != second
    assert marks(text, at(1)) == [first]


def test_without_its_source() -> None:
    assert len(fingerprints([FINDING], {})[0]) == 32
