"""Results into a table for people, JSON for programs, and a picture for the README."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.measure import Result

_ROW, _BAR, _LABEL, _WIDTH = 22, 420, 230, 760
_OURS, _THEIRS = "#2b6cb0", "#a0aec0"


class Scenario(NamedTuple):
    """What was measured on one input; the first result is what the others are compared with."""

    title: str
    results: list[Result]
    notes: tuple[str, ...] = ()


def table(scenario: Scenario) -> str:
    """Markdown. A ratio is a contender's wall time over the first one's of the same run."""
    lines = [
        f"### {scenario.title}\n",
        "| tool | wall s | CPU s | peak MB | findings | wall ratio | CPU ratio | rounds |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    first = scenario.results[0]
    for one in scenario.results:
        found = "?" if one.findings is None else str(one.findings)
        lines.append(
            f"| {one.name} | {one.wall:.3f} | {one.cpu:.3f} | {one.peak / 1e6:.0f} | {found} "
            f"| {one.wall / first.wall:.2f} | {one.cpu / first.cpu:.2f} | {one.rounds} |"
        )
    return "\n".join([*lines, *(f"\n{note}" for note in scenario.notes)]) + "\n"


def as_json(scenarios: Sequence[Scenario]) -> list[dict[str, Any]]:
    return [
        {"title": s.title, "notes": list(s.notes), "results": [result._asdict() for result in s.results]}
        for s in scenarios
    ]


def svg(scenarios: Sequence[Scenario]) -> str:
    """Bars of wall seconds, each scenario to its own scale."""
    parts: list[str] = []
    top = 10
    for scenario in scenarios:
        parts.append(f'<text x="8" y="{top + 16}" font-weight="bold">{escape(scenario.title)}</text>')
        top += 26
        longest = max(one.wall for one in scenario.results)
        for one in scenario.results:
            width = max(one.wall / longest * _BAR, 1)
            colour = _OURS if one.name.startswith("policykit") else _THEIRS
            parts += [
                f'<text x="{_LABEL - 8}" y="{top + 15}" text-anchor="end">{escape(one.name)}</text>',
                f'<rect x="{_LABEL}" y="{top + 3}" width="{width:.1f}" height="{_ROW - 6}" fill="{colour}"/>',
                f'<text x="{_LABEL + width + 6:.1f}" y="{top + 15}">{one.wall:.3f} s</text>',
            ]
            top += _ROW
        top += 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top}" font-family="sans-serif" '
        f'font-size="13"><rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'
    )
