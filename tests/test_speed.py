"""Speed as ratios, which hold on any machine: to Python itself, to libyaml, and to half the work.

Processor time, the least of several tries: what else runs on the machine adds to it and takes nothing away.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import yaml

from benchmarks import trees
from policykit.catalogue import load_catalogue
from policykit.catalogue.rules import default_settings, rule_set
from policykit.document import Source
from policykit.engine import evaluate
from policykit.parse.kubernetes import parse_manifests
from policykit.views.project import Facts
from policykit.views.read import read_project
from tests.cli.command import environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not os.environ.get("POLICYKIT_SLOW_TESTS"), reason="measures for a minute: set POLICYKIT_SLOW_TESTS"
)


def least(work: Callable[[], object], tries: int = 5) -> float:
    """Seconds of the processor."""
    taken = []
    for _ in range(tries):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def sources(root: Path) -> list[Source]:
    found = sorted(path for path in root.rglob("*") if path.is_file())
    return [Source(str(path.relative_to(root)), path.read_text()) for path in found]


class TestStartUp:
    def seconds(self, command: list[str], directory: Path, cache: Path) -> float:
        # An installed package has its bytecode beside it.
        settings = {**environment(cache), "PYTHONPYCACHEPREFIX": str(cache / "bytecode")}
        process = subprocess.Popen(command, cwd=directory, env=settings, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode in (0, 1)
        return usage.ru_utime + usage.ru_stime

    def test_a_run_on_one_small_file(self, tmp_path: Path) -> None:
        """At most 8 times what Python takes to do nothing; much less where nothing has changed."""
        cache = tmp_path / "cache"
        file = tmp_path / "Dockerfile"
        check = [sys.executable, "-m", "policykit", "check", "Dockerfile"]
        nothing, changed, unchanged = [], [], []
        for number in range(10):
            file.write_text(f"FROM alpine:3.{number}\nUSER 10001\n")
            nothing.append(self.seconds([sys.executable, "-c", "pass"], tmp_path, cache))
            changed.append(self.seconds(check, tmp_path, cache))
            unchanged.append(self.seconds(check, tmp_path, cache))
        assert min(unchanged) < 4 * min(nothing)
        assert min(changed) < 20 * min(nothing)


def test_manifests_are_read_in_a_few_times_what_libyaml_takes(tmp_path: Path) -> None:
    files = sources(trees.manifests(tmp_path, 100))
    floor = least(lambda: [sum(1 for _ in yaml.parse(file.text, yaml.CSafeLoader)) for file in files])
    assert least(lambda: [parse_manifests(file) for file in files]) < 4 * floor


@pytest.mark.parametrize("make", [trees.dockerfiles, trees.compose_files, trees.manifests])
def test_four_times_the_files_take_four_times_as_long(tmp_path: Path, make: Callable[[Path, int], Path]) -> None:
    catalogue = load_catalogue()
    rules = rule_set(catalogue, {p.id: default_settings(p) for p in catalogue.policies if p.enabled})

    def check(files: list[Source]) -> None:
        evaluate(read_project(files, Facts(), lambda _: None), catalogue, lambda _: rules)

    few, many = sources(make(tmp_path / "few", 60)), sources(make(tmp_path / "many", 240))
    assert least(lambda: check(many), 3) < 4 * 1.6 * least(lambda: check(few), 3)
