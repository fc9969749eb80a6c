"""Shell scripts into what ShellCheck says of them. One process for all scripts, and the only one that policykit starts.

It is started by those who read files, before anything is judged, and by nobody else: never in an evaluation, never for
an admission request. ShellCheck executes no script and follows no `source`; it sees copies in a directory of its own,
in an empty environment, for a limited time.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policykit import extras
from policykit.unknown import Unknown
from policykit.views.shell_findings import ShellComment, ShellScript, shell_scripts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from policykit.views.project import Project

#: Seconds; a script of a thousand lines takes about one.
TIME_LIMIT = 60


def inform(projects: Sequence[Project]) -> bool:
    """Have ShellCheck look at all scripts of some projects, and tell them what it says.

    False where it did not finish: another time it may.
    """
    said = check(script for project in projects for script in shell_scripts(project))
    for project in projects:
        project.shell_comments = said
    return not isinstance(said, Unknown) or extras.shellcheck_program() is None


def check(
    scripts: Iterable[ShellScript], limit: float = TIME_LIMIT
) -> Mapping[ShellScript, tuple[ShellComment, ...]] | Unknown:
    """What ShellCheck says of each script. Unknown, with the reason, where it is not installed or does not finish."""
    distinct = list(dict.fromkeys(scripts))
    if not distinct:
        return {}
    program = extras.shellcheck_program()
    if program is None:
        return Unknown((extras.missing("shellcheck"),))
    said = _run(program, distinct, limit)
    return said if isinstance(said, Unknown) else _by_script(distinct, said)


def _run(program: Path, scripts: list[ShellScript], limit: float) -> list[dict[str, Any]] | Unknown:
    import subprocess
    from tempfile import TemporaryDirectory

    try:
        with TemporaryDirectory(prefix="policykit-") as directory:
            done = subprocess.run(  # noqa: S603  our own program, and names that are numbers
                [str(program), "--norc", "--format=json1", "--severity=style", *_write(scripts, Path(directory))],
                cwd=directory,
                env={"LC_ALL": "C.UTF-8", **{k: v for k, v in os.environ.items() if k.upper() == "SYSTEMROOT"}},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=limit,
                check=False,
            )
        comments: list[dict[str, Any]] = json.loads(done.stdout)["comments"]
    except subprocess.TimeoutExpired:
        return Unknown((f"ShellCheck took longer than {limit:g} seconds",))
    except (OSError, ValueError, KeyError) as error:
        return Unknown((f"ShellCheck failed: {type(error).__name__}",))
    return comments


def _write(scripts: list[ShellScript], directory: Path) -> list[str]:
    """One file for each script; their names."""
    names = [f"{number}.sh" for number in range(len(scripts))]
    for name, script in zip(names, scripts, strict=True):
        (directory / name).write_bytes((_header(script) + script.text).encode("utf-8", "replace"))
    return names


def _header(script: ShellScript) -> str:
    """The line that says which language a script is in; one with a `#!` says so itself."""
    return "" if script.text.startswith("#!") else f"# shellcheck shell={script.dialect}\n"


def _by_script(
    scripts: list[ShellScript], comments: list[dict[str, Any]]
) -> Mapping[ShellScript, tuple[ShellComment, ...]]:
    found: dict[ShellScript, list[ShellComment]] = {script: [] for script in scripts}
    for item in comments:
        script = scripts[int(item["file"].removesuffix(".sh"))]
        above = _header(script).count("\n")
        found[script].append(
            ShellComment(
                f"SC{item['code']}",
                item["level"],
                item["message"],
                max(item["line"] - above, 1),
                item["column"],
                max(item["endLine"] - above, 1),
                item["endColumn"],
            )
        )
    return {script: tuple(sorted(said, key=lambda c: (c.line, c.column, c.code))) for script, said in found.items()}
