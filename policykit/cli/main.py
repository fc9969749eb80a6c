"""A command line into an exit code: chooses the verb, and sorts what went wrong by whose fault it is."""

from __future__ import annotations

import gc
import os
import sys

from policykit import __version__
from policykit.cli import memo

TYPE_CHECKING = False  # of `typing`: nothing is imported here that an unchanged run does without
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from policykit.cli.memo import Said

CLEAN = 0
VIOLATIONS = 1
USAGE = 2
NOTHING_TO_CHECK = 3
BUG = 4
INTERRUPTED = 130
BROKEN_PIPE = 141

#: Each verb is a module beside this one, imported when it is asked for: start-up is a feature.
VERBS: Mapping[str, str] = {
    "check": "check Dockerfiles, Compose files and Kubernetes manifests",
    "rules": "list the rules",
    "explain": "say what a rule is about and how to comply with it",
    "test": "run the examples of policies",
    "init": "write a commented policykit.yaml",
}

_EXIT_CODES = """exit codes:
  0  no findings at or above --fail-on
  1  findings
  2  the call, a configuration or a policy is wrong; nothing was evaluated
  3  nothing to check
  4  a bug in policykit"""


def run() -> None:
    """The console script."""
    # A run makes many objects and hardly a cycle: with the usual threshold the collector only costs time.
    gc.set_threshold(50_000)
    raise SystemExit(guarded(sys.argv[1:]))


def guarded(arguments: Sequence[str]) -> int:
    """The exit code of a call, whatever happens in it. The only catch-all of the program."""
    for stream in (sys.stdout, sys.stderr):
        # A name or a message that the terminal's encoding lacks must not end a run.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    try:
        said = memo.recall(arguments)
        code = main(arguments) if said is None else say(said)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Nobody reads any more; keep the interpreter from flushing into the closed pipe on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        return _failed(error)
    return code


def say(said: Said) -> int:
    """Write what a check has to say to where it goes. UsageError where a file cannot be written."""
    code, texts = said
    for file, text in texts:
        if not file:
            sys.stdout.write(text)
            continue
        try:
            with open(file, "w", encoding="utf-8", errors="backslashreplace") as stream:  # noqa: PTH123
                stream.write(text)
        except OSError as error:
            from policykit.errors import Problem, UsageError

            raise UsageError(Problem(f"cannot be written: {error.strerror}", file)) from None
    return code


def main(arguments: Sequence[str]) -> int:
    """Run one verb. SystemExit as argparse raises it; UsageError."""
    import argparse
    from importlib import import_module

    parser = argparse.ArgumentParser(
        prog="policykit",
        description="One policy engine for Dockerfiles, Compose files and Kubernetes manifests.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"policykit {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    wanted = next((argument for argument in arguments if not argument.startswith("-")), "")
    for verb, summary in VERBS.items():
        verb_parser = verbs.add_parser(
            verb,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=_EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if verb == wanted:
            module = import_module(f"policykit.cli.{verb}")
            module.add_arguments(verb_parser)
            verb_parser.set_defaults(run=module.run, arguments=arguments)
    parsed = parser.parse_args(arguments)
    code: int = parsed.run(parsed)
    return code


def _failed(error: Exception) -> int:
    from policykit.errors import UsageError

    if not isinstance(error, UsageError):
        sys.stderr.write(_bug_report(error))
        return BUG
    for problem in error.problems:
        sys.stderr.write(f"policykit: {problem}\n")
    return USAGE


def _bug_report(error: Exception) -> str:
    """What to paste into a report: no line of any input is in it, for those may be secret."""
    import platform
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    places = "".join(f"  {frame.filename}:{frame.lineno} in {frame.name}\n" for frame in frames)
    return (
        "policykit: this is a bug in policykit, not in your files. Please report it with the text below.\n\n"
        f"policykit {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{type(error).__qualname__} at\n{places}"
    )
