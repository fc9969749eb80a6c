"""The project view `builtContainer`: a container beside the Dockerfile stage that its image is built from.

A Compose service with `build` names its Dockerfile; a Kubernetes container runs what a service builds under the same
image name. Where no Dockerfile is among the files there is nothing to compare.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.cel.types import BOOL, INT, STRING, ListType, ObjectType
from policykit.unknown import Unknown
from policykit.views import dockerfile_parts
from policykit.views.compose import compose_containers
from policykit.views.kubernetes_containers import kubernetes_containers
from policykit.views.objects import follow, mapping
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.document import Document
    from policykit.views.project import Project

BUILT_CONTAINER = ObjectType(
    "BuiltContainer",
    {
        "name": STRING,
        "target": STRING,
        "ports": ListType(INT),  # that the container lists or publishes
        "exposed": ListType(INT),  # that the image's stage EXPOSEs
        "readOnlyRootFilesystem": BOOL,
        "mounts": ListType(STRING),  # paths in the container
        "imageVolumes": ListType(STRING),  # paths that the stage declares by VOLUME
        "command": ListType(STRING),
        "args": ListType(STRING),
        "imageEntrypoint": ListType(STRING),
        "imageCommand": ListType(STRING),
    },
)


def compose_built(_document: None, project: Project) -> Iterator[Subject]:
    """Every service that is built from a Dockerfile among the files."""
    for document in project.documents:
        if document.target == "compose":
            for container in compose_containers(document, project):
                service = mapping(follow(document.data, ("services", container.data["name"])))
                image = _image(document, service, project)
                if image is not None:
                    yield _subject(container, image)


def kubernetes_built(_document: None, project: Project) -> Iterator[Subject]:
    """Every container whose image a service of a Compose file among the files builds."""
    images = dict(_named_images(project))
    for obj in project.objects if images else ():
        for container in kubernetes_containers(obj, project):
            image = images.get(container.data["image"]["name"])
            if image is not None:
                yield _subject(container, image)


def _named_images(project: Project) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for document in project.documents:
        if document.target == "compose":
            for container in compose_containers(document, project):
                service = mapping(follow(document.data, ("services", container.data["name"])))
                name, image = container.data["image"]["name"], _image(document, service, project)
                if isinstance(name, str) and name and image is not None:
                    yield name, image


def _image(document: Document, service: Mapping[str, Any], project: Project) -> Mapping[str, Any] | None:
    """What the stage that a service is built from says; None where its Dockerfile is not there."""
    settings = service.get("build")
    build = project.compose_build(document, settings) if isinstance(settings, dict) else None
    target = mapping(settings).get("target")
    stage = build.target(target if isinstance(target, str) else "") if build is not None else None
    return dockerfile_parts.parts(build, stage) if build is not None and stage is not None else None


def _subject(container: Subject, image: Mapping[str, Any]) -> Subject:
    data = container.data
    fields = {
        "name": data["name"],
        "target": data["target"],
        "ports": _known(port["number"] for port in data["ports"]),
        "exposed": _known(port["number"] for port in image["ports"]),
        "readOnlyRootFilesystem": data["security"]["readOnlyRootFilesystem"],
        "mounts": _known(mount["path"] for mount in data["mounts"]),
        "imageVolumes": _known(mount["path"] for mount in image["mounts"]),
        "command": data["command"],
        "args": data["args"],
        "imageEntrypoint": image["command"],
        "imageCommand": image["args"],
    }
    return Subject(fields, container.document, container.locate, container.resource, container.annotations)


def _known(values: Iterator[Any]) -> list[Any]:
    return [value for value in values if not isinstance(value, Unknown)]
