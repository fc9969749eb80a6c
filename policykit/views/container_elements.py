"""The views `port`, `environmentVariable`, `mount` and `probe`: parts of a container with places of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.cel.types import BOOL, STRING, ObjectType
from policykit.views import types
from policykit.views.view import Place, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from policykit.views.project import Project
    from policykit.views.view import Subjects

_OF_CONTAINER = {
    "container": STRING,
    "kind": STRING,  # of the container
    "target": STRING,
    "owner": types.OWNER,
}
PORT_VIEW = ObjectType("Port", {**types.PORT_FIELDS, **_OF_CONTAINER, "repeated": BOOL})
VARIABLE_VIEW = ObjectType("EnvironmentVariable", {**types.VARIABLE_FIELDS, **_OF_CONTAINER})
MOUNT_VIEW = ObjectType("VolumeMount", {**types.MOUNT_FIELDS, **_OF_CONTAINER})
PROBE_VIEW = ObjectType(
    "ContainerProbe",
    {
        **types.PROBE_FIELDS,
        **_OF_CONTAINER,
        "which": STRING,  # liveness, readiness, startup, postStart, preStop
        "exposed": BOOL,  # the container lists the port it asks, for TCP
        "listsPorts": BOOL,  # the container lists any port
    },
)

#: How the parts of a subject are called where they are written.
_KEYS: Mapping[str, Mapping[str, str]] = {
    "kubernetes": {
        "number": "containerPort",
        "published": "hostPort",
        "hostIp": "hostIP",
        "path": "mountPath",
        "volume": "name",
        "reference": "valueFrom",
    },
    "compose": {"number": "target", "hostIp": "host_ip", "path": "target", "volume": "source", "readOnly": "read_only"},
}
PROBES = ("liveness", "readiness", "startup", "postStart", "preStop")


def elements(containers: Subjects, part: str) -> Subjects:
    """The subjects of a view on one list of a container (`ports`, `variables`, `mounts`), from those of `container`."""

    def subjects(document: Any, project: Project) -> Iterator[Subject]:
        for container in containers(document, project):
            seen: set[Any] = set()
            for index, item in enumerate(container.data[part]):
                data = {**item, **_of_container(container)}
                if part == "ports":
                    known = (item["number"], item["protocol"], item["hostIp"], item["published"])
                    data["repeated"] = known in seen or (item["name"] != "" and item["name"] in seen)
                    seen |= {known, item["name"]}
                locate = _locator(container, f"{part}[{index}]")
                yield Subject(data, container.document, locate, container.resource, container.annotations)

    return subjects


def probes(containers: Subjects) -> Subjects:
    """The subjects of the view `probe`: the probes and lifecycle handlers that a container defines."""

    def subjects(document: Any, project: Project) -> Iterator[Subject]:
        for container in containers(document, project):
            for which in PROBES:
                probe = container.data[which]
                if probe["defined"]:
                    exposed = any(_is_port(probe["port"], port) for port in container.data["ports"])
                    data = {**probe, **_of_container(container), "which": which, "exposed": exposed}
                    data["listsPorts"] = bool(container.data["ports"])
                    locate = _probe_locator(container, which, probe["type"])
                    yield Subject(data, container.document, locate, container.resource, container.annotations)

    return subjects


def _is_port(asked: str, port: Mapping[str, Any]) -> bool:
    return port["protocol"] == "TCP" and asked in (str(port["number"]), port["name"]) and asked != ""


def _of_container(container: Subject) -> dict[str, Any]:
    data = container.data
    return {"container": data["name"], "kind": data["kind"], "target": data["target"], "owner": data["owner"]}


def _locator(container: Subject, item: str) -> Callable[[str], Place]:
    keys = _KEYS.get(container.data["target"], {})
    return lambda at: container.locate(f"{item}.{keys.get(at, at)}" if at else item)


def _probe_locator(container: Subject, which: str, kind: str) -> Callable[[str], Place]:
    def locate(at: str) -> Place:
        if at in ("port", "path", "host", "command"):
            return container.locate(f'{which}["{kind}"].{at}')
        return container.locate(f'{which}["{at}"]' if at else which)

    return locate
