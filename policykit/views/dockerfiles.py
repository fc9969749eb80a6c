"""Subjects of a Dockerfile: its images, and the container that its last stage (or a named one) makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.document import route_text
from policykit.unknown import Unknown
from policykit.views import dockerfile_parts
from policykit.views.base_images import base_image
from policykit.views.images import at_route, image_fields, reference
from policykit.views.user import user_fields
from policykit.views.view import Place, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.document import Route
    from policykit.parse.dockerfile import Build, Dockerfile, Instruction, Stage, Word
    from policykit.views.base_images import BaseImage
    from policykit.views.built_images import Made
    from policykit.views.project import Project

SCRATCH = "scratch"
_NO_AMOUNTS = {"cpu": "", "memory": "", "ephemeralStorage": ""}
NO_RESOURCES = {"limits": _NO_AMOUNTS, "requests": _NO_AMOUNTS}


def dockerfile_images(dockerfile: Dockerfile, project: Project) -> Iterator[Subject]:
    """FROM, COPY --from and RUN --mount=from, as far as they name images: no earlier stages, no scratch."""
    build = project.build(dockerfile)
    for stage in dockerfile.stages:
        base = build.base(stage)
        if base is not None and stage.start is not None and build.parent(stage) is None and base.value != SCRATCH:
            fields = image_fields(base.value, "FROM", "dockerfile")
            yield Subject(fields, dockerfile, at_route(dockerfile, ("instructions", stage.start.index, "words", 0)))
    for outer in dockerfile.instructions:
        route: Route = ("instructions", outer.index)
        instruction = outer
        while instruction.onbuild is not None:
            instruction, route = instruction.onbuild, (*route, "onbuild")
        for origin, word, where in _sources(instruction):
            if build.source(word.text) is None and word.text != SCRATCH:
                fields = image_fields(_literal(word), origin, "dockerfile")
                yield Subject(fields, dockerfile, at_route(dockerfile, (*route, *where)))


def _sources(instruction: Instruction) -> Iterator[tuple[str, Word, Route]]:
    """What an instruction takes files from: origin, the word that names it, and the route to it."""
    for index, flag in enumerate(instruction.flags):
        if instruction.keyword == "copy" and flag.name.text == "from" and flag.value is not None:
            yield "COPY --from", flag.value, ("flags", index, "value")
        if instruction.keyword == "run" and flag.name.text == "mount":
            for position, option in enumerate(flag.options):
                if option.name.text.lower() == "from" and option.value is not None:
                    yield "RUN --mount", option.value, ("flags", index, "options", position, "value")


def _literal(word: Word) -> str | Unknown:
    """BuildKit expands no variable here; it refuses the build."""
    return Unknown((f"a variable in `{word.text}` is not expanded here",)) if "$" in word.text else word.text


class StageUser(NamedTuple):
    """The user at the end of a stage; `route` leads to the USER that sets it, None where the base image does."""

    text: str | Unknown
    route: Route | None
    windows: bool


def stage_user(build: Build, stage: Stage, known: tuple[BaseImage, ...]) -> StageUser:
    """The user in effect: the last USER of the stage or of those below it, else the base image's."""
    bottom = list(build.ancestry(stage))[-1]
    base = build.base(bottom)
    image: str | Unknown = base.value if base is not None else Unknown(("the stage has no FROM",))
    entry = None if image == SCRATCH else base_image(reference(image), known)
    windows = entry is not None and entry.windows
    last = build.last(stage, "user")
    if last is not None:
        instruction, running = last
        route: Route = ("instructions", instruction.index)
        if build.dockerfile.instructions[instruction.index] is not instruction:
            route = (*route, "onbuild")
        value = build.expand(instruction.words[0], instruction, running).value if instruction.words else ""
        return StageUser(value, (*route, "words", 0), windows)
    if image == SCRATCH:
        return StageUser("0", None, False)
    if entry is not None:
        return StageUser(entry.user, None, windows)
    if isinstance(image, Unknown):
        return StageUser(image, None, False)
    return StageUser(Unknown((f"the user of the base image `{image}` is not known",)), None, False)


def made_user(made: Made, project: Project) -> tuple[str | Unknown, bool, str]:
    """The user of an image that is built here, whether it is one for Windows, and where its Dockerfile decides it."""
    user = stage_user(made.build, made.stage, project.facts.base_images)
    dockerfile = made.build.dockerfile
    index = user.route[1] if user.route else made.stage.start.index if made.stage.start else 0
    return user.text, user.windows, made.place(dockerfile.instructions[int(index)])


def dockerfile_containers(dockerfile: Dockerfile, project: Project) -> Iterator[Subject]:
    """The container that a build without --target makes. A fragment without FROM makes none that could be judged."""
    build = project.build(dockerfile)
    stage = build.target()
    if stage is not None and (stage.start is not None or build.last(stage, "user")):
        yield _container(dockerfile, build, stage, project)


def _container(dockerfile: Dockerfile, build: Build, stage: Stage, project: Project) -> Subject:
    user = stage_user(build, stage, project.facts.base_images)
    base = build.base(list(build.ancestry(stage))[-1])
    start: Route = ("instructions", stage.start.index) if stage.start else ("instructions", 0)
    fields: dict[str, Any] = {
        "name": stage.name or str(stage.index),
        "kind": "stage",
        "target": "dockerfile",
        "image": image_fields(base.value if base else "", "FROM", "dockerfile"),
        "user": user_fields(user.text, windows=user.windows),
        "userSource": "image" if user.route is None else "container",
        "imageUser": user_fields(user.text, windows=user.windows),
        "imageUserKnown": not isinstance(user.text, Unknown),
        "imageUserAt": "",
        "runAsNonRoot": False,
        "windows": user.windows,
        "resources": NO_RESOURCES,
        **dockerfile_parts.parts(build, stage),
    }

    def locate(at: str) -> Place:
        route = user.route if at == "user" and user.route is not None else start
        return Place(dockerfile.span(route), route_text(route))

    return Subject(fields, dockerfile, locate)
