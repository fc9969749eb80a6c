"""What a pod, a container or a Compose service may do on its host, as values of the type `SecurityContext`.

Kubernetes: `PodSecurityContext` and `SecurityContext` of the API reference, the pod's settings merged into the
container's where Kubernetes does so. Compose: `cap_add`, `cap_drop`, `privileged`, `security_opt`, `userns_mode`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.unknown import Unknown
from policykit.views.container_parts import number
from policykit.views.objects import mapping, sequence, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policykit.views.pods import PodContainer, PodTemplate

SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"

_NO_PROFILE = {"type": "", "file": "", "source": "", "annotation": ""}
#: What holds where nothing is said.
NOTHING: Mapping[str, Any] = {
    "level": "container",
    "name": "",
    "kind": "",
    "target": "",
    "os": "",
    "image": "",
    "hostUsers": True,
    "privileged": False,
    "privilegeEscalation": "",
    "readOnlyRootFilesystem": False,
    "procMount": "",
    "capabilities": {"add": [], "drop": [], "set": False},
    "runAsNonRoot": False,
    "runAsNonRootSource": "",
    "runAsUser": -1,
    "runAsUserSource": "",
    "runAsGroup": -1,
    "runAsGroupSource": "",
    "fsGroup": -1,
    "supplementalGroups": [],
    "windowsUser": "",
    "hostProcess": False,
    "hostProcessSource": "",
    "seccomp": _NO_PROFILE,
    "appArmor": _NO_PROFILE,
    "seLinux": {"type": "", "user": "", "role": "", "level": ""},
    "set": False,
}


def pod_security(pod: PodTemplate) -> dict[str, Any]:
    """What a pod says for all its containers."""
    own = mapping(pod.spec.get("securityContext"))
    return {
        **_common(pod, [("pod", own)]),
        "level": "pod",
        "fsGroup": number(own.get("fsGroup"), -1),
        "supplementalGroups": [number(group, -1) for group in sequence(own.get("supplementalGroups"))],
        "seccomp": _seccomp([("pod", own)], text(_annotations(pod).get(SECCOMP_POD))),
        "appArmor": _profile([("pod", own)], "appArmorProfile", _orphaned_app_armor(pod)),
        "seLinux": _selinux(own),
        "set": bool(own),
    }


def container_security(container: PodContainer) -> dict[str, Any]:
    """What holds for one container: its own settings, else the pod's."""
    pod, name = container.pod, text(container.data.get("name"))
    own = mapping(container.data.get("securityContext"))
    contexts = [("container", own), ("pod", mapping(pod.spec.get("securityContext")))]
    notes = _annotations(pod)
    return {
        **_common(pod, contexts),
        "name": name,
        "kind": container.kind,
        "image": text(container.data.get("image")),
        "privileged": own.get("privileged") is True,
        "privilegeEscalation": _flag_text(own.get("allowPrivilegeEscalation")),
        "readOnlyRootFilesystem": own.get("readOnlyRootFilesystem") is True,
        "procMount": text(own.get("procMount")),
        "capabilities": _capabilities(own.get("capabilities")),
        "seccomp": _seccomp(contexts, text(notes.get(SECCOMP_CONTAINER + name)) or text(notes.get(SECCOMP_POD))),
        "appArmor": _profile(contexts, "appArmorProfile", text(notes.get(APPARMOR + name))),
        "seLinux": _selinux(own),
        "set": bool(own),
    }


def _capabilities(value: Any) -> dict[str, Any]:
    said = mapping(value)
    return {"set": bool(said), **{key: [text(item) for item in sequence(said.get(key))] for key in ("add", "drop")}}


