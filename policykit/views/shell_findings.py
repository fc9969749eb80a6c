"""The view `shellFinding`: what ShellCheck says of the scripts in RUN, at its place in the Dockerfile.

Nothing is run here. `shell_scripts` are what is to be looked at; whoever reads the files has ShellCheck look at them
(`policykit.shellcheck`) and hands the answer to the project.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from policykit.cel.types import INT, STRING, ObjectType, fields_of
from policykit.document import route_text
from policykit.parse.shell import shell_text
from policykit.unknown import Unknown
from policykit.views.images import reference
from policykit.views.runs import base_variables, locator, placed_instructions, program
from policykit.views.view import Place, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.document import Span
    from policykit.parse.dockerfile import Build, Dockerfile, Instruction, Stage
    from policykit.parse.dockerfile.fragment import Fragment
    from policykit.views.project import Project
    from policykit.views.runs import Placed

SHELL_FINDING = ObjectType(
    "ShellFinding",
    {
        "code": STRING,  # SC2086
        "level": STRING,  # error, warning, info, style
        "message": STRING,
        "dialect": STRING,  # sh, dash, bash, ksh, busybox
        "stage": INT,
    },
)

#: Shells by what ShellCheck calls their language; it does not know that of zsh.
_DIALECTS = {"bash": "bash", "ash": "busybox", "busybox": "busybox", "dash": "dash", "ksh": "ksh", "mksh": "ksh"}
#: What `sh` is in images: repositories of Docker Hub, and words in the tags of others.
_SH_OF_IMAGES = {
    **dict.fromkeys(("alpine", "busybox"), "busybox"),
    **dict.fromkeys(("debian", "ubuntu", "buildpack-deps"), "dash"),
    **dict.fromkeys(("almalinux", "amazonlinux", "archlinux", "centos", "fedora", "oraclelinux", "rockylinux"), "bash"),
}
_SH_OF_TAGS = {
    **dict.fromkeys(("alpine", "busybox"), "busybox"),
    **dict.fromkeys(("slim", "bullseye", "bookworm", "trixie", "focal", "jammy", "noble"), "dash"),
}
#: Build arguments that every build has (https://docs.docker.com/reference/dockerfile/#predefined-args).
_PREDEFINED = frozenset({"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"})
#: hadolint's way to name the shell of an image.
_SHELL_COMMENT = re.compile(r"hadolint\s+shell\s*=\s*(\S+)")
_NAME = re.compile(r"\$\{?[#!]?(\w+)")
_NOT_ASSIGNED = "SC2154"


class ShellScript(NamedTuple):
    """A script, and the language it is written in."""

    text: str
    dialect: str


class ShellComment(NamedTuple):
    """What ShellCheck says about a script; lines and columns count from 1, the end is exclusive."""

    code: str
    level: str
    message: str
    line: int
    column: int
    end_line: int
    end_column: int


class _Placed(NamedTuple):
    """A script and where it was written."""

    script: ShellScript
    fragment: Fragment
    placed: Placed


def shell_scripts(project: Project) -> Iterator[ShellScript]:
    """Every script that a Dockerfile of the project hands to a shell in a RUN."""
    for document in project.documents:
        if document.target == "dockerfile":
            yield from (item.script for item in project.once(document, _scripts))


def shell_findings(dockerfile: Dockerfile, project: Project) -> Iterator[Subject]:
    """What ShellCheck says, in the order of the file. One unknown subject in a project where it was not asked."""
    said = project.shell_comments
    scripts = project.once(dockerfile, _scripts)
    if isinstance(said, Unknown):
        if scripts and scripts[0].script is next(shell_scripts(project)):
            place = Place(scripts[0].fragment.span(), route_text(scripts[0].placed.route))
            yield Subject(dict.fromkeys(fields_of(SHELL_FINDING), said), dockerfile, lambda _at: place)
        return
    build = project.build(dockerfile)
    for script, fragment, placed in scripts:
        starts = _line_starts(script.text)
        for comment in said.get(script, ()):
            start, end = (
                starts[min(line, len(starts)) - 1] + column - 1
                for line, column in ((comment.line, comment.column), (comment.end_line, comment.end_column))
            )
            start, end = min(start, len(script.text)), min(end, len(script.text))
            if comment.code != _NOT_ASSIGNED or not _is_declared(script.text[start:end], placed, build):
                yield _subject(comment, script, placed, dockerfile, fragment.span(start, end))


def _subject(comment: ShellComment, script: ShellScript, placed: Placed, dockerfile: Dockerfile, span: Span) -> Subject:
    data = {
        "code": comment.code,
        "level": comment.level,
        "message": comment.message,
        "dialect": script.dialect,
        "stage": -1 if placed.stage is None else placed.stage.index,
    }
    return Subject(data, dockerfile, locator(span, placed.route))


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer("\n", text))]


def _scripts(dockerfile: Dockerfile, project: Project) -> Iterator[_Placed]:
    build = project.build(dockerfile)
    named = _named_shells(dockerfile)
    for placed in project.once(dockerfile, placed_instructions):
        found = shell_text(placed.instruction, build)
        if found is None or not found.text.text.strip():
            continue
        shell = found.shell or _named_before(placed.instruction, named, dockerfile)
        dialect = _dialect(shell, placed.stage, build)
        if dialect:
            yield _Placed(ShellScript(found.text.text, dialect), found.text, placed)


def _dialect(shell: str, stage: Stage | None, build: Build) -> str:
    """What ShellCheck calls the language of a shell, "" for one that it does not know."""
    name = program(shell)
    if name not in ("", "sh"):
        return _DIALECTS.get(name, "")
    base = build.base(list(build.ancestry(stage))[-1]) if stage else None
    image = None if base is None or isinstance(base.value, Unknown) else reference(base.value)
    if image is None or not isinstance(image.name, str) or not isinstance(image.tag, str):
        return "sh"
    repository = image.name.removeprefix("docker.io/library/")
    words = re.split(r"[^a-z]+", image.tag)
    return _SH_OF_IMAGES.get(repository) or next((_SH_OF_TAGS[word] for word in words if word in _SH_OF_TAGS), "sh")


def _named_shells(dockerfile: Dockerfile) -> list[tuple[int, str]]:
    """The lines of comments that name a shell, with that shell."""
    found = ((comment.span.line, _SHELL_COMMENT.match(comment.text)) for comment in dockerfile.comments)
    return [(line, match[1]) for line, match in found if match]


def _named_before(instruction: Instruction, named: list[tuple[int, str]], dockerfile: Dockerfile) -> str:
    """The shell that the last comment above names, in the same stage; "" for none."""
    at = bisect_right(named, (instruction.first_line, "")) - 1
    if at < 0:
        return ""
    line, shell = named[at]
    between = (i for i in dockerfile.instructions if line < i.first_line < instruction.first_line)
    return "" if any(i.keyword == "from" for i in between) else shell


def _is_declared(expansion: str, placed: Placed, build: Build) -> bool:
    """Whether a variable comes from outside of the script: an ARG, an ENV, the image below, the builder."""
    match = _NAME.match(expansion)
    if match is None:
        return False
    name = match[1]
    binding = build.lookup(placed.instruction)(name)
    if binding.is_set is None:
        known = base_variables(build, placed.stage) if placed.stage else None
        return name in _PREDEFINED or name in (known or ())
    return binding.is_set or isinstance(binding.value, Unknown) or name in _PREDEFINED
