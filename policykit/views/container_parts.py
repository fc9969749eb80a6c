"""The lists of a Kubernetes container (ports, variables, mounts) and its probes, as values of `policykit.views.types`.

Items keep the index they have in the manifest, whatever they are: a place is found by index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.views.objects import mapping, sequence, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policykit.views.pods import PodContainer

_SOURCES = {
    "secretKeyRef": "secret",
    "configMapKeyRef": "configMap",
    "fieldRef": "field",
    "resourceFieldRef": "resource",
    "fileKeyRef": "file",
    "secretRef": "secret",
    "configMapRef": "configMap",
}
_NAMES = {
    "hostPath": "path",
    "persistentVolumeClaim": "claimName",
    "secret": "secretName",
    "configMap": "name",
    "csi": "driver",
    "nfs": "path",
}
NO_PROBE: Mapping[str, Any] = {
    "defined": False,
    "type": "",
    "path": "",
    "port": "",
    "host": "",
    "command": [],
    "initialDelaySeconds": 0,
    "periodSeconds": 0,
    "timeoutSeconds": 0,
    "failureThreshold": 0,
}
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")


def ports(container: PodContainer) -> list[dict[str, Any]]:
    """`ports` of a container."""
    found = []
    for item in map(mapping, sequence(container.data.get("ports"))):
        published = item.get("hostPort")
        found.append(
            {
                "name": text(item.get("name")),
                "number": number(item.get("containerPort")),
                "protocol": text(item.get("protocol")) or "TCP",
                "published": str(published) if published else "",
                "hostIp": text(item.get("hostIP")),
            }
        )
    return found


def variables(container: PodContainer) -> list[dict[str, Any]]:
    """`env` of a container."""
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    for item in map(mapping, sequence(container.data.get("env"))):
        name, origin = text(item.get("name")), mapping(item.get("valueFrom"))
        key = next((key for key in _SOURCES if key in origin), "")
        reference = mapping(origin.get(key))
        value = item.get("value")
        found.append(
            {
                "name": name,
                "value": "" if value is None else str(value),
                "source": _SOURCES.get(key, "value"),
                "reference": text(reference.get("name")),
                "key": text(reference.get("key")),
                "optional": reference.get("optional") is True,
                "repeated": name in seen,
            }
        )
        seen.add(name)
    return found


def variables_from(container: PodContainer) -> list[dict[str, Any]]:
    """`envFrom` of a container."""
    found = []
    for item in map(mapping, sequence(container.data.get("envFrom"))):
        key = next((key for key in _SOURCES if key in item), "")
        reference = mapping(item.get(key))
        found.append(
            {
                "name": text(item.get("prefix")),
                "value": "",
                "source": _SOURCES.get(key, ""),
                "reference": text(reference.get("name")),
                "key": "",
                "optional": reference.get("optional") is True,
                "repeated": False,
            }
        )
    return found


def mounts(container: PodContainer) -> list[dict[str, Any]]:
    """`volumeMounts` of a container, with what is mounted; a volume that the pod does not have has no type."""
    volumes = {text(v.get("name")): volume_source(v) for v in map(mapping, sequence(container.pod.spec.get("volumes")))}
    found = []
    for item in map(mapping, sequence(container.data.get("volumeMounts"))):
        name = text(item.get("name"))
        kind, source = volumes.get(name, ("", ""))
        found.append(
            {
                "volume": name,
                "type": kind,
                "source": source,
                "path": text(item.get("mountPath")),
                "readOnly": item.get("readOnly") is True,
                "subPath": text(item.get("subPath")),
                "propagation": text(item.get("mountPropagation")),
            }
        )
    return found


def volume_source(volume: Mapping[str, Any]) -> tuple[str, str]:
    """What a pod's volume is, and what it names. A volume that says nothing is an emptyDir (API server's default)."""
    kind = next((key for key in volume if key != "name"), "emptyDir")
    return kind, text(mapping(volume.get(kind)).get(_NAMES.get(kind, "")))


def probe(value: Any) -> Mapping[str, Any]:
    """A probe or a lifecycle handler; a number that is missing is Kubernetes' default."""
    if not isinstance(value, dict):
        return NO_PROBE
    kind = next((key for key in _HANDLERS if value.get(key) is not None), "")
    action = mapping(value.get(kind))
    port = action.get("port")
    return {
        "defined": True,
        "type": kind,
        "path": text(action.get("path")),
        "port": "" if port is None else str(port),
        "host": text(action.get("host")),
        "command": strings(sequence(action.get("command"))),
        "initialDelaySeconds": number(value.get("initialDelaySeconds")),
        "periodSeconds": number(value.get("periodSeconds"), 10),
        "timeoutSeconds": number(value.get("timeoutSeconds"), 1),
        "failureThreshold": number(value.get("failureThreshold"), 3),
    }


def strings(items: Iterable[Any]) -> list[str]:
    """The items as texts."""
    return [item if isinstance(item, str) else str(item) for item in items]


def number(value: Any, default: int = 0) -> int:
    """`value` if it is a whole number of 64 bits, else `default`."""
    whole = isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    return value if whole else default
