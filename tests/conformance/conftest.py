"""Prints the table of conformance figures at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.harness import TABLE

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if TABLE:
        terminalreporter.section("conformance")
        terminalreporter.write_line(f"{'source':<24}{'cases':>8}{'same':>8}{'deviations':>12}{'':>4}%")
        for source, figures in sorted(TABLE.items()):
            share = 100 * figures["same"] / max(figures["cases"], 1)
            line = f"{source:<24}{figures['cases']:>8}{figures['same']:>8}{figures['deviations']:>12}{share:>8.1f}"
            terminalreporter.write_line(line)
