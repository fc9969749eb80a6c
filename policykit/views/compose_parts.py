"""What a Compose service says of its container and of the pod it would be, as values of `policykit.views.types`.

A service is read as a pod with one container: bind mounts are hostPath volumes, `network_mode: host` is hostNetwork.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from policykit.unknown import Unknown
from policykit.views.container_parts import NO_PROBE, number, strings
from policykit.views.objects import NO_OWNER, mapping, sequence, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = {"h": 3600, "m": 60, "s": 1}
_VOLUME_TYPES = {"bind": "hostPath", "npipe": "hostPath", "tmpfs": "emptyDir"}


def parts(service: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `Container` that are lists, probes and plain settings."""
    return {
        "owner": NO_OWNER,
        "ports": _ports(service),
        "variables": _variables(service),
        "variablesFrom": [
            {**_NO_VARIABLE, "source": "file", "reference": _text(mapping(item).get("path"))}
            for item in sequence(service.get("env_file"))
        ],
        "mounts": mounts(service),
        "liveness": _healthcheck(service),
        "readiness": NO_PROBE,
        "startup": NO_PROBE,
        "postStart": NO_PROBE,
        "preStop": NO_PROBE,
        "pullPolicy": _text(service.get("pull_policy")),
        "restartPolicy": restart_policy(service),
        "command": _command(service.get("entrypoint")),
        "args": _command(service.get("command")),
        "workingDir": _text(service.get("working_dir")),
        "tty": service.get("tty") is True,
        "stdin": service.get("stdin_open") is True,
    }


def restart_policy(service: Mapping[str, Any]) -> Any:
    """`restart`, or `condition` of `deploy.restart_policy`."""
    deployed = mapping(mapping(service.get("deploy")).get("restart_policy")).get("condition")
    return _text(service.get("restart") if service.get("restart") is not None else deployed)


def _ports(service: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": _text(item.get("name")),
            "number": _port_number(item.get("target")),
            "protocol": _upper(item.get("protocol", "TCP")),
            "published": _text(item.get("published")),
            "hostIp": _text(item.get("host_ip")),
        }
        for item in map(mapping, sequence(service.get("ports")))
    ]


def _port_number(value: Any) -> int | Unknown:
    return value if isinstance(value, Unknown) else number(value)


_NO_VARIABLE = {
    "name": "",
    "value": "",
    "source": "value",
    "reference": "",
    "key": "",
    "optional": False,
    "repeated": False,
}


def _variables(service: Mapping[str, Any]) -> list[dict[str, Any]]:
    """`environment`; a name without a value takes the one of whoever runs Compose."""
    return [
        {**_NO_VARIABLE, "name": name, "value": _text(value), "source": "host" if value is None else "value"}
        for name, value in mapping(service.get("environment")).items()
    ]


def mounts(service: Mapping[str, Any]) -> list[dict[str, Any]]:
    """`volumes`."""
    found = []
    for item in map(mapping, sequence(service.get("volumes"))):
        kind = _text(item.get("type"))
        source = _text(item.get("source"))
        found.append(
            {
                "volume": source,
                "type": kind if isinstance(kind, Unknown) else _VOLUME_TYPES.get(kind, kind),
                "source": source,
                "path": _text(item.get("target")),
                "readOnly": item.get("read_only") is True,
                "subPath": _text(mapping(item.get("volume")).get("subpath")),
                "propagation": _text(mapping(item.get("bind")).get("propagation")),
            }
        )
    return found


def volumes(service: Mapping[str, Any]) -> list[dict[str, Any]]:
    """`volumes` as volumes of a pod; `policykit.views.pod_types.VOLUME`."""
    return [
        {
            "name": mount["volume"],
            "type": mount["type"],
            "source": mount["source"],
            "sizeLimit": "",
            "medium": "",
            "optional": False,
            "mounted": True,
            "readOnly": mount["readOnly"],
        }
        for mount in mounts(service)
    ]


def _healthcheck(service: Mapping[str, Any]) -> Mapping[str, Any]:
    check = mapping(service.get("healthcheck"))
    test = check.get("test")
    if check.get("disable") is True or test is None or test == ["NONE"]:
        return NO_PROBE
    command = strings(test)[1:] if isinstance(test, list) else [_text(test)]
    return {
        **NO_PROBE,
        "defined": True,
        "type": "exec",
        "command": command,
        "initialDelaySeconds": seconds(check.get("start_period"), 0),
        "periodSeconds": seconds(check.get("interval"), 30),
        "timeoutSeconds": seconds(check.get("timeout"), 30),
        "failureThreshold": number(check.get("retries"), 3),
    }


def seconds(value: Any, default: int) -> int:
    """A duration of Compose (`1m30s`) in whole seconds; `default` for what is none."""
    found = re.findall(r"(\d+)(ms|us|ns|h|m|s)", value) if isinstance(value, str) else []
    return sum(int(amount) * _SECONDS.get(unit, 0) for amount, unit in found) if found else default


def _command(value: Any) -> list[Any]:
    if isinstance(value, list):
        return strings(value) if not any(isinstance(v, Unknown) for v in value) else value
    return [] if value is None else [_text(value)]


def pod(name: str, service: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the type `Pod` (`policykit.views.pod_types`)."""
    return {
        "target": "compose",
        "owner": NO_OWNER,
        "name": name,
        "labels": texts(service.get("labels")),
        "annotations": texts(service.get("annotations")),
        "hostNetwork": _is(service.get("network_mode"), "host"),
        "hostPID": _is(service.get("pid"), "host"),
        "hostIPC": _is(service.get("ipc"), "host"),
        "hostUsers": _is(service.get("userns_mode"), "host"),
        "shareProcessNamespace": False,
        "os": "",
        "serviceAccount": "",
        "deprecatedServiceAccount": "",
        "automountToken": "",
        "tokenMounted": False,
        "restartPolicy": restart_policy(service),
        "priorityClass": "",
        "runtimeClass": _text(service.get("runtime")),
        "nodeName": "",
        "nodeSelector": {},
        "nodeAffinity": False,
        "antiAffinity": [],
        "topologySpread": [],
        "tolerations": [],
        "hostAliases": len(service.get("extra_hosts") or ()),
        "dnsPolicy": "",
        "dnsOptions": [],
        "sysctls": [{"name": str(k), "value": _text(v)} for k, v in mapping(service.get("sysctls")).items()],
        "terminationGracePeriodSeconds": seconds(service.get("stop_grace_period"), 10),
        "activeDeadlineSeconds": 0,
        "imagePullSecrets": [],
        "volumes": volumes(service),
        "containers": [name],
        "initContainers": [],
        "ephemeralContainers": [],
    }


def _is(value: Any, wanted: str) -> bool | Unknown:
    return value if isinstance(value, Unknown) else value == wanted


def _text(value: Any) -> Any:
    """A text, "" for nothing; what is not known stays so."""
    if isinstance(value, Unknown):
        return value
    return "" if value is None else str(value)


def _upper(value: Any) -> Any:
    return value if isinstance(value, Unknown) else _text(value).upper()
