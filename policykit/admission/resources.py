"""Kinds to the resources that an API server serves them under: built-in ones as data, others from the files' CRDs."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from policykit.views.objects import mapping, sequence

if TYPE_CHECKING:
    from policykit.views.project import Project


class Resource(NamedTuple):
    """A resource: its plural name, whether it lives in namespaces, and the other (group, version)s that serve it."""

    name: str
    namespaced: bool
    equivalents: tuple[tuple[str, str], ...] = ()


def resource_of(group: str, version: str, kind: str, project: Project) -> Resource:
    """The resource of a kind; one that nobody declares is taken to be namespaced, under the plural one would guess."""
    built_in = _built_in().get((group, kind))
    if built_in is not None:
        return built_in
    for obj in project.objects:
        if obj.kind == "CustomResourceDefinition":
            spec = mapping(obj.data.get("spec"))
            names = mapping(spec.get("names"))
            if spec.get("group") == group and names.get("kind") == kind:
                served = [str(mapping(v).get("name")) for v in sequence(spec.get("versions"))] or [version]
                equivalents = tuple((group, v) for v in served)
                return Resource(str(names.get("plural")), spec.get("scope") == "Namespaced", equivalents)
    return Resource(_plural(kind), True, ((group, version),))


def _plural(kind: str) -> str:
    """The plural of a kind as apimachinery guesses it (`meta.UnsafeGuessKindToResource`)."""
    name = kind.lower()
    if name.endswith("s"):
        return f"{name}es"
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


#: Groups that serve one and the same thing (kube-apiserver, `server.go`, equivalent resources).
_COHABITING = {"extensions": ("apps", "networking.k8s.io", "policy"), "": ("events.k8s.io",)}


@cache
def _built_in() -> dict[tuple[str, str], Resource]:
    table: dict[str, dict[str, list[Any]]] = json.loads(Path(__file__).with_name("kinds.json").read_text("utf-8"))
    served: dict[tuple[str, str], list[tuple[str, str]]] = {}
    shapes: dict[tuple[str, str], tuple[str, bool]] = {}
    for group_version, kinds in table.items():
        group, _, version = group_version.rpartition("/")
        for kind, (name, namespaced, *_) in kinds.items():
            served.setdefault((group, kind), []).append((group, version))
            shapes[group, kind] = (name, namespaced)
    return {key: Resource(*shape, tuple(_everywhere(key, shape[0], served, shapes))) for key, shape in shapes.items()}


def _everywhere(
    key: tuple[str, str],
    name: str,
    served: dict[tuple[str, str], list[tuple[str, str]]],
    shapes: dict[tuple[str, str], tuple[str, bool]],
) -> list[tuple[str, str]]:
    """The versions of a kind in its own group, and in the groups that hold the same thing under the same resource."""
    group, kind = key
    found = list(served[key])
    for one, others in _COHABITING.items():
        groups = (one, *others)
        if group in groups:
            for other in groups:
                if other != group and shapes.get((other, kind), ("", False))[0] == name:
                    found += served[other, kind]
    return found
