"""The image of a service, or the name of one, into the Dockerfile stage that makes it: never by a guess.

A name is joined to a stage where the configuration says so, or where Compose services of the run that build an image
of that name agree on the stage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.unknown import Unknown
from policykit.views.image_reference import matches_any
from policykit.views.images import reference
from policykit.views.objects import mapping, sequence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from policykit.document import Document
    from policykit.parse.dockerfile import Build, Instruction, Stage
    from policykit.views.image_reference import ImageReference, Text
    from policykit.views.project import Project

#: Docker Hub's own images have names that anybody may give to an image of theirs.
_OFFICIAL = "docker.io/library/"


class BuiltImage(NamedTuple):
    """Images by name (patterns as in `matches_any`), the Dockerfile that makes them, and its stage ("" is the last)."""

    images: tuple[str, ...]
    dockerfile: str
    target: str = ""


class Made(NamedTuple):
    """A stage with a FROM, in a build of its Dockerfile; `arguments` are those of that build alone."""

    build: Build
    stage: Stage
    arguments: Mapping[str, Any]

    def place(self, instruction: Instruction | None) -> str:
        """Where an instruction stands, as `file:line`; "" for none."""
        if instruction is None:
            return ""
        return f"{self.build.dockerfile.source.name}:{instruction.first_line}"

    def same(self, other: Made) -> bool:
        """Whether both make the same image."""
        return (
            self.build.dockerfile is other.build.dockerfile
            and self.stage is other.stage
            and self.arguments == other.arguments
        )


class _Named(NamedTuple):
    reference: ImageReference
    made: Made | Unknown


def image_stage(service: Mapping[str, Any], document: Document, project: Project) -> Made | Unknown | None:
    """The stage that makes the image of a Compose service; Unknown where it is built from what is not there."""
    if "build" in service:
        return _service_build(service, document, project)
    return stage_of(_ref(service.get("image")), project)


def stage_of(ref: Text, project: Project) -> Made | None:
    """The stage that makes the image of that name; None where nobody says it, or two say otherwise."""
    wanted = reference(ref)
    for entry in project.facts.built_images:
        named = matches_any(wanted.name, list(entry.images))
        if isinstance(named, Unknown):
            return None
        if named:
            build = project.dockerfile_build(entry.dockerfile)
            made = None if build is None else _made(build, entry.target, {})
            return made if isinstance(made, Made) else None
    return _agreed([named for named in project.once(project, _named_builds) if _is(wanted, named.reference)], wanted)


def _agreed(found: list[_Named], wanted: ImageReference) -> Made | None:
    """What all make, or all of those that give the very tag."""
    same_tag = [named for named in found if named.reference.tag == wanted.tag]
    makers = [named.made for named in same_tag or found]
    first = makers[0] if makers else None
    if not isinstance(first, Made):
        return None
    return first if all(isinstance(other, Made) and first.same(other) for other in makers) else None


def _is(wanted: ImageReference, built: ImageReference) -> bool:
    """Whether a name means the image that is built under another: tags are versions of one image. A plain name may
    just as well be that of an official image, so there the tag has to be the same.
    """
    if not isinstance(wanted.name, str) or wanted.name != built.name:
        return False
    if not wanted.name.startswith(_OFFICIAL):
        return True
    return not wanted.digest and (wanted.tag or "latest") == (built.tag or "latest")


def _named_builds(project: Project, _same: Project) -> Iterator[_Named]:
    for document in project.documents:
        if document.target == "compose":
            for service in mapping(document.data.get("services")).values():
                if "build" in mapping(service):
                    made = _service_build(service, document, project)
                    yield from (_Named(reference(name), made) for name in _names(service))


def _names(service: Mapping[str, Any]) -> Iterable[Text]:
    """What a service calls the image it builds (Compose specification, `image` and `build.tags`)."""
    names = [service.get("image"), *sequence(mapping(service["build"]).get("tags"))]
    return [name for name in map(_ref, names) if name != ""]


def _service_build(service: Mapping[str, Any], document: Document, project: Project) -> Made | Unknown:
    options = mapping(service["build"])
    build = project.compose_build(document, options)
    if build is None:
        return Unknown(("the Dockerfile that it is built from is not among the files",))
    return _made(build, _ref(options.get("target")), mapping(options.get("args")))


def _made(build: Build, target: Text, arguments: Mapping[str, Any]) -> Made | Unknown:
    if isinstance(target, Unknown):
        return target
    stage = build.target(target)
    if stage is None:
        return Unknown((f"its Dockerfile has no stage `{target}`",))
    if stage.start is None:
        return Unknown(("its Dockerfile has no FROM",))
    return Made(build, stage, arguments)


def _ref(value: Any) -> Text:
    if isinstance(value, Unknown):
        return value
    return "" if value is None else str(value)
