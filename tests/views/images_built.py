"""Build stages and uses of images, from the texts of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policykit.document import Source
from policykit.parse.dockerfile import Build, parse_dockerfile
from policykit.views.project import Facts
from policykit.views.read import read_project
from policykit.views.registry import VIEWS

if TYPE_CHECKING:
    from policykit.parse.dockerfile import Stage
    from policykit.views.project import Project
    from policykit.views.view import Subject


def built(text: str) -> tuple[Build, Stage]:
    """The last stage of a Dockerfile in a build without arguments."""
    build = Build(parse_dockerfile(Source("Dockerfile", text)))
    stage = build.target()
    assert stage is not None
    return build, stage


def project(files: dict[str, str], facts: Facts | None = None) -> Project:
    """Files by name as a project, each of which the others may refer to."""
    sources = {name: Source(name, text) for name, text in files.items()}
    return read_project(sources.values(), facts or Facts(), sources.get)


def image_uses(files: dict[str, str], facts: Facts | None = None) -> list[Subject]:
    """The subjects of `imageUse`, those of Compose first."""
    known, found = project(files, facts), []
    for target in ("compose", "kubernetes"):
        make = VIEWS["imageUse"].subjects(target)
        assert make is not None
        for document in known.documents:
            if document.target == target:
                found += list(make(document, known))
    return found
