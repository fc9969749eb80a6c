"""`policykit check`: arguments into a run, a run into reports and an exit code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from policykit.cli import memo
from policykit.cli.main import CLEAN, NOTHING_TO_CHECK, VIOLATIONS, say
from policykit.cli.options import add_catalogue_arguments, cache_directory, policy_directories, split_names
from policykit.config import FAIL_ON, kubernetes_version
from policykit.disk import NotedDisk
from policykit.errors import Problem, UsageError
from policykit.files import STDIN
from policykit.report import FORMATS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from policykit.cli.evaluation import Evaluation
    from policykit.finding import Finding


class Output(NamedTuple):
    """A format and the file it goes to; None for standard output."""

    format: str
    file: Path | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "paths",
        metavar="PATH",
        nargs="*",
        default=["."],
        help="files and directories, `-` is standard input (default: .)",
    )
    add("--stdin-filename", metavar="NAME", default="<stdin>", help="the name that standard input is checked under")
    add(
        "--format",
        metavar="FORMAT[=FILE]",
        action="append",
        default=[],
        help=f"{', '.join(FORMATS)}; several at once where all but one go to files (default: text)",
    )
    add("--select", metavar="RULE", action="append", default=[], help="only these rules, categories or peers' ids")
    add("--ignore", metavar="RULE", action="append", default=[], help="not these rules, categories or peers' ids")
    add(
        "--fail-on",
        choices=("error", "warning", "info", "never"),
        help="the least severity that exits with 1 (default: error)",
    )
    add("--build-arg", metavar="NAME=VALUE", action="append", default=[], help="a build argument, as for docker build")
    add("--kube-version", metavar="VERSION", help="the version of Kubernetes that objects are for, such as 1.34")
    add("--allow-empty", action="store_true", help="exit with 0 if there is nothing to check")
    add("--no-inline-suppressions", action="store_true", help="honour no comments and annotations, only exceptions")
    add("--force-exclude", action="store_true", help="apply `exclude` of the configuration to named files, too")
    add("--per-file", action="store_true", help="judge each file alone, without the rules that need several")
    add("--statistics", action="store_true", help="count the findings of each rule")
    add("--quiet", action="store_true", help="findings and nothing else")
    add_catalogue_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    from policykit.cli.evaluation import Request, evaluate_paths
    from policykit.cli.progress import Progress

    disk = NotedDisk()
    outputs = _outputs(parsed.format, disk)
    request = Request(
        paths=tuple(parsed.paths),
        stdin_name=parsed.stdin_filename,
        config=parsed.config,
        policies=policy_directories(parsed, disk),
        cache=cache_directory(parsed),
        select=split_names(parsed.select),
        ignore=split_names(parsed.ignore),
        build_args=_build_args(parsed.build_arg),
        inline=not parsed.no_inline_suppressions,
        force_exclude=parsed.force_exclude,
        per_file=parsed.per_file,
        presets=split_names(parsed.preset),
        kubernetes_version=_kubernetes_version(parsed.kube_version),
    )
    with Progress(None if parsed.quiet else sys.stderr) as progress:
        evaluation = evaluate_paths(request, progress, disk)
    said = (_exit_code(evaluation, parsed), _texts(evaluation, outputs, parsed))
    if request.cache and said[0] in (CLEAN, VIOLATIONS) and STDIN not in request.paths:
        memo.keep(parsed.arguments, disk, said)
    return say(said)


def _outputs(given: Sequence[str], disk: NotedDisk) -> list[Output]:
    """Text goes to standard output unless another format does."""
    outputs = []
    problems = []
    for text in given:
        name, equals, file = text.partition("=")
        if name not in FORMATS:
            problems.append(
                Problem(f"no format is called `{name}`", f"--format {text}", f"one of {', '.join(FORMATS)}")
            )
        elif equals and not (file and disk.kind(str(Path(file).absolute().parent)) == "directory"):
            problems.append(Problem("no such directory to write to", f"--format {text}"))
        outputs.append(Output(name, Path(file) if equals else None))
    on_stdout = [output for output in outputs if output.file is None]
    if len(on_stdout) > 1:
        problems.append(Problem("two formats for standard output", "--format", "send one to a file: sarif=out.sarif"))
    if problems:
        raise UsageError(*problems)
    return outputs if on_stdout else [Output("text", None), *outputs]


def _build_args(given: Sequence[str]) -> Mapping[str, str]:
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UsageError(Problem("not NAME=VALUE", f"--build-arg {text}"))
        found[name] = value
    return found


def _kubernetes_version(text: str | None) -> tuple[int, int] | None:
    version = None if text is None else kubernetes_version(text)
    if text is not None and version is None:
        raise UsageError(Problem("no version of Kubernetes", f"--kube-version {text}", "write it as 1.34"))
    return version


def _texts(evaluation: Evaluation, outputs: Sequence[Output], parsed: argparse.Namespace) -> list[tuple[str, str]]:
    """What goes to which file; "" for standard output."""
    from policykit.report import Report, render

    texts = []
    for output in outputs:
        report = Report(
            evaluation.run,
            evaluation.sources,
            evaluation.catalogue.get,
            colour=output.file is None and memo.wants_colour(),
            quiet=parsed.quiet,
            statistics=parsed.statistics,
        )
        texts.append((str(output.file or ""), render(output.format, report)))
    return texts


def _exit_code(evaluation: Evaluation, parsed: argparse.Namespace) -> int:
    run = evaluation.run
    if any(_fails(finding, parsed.fail_on or evaluation.fail_on(finding.span.file)) for finding in run.findings):
        return VIOLATIONS
    if run.files == 0 and not run.findings and not parsed.allow_empty:
        where = ", ".join(parsed.paths)
        sys.stderr.write(
            f"policykit: nothing to check: no Dockerfile, Compose file or Kubernetes manifest in {where}\n"
        )
        return NOTHING_TO_CHECK
    return CLEAN


def _fails(finding: Finding, fail_on: str) -> bool:
    return fail_on != "never" and FAIL_ON.index(finding.severity) <= FAIL_ON.index(fail_on)
