"""The view `imageUse`: a container of a manifest or a service together with the Dockerfile stage that makes its image.

There is a subject only where it is known which stage that is (`policykit.views.built_images`).
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.cel.types import BOOL, INT, STRING, ListType, ObjectType
from policykit.unknown import Unknown
from policykit.views.built_images import Made, image_stage, stage_of
from policykit.views.compose import compose_containers
from policykit.views.dockerfiles import stage_user
from policykit.views.image_ports import exposed_ports
from policykit.views.kubernetes_containers import kubernetes_containers
from policykit.views.objects import mapping, sequence
from policykit.views.pods import containers, pod_templates
from policykit.views.stage_start import start
from policykit.views.stage_writes import working_directory, writes
from policykit.views.types import CONTAINER, USER
from policykit.views.user import user_fields
from policykit.views.view import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from policykit.document import Document
    from policykit.parse.dockerfile import Instruction
    from policykit.views.objects import ApiObject
    from policykit.views.pods import PodContainer
    from policykit.views.project import Project
    from policykit.views.stage_start import Start
    from policykit.views.stage_writes import Write

#: Where something stands in the Dockerfile is said as `file:line`; "" where it does not stand there.
_BUILT = ObjectType(
    "BuiltImage",
    {
        "stage": STRING,  # its name; its number where it has none
        "stageAt": STRING,
        "user": USER,
        "ports": ListType(STRING),  # words of EXPOSE
        "portsAt": STRING,
        "entrypoint": ListType(STRING),  # arguments: a shell form is one of its shell
        "entrypointAt": STRING,
        "cmd": ListType(STRING),
        "cmdAt": STRING,
        "init": STRING,  # the init that ENTRYPOINT begins with: tini, dumb-init; "" for none
        "volumes": ListType(STRING),
        "workingDir": STRING,  # "" where the base image decides
    },
)
_PORT = ObjectType(
    "UsedPort",
    {
        "number": INT,
        "protocol": STRING,  # TCP, UDP, SCTP
        "exposed": BOOL,  # by the image
    },
)
_WRITE = ObjectType(
    "ImageWrite",
    {
        "path": STRING,
        "how": STRING,  # volume, command, directory: what shows that the image writes there
        "at": STRING,
        "mounted": BOOL,  # something is mounted there, above or below
    },
)
IMAGE_USE = ObjectType(
    "ImageUse",
    {
        "container": CONTAINER,
        "image": _BUILT,
        "ports": ListType(_PORT),  # of the container
        "entrypointReplaced": BOOL,
        "runs": ListType(STRING),  # the arguments the container starts with
        "init": BOOL,  # the container's first process is another than its own: Compose `init`, a shared PID namespace
        "writes": ListType(_WRITE),  # of what it runs
    },
)


class _Settings(NamedTuple):
    """What a container says: arguments in place of the image's (None where it says none), its first process, mounts."""

    command: Sequence[Any] | Unknown | None
    args: Sequence[Any] | Unknown | None
    init: bool
    mounted: tuple[str | Unknown, ...]


def kubernetes_image_uses(obj: ApiObject, project: Project) -> Iterator[Subject]:
    """The containers of an object whose images are built among the files."""
    found = (container for pod in pod_templates(obj.data) for container in containers(pod))
    for subject, container in zip(kubernetes_containers(obj, project), found, strict=True):
        made = stage_of(subject.data["image"]["ref"], project)
        if made is not None:
            yield _use(subject, made, _of_container(subject, container), project)


def _of_container(subject: Subject, container: PodContainer) -> _Settings:
    data, spec = subject.data, container.pod.spec
    return _Settings(
        command=data["command"] or None,  # an empty list is none
        args=data["args"] or None,
        init=spec.get("shareProcessNamespace") is True or spec.get("hostPID") is True,
        mounted=tuple(mount["path"] for mount in data["mounts"]),
    )


def compose_image_uses(document: Document, project: Project) -> Iterator[Subject]:
    """The services whose images are built among the files."""
    services = mapping(document.data.get("services"))
    for subject in compose_containers(document, project):
        service = mapping(services.get(subject.data["name"]))
        made = image_stage(service, document, project)
        if isinstance(made, Made):
            yield _use(subject, made, _of_service(subject, service), project)