def _common(pod: PodTemplate, contexts: list[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """What a container inherits from its pod, and what holds for the pod as a whole."""
    non_root_source, non_root = _first(contexts, "runAsNonRoot")
    user_source, user = _first(contexts, "runAsUser")
    group_source, group = _first(contexts, "runAsGroup")
    windows = [(source, mapping(context.get("windowsOptions"))) for source, context in contexts]
    process_source, process = _first(windows, "hostProcess")
    return {
        **NOTHING,
        "target": "kubernetes",
        "os": text(mapping(pod.spec.get("os")).get("name")),
        "hostUsers": pod.spec.get("hostUsers") is not False,
        "runAsNonRoot": non_root is True,
        "runAsNonRootSource": non_root_source,
        "runAsUser": number(user, -1),
        "runAsUserSource": user_source,
        "runAsGroup": number(group, -1),
        "runAsGroupSource": group_source,
        "windowsUser": text(_first(windows, "runAsUserName")[1]),
        "hostProcess": process is True,
        "hostProcessSource": process_source,
    }


def _first(contexts: list[tuple[str, Mapping[str, Any]]], key: str) -> tuple[str, Any]:
    """Who says something first, and what."""
    return next(((source, context[key]) for source, context in contexts if context.get(key) is not None), ("", None))


def _seccomp(contexts: list[tuple[str, Mapping[str, Any]]], annotation: str) -> dict[str, str]:
    return _profile(contexts, "seccompProfile", annotation)


def _profile(contexts: list[tuple[str, Mapping[str, Any]]], key: str, annotation: str) -> dict[str, str]:
    source, value = _first(contexts, key)
    profile = mapping(value)
    return {
        "type": text(profile.get("type")),
        "file": text(profile.get("localhostProfile")),
        "source": source,
        "annotation": annotation,
    }


def _selinux(context: Mapping[str, Any]) -> dict[str, str]:
    options = mapping(context.get("seLinuxOptions"))
    return {key: text(options.get(key)) for key in ("type", "user", "role", "level")}


def _orphaned_app_armor(pod: PodTemplate) -> str:
    """The first AppArmor annotation for a container that the pod does not have."""
    return next((text(_annotations(pod)[key]) for key in orphaned_app_armor_keys(pod)), "")


def orphaned_app_armor_keys(pod: PodTemplate) -> Iterator[str]:
    """Annotations that give an AppArmor profile to a container that the pod does not have."""
    lists = ("initContainers", "containers", "ephemeralContainers")
    names = {mapping(item).get("name") for key in lists for item in sequence(pod.spec.get(key))}
    for key in _annotations(pod):
        if str(key).startswith(APPARMOR) and str(key).removeprefix(APPARMOR) not in names:
            yield key


def compose_security(name: str, service: Mapping[str, Any]) -> dict[str, Any]:
    """What holds for a Compose service."""
    options = dict(_security_options(service))
    add, drop = ([_capability(item) for item in sequence(service.get(key))] for key in ("cap_add", "cap_drop"))
    no_new = options.get("no-new-privileges")
    return {
        **NOTHING,
        "name": name,
        "kind": "service",
        "target": "compose",
        "image": text(service.get("image")),
        "hostUsers": True,
        "privileged": flag(service.get("privileged")),
        "privilegeEscalation": "" if no_new is None else ("true" if no_new == "false" else "false"),
        "readOnlyRootFilesystem": flag(service.get("read_only")),
        "procMount": "Unmasked" if options.get("systempaths") == "unconfined" else "",
        "capabilities": {"add": add, "drop": drop, "set": "cap_add" in service or "cap_drop" in service},
        "seccomp": _compose_profile(options.get("seccomp", "")),
        "appArmor": _compose_profile(options.get("apparmor", "")),
        "seLinux": {**NOTHING["seLinux"], "type": options.get("label", "").removeprefix("type:")},
        "set": any(key in service for key in ("security_opt", "cap_add", "cap_drop", "privileged", "read_only")),
    }


def flag(value: Any) -> bool | Unknown:
    """Whether a setting is on."""
    return value if isinstance(value, Unknown) else value is True


def _capability(value: Any) -> str | Unknown:
    return value if isinstance(value, Unknown) else str(value).upper().removeprefix("CAP_")


def _security_options(service: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """`security_opt` items: `name=value`, `name:value` or `name` alone (which means true)."""
    for option in sequence(service.get("security_opt")):
        if not isinstance(option, str):
            continue
        mark = min((i for i in (option.find("="), option.find(":")) if i >= 0), default=len(option))
        yield option[:mark].lower(), option[mark + 1 :] or "true"


def _compose_profile(value: str) -> dict[str, str]:
    kind = {"": "", "unconfined": "Unconfined", "builtin": "RuntimeDefault", "docker-default": "RuntimeDefault"}
    found = kind.get(value, "Localhost")
    file = value if found == "Localhost" else ""
    return {"type": found, "file": file, "source": "container" if value else "", "annotation": ""}


def _annotations(pod: PodTemplate) -> Mapping[str, Any]:
    return mapping(pod.metadata.get("annotations"))


def _flag_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else ""
