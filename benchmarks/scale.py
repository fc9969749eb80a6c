"""How the cost of a check grows: with files, with policies, and how much memory it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from benchmarks import ours, trees
from benchmarks.measure import interleaved

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_POLICY = """\
apiVersion: policykit.dev/v1
kind: Policy
metadata: {{name: synthetic-{number:04}}}
spec:
  summary: A label that nobody asks for
  category: synthetic
  severity: warning
  targets: [kubernetes]
  forEach: container
  validations:
    - expression: container.name != "forbidden-{number}" && !container.image.ref.startsWith("bad{number}.example.com/")
      message: the container is forbidden
  fix: Rename it.
"""


class Growth(NamedTuple):
    """CPU seconds and peak bytes at each size of one thing."""

    what: str
    sizes: Sequence[int]
    cpu: Sequence[float]
    peak: Sequence[int]


def growth(work: Path, *, quick: bool) -> list[Growth]:
    files = (100, 300, 1000) if quick else (100, 1000, 10_000)
    policies = (50, 150) if quick else (50, 150, 500)
    return [
        _by_files("Dockerfiles", trees.dockerfiles, files, work),
        _by_files("manifest files", trees.manifests, files, work),
        _by_policies(policies, work),
    ]


def table(one: Growth) -> str:
    """Markdown; the last column stays level where cost is linear."""
    lines = [
        f"### Growth with the number of {one.what}\n",
        "| number | CPU s | ms each | peak MB |",
        "|---:|---:|---:|---:|",
    ]
    for size, cpu, peak in zip(one.sizes, one.cpu, one.peak, strict=True):
        lines.append(f"| {size} | {cpu:.2f} | {cpu / size * 1e3:.3f} | {peak / 1e6:.0f} |")
    return "\n".join(lines) + "\n"


def _by_files(what: str, make: object, sizes: Sequence[int], work: Path) -> Growth:
    assert callable(make)
    measured = []
    for size in sizes:
        tree = make(work / f"growth-{what.replace(' ', '-')}-{size}", size)
        measured += interleaved(ours.contenders(["."], tree, work)[:1], 3, 30)
    return Growth(what, sizes, [one.cpu for one in measured], [one.peak for one in measured])


def _by_policies(sizes: Sequence[int], work: Path) -> Growth:
    tree = trees.manifests(work / "growth-tree", 300)
    measured = []
    for size in sizes:
        folder = work / f"policies-{size}" / "synthetic"
        folder.mkdir(parents=True)
        for number in range(size):
            (folder / f"synthetic-{number:04}.yaml").write_text(_POLICY.format(number=number), "utf-8")
        contender = ours.contenders(["."], tree, work)[0]
        command = [*contender.command, "--policies", str(folder.parent), "--select", "synthetic"]
        measured += interleaved([contender._replace(command=command)], 3, 60)
    return Growth(
        "synthetic policies (300 manifest files)", sizes, [o.cpu for o in measured], [o.peak for o in measured]
    )