def _of_service(subject: Subject, service: Mapping[str, Any]) -> _Settings:
    temporary = (path if isinstance(path, Unknown) else str(path) for path in sequence(service.get("tmpfs")))
    return _Settings(
        command=_arguments(service.get("entrypoint")),
        args=_arguments(service.get("command")),
        init=service.get("init") is True or service.get("pid") is not None,
        mounted=(
            *(mount["path"] for mount in subject.data["mounts"]),
            *(path if isinstance(path, Unknown) else path.partition(":")[0] for path in temporary),
        ),
    )


def _arguments(value: Any) -> Sequence[Any] | Unknown | None:
    """Compose splits a text into words as a shell would; an empty one takes the image's away."""
    if not isinstance(value, str):
        return value if value is None or isinstance(value, Unknown) else sequence(value)
    try:
        return shlex.split(value)
    except ValueError:
        return Unknown((f"`{value}` cannot be split into arguments",))


def _use(subject: Subject, made: Made, settings: _Settings, project: Project) -> Subject:
    user = user_fields(stage_user(made.build, made.stage, project.facts.base_images).text)
    starts = start(made.build, made.stage)
    exposed = exposed_ports(made.build, made.stage)
    written = writes(made.build, made.stage, user["name"])
    image = {
        "stage": made.stage.name or str(made.stage.index),
        "stageAt": made.place(made.stage.start),
        "user": user,
        "ports": list(exposed.words),
        "portsAt": made.place(exposed.instruction),
        "entrypoint": _listed(starts.entrypoint),
        "entrypointAt": made.place(starts.entrypoint_at),
        "cmd": _listed(starts.cmd),
        "cmdAt": made.place(starts.cmd_at),
        "init": starts.init,
        "volumes": [write.path for write in written if write.how == "volume"],
        "workingDir": working_directory(made.build, made.stage) or "",
    }
    data = {
        "container": subject.data,
        "image": image,
        "ports": [
            {
                "number": port["number"],
                "protocol": port["protocol"],
                "exposed": exposed.hold(port["number"], port["protocol"]),
            }
            for port in subject.data["ports"]
        ],
        "entrypointReplaced": settings.command is not None,
        "runs": _runs(starts, settings),
        "init": settings.init,
        "writes": list(_writes(subject, made, written, (starts, settings))),
    }
    return Subject(data, subject.document, subject.locate, subject.resource, subject.annotations)


def _listed(value: Sequence[Any] | Unknown) -> list[Any] | Unknown:
    return value if isinstance(value, Unknown) else list(value)


def _runs(starts: Start, settings: _Settings) -> list[Any] | Unknown:
    """Who replaces ENTRYPOINT loses CMD, in Docker as in Kubernetes."""
    parts: list[Sequence[Any] | Unknown] = []
    if settings.command is None:
        parts = [starts.entrypoint, starts.cmd if settings.args is None else settings.args]
    else:
        parts = [settings.command, settings.args or ()]
    for part in parts:
        if isinstance(part, Unknown):
            return part
    return [word for part in parts if not isinstance(part, Unknown) for word in part]


def _writes(
    subject: Subject, made: Made, written: Iterable[Write], said: tuple[Start, _Settings]
) -> Iterator[dict[str, Any]]:
    starts, settings = said
    # Docker mounts a new volume at a VOLUME by itself; with the runtimes of Kubernetes it depends on which it is.
    by_itself = subject.data["target"] == "compose"
    for write in written:
        if write.how == "command" and not _still_runs(write.instruction, starts, settings):
            continue
        mounted = True if write.how == "volume" and by_itself else _is_mounted(write.path, settings.mounted)
        yield {"path": write.path, "how": write.how, "at": made.place(write.instruction), "mounted": mounted}


def _still_runs(instruction: Instruction, starts: Start, settings: _Settings) -> bool:
    return settings.command is None and (instruction is not starts.cmd_at or settings.args is None)


def _is_mounted(path: str, mounted: Iterable[str | Unknown]) -> bool | Unknown:
    """Whether something is mounted at the path, around it or in it; a mount at a place nobody knows may be there."""
    unknown: Unknown | None = None
    for place in mounted:
        if isinstance(place, Unknown):
            unknown = place
        elif _within(path, place) or _within(place, path):
            return True
    return False if unknown is None else unknown


def _within(path: str, directory: str) -> bool:
    return f"{path.rstrip('/')}/".startswith(f"{directory.rstrip('/')}/")
