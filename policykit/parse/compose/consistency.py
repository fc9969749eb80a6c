"""A whole Compose model against itself: what its parts say of each other has to hold.

References to what is not there, attributes that contradict each other, services that wait for themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.parse.compose.tree import ComposeError, child, children, items, scalar, text
from policykit.parse.compose.values import size
from policykit.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from policykit.parse.yaml_nodes import Node

_NAMESPACES = ("network_mode", "ipc", "pid", "uts", "cgroup")
_SERVICE_PREFIX = "service:"


def contradictions(model: Node, profiles: Sequence[str]) -> Iterator[ComposeError]:
    """What one active service says against itself, and secrets without content."""
    for name, service in children(child(model, "services")).items():
        if not _is_active(service, profiles):
            continue
        yield from _image_or_build(name, service)
        yield from _networks(name, service)
        yield from _healthcheck(service)
        yield from _scale(name, service)
        yield from _limits(name, service)
        yield from _mounts(service)
        yield from _watches(name, service)
    for name, secret in children(child(model, "secrets")).items():
        fields = children(secret)
        ways = [scalar(fields.get(way)) for way in ("file", "environment")]
        if scalar(fields.get("external")) is not True and all(way is None or way == "" for way in ways):
            yield ComposeError(f"secret `{name}` must declare either `file` or `environment`", secret.span)


def _image_or_build(name: str, service: Node) -> Iterator[ComposeError]:
    build, image = child(service, "build"), scalar(child(service, "image"))
    if build is None and not isinstance(image, Unknown) and not image and child(service, "provider") is None:
        yield ComposeError(f"service `{name}` has neither an image nor a build context specified", service.span)
    fields = children(build)
    if text(fields.get("dockerfile_inline")) and text(fields.get("dockerfile")):
        yield ComposeError(
            f"service `{name}` declares mutually exclusive dockerfile and dockerfile_inline", fields["dockerfile"].span
        )
    platform = text(child(service, "platform"))
    platforms = [item.value for item in items(fields.get("platforms"))]
    if platform and platforms and platform not in platforms:
        yield ComposeError(f"build.platforms must include the platform `{platform}`", fields["platforms"].span)


def _networks(name: str, service: Node) -> Iterator[ComposeError]:
    mode = child(service, "network_mode")
    if text(mode) and children(child(service, "networks")):
        assert mode is not None
        yield ComposeError(f"service `{name}` declares mutually exclusive `network_mode` and `networks`", mode.span)


def _healthcheck(service: Node) -> Iterator[ComposeError]:
    test = child(child(service, "healthcheck") or service, "test")
    first = next(iter(items(test)), None)
    if first is not None and isinstance(first.value, str) and first.value not in ("CMD", "CMD-SHELL", "NONE"):
        yield ComposeError('healthcheck.test must start either by "CMD", "CMD-SHELL" or "NONE"', first.span)


def _scale(name: str, service: Node) -> Iterator[ComposeError]:
    scale, replicas = child(service, "scale"), child(child(service, "deploy") or service, "replicas")
    known = [node for node in (scale, replicas) if node is not None and _number(node) is not None]
    for node in known:
        if (_number(node) or 0) < 0:
            yield ComposeError("must be greater than or equal to 0", node.span)
    if len(known) == 2 and _number(known[0]) != _number(known[1]):
        yield ComposeError("can't set distinct values on 'scale' and 'deploy.replicas'", known[0].span)
    container_name = child(service, "container_name")
    if container_name is not None and container_name.value != "" and known and (_number(known[0]) or 0) > 1:
        message = f"services.{name}: can't set container_name and scale, as a container's name must be unique"
        yield ComposeError(message, container_name.span)


def _limits(name: str, service: Node) -> Iterator[ComposeError]:
    """The old attributes of a service beside `deploy.resources`: both or one, but the same."""
    resources = child(child(service, "deploy") or service, "resources")
    for old, group, new in (
        ("cpus", "limits", "cpus"),
        ("mem_limit", "limits", "memory"),
        ("mem_reservation", "reservations", "memory"),
        ("pids_limit", "limits", "pids"),
    ):
        node, limits = child(service, old), child(resources or service, group)
        if node is None or resources is None or limits is None:
            continue
        mine, theirs = _number(node), _number(child(limits, new))
        if mine is not None and theirs is not None and mine and mine != theirs:
            message = f"services.{name}: can't set distinct values on '{old}' and 'deploy.resources.{group}.{new}'"
            yield ComposeError(message, node.span)


def _number(node: Node | None) -> float | None:
    """A number, or a size in bytes; 0 where there is none, None where it is unknown."""
    value: Any = 0 if node is None else node.value
    if isinstance(value, Unknown):
        return None
    if not isinstance(value, str):
        return value if isinstance(value, int | float) else 0
    try:
        return float(value)
    except ValueError:
        return size(value)


def _mounts(service: Node) -> Iterator[ComposeError]:
    tmpfs = child(service, "tmpfs")
    mounts = [tmpfs] if isinstance(scalar(tmpfs), str) else items(tmpfs)
    targets = [(text(mount).partition(":")[0], mount) for mount in mounts if mount is not None]
    targets += [(text(child(mount, "target")), mount) for mount in items(child(service, "volumes"))]
    seen: dict[str, Node] = {}
    for target, mount in targets:
        if target and target in seen:
            first = seen[target].span
            message = f"target {target} already mounted at {first.file}:{first.line}:{first.column}"
            yield ComposeError(message, mount.span)
        seen.setdefault(target, mount)


def _watches(name: str, service: Node) -> Iterator[ComposeError]:
    for watch in items(child(child(service, "develop") or service, "watch")):
        if scalar(child(watch, "target")) in (None, "") and text(child(watch, "action")) not in ("rebuild", "restart"):
            message = f"services.{name}.develop.watch: target is required for non-rebuild actions"
            yield ComposeError(message, watch.span)


# -- references --------------------------------------------------------------------------------------------------------


def dangling(model: Node, profiles: Sequence[str]) -> Iterator[ComposeError]:
    """References of the active services to what is not there, or not active; and circles among what they wait for."""
    services = children(child(model, "services"))
    active = {name: service for name, service in services.items() if _is_active(service, profiles)}
    for name, service in active.items():
        yield from _dangling_resources(name, service, model)
        yield from _dangling_services(name, service, services, active)
    jobs = {name: job for name, job in children(child(model, "jobs")).items() if _is_active(job, profiles)}
    for name, job in jobs.items():
        if name in services:
            yield ComposeError(f"`{name}` is declared both as a service and a job", job.span)
        for other, node in _dependencies(job).items():
            if other not in jobs and other not in active and not _is_optional(node, other, services):
                yield ComposeError(f"job `{name}` depends on undefined service or job `{other}`", node.span)
    yield from _circles(active)


def _is_active(service: Node, profiles: Sequence[str]) -> bool:
    wanted = [item.value for item in items(child(service, "profiles"))]
    return not wanted or "*" in profiles or any(profile in profiles for profile in wanted)


def _dangling_resources(name: str, service: Node, model: Node) -> Iterator[ComposeError]:
    for section in ("networks", "models"):
        defined = children(child(model, section))
        for key, node in children(child(service, section)).items():
            if key not in defined and (section, key) != ("networks", "default"):
                yield _undefined(name, section[:-1], key, node)
    volumes = [child(mount, "source") for mount in _named_volumes(service)]
    secrets = [child(mount, "source") for mount in items(child(service, "secrets"))]
    build_secrets = [child(mount, "source") for mount in items(child(child(service, "build") or service, "secrets"))]
    configs = [child(mount, "source") for mount in items(child(service, "configs"))]
    if child(service, "build") is not None:
        secrets += build_secrets
    for section, references in (("volumes", volumes), ("secrets", secrets), ("configs", configs)):
        defined = children(child(model, section))
        for reference in references:
            if reference is not None and text(reference) and text(reference) not in defined:
                yield _undefined(name, section[:-1], text(reference), reference)


def _named_volumes(service: Node) -> list[Node]:
    return [mount for mount in items(child(service, "volumes")) if text(child(mount, "type")) == "volume"]


def _undefined(name: str, what: str, key: str, node: Node) -> ComposeError:
    return ComposeError(f"service `{name}` refers to undefined {what} {key}", node.span)


def _dangling_services(
    name: str, service: Node, services: dict[str, Node], active: dict[str, Node]
) -> Iterator[ComposeError]:
    for other, node in _dependencies(service).items():
        if other not in active and not _is_optional(node, other, services):
            yield ComposeError(f"service `{name}` depends on undefined service `{other}`", node.span)
    contexts = child(child(service, "build") or service, "additional_contexts")
    for key, node in children(contexts).items():
        if text(node).startswith(_SERVICE_PREFIX):
            target = services.get(text(node).removeprefix(_SERVICE_PREFIX))
            if target is None or child(target, "build") is None:
                problem = "unknown" if target is None else "non-buildable"
                yield ComposeError(
                    f"service `{name}` declares {problem} service as additional context {key}", node.span
                )


def _is_optional(node: Node, other: str, services: dict[str, Node]) -> bool:
    """May a dependency be missing? Only where it says so, and only a service that a profile leaves out."""
    return other in services and scalar(child(node, "required")) is False


def _dependencies(service: Node) -> dict[str, Node]:
    """All services that one waits for, said with `depends_on` or implied by what it shares with them."""
    found: dict[str, Node] = {}
    for link in items(child(service, "links")):
        if isinstance(link.value, str):
            found[link.value.partition(":")[0]] = link
    for namespace in _NAMESPACES:
        node = child(service, namespace)
        if node is not None and text(node).startswith(_SERVICE_PREFIX):
            found[text(node).removeprefix(_SERVICE_PREFIX)] = node
    for node in items(child(service, "volumes_from")):
        if isinstance(node.value, str) and not node.value.startswith("container:"):
            found[node.value.partition(":")[0]] = node
    return found | children(child(service, "depends_on"))


def _circles(active: dict[str, Node]) -> Iterator[ComposeError]:
    """One error for each circle found, walking without recursion."""
    graph = {name: _dependencies(service) for name, service in active.items()}
    done: set[str] = set()
    for start in graph:
        path: dict[str, None] = {}
        stack = [(start, False)]
        while stack:
            name, is_left = stack.pop()
            if is_left:
                done.add(path.popitem()[0])
            elif name not in done and name in graph:
                path[name] = None
                stack.append((name, True))
                for other, node in graph[name].items():
                    if other in path:
                        names = list(path)
                        circle = " -> ".join((*names[names.index(other) :], other))
                        yield ComposeError(f"dependency cycle detected: {circle}", node.span)
                        return
                    stack.append((other, False))
