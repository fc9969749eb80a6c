"""Commands into samples: wall and CPU seconds, peak memory, findings. Contenders take turns in one run."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


class Contender(NamedTuple):
    """A command to measure. `found` counts the findings in its output; `prepare` runs before each round, unmeasured."""

    name: str
    command: Sequence[str]
    directory: Path
    found: Callable[[str], int | None]
    environment: dict[str, str] | None = None
    prepare: Callable[[], object] = lambda: None


class Sample(NamedTuple):
    """One run: seconds, seconds of the processor (with all children), bytes, exit code, findings."""

    wall: float
    cpu: float
    peak: int
    code: int
    findings: int | None


class Result(NamedTuple):
    """A contender's medians over its rounds; `spread` is the range of its CPU seconds."""

    name: str
    wall: float
    cpu: float
    peak: int
    findings: int | None
    code: int
    rounds: int
    spread: tuple[float, float]


def sample(contender: Contender) -> Sample:
    """Run a command once. Its output goes to a file, so that nobody waits for a pipe."""
    contender.prepare()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            contender.command,
            cwd=contender.directory,
            env=contender.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        findings = contender.found(output.read())
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, process.returncode, findings)


def interleaved(contenders: Sequence[Contender], rounds: int, patience: float) -> list[Result]:
    """Each contender up to `rounds` times, in turns, and none again that has taken `patience` seconds."""
    samples: dict[str, list[Sample]] = {contender.name: [] for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            taken = samples[contender.name]
            if sum(one.wall for one in taken) < patience:
                taken.append(sample(contender))
    return [_result(name, taken) for name, taken in samples.items()]


def _result(name: str, taken: Sequence[Sample]) -> Result:
    cpu = [one.cpu for one in taken]
    return Result(
        name,
        statistics.median(one.wall for one in taken),
        statistics.median(cpu),
        max(one.peak for one in taken),
        taken[-1].findings,
        taken[-1].code,
        len(taken),
        (min(cpu), max(cpu)),
    )
