"""`python -m benchmarks`: installs the peers, makes the inputs, lets all take turns, writes table, JSON and SVG."""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import ours, peers, report, scale, trees
from benchmarks.measure import Contender, interleaved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.peers import Installed
    from benchmarks.report import Scenario

FORMATS = ("dockerfile", "compose", "kubernetes")
_ENDINGS = {"dockerfile": ("*Dockerfile*", "*.dockerfile"), "compose": ("*.yaml", "*.yml"), "kubernetes": ("*.y*ml",)}


def main() -> None:
    arguments = _arguments()
    work = Path(tempfile.mkdtemp(prefix="policykit-benchmarks-"))
    print(f"policykit: {ours.warm_up(work)}; Python {platform.python_version()}; {os.cpu_count()} processors")
    installed = [] if arguments.no_peers else list(_installed(arguments))
    scenarios: list[Scenario] = []
    for title, form, tree, peer in _inputs(arguments, work):
        scenarios.append(_measure(title, form, tree, peer, installed, work, arguments))
        print(report.table(scenarios[-1]), flush=True)
    growth = [] if arguments.no_scale else scale.growth(work, quick=arguments.quick)
    for one in growth:
        print(scale.table(one), flush=True)
    output = Path(arguments.output)
    output.mkdir(parents=True, exist_ok=True)
    content = {
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "versions": {one.peer.name: one.version for one in installed},
        "scenarios": report.as_json(scenarios),
        "scale": [one._asdict() for one in growth],
    }
    (output / "results.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    (output / "results.svg").write_text(report.svg(scenarios), "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small inputs: a look, not a measurement")
    parser.add_argument("--rounds", type=int, default=7, help="how often each contender runs (default: 7)")
    parser.add_argument("--patience", type=float, default=60, help="seconds after which a slow one stops taking turns")
    parser.add_argument("--tree", metavar="FORMAT=DIR", action="append", default=[], help="files of your own, too")
    parser.add_argument("--peers", default=",".join(peer.name for peer in peers.PEERS), help="names, with commas")
    parser.add_argument("--no-peers", action="store_true", help="policykit alone")
    parser.add_argument("--no-scale", action="store_true", help="without the runs on trees of growing size")
    parser.add_argument("--only", default="", help="scenarios whose title has this text")
    parser.add_argument("--cache", default="~/.cache/policykit-benchmarks", help="where peers are installed")
    parser.add_argument("--output", default="benchmark-results", help="where results.json and results.svg go")
    return parser.parse_args()


def _installed(arguments: argparse.Namespace) -> Iterable[Installed]:
    wanted = arguments.peers.split(",")
    for peer in peers.PEERS:
        if peer.name in wanted:
            found = peers.install(peer, Path(arguments.cache).expanduser())
            if isinstance(found, str):
                print(f"skipped: {found}")
            else:
                print(f"{peer.name}: {found.version}")
                yield found
    print(f"without: {', '.join(peers.WITHOUT_RULES)} (no rules of their own to compare with)\n")


def _inputs(arguments: argparse.Namespace, work: Path) -> Iterable[tuple[str, str, Path, str]]:
    """Title, format, directory, and the peer whose rules alone are to be compared ("" for all)."""
    few, many, megabytes, large = (20, 100, 2, 500) if arguments.quick else (200, 500, 16, 5000)
    makers: list[tuple[str, str, Callable[[], Path], str]] = [
        ("One Dockerfile", "dockerfile", lambda: trees.dockerfiles(work / "one-dockerfile", 1), ""),
        ("One Compose file", "compose", lambda: trees.compose_files(work / "one-compose", 1), ""),
        ("One manifest file", "kubernetes", lambda: trees.manifests(work / "one-manifest", 1), ""),
        (f"{few} Dockerfiles", "dockerfile", lambda: trees.dockerfiles(work / "dockerfiles", few), ""),
        (f"{few} Compose files", "compose", lambda: trees.compose_files(work / "compose", few), ""),
        (f"{many} manifest files", "kubernetes", lambda: trees.manifests(work / "manifests", many), ""),
        (f"{megabytes} MB of CRDs", "kubernetes", lambda: trees.crds(work / "crds", megabytes), ""),
        (f"Monorepo of {large} files", "", lambda: trees.monorepo(work / "monorepo", large), ""),
    ]
    for said in arguments.tree:
        form, _, directory = said.partition("=")
        tree = Path(directory).resolve()
        if form not in FORMATS or not tree.is_dir():
            raise SystemExit(f"--tree {said}: say FORMAT=DIR, where FORMAT is one of {', '.join(FORMATS)}")
        makers.append((f"{tree.name} ({form})", form, lambda tree=tree: tree, ""))  # type: ignore[misc]
        if form == "dockerfile":
            title = f"{tree.name} (dockerfile), rules of hadolint, ShellCheck off in policykit"
            makers.append((title, form, lambda tree=tree: tree, "hadolint"))  # type: ignore[misc]
    for title, form, make, peer in makers:
        if arguments.only in title:
            yield title, form, make(), peer


def _measure(
    title: str,
    form: str,
    tree: Path,
    peer: str,
    installed: Iterable[Installed],
    work: Path,
    arguments: argparse.Namespace,
) -> Scenario:
    files = _files(tree, form)
    paths = [files[0]] if len(files) == 1 else ["."]
    contenders = ours.contenders(paths, tree, work, peer)
    for one in installed:
        if form in one.peer.formats and peer in ("", one.peer.name):
            command = [*one.program, *one.peer.command(files, tree, form)]
            contenders.append(Contender(one.peer.name, command, tree, peers.counter(one.peer)))
    results = interleaved(contenders, 2 if arguments.quick else arguments.rounds, arguments.patience)
    size = sum((tree / file).stat().st_size for file in files) / 1e6
    return report.Scenario(title, results, (f"{len(files)} files, {size:.2f} MB",))


def _files(tree: Path, form: str) -> list[str]:
    patterns = _ENDINGS[form] if form else ("*",)
    found = {path for pattern in patterns for path in tree.rglob(pattern) if path.is_file()}
    return sorted(str(path.relative_to(tree)) for path in found)


if __name__ == "__main__":
    main()
